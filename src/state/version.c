/* version: the version of a state directory, and its upgrade; see state.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "state/state.h"

enum { VERSION_TEXT = 16 };

static bool is_there(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

int state_version(int dir, unsigned *ret, struct err *err)
{
	CLEAN_FD int fd =
		openat(dir, "version", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char text[VERSION_TEXT];
	uint64_t v;
	ssize_t n;

	if (fd < 0 && errno == ENOENT) {
		*ret = is_there(dir, "audit") ? 1 : 0;
		return 0;
	}
	n = fd < 0 ? -errno : fd_read_all(fd, text, sizeof(text));
	if (n < 0)
		return err_set(err, (int)n, "version: %s: check its owner",
			       strerror((int)-n));
	if (n < 2 || text[n - 1] != '\n' ||
	    num_parse(span_of(text, (size_t)n - 1), 1, UINT16_MAX, &v) < 0)
		return err_set(err, -EBADMSG,
			       "version:1:1: not a version: restore a backup "
			       "(bulkhead restore)");
	*ret = (unsigned)v;
	return 0;
}

/* Written aside, durable, then renamed. */
static int write_version(int dir, unsigned version)
{
	CLEAN_FD int fd = openat(
		dir, "version.tmp",
		O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	char text[VERSION_TEXT];
	int r;

	if (fd < 0)
		return -errno;
	(void)str_printf(text, sizeof(text), "%u\n", version);
	r = fd_write_all(fd, span_str(text));
	if (r < 0)
		return r;
	if (fsync(fd) < 0 || renameat(dir, "version.tmp", dir, "version") < 0 ||
	    fsync(dir) < 0)
		return -errno;
	return 0;
}

static int advance(int dir, unsigned version, struct err *err)
{
	int r = write_version(dir, version);

	return r < 0 ? err_set(err, r,
			       "version: %s: make room, or check the "
			       "directory's owner",
			       strerror(-r))
		     : 0;
}

/* A copy of the directory before a step, in upgrade/version-N.tar. */
static int keep_copy(int dir, unsigned version, struct err *err)
{
	CLEAN_FD int folder = -1, out = -1;
	char name[64], aside[80];
	struct state_sum sum = { 0 };
	int r;

	(void)str_printf(name, sizeof(name), "version-%u.tar", version);
	(void)str_printf(aside, sizeof(aside), "%s.tmp", name);
	if (mkdirat(dir, "upgrade", 0700) < 0 && errno != EEXIST)
		return err_set(err, -errno,
			       "upgrade: %s: move it away, or make room",
			       strerror(errno));
	folder = openat(dir, "upgrade",
			O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (folder >= 0)
		out = openat(folder, aside,
			     O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC |
				     O_NOFOLLOW,
			     0600);
	if (out < 0)
		return err_set(err, -errno,
			       "upgrade/%s: %s: move it away, or make room",
			       aside, strerror(errno));
	r = state_backup(dir, out, &sum, err);
	if (r < 0)
		return r;
	if (fsync(out) < 0 || renameat(folder, aside, folder, name) < 0 ||
	    fsync(folder) < 0)
		return err_set(err, -errno,
			       "upgrade/%s: %s: move it away, or make room",
			       name, strerror(errno));
	return 0;
}

/* 1 to 2: the layout is the same, it only says so from now on. */
static int from_1(int, struct err *)
{
	return 0;
}

static int (*const steps[STATE_VERSION])(int dir, struct err *err) = {
	[1] = from_1,
};

int state_upgrade(int dir, unsigned *from, struct err *err)
{
	unsigned v;
	int r = state_version(dir, from, err);

	if (r < 0)
		return r;
	if (*from > STATE_VERSION)
		return err_set(err, -ENOTSUP,
			       "version:1:1: the state is of version %u, this "
			       "program knows up to %d: install the newer "
			       "bulkhead again, or restore an older backup",
			       *from, STATE_VERSION);
	if (*from == STATE_VERSION)
		return 0;
	/* A new directory has no steps to go. */
	if (*from == 0)
		return advance(dir, STATE_VERSION, err);
	r = keep_copy(dir, *from, err);
	for (v = *from; r == 0 && v < STATE_VERSION; v++) {
		r = steps[v](dir, err);
		if (r == 0)
			r = advance(dir, v + 1, err);
	}
	return r;
}
