/* reserve: see reserve.h. */
#include "reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

static const char name[] = "reserve";

/* #syscalls:auditd openat fstat ftruncate fsync fallocate fstatfs */
static int open_file(const struct reserve *r, int flags)
{
	int fd = openat(r->dir, name,
			O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags,
			0600);

	return fd < 0 ? -errno : fd;
}

static void set_open(struct reserve *r, bool open, const char *why)
{
	r->changed |= r->open != open || strcmp(r->why, why) != 0;
	r->open = open;
	(void)str_printf(r->why, sizeof(r->why), "%s", why);
}

/* What of the file is on disk: a copy of it may be full of holes. */
static uint64_t bytes_of(int fd)
{
	struct stat st;
	uint64_t blocks;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < 0)
		return 0;
	blocks = (uint64_t)st.st_blocks * 512;
	return blocks < (uint64_t)st.st_size ? blocks : (uint64_t)st.st_size;
}

void reserve_init(struct reserve *r, int dir)
{
	CLEAN_FD int fd = -1;

	*r = (struct reserve){ .dir = dir };
	fd = open_file(r, 0);
	if (fd >= 0)
		r->have = bytes_of(fd);
	/* The log may need it before anybody says how much is wanted. */
	r->want = r->have;
}

/* Down to that size. Synced, for some file systems have the space again only
 * then. */
static int shrink(struct reserve *r, uint64_t bytes)
{
	CLEAN_FD int fd = open_file(r, 0);

	if (fd < 0)
		return fd;
	if (ftruncate(fd, (off_t)bytes) < 0)
		return -errno;
	(void)fsync(fd);
	r->have = bytes;
	return 0;
}

bool reserve_give(void *arg)
{
	struct reserve *r = arg;
	uint64_t whole = r->want > r->have ? r->want : r->have;
	uint64_t part = whole / RESERVE_PARTS;

	/* Whoever asks goes on until there is nothing left: never a part of
	 * nothing. */
	if (part < RESERVE_PART_LEAST)
		part = RESERVE_PART_LEAST;

	set_open(r, true, "the disk is full");
	r->changed = true;
	if (!r->have)
		return false;
	return shrink(r, r->have > part ? r->have - part : 0) == 0;
}

/* Whether the disk has that much to spare. */
static bool disk_has(const struct reserve *r, uint64_t bytes)
{
	struct statvfs st;

	return fstatvfs(r->dir, &st) == 0 &&
	       (uint64_t)st.f_bavail * st.f_frsize >= bytes;
}

static int grow(struct reserve *r)
{
	CLEAN_FD int fd = open_file(r, O_CREAT);

	if (fd < 0)
		return fd;
	if (fallocate(fd, 0, 0, (off_t)r->want) < 0)
		return -errno;
	r->have = r->want;
	return 0;
}

bool reserve_fill(struct reserve *r)
{
	char why[sizeof(r->why)];
	int e = -ENOSPC;

	if (r->have < r->want) {
		if (disk_has(r, r->want - r->have + RESERVE_SLACK))
			e = grow(r);
		if (e < 0)
			(void)str_printf(why, sizeof(why),
					 "the disk has no room for it: %" PRIu64
					 " MiB beside what it holds: %s",
					 (r->want - r->have + RESERVE_SLACK) >>
						 20,
					 strerrorname_np(-e));
	}
	if (r->have >= r->want)
		set_open(r, false, "");
	else if (e == -EOPNOTSUPP)
		/* Nothing can be set aside here, and nothing waits for it. */
		set_open(r, false, "this file system sets no space aside");
	else
		set_open(r, true, why);
	return !r->open;
}

void reserve_want(struct reserve *r, uint64_t bytes)
{
	r->want = bytes;
	r->changed = bytes > 0;
	if (r->have > bytes)
		(void)shrink(r, bytes);
	(void)reserve_fill(r);
}
