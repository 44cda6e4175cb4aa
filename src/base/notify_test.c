/* Tests of notify, with a socket in the place of the service manager's. */
#include "base/notify.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/str.h"

/* A bound datagram socket; name is as in the environment. */
static int listen_at(const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				    strlen(name));

	memcpy(a.sun_path, name, strlen(name));
	if (name[0] == '@')
		a.sun_path[0] = 0;
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&a, len), 0);
	return fd;
}

static void need_said(int fd, const char *want)
{
	char got[1024] = { 0 };
	ssize_t n = recv(fd, got, sizeof(got) - 1, 0);

	if (!want) {
		assert_int_equal(n, -1);
		return;
	}
	assert_true(n >= 0);
	assert_string_equal(got, want);
}

static void says_all(const char *name)
{
	CLEAN_FD int fd = listen_at(name);
	struct notify n;

	(void)setenv("NOTIFY_SOCKET", name, 1);
	assert_int_equal(notify_open(&n), 0);
	assert_null(getenv("NOTIFY_SOCKET"));
	notify_say(&n, "READY=1");
	notify_status(&n, "%d VMs,\nand\x1b a line", 3);
	need_said(fd, "READY=1");
	need_said(fd, "STATUS=3 VMs, and  a line");
	need_said(fd, NULL);
	notify_close(&n);
	notify_say(&n, "STOPPING=1");
	need_said(fd, NULL);
}

static void test_path(void **)
{
	char dir[] = "/tmp/bulkhead-notify-XXXXXX", name[64];

	assert_non_null(mkdtemp(dir));
	(void)str_printf(name, sizeof(name), "%s/s", dir);
	says_all(name);
	(void)unlink(name);
	(void)rmdir(dir);
}

static void test_abstract(void **)
{
	char name[64];

	(void)str_printf(name, sizeof(name), "@bulkhead-notify-%d", getpid());
	says_all(name);
}

static void test_nobody(void **)
{
	static const char *const bad[] = { "",		"/",
					   "@",		"relative",
					   "vsock:2:1", "/nonexistent/socket" };
	char longest[200];
	struct notify n;
	size_t i;

	(void)unsetenv("NOTIFY_SOCKET");
	assert_int_equal(notify_open(&n), 0);
	assert_int_equal(n.fd, -1);
	notify_say(&n, "READY=1");
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		(void)setenv("NOTIFY_SOCKET", bad[i], 1);
		assert_true(notify_open(&n) < 0);
		assert_int_equal(n.fd, -1);
	}
	memset(longest, 'a', sizeof(longest));
	longest[0] = '/';
	longest[108] = 0;
	(void)setenv("NOTIFY_SOCKET", longest, 1);
	assert_int_equal(notify_open(&n), -ENAMETOOLONG);
	longest[107] = 0;
	(void)setenv("NOTIFY_SOCKET", longest, 1);
	assert_int_equal(notify_open(&n), -ENOENT);
}

static uint64_t watchdog(const char *us, const char *pid)
{
	CLEAN_FD int fd = listen_at("@bulkhead-notify-watchdog");
	struct notify n;
	uint64_t ms;

	(void)setenv("NOTIFY_SOCKET", "@bulkhead-notify-watchdog", 1);
	(void)setenv("WATCHDOG_USEC", us, 1);
	if (pid)
		(void)setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(notify_open(&n), 0);
	assert_null(getenv("WATCHDOG_USEC"));
	assert_null(getenv("WATCHDOG_PID"));
	ms = n.watchdog_ms;
	notify_close(&n);
	return ms;
}

static void test_watchdog(void **)
{
	char own[16];

	(void)str_printf(own, sizeof(own), "%d", getpid());
	assert_int_equal(watchdog("30000000", NULL), 30000);
	assert_int_equal(watchdog("30000000", own), 30000);
	assert_int_equal(watchdog("30000000", "1"), 0);
	assert_int_equal(watchdog("999", NULL), 0);
	assert_int_equal(watchdog("soon", NULL), 0);
}

/* Goal: a manager that does not read never blocks what it manages. */
static void test_full(void **)
{
	CLEAN_FD int fd = listen_at("@bulkhead-notify-full");
	struct notify n;
	int i;

	(void)setenv("NOTIFY_SOCKET", "@bulkhead-notify-full", 1);
	assert_int_equal(notify_open(&n), 0);
	for (i = 0; i < 10000; i++)
		notify_say(&n, "WATCHDOG=1");
	need_said(fd, "WATCHDOG=1");
	notify_close(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path),   cmocka_unit_test(test_abstract),
		cmocka_unit_test(test_nobody), cmocka_unit_test(test_watchdog),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests_name("base/notify", tests, NULL, NULL);
}
