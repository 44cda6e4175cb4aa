/*
 * database: see database.h. A database file alone is whole only where nobody is
 * writing to it: SQLite then keeps neither a journal nor a write-ahead file
 * beside it, or an empty one.
 */
#include "state/database.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

static bool has_beside(int dir, const char *name, const char *ending)
{
	char path[ARCHIVE_PATH];
	struct stat st;

	return str_printf(path, sizeof(path), "%s%s", name, ending) < 0 ||
	       (fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		st.st_size > 0);
}

int database_copy(struct archive *a, int dir, const char *name,
		  const char *path, struct err *err)
{
	CLEAN_FD int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	if (has_beside(dir, name, "-wal") || has_beside(dir, name, "-journal"))
		return err_set(err, -EBUSY,
			       "%s: is being written: `bulkhead down` first",
			       path);
	return archive_add_fd(a, path, fd, (uint64_t)st.st_size);
}
