/*
 * archive: a backup as a stream: a POSIX ustar archive of plain files below
 * bulkhead-state/, whose last member, SHA256SUMS, has the sum of each other
 * one. Any tar can list and unpack it.
 *
 * Reading trusts nothing: each header's checksum, plain files only, names out
 * of a narrow alphabet without `..`, each name once, every sum, and nothing
 * behind the end.
 */
#ifndef STATE_ARCHIVE_H
#define STATE_ARCHIVE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/sha256.h"

enum {
	ARCHIVE_BLOCK = 512,
	ARCHIVE_PATH = 200,	 /* of a member, with its NUL */
	ARCHIVE_FILES = 4000000, /* in one archive */
	ARCHIVE_SUMS_MAX = 512 << 20,
};

#define ARCHIVE_FILE_MAX ((uint64_t)8 << 30) /* ustar's eleven digits */

struct archive {
	int fd; /* borrowed */
	uint64_t files, bytes;
	struct buf sums; /* the text of SHA256SUMS so far */
};

void archive_init(struct archive *a, int fd);
void archive_done(struct archive *a);

/* Whether a member may have this name, relative to bulkhead-state/. */
bool archive_path_ok(const char *path);

/* Adds a file with these bytes. 0 or -errno. */
[[nodiscard]] int archive_add(struct archive *a, const char *path,
			      struct span bytes);

/* Adds the first `size` bytes of a file; -EAGAIN if it has become shorter. */
[[nodiscard]] int archive_add_fd(struct archive *a, const char *path, int fd,
				 uint64_t size);

/* The sums and the end; nothing can be added any more. 0 or -errno. */
[[nodiscard]] int archive_end(struct archive *a);

/* One member while reading; its bytes are fetched by archive_read. */
struct member {
	char path[ARCHIVE_PATH];
	uint64_t left; /* bytes not yet read */
	uint64_t size; /* bytes read */
	struct sha256 sum;
};

/*
 * The next member: 1, or 0 at the end, where the sums agreed with all that was
 * read and nothing lies behind. -EBADMSG with what is wrong and where, -errno.
 * All bytes of the member before must have been read.
 */
[[nodiscard]] int archive_next(struct archive *a, struct member *ret,
			       struct err *err);

/* Up to n bytes of the member; the count, 0 at its end, or -errno. */
[[nodiscard]] ssize_t archive_read(struct archive *a, struct member *m, void *p,
				   size_t n, struct err *err);

#endif
