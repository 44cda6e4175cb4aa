/*
 * database: see database.h. The store's database is SQLite's, in WAL mode: what
 * is newer than the file stands in NAME-wal, until a checkpoint writes it into
 * the file, in place, and the next writer begins the wal anew, with another
 * head. So the file first and the wal after it are one moment together, that of
 * the wal, as long as its head has stayed the same meanwhile: whatever changed
 * in the file, also by half, is in the wal as well, and who opens the copy
 * writes it once more. They are copied aside until that is known.
 */
#include "state/database.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

enum { DATABASE_TRIES = 8, WAL_HEAD = 32, CHUNK = 64 << 10 };

/* What must stay the same while the two are copied. */
struct mark {
	struct stat file;
	uint8_t head[WAL_HEAD];
	size_t n; /* of head; 0: there is no wal */
};

static int open_beside(int dir, const char *name, const char *ending)
{
	char path[ARCHIVE_PATH];
	int fd;

	if (str_printf(path, sizeof(path), "%s%s", name, ending) < 0)
		return -ENAMETOOLONG;
	fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static int read_mark(int dir, const char *name, struct mark *ret)
{
	CLEAN_FD int wal = open_beside(dir, name, "-wal");
	ssize_t n = 0;

	*ret = (struct mark){ 0 };
	if (fstatat(dir, name, &ret->file, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISREG(ret->file.st_mode))
		return -ENOTSUP;
	if (wal >= 0)
		n = pread(wal, ret->head, sizeof(ret->head), 0);
	else if (wal != -ENOENT)
		return wal;
	ret->n = n > 0 ? (size_t)n : 0;
	return n < 0 ? -errno : 0;
}

static bool same(const struct mark *a, const struct mark *b)
{
	if (a->file.st_ino != b->file.st_ino || a->n != b->n)
		return false;
	/* Without a wal nothing stands in for what changes in the file. */
	return a->n ? !memcmp(a->head, b->head, a->n)
		    : a->file.st_size == b->file.st_size &&
			       a->file.st_mtim.tv_sec ==
				       b->file.st_mtim.tv_sec &&
			       a->file.st_mtim.tv_nsec ==
				       b->file.st_mtim.tv_nsec;
}

/* A file without a name, on the disk where that can be. */
static int file_aside(int dir)
{
	int fd = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0)
		fd = memfd_create("backup", MFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The file as far as it goes now; it may grow or be cut meanwhile. */
static int copy_aside(int dir, int from, int *ret)
{
	uint8_t chunk[CHUNK];
	struct stat st;
	uint64_t left;
	int r = 0;

	*ret = file_aside(dir);
	if (*ret < 0 || fstat(from, &st) < 0)
		return *ret < 0 ? *ret : -errno;
	left = (uint64_t)st.st_size;
	while (r == 0 && left) {
		ssize_t n =
			read(from, chunk, left < CHUNK ? (size_t)left : CHUNK);

		if (n <= 0)
			return n < 0 ? -errno : 0;
		r = fd_write_all(*ret, span_of(chunk, (size_t)n));
		left -= (uint64_t)n;
	}
	return r;
}

static int copy_once(int dir, const char *name, int *file, int *wal)
{
	CLEAN_FD int from = open_beside(dir, name, "");
	CLEAN_FD int newer = -1;
	int r = from < 0 ? from : copy_aside(dir, from, file);

	if (r < 0)
		return r;
	newer = open_beside(dir, name, "-wal");
	if (newer == -ENOENT)
		return 0;
	return newer < 0 ? newer : copy_aside(dir, newer, wal);
}

/* Both as of one moment, or -EAGAIN. wal stays -1 where there is none. */
static int copy_both(int dir, const char *name, int *file, int *wal)
{
	struct mark before = { 0 };
	struct mark after = { 0 };
	int tries, r;

	for (tries = 0; tries < DATABASE_TRIES; tries++) {
		fd_close(file);
		fd_close(wal);
		r = read_mark(dir, name, &before);
		if (r == 0)
			r = copy_once(dir, name, file, wal);
		if (r == 0)
			r = read_mark(dir, name, &after);
		if (r < 0 || same(&before, &after))
			return r;
	}
	return -EAGAIN;
}

static int add(struct archive *a, const char *path, int fd)
{
	struct stat st;

	if (lseek(fd, 0, SEEK_SET) < 0 || fstat(fd, &st) < 0)
		return -errno;
	return archive_add_fd(a, path, fd, (uint64_t)st.st_size);
}

int database_copy(struct archive *a, int dir, const char *name,
		  const char *path, struct err *err)
{
	CLEAN_FD int journal = open_beside(dir, name, "-journal");
	CLEAN_FD int file = -1, wal = -1;
	char beside[ARCHIVE_PATH];
	int r;

	if (journal >= 0 && lseek(journal, 0, SEEK_END) > 0)
		return err_set(err, -EBUSY,
			       "%s: has a journal: `bulkhead up` first", path);
	r = copy_both(dir, name, &file, &wal);
	if (r == 0)
		r = add(a, path, file);
	if (r == 0 && wal >= 0) {
		r = str_printf(beside, sizeof(beside), "%s-wal", path) < 0
			    ? -ENAMETOOLONG
			    : add(a, beside, wal);
	}
	if (r < 0)
		return err_set(err, r, "%s: %s", path,
			       r == -EAGAIN ? "changes too fast: try again"
					    : strerror(-r));
	return 0;
}
