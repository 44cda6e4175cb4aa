/*
 * seen: the names that were dealt with, in a file, a line each, so that nothing
 * is given twice after a restart. In memory a balanced tree: names are chosen
 * by others, so no hash that they could aim at.
 */
#ifndef CONNECTOR_SEEN_H
#define CONNECTOR_SEEN_H

#include "base/buf.h"

enum {
	SEEN_NAME_MAX = 255,
	SEEN_NAMES = 1000000, /* in a list */
	SEEN_FILE_MAX = 256 << 20,
	SEEN_OWED_MAX = 1 << 20, /* bytes of names that found the disk full */
};

struct seen {
	int dir; /* borrowed */
	char file[160];
	int fd;	    /* for appending; owned */
	void *tree; /* owned */
	size_t n;
	bool existed;	 /* there was a file before */
	struct buf owed; /* lines that the file lacks, for the disk is full */
};

/* Loads DIR/NAME.seen; a line that a crash cut short is dropped. 0 or -errno.
 */
[[nodiscard]] int seen_open(struct seen *s, int dir, struct span name);
void seen_close(struct seen *s);

/* A name can be kept: not empty, not too long, without NUL and newline. */
bool seen_name_ok(struct span name);

bool seen_has(const struct seen *s, struct span name);

/* In memory only, until seen_save: 0, -EEXIST, -EINVAL, -ENFILE, -ENOMEM. */
[[nodiscard]] int seen_note(struct seen *s, struct span name);

/* Takes a name back that was only noted. */
void seen_forget(struct seen *s, struct span name);

/* Makes a noted name durable; where the disk is full, once it is not: the queue
 * knows it meanwhile. 0 or -errno. */
[[nodiscard]] int seen_save(struct seen *s, struct span name);

/* Writes what is owed, if there is room by now. 0 or -errno. */
[[nodiscard]] int seen_settle(struct seen *s);

/* Rewrites the file with the names for which keep() says yes, and drops the
 * others from memory. 0 or -errno. */
typedef bool (*seen_keep_fn)(void *arg, struct span name);
[[nodiscard]] int seen_compact(struct seen *s, seen_keep_fn keep, void *arg);

#endif
