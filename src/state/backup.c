/*
 * backup: the state directory as an archive; see state.h.
 *
 * What is in it stands in one table, in the order in which it is taken: what
 * telemetry has sent and connectors have given out first and the audit log
 * last, so that whatever an earlier part names the later ones know: the store
 * is not older than its mark in store.last, nor the log than its tip. The log
 * is taken at its last signed checkpoint, with what is durable beyond it
 * (tlog/copy.h); files that are only appended to, at the length they have; a
 * name that the table does not have is an error, for it would be lost.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "state/archive.h"
#include "state/database.h"
#include "state/state.h"
#include "tlog/copy.h"

enum { BACKUP_DEPTH = 4, BACKUP_NAMES = 100000 };

struct backup {
	struct archive a;
	struct err *err;
	uint64_t records;
};

enum how {
	TAKE_FILE,
	TAKE_TREE,
	TAKE_DATABASES,
	TAKE_LOG,
	LEAVE, /* belongs to this machine or this run alone */
};

static const struct {
	const char *name;
	enum how how;
} parts[] = {
	{ "version", TAKE_FILE },
	{ "latch", TAKE_FILE },
	{ "latches", TAKE_TREE },
	{ "telemetry", TAKE_TREE },
	{ "connectors", TAKE_TREE },
	{ "store.last", TAKE_FILE },
	{ "store", TAKE_DATABASES },
	{ "tip", TAKE_TREE },
	{ "audit", TAKE_LOG },
	{ "lock", LEAVE },
	{ "supervisor", LEAVE },
	{ "control.sock", LEAVE },
	{ "metrics.sock", LEAVE },
	{ "log", LEAVE },
	{ "probe", LEAVE },
	{ "upgrade", LEAVE },
	{ "store.last.new", LEAVE },
	{ "new-log", LEAVE },
};

static int fail(struct backup *b, const char *path, int r)
{
	if (b->err->code)
		return r;
	return err_set(b->err, r, "%s: %s", path,
		       r == -EINVAL    ? "not a name that a backup can hold"
		       : r == -ELOOP   ? "a link: remove it"
		       : r == -EAGAIN  ? "became shorter meanwhile: try again"
		       : r == -ENOTSUP ? "no plain file: remove it"
		       : r == -ENOTDIR ? "no directory: move it away"
				       : strerror(-r));
}

static int take_file(struct backup *b, int dir, const char *name,
		     const char *path)
{
	CLEAN_FD int fd = openat(
		dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0 : fail(b, path, -errno);
	if (fstat(fd, &st) < 0)
		return fail(b, path, -errno);
	if (!S_ISREG(st.st_mode))
		return fail(b, path, -ENOTSUP);
	r = archive_add_fd(&b->a, path, fd, (uint64_t)st.st_size);
	return r < 0 ? fail(b, path, r) : 0;
}

/* What is written aside and will be renamed, or never. */
static bool is_aside(const char *name)
{
	size_t n = strlen(name);

	return n > 4 && !strcmp(name + n - 4, ".tmp");
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct names {
	char **v;
	size_t n, cap;
};

static void names_done(struct names *l)
{
	while (l->n)
		free(l->v[--l->n]);
	free(l->v);
}

/* The names in a directory, sorted. 0 or -errno. */
static int list(int dir, struct names *ret)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	int r = 0;

	if (!d) {
		r = -errno;
		fd_close(&fd);
		return r;
	}
	while (r == 0 && (e = readdir(d))) {
		char **more = ret->v;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (ret->n == ret->cap) {
			ret->cap = ret->cap ? 2 * ret->cap : 32;
			more = reallocarray(ret->v, ret->cap, sizeof(*more));
		}
		if (!more || ret->n == BACKUP_NAMES) {
			r = more ? -EFBIG : -ENOMEM;
			break;
		}
		ret->v = more;
		ret->v[ret->n] = strdup(e->d_name);
		if (!ret->v[ret->n])
			r = -ENOMEM;
		else
			ret->n++;
	}
	(void)closedir(d);
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_name);
	return r;
}

static int take_dir(struct backup *b, int dir, const char *path, int depth);

static int take_entry(struct backup *b, int dir, const char *name,
		      const char *in, int depth)
{
	char path[ARCHIVE_PATH];
	struct stat st;

	if (is_aside(name))
		return 0;
	if (str_printf(path, sizeof(path), "%s/%s", in, name) < 0)
		return fail(b, in, -ENAMETOOLONG);
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : fail(b, path, -errno);
	if (S_ISDIR(st.st_mode)) {
		CLEAN_FD int sub =
			openat(dir, name,
			       O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

		if (sub < 0)
			return fail(b, path, -errno);
		return take_dir(b, sub, path, depth + 1);
	}
	return take_file(b, dir, name, path);
}

/* All files below a directory of ours; its depth is bounded. */
static int take_dir(struct backup *b, int dir, const char *path, int depth)
{
	struct names l = { 0 };
	size_t i;
	int r;

	if (depth > BACKUP_DEPTH)
		return fail(b, path, -EFBIG);
	r = list(dir, &l);
	if (r < 0)
		(void)fail(b, path, r);
	for (i = 0; r == 0 && i < l.n; i++)
		r = take_entry(b, dir, l.v[i], path, depth);
	names_done(&l);
	return r;
}

static int emit_log(void *arg, const char *path, struct span bytes)
{
	struct backup *b = arg;
	char full[ARCHIVE_PATH];

	if (str_printf(full, sizeof(full), "audit/%s", path) < 0)
		return -ENAMETOOLONG;
	return archive_add(&b->a, full, bytes);
}

/* Every STATE/store/NAME.db, and whatever else is there as it is. */
static int take_databases(struct backup *b, int dir)
{
	struct names l = { 0 };
	char path[ARCHIVE_PATH];
	size_t i;
	int r = list(dir, &l);

	for (i = 0; r == 0 && i < l.n; i++) {
		size_t n = strlen(l.v[i]);

		/* -wal, -shm, -journal: the database's own, in its copy. */
		if (is_aside(l.v[i]) || strstr(l.v[i], ".db-"))
			continue;
		if (str_printf(path, sizeof(path), "store/%s", l.v[i]) < 0)
			r = -ENAMETOOLONG;
		else if (n > 3 && !strcmp(l.v[i] + n - 3, ".db"))
			r = database_copy(&b->a, dir, l.v[i], path, b->err);
		else
			r = take_file(b, dir, l.v[i], path);
	}
	if (r < 0)
		(void)fail(b, "store", r);
	names_done(&l);
	return r;
}

static int take_part(struct backup *b, int dir, size_t i)
{
	CLEAN_FD int sub = -1;
	int r = 0;

	if (parts[i].how == TAKE_FILE)
		return take_file(b, dir, parts[i].name, parts[i].name);
	if (parts[i].how == LEAVE)
		return 0;
	sub = openat(dir, parts[i].name,
		     O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (sub < 0)
		return errno == ENOENT ? 0 : fail(b, parts[i].name, -errno);
	if (parts[i].how == TAKE_TREE)
		r = take_dir(b, sub, parts[i].name, 1);
	else if (parts[i].how == TAKE_DATABASES)
		r = take_databases(b, sub);
	/* A log without a checkpoint was never used. */
	else if (faccessat(sub, "checkpoint", F_OK, 0) == 0)
		r = tlog_copy(sub, emit_log, b, &b->records, b->err);
	return r < 0 ? fail(b, parts[i].name, r) : 0;
}

/* Nothing in the directory that the table does not know. */
static int check_names(struct backup *b, int dir)
{
	struct names l = { 0 };
	size_t i, k;
	int r = list(dir, &l);

	if (r < 0)
		(void)fail(b, ".", r);
	for (i = 0; r == 0 && i < l.n; i++) {
		bool known = is_aside(l.v[i]);

		for (k = 0; k < ARRAY_SIZE(parts); k++)
			known |= !strcmp(l.v[i], parts[k].name);
		if (!known)
			r = err_set(b->err, -EINVAL,
				    "%s: not bulkhead's: move it out of the "
				    "state directory",
				    l.v[i]);
	}
	names_done(&l);
	return r;
}

int state_backup(int dir, int out, struct state_sum *ret, struct err *err)
{
	struct backup b = { .err = err };
	unsigned version;
	size_t i;
	int r = state_version(dir, &version, err);

	if (r < 0)
		return r;
	archive_init(&b.a, out);
	r = check_names(&b, dir);
	for (i = 0; r == 0 && i < ARRAY_SIZE(parts); i++)
		r = take_part(&b, dir, i);
	if (r == 0)
		r = archive_end(&b.a);
	if (r < 0 && !err->code)
		(void)err_set(err, r, "cannot write the backup: %s",
			      strerror(-r));
	*ret = (struct state_sum){ version, b.a.files, b.a.bytes, b.records };
	archive_done(&b.a);
	return r;
}
