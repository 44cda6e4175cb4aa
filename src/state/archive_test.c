/*
 * Tests of archive: what is written can be read, by tar as well, and nothing
 * else can: every byte of a small archive counts, and every place to cut it.
 */
#include "state/archive.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/str.h"

enum { MOST = 1 << 20 };

static int temp(void)
{
	int fd = memfd_create("archive", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void slurp(int fd, struct buf *b)
{
	uint8_t *p;
	ssize_t n;

	buf_init(b, MOST);
	p = buf_extend(b, MOST);
	assert_non_null(p);
	n = fd_pread_all(fd, p, MOST, 0);
	assert_true(n > 0);
	buf_cut(b, (size_t)n);
}

static void small(struct buf *ret)
{
	CLEAN_FD int fd = temp();
	struct archive a;

	archive_init(&a, fd);
	assert_int_equal(archive_add(&a, "version", SPAN_LIT("2\n")), 0);
	assert_int_equal(archive_add(&a, "audit/empty", SPAN_LIT("")), 0);
	assert_int_equal(archive_end(&a), 0);
	archive_done(&a);
	slurp(fd, ret);
}

/* Reads all of it: the number of members, or what archive_next said. */
static int read_all(struct span bytes, struct err *err)
{
	CLEAN_FD int fd = memfd_sealed("in", bytes);
	uint8_t chunk[100];
	struct archive a;
	struct member m;
	int n = 0, r;

	assert_true(fd >= 0 && lseek(fd, 0, SEEK_SET) == 0);
	archive_init(&a, fd);
	while ((r = archive_next(&a, &m, err)) == 1) {
		n++;
		while (r >= 0 && m.left) {
			r = (int)archive_read(&a, &m, chunk, sizeof(chunk),
					      err);
			assert_true(r != 0);
		}
		if (r < 0)
			break;
	}
	archive_done(&a);
	return r < 0 ? r : n;
}

static void test_round_trip(void **)
{
	CLEAN_BUF struct buf b;
	struct err err = { 0 };

	small(&b);
	assert_int_equal(b.n % ARCHIVE_BLOCK, 0);
	assert_int_equal(read_all(buf_view(&b), &err), 2);
}

static void test_every_cut(void **)
{
	CLEAN_BUF struct buf b;
	size_t n;

	small(&b);
	for (n = 0; n + (size_t)2 * ARCHIVE_BLOCK < b.n; n++) {
		struct err err = { 0 };

		if (read_all(span_of(b.p, n), &err) != -EBADMSG)
			fail_msg("cut at %zu was taken", n);
		assert_non_null(strstr(err.msg, "member "));
	}
}

/* Padding and what lies in a header behind its fields is covered by the sum of
 * the header or is nobody's; every other flip is found. */
static void test_every_flip(void **)
{
	CLEAN_BUF struct buf b;
	size_t i, taken = 0;

	small(&b);
	for (i = 0; i < b.n; i++) {
		struct err err = { 0 };
		int r;

		b.p[i] ^= 0x01;
		r = read_all(buf_view(&b), &err);
		b.p[i] ^= 0x01;
		if (r >= 0)
			taken++;
		else
			assert_int_equal(r, -EBADMSG);
	}
	/* Two files' padding, and the blanks of three sum fields. */
	assert_in_range(taken, 1, 2 * ARCHIVE_BLOCK + 16);
}

static const struct {
	const char *path;
	bool ok;
} paths[] = {
	{ "version", true },
	{ "audit/tile/entries/x001/x234/067.p/255", true },
	{ "connectors/in-box_2/a.seen", true },
	{ "", false },
	{ "/etc/passwd", false },
	{ "audit/", false },
	{ "audit//key", false },
	{ "../x", false },
	{ "audit/../../x", false },
	{ "audit/./key", false },
	{ ".hidden", false },
	{ "a b", false },
	{ "a\nb", false },
	{ "a\\b", false },
	{ "\xc3\xbc", false },
};

static void test_paths(void **)
{
	char longest[ARCHIVE_PATH + 8];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(paths); i++)
		if (archive_path_ok(paths[i].path) != paths[i].ok)
			fail_msg("\"%s\"", paths[i].path);
	memset(longest, 'a', sizeof(longest));
	longest[100] = '/';
	longest[ARCHIVE_PATH - sizeof("bulkhead-state/")] = 0;
	assert_true(archive_path_ok(longest));
	longest[ARCHIVE_PATH - sizeof("bulkhead-state/")] = 'a';
	longest[ARCHIVE_PATH - sizeof("bulkhead-state/") + 1] = 0;
	assert_false(archive_path_ok(longest));
}

/* A name longer than a header's field is cut in two, and put together. */
static void test_long_name(void **)
{
	CLEAN_FD int fd = temp();
	CLEAN_BUF struct buf b;
	char path[ARCHIVE_PATH];
	struct err err = { 0 };
	struct archive a;
	struct member m;

	memset(path, 'b', sizeof(path));
	path[90] = '/';
	path[180] = 0;
	archive_init(&a, fd);
	assert_int_equal(archive_add(&a, path, SPAN_LIT("x")), 0);
	assert_int_equal(archive_end(&a), 0);
	archive_done(&a);
	slurp(fd, &b);
	assert_int_equal(read_all(buf_view(&b), &err), 1);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	archive_init(&a, fd);
	assert_int_equal(archive_next(&a, &m, &err), 1);
	assert_string_equal(m.path, path);
	archive_done(&a);
}

static void set_sum(uint8_t *h)
{
	unsigned sum = 0, i;
	char text[8];

	for (i = 0; i < ARCHIVE_BLOCK; i++)
		sum += i >= 148 && i < 156 ? ' ' : h[i];
	assert_int_equal(str_printf(text, sizeof(text), "%06o", sum), 6);
	memcpy(h + 148, text, 7);
	h[155] = ' ';
}

/* Goal: no link, device, folder, climbing name or size gets through. */
static void test_hostile_headers(void **)
{
	static const struct {
		const char *name;
		uint8_t type;
		const char *size, *want;
	} rows[] = {
		{ "bulkhead-state/version", '1', NULL, "not a plain file" },
		{ "bulkhead-state/version", '2', NULL, "not a plain file" },
		{ "bulkhead-state/version", '3', NULL, "not a plain file" },
		{ "bulkhead-state/version", '5', NULL, "not a plain file" },
		{ "bulkhead-state/version", 'x', NULL, "not a plain file" },
		{ "bulkhead-state/../x", '0', NULL, "a name that" },
		{ "/bulkhead-state/x", '0', NULL, "a name that" },
		{ "version", '0', NULL, "a name that" },
		{ "bulkhead-state/", '0', NULL, "a name that" },
		{ "bulkhead-state/version", '0', "7777777777777", "too large" },
		{ "bulkhead-state/version", '0', "77777777777", "too early" },
		{ "bulkhead-state/version", '0', "-1", "too large" },
		{ "bulkhead-state/version", '0', "9", "too large" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEAN_BUF struct buf b;
		struct err err = { 0 };

		small(&b);
		memset(b.p, 0, 100);
		memcpy(b.p, rows[i].name, strlen(rows[i].name));
		b.p[156] = rows[i].type;
		if (rows[i].size) {
			memset(b.p + 124, 0, 12);
			memcpy(b.p + 124, rows[i].size,
			       strnlen(rows[i].size, 12));
		}
		set_sum(b.p);
		assert_int_equal(read_all(buf_view(&b), &err), -EBADMSG);
		if (!strstr(err.msg, rows[i].want))
			fail_msg("row %zu: %s", i, err.msg);
	}
}

static void test_file_that_shrinks(void **)
{
	CLEAN_FD int out = temp(), in = temp();
	struct archive a;

	assert_int_equal(fd_write_all(in, SPAN_LIT("abc")), 0);
	archive_init(&a, out);
	assert_int_equal(archive_add_fd(&a, "version", in, 3), 0);
	assert_int_equal(archive_add_fd(&a, "latch", in, 4), -EAGAIN);
	assert_int_equal(archive_add_fd(&a, "latch", in, ARCHIVE_FILE_MAX),
			 -EFBIG);
	assert_int_equal(archive_add(&a, "a b", SPAN_LIT("")), -EINVAL);
	archive_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_every_flip),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_long_name),
		cmocka_unit_test(test_hostile_headers),
		cmocka_unit_test(test_file_that_shrinks),
	};

	return cmocka_run_group_tests_name("state/archive", tests, NULL, NULL);
}
