/*
 * serve_test: the store seen from its peers: each message, restarts, turns,
 * bounds. With an argument, the folder of the bulkhead-* binaries, it is the
 * real process in its sandbox.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/testing.h"
#include "rig.h"
#include "store.h"

static struct rig r;
static const char *libexec;

static int setup(void **)
{
	r = (struct rig){ .libexec = libexec };
	rig_dir(&r);
	if (!rig_start(&r))
		fail_msg("%s", r.why);
	return 0;
}

static int teardown(void **)
{
	rig_done(&r);
	return 0;
}

static void restart(void)
{
	rig_kill(&r);
	if (!rig_start(&r))
		fail_msg("%s", r.why);
}

static void test_life_of_an_item(void **)
{
	size_t i;

	rig_put(&r, "inbox", "one", "hello");
	assert_int_equal(r.in.q_kept.kept, KEPT_NEW);
	assert_int_equal(r.in.q_kept.item, 1);
	rig_put(&r, "inbox", "one", "hello");
	assert_int_equal(r.in.q_kept.kept, KEPT_KNOWN);
	assert_int_equal(r.in.q_kept.item, 1);
	rig_next(&r, 1);
	i = rig_item(&r);
	assert_int_equal(r.items[i].item, 1);
	assert_int_equal(r.items[i].attempt, 1);
	assert_int_equal(r.items[i].task, 1);
	assert_int_equal(r.first[i], 'h');
	rig_put(&r, "inbox", "one", "hello");
	assert_int_equal(r.in.q_kept.kept, KEPT_KNOWN);
	rig_verdict(&r, 1, ITEM_READ);
	rig_put(&r, "inbox", "one", "hello");
	assert_int_equal(r.in.q_kept.kept, KEPT_DONE);
	assert_int_equal(r.in.q_kept.verdict, ITEM_READ);
	assert_true(rig_row(&r, MSG_I_GET, 0, S_ALL));
	assert_int_equal(r.in.i_row.state, ITEM_ENDED);
	assert_int_equal(r.in.i_row.verdict, ITEM_READ);
	assert_int_equal(r.in.i_row.task, 7);
	assert_int_equal(r.in.i_row.size, 5);
	assert_true(span_is(r.in.i_row.fault, "why"));
	assert_true(span_is(r.in.i_row.envelope_from, "a@b"));
	assert_true(r.in.i_row.came_s > 1700000000);
	assert_false(rig_row(&r, MSG_I_GET, 1, S_ALL));
}

static void test_one_verdict_only(void **)
{
	rig_put(&r, "inbox", "one", "hello");
	r.out.i_done = (struct m_i_done){ .item = 1, .verdict = ITEM_READ };
	assert_int_equal(rig_ask(&r, MSG_I_DONE), MSG_S_FAIL);
	assert_string_equal(r.why, "item 1 is not at work");
	rig_next(&r, 1);
	(void)rig_item(&r);
	rig_verdict(&r, 1, ITEM_REFUSED);
	r.out.i_done = (struct m_i_done){ .item = 1, .verdict = ITEM_READ };
	assert_int_equal(rig_ask(&r, MSG_I_DONE), MSG_S_FAIL);
	r.out.i_done = (struct m_i_done){ .item = 9, .verdict = ITEM_READ };
	assert_int_equal(rig_ask(&r, MSG_I_DONE), MSG_S_FAIL);
	assert_string_equal(r.why, "there is no item 9");
	r.out.i_done = (struct m_i_done){ .item = 1 };
	assert_int_equal(rig_ask(&r, MSG_I_DONE), MSG_S_FAIL);
	rig_put(&r, "inbox", "one", "hello");
	assert_int_equal(r.in.q_kept.verdict, ITEM_REFUSED);
	restart();
	assert_int_equal(r.state.ended[ITEM_REFUSED], 1);
	assert_int_equal(r.state.ended[ITEM_READ], 0);
}

/* A place that is offered first is filled by the item that comes. */
static void test_place_first(void **)
{
	size_t i;

	rig_next(&r, 1);
	rig_send_put(&r, "inbox", "a", "x", 1);
	i = rig_item(&r);
	assert_string_equal(r.key[i], "a");
	rig_put(&r, "inbox", "b", "y");
	rig_next(&r, 1);
	i = rig_item(&r);
	assert_string_equal(r.key[i], "b");
}

static void test_sizes(void **)
{
	static uint8_t big[LIMIT_ITEM];
	size_t i;

	memset(big, 'z', sizeof(big));
	rig_send_put(&r, "inbox", "empty", "", 0);
	rig_hear(&r, MSG_Q_KEPT);
	rig_send_put(&r, "inbox", "big", big, sizeof(big));
	rig_hear(&r, MSG_Q_KEPT);
	restart();
	rig_next(&r, 2);
	i = rig_item(&r);
	assert_int_equal(r.items[i].size, 0);
	i = rig_item(&r);
	assert_int_equal(r.items[i].size, LIMIT_ITEM);
	assert_int_equal(r.first[i], 'z');
}

static void test_kept_over_a_kill(void **)
{
	size_t i;

	rig_put(&r, "inbox", "one", "1");
	rig_put(&r, "inbox", "two", "2");
	restart();
	assert_int_equal(r.state.opened, 2);
	assert_int_equal(r.state.waiting, 2);
	rig_put(&r, "inbox", "three", "3");
	assert_int_equal(r.in.q_kept.item, 3);
	rig_next(&r, 3);
	for (i = 1; i <= 3; i++)
		assert_int_equal(r.items[rig_item(&r)].item, i);
}

/* Each attempt is counted before it is begun, and there are three. */
static void test_attempts(void **)
{
	unsigned i;
	size_t at;

	rig_put(&r, "inbox", "one", "1");
	for (i = 1; i <= STORE_ATTEMPTS; i++) {
		rig_next(&r, 1);
		at = rig_item(&r);
		assert_int_equal(r.items[at].attempt, i);
		assert_int_equal(r.items[at].task, i);
		restart();
		assert_int_equal(r.state.recovered, i < STORE_ATTEMPTS);
	}
	assert_true(rig_row(&r, MSG_I_GET, 0, S_OPEN));
	assert_int_equal(r.in.i_row.state, ITEM_TAKEN);
	assert_int_equal(r.in.i_row.verdict, ITEM_GIVEN_UP);
	rig_verdict(&r, 1, ITEM_GIVEN_UP);
	assert_true(rig_row(&r, MSG_I_GET, 0, S_OPEN));
	r.out.s_ref.id = 1;
	rig_say(&r, MSG_I_RECORDED);
	assert_false(rig_row(&r, MSG_I_GET, 0, S_OPEN));
}

/* A stop that is in order is nobody's fault. */
static void test_stop_is_no_attempt(void **)
{
	unsigned i;

	rig_put(&r, "inbox", "one", "1");
	for (i = 0; i < 2 * STORE_ATTEMPTS; i++) {
		rig_next(&r, 1);
		assert_int_equal(r.items[rig_item(&r)].attempt, 1);
		rig_stop(&r);
		assert_true(rig_start(&r));
		assert_int_equal(r.state.waiting, 1);
	}
}

/* Nor is an end that no item at work was at fault for. */
static void test_spared(void **)
{
	unsigned i;

	rig_put(&r, "inbox", "one", "1");
	for (i = 0; i < 2 * STORE_ATTEMPTS; i++) {
		rig_next(&r, 1);
		assert_int_equal(r.items[rig_item(&r)].attempt, 1);
		r.bounds = "items=10 bytes=1000000 per_source=10 reserve=0 "
			   "history=10 spare last=none";
		restart();
		r.bounds = rig_bounds;
		assert_int_equal(r.state.waiting, 1);
	}
}

static uint64_t item_at_work(const char *key)
{
	rig_put(&r, "inbox", key, "x");
	rig_next(&r, 1);
	return r.items[rig_item(&r)].item;
}

static void test_life_of_an_effect(void **)
{
	uint64_t item = item_at_work("one");
	uint64_t e = rig_plan(&r, item, 0);

	assert_true(rig_row(&r, MSG_E_GET, 0, S_OPEN));
	assert_int_equal(r.in.e_row.state, EFFECT_PLANNED);
	assert_int_equal(r.in.e_row.have_index, 0);
	rig_started(&r, e, 0);
	assert_true(rig_row(&r, MSG_E_GET, 0, S_ALL));
	assert_int_equal(r.in.e_row.state, EFFECT_STARTED);
	assert_int_equal(r.in.e_row.have_index, 1);
	assert_int_equal(r.in.e_row.index, 0);
	rig_outcome(&r, e, EFFECT_DONE);
	restart();
	assert_true(rig_row(&r, MSG_E_GET, 0, S_OPEN));
	assert_int_equal(r.in.e_row.effect, e);
	assert_int_equal(r.in.e_row.item, item);
	assert_int_equal(r.in.e_row.state, EFFECT_DONE);
	assert_int_equal(r.in.e_row.recorded, 0);
	assert_true(span_is(r.in.e_row.capability, "email.send"));
	assert_true(span_is(r.in.e_row.connector, "outbox"));
	assert_true(span_is(r.in.e_row.detail, "detail"));
	assert_int_equal(r.in.e_row.n, 1);
	assert_true(span_is(r.in.e_row.args[0].value, "lea@example.org"));
	r.out.s_ref.id = e;
	rig_say(&r, MSG_E_RECORDED);
	assert_false(rig_row(&r, MSG_E_GET, 0, S_OPEN));
	assert_true(rig_row(&r, MSG_E_GET, 0, S_ALL));
	assert_int_equal(r.in.e_row.recorded, 1);
}

/* From each state, each: only those of the table are taken. */
static void test_effect_states(void **)
{
	static const enum effect_state paths[][3] = {
		{ EFFECT_PLANNED },
		{ EFFECT_PLANNED, EFFECT_STARTED },
		{ EFFECT_PLANNED, EFFECT_STARTED, EFFECT_DONE },
		{ EFFECT_PLANNED, EFFECT_STARTED, EFFECT_FAILED },
		{ EFFECT_PLANNED, EFFECT_STARTED, EFFECT_UNKNOWN },
		{ EFFECT_PLANNED, EFFECT_NOT_EXECUTED },
	};
	static const unsigned may[] = {
		1 << EFFECT_NOT_EXECUTED,
		1 << EFFECT_DONE | 1 << EFFECT_FAILED | 1 << EFFECT_UNKNOWN |
			1 << EFFECT_NOT_EXECUTED,
		0,
		0,
		1 << EFFECT_SETTLED,
		0,
	};
	uint64_t item = item_at_work("one");
	unsigned next;
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(paths); i++)
		for (next = 0; next <= EFFECT_STATE_MAX; next++) {
			uint64_t e = rig_plan(&r, item, 0);
			enum msg_type got;

			for (k = 1; k < 3 && paths[i][k]; k++)
				if (paths[i][k] == EFFECT_STARTED)
					rig_started(&r, e, 5);
				else
					rig_outcome(&r, e, paths[i][k]);
			r.out.e_outcome =
				(struct m_e_outcome){ e, (uint8_t)next,
						      SPAN_LIT("") };
			got = rig_ask(&r, MSG_E_OUTCOME);
			if ((got == MSG_S_OK) != !!(may[i] & 1u << next))
				fail_msg("path %zu to %s: %s", i,
					 effect_state_name(next),
					 msg_type_name(got));
		}
}

static void test_effects_need_an_item(void **)
{
	r.out.e_plan = (struct m_e_plan){ .item = 1,
					  .capability = SPAN_LIT("c"),
					  .connector = SPAN_LIT("d") };
	assert_int_equal(rig_ask(&r, MSG_E_PLAN), MSG_S_FAIL);
	r.out.e_started = (struct m_e_started){ 1, 1 };
	assert_int_equal(rig_ask(&r, MSG_E_STARTED), MSG_S_FAIL);
	assert_string_equal(r.why, "there is no effect 1");
}

/* An item's own task is over with it; one of the owner's about it is not. */
static void test_effects_of_another_task(void **)
{
	uint64_t item = item_at_work("one");
	struct m_e_plan plan = { .item = item,
				 .capability = SPAN_LIT("c"),
				 .connector = SPAN_LIT("d") };

	rig_verdict(&r, item, ITEM_READ);
	assert_true(rig_row(&r, MSG_I_GET, 0, S_ALL));
	plan.task = r.in.i_row.task;
	r.out.e_plan = plan;
	assert_int_equal(rig_ask(&r, MSG_E_PLAN), MSG_S_FAIL);
	assert_string_equal(r.why, "item 1 is not at work");
	plan.task++;
	r.out.e_plan = plan;
	assert_int_equal(rig_ask(&r, MSG_E_PLAN), MSG_S_OK);
	plan.item = 99;
	r.out.e_plan = plan;
	assert_int_equal(rig_ask(&r, MSG_E_PLAN), MSG_S_FAIL);
}

/* What had an effect is not run again. */
static void test_interrupted(void **)
{
	uint64_t only_planned = item_at_work("planned");
	uint64_t started = item_at_work("started");
	uint64_t done = item_at_work("done");
	uint64_t never = item_at_work("never");
	uint64_t e;

	(void)rig_plan(&r, only_planned, 0);
	rig_started(&r, rig_plan(&r, started, 0), 3);
	e = rig_plan(&r, done, 0);
	rig_started(&r, e, 4);
	rig_outcome(&r, e, EFFECT_DONE);
	rig_outcome(&r, rig_plan(&r, never, 0), EFFECT_NOT_EXECUTED);
	restart();
	assert_int_equal(r.state.recovered, 2);
	assert_int_equal(r.state.waiting, 2);
	assert_true(rig_row(&r, MSG_I_GET, 0, S_OPEN));
	assert_int_equal(r.in.i_row.item, started);
	assert_int_equal(r.in.i_row.verdict, ITEM_INTERRUPTED);
	assert_true(rig_row(&r, MSG_I_GET, started, S_OPEN));
	assert_int_equal(r.in.i_row.item, done);
	assert_int_equal(r.in.i_row.verdict, ITEM_INTERRUPTED);
	assert_false(rig_row(&r, MSG_I_GET, done, S_OPEN));
	/* A stop in order makes no difference to them. */
	rig_stop(&r);
	assert_true(rig_start(&r));
	assert_true(rig_row(&r, MSG_I_GET, 0, S_OPEN));
	assert_int_equal(r.in.i_row.item, started);
}

static void test_repeat(void **)
{
	uint64_t item = item_at_work("one");
	uint64_t e = rig_plan(&r, item, 0);
	uint64_t again;

	rig_started(&r, e, 3);
	r.out.e_plan = (struct m_e_plan){ .item = item, .repeats = e };
	assert_int_equal(rig_ask(&r, MSG_E_PLAN), MSG_S_FAIL);
	rig_outcome(&r, e, EFFECT_UNKNOWN);
	rig_verdict(&r, item, ITEM_READ);
	again = rig_plan(&r, item, e);
	assert_true(again > e);
	assert_true(rig_row(&r, MSG_E_GET, 0, S_ALL));
	assert_int_equal(r.in.e_row.state, EFFECT_SETTLED);
	assert_true(span_is(r.in.e_row.detail, "repeated as effect 2"));
	assert_true(rig_row(&r, MSG_E_GET, e, S_ALL));
	assert_int_equal(r.in.e_row.repeats, e);
	/* Once. */
	r.out.e_plan = (struct m_e_plan){ .item = item, .repeats = e };
	assert_int_equal(rig_ask(&r, MSG_E_PLAN), MSG_S_FAIL);
	r.out.e_plan = (struct m_e_plan){ .item = item, .repeats = 99 };
	assert_int_equal(rig_ask(&r, MSG_E_PLAN), MSG_S_FAIL);
}

/* One that floods does not keep another waiting. */
static void test_turns(void **)
{
	static const char want[] = "AABCAAAA";
	char got[16] = "";
	char key[16];
	size_t i;

	for (i = 0; i < 6; i++) {
		(void)str_printf(key, sizeof(key), "a%zu", i);
		rig_put(&r, "A", key, "A");
	}
	rig_next(&r, 1);
	got[0] = (char)r.first[rig_item(&r)];
	/* Those that come late are as if they had just been served. */
	rig_put(&r, "B", "b", "B");
	rig_put(&r, "C", "c", "C");
	rig_next(&r, 7);
	for (i = 1; i < 8; i++)
		got[i] = (char)r.first[rig_item(&r)];
	assert_string_equal(got, want);
}

static void fresh(const char *bounds)
{
	rig_done(&r);
	r = (struct rig){ .libexec = libexec };
	rig_dir(&r);
	r.bounds = bounds;
	assert_true(rig_start(&r));
}

static void hear_blocked(uint64_t n)
{
	do
		rig_hear(&r, MSG_Q_COUNT);
	while (r.count.blocked != n);
}

/* At the bound one waits, and comes in when another has its verdict. */
static void test_bound_of_a_source(void **)
{
	fresh("items=10 bytes=1000000 per_source=2 reserve=0 history=10 "
	      "last=none");
	rig_put(&r, "A", "1", "x");
	rig_put(&r, "A", "2", "x");
	rig_send_put(&r, "A", "3", "x", 1);
	hear_blocked(1);
	assert_string_equal(r.why, "2 items of this source wait");
	rig_put(&r, "B", "1", "x");
	rig_next(&r, 1);
	(void)rig_item(&r);
	rig_verdict(&r, 1, ITEM_READ);
	rig_hear(&r, MSG_Q_KEPT);
	assert_true(span_is(r.in.q_kept.key, "3"));
	hear_blocked(0);
	assert_int_equal(r.count.waiting, 2);
	assert_int_equal(r.count.taken, 0);
}

static void test_bound_of_all(void **)
{
	fresh("items=2 bytes=1000000 per_source=2 reserve=0 history=10 "
	      "last=none");
	rig_put(&r, "A", "1", "x");
	rig_put(&r, "B", "1", "x");
	rig_send_put(&r, "C", "1", "x", 1);
	hear_blocked(1);
	assert_string_equal(r.why, "2 items wait");
	rig_next(&r, 1);
	rig_verdict(&r, r.items[rig_item(&r)].item, ITEM_READ);
	rig_hear(&r, MSG_Q_KEPT);
	assert_true(span_is(r.in.q_kept.source, "C"));
}

/* A source's share of the bytes; one item is always taken. */
static void test_bound_of_bytes(void **)
{
	static const char big[3 << 20];

	fresh("items=10 bytes=4194304 per_source=5 reserve=0 history=10 "
	      "last=none");
	rig_send_put(&r, "A", "1", big, sizeof(big));
	rig_hear(&r, MSG_Q_KEPT);
	rig_send_put(&r, "A", "2", "x", 1);
	hear_blocked(1);
	assert_string_equal(r.why, "items of 3 MiB wait");
	rig_send_put(&r, "B", "1", big, 1 << 20);
	rig_hear(&r, MSG_Q_KEPT);
	assert_true(span_is(r.in.q_kept.source, "B"));
}

static void test_reserve(void **)
{
	fresh("items=10 bytes=1000000 per_source=5 "
	      "reserve=1152921504606846976 history=10 last=none");
	rig_send_put(&r, "A", "1", "x", 1);
	hear_blocked(1);
	assert_non_null(strstr(r.why, "the disk has "));
	/* An order of its own is kept while it waits. */
	rig_send_put(&r, "A", "2", "x", 1);
	hear_blocked(2);
}

static void test_history(void **)
{
	char key[16];
	unsigned i;

	fresh("items=10 bytes=1000000 per_source=5 reserve=0 history=3 "
	      "last=none");
	for (i = 1; i <= 6; i++) {
		uint64_t item, e;

		(void)str_printf(key, sizeof(key), "k%u", i);
		item = item_at_work(key);
		e = rig_plan(&r, item, 0);
		rig_started(&r, e, i);
		rig_outcome(&r, e, i == 2 ? EFFECT_UNKNOWN : EFFECT_DONE);
		r.out.s_ref.id = e;
		rig_say(&r, MSG_E_RECORDED);
		rig_verdict(&r, item, ITEM_READ);
		r.out.s_ref.id = item;
		rig_say(&r, MSG_I_RECORDED);
	}
	assert_true(rig_row(&r, MSG_I_GET, 0, S_ALL));
	assert_int_equal(r.in.i_row.item, 4);
	/* What is unknown stays for the owner. */
	assert_true(rig_row(&r, MSG_E_GET, 0, S_ALL));
	assert_int_equal(r.in.e_row.effect, 2);
	assert_true(rig_row(&r, MSG_E_GET, 2, S_ALL));
	assert_int_equal(r.in.e_row.effect, 4);
	/* And is shown, however many are newer. */
	r.out.s_get = (struct m_s_get){ .which = S_NEWEST, .newest = 1 };
	assert_int_equal(rig_ask(&r, MSG_E_GET), MSG_E_ROW);
	assert_int_equal(r.in.e_row.effect, 2);
	r.out.s_get =
		(struct m_s_get){ .after = 2, .which = S_NEWEST, .newest = 1 };
	assert_int_equal(rig_ask(&r, MSG_E_GET), MSG_E_ROW);
	assert_int_equal(r.in.e_row.effect, 6);
	/* Numbers are not given again, and what is forgotten is counted. */
	restart();
	assert_int_equal(r.state.ended[ITEM_READ], 6);
	rig_put(&r, "inbox", "k1", "x");
	assert_int_equal(r.in.q_kept.kept, KEPT_NEW);
	assert_int_equal(r.in.q_kept.item, 7);
}

static void test_newest(void **)
{
	char key[16];
	unsigned i;

	for (i = 1; i <= 5; i++) {
		(void)str_printf(key, sizeof(key), "k%u", i);
		rig_put(&r, "inbox", key, "x");
	}
	r.out.s_get = (struct m_s_get){ .which = S_NEWEST, .newest = 2 };
	assert_int_equal(rig_ask(&r, MSG_I_GET), MSG_I_ROW);
	assert_int_equal(r.in.i_row.item, 4);
	r.out.s_get = (struct m_s_get){ .which = S_NEWEST, .newest = 5 };
	assert_int_equal(rig_ask(&r, MSG_I_GET), MSG_I_ROW);
	assert_int_equal(r.in.i_row.item, 1);
	r.out.s_get =
		(struct m_s_get){ .after = 4, .which = S_NEWEST, .newest = 5 };
	assert_int_equal(rig_ask(&r, MSG_I_GET), MSG_I_ROW);
	assert_int_equal(r.in.i_row.item, 5);
}

static void test_tip(void **)
{
	assert_int_equal(r.state.tip_size, 0);
	r.out.type = MSG_S_TIP;
	r.out.s_tip = (struct m_s_tip){ .size = 77 };
	memset(r.out.s_tip.root, 0xaa, 32);
	assert_int_equal(chan_send(&r.monitor, &r.out, NULL, 0), 0);
	rig_stop(&r);
	assert_true(rig_start(&r));
	assert_int_equal(r.state.tip_size, 77);
	assert_int_equal(r.state.tip_root[31], 0xaa);
}

static void test_ping(void **)
{
	r.out.type = MSG_PING;
	r.out.ping.number = 4711;
	assert_int_equal(chan_send(&r.monitor, &r.out, NULL, 0), 0);
	rig_hear(&r, MSG_PONG);
	assert_int_equal(r.in.ping.number, 4711);
}

/* It ends when the monitor has gone, and when somebody breaks its row. */
static void test_bad_peers(void **)
{
	rig_say(&r, MSG_TASK_GET);
	assert_int_equal(rig_wait(&r), 1);
	assert_true(rig_start(&r));
	r.out.type = MSG_I_GET;
	r.out.s_get = (struct m_s_get){ 0 };
	assert_int_equal(chan_send(&r.monitor, &r.out, NULL, 0), 0);
	assert_int_equal(rig_wait(&r), 1);
	assert_true(rig_start(&r));
	chan_done(&r.monitor);
	assert_int_equal(rig_wait(&r), 0);
	assert_true(rig_start(&r));
}

/* --- files that are not as it left them ---------------------------------- */

static void path_of(char *ret, size_t cap, const char *name)
{
	(void)str_printf(ret, cap, "%s/%s", r.dir, name);
}

static void damage(const char *name, off_t at, const char *bytes, size_t n)
{
	char path[64];
	CLEAN_FD int fd = -1;

	path_of(path, sizeof(path), name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, n, at), n);
}

static void refuses(const char *what)
{
	if (rig_start(&r))
		fail_msg("it opened a database that is %s", what);
	if (!strstr(r.why, what))
		fail_msg("%s: %s", what, r.why);
	assert_true(strstr(r.why, "state/store/state.db") == r.why);
	if (!strstr(r.why, "newer"))
		assert_non_null(strstr(r.why, "move the directory state/store "
					      "away"));
}

static void test_damaged(void **)
{
	unsigned i;
	char key[16];

	for (i = 0; i < 40; i++) {
		(void)str_printf(key, sizeof(key), "k%u", i);
		rig_put(&r, "inbox", key, "some bytes of an item");
	}
	rig_stop(&r);
	damage("state.db", (off_t)2 * 4096 + 100, "\xff\xff\xff\xff", 4);
	damage("state.db", (off_t)2 * 4096 + 3, "\xff", 1);
	refuses("damaged");
}

static void test_not_a_database(void **)
{
	rig_stop(&r);
	damage("state.db", 0, "Hello, this is text", 19);
	refuses("not a database");
}

static void run_sql(const char *sql)
{
	char command[256];

	(void)str_printf(command, sizeof(command),
			 "python3 -c \"import sqlite3;"
			 "c=sqlite3.connect('%s/state.db');"
			 "c.executescript('%s');c.close()\"",
			 r.dir, sql);
	assert_int_equal(system(command), 0); /* NOLINT: the test's own words */
}

static void test_of_another(void **)
{
	rig_stop(&r);
	run_sql("PRAGMA application_id=7");
	refuses("not one of bulkhead");
}

static void test_newer(void **)
{
	rig_stop(&r);
	run_sql("PRAGMA user_version=3");
	refuses("start the newer one");
}

static void test_other_tables(void **)
{
	rig_stop(&r);
	run_sql("ALTER TABLE items RENAME COLUMN fault TO blame");
	refuses("its tables are not those");
}

/* As often as it is tried. */
static void test_older_copy(void **)
{
	static const char bounds[] =
		"items=10 bytes=1000000 per_source=5 reserve=0 history=10 "
		"last=";
	char text[160], id[33];
	unsigned i;

	hex_encode(id, r.state.id, sizeof(r.state.id));
	rig_stop(&r);
	(void)str_printf(text, sizeof(text), "%s%s/3", bounds, id);
	r.bounds = text;
	for (i = 0; i < 5; i++) {
		assert_false(rig_start(&r));
		assert_non_null(strstr(r.why, "an older copy"));
	}
	(void)str_printf(text, sizeof(text), "%s%s/1", bounds, id);
	assert_true(rig_start(&r));
	assert_int_equal(r.state.opened, 2);
	rig_stop(&r);
	id[0] = id[0] == 'a' ? 'b' : 'a';
	(void)str_printf(text, sizeof(text), "%s%s/1", bounds, id);
	assert_false(rig_start(&r));
	assert_non_null(strstr(r.why, "not the one that was here last"));
	r.bounds = rig_bounds;
}

/* One that is made just now is no older copy. */
static void test_fresh_after_another(void **)
{
	fresh("items=10 bytes=1000000 per_source=5 reserve=0 history=10 "
	      "last=00112233445566778899aabbccddeeff/9");
	assert_int_equal(r.state.opened, 1);
}

static void test_deleted(void **)
{
	char path[64];

	rig_put(&r, "inbox", "one", "1");
	rig_kill(&r);
	path_of(path, sizeof(path), "state.db");
	assert_int_equal(unlink(path), 0);
	refuses("is gone");
}

static void test_link(void **)
{
	char path[64], other[64];

	rig_stop(&r);
	path_of(path, sizeof(path), "state.db");
	path_of(other, sizeof(other), "other.db");
	assert_int_equal(rename(path, other), 0);
	assert_int_equal(symlink("other.db", path), 0);
	refuses("not a plain file");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(link(other, path), 0);
	refuses("not a plain file");
}

static void test_bytes_of_an_item(void **)
{
	rig_put(&r, "inbox", "one", "1");
	rig_stop(&r);
	run_sql("UPDATE bodies SET bytes=x\\'32\\'");
	assert_true(rig_start(&r));
	rig_next(&r, 1);
	assert_int_equal(rig_wait(&r), 1);
}

/* Nobody else reads them. */
static void test_modes(void **)
{
	static const char *const names[] = { "state.db", "state.db-wal" };
	struct stat st;
	char path[64];
	size_t i;

	rig_put(&r, "inbox", "one", "1");
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		path_of(path, sizeof(path), names[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		T(life_of_an_item),
		T(one_verdict_only),
		T(place_first),
		T(sizes),
		T(kept_over_a_kill),
		T(attempts),
		T(stop_is_no_attempt),
		T(spared),
		T(life_of_an_effect),
		T(effect_states),
		T(effects_need_an_item),
		T(effects_of_another_task),
		T(interrupted),
		T(repeat),
		T(turns),
		T(bound_of_a_source),
		T(bound_of_all),
		T(bound_of_bytes),
		T(reserve),
		T(history),
		T(newest),
		T(tip),
		T(ping),
		T(bad_peers),
		T(damaged),
		T(not_a_database),
		T(of_another),
		T(newer),
		T(other_tables),
		T(older_copy),
		T(fresh_after_another),
		T(deleted),
		T(link),
		T(bytes_of_an_item),
		T(modes),
	};

	if (argc > 1)
		libexec = argv[1];
	(void)umask(077);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
