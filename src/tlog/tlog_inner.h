/*
 * tlog_inner: an open log, for the files that make up tlog.h's writing half.
 */
#ifndef TLOG_TLOG_INNER_H
#define TLOG_TLOG_INNER_H

#include "tlog/chain.h"
#include "tlog/layout.h"
#include "tlog/tlog.h"

struct tlog {
	int dir;	     /* borrowed */
	int tip;	     /* borrowed: where the tip is kept; -1: nowhere */
	int lock;	     /* the file `key`, locked */
	int wal;	     /* for appending */
	struct note_key key; /* in force */
	struct chain keys;
	struct note_key next; /* of a change of keys that is under way */
	struct chain after;
	struct tree tree; /* of what is committed */
	uint8_t root[TLOG_HASH];
	uint64_t base; /* index of the wal's first record */
	uint64_t wal_bytes;
	uint8_t chain[TLOG_HASH];
	struct buf bundle; /* rows of the unfinished bundle */
	struct buf batch;  /* rows not yet committed */
	uint32_t batch_n;
	struct buf late;    /* full tiles and bundles, not yet files */
	struct buf out;	    /* scratch */
	uint64_t before[2]; /* sizes of the last two checkpoints */
	uint64_t published; /* size of the last checkpoint */
	bool replaying;	    /* files may exist, and must then agree */
	bool dead;
	struct tlog_room room;
	struct err *err; /* of the tlog_open that runs, else NULL */
	char recovery[200];
	struct tlog_counts counts;
};

/* As layout_publish, and tried again as long as somebody makes room. */
[[nodiscard]] int tlog_put_file(struct tlog *t, int dir, const char *path,
				struct span bytes, enum layout_when sync);

/* A checkpoint of what is published, signed with the key in force, and the tip.
 */
[[nodiscard]] int tlog_put_checkpoint(struct tlog *t, enum layout_when sync);

/* Publishes what is committed, if there is anything new. */
[[nodiscard]] int tlog_put_all(struct tlog *t);

/* rekey.c: what a crash left of a change of keys is done, or undone. */
[[nodiscard]] int rekey_settle(struct tlog *t);
void rekey_forget(struct tlog *t);

#endif
