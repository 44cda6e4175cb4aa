/* Tests of log: the line, on a file and towards the journal; times; ids. */
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/str.h"

static char got[8192];

/* Runs fn with stderr as a file, and has what it wrote in got. */
static void capture(void (*fn)(void))
{
	CLEAN_FD int fd = memfd_create("log", MFD_CLOEXEC);
	int saved = dup(STDERR_FILENO);
	ssize_t n;

	assert_true(fd >= 0 && saved >= 0);
	assert_true(dup2(fd, STDERR_FILENO) >= 0);
	fn();
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	(void)close(saved);
	n = fd_pread_all(fd, got, sizeof(got) - 1, 0);
	assert_true(n >= 0);
	got[n] = 0;
}

static void one_line(void)
{
	log_init("vmm", LOG_LV_INFO);
	log_debug("never", "x=1");
	log_warn("qemu", "seconds=%d text=%s", 7, "a\n\x1b\xc3\xbc");
}

static void test_file(void **)
{
	unsetenv("JOURNAL_STREAM");
	unsetenv(LOG_ENV);
	capture(one_line);
	assert_int_equal(strncmp(got, "time=20", 7), 0);
	assert_int_equal(got[28], 'Z');
	assert_string_equal(got + 29,
			    " level=warn process=vmm event=qemu seconds=7 "
			    "text=a\\x0a\\x1b\\xc3\\xbc\n");
}

static void journal_line(void)
{
	char stream[64];
	struct stat st;

	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	(void)str_printf(stream, sizeof(stream), "%llu:%llu",
			 (unsigned long long)st.st_dev,
			 (unsigned long long)st.st_ino);
	(void)setenv("JOURNAL_STREAM", stream, 1);
	one_line();
	log_error("gone", "%s", "");
}

static void test_journal(void **)
{
	char env[LOG_ENV_MAX];

	capture(journal_line);
	assert_string_equal(got,
			    "<4>level=warn process=vmm event=qemu seconds=7 "
			    "text=a\\x0a\\x1b\\xc3\\xbc\n"
			    "<3>level=error process=vmm event=gone\n");
	assert_true(log_env(env, sizeof(env), "vm=vm-17") > 0);
	assert_string_equal(env, LOG_ENV "=j vm=vm-17");
	/* Another file than the journal's. */
	capture(one_line);
	assert_int_equal(strncmp(got, "time=", 5), 0);
	assert_true(log_env(env, sizeof(env), NULL) > 0);
	assert_string_equal(env, LOG_ENV "=s ");
	assert_int_equal(log_env(env, 12, "vm=vm-17"), -1);
}

static void test_inherited(void **)
{
	(void)setenv(LOG_ENV, "j item=3", 1);
	capture(one_line);
	assert_int_equal(strncmp(got,
				 "<4>level=warn process=vmm event=qemu "
				 "item=3 seconds=7 ",
				 54),
			 0);
	(void)setenv(LOG_ENV, "s", 1);
	capture(one_line);
	assert_non_null(strstr(got, "event=qemu seconds=7"));
	unsetenv(LOG_ENV);
}

static void with_run(void)
{
	log_init("monitor", LOG_LV_INFO);
	log_run("0123456789abcdef0123456789abcdef");
	log_info("up", "%s", "");
}

/* The run is in our lines, and in those of children before their own ids. */
static void test_run(void **)
{
	char env[LOG_ENV_MAX];

	unsetenv("JOURNAL_STREAM");
	with_run();
	capture(with_run);
	assert_non_null(strstr(
		got, " event=up run=0123456789abcdef0123456789abcdef\n"));
	assert_true(log_env(env, sizeof(env), "vm=18446744073709551615") > 0);
	assert_string_equal(env,
			    LOG_ENV "=s run=0123456789abcdef0123456789abcdef "
				    "vm=18446744073709551615");
	assert_true(log_env(env, sizeof(env), NULL) > 0);
	assert_string_equal(env,
			    LOG_ENV "=s run=0123456789abcdef0123456789abcdef");
	log_init("monitor", LOG_LV_INFO);
}

static void long_line(void)
{
	static char text[8192];

	memset(text, 0xff, sizeof(text) - 1);
	log_init("vmm", LOG_LV_INFO);
	log_info("long", "%s", text);
}

static void test_long(void **)
{
	unsetenv("JOURNAL_STREAM");
	capture(long_line);
	assert_in_range(strlen(got), 2000, 2048);
	assert_int_equal(got[strlen(got) - 1], '\n');
	assert_ptr_equal(strchr(got, '\n'), got + strlen(got) - 1);
}

static void test_times(void **)
{
	static const struct {
		time_t s;
		long ns;
		const char *want;
	} rows[] = {
		{ 0, 0, "1970-01-01T00:00:00.000Z" },
		{ 951782399, 999999999, "2000-02-28T23:59:59.999Z" },
		{ 951782400, 0, "2000-02-29T00:00:00.000Z" },
		{ 951868800, 0, "2000-03-01T00:00:00.000Z" },
		{ 1798761599, 1000000, "2026-12-31T23:59:59.001Z" },
		{ 4107542400, 0, "2100-03-01T00:00:00.000Z" },
		{ -1, 0, "1970-01-01T00:00:00.000Z" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct timespec t = { rows[i].s, rows[i].ns };
		char text[LOG_TIME];

		log_time(text, &t);
		assert_string_equal(text, rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_journal),
		cmocka_unit_test(test_inherited),
		cmocka_unit_test(test_run),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}
