/*
 * state: windows at their ends, what is given back, time over restarts and
 * clocks that are set, rows through a store, and bytes that no store has.
 */
#include "base/testing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy/state.h"

static struct state_clock clock_at(uint64_t boot_s, uint64_t wall_s,
				   uint8_t boot)
{
	return (struct state_clock){ .boot_ms = boot_s * 1000,
				     .wall_s = wall_s,
				     .boot_id = { boot } };
}

static struct policy_state *fresh(void)
{
	struct policy_state *s = policy_state_new();
	struct state_clock c = clock_at(0, 1000000, 1);

	assert_non_null(s);
	assert_int_equal(policy_state_now(s, &c), 0);
	return s;
}

static void at(struct policy_state *s, uint64_t boot_s)
{
	struct state_clock c = clock_at(boot_s, 1000000 + boot_s, 1);

	assert_int_equal(policy_state_now(s, &c), boot_s);
}

static struct state_place place(const char *key, uint64_t most,
				uint32_t window_s)
{
	return (struct state_place){ span_str(key), 1, most, window_s };
}

static bool take(struct policy_state *s, struct state_place p)
{
	struct state_taken t = { 0 };

	if (!policy_state_open(s, &p))
		return false;
	assert_int_equal(policy_state_take(s, &p, &t), 0);
	return true;
}

/* All rows, as a store would have them: into another state. */
struct kept {
	size_t n;
	struct {
		char key[STATE_KEY_MAX + 1];
		uint8_t row[STATE_ROW_MAX];
		size_t n;
	} v[32];
};

static void keep_one(struct kept *k, const char *key, struct span row)
{
	size_t i;

	for (i = 0; i < k->n && strcmp(k->v[i].key, key) != 0; i++)
		;
	if (!row.n) {
		if (i < k->n)
			k->v[i] = k->v[--k->n];
		return;
	}
	assert_true(i < ARRAY_SIZE(k->v));
	(void)snprintf(k->v[i].key, sizeof(k->v[i].key), "%s", key);
	memcpy(k->v[i].row, row.p, row.n);
	k->v[i].n = row.n;
	if (i == k->n)
		k->n++;
}

static void keep(struct policy_state *s, struct kept *k)
{
	CLEAN_BUF struct buf key = { .max = STATE_KEY_MAX + 1 };
	CLEAN_BUF struct buf row = { .max = STATE_ROW_MAX };

	while (policy_state_dirty(s, &key, &row)) {
		assert_true(buf_ok(&key) && buf_ok(&row));
		keep_one(k, buf_cstr(&key), buf_view(&row));
	}
}

static struct policy_state *restart(struct policy_state *s, struct kept *k)
{
	size_t i;

	keep(s, k);
	policy_state_free(s);
	s = policy_state_new();
	assert_non_null(s);
	for (i = 0; i < k->n; i++)
		assert_int_equal(
			policy_state_load(s, span_str(k->v[i].key),
					  span_of(k->v[i].row, k->v[i].n)),
			0);
	return s;
}

/* Three a minute, in every window, wherever it begins: never one too many, and
 * free again one slot late at most. */
static void window(void **)
{
	static const uint32_t lengths[] = { 60, 3600, 86400, 7 * 86400 };
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct policy_state *s = fresh();
		struct state_place p = place("k", 3, lengths[i]);
		uint32_t slot = lengths[i] / STATE_SLOTS;

		for (k = 0; k < 3; k++) {
			at(s, 1000000 + k);
			assert_true(take(s, p));
		}
		assert_false(take(s, p));
		at(s, 1000000 + lengths[i] - 1);
		assert_false(take(s, p));
		at(s, 1000000 + lengths[i] + 2 + slot);
		for (k = 0; k < 3; k++)
			assert_true(take(s, p));
		assert_false(take(s, p));
		policy_state_free(s);
	}
}

/* By hand, second by second: whatever was granted, no window has more. */
static void never_more(void **)
{
	static uint64_t granted[4000];
	struct policy_state *s = fresh();
	struct state_place p = place("k", 5, 90);
	size_t n = 0, first = 0;
	uint64_t t;

	for (t = 0; t < 4000; t++) {
		at(s, t);
		if (t % 7 < 3 && take(s, p))
			granted[n++] = t;
		while (first < n && granted[first] + 90 <= t)
			first++;
		assert_true(n - first <= 5);
	}
	/* and not far fewer: 5 in 92 at least */
	assert_true(n >= (size_t)4000 / 94 * 5);
	policy_state_free(s);
}

static void amounts(void **)
{
	struct policy_state *s = fresh();
	struct state_place p = { SPAN_LIT("bytes"), 60, 100, 3600 };
	struct state_taken t = { 0 };

	assert_true(take(s, p));
	assert_false(take(s, p));
	p.amount = 40;
	assert_true(take(s, p));
	p.amount = 1;
	assert_false(take(s, p));
	/* a settlement may be over; nothing wraps */
	p.amount = UINT64_MAX;
	assert_int_equal(policy_state_take(s, &p, &t), 0);
	assert_int_equal(policy_state_used(s, p.key, 3600), UINT64_MAX);
	p.amount = 0;
	assert_false(policy_state_open(s, &p));
	policy_state_free(s);
}

/* For ever, until it is forgotten; a prefix is one of keys, not of words. */
static void forgotten(void **)
{
	struct policy_state *s = fresh();
	struct kept k = { 0 };

	assert_true(take(s, place("task 1 calls", 1, 0)));
	assert_true(take(s, place("task 1 asks", 1, 0)));
	assert_true(take(s, place("task 17 calls", 1, 0)));
	at(s, UINT64_C(400) * 86400);
	assert_false(take(s, place("task 1 calls", 1, 0)));
	keep(s, &k);
	assert_int_equal(k.n, 4);
	policy_state_forget(s, SPAN_LIT("task 1 "));
	assert_true(take(s, place("task 1 calls", 1, 0)));
	assert_false(take(s, place("task 17 calls", 1, 0)));
	s = restart(s, &k);
	assert_int_equal(k.n, 3);
	assert_false(take(s, place("task 1 calls", 1, 0)));
	assert_true(take(s, place("task 1 asks", 1, 0)));
	policy_state_free(s);
}

static void given_back(void **)
{
	struct policy_state *s = fresh();
	struct state_place p = place("k", 2, 60), q = place("q", 9, 0);
	struct state_taken t = { 0 };
	struct kept k = { 0 };
	int64_t v;

	assert_true(take(s, p));
	at(s, 30);
	assert_int_equal(policy_state_take(s, &p, &t), 0);
	assert_int_equal(policy_state_take(s, &q, &t), 0);
	assert_int_equal(policy_state_set(s, SPAN_LIT("last"), 5, &t), 0);
	assert_false(policy_state_open(s, &p));
	keep(s, &k);
	policy_state_give_back(s, &t);
	assert_int_equal(t.n, 0);
	policy_state_give_back(s, &t);
	assert_int_equal(policy_state_used(s, p.key, 60), 1);
	assert_false(policy_state_number(s, SPAN_LIT("last"), &v));
	assert_int_equal(policy_state_set(s, SPAN_LIT("last"), 5, &t), 0);
	t.n = 0;
	assert_int_equal(policy_state_set(s, SPAN_LIT("last"), -7, &t), 0);
	policy_state_give_back(s, &t);
	assert_true(policy_state_number(s, SPAN_LIT("last"), &v));
	assert_int_equal(v, 5);
	/* the store hears of it, too */
	s = restart(s, &k);
	assert_int_equal(policy_state_used(s, p.key, 60), 1);
	assert_int_equal(policy_state_used(s, q.key, 0), 0);
	policy_state_free(s);
}

/* What was taken may be gone, and its place another's, before it is given
 * back. */
static void given_back_late(void **)
{
	struct policy_state *s = fresh();
	struct state_place p = place("task 1 calls", 9, 0),
			   q = place("task 2 calls", 9, 0);
	struct state_taken t = { 0 };
	struct kept k = { 0 };

	assert_int_equal(policy_state_take(s, &p, &t), 0);
	policy_state_forget(s, SPAN_LIT("task 1 "));
	keep(s, &k);
	assert_true(take(s, q));
	policy_state_give_back(s, &t);
	assert_int_equal(policy_state_used(s, q.key, 0), 1);
	policy_state_free(s);
}

static void keys(void **)
{
	struct policy_state *s = fresh();
	struct state_taken t = { 0 };
	char key[STATE_KEY_MAX + 2];
	struct state_place p = { { 0 }, 1, 1, 60 };

	memset(key, 'k', sizeof(key));
	assert_int_equal(policy_state_take(s, &p, &t), -EINVAL);
	p.key = span_of(key, STATE_KEY_MAX + 1);
	assert_int_equal(policy_state_take(s, &p, &t), -EINVAL);
	p.key = span_of(key, STATE_KEY_MAX);
	assert_int_equal(policy_state_take(s, &p, &t), 0);
	/* another window, another kind, the clock's own */
	p.window_s = 61;
	assert_int_equal(policy_state_take(s, &p, &t), -EINVAL);
	assert_false(policy_state_open(s, &p));
	assert_int_equal(policy_state_set(s, p.key, 1, &t), -EINVAL);
	p.key = SPAN_LIT("clock");
	assert_int_equal(policy_state_take(s, &p, &t), -EINVAL);
	assert_int_equal(t.n, 1);
	policy_state_free(s);
}

static void full(void **)
{
	CLEAN_BUF struct buf key = { .max = STATE_KEY_MAX };
	CLEAN_BUF struct buf row = { .max = STATE_ROW_MAX };
	struct policy_state *s = fresh();
	struct state_taken t = { 0 };
	struct state_place p;
	char name[32];
	int i;

	for (i = 0; i < STATE_KEYS; i++) {
		(void)snprintf(name, sizeof(name), "k%d", i);
		/* one of them for ever */
		assert_true(take(s, place(name, 1, i ? 60 : 0)));
	}
	p = place("one more", 1, 60);
	assert_int_equal(policy_state_take(s, &p, &t), -ENOSPC);
	assert_false(take(s, place("k77", 1, 60)));
	/* what has fallen out makes room, once the store knows */
	at(s, 1000);
	assert_int_equal(policy_state_take(s, &p, &t), -ENOSPC);
	while (policy_state_dirty(s, &key, &row))
		;
	assert_int_equal(policy_state_take(s, &p, &t), 0);
	assert_false(take(s, place("k0", 1, 0)));
	policy_state_free(s);
}

static void taken_is_full(void **)
{
	struct policy_state *s = fresh();
	struct state_place p = place("k", UINT64_MAX, 60);
	struct state_taken t = { 0 };
	int i;

	for (i = 0; i < STATE_TAKEN; i++)
		assert_int_equal(policy_state_take(s, &p, &t), 0);
	assert_int_equal(policy_state_take(s, &p, &t), -ENOSPC);
	assert_int_equal(policy_state_set(s, SPAN_LIT("n"), 1, &t), -ENOSPC);
	assert_int_equal(policy_state_used(s, p.key, 60), STATE_TAKEN);
	policy_state_give_back(s, &t);
	assert_int_equal(policy_state_used(s, p.key, 60), 0);
	policy_state_free(s);
}

/* A restart or a clock that is set never refills a bucket. */
static void clocks(void **)
{
	static const struct {
		const char *what;
		struct state_clock c;
		uint64_t want; /* from 5000 on */
	} rows[] = {
		{ "same boot", { 5100000, 1005100, { 1 } }, 5100 },
		{ "same boot, wall far ahead",
		  { 5100000, 9999999, { 1 } },
		  5100 },
		{ "same boot, wall back", { 5100000, 3, { 1 } }, 5100 },
		{ "same boot, monotonic back", { 100, 1005100, { 1 } }, 5000 },
		{ "reboot", { 60000, 1005200, { 2 } }, 5200 },
		{ "reboot, wall back", { 60000, 1000, { 2 } }, 5000 },
		{ "reboot, wall far ahead",
		  { 60000, 99999999, { 2 } },
		  5000 + STATE_AWAY_S },
		{ "reboot, a day",
		  { 0, 1005000 + STATE_AWAY_S, { 2 } },
		  5000 + STATE_AWAY_S },
		{ "reboot, a day less one",
		  { 0, 1005000 + STATE_AWAY_S - 1, { 2 } },
		  5000 + STATE_AWAY_S - 1 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct policy_state *s = fresh();
		struct kept k = { 0 };
		uint64_t now;

		at(s, 5000);
		assert_true(take(s, place("k", 1, 7 * 86400)));
		s = restart(s, &k);
		now = policy_state_now(s, &rows[i].c);
		if (now != rows[i].want)
			fail_msg("%s: %lu", rows[i].what, now);
		assert_false(take(s, place("k", 1, 7 * 86400)));
		/* read twice, counted once */
		assert_int_equal(policy_state_now(s, &rows[i].c), now);
		s = restart(s, &k);
		assert_int_equal(policy_state_now(s, &rows[i].c), now);
		policy_state_free(s);
	}
}

/* While it runs only the monotonic clock counts; a step is kept, so that it
 * does not count over the next reboot either. */
static void clock_set(void **)
{
	struct policy_state *s = fresh();
	struct state_clock c = clock_at(10, 1000000 + 10 + 50000, 1);
	struct kept k = { 0 };

	keep(s, &k);
	assert_int_equal(policy_state_now(s, &c), 10);
	s = restart(s, &k);
	c = clock_at(0, c.wall_s + 7, 2);
	assert_int_equal(policy_state_now(s, &c), 17);
	/* another boot under a running process: nothing passes */
	c = clock_at(99, c.wall_s + 7000, 3);
	assert_int_equal(policy_state_now(s, &c), 17);
	policy_state_free(s);
}

/* The clock's row is lost: what the others say has passed, has passed. */
static void clock_lost(void **)
{
	struct policy_state *s = fresh();
	struct state_clock c = clock_at(0, 0, 2);
	struct kept k = { 0 };
	size_t i;

	at(s, 500000);
	assert_true(take(s, place("k", 1, 3600)));
	keep(s, &k);
	for (i = 0; i < k.n; i++)
		if (!strcmp(k.v[i].key, "clock"))
			k.v[i] = k.v[--k.n];
	s = restart(s, &k);
	assert_true(policy_state_now(s, &c) >= 500000 - 60);
	assert_false(take(s, place("k", 1, 3600)));
	c.boot_ms += UINT64_C(3700) * 1000;
	(void)policy_state_now(s, &c);
	assert_true(take(s, place("k", 1, 3600)));
	policy_state_free(s);
}

/* A buffer without room loses nothing. */
static void dirty_again(void **)
{
	CLEAN_BUF struct buf key = { .max = 1 };
	CLEAN_BUF struct buf row = { .max = STATE_ROW_MAX };
	struct policy_state *s = fresh();
	struct kept k = { 0 };

	assert_true(take(s, place("long", 1, 60)));
	assert_true(policy_state_dirty(s, &key, &row));
	assert_false(buf_ok(&key));
	keep(s, &k);
	assert_int_equal(k.n, 2);
	assert_false(policy_state_dirty(s, &key, &row));
	/* the store has lost it all */
	k.n = 0;
	policy_state_again(s);
	keep(s, &k);
	assert_int_equal(k.n, 2);
	policy_state_free(s);
}

/* What the store never heard of it need not forget. */
static void never_told(void **)
{
	CLEAN_BUF struct buf key = { .max = STATE_KEY_MAX };
	CLEAN_BUF struct buf row = { .max = STATE_ROW_MAX };
	struct policy_state *s = fresh();
	struct kept k = { 0 };

	keep(s, &k);
	assert_true(take(s, place("task 1 calls", 1, 0)));
	policy_state_forget(s, SPAN_LIT("task 1 "));
	assert_true(policy_state_dirty(s, &key, &row));
	assert_true(span_is(buf_view(&key), "clock"));
	assert_false(policy_state_dirty(s, &key, &row));
	policy_state_free(s);
}

/* Every prefix of a good row, and single bytes that are wrong. */
static void foreign(void **)
{
	static const struct {
		const char *key;
		uint8_t row[40];
		size_t n;
		int want;
	} rows[] = {
		/* version, kind, window, first slot, slots */
		{ "k",
		  { 1, 2, 60, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1 },
		  24,
		  0 },
		{ "k",
		  { 2, 2, 60, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1 },
		  24,
		  -EPROTO },
		{ "k",
		  { 1, 4, 60, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1 },
		  24,
		  -EPROTO },
		{ "k",
		  { 1, 0, 60, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1 },
		  24,
		  -EPROTO },
		{ "clock",
		  { 1, 2, 60, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1 },
		  24,
		  -EPROTO },
		{ "",
		  { 1, 2, 60, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1 },
		  24,
		  -EPROTO },
		/* no slots; too many; the first not first; nothing taken */
		{ "k",
		  { 1, 2, 60, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0 },
		  15,
		  -EPROTO },
		{ "k",
		  { 1, 2, 60, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 63 },
		  40,
		  -EPROTO },
		{ "k",
		  { 1, 2, 60, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1 },
		  24,
		  -EPROTO },
		{ "k",
		  { 1, 2, 60, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0 },
		  24,
		  -EPROTO },
		{ "k",
		  { 1, 2, 60, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1 },
		  25,
		  -EPROTO },
		/* a window of no length has one slot */
		{ "k",
		  { 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1 },
		  24,
		  0 },
		{ "k",
		  { 1, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1 },
		  24,
		  -EPROTO },
		/* a window that is too long, a time that never was */
		{ "k",
		  { 1, 2, 0, 0, 0, 9, 5, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1 },
		  24,
		  -EPROTO },
		{ "k",
		  { 1, 2, 60, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 9, 1, 0, 1 },
		  24,
		  -EPROTO },
		{ "n", { 1, 3, 5 }, 10, 0 },
		{ "n", { 1, 3, 5 }, 9, -EPROTO },
		{ "n", { 1, 3, 5 }, 11, -EPROTO },
		{ "clock", { 1, 1 }, 42, 0 },
		{ "clock", { 1, 1 }, 41, -EPROTO },
	};
	size_t i, n;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct policy_state *s = policy_state_new();
		struct span key = span_str(rows[i].key);
		uint8_t bytes[64] = { 0 };

		memcpy(bytes, rows[i].row, sizeof(rows[i].row));
		for (n = 0; !rows[i].want && n < rows[i].n; n++) {
			struct policy_state *o = policy_state_new();

			if (policy_state_load(o, key, span_of(bytes, n)) !=
			    -EPROTO)
				fail_msg("row %zu: %zu bytes", i, n);
			policy_state_free(o);
		}
		if (policy_state_load(s, key, span_of(bytes, rows[i].n)) !=
		    rows[i].want)
			fail_msg("row %zu", i);
		/* a key twice */
		if (!rows[i].want)
			assert_int_equal(
				policy_state_load(s, key,
						  span_of(bytes, rows[i].n)),
				-EPROTO);
		policy_state_free(s);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(window),
		cmocka_unit_test(never_more),
		cmocka_unit_test(amounts),
		cmocka_unit_test(forgotten),
		cmocka_unit_test(given_back),
		cmocka_unit_test(given_back_late),
		cmocka_unit_test(keys),
		cmocka_unit_test(full),
		cmocka_unit_test(taken_is_full),
		cmocka_unit_test(clocks),
		cmocka_unit_test(clock_set),
		cmocka_unit_test(clock_lost),
		cmocka_unit_test(dirty_again),
		cmocka_unit_test(never_told),
		cmocka_unit_test(foreign),
	};

	return cmocka_run_group_tests_name("policy/state", tests, NULL, NULL);
}
