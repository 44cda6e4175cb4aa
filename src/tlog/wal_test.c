/* wal_test: the write-ahead file as bytes: every cut, every flip. */
#include "tlog/wal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A file of two batches of one record each, the first of `len` bytes. */
static size_t two_batches(struct buf *b, size_t len)
{
	static uint8_t record[4096];
	uint8_t chain[TLOG_HASH];
	struct buf rows;
	size_t second;

	memset(record, 'r', sizeof(record));
	buf_init(b, 1 << 20);
	buf_init(&rows, 1 << 20);
	assert_int_equal(wal_begin(b, 256, chain), 0);
	assert_int_equal(b->n, WAL_HEAD);
	wal_put_row(&rows, span_of(record, len));
	assert_int_equal(wal_batch(b, 256, 1, buf_view(&rows), chain), 0);
	second = b->n;
	buf_reset(&rows);
	wal_put_row(&rows, SPAN_LIT("second"));
	assert_int_equal(wal_batch(b, 257, 1, buf_view(&rows), chain), 0);
	buf_done(&rows);
	return second;
}

static enum wal_result walk(struct span bytes, struct wal_walk *w)
{
	enum wal_result r = wal_open(w, bytes);

	while (r == WAL_OK)
		r = wal_next(w);
	return r;
}

static void whole(void **state)
{
	struct wal_walk w;
	struct span record;
	struct buf b;

	(void)state;
	(void)two_batches(&b, 10);
	assert_int_equal(walk(buf_view(&b), &w), WAL_END);
	assert_int_equal(w.base, 256);
	assert_int_equal(w.next, 258);
	assert_true(wal_row(&w.rows, &record));
	assert_true(span_is(record, "second"));
	assert_false(wal_row(&w.rows, &record));
	buf_done(&b);
}

static void every_cut(void **state)
{
	struct wal_walk w;
	size_t second, n;
	struct buf b;

	(void)state;
	second = two_batches(&b, 10);
	for (n = 0; n < b.n; n++) {
		enum wal_result want = WAL_TORN;

		if (n < WAL_HEAD)
			want = WAL_BAD;
		else if (n == WAL_HEAD || n == second)
			want = WAL_END;
		assert_int_equal(walk(span_of(b.p, n), &w), want);
		if (n >= second)
			assert_int_equal(w.off, second);
	}
	buf_done(&b);
}

/* A flip is never taken for a crash, but in the rows of the last batch. */
static void every_flip(void **state)
{
	struct wal_walk w;
	size_t second, i;
	struct buf b;

	(void)state;
	second = two_batches(&b, 10);
	for (i = 0; i < b.n * 8; i++) {
		enum wal_result want =
			i / 8 < second + WAL_BATCH_HEAD ? WAL_BAD : WAL_TORN;

		b.p[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(walk(buf_view(&b), &w), want);
		b.p[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	buf_done(&b);
}

/* The second head lies across a sector's end, its second half unwritten. */
static void sectors(void **state)
{
	size_t kept;

	(void)state;
	for (kept = 0; kept < WAL_BATCH_HEAD; kept++) {
		/* head, head of the batch, length, record, hash */
		size_t fixed = WAL_HEAD + WAL_BATCH_HEAD + 2 + TLOG_HASH;
		struct wal_walk w;
		struct buf b;
		size_t second = two_batches(&b, 512 - fixed - kept);

		assert_int_equal(second, 512 - kept);
		memset(b.p + 512, 0, b.n - 512);
		assert_int_equal(walk(buf_view(&b), &w), WAL_TORN);
		assert_int_equal(w.off, second);
		if (kept > 0) {
			b.p[second] ^= 1;
			assert_int_equal(walk(buf_view(&b), &w), WAL_BAD);
		}
		buf_done(&b);
	}
}

/* Batches out of their places: the chain and the index tell. */
static void moved(void **state)
{
	struct wal_walk w;
	size_t second, len;
	struct buf b, c;

	(void)state;
	second = two_batches(&b, 6);
	len = b.n - second;
	buf_init(&c, 1 << 20);
	buf_put(&c, b.p, WAL_HEAD);
	buf_put(&c, b.p + second, len);
	assert_int_equal(walk(buf_view(&c), &w), WAL_BAD);
	buf_put(&c, b.p + WAL_HEAD, second - WAL_HEAD);
	assert_int_equal(walk(buf_view(&c), &w), WAL_BAD);
	buf_reset(&c);
	buf_span(&c, buf_view(&b));
	buf_put(&c, b.p + second, len);
	assert_int_equal(walk(buf_view(&c), &w), WAL_BAD);
	buf_done(&b);
	buf_done(&c);
}

/* Rows that are not whole, or not as many as the head says. */
static void rows(void **state)
{
	static const struct {
		uint32_t n;
		struct span rows;
		enum wal_result want;
	} table[] = {
		{ 1, { (const uint8_t *)"\0\1a", 3 }, WAL_END },
		{ 2, { (const uint8_t *)"\0\1a\0\1b", 6 }, WAL_END },
		{ 0, { (const uint8_t *)"", 0 }, WAL_BAD },
		{ 1, { (const uint8_t *)"\0\1a\0\1b", 6 }, WAL_BAD },
		{ 3, { (const uint8_t *)"\0\1a\0\1b", 6 }, WAL_BAD },
		{ 1, { (const uint8_t *)"\0\2a", 3 }, WAL_BAD },
		{ 1, { (const uint8_t *)"\0\0", 2 }, WAL_BAD },
		{ 1, { (const uint8_t *)"\0", 1 }, WAL_BAD },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		uint8_t chain[TLOG_HASH];
		struct wal_walk w;
		struct buf b;

		buf_init(&b, 4096);
		assert_int_equal(wal_begin(&b, 0, chain), 0);
		assert_int_equal(
			wal_batch(&b, 0, table[i].n, table[i].rows, chain), 0);
		assert_int_equal(walk(buf_view(&b), &w), table[i].want);
		buf_done(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),      cmocka_unit_test(every_cut),
		cmocka_unit_test(every_flip), cmocka_unit_test(sectors),
		cmocka_unit_test(moved),      cmocka_unit_test(rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
