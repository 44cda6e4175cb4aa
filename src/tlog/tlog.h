/*
 * tlog: the Merkle log of the audit: C2SP tlog-tiles on disk, RFC 6962
 * hashing, checkpoints as C2SP signed notes (Ed25519). Used by auditd, which
 * appends, and by the CLI, which reads and verifies.
 */
#ifndef TLOG_TLOG_H
#define TLOG_TLOG_H

#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

enum {
	TLOG_HASH = 32,
	TLOG_BATCH = 256, /* records in a batch */
};

struct tlog; /* an open log, for appending */

/*
 * Opens or creates the log in directory dirfd (borrowed): recovers the tail,
 * re-derives what a crash left behind, refuses (-EBADMSG, err names file and
 * offset) what does not agree with the last checkpoint. A new log makes its
 * Ed25519 key.
 */
[[nodiscard]] int tlog_open(int dirfd, struct tlog **ret, struct err *err);
void tlog_close(struct tlog *t);

/*
 * Adds a record (1 to LIMIT_AUDIT_RECORD bytes) to the current batch. -EINVAL
 * for a record of another size, -ENOBUFS when the batch has TLOG_BATCH records
 * and must be committed first; the log lives on after both.
 */
[[nodiscard]] int tlog_add(struct tlog *t, struct span record, uint64_t *index);

/*
 * Makes the batch durable (one fdatasync), then publishes tiles and a signed
 * checkpoint. Returns 0 or -errno, after which the log takes nothing more:
 * no record of the batch may be acknowledged.
 */
[[nodiscard]] int tlog_commit(struct tlog *t);

/* What tlog_open had to repair after a crash, in words; "" if nothing. */
const char *tlog_recovery(const struct tlog *t);

uint64_t tlog_size(const struct tlog *t);
void tlog_root(const struct tlog *t, uint8_t ret[TLOG_HASH]);

/*
 * Reading: one record into *ret (malloc'ed, *n bytes). Returns 0, -ENOENT past
 * the end, -EBADMSG for a log that contradicts itself.
 */
[[nodiscard]] int tlog_read(int dirfd, uint64_t index, uint8_t **ret, size_t *n,
			    struct err *err);

/*
 * Verifies everything: each record hashed again, each tile, the root, the
 * signature, and that nothing lies beyond the checkpoint. Returns 0 with size,
 * root and key, or -EBADMSG with what and where.
 */
struct tlog_state {
	uint64_t size;
	uint8_t root[TLOG_HASH];
	char vkey[160]; /* verifier key of the log, C2SP signed-note */
};

[[nodiscard]] int tlog_verify(int dirfd, struct tlog_state *ret,
			      struct err *err);

/* Size, root and key as the signed checkpoint has them, nothing else checked.
 */
[[nodiscard]] int tlog_head(int dirfd, struct tlog_state *ret, struct err *err);

#endif
