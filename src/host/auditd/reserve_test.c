/* reserve_test: made, given away in parts, made again; and a log that goes on
 * in it when its disk is full. */
#include "reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/testing.h"
#include "tlog/tlog.h"

enum { RECORD = 60000 };

static const uint64_t MIB = 1 << 20;

static char path[] = "/tmp/bulkhead-reserve-XXXXXX";
static bool small; /* path is a file system of its own, of 8 MiB */
static int dir;

static uint64_t on_disk(void)
{
	struct stat st;

	if (fstatat(dir, "reserve", &st, 0) < 0)
		return 0;
	return (uint64_t)st.st_size;
}

static void made_and_given(void **)
{
	struct reserve r;
	int i;

	reserve_init(&r, dir);
	assert_int_equal(r.have, 0);
	assert_false(r.open || r.changed);
	reserve_want(&r, MIB);
	assert_true(r.changed && !r.open && r.have == MIB && on_disk() == MIB);
	for (i = 1; i <= RESERVE_PARTS; i++) {
		r.changed = false;
		assert_true(reserve_give(&r));
		assert_true(r.open && r.changed);
		assert_int_equal(r.have, MIB - i * (MIB / RESERVE_PARTS));
		assert_int_equal(on_disk(), r.have);
	}
	assert_false(reserve_give(&r));
	assert_true(reserve_fill(&r));
	assert_true(!r.open && r.have == MIB && !r.why[0]);
}

/* What another run left, whole or not, is what there is. */
static void found_again(void **)
{
	struct reserve r;

	reserve_init(&r, dir);
	reserve_want(&r, MIB);
	assert_true(reserve_give(&r));
	reserve_init(&r, dir);
	assert_int_equal(r.have, MIB - MIB / RESERVE_PARTS);
	reserve_want(&r, MIB);
	assert_int_equal(r.have, MIB);
	/* Less is wanted now; none at all. */
	reserve_want(&r, MIB / 2);
	assert_int_equal(on_disk(), MIB / 2);
	reserve_want(&r, 0);
	assert_int_equal(on_disk(), 0);
	assert_false(r.open);
	assert_false(reserve_give(&r));
}

/* The log may use up what it finds before it is known how much is wanted. */
static void given_before_wanted(void **)
{
	struct reserve r;
	int i;

	reserve_init(&r, dir);
	reserve_want(&r, MIB);
	reserve_init(&r, dir);
	for (i = 0; i < RESERVE_PARTS; i++)
		assert_true(reserve_give(&r));
	assert_false(reserve_give(&r));
	assert_int_equal(on_disk(), 0);
	/* Less than a part of a part. */
	reserve_want(&r, RESERVE_PARTS - 1);
	assert_true(reserve_give(&r));
	assert_false(reserve_give(&r));
}

/* A link in its place is nobody's file. */
static void no_link(void **)
{
	struct reserve r;

	assert_int_equal(symlinkat("elsewhere", dir, "reserve"), 0);
	reserve_init(&r, dir);
	reserve_want(&r, MIB);
	assert_true(r.open && r.have == 0);
	assert_int_equal(faccessat(dir, "elsewhere", F_OK, 0), -1);
	assert_int_equal(unlinkat(dir, "reserve", 0), 0);
}

static void need_small(void)
{
	if (small)
		return;
	print_message("no mounts here\n");
	skip();
}

static void too_large(void **)
{
	struct reserve r;

	need_small();
	reserve_init(&r, dir);
	reserve_want(&r, 9ull * MIB);
	assert_true(r.open && r.have == 0 && r.why[0]);
	/* Room for it, but hardly any beside. */
	reserve_want(&r, 5ull * MIB);
	assert_true(r.open && r.have == 0);
	reserve_want(&r, 3ull * MIB);
	assert_true(!r.open && r.have == 3ull * MIB);
}

static void fill(const char *name)
{
	static const uint8_t block[4096];
	CLEAN_FD int fd =
		openat(dir, name, O_WRONLY | O_CREAT | O_APPEND, 0600);

	assert_true(fd >= 0);
	while (fd_write_all(fd, span_of(block, sizeof(block))) == 0)
		;
}

/* Records until the reserve is used, or there is no room at all, or so many;
 * how many. */
static uint64_t append(struct tlog *t, const struct reserve *r, uint64_t most)
{
	static uint8_t record[RECORD];
	uint64_t index, n = 0;

	memset(record, ' ', sizeof(record));
	while (n < most && (most == UINT64_MAX || !r->open) &&
	       tlog_add(t, span_of(record, sizeof(record)), &index) == 0 &&
	       tlog_commit(t) == 0)
		n++;
	return n;
}

/*
 * The log goes on in its reserve, to its last byte; what is not written then is
 * not there, and it can be opened again.
 */
static void log_goes_on(void **)
{
	struct reserve r;
	const struct tlog_room room = { reserve_give, &r };
	struct tlog_state s;
	struct tlog *t;
	struct err err;
	uint64_t n;

	need_small();
	reserve_init(&r, dir);
	reserve_want(&r, MIB);
	assert_int_equal(tlog_open_tip(dir, -1, &room, &t, &err), 0);
	fill("filler");
	n = append(t, &r, UINT64_MAX - 1);
	assert_true(r.open);
	n += append(t, &r, UINT64_MAX);
	/* All of the reserve, but for what a disk counts in blocks. */
	assert_in_range(n, MIB / RECORD * 8 / 10, MIB / RECORD + 1);
	assert_int_equal(r.have, 0);
	assert_int_equal(tlog_size(t), n);
	tlog_close(t);
	assert_int_equal(unlinkat(dir, "filler", 0), 0);
	assert_int_equal(tlog_open_tip(dir, -1, &room, &t, &err), 0);
	assert_int_equal(tlog_size(t), n);
	assert_true(reserve_fill(&r));
	assert_true(append(t, &r, 10) == 10);
	assert_int_equal(tlog_publish(t), 0);
	tlog_close(t);
	assert_int_equal(tlog_verify(dir, &s, &err), 0);
	assert_true(s.size > n);
}

static int remove_one(const char *p, const struct stat *, int, struct FTW *at)
{
	return at->level ? remove(p) : 0;
}

static int clean(void **)
{
	return nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A file system of its own, as root or alone in a user namespace. */
static int setup(void **)
{
	const uid_t uid = geteuid();
	char map[64];
	CLEAN_FD int fd = -1;

	if (!mkdtemp(path))
		return -1;
	if (unshare(uid ? CLONE_NEWNS | CLONE_NEWUSER : CLONE_NEWNS) == 0) {
		(void)str_printf(map, sizeof(map), "0 %u 1", uid);
		fd = uid ? open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC)
			 : -1;
		if (fd >= 0)
			(void)fd_write_all(fd, span_str(map));
		(void)mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
		small = mount("none", path, "tmpfs", 0, "size=8m,mode=0700") ==
			0;
	}
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0 ? -1 : 0;
}

static int teardown(void **)
{
	fd_close(&dir);
	if (small)
		(void)umount(path);
	return rmdir(path);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(made_and_given, clean),
		cmocka_unit_test_teardown(found_again, clean),
		cmocka_unit_test_teardown(given_before_wanted, clean),
		cmocka_unit_test_teardown(no_link, clean),
		cmocka_unit_test_teardown(too_large, clean),
		cmocka_unit_test_teardown(log_goes_on, clean),
	};

	return cmocka_run_group_tests_name("auditd/reserve", tests, setup,
					   teardown);
}
