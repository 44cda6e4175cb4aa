/*
 * files: see files.h.
 *
 * SQLite's unix VFS lets each system call that it does be replaced. Those that
 * take a path are, by the same relative to the directory; those that would
 * change owner or mode of a file do nothing, for we make all of them, with a
 * umask that keeps others out. The calls carry no context, which is why the
 * directory stands in a variable of this file.
 *
 * What SQLite does on the descriptors that it has:
 * #syscalls:store pread64 ftruncate fdatasync
 * #syscalls:store fcntl int1=F_SETLK,F_GETLK
 */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/span.h"

static int dir = -1;

/* The name in the directory that a path means; NULL, and errno, for none. */
static const char *name_of(const char *path)
{
	if (strcmp(path, "/") == 0)
		return ".";
	if (path[0] == '/' && !strchr(path + 1, '/') &&
	    strcmp(path, "/..") != 0)
		return path + 1;
	errno = ENOENT;
	return NULL;
}

/* #syscalls:store openat fcntl int1=F_DUPFD_CLOEXEC */
static int open_in(const char *path, int flags, int mode)
{
	const char *name = name_of(path);

	return name ? openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC, mode)
		    : -1;
}

static int open_dir(const char *, int *ret)
{
	*ret = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret >= 0 ? SQLITE_OK : SQLITE_CANTOPEN;
}

/* #syscalls:store faccessat faccessat2 */
static int access_in(const char *path, int mode)
{
	const char *name = name_of(path);

	return name ? faccessat(dir, name, mode, 0) : -1;
}

static int stat_in(const char *path, struct stat *st)
{
	const char *name = name_of(path);

	return name ? fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW) : -1;
}

/* #syscalls:store unlinkat */
static int unlink_in(const char *path)
{
	const char *name = name_of(path);

	return name ? unlinkat(dir, name, 0) : -1;
}

static char *no_cwd(char *buf, size_t n)
{
	if (n < 2)
		return NULL;
	memcpy(buf, "/", 2);
	return buf;
}

static ssize_t no_link(const char *, char *, size_t)
{
	errno = EINVAL;
	return -1;
}

static int leave_mode(int, mode_t)
{
	return 0;
}

static int leave_owner(int, uid_t, gid_t)
{
	return 0;
}

/* Root would give its files to another: so nobody is root. */
static uid_t no_root(void)
{
	return 1;
}

static int leave_dir(const char *, mode_t)
{
	errno = EPERM;
	return -1;
}

/* Whether a quota or the disk is full is the same to us: there may be room
 * later. #syscalls:store pwrite64 */
static ssize_t write_at(int fd, const void *p, size_t n, off_t at)
{
	ssize_t r = pwrite(fd, p, n, at);

	if (r < 0 && errno == EDQUOT)
		errno = ENOSPC;
	return r;
}

static ssize_t write_on(int fd, const void *p, size_t n)
{
	ssize_t r = write(fd, p, n);

	if (r < 0 && errno == EDQUOT)
		errno = ENOSPC;
	return r;
}

/* It would be read from a device otherwise. */
static int randomness(sqlite3_vfs *, int n, char *ret)
{
	ssize_t got = getrandom(ret, (size_t)n, 0);

	return got < 0 ? 0 : (int)got;
}

typedef sqlite3_syscall_ptr call;

static int replace(sqlite3_vfs *v)
{
	static const struct {
		const char *name;
		call fn;
	} rows[] = {
		{ "open", (call)open_in },
		{ "openDirectory", (call)open_dir },
		{ "access", (call)access_in },
		{ "stat", (call)stat_in },
		{ "lstat", (call)stat_in },
		{ "unlink", (call)unlink_in },
		{ "getcwd", (call)no_cwd },
		{ "readlink", (call)no_link },
		{ "fchmod", (call)leave_mode },
		{ "fchown", (call)leave_owner },
		{ "geteuid", (call)no_root },
		{ "mkdir", (call)leave_dir },
		{ "write", (call)write_on },
		{ "pwrite", (call)write_at },
		{ "pwrite64", (call)write_at },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		/* Those that this SQLite was built without, it does not do. */
		if (!v->xGetSystemCall(v, rows[i].name) &&
		    strncmp(rows[i].name, "pwrite", 6) == 0)
			continue;
		if (v->xSetSystemCall(v, rows[i].name, rows[i].fn) != SQLITE_OK)
			return -EINVAL;
	}
	return 0;
}

int files_init(int dirfd)
{
	static sqlite3_vfs ours;
	sqlite3_vfs *v = sqlite3_vfs_find("unix");

	if (!v || v->iVersion < 3)
		return -EINVAL;
	dir = dirfd;
	/* Once: a test may put its own calls before ours. */
	if (sqlite3_vfs_find(FILES_VFS))
		return 0;
	ours = *v;
	ours.zName = FILES_VFS;
	ours.pNext = NULL;
	ours.xRandomness = randomness;
	if (replace(v) < 0)
		return -EINVAL;
	return sqlite3_vfs_register(&ours, 0) == SQLITE_OK ? 0 : -EINVAL;
}
