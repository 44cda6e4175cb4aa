/* base_test: cursor, buffer, text, numbers, files, loop: each at its edges. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/testing.h"
#include "base/fd.h"
#include "base/loop.h"
#include "base/rd.h"
#include "base/str.h"

static void test_rd_integers(void **state)
{
	static const uint8_t raw[] = { 1, 2,  3,  4,  5,  6,  7, 8,
				       9, 10, 11, 12, 13, 14, 15 };
	struct rd rd;

	(void)state;
	rd_init(&rd, span_of(raw, sizeof(raw)));
	assert_int_equal(rd_u8(&rd), 1);
	assert_int_equal(rd_u16(&rd), 0x0302);
	assert_int_equal(rd_u32(&rd), 0x07060504);
	assert_true(rd_u64(&rd) == 0x0f0e0d0c0b0a0908ull);
	assert_true(rd_end(&rd));
	assert_int_equal(rd_u8(&rd), 0);
	assert_false(rd_end(&rd));
}

/* Every prefix of an encoding fails, and failing sticks. */
static void test_rd_every_prefix(void **state)
{
	CLEAN_BUF struct buf b;
	size_t n;

	(void)state;
	buf_init(&b, 100);
	buf_u16(&b, 7);
	buf_blob(&b, SPAN_LIT("hello"));
	for (n = 0; n <= b.n; n++) {
		struct rd rd;
		struct span s;

		rd_init(&rd, span_of(b.p, n));
		(void)rd_u16(&rd);
		s = rd_blob(&rd, 5);
		assert_int_equal(rd_end(&rd), n == b.n);
		assert_int_equal(s.n, n == b.n ? 5 : 0);
	}
}

static void test_rd_limits(void **state)
{
	static const uint8_t five[] = { 5, 0, 0, 0, 'a', 'b', 'c', 'd', 'e' };
	static const uint8_t huge[] = { 0xff, 0xff, 0xff, 0xff };
	uint8_t copy[4];
	struct rd rd;

	(void)state;
	rd_init(&rd, span_of(five, sizeof(five)));
	assert_int_equal(rd_blob(&rd, 4).n, 0);
	assert_true(rd.bad);
	rd_init(&rd, span_of(five, sizeof(five)));
	assert_int_equal(rd_blob(&rd, 5).n, 5);
	rd_init(&rd, span_of(huge, sizeof(huge)));
	assert_int_equal(rd_blob(&rd, SIZE_MAX).n, 0);
	assert_true(rd.bad);
	rd_init(&rd, span_of(five, sizeof(five)));
	assert_int_equal(rd_count(&rd, 5), 5);
	rd_init(&rd, span_of(five, sizeof(five)));
	assert_int_equal(rd_count(&rd, 4), 0);
	rd_init(&rd, span_of(five, 3));
	copy[0] = 9;
	rd_copy(&rd, copy, 4);
	assert_int_equal(copy[0], 0);
	assert_true(rd.bad);
}

static void test_buf_max(void **state)
{
	CLEAN_BUF struct buf b;

	(void)state;
	buf_init(&b, 4);
	assert_string_equal(buf_cstr(&b), "");
	buf_str(&b, "abc");
	buf_u8(&b, 'd');
	assert_true(buf_ok(&b));
	assert_string_equal(buf_cstr(&b), "abcd");
	buf_u8(&b, 'e');
	assert_false(buf_ok(&b));
	assert_int_equal(b.n, 4);
	buf_reset(&b);
	buf_printf(&b, "%d", 1234);
	assert_true(buf_ok(&b));
	buf_reset(&b);
	buf_printf(&b, "%d", 12345);
	assert_false(buf_ok(&b));
	assert_null(buf_extend(&b, 1));
}

static void test_buf_drop_cut(void **state)
{
	CLEAN_BUF struct buf b;

	(void)state;
	buf_init(&b, 1000);
	buf_str(&b, "0123456789");
	buf_drop(&b, 3);
	assert_string_equal(buf_cstr(&b), "3456789");
	buf_cut(&b, 2);
	assert_string_equal(buf_cstr(&b), "34");
	buf_drop(&b, 99);
	assert_int_equal(b.n, 0);
}

static void test_buf_part(void **state)
{
	CLEAN_BUF struct buf b;

	(void)state;
	buf_init(&b, 1000);
	assert_int_equal(buf_part(&b, 0, 5).n, 0);
	assert_int_equal(buf_part(&b, 7, 5).n, 0);
	buf_str(&b, "0123456789");
	assert_true(span_is(buf_part(&b, 0, 10), "0123456789"));
	assert_true(span_is(buf_part(&b, 3, 2), "34"));
	assert_true(span_is(buf_part(&b, 8, 2), "89"));
	assert_true(span_is(buf_part(&b, 8, 3), "89"));
	assert_true(span_is(buf_part(&b, 9, SIZE_MAX), "9"));
	assert_int_equal(buf_part(&b, 10, 1).n, 0);
	assert_int_equal(buf_part(&b, SIZE_MAX, 1).n, 0);
}

static void test_num_parse(void **state)
{
	static const struct {
		const char *text;
		uint64_t min, max;
		int r;
		uint64_t v;
	} rows[] = {
		{ "0", 0, 9, 0, 0 },
		{ "9", 0, 9, 0, 9 },
		{ "10", 0, 9, -1, 0 },
		{ "4", 5, 9, -1, 0 },
		{ "", 0, 9, -1, 0 },
		{ "07", 0, 9, -1, 0 },
		{ "+1", 0, 9, -1, 0 },
		{ "-1", 0, 9, -1, 0 },
		{ " 1", 0, 9, -1, 0 },
		{ "1x", 0, 99, -1, 0 },
		{ "18446744073709551615", 0, UINT64_MAX, 0, UINT64_MAX },
		{ "18446744073709551616", 0, UINT64_MAX, -1, 0 },
		{ "99999999999999999999", 0, UINT64_MAX, -1, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t v = 0;

		assert_int_equal(num_parse(span_str(rows[i].text), rows[i].min,
					   rows[i].max, &v),
				 rows[i].r);
		if (rows[i].r == 0)
			assert_true(v == rows[i].v);
	}
}

static void test_utf8_trim(void **state)
{
	/* 1, 2, 3 and 4 bytes a character */
	static const char whole[] = "a\u00e9\u20ac\U0001f600\u00e9";
	static const size_t kept[] = {
		0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10, 12
	};
	char text[sizeof(whole)];
	size_t i;

	(void)state;
	assert_int_equal(ARRAY_SIZE(kept), sizeof(whole));
	for (i = 0; i < sizeof(whole); i++) {
		memcpy(text, whole, i);
		text[i] = 0;
		utf8_trim(text);
		assert_int_equal(strlen(text), kept[i]);
		assert_true(utf8_valid(span_str(text)));
	}
}

static void test_str_copy(void **state)
{
	char dst[4];

	(void)state;
	assert_int_equal(str_copy(dst, sizeof(dst), SPAN_LIT("abc")), 0);
	assert_string_equal(dst, "abc");
	assert_int_equal(str_copy(dst, sizeof(dst), SPAN_LIT("abcd")), -1);
	assert_string_equal(dst, "");
	assert_int_equal(str_copy(dst, sizeof(dst), SPAN_LIT("a\0b")), -1);
	assert_int_equal(str_printf(dst, sizeof(dst), "%s", "abcd"), -1);
	assert_string_equal(dst, "abc");
}

static void test_hex(void **state)
{
	static const uint8_t raw[] = { 0x00, 0x9f, 0xff };
	uint8_t back[3];
	char text[7];

	(void)state;
	hex_encode(text, raw, 3);
	assert_string_equal(text, "009fff");
	assert_int_equal(hex_decode(back, 3, span_str(text)), 0);
	assert_memory_equal(raw, back, 3);
	assert_int_equal(hex_decode(back, 3, SPAN_LIT("009ff")), -1);
	assert_int_equal(hex_decode(back, 3, SPAN_LIT("009FFF")), -1);
	assert_int_equal(hex_decode(back, 3, SPAN_LIT("009ffg")), -1);
}

static void test_utf8(void **state)
{
	static const struct {
		const char *text;
		size_t n;
		bool valid;
	} rows[] = {
		{ "", 0, true },
		{ "a\0b", 3, true },
		{ "\xc2\x80", 2, true },
		{ "\xc1\xbf", 2, false },
		{ "\xc2", 1, false },
		{ "\xe0\xa0\x80", 3, true },
		{ "\xe0\x9f\xbf", 3, false },
		{ "\xed\x9f\xbf", 3, true },
		{ "\xed\xa0\x80", 3, false }, /* a surrogate */
		{ "\xee\x80\x80", 3, true },
		{ "\xf0\x90\x80\x80", 4, true },
		{ "\xf0\x8f\xbf\xbf", 4, false },
		{ "\xf4\x8f\xbf\xbf", 4, true },
		{ "\xf4\x90\x80\x80", 4, false },
		{ "\xf5\x80\x80\x80", 4, false },
		{ "\x80", 1, false },
		{ "\xff", 1, false },
		{ "\xe2\x82", 2, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (utf8_valid(span_of(rows[i].text, rows[i].n)) !=
		    rows[i].valid)
			fail_msg("row %zu", i);
}

static void test_memfd(void **state)
{
	int fd = memfd_sealed("x", SPAN_LIT("hello"));
	int open_fd = memfd_create("y", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char text[8];

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(memfd_sealed_size(fd, 5), 5);
	assert_int_equal(memfd_sealed_size(fd, 4), -EFBIG);
	assert_int_equal(memfd_sealed_size(open_fd, 5), -EPERM);
	assert_int_equal(memfd_sealed_size(-1, 5), -EPERM);
	assert_int_equal(fd_pread_all(fd, text, sizeof(text), 0), 5);
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(errno, EPERM);
	fd_close(&open_fd);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	open_fd = memfd_from_fd("z", fd, 5);
	assert_int_equal(memfd_sealed_size(open_fd, 5), 5);
	fd_close(&open_fd);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(memfd_from_fd("z", fd, 4), -EFBIG);
	fd_close(&fd);
	assert_int_equal(fd, -1);
}

struct ticks {
	struct loop *l;
	int order[4];
	int n;
};

static void tick_late(void *arg)
{
	struct ticks *t = arg;

	t->order[t->n++] = 2;
	loop_stop(t->l);
}

static void tick_early(void *arg)
{
	struct ticks *t = arg;

	t->order[t->n++] = 1;
}

static void on_pipe(void *arg, int fd, short revents)
{
	struct ticks *t = arg;
	char c;

	assert_true(revents & POLLIN);
	assert_int_equal(read(fd, &c, 1), 1);
	t->order[t->n++] = 3;
	loop_del(t->l, fd);
}

static void test_loop(void **state)
{
	static struct loop l;
	struct ticks t = { .l = &l };
	int p[2];
	int id;

	(void)state;
	loop_init(&l);
	assert_int_equal(pipe(p), 0);
	assert_int_equal(write(p[1], "xy", 2), 2);
	assert_int_equal(loop_add(&l, p[0], POLLIN, on_pipe, &t), 0);
	assert_true(loop_timer(&l, 30, tick_late, &t) >= 0);
	assert_true(loop_timer(&l, 10, tick_early, &t) >= 0);
	id = loop_timer(&l, 1, tick_late, &t);
	loop_timer_del(&l, id);
	assert_int_equal(loop_run(&l), 0);
	assert_int_equal(t.n, 3);
	assert_int_equal(t.order[0], 3);
	assert_int_equal(t.order[1], 1);
	assert_int_equal(t.order[2], 2);
	(void)close(p[0]);
	(void)close(p[1]);
}

struct reuse {
	struct loop *l;
	int old, fresh; /* a new file with the number of the old one */
	bool written;
};

static void on_fresh(void *arg, int, short)
{
	struct reuse *u = arg;

	assert_true(u->written);
	loop_stop(u->l);
}

static void on_first(void *arg, int fd, short)
{
	struct reuse *u = arg;
	int p[2];

	loop_del(u->l, fd);
	loop_del(u->l, u->old);
	(void)close(u->old);
	assert_int_equal(pipe(p), 0);
	assert_int_equal(p[0], u->old);
	u->fresh = p[1];
	/* The first free row, then that of the old one. */
	assert_int_equal(loop_add(u->l, p[1], 0, on_fresh, u), 0);
	assert_int_equal(loop_add(u->l, p[0], POLLIN, on_fresh, u), 0);
}

static void on_quiet(void *arg)
{
	struct reuse *u = arg;

	u->written = true;
	assert_int_equal(write(u->fresh, "x", 1), 1);
}

/* What was polled before a file was there is not its event. */
static void test_loop_reuse(void **state)
{
	static struct loop l;
	struct reuse u = { .l = &l };
	int a[2], b[2];

	(void)state;
	loop_init(&l);
	assert_int_equal(pipe(b), 0);
	assert_int_equal(pipe(a), 0);
	u.old = b[0];
	assert_int_equal(write(a[1], "x", 1), 1);
	assert_int_equal(write(b[1], "x", 1), 1);
	assert_int_equal(loop_add(&l, a[0], POLLIN, on_first, &u), 0);
	assert_int_equal(loop_add(&l, b[0], POLLIN, on_fresh, &u), 0);
	assert_true(loop_timer(&l, 30, on_quiet, &u) >= 0);
	assert_int_equal(loop_run(&l), 0);
	(void)close(a[0]);
	(void)close(a[1]);
	(void)close(b[1]);
	(void)close(u.old);
	(void)close(u.fresh);
}

static void test_loop_is_bounded(void **state)
{
	static struct loop l;
	int i;

	(void)state;
	loop_init(&l);
	for (i = 0; i < LOOP_FDS; i++)
		assert_int_equal(loop_add(&l, i, POLLIN, on_pipe, NULL), 0);
	assert_int_equal(loop_add(&l, i, POLLIN, on_pipe, NULL), -ENFILE);
	loop_del(&l, 7);
	assert_int_equal(loop_add(&l, i, POLLIN, on_pipe, NULL), 0);
	for (i = 0; i < LOOP_TIMERS; i++)
		assert_int_equal(loop_timer(&l, 1, tick_early, NULL), i);
	assert_int_equal(loop_timer(&l, 1, tick_early, NULL), -ENFILE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rd_integers),
		cmocka_unit_test(test_rd_every_prefix),
		cmocka_unit_test(test_rd_limits),
		cmocka_unit_test(test_buf_max),
		cmocka_unit_test(test_buf_drop_cut),
		cmocka_unit_test(test_buf_part),
		cmocka_unit_test(test_num_parse),
		cmocka_unit_test(test_str_copy),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_utf8_trim),
		cmocka_unit_test(test_memfd),
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_loop_reuse),
		cmocka_unit_test(test_loop_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
