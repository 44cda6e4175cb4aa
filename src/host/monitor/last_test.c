/* last_test: what is remembered of the store's database is read as written. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/testing.h"
#include "host/monitor/monitor.h"

static char dir[32];
static int at;

static int setup(void **)
{
	static const char template[] = "/tmp/bhlast-XXXXXX";

	memcpy(dir, template, sizeof(template));
	assert_non_null(mkdtemp(dir));
	at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return at < 0 ? -1 : 0;
}

static int teardown(void **)
{
	(void)unlinkat(at, "store.last", 0);
	fd_close(&at);
	return rmdir(dir);
}

static void test_written_is_read(void **)
{
	struct m_s_state now = { .opened = 7 };
	struct err err = { 0 };
	char text[LAST_TEXT];

	assert_int_equal(last_read(at, text, &err), 0);
	assert_string_equal(text, "none");
	memset(now.id, 0xab, sizeof(now.id));
	assert_int_equal(last_write(at, &now, &err), 0);
	assert_int_equal(last_read(at, text, &err), 0);
	assert_string_equal(text, "abababababababababababababababab/7");
	now.opened = UINT32_MAX;
	assert_int_equal(last_write(at, &now, &err), 0);
	assert_int_equal(last_read(at, text, &err), 0);
	assert_string_equal(text,
			    "abababababababababababababababab/4294967295");
}

/* Named, with the next step. */
static void test_not_ours(void **)
{
	static const char *const rows[] = {
		"",
		"nonsense\n",
		"abababababababababababababababab/\n",
		"abababababababababababababababab/7",
		"abababababababababababababababab 7\n",
		"xbababababababababababababababab/7\n",
		"abababababababababababababababab/07\n",
		("abababababababababababababababab/"
		 "77777777777777777777777777777777777777777777777777\n"),
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEAN_FD int fd =
			openat(at, "store.last",
			       O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		struct err err = { 0 };
		char text[LAST_TEXT];

		assert_int_equal(fd_write_all(fd, span_str(rows[i])), 0);
		if (last_read(at, text, &err) != -EBADMSG)
			fail_msg("row %zu is taken", i);
		assert_non_null(strstr(err.msg, "state/store.last"));
		assert_non_null(strstr(err.msg, "delete it"));
	}
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { T(written_is_read), T(not_ours) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
