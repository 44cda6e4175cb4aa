/* records_test: a log that grows under its reader, files that are none, and the
 * cursor. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/testing.h"
#include "records.h"

static char dir_path[64];
static int dir = -1;

static int setup(void **)
{
	(void)str_printf(dir_path, sizeof(dir_path), "/tmp/recordsXXXXXX");
	if (!mkdtemp(dir_path))
		return -1;
	dir = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0 ? -1 : 0;
}

static int teardown(void **)
{
	char command[128];

	fd_close(&dir);
	(void)str_printf(command, sizeof(command), "rm -rf %s", dir_path);
	/* NOLINTNEXTLINE(cert-env33-c): a path of ours. */
	return system(command);
}

/* Bundle `number` with rows "record N" from first to first + n. */
static void write_bundle(const char *path, unsigned first, unsigned n,
			 size_t cut)
{
	CLEAN_BUF struct buf b;
	CLEAN_FD int fd = -1;
	unsigned i;

	buf_init(&b, 1 << 20);
	for (i = first; i < first + n; i++) {
		char row[32];
		int len = str_printf(row, sizeof(row), "record %u", i);

		buf_u8(&b, 0);
		buf_u8(&b, (uint8_t)len);
		buf_put(&b, row, (size_t)len);
	}
	fd = openat(dir, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, span_of(b.p, b.n - cut)), 0);
}

static void is_record(struct records *r, unsigned index)
{
	struct span s;
	char want[32];

	(void)str_printf(want, sizeof(want), "record %u", index);
	assert_int_equal(records_get(r, index, &s), 1);
	assert_true(span_is(s, want));
}

static void grows(void **)
{
	struct records r;
	struct span s;
	unsigned i;

	records_open(&r, dir, -1);
	assert_int_equal(records_get(&r, 0, &s), 0);
	assert_int_equal(mkdirat(dir, "000.p", 0700), 0);
	assert_int_equal(records_get(&r, 0, &s), 0);
	write_bundle("000.p/3", 0, 3, 0);
	is_record(&r, 0);
	is_record(&r, 2);
	is_record(&r, 1);
	assert_int_equal(records_get(&r, 3, &s), 0);
	write_bundle("000.p/12", 0, 12, 0);
	assert_int_equal(mkdirat(dir, "000.p/junk", 0700), 0);
	is_record(&r, 3);
	is_record(&r, 11);
	assert_int_equal(records_get(&r, 12, &s), 0);
	write_bundle("000", 0, 256, 0);
	for (i = 0; i < 256; i++)
		is_record(&r, i);
	assert_int_equal(records_get(&r, 256, &s), 0);
	write_bundle("001", 256, 256, 0);
	is_record(&r, 511);
	is_record(&r, 5);
	records_done(&r);
}

static void broken(void **)
{
	struct records r;
	struct span s;

	records_open(&r, dir, -1);
	write_bundle("000", 0, 255, 0);
	assert_int_equal(records_get(&r, 0, &s), -EBADMSG);
	write_bundle("000", 0, 256, 1);
	assert_int_equal(records_get(&r, 0, &s), -EBADMSG);
	write_bundle("000", 0, 257, 0);
	assert_int_equal(records_get(&r, 0, &s), -EBADMSG);
	write_bundle("000", 0, 0, 0);
	assert_int_equal(records_get(&r, 0, &s), -EBADMSG);
	assert_int_equal(unlinkat(dir, "000", 0), 0);
	assert_int_equal(mkfifoat(dir, "000", 0600), 0);
	assert_int_equal(records_get(&r, 0, &s), -EBADMSG);
	assert_int_equal(unlinkat(dir, "000", 0), 0);
	assert_int_equal(symlinkat("/etc/passwd", dir, "000"), 0);
	assert_int_equal(records_get(&r, 0, &s), -ELOOP);
	assert_int_equal(unlinkat(dir, "000", 0), 0);
	assert_int_equal(mkdirat(dir, "000.p", 0700), 0);
	write_bundle("000.p/4", 0, 3, 0);
	assert_int_equal(records_get(&r, 0, &s), -EBADMSG);
	/* It is mended, or was being written: the next look finds it. */
	write_bundle("000.p/4", 0, 4, 0);
	is_record(&r, 3);
	records_done(&r);
}

static void paths(void **)
{
	static const struct {
		uint64_t number;
		uint32_t width;
		const char *path;
	} rows[] = {
		{ 0, 0, "000" },
		{ 0, 7, "000.p/7" },
		{ 999, 255, "999.p/255" },
		{ 1000, 0, "x001/000" },
		{ 1234067, 0, "x001/x234/067" },
		{ 1234067, 1, "x001/x234/067.p/1" },
	};
	char path[RECORDS_PATH];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		records_path(path, rows[i].number, rows[i].width);
		assert_string_equal(path, rows[i].path);
	}
}

static uint64_t reopened(int cursor)
{
	struct records r;
	uint64_t next;

	records_open(&r, dir, cursor);
	next = r.next;
	records_done(&r);
	return next;
}

static void cursor(void **)
{
	static const uint64_t rows[] = { 0, 1, 255, 1000000, UINT64_MAX };
	CLEAN_FD int fd =
		openat(dir, "cursor", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct records r;
	uint8_t byte;
	off_t at;
	size_t i;

	assert_int_equal(reopened(fd), 0);
	records_open(&r, dir, fd);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(records_keep(&r, rows[i]), 0);
		assert_int_equal(r.next, rows[i]);
		assert_int_equal(reopened(fd), rows[i]);
	}
	assert_int_equal(records_keep(&r, 300), 0);
	/* A torn or changed one begins anew. */
	for (at = 0; pread(fd, &byte, 1, at) == 1; at++) {
		const uint8_t other = byte ^ 1;

		assert_int_equal(pwrite(fd, &other, 1, at), 1);
		assert_int_equal(reopened(fd), 0);
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	assert_true(at > 20);
	assert_int_equal(reopened(fd), 300);
	assert_int_equal(ftruncate(fd, at - 1), 0);
	assert_int_equal(reopened(fd), 0);
	records_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(grows, setup, teardown),
		cmocka_unit_test_setup_teardown(broken, setup, teardown),
		cmocka_unit_test(paths),
		cmocka_unit_test_setup_teardown(cursor, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
