/*
 * sops: files of sops (https://github.com/getsops/sops) as files of secrets:
 * YAML, JSON, dotenv, INI and what it calls binary, opened with age keys.
 *
 * Values are AES-256-GCM, each bound to its path; a MAC is over all of them and
 * the time of the last change. A file without a MAC is refused, and one where
 * anything does not fit gives nothing out. Keys of other kinds than age (PGP,
 * clouds) open nothing here, and stay in a file that is written.
 */
#ifndef VAULT_SOPS_H
#define VAULT_SOPS_H

#include "age.h"
#include "base/err.h"
#include "sops_tree.h"

enum {
	SOPS_FILE_MAX = 1 << 20,
	SOPS_AGE_MAX = 64, /* recipients of one file that are tried */
};

struct sops;

/*
 * Reads and proves a file. NULL after err says what is wrong: by no byte of a
 * value. *ret is to be freed.
 */
[[nodiscard]] struct sops *
sops_open(struct span file, const struct age_keys *keys, struct err *err);
void sops_free(struct sops *s);

/*
 * What is in it as vault/secrets.h reads it, in the secure heap. In a file that
 * is ours (bulkhead_vault) that is all of it; of any other each value that is
 * encrypted and is a text, named by its path: keys joined by '.', what a name
 * may not have as '_'. A value that is not encrypted is no secret: nothing
 * proves its name.
 */
struct span sops_secrets(const struct sops *s);

/* The same, *n bytes, and from now on the caller's: to be freed by age_free. */
uint8_t *sops_take_secrets(struct sops *s, size_t *n);

/* A file with nothing in it, for n recipients, 1 to AGE_KEYS. */
[[nodiscard]] struct sops *sops_new(enum sops_format format,
				    const struct age_recipient *to, size_t n,
				    struct err *err);

/* Who may open it by an age key, at most AGE_KEYS of them. How many. */
size_t sops_recipients(const struct sops *s,
		       struct age_recipient ret[AGE_KEYS]);

/* Another key for its values, and these recipients alone; counts with the next
 * sops_save. 0 or -EINVAL: others than age have a key of it. */
[[nodiscard]] int sops_rotate(struct sops *s, const struct age_recipient *to,
			      size_t n, struct err *err);

/*
 * Appends the file with these secrets (as vault/secrets.h) in it. What is the
 * same as before stays as it is; values that are no secrets, sops' own keys and
 * comments of dotenv and INI do, too. -EINVAL after err: among others where a
 * file that is not ours would have to say for whom a secret is, or would lose
 * its comments (YAML). The file is read again and proved before it is given.
 * Once for what sops_open or sops_new gave.
 */
[[nodiscard]] int sops_save(struct sops *s, struct span secrets,
			    struct buf *ret, struct err *err);

#endif
