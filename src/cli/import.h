/*
 * import: reading another program's directory without touching it.
 */
#ifndef CLI_IMPORT_H
#define CLI_IMPORT_H

#include "base/err.h"
#include "import/openclaw.h"

/* The files of a directory that are of use; names and bytes are owned. */
struct import_dir {
	size_t n;
	struct openclaw_file files[OPENCLAW_FILES];
	struct buf warnings; /* lines: what was not read, and why */
};

/*
 * Reads what an OpenClaw directory has. Only regular files of at most 2 MiB,
 * found beneath dir without a link on the way; nothing is written, times of
 * access stay where the kernel lets them. 0 or -errno with why in e.
 */
[[nodiscard]] int import_dir_read(const char *dir, struct import_dir *ret,
				  struct err *e);

/* Wipes and frees. */
void import_dir_done(struct import_dir *d);

#endif
