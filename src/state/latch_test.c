/* latch_test: each level is set, read, and taken away; what is not certainly
 * absent is set. */
#include "state/latch.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/testing.h"

struct rig {
	char path[64];
	int state;
	struct latches d;
};

static void rig_start(struct rig *r)
{
	(void)str_printf(r->path, sizeof(r->path), "/tmp/latch-test.XXXXXX");
	assert_non_null(mkdtemp(r->path));
	r->state = open(r->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(r->state >= 0);
	assert_int_equal(latches_open(r->state, &r->d), 0);
}

static void forget(void *arg, const struct latch *l)
{
	struct rig *r = arg;

	assert_int_equal(latch_clear(&r->d, l), 0);
}

static void rig_end(struct rig *r)
{
	(void)latches_each(&r->d, forget, r);
	latches_close(&r->d);
	(void)unlinkat(r->state, "latches", AT_REMOVEDIR);
	fd_close(&r->state);
	assert_int_equal(rmdir(r->path), 0);
}

static struct latch last;

static void note(void *, const struct latch *l)
{
	last = *l;
}

static void test_levels(void **)
{
	const struct {
		struct m_latch m;
		const char *name, *file;
	} levels[] = {
		{ { .level = LATCH_CAPABILITY,
		    .capability = SPAN_LIT("email.send") },
		  "capability email.send",
		  "latches/capability.email.send" },
		{ { .level = LATCH_TASK, .task = 17 },
		  "task 17",
		  "latches/task.17" },
		{ { .level = LATCH_TASK, .task = UINT64_MAX },
		  "task 18446744073709551615",
		  "latches/task.18446744073709551615" },
		{ { .level = LATCH_AGENT }, "agent", "latches/agent" },
		{ { .level = LATCH_ALL }, "all", "latch" },
		{ { .level = LATCH_REVOKE }, "all+revoke", "latch" },
	};
	char name[LATCH_FILE], words[LATCH_WORDS];
	struct latch l;
	struct stat st;
	struct rig r;
	size_t i;

	rig_start(&r);
	for (i = 0; i < ARRAY_SIZE(levels); i++) {
		assert_int_equal(latch_of(&levels[i].m, &l), 0);
		latch_name(&l, name);
		assert_string_equal(name, levels[i].name);
		assert_false(latch_is_set(&r.d, &l));
		assert_int_equal(
			latch_set(&r.d, &l, SPAN_LIT("decoy"), SPAN_LIT("why")),
			0);
		assert_true(latch_is_set(&r.d, &l));
		assert_int_equal(fstatat(r.state, levels[i].file, &st, 0), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
		latch_words(&r.d, &l, words);
		assert_string_equal(words, "decoy: why");
		assert_int_equal(latches_each(&r.d, note, NULL), 1);
		assert_int_equal(last.level, l.level);
		assert_int_equal(last.task, l.task);
		assert_string_equal(last.capability, l.capability);
		/* The last words stand. */
		assert_int_equal(
			latch_set(&r.d, &l, SPAN_LIT(""), SPAN_LIT("b")), 0);
		latch_words(&r.d, &l, words);
		assert_string_equal(words, "b");
		assert_int_equal(latch_clear(&r.d, &l), 0);
		assert_int_equal(latch_clear(&r.d, &l), 0);
		assert_false(latch_is_set(&r.d, &l));
		assert_int_equal(latches_each(&r.d, note, NULL), 0);
	}
	rig_end(&r);
}

static void test_no_latch(void **)
{
	const struct m_latch bad[] = {
		{ .level = 0 },
		{ .level = LATCH_LEVEL_MAX },
		{ .level = LATCH_TASK },
		{ .level = LATCH_CAPABILITY },
		{ .level = LATCH_CAPABILITY, .capability = SPAN_LIT("../x") },
		{ .level = LATCH_CAPABILITY, .capability = SPAN_LIT("a/b") },
		{ .level = LATCH_CAPABILITY, .capability = SPAN_LIT("a\0b") },
		{ .level = LATCH_CAPABILITY, .capability = SPAN_LIT("Email") },
	};
	struct latch l = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(latch_of(&bad[i], &l), -1);
}

/* All but the last of them are not certainly absent, or unknown. */
static void test_closed(void **)
{
	static const char *const odd[] = { "capability.A", "task.x",
					   "task.0",	   "task.",
					   "other",	   "capability." };
	const struct latch all = { .level = LATCH_ALL };
	struct rig r;
	size_t i;

	rig_start(&r);
	for (i = 0; i < ARRAY_SIZE(odd); i++) {
		int fd = openat(r.d.sub, odd[i], O_CREAT | O_WRONLY, 0600);

		assert_true(fd >= 0);
		fd_close(&fd);
		assert_int_equal(latches_each(&r.d, note, NULL), 1);
		assert_int_equal(last.level, LATCH_AGENT);
		assert_int_equal(unlinkat(r.d.sub, odd[i], 0), 0);
	}
	/* A link to nowhere is there, too, and is not followed. */
	assert_int_equal(symlinkat("/nowhere", r.state, "latch"), 0);
	assert_true(latch_is_set(&r.d, &all));
	assert_true(latch_set(&r.d, &all, SPAN_LIT(""), SPAN_LIT("x")) < 0);
	assert_true(latch_is_set(&r.d, &all));
	rig_end(&r);
}

/* The mark alone is no latch: what it belongs to is gone. */
static void test_mark(void **)
{
	const struct latch revoke = { .level = LATCH_REVOKE };
	struct rig r;

	rig_start(&r);
	assert_int_equal(
		latch_set(&r.d, &revoke, SPAN_LIT("cli"), SPAN_LIT("x")), 0);
	assert_int_equal(unlinkat(r.state, "latch", 0), 0);
	assert_int_equal(latches_each(&r.d, note, NULL), 0);
	assert_int_equal(latch_clear(&r.d, &revoke), 0);
	assert_true(faccessat(r.d.sub, "revoke", F_OK, 0) < 0);
	rig_end(&r);
}

static char told[LATCH_WORDS];

static void note_told(void *, const struct latch *l, const char *words)
{
	last = *l;
	(void)str_printf(told, sizeof(told), "%s", words);
}

/* What was taken away is no latch any more, and is told of until that is on
 * record. */
static void test_aside(void **)
{
	const struct latch levels[] = {
		{ .level = LATCH_CAPABILITY, .capability = "email.send" },
		{ .level = LATCH_TASK, .task = 17 },
		{ .level = LATCH_AGENT },
		{ .level = LATCH_ALL },
	};
	struct rig r;
	size_t i;

	rig_start(&r);
	for (i = 0; i < ARRAY_SIZE(levels); i++) {
		const struct latch *l = &levels[i];

		assert_int_equal(latch_clear_aside(&r.d, l), 0);
		assert_int_equal(latches_rearmed(&r.d, note_told, NULL), 0);
		assert_int_equal(
			latch_set(&r.d, l, SPAN_LIT("decoy"), SPAN_LIT("why")),
			0);
		assert_int_equal(latch_clear_aside(&r.d, l), 0);
		assert_false(latch_is_set(&r.d, l));
		assert_int_equal(latches_each(&r.d, note, NULL), 0);
		assert_int_equal(latches_rearmed(&r.d, note_told, NULL), 1);
		assert_int_equal(last.level, l->level);
		assert_int_equal(last.task, l->task);
		assert_string_equal(last.capability, l->capability);
		assert_string_equal(told, "decoy: why");
		/* A second time, before anybody has looked. */
		assert_int_equal(
			latch_set(&r.d, l, SPAN_LIT(""), SPAN_LIT("b")), 0);
		assert_int_equal(latch_clear_aside(&r.d, l), 0);
		assert_int_equal(latches_rearmed(&r.d, note_told, NULL), 2);
		assert_int_equal(last.level, l->level);
		assert_int_equal(last.task, l->task);
		latches_rearmed_forget(&r.d);
		assert_int_equal(latches_rearmed(&r.d, note_told, NULL), 0);
	}
	rig_end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_levels), cmocka_unit_test(test_no_latch),
		cmocka_unit_test(test_closed), cmocka_unit_test(test_mark),
		cmocka_unit_test(test_aside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
