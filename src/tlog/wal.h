/*
 * wal: the write-ahead file of the log, as pure bytes. It makes a batch of
 * records durable with one fdatasync; everything else on disk follows from it
 * and from the tiles that were synced before its first record.
 *
 *	head    16  "bulkhead wal 1\n\0"
 *		 8  index of its first record, little-endian as all here,
 *		    a multiple of 256
 *		32  SHA-256 of the 24 bytes before
 *	batch    4  "btch"
 *		 4  number of records, 1 to WAL_BATCH
 *		 4  bytes of their rows
 *		 8  index of the first
 *		 4  start of SHA-256 of the chain and the 20 bytes before
 *		..  a row a record: big-endian uint16 length, bytes
 *		32  SHA-256 of the chain, batch head and rows
 *
 * The chain is the hash that ends what lies before, so that no batch can be
 * taken out, swapped or put in.
 *
 * A batch is written only after the one before it was synced. A crash can
 * therefore leave one torn batch, at the end of the file: cut off in its head
 * or its rows, or with blocks that still hold zeros. Whatever else does not
 * fit was not a crash.
 */
#ifndef TLOG_WAL_H
#define TLOG_WAL_H

#include "base/buf.h"
#include "tlog/tree.h"

enum {
	WAL_HEAD = 56,
	WAL_BATCH_HEAD = 24,
	WAL_BATCH = TLOG_BATCH,	   /* records in a batch */
	WAL_LONG_RECORDS = 8192,   /* begin anew at rest after this many, */
	WAL_LONG_BYTES = 8 << 20,  /* or so many bytes; */
	WAL_MOST_RECORDS = 65536,  /* and at once after this many, */
	WAL_MOST_BYTES = 24 << 20, /* or so many bytes */
	WAL_FILE_MAX = 64 << 20,   /* never larger than this */
};

/* Begins a file: appends its head, sets the chain. 0 or -EIO. */
[[nodiscard]] int wal_begin(struct buf *b, uint64_t base,
			    uint8_t chain[TLOG_HASH]);

/* Appends a batch of n records in rows, advances the chain. 0 or -EIO. */
[[nodiscard]] int wal_batch(struct buf *b, uint64_t first, uint32_t n,
			    struct span rows, uint8_t chain[TLOG_HASH]);

enum wal_result {
	WAL_OK,	  /* a batch; or the file's head */
	WAL_END,  /* the end, where it should be */
	WAL_TORN, /* a batch that a crash cut off: it ends here */
	WAL_BAD,  /* not what was written */
};

/* A walk over the bytes of a file. */
struct wal_walk {
	struct span bytes; /* borrowed */
	size_t off;	   /* of what comes next, or of the fault */
	uint64_t base;	   /* index of the file's first record */
	uint64_t next;	   /* index of the next record */
	uint8_t chain[TLOG_HASH];
	struct span rows; /* of the batch just returned */
	uint32_t n;	  /* its records */
};

/* Reads the head: WAL_OK or WAL_BAD (or -EIO as WAL_BAD). */
enum wal_result wal_open(struct wal_walk *w, struct span bytes);

/* The next batch. Every row in it is whole: wal_row needs no check. */
enum wal_result wal_next(struct wal_walk *w);

/* Takes the next row off rows: its record. False at the end or a bad row. */
bool wal_row(struct span *rows, struct span *record);

/* Appends a row; record.n is 1 to 65535. */
void wal_put_row(struct buf *b, struct span record);

#endif
