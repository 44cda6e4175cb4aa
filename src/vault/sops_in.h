/*
 * sops_in: what the parts of sops.h share. Everything that is secret is in the
 * secure heap.
 */
#ifndef VAULT_SOPS_IN_H
#define VAULT_SOPS_IN_H

#include "proto/limits.h"
#include "sops.h"

enum { SOPS_KEY = 32 };

struct sops {
	struct sops_tree t;
	uint8_t *key;	/* of the values; SOPS_KEY bytes */
	bool others;	/* keys of other kinds than age open it, too */
	uint8_t *plain; /* what the nodes' `plain` are of */
	size_t plain_room, plain_n;
	uint8_t *text; /* sops_secrets */
	size_t text_room, text_n;
	uint8_t *added; /* what was not in the file, as `plain` */
	size_t added_room, added_n;
	bool rekey; /* its key is new: all values are to be sealed */
};

[[nodiscard]] struct sops *sops_alloc(enum sops_format format, struct err *err);

/* A file into s->t, its rules applied. 0 or -errno. */
[[nodiscard]] int sops_load(struct sops *s, struct span file, struct err *err);

/* All values and the MAC, with s->key. */
[[nodiscard]] int sops_prove(struct sops *s, struct err *err);

/* Fills s->text from the values. */
[[nodiscard]] int sops_put_secrets(struct sops *s, struct err *err);

/* Whether a node is a value that is encrypted. */
bool sops_is_sealed(const struct sops *s, uint32_t i);

/* Whether a value can be a secret: a text, of at least one byte. */
bool sops_is_text(struct span s);

/* Whether it is one that we wrote. */
bool sops_is_ours(const struct sops *s);

/* The name of a value as a secret; "" where it can have none. */
void sops_secret_name(const struct sops *s, uint32_t i,
		      char ret[LIMIT_NAME + 1]);

/* --- one value: "ENC[AES256_GCM,data:...,iv:...,tag:...,type:...]" ---------
 */

/* Bytes that a value will need once it is open; 0: it is none. */
size_t sops_value_room(struct span text);

/* Opens it into `to`, which has that room. 0 or -1. */
[[nodiscard]] int sops_value_open(const uint8_t key[SOPS_KEY], struct span text,
				  struct span aad, uint8_t *to,
				  struct span *plain, enum sops_kind *kind);

/* Appends it. An empty one is empty. 0 or -EIO. */
[[nodiscard]] int sops_value_seal(const uint8_t key[SOPS_KEY],
				  struct span plain, enum sops_kind kind,
				  struct span aad, struct buf *ret);

/* The MAC of a tree whose values are open, as sops writes it. */
enum { SOPS_MAC = 128 };

[[nodiscard]] int sops_mac(const struct sops_tree *t, char ret[SOPS_MAC]);

#endif
