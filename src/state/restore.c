/* restore: a backup becomes a state directory; see state.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "state/archive.h"
#include "state/state.h"
#include "tlog/tlog.h"

enum { RESTORE_CHUNK = 64 << 10, CLEAR_DEPTH = 16 };

/* The parts that a backup may have; a folder ends in a slash. */
static const char *const parts[] = { "version",	 "latch",	"store.last",
				     "latches/", "tip/",	"audit/",
				     "store/",	 "connectors/", "telemetry/" };

static bool part_ok(const char *path)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		size_t n = strlen(parts[i]);

		if (parts[i][n - 1] == '/' ? !strncmp(path, parts[i], n)
					   : !strcmp(path, parts[i]))
			return true;
	}
	return false;
}

/*
 * Opens the folder that the file belongs into, making what is missing. The
 * directory is ours and new, so whatever is in there we made. *name is the last
 * part of path.
 */
static int open_folder(int dir, char *path, const char **name)
{
	int at = fcntl(dir, F_DUPFD_CLOEXEC, 0);
	char *slash;

	while (at >= 0 && (slash = strchr(path, '/'))) {
		int next;

		*slash = 0;
		if (mkdirat(at, path, 0700) < 0 && errno != EEXIST) {
			fd_close(&at);
			break;
		}
		next = openat(at, path,
			      O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		fd_close(&at);
		at = next;
		path = slash + 1;
	}
	*name = path;
	return at < 0 ? -errno : at;
}

static int copy_bytes(struct archive *a, struct member *m, int fd,
		      struct err *err)
{
	uint8_t chunk[RESTORE_CHUNK];
	ssize_t n;
	int r = 0;

	while (r == 0 && m->left) {
		n = archive_read(a, m, chunk, sizeof(chunk), err);
		if (n <= 0)
			return n < 0 ? (int)n : -EIO;
		r = fd_write_all(fd, span_of(chunk, (size_t)n));
	}
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	return r;
}

static int unpack(struct archive *a, struct member *m, int dir, struct err *err)
{
	CLEAN_FD int folder = -1, fd = -1;
	char path[ARCHIVE_PATH];
	const char *name;
	int r;

	(void)str_copy(path, sizeof(path), span_str(m->path));
	folder = open_folder(dir, path, &name);
	if (folder >= 0)
		fd = openat(folder, name,
			    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC |
				    O_NOFOLLOW,
			    0600);
	r = folder < 0 ? folder : fd < 0 ? -errno : copy_bytes(a, m, fd, err);
	if (r == 0 && fsync(folder) < 0)
		r = -errno;
	if (r < 0 && !err->code)
		return err_set(err, r, "%s: %s", m->path,
			       r == -EEXIST ? "is in the backup twice"
					    : strerror(-r));
	return r;
}

static int unpack_all(struct archive *a, int dir, struct err *err)
{
	struct member m;
	int r;

	while ((r = archive_next(a, &m, err)) == 1) {
		if (!part_ok(m.path))
			return err_set(err, -EBADMSG,
				       "member %llu: %s: a name that no backup "
				       "has",
				       (unsigned long long)a->files, m.path);
		r = unpack(a, &m, dir, err);
		if (r < 0)
			return r;
	}
	if (r == 0 && fsync(dir) < 0)
		r = err_set(err, -errno, "%s", strerror(errno));
	return r;
}

/* As auditd does at a start: what only the wal has is published. */
static int recover_log(int log, int tip, struct err *why)
{
	struct tlog *t;
	int r = tlog_open_tip(log, tip, NULL, &t, why);

	if (r < 0)
		return r;
	r = tlog_publish(t);
	tlog_close(t);
	return r;
}

static int verify_log(int dir, struct state_sum *ret, struct err *err)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;
	CLEAN_FD int log = openat(dir, "audit", flags);
	CLEAN_FD int tip = openat(dir, "tip", flags);
	struct err why = { 0 };
	struct tlog_state s = { 0 };
	int r;

	if (log < 0 && errno == ENOENT)
		return 0;
	r = log < 0 ? -errno : recover_log(log, tip, &why);
	if (r == 0)
		r = tlog_verify(log, &s, &why);
	if (r < 0)
		return err_set(err, r,
			       "its audit log does not verify: audit/%s: take "
			       "another backup",
			       why.msg);
	ret->records = s.size;
	return 0;
}

int state_restore(int in, int dir, struct state_sum *ret, struct err *err)
{
	struct archive a;
	int r;

	*ret = (struct state_sum){ 0 };
	archive_init(&a, in);
	r = unpack_all(&a, dir, err);
	ret->files = a.files;
	ret->bytes = a.bytes;
	archive_done(&a);
	if (r == 0)
		r = state_version(dir, &ret->version, err);
	if (r == 0 && ret->version > STATE_VERSION)
		r = err_set(err, -ENOTSUP,
			    "the backup is of version %u, this program knows "
			    "up to %d: install the newer bulkhead",
			    ret->version, STATE_VERSION);
	return r < 0 ? r : verify_log(dir, ret, err);
}

static int clear(int dir, int depth)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	int r = 0;

	if (!d || depth > CLEAR_DEPTH) {
		r = d ? -ELOOP : -errno;
		if (d)
			(void)closedir(d);
		else
			fd_close(&fd);
		return r;
	}
	while (r == 0 && (e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (unlinkat(dir, e->d_name, 0) < 0 && errno == EISDIR) {
			CLEAN_FD int sub =
				openat(dir, e->d_name,
				       O_RDONLY | O_DIRECTORY | O_CLOEXEC |
					       O_NOFOLLOW);

			r = sub < 0 ? -errno : clear(sub, depth + 1);
			if (r == 0 &&
			    unlinkat(dir, e->d_name, AT_REMOVEDIR) < 0)
				r = -errno;
		}
	}
	(void)closedir(d);
	return r;
}

int state_clear(int dir)
{
	return clear(dir, 0);
}
