/*
 * layout: where the parts of a log lie on disk (C2SP tlog-tiles), and how they
 * get there: written aside, then renamed, so that a reader sees a whole file
 * or none.
 *
 *	key                     signing key, 0600; locked while the log is open
 *	vkey                    its public half
 *	checkpoint              signed size and root
 *	wal                     see wal.h
 *	tile/entries/N          256 records, each a big-endian uint16 length
 *				and its bytes; N as x001/x234/067
 *	tile/L/N                256 hashes of level L
 *	tile/.../N.p/W          the last, unfinished one: its first W rows
 */
#ifndef TLOG_LAYOUT_H
#define TLOG_LAYOUT_H

#include "base/buf.h"
#include "base/err.h"
#include "tlog/tree.h"

enum {
	LAYOUT_PATH = 128,
	LAYOUT_ENTRIES = TREE_LEVELS, /* as a level: the entry bundles */
	LAYOUT_SETS,		      /* levels, and the bundles */
	LAYOUT_BUNDLE_MAX = TREE_TILE * (2 + 65535),
	LAYOUT_SMALL_MAX = 4 << 10, /* key, vkey, checkpoint */
};

/* Path of tile n of a set; width 1 to 255 for an unfinished one, else 0. */
void layout_path(char dst[LAYOUT_PATH], unsigned set, uint64_t n,
		 uint32_t width);

/* Full tiles, and rows of the unfinished one, of a set at this size. */
uint64_t layout_full(uint64_t size, unsigned set);
uint32_t layout_width(uint64_t size, unsigned set);

/* 1 if there is such a file, 0 if not, or -errno. */
[[nodiscard]] int layout_exists(int dir, const char *path);

/* Reads a regular file of at most max bytes into b. 0 or -errno. */
[[nodiscard]] int layout_read(int dir, const char *path, size_t max,
			      struct buf *b);

/* As layout_read; any failure but -ENOMEM is -EBADMSG with err. */
[[nodiscard]] int layout_need(int dir, const char *path, size_t max,
			      struct buf *b, struct err *err);

/* When a file is on disk: some time; its bytes before its name, so that no
 * power cut leaves it cut short in place of the one before; all of it. */
enum layout_when { LAYOUT_LATER, LAYOUT_WHOLE, LAYOUT_DURABLE };

/* Writes a file whole: aside, synced if asked, renamed, folders made. */
[[nodiscard]] int layout_publish(int dir, const char *path, struct span bytes,
				 enum layout_when sync);

/* Makes a published file durable and, with `folders`, its name: the folders
 * that lead to it. */
[[nodiscard]] int layout_sync(int dir, const char *path, bool folders);

/*
 * Compares a file with what it must be: 0, or -EBADMSG with its name and the
 * first offset that differs. With `lax`, a file that is missing or shorter,
 * as a crash leaves it, is 1 instead.
 */
[[nodiscard]] int layout_compare(int dir, const char *path, struct span want,
				 bool lax, struct err *err);

/*
 * The tree of the first `base` records, a multiple of 256: its unfinished tiles
 * are made of the full ones below them. 0 or -EBADMSG.
 */
[[nodiscard]] int layout_edge(int dir, uint64_t base, struct tree *ret,
			      struct err *err);

/* That all full tiles and bundles of this size are there, none of them cut:
 * their contents are not looked at. 0 or -EBADMSG. */
[[nodiscard]] int layout_whole(int dir, uint64_t size, struct err *err);

/* Where err names a tile or bundle, adds the first record that it stands for.
 */
void layout_name_records(struct err *err);

/*
 * That nothing lies beyond this size: no wider unfinished tile, no next one.
 * With `clean`, removes the narrower ones that no reader needs any more. 0 or
 * -EBADMSG.
 */
[[nodiscard]] int layout_beyond(int dir, uint64_t size, bool clean,
				struct err *err);

#endif
