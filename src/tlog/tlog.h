/*
 * tlog: the Merkle log of the audit: C2SP tlog-tiles on disk, RFC 6962
 * hashing, checkpoints as C2SP signed notes (Ed25519). Used by auditd, which
 * appends, and by the CLI, which reads and verifies.
 */
#ifndef TLOG_TLOG_H
#define TLOG_TLOG_H

#include <stdbool.h>
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

/*
 * Who makes room when the disk is full: true, and what found no room is tried
 * again; false, and that is an error like any other. arg is borrowed.
 */
struct tlog_room {
	bool (*make)(void *arg);
	void *arg;
};

/*
 * The same with a directory (borrowed) outside of the log, where a copy of
 * each checkpoint is kept, the tip: a log that does not go on from there (an
 * older copy, one begun anew, none at all) is refused. room may be NULL.
 */
[[nodiscard]] int tlog_open_tip(int dirfd, int tipfd,
				const struct tlog_room *room, struct tlog **ret,
				struct err *err);
void tlog_close(struct tlog *t);

/*
 * Adds a record (1 to LIMIT_AUDIT_RECORD bytes) to the current batch. -EINVAL
 * for a record of another size, -ENOBUFS when the batch has TLOG_BATCH records
 * and must be committed first; the log lives on after both.
 */
[[nodiscard]] int tlog_add(struct tlog *t, struct span record, uint64_t *index);

/*
 * Makes the batch durable (one fdatasync). Returns 0 or -errno, after which the
 * log takes nothing more: no record of the batch may be acknowledged, and
 * whether it is on disk is known when the log is opened anew.
 */
[[nodiscard]] int tlog_commit(struct tlog *t);

/*
 * Publishes what is committed, for readers: unfinished tiles and a signed
 * checkpoint; nothing of it is needed to keep a record. Returns as tlog_commit.
 */
[[nodiscard]] int tlog_publish(struct tlog *t);

/* The same, and uses the rest to put the log in order, when the wal is long. */
[[nodiscard]] int tlog_rest(struct tlog *t);

/* True if the wal is so long that tlog_publish may not wait any more. */
bool tlog_is_long(const struct tlog *t);

/*
 * That the log goes on from what somebody, called `name` in err, knows of an
 * older state of it: 0, or -EBADMSG with err, or as tlog_publish. Publishes.
 */
[[nodiscard]] int tlog_goes_on(struct tlog *t, uint64_t size,
			       const uint8_t root[TLOG_HASH], const char *name,
			       struct err *err);

/* What was done since tlog_open. */
struct tlog_counts {
	uint64_t records;
	uint64_t batches;
	uint64_t syncs; /* fdatasync of the wal */
};

struct tlog_counts tlog_counts(const struct tlog *t);

/* What tlog_open had to repair after a crash, in words; "" if nothing. */
const char *tlog_recovery(const struct tlog *t);

uint64_t tlog_size(const struct tlog *t);
void tlog_root(const struct tlog *t, uint8_t ret[TLOG_HASH]);

/*
 * Waits, for less than half a second, until what a writer has made durable
 * by now is under a checkpoint, too. True if somebody writes the log.
 */
bool tlog_settle(int dirfd);

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
	char vkey[160]; /* verifier key in force, C2SP signed-note */
	uint64_t epoch; /* of that key */
};

[[nodiscard]] int tlog_verify(int dirfd, struct tlog_state *ret,
			      struct err *err);

/*
 * The same, and tells fn each record on the way, from 0 on, before the whole
 * is known to hold. What fn returns, if not 0, ends the walk and is returned.
 */
typedef int (*tlog_record_fn)(void *arg, uint64_t index, struct span record);

[[nodiscard]] int tlog_walk(int dirfd, tlog_record_fn fn, void *arg,
			    struct tlog_state *ret, struct err *err);

/*
 * That the log, as its last checkpoint has it, goes on from an older one: a
 * signed note from elsewhere, called `name` in err, or the tip kept in tipfd.
 * *ret is what the older one says. 0, -ENOENT where there is no tip, or
 * -EBADMSG.
 */
[[nodiscard]] int tlog_verify_note(int dirfd, struct span note,
				   const char *name, struct tlog_state *ret,
				   struct err *err);
[[nodiscard]] int tlog_verify_tip(int dirfd, int tipfd, struct tlog_state *ret,
				  struct err *err);

/*
 * Proofs against the last signed checkpoint, as text that others read too.
 * tlog_prove: that record `index` is in the log, as C2SP tlog-proof, the record
 * itself as its extra data. tlog_prove_growth: that the log goes on from its
 * first `size` records, in the form of a C2SP tlog-witness request. Both are
 * checked before they are given out. 0, -ENOENT past the end, or -EBADMSG.
 */
struct buf;
[[nodiscard]] int tlog_prove(int dirfd, uint64_t index, struct buf *ret,
			     struct err *err);
[[nodiscard]] int tlog_prove_growth(int dirfd, uint64_t size, struct buf *ret,
				    struct err *err);

/*
 * A key of the log and the record that announced it; of the first, epoch 0,
 * which names the log, there is no such record. tlog_keys tells fn all of
 * them, each signed by the one before; what fn returns, if not 0, ends that.
 */
struct tlog_key {
	uint64_t epoch;
	uint64_t index;
	char vkey[160];
	char sig[96]; /* over the link, by the key before; chain.h */
};

typedef int (*tlog_key_fn)(void *arg, const struct tlog_key *k);

[[nodiscard]] int tlog_keys(int dirfd, tlog_key_fn fn, void *arg,
			    struct err *err);

/*
 * A new key, in three steps. tlog_key_new makes it and says what the next
 * record must have in it: vkey and sig. That record is added and committed
 * alone, and at once. tlog_key_take then puts the key in the place of the one
 * before, whose private half is erased. -EBUSY with a batch that is not
 * committed, -ENOSPC after some thousand keys: the log lives on after both. Any
 * other error as tlog_commit.
 */
[[nodiscard]] int tlog_key_new(struct tlog *t, struct tlog_key *ret);
[[nodiscard]] int tlog_key_take(struct tlog *t);

/* Seconds since the key in force was made or restored, by the wall clock;
 * negative where that is in the future. */
int64_t tlog_key_age(const struct tlog *t);

/* Size, root and key as the signed checkpoint has them, nothing else checked.
 */
[[nodiscard]] int tlog_head(int dirfd, struct tlog_state *ret, struct err *err);

#endif
