/*
 * vault_box: a file of secrets as `bulkhead vault` works with it: opened with
 * what the configuration names, written anew as a whole or not at all. What is
 * in it lies in locked memory; every error is told on stderr, by no byte of a
 * secret.
 */
#ifndef CLI_VAULT_BOX_H
#define CLI_VAULT_BOX_H

#include "conf/conf.h"
#include "vault/age.h"
#include "vault/secrets.h"
#include "vault/sops.h"

struct vault_box {
	char file[CONF_PATH_MAX];
	char identity[CONF_PATH_MAX]; /* "": a passphrase opens it */
	struct age_identity *identities;
	size_t n_identities;
	struct age_recipient to[AGE_KEYS]; /* whom it is written for */
	size_t n_to;
	uint8_t *passphrase; /* LINE_ROOM bytes */
	size_t passphrase_n;
	uint8_t *text; /* locked; owned */
	size_t n;
	struct secrets secrets; /* of the text */
	struct sops *sops;	/* owned; NULL: it is a file of age */
};

enum { LINE_ROOM = LIMIT_SECRET + 2 };

/* Once, before anything else: memory that is locked, in no core. */
[[nodiscard]] int box_prepare(void);

/* Where the configuration says that the file is, and what opens it: the first,
 * or the one of that path. CLI_OK, or an exit code after it said why. */
[[nodiscard]] int box_find(struct vault_box *b, const struct conf *c,
			   const char *file);

/* What opens it; asks for a passphrase, twice where it is to be a new one. */
[[nodiscard]] int box_keys(struct vault_box *b, bool fresh);

/* Opens it, with box_keys before. */
[[nodiscard]] int box_open(struct vault_box *b);

/* Forgets what is in it, not what opens it. */
void box_close(struct vault_box *b);

/* A new file of sops in the place of one of age, for box_save: its format is
 * that of its name, .yaml, .json, .env or .ini. */
[[nodiscard]] int box_new_sops(struct vault_box *b);

/* Writes the text, sealed: beside it, fsync, rename; mode 0600. */
[[nodiscard]] int box_save(struct vault_box *b, struct span text);

/* A new file of one key, 0600, where there is none: -EEXIST. */
[[nodiscard]] int box_new_identity(const char *path, struct age_identity *ret);

/* Makes the folders of a path, 0700. */
[[nodiscard]] int box_folders(const char *path);

/*
 * A secret of the terminal, unseen, twice where `twice`; or all of a pipe, or
 * of a descriptor, without the last line end. Its length into *n; locked memory
 * of LINE_ROOM bytes, to be freed by box_free_line; NULL after it said why.
 */
uint8_t *box_line(const char *prompt, int fd, bool twice, size_t *n);
void box_free_line(uint8_t *line);

/* One line, which may be empty: of the terminal, unseen, or the next one of
 * what stdin is, where it is none: stdio must not have read ahead. As box_line.
 */
uint8_t *box_answer(const char *prompt, size_t *n);

void box_done(struct vault_box *b);

#endif
