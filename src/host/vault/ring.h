/*
 * ring: the secrets that the vault has opened, and what opens them, all in
 * locked memory. Texts that are returned say why not, for the owner's log and
 * for the record; NULL is success. No byte of a secret is ever in one.
 */
#ifndef VAULT_RING_H
#define VAULT_RING_H

#include "base/err.h"
#include "vault/age.h"
#include "vault/secrets.h"

enum {
	RING_FILES = 8,
	RING_FILE_MAX = 1 << 20, /* as it lies on the disk */
	RING_BOUND = 64,	 /* secrets that do not say for whom they are */
};

struct ring_file {
	uint8_t *text; /* owned, locked */
	size_t n;
	struct secrets secrets;
};

/* A secret that says nothing is its first connector's, for its hosts. */
struct ring_bound {
	char name[LIMIT_NAME + 1];
	char connector[LIMIT_NAME + 1];
	char hosts[LIMIT_HOSTS + 1];
};

struct ring {
	struct age_identity *identities; /* owned, locked */
	size_t n_identities;
	uint8_t *passphrase; /* owned, locked */
	size_t passphrase_n;
	struct ring_file files[RING_FILES];
	size_t n_files;
	struct ring_bound bound[RING_BOUND];
	size_t n_bound;
	struct err err; /* of the file that was last read */
};

struct ring_value {
	uint8_t *p; /* owned, locked */
	size_t room;
	struct span text; /* of it */
};

/* Before the sandbox: locks the memory, has libcrypto load what it will need.
 * Ends the process where that fails. */
void ring_prepare(void);

/* Each reads the descriptor from its beginning, and closes nothing. */
const char *ring_identity(struct ring *r, int fd);
const char *ring_passphrase(struct ring *r, int fd);
const char *ring_secrets(struct ring *r, int fd);

/* The value of a secret for a connector that talks to those hosts. */
const char *ring_take(struct ring *r, struct span connector, struct span secret,
		      struct span hosts, struct ring_value *ret);
void ring_give_back(struct ring_value *v);

void ring_wipe(struct ring *r);

#endif
