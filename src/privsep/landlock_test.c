/*
 * landlock_test: what is asked of each version of Landlock, and that the kernel
 * here takes it and holds to it.
 */
#include "privsep/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/span.h"
#include "base/testing.h"

static void rights_of_each_version(void **)
{
	static const struct {
		int abi;
		uint64_t fs, net, scoped;
		size_t size;
	} rows[] = {
		{ 0, 0, 0, 0, 8 },	   { 1, 0x1fff, 0, 0, 8 },
		{ 2, 0x3fff, 0, 0, 8 },	   /* refer */
		{ 3, 0x7fff, 0, 0, 8 },	   /* truncate */
		{ 4, 0x7fff, 3, 0, 16 },   /* TCP */
		{ 5, 0xffff, 3, 0, 16 },   /* ioctl of devices */
		{ 6, 0xffff, 3, 3, 24 },   /* signals, abstract sockets */
		{ 7, 0xffff, 3, 3, 24 },   /* nothing that we ask for */
		{ 100, 0xffff, 3, 3, 24 }, /* what is to come */
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct landlock_rights r = landlock_rights(rows[i].abi);

		assert_int_equal(r.fs, rows[i].fs);
		assert_int_equal(r.net, rows[i].net);
		assert_int_equal(r.scoped, rows[i].scoped);
		assert_int_equal(r.size, rows[i].size);
	}
}

static bool opens(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd >= 0)
		(void)close(fd);
	return fd >= 0;
}

/* In a child: returns the number of the first thing that is not as it should
 * be, 0 for none. */
static int beneath_a_directory(void)
{
	int dir = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (!opens("/etc/passwd", O_RDONLY))
		return 1;
	if (landlock_only_beneath(&dir, 1, false) < 0)
		return 2;
	if (opens("/etc/passwd", O_RDONLY))
		return 3;
	if (!opens("/tmp/.", O_RDONLY | O_DIRECTORY))
		return 4;
	/* It signals nobody outside, where the kernel knows how. */
	if (landlock_abi() >= 6 && kill(getppid(), 0) == 0)
		return 5;
	return 0;
}

static int in_a_jail(void)
{
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int dev = open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int program = open("/bin/true", O_PATH | O_CLOEXEC);
	const struct landlock_jail j = { root, dev, &program, 1 };
	char name[] = "/bin/false";
	char *argv[] = { name, NULL };

	if (landlock_jail(&j) < 0)
		return 1;
	if (!opens("/etc/passwd", O_RDONLY) || !opens("/dev/null", O_RDWR))
		return 2;
	if (opens("/etc/passwd", O_RDWR) || opens("/tmp/new", O_RDWR | O_CREAT))
		return 3;
	if (execve(name, argv, argv + 1) == 0 || errno != EACCES)
		return 4;
	return 0;
}

static void expect_zero(int (*fn)(void))
{
	pid_t pid;
	int status;

	if (landlock_abi() < 1)
		skip();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? 99 : fn());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void only_beneath(void **)
{
	expect_zero(beneath_a_directory);
}

static void jail(void **)
{
	expect_zero(in_a_jail);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rights_of_each_version),
		cmocka_unit_test(only_beneath),
		cmocka_unit_test(jail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
