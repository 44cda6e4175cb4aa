/*
 * records: the audit log for a reader that follows it, out of its bundles
 * (C2SP tlog-tiles: N holds records 256 N to 256 N + 255, N.p/W its first W
 * rows, each a big-endian uint16 length and its bytes). The folder of bundles
 * is all that is needed: what lies there is durable, and nothing else of the
 * log, its key least of all, is in reach.
 *
 * How far it got is in a file, the cursor, which is written when the collector
 * has what was read: so a record may be sent twice, never not at all. A cursor
 * that cannot be read begins anew.
 */
#ifndef TELEMETRY_RECORDS_H
#define TELEMETRY_RECORDS_H

#include "base/buf.h"

enum {
	RECORDS_TILE = 256,
	RECORDS_PATH = 64,
	RECORDS_BUNDLE_MAX = RECORDS_TILE * (2 + 65535),
};

struct records {
	int dir;    /* borrowed: audit/tile/entries */
	int cursor; /* borrowed; -1: none is kept */
	uint64_t next;
	/* the bundle that was read last */
	struct buf bundle;
	uint64_t number;
	uint32_t rows; /* 0: none was read */
	uint32_t at;   /* row at offset off */
	size_t off;
};

/* Reads the cursor. */
void records_open(struct records *r, int dir, int cursor);
void records_done(struct records *r);

/* Record `index`, borrowed until the next call: 1, 0 if there is none yet,
 * -EBADMSG for a bundle that is none, or another negative errno. */
[[nodiscard]] int records_get(struct records *r, uint64_t index,
			      struct span *ret);

/* All before `next` has arrived. 0 or -errno. */
[[nodiscard]] int records_keep(struct records *r, uint64_t next);

/* The place of a bundle below the folder: "x001/234"; width 1 to 255 for an
 * unfinished one's folder with W behind it, 0 for a full one. */
void records_path(char dst[RECORDS_PATH], uint64_t number, uint32_t width);

#endif
