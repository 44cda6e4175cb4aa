/*
 * imap_place_test: whatever order verdicts come in and wherever the process
 * ends, the place never passes a mail without a verdict, and what has one is
 * not given again.
 */
#include <stdlib.h>

#include "base/testing.h"
#include "imap_place.h"

static struct imap_place again(const struct imap_place *p)
{
	struct imap_place ret = { 0 };
	CLEAN_BUF struct buf b;

	buf_init(&b, 128 << 10);
	imap_place_write(p, &b);
	assert_true(buf_ok(&b));
	assert_int_equal(imap_place_read(&ret, buf_view(&b)), 0);
	return ret;
}

static void test_order(void **)
{
	struct imap_place p = { 0 }, q;
	uint32_t uid;

	assert_int_equal(imap_place_begin(&p, 7, 10), 0);
	for (uid = 11; uid <= 14; uid++) {
		assert_false(imap_place_has(&p, uid));
		imap_place_add(&p, uid, false);
	}
	assert_int_equal(p.out, 4);
	assert_int_equal(p.low, 10);
	imap_place_scanned(&p, 20);
	imap_place_end(&p, 13);
	assert_int_equal(p.low, 10);
	assert_int_equal(p.out, 3);
	q = again(&p);
	assert_int_equal(q.low, 10);
	assert_true(imap_place_has(&q, 13));
	assert_false(imap_place_has(&q, 14));
	imap_place_done(&q);
	imap_place_kept(&p, 11);
	imap_place_kept(&p, 11);
	assert_int_equal(p.out, 2);
	assert_int_equal(p.low, 10);
	imap_place_end(&p, 11);
	assert_int_equal(p.low, 11);
	imap_place_end(&p, 14);
	imap_place_end(&p, 12);
	assert_int_equal(p.out, 0);
	assert_int_equal(p.low, 20);
	assert_int_equal(p.n, 0);
	imap_place_done(&p);
}

/* A verdict of what an earlier process gave, before this one has come there. */
static void test_earlier(void **)
{
	struct imap_place p = { 0 };

	assert_int_equal(imap_place_begin(&p, 7, 10), 0);
	imap_place_end(&p, 12);
	assert_int_equal(p.low, 10);
	assert_true(imap_place_has(&p, 12));
	imap_place_end(&p, 9);
	assert_int_equal(p.n, 1);
	imap_place_add(&p, 11, false);
	imap_place_scanned(&p, 12);
	assert_int_equal(p.low, 10);
	imap_place_end(&p, 11);
	assert_int_equal(p.low, 12);
	assert_int_equal(p.n, 0);
	imap_place_done(&p);
}

static void test_full(void **)
{
	struct imap_place p = { 0 }, q;
	uint32_t uid;

	assert_int_equal(imap_place_begin(&p, 7, 0), 0);
	imap_place_add(&p, 1, false);
	for (uid = 2; imap_place_room(&p); uid++) {
		imap_place_add(&p, uid, false);
		imap_place_end(&p, uid);
	}
	assert_int_equal(p.n, IMAP_PLACE_ROWS);
	assert_int_equal(p.low, 0);
	imap_place_add(&p, uid, false);
	imap_place_end(&p, uid);
	assert_int_equal(p.n, IMAP_PLACE_ROWS);
	q = again(&p);
	assert_int_equal(q.n, IMAP_PLACE_ROWS - 1);
	imap_place_done(&q);
	imap_place_end(&p, 1);
	assert_int_equal(p.n, 0);
	imap_place_done(&p);
}

static void test_files(void **)
{
	static const char *const bad[] = { "",	       "7",
					   "7 1",      "0 1\n",
					   "7 1\n1\n", "7 1\n3\n2\n",
					   "7 1\nx\n", "7 1\n2" };
	struct imap_place p = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(imap_place_read(&p, span_str(bad[i])), -74);
	assert_int_equal(imap_place_read(&p, SPAN_LIT("7 1\n3\n")), 0);
	assert_int_equal(imap_place_uid(&p, SPAN_LIT("7.3")), 3);
	assert_int_equal(imap_place_uid(&p, SPAN_LIT("8.3")), 0);
	assert_int_equal(imap_place_uid(&p, SPAN_LIT("7.x")), 0);
	assert_int_equal(imap_place_uid(&p, SPAN_LIT("73")), 0);
	imap_place_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_earlier),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
