/*
 * broker_tasks: tasks and sessions through the real broker, auditd and store in
 * their sandboxes, with the test as the monitor, the owner and the planners.
 * The argument is the folder of the bulkhead-* binaries.
 */
#include <endian.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"
#include "peers_rig.h"
#include "policy/policy.h"

enum {
	AT_ONCE = 8, /* the owner's own tasks that are at work */
	FORKS = 8,   /* of one task */
};

/* The number of the owner's new task. */
static uint64_t run(const char *text, uint64_t item)
{
	uint64_t task;

	out.task_run =
		(struct m_task_run){ .item = item, .text = span_str(text) };
	say(&w.control, MSG_C_TASK_RUN, -1);
	hear(&w.control, MSG_C_TASK);
	task = in.c_task.task;
	assert_int_equal(in.c_task.own, 1);
	hear(&w.control, MSG_C_OK);
	return task;
}

/* What the owner is told of it, in `in`. */
static void look(uint64_t task)
{
	out.s_ref.id = task;
	say(&w.control, MSG_C_TASKS, -1);
	hear(&w.control, MSG_C_TASK);
	assert_int_equal(in.c_task.task, task);
}

static void state_is(uint64_t task, enum task_state s)
{
	look(task);
	if (in.c_task.state != s)
		fail_msg("task %d is %s, not %s", (int)task,
			 task_state_name(in.c_task.state), task_state_name(s));
	hear(&w.control, MSG_C_OK);
}

static void fails(enum msg_type t)
{
	say(&w.control, t, -1);
	hear(&w.control, MSG_C_FAIL);
}

/* Its machine, as the monitor gives it when it was asked for. */
static uint64_t planner_of(uint64_t task, struct chan *planner)
{
	hear(&w.monitor, MSG_TASK_START);
	assert_int_equal(in.task_start.task, task);
	return new_vm(VM_PLANNER, in.task_start.item, planner);
}

static void get(struct chan *planner)
{
	out.empty = (struct m_empty){ 0 };
	say(planner, MSG_TASK_GET, -1);
	hear(planner, MSG_TASK);
}

static void answer(struct chan *planner, const char *text)
{
	out.text.text = span_str(text);
	say(planner, MSG_ANSWER, -1);
	hear(planner, MSG_ANSWER_OK);
}

/* The items of the MSG_TASK in `in`. */
static json_t *items(void)
{
	json_t *v = json_loadb((const char *)in.task.items.p, in.task.items.n,
			       0, NULL);

	assert_true(json_is_array(v));
	return v;
}

static void test_own(void **)
{
	static const char text[] = "Write to lea@example.org.";
	struct chan planner;
	uint64_t task = run(text, 0), vm;

	vm = planner_of(task, &planner);
	state_is(task, TASK_RUNNING);
	get(&planner);
	assert_true(span_is(in.task.instruction, text));
	assert_int_equal(in.task.has_item, 0);
	assert_true(span_is(in.task.items, "[]"));
	answer(&planner, "Done.");
	hear(&w.monitor, MSG_TASK_END);
	assert_int_equal(in.ids.task, task);
	vm_gone(vm, "task done");
	look(task);
	assert_int_equal(in.c_task.state, TASK_DONE);
	assert_true(span_is(in.c_task.text, text));
	assert_true(span_is(in.c_task.answer, "Done."));
	assert_true(
		span_is(in.c_task.label, "owner from=owner readers=public"));
	assert_true(in.c_task.created_s && in.c_task.ended_s);
	hear(&w.control, MSG_C_OK);
	chan_done(&planner);
	alive();
}

static void test_failed(void **)
{
	struct chan planner;
	uint64_t task = run("Wait.", 0);

	vm_gone(planner_of(task, &planner), "deadline");
	hear(&w.monitor, MSG_TASK_END);
	look(task);
	assert_int_equal(in.c_task.state, TASK_FAILED);
	assert_true(span_is(in.c_task.fault, "deadline"));
	hear(&w.control, MSG_C_OK);
	chan_done(&planner);
}

static void test_refused(void **)
{
	out.task_run = (struct m_task_run){ 0 };
	fails(MSG_C_TASK_RUN);
	out.task_run = (struct m_task_run){ 0, SPAN_LIT("a\0b") };
	fails(MSG_C_TASK_RUN);
	out.task_run = (struct m_task_run){ 0, SPAN_LIT("\xff") };
	fails(MSG_C_TASK_RUN);
	out.task_run = (struct m_task_run){ 99, SPAN_LIT("About what?") };
	fails(MSG_C_TASK_RUN);
	out.s_ref.id = 99;
	fails(MSG_C_TASKS);
	out.s_ref.id = 99;
	fails(MSG_C_TASK_CANCEL);
	assert_int_equal(gate_shut(w.gate, &(struct gate_row){ .all = true }),
			 0);
	out.task_run = (struct m_task_run){ 0, SPAN_LIT("Go on.") };
	fails(MSG_C_TASK_RUN);
	alive();
}

static void test_cancel(void **)
{
	struct chan planner;
	uint64_t task = run("Wait.", 0), vm = planner_of(task, &planner);

	out.s_ref.id = task;
	say(&w.control, MSG_C_TASK_CANCEL, -1);
	hear(&w.control, MSG_C_OK);
	hear(&w.monitor, MSG_TASK_END);
	/* what it says now is said by nobody */
	out.text.text = SPAN_LIT("late");
	say(&planner, MSG_ANSWER, -1);
	state_is(task, TASK_CANCELLED);
	vm_gone(vm, "task done");
	state_is(task, TASK_CANCELLED);
	out.s_ref.id = task;
	fails(MSG_C_TASK_CANCEL);
	chan_done(&planner);
}

/* A standing task about an item, then one of the owner's about the same. */
static void test_on_item(void **)
{
	struct chan planner;
	uint64_t vm, item = planner_of_item(&planner, &vm), task;
	json_t *v;

	get(&planner);
	assert_true(span_is(in.task.instruction, "Tell me."));
	assert_int_equal(in.task.has_item, 1);
	answer(&planner, "new");
	hear(&w.monitor, MSG_ITEM_VERDICT);
	vm_gone(vm, "done");
	chan_done(&planner);
	task = run("Answer it.", item);
	(void)planner_of(task, &planner);
	get(&planner);
	assert_true(span_is(in.task.instruction, "Answer it."));
	assert_int_equal(in.task.has_item, 1);
	v = items();
	assert_int_equal(json_array_size(v), 1);
	json_decref(v);
	answer(&planner, "Done.");
	look(task);
	assert_int_equal(in.c_task.item, item);
	/* the mail's text was shown, and nobody vouches for who wrote it */
	assert_non_null(
		memmem(in.c_task.label.p, in.c_task.label.n, "external", 8));
	assert_non_null(memmem(in.c_task.label.p, in.c_task.label.n,
			       "readers=secret", 14));
	hear(&w.control, MSG_C_OK);
	chan_done(&planner);
	alive();
}

static struct m_arg arg(const char *name, uint8_t shape, const char *value)
{
	return (struct m_arg){ .name = span_str(name),
			       .json = ARG_STRING,
			       .shape = shape,
			       .value = span_str(value) };
}

/* Items beside the first: only such as can be read, and each once. */
static void test_others(void **)
{
	static const struct {
		uint64_t item, others[2];
		size_t n; /* of others, in bytes */
	} rows[] = {
		{ 0, { 1 }, 8 },     { 1, { 1 }, 8 }, { 1, { 2, 2 }, 16 },
		{ 1, { 2, 9 }, 16 }, { 1, { 2 }, 7 },
	};
	struct chan planner, second;
	uint64_t vm, other;
	uint64_t item = planner_of_item(&planner, &vm);
	uint8_t bytes[16];
	size_t i, k;
	json_t *v;

	other = planner_of_item(&second, &vm);
	assert_int_equal(item, 1);
	assert_int_equal(other, 2);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		for (k = 0; k < 2; k++)
			memcpy(bytes + 8 * k,
			       &(uint64_t){ htole64(rows[i].others[k]) }, 8);
		out.task_run =
			(struct m_task_run){ .item = rows[i].item,
					     .text = SPAN_LIT("Compare."),
					     .others = span_of(bytes,
							       rows[i].n) };
		fails(MSG_C_TASK_RUN);
	}
	memcpy(bytes, &(uint64_t){ htole64(other) }, 8);
	out.task_run = (struct m_task_run){ .item = item,
					    .text = SPAN_LIT("Compare."),
					    .others = span_of(bytes, 8) };
	say(&w.control, MSG_C_TASK_RUN, -1);
	hear(&w.control, MSG_C_TASK);
	chan_done(&planner);
	(void)planner_of(in.c_task.task, &planner);
	get(&planner);
	v = items();
	assert_int_equal(json_array_size(v), 2);
	json_decref(v);
	chan_done(&planner);
	chan_done(&second);
}

static void fork_refused(struct chan *planner, uint32_t n)
{
	call(planner, "task.fork", n);
	hear(planner, MSG_CALL_RESULT);
	assert_int_equal(in.call_result.verdict, VERDICT_DENY);
	assert_true(span_is(in.call_result.clause, "task.fork"));
}

static void test_fork(void **)
{
	struct chan planner, next;
	uint64_t vm, task;
	char ref[32];
	json_t *v;

	(void)planner_of_item(&planner, &vm);
	task = in.task_start.task;
	get(&planner);
	v = items();
	(void)str_printf(
		ref, sizeof(ref), "%s",
		json_string_value(json_object_get(
			json_object_get(json_array_get(v, 0), "body"), "h")));
	json_decref(v);
	/* no goal; no such handle; no such argument */
	out.call.args[0] = arg("refs", ARG_ELEMENT, ref);
	fork_refused(&planner, 1);
	out.call.args[0] = arg("goal", ARG_SCALAR, "Tell me.");
	out.call.args[1] = arg("refs", ARG_ELEMENT, "@999999");
	fork_refused(&planner, 2);
	out.call.args[1] = arg("more", ARG_SCALAR, "x");
	fork_refused(&planner, 2);
	out.call.args[0] = arg("goal", ARG_SCALAR, "Tell me.");
	out.call.args[1] = arg("refs", ARG_ELEMENT, ref);
	call(&planner, "task.fork", 2);
	hear(&w.monitor, MSG_TASK_END);
	assert_int_equal(in.ids.task, task);
	assert_true(closed(&planner));
	(void)planner_of(task, &next);
	/* that the old machine is gone is nobody's failure */
	vm_gone(vm, "task done");
	get(&next);
	assert_true(span_is(in.task.instruction, "Tell me."));
	assert_int_equal(in.task.has_item, 0);
	v = items();
	assert_int_equal(json_array_size(v), 1);
	assert_string_not_equal(
		json_string_value(json_object_get(json_array_get(v, 0), "h")),
		ref);
	json_decref(v);
	answer(&next, "Done.");
	hear(&w.monitor, MSG_ITEM_VERDICT);
	assert_int_equal(in.item_verdict.verdict, ITEM_READ);
	look(task);
	assert_int_equal(in.c_task.forks, 1);
	assert_true(in.c_task.bits > 0);
	assert_true(
		span_is(in.c_task.label, "owner from=owner readers=public"));
	hear(&w.control, MSG_C_OK);
	chan_done(&planner);
	chan_done(&next);
	alive();
}

/* One that does nothing but begin again gets so many machines and no more. */
static void test_fork_loop(void **)
{
	struct chan planner;
	uint64_t task = run("Again.", 0), vm = planner_of(task, &planner);
	size_t i;

	for (i = 0; i < FORKS; i++) {
		out.call.args[0] = arg("goal", ARG_SCALAR, "Again.");
		call(&planner, "task.fork", 1);
		hear(&w.monitor, MSG_TASK_END);
		assert_true(closed(&planner));
		chan_done(&planner);
		vm_gone(vm, "task done");
		vm = planner_of(task, &planner);
	}
	out.call.args[0] = arg("goal", ARG_SCALAR, "Again.");
	fork_refused(&planner, 1);
	answer(&planner, "Done.");
	look(task);
	assert_int_equal(in.c_task.state, TASK_DONE);
	assert_int_equal(in.c_task.forks, FORKS);
	hear(&w.control, MSG_C_OK);
	chan_done(&planner);
	alive();
}

/* No more than so many are at work; the next begins when one ends. */
static void test_many(void **)
{
	struct chan planner[AT_ONCE + 1];
	uint64_t task[AT_ONCE + 1];
	size_t i;

	for (i = 0; i <= AT_ONCE; i++)
		task[i] = run("Wait.", 0);
	state_is(task[AT_ONCE], TASK_QUEUED);
	for (i = 0; i < AT_ONCE; i++)
		(void)planner_of(task[i], &planner[i]);
	answer(&planner[3], "Done.");
	(void)planner_of(task[AT_ONCE], &planner[AT_ONCE]);
	state_is(task[AT_ONCE], TASK_RUNNING);
	state_is(task[3], TASK_DONE);
	for (i = 0; i <= AT_ONCE; i++)
		chan_done(&planner[i]);
}

/* What waited waits again, what was at work is interrupted, what is over is as
 * it was; and no number is given twice. */
static void test_restart(void **)
{
	uint64_t task[AT_ONCE + 2];
	struct chan planner;
	size_t i;

	task[0] = run("First.", 0);
	(void)planner_of(task[0], &planner);
	answer(&planner, "Done.");
	chan_done(&planner);
	for (i = 1; i < ARRAY_SIZE(task); i++)
		task[i] = run("Wait.", 0);
	state_is(task[AT_ONCE + 1], TASK_QUEUED);
	world_end();
	world_begin();
	(void)planner_of(task[AT_ONCE + 1], &planner);
	state_is(task[0], TASK_DONE);
	for (i = 1; i <= AT_ONCE; i++)
		state_is(task[i], TASK_INTERRUPTED);
	get(&planner);
	assert_true(span_is(in.task.instruction, "Wait."));
	assert_true(run("Next.", 0) > task[AT_ONCE + 1]);
	chan_done(&planner);
	alive();
}

/* Its one note of the hour, asked for in a task of its own; the connector is
 * there anew, too. */
static void note(struct chan *planner, struct chan *drafts)
{
	int pair[2];

	assert_int_equal(chan_pair(pair), 0);
	chan_limited(drafts, pair[0]);
	out.connector = (struct m_connector){ SPAN_LIT("drafts"), 2 };
	say(&w.monitor, MSG_CONNECTOR, pair[1]);
	fd_close(&pair[1]);
	(void)planner_of(run("Note.", 0), planner);
	out.call.args[0] = arg("text", ARG_SCALAR, "a note");
	call(planner, "note", 1);
}

/* What is used up of a limit is so before the effect, and no end of the broker
 * at any moment gives it back. */
static void test_limit_over_restart(void **)
{
	struct chan planner, drafts;

	note(&planner, &drafts);
	hear(&drafts, MSG_EFFECT);
	/* killed while nobody knows yet what became of it */
	chan_done(&planner);
	chan_done(&drafts);
	world_end();
	world_begin();
	note(&planner, &drafts);
	hear(&planner, MSG_CALL_RESULT);
	assert_int_equal(in.call_result.verdict, VERDICT_DENY);
	assert_non_null(memmem(in.call_result.clause.p, in.call_result.clause.n,
			       " limit", 6));
	chan_done(&planner);
	chan_done(&drafts);
	alive();
}

/* A tripwire: the task is killed, which beginning again does not undo; and when
 * the owner lets it go on, its policy still knows. */
static void test_tripped(void **)
{
	struct chan planner;
	uint64_t task = run("Note.", 0);

	(void)planner_of(task, &planner);
	out.call.args[0] = arg("text", ARG_SCALAR, "a note");
	call(&planner, "note", 1);
	hear(&planner, MSG_CALL_RESULT);
	assert_true(span_is(in.call_result.clause, "no connector"));
	call(&planner, "secrets.read", 0);
	hear(&planner, MSG_CALL_RESULT);
	hear(&w.monitor, MSG_LATCH);
	assert_int_equal(in.latch.task, task);
	out.call.args[0] = arg("goal", ARG_SCALAR, "Note.");
	call(&planner, "task.fork", 1);
	hear(&planner, MSG_CALL_RESULT);
	assert_true(span_is(in.call_result.clause, "kill latch"));
	out.latch = (struct m_latch){ .level = LATCH_TASK, .task = task };
	say(&w.monitor, MSG_LATCH, -1);
	alive();
	out.call.args[0] = arg("text", ARG_SCALAR, "a note");
	call(&planner, "note", 1);
	hear(&planner, MSG_CALL_RESULT);
	assert_true(
		span_is(in.call_result.reason, "the policy refuses this call"));
	chan_done(&planner);
	alive();
}

/* What the model did not ask for is not done, and its task is frozen; or it is
 * put on record, and decided like any other. */
static void test_unbound(void **)
{
	struct chan planner;
	uint64_t task = run("Note.", 0);

	(void)planner_of(task, &planner);
	out.call.args[0] = arg("text", ARG_SCALAR, "a note");
	call_bound(&planner, "note", 1, CALL_UNBOUND_LOG);
	hear(&planner, MSG_CALL_RESULT);
	assert_true(span_is(in.call_result.clause, "no connector"));
	out.call.args[0] = arg("text", ARG_SCALAR, "a note");
	call_bound(&planner, "note", 1, CALL_UNBOUND);
	hear(&w.monitor, MSG_LATCH);
	assert_int_equal(in.latch.task, task);
	hear(&planner, MSG_CALL_RESULT);
	assert_int_equal(in.call_result.verdict, VERDICT_DENY);
	assert_true(span_is(in.call_result.clause, "binding"));
	out.call.args[0] = arg("text", ARG_SCALAR, "a note");
	call(&planner, "note", 1);
	hear(&planner, MSG_CALL_RESULT);
	assert_int_equal(in.call_result.verdict, VERDICT_DENY);
	chan_done(&planner);
	alive();
}

static int start_with_note(void **state)
{
	static char text[] =
		"bulkhead: 1\n"
		"mode: enforce\n"
		"sources: {}\n"
		"capabilities:\n"
		"  note: {connector: drafts, effect: internal, undo: none,\n"
		"    args: {text: {type: text, max: 100, role: content,\n"
		"                  from: [planner]}},\n"
		"    decide: [{deny: {session: {tripped: true}}}, {allow: "
		"{}}],\n"
		"    limits: {rate: 1/hour}}\n"
		"decoys: [secrets.read]\n"
		"trip: {decoy: freeze}\n";

	*state = text;
	return world_start(state);
}

/* Where the source reveals handles, no byte of the mail reaches the planner. */
static void test_handles(void **)
{
	struct chan planner;
	uint64_t vm;

	(void)planner_of_item(&planner, &vm);
	get(&planner);
	assert_int_equal(in.task.has_item, 0);
	assert_non_null(
		memmem(in.task.items.p, in.task.items.n, "mail.thread", 11));
	assert_null(memmem(in.task.items.p, in.task.items.n, "quoted", 6));
	assert_null(memmem(in.task.items.p, in.task.items.n, "example", 7));
	answer(&planner, "Done.");
	out.s_ref.id = 0;
	say(&w.control, MSG_C_TASKS, -1);
	hear(&w.control, MSG_C_TASK);
	assert_true(
		span_is(in.c_task.label, "owner from=owner readers=public"));
	hear(&w.control, MSG_C_OK);
	chan_done(&planner);
}

static int start_with_handles(void **state)
{
	static char text[64 << 10];
	const char *old = policy_default_text();
	const char *at = strstr(old, "reveal: text");

	if (!at ||
	    str_printf(text, sizeof(text), "%.*sreveal: handles%s",
		       (int)(at - old), old, at + strlen("reveal: text")) < 0)
		return -1;
	*state = text;
	return world_start(state);
}

int main(int argc, char **argv)
{
#define WORLD_TEST(f)                                                          \
	cmocka_unit_test_setup_teardown(f, world_start, world_stop)
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_own),
		WORLD_TEST(test_failed),
		WORLD_TEST(test_refused),
		WORLD_TEST(test_cancel),
		WORLD_TEST(test_on_item),
		WORLD_TEST(test_others),
		WORLD_TEST(test_fork),
		WORLD_TEST(test_fork_loop),
		WORLD_TEST(test_many),
		WORLD_TEST(test_restart),
		cmocka_unit_test_setup_teardown(test_limit_over_restart,
						start_with_note, world_stop),
		cmocka_unit_test_setup_teardown(test_tripped, start_with_note,
						world_stop),
		cmocka_unit_test_setup_teardown(test_unbound, start_with_note,
						world_stop),
		cmocka_unit_test_setup_teardown(test_handles,
						start_with_handles, world_stop),
	};

	if (argc != 2)
		return 2;
	(void)signal(SIGPIPE, SIG_IGN);
	libexec = argv[1];
	return cmocka_run_group_tests_name("broker/tasks", tests, NULL, NULL);
}
