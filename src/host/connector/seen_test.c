/* seen_test: the list over restarts, cut lines, compaction, many names. */
#include "seen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

static char path[] = "/tmp/seen-XXXXXX";
static int dir;

static void open_ok(struct seen *s)
{
	assert_int_equal(seen_open(s, dir, SPAN_LIT("inbox")), 0);
}

static void put_file(const char *text)
{
	CLEAN_FD int fd =
		openat(dir, "inbox.seen",
		       O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, span_str(text)), 0);
}

static void file_is(const char *want)
{
	CLEAN_FD int fd = openat(dir, "inbox.seen", O_RDONLY | O_CLOEXEC);
	char text[256] = { 0 };

	assert_true(fd_read_all(fd, text, sizeof(text) - 1) >= 0);
	assert_string_equal(text, want);
}

static int clear(void **state)
{
	(void)state;
	(void)unlinkat(dir, "inbox.seen", 0);
	return 0;
}

static void restarts(void **state)
{
	struct seen s;

	(void)state;
	open_ok(&s);
	assert_false(s.existed);
	assert_int_equal(seen_note(&s, SPAN_LIT("b")), 0);
	assert_int_equal(seen_note(&s, SPAN_LIT("a")), 0);
	assert_int_equal(seen_note(&s, SPAN_LIT("a")), -EEXIST);
	assert_int_equal(seen_save(&s, SPAN_LIT("a")), 0);
	seen_close(&s);
	/* Noted and not saved: given again. */
	open_ok(&s);
	assert_true(s.existed);
	assert_true(seen_has(&s, SPAN_LIT("a")));
	assert_false(seen_has(&s, SPAN_LIT("b")));
	seen_forget(&s, SPAN_LIT("a"));
	seen_forget(&s, SPAN_LIT("never"));
	assert_false(seen_has(&s, SPAN_LIT("a")));
	assert_int_equal(s.n, 0);
	seen_close(&s);
}

/* A crash in the middle of a line: it is dropped, and does not glue. */
static void cut_line(void **state)
{
	struct seen s;

	(void)state;
	put_file("one\ntwo\nthr");
	open_ok(&s);
	assert_int_equal(s.n, 2);
	assert_false(seen_has(&s, SPAN_LIT("thr")));
	assert_int_equal(seen_note(&s, SPAN_LIT("four")), 0);
	assert_int_equal(seen_save(&s, SPAN_LIT("four")), 0);
	seen_close(&s);
	file_is("one\ntwo\nfour\n");
}

static bool keep_two(void *arg, struct span name)
{
	(void)arg;
	return span_is(name, "two");
}

static void compaction(void **state)
{
	struct seen s;

	(void)state;
	put_file("one\ntwo\nthree\n");
	open_ok(&s);
	assert_int_equal(seen_compact(&s, keep_two, NULL), 0);
	assert_int_equal(s.n, 1);
	assert_false(seen_has(&s, SPAN_LIT("one")));
	assert_int_equal(seen_save(&s, SPAN_LIT("new")), 0);
	seen_close(&s);
	file_is("two\nnew\n");
}

static void names(void **state)
{
	char name[SEEN_NAME_MAX + 2];
	struct seen s;

	(void)state;
	memset(name, 'n', sizeof(name));
	assert_true(seen_name_ok(span_of(name, SEEN_NAME_MAX - 1)));
	assert_true(seen_name_ok(span_of(name, SEEN_NAME_MAX)));
	assert_false(seen_name_ok(span_of(name, SEEN_NAME_MAX + 1)));
	assert_false(seen_name_ok(SPAN_LIT("")));
	assert_false(seen_name_ok(SPAN_LIT("a\nb")));
	assert_false(seen_name_ok(SPAN_LIT("a\0b")));
	assert_int_equal(seen_open(&s, dir, SPAN_LIT("a/b")), -EINVAL);
	open_ok(&s);
	assert_int_equal(seen_note(&s, span_of(name, SEEN_NAME_MAX)), 0);
	assert_int_equal(seen_save(&s, span_of(name, SEEN_NAME_MAX)), 0);
	assert_int_equal(seen_save(&s, SPAN_LIT("a\nb")), -EINVAL);
	seen_close(&s);
	open_ok(&s);
	assert_true(seen_has(&s, span_of(name, SEEN_NAME_MAX)));
	seen_close(&s);
}

static void many(void **state)
{
	struct seen s;
	char name[32];
	int i, n;

	(void)state;
	open_ok(&s);
	for (i = 0; i < 20000; i++) {
		n = str_printf(name, sizeof(name), "%010d.mail", i);
		assert_int_equal(seen_note(&s, span_of(name, (size_t)n)), 0);
	}
	assert_int_equal(seen_compact(&s, NULL, NULL), 0);
	seen_close(&s);
	open_ok(&s);
	assert_int_equal(s.n, 20000);
	seen_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(restarts, clear),
		cmocka_unit_test_setup(cut_line, clear),
		cmocka_unit_test_setup(compaction, clear),
		cmocka_unit_test_setup(names, clear),
		cmocka_unit_test_setup(many, clear),
	};
	int r;

	if (!mkdtemp(path))
		return 1;
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	(void)clear(NULL);
	(void)rmdir(path);
	return r;
}
