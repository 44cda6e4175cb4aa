/*
 * secrets: what is in a file of the vault's once it is open: JSON,
 *
 *	{ "bulkhead_vault": 1,
 *	  "secrets": { "NAME": { "value": "...", "connector": "imap-personal",
 *	                         "hosts": ["imap.example.org:993"] } } }
 *
 * or {"NAME": "..."}, as other programs write it: such a secret says for whom
 * it is by no word of its own, and who holds the vault binds it to the first
 * that asks (host/vault).
 *
 * The text is looked at in place; a value leaves it only into memory that the
 * caller brings.
 */
#ifndef VAULT_SECRETS_H
#define VAULT_SECRETS_H

#include "base/buf.h"
#include "base/jcur.h"
#include "proto/limits.h"

enum {
	SECRETS_TEXT_MAX = 512 << 10,
	SECRETS_MAX = 256, /* in one file */
	SECRETS_HOSTS = 8,
	SECRETS_HOST_MAX = 264,
};

struct secrets {
	struct jval rows; /* the object of names, in the caller's text */
};

struct secret_row {
	char name[LIMIT_NAME + 1];
	struct jval value;		/* a string */
	char connector[LIMIT_NAME + 1]; /* "": it does not say */
	size_t n_hosts;
	char hosts[SECRETS_HOSTS][SECRETS_HOST_MAX];
};

/* Why a text is none of the two shapes, for the owner, no byte of a value in
 * it; NULL: it is one. *ret borrows the text. */
const char *secrets_parse(struct secrets *ret, struct span text);

/* The rows in the order of the file; *it begins as secrets_all. */
struct jiter secrets_all(const struct secrets *s);
bool secrets_next(struct jiter *it, struct secret_row *ret);

/* The row of a name. */
bool secrets_find(const struct secrets *s, const char *name,
		  struct secret_row *ret);

/* "[a-z0-9._-]", 1 to LIMIT_NAME, the first no '.' and no '-'. */
bool secret_name_ok(const char *name);

/*
 * Why this row is not for a connector that talks to these hosts ("name:port
 * name:port"), or NULL: it is, or does not say.
 */
const char *secret_not_for(const struct secret_row *row, const char *connector,
			   struct span hosts);

/*
 * Writes the whole text anew: without the row of a name, and with `with` in its
 * place or behind all others, whose value is the bytes; NULL: without it.
 * Numbers, order and names of all others stay. -EINVAL: bytes that are no UTF-8
 * or have a NUL; -ENOMEM, -E2BIG.
 */
[[nodiscard]] int secrets_write(struct buf *ret, const struct secrets *s,
				const char *name, const struct secret_row *with,
				struct span value);

/* The text of an empty file. */
struct span secrets_empty(void);

#endif
