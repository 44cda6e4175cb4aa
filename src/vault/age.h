/*
 * age: files of age v1 (https://age-encryption.org/v1): X25519 and scrypt
 * recipients, with and without armor. What is read is an owner's file that
 * somebody may have changed: every field is taken in its one spelling alone,
 * and nothing of a file's content is given out before all of it is proved.
 */
#ifndef VAULT_AGE_H
#define VAULT_AGE_H

#include "base/buf.h"

enum {
	AGE_FILE_MAX = 32 << 20,
	AGE_HEADER_MAX = 64 << 10,
	AGE_STANZAS = 64,
	AGE_KEYS = 32, /* identities in one file, recipients of one */
	AGE_KEY_TEXT = 96,
	AGE_WORK_MAX = 22, /* log2 of scrypt's N that is still tried */
	AGE_WORK = 18,	   /* of what is written: a second, 256 MiB */
};

/* What became of opening a file. */
enum age_result {
	AGE_OK = 0,
	AGE_HEADER,   /* its header is not one of age v1, or too large */
	AGE_NO_MATCH, /* it is for none of the keys */
	AGE_HMAC,     /* its header was changed */
	AGE_PAYLOAD,  /* its content was changed, or its end is missing */
	AGE_ARMOR,    /* its armor is not strictly one */
	AGE_HYBRID,   /* for a hybrid (ML-KEM) key alone, which is not read */
	AGE_ROOM,     /* too large, or out of memory */
	AGE_RESULT_MAX
};

/* In words for the owner, and what to do. */
const char *age_result_text(enum age_result r);

struct age_identity {
	uint8_t secret[32];
	uint8_t public[32];
};

struct age_recipient {
	uint8_t public[32];
};

/* What opens a file: identities, or one passphrase. Borrowed. */
struct age_keys {
	const struct age_identity *identities;
	size_t n;
	struct span passphrase; /* empty: none */
};

/*
 * Decrypts. *content is a block of the secure heap, or NULL where there is
 * nothing in the file; *n its bytes; to be freed by age_free.
 */
[[nodiscard]] enum age_result age_open(struct span file,
				       const struct age_keys *keys,
				       uint8_t **content, size_t *n);
void age_free(uint8_t *content, size_t n);

/*
 * Encrypts to n recipients, 1 to AGE_KEYS, or with a passphrase (n is 0, the
 * passphrase not empty). Appends the file. 0, or -ENOMEM, -EINVAL, -EIO.
 */
[[nodiscard]] int age_seal(struct buf *ret, const struct age_recipient *to,
			   size_t n, struct span passphrase, bool armored,
			   struct span content);

/* A new identity. 0 or -EIO. */
[[nodiscard]] int age_generate(struct age_identity *ret);

/* "AGE-SECRET-KEY-1...", "age1...". 0 or -1. */
[[nodiscard]] int age_identity_parse(struct age_identity *ret,
				     struct span text);
void age_identity_text(char ret[AGE_KEY_TEXT], const struct age_identity *k);
[[nodiscard]] int age_recipient_parse(struct age_recipient *ret,
				      struct span text);
void age_recipient_text(char ret[AGE_KEY_TEXT], const uint8_t public[32]);

/*
 * An identities file: a key a line, empty lines, comments from '#'. How many,
 * 1 to AGE_KEYS, or -1 with *line (from 1) of what is wrong, 0: none, or too
 * many.
 */
[[nodiscard]] int age_identities(struct age_identity ret[AGE_KEYS],
				 struct span file, size_t *line);

/* Names in the spec's words what is wrong with a key: "a hybrid key (age1pq1),
 * which this version does not read", ... */
const char *age_key_why(struct span text);

#endif
