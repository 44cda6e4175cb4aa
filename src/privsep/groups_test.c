/* Goal of this test: a process joins the groups behind its row, its child
 * first, and keeps none of them open. */
#include "privsep/groups.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/testing.h"

/* The porter's row has 4 descriptors. */
enum { FIRST = GRAPH_FD_BASE + 4, HIGH = 100 };

/* A file where a cgroup.procs would be: what is written follows. */
static int place(int i)
{
	int fd = memfd_create("group", MFD_CLOEXEC);
	int keep = fcntl(fd, F_DUPFD, HIGH);

	assert_true(fd >= 0 && keep >= 0);
	if (fd != FIRST + i) {
		assert_int_equal(dup2(fd, FIRST + i), FIRST + i);
		(void)close(fd);
	}
	return keep;
}

static void assert_text(int fd, const char *want)
{
	char got[64] = "";

	assert_true(pread(fd, got, sizeof(got) - 1, 0) >= 0);
	assert_string_equal(got, want);
}

static void test_child_then_self(void **)
{
	struct err err = { 0 };
	int a = place(0);
	int b = place(1);

	assert_int_equal(groups_join(PROC_PORTER, 2, 4711, &err), 0);
	assert_text(a, "47110");
	assert_text(b, "47110");
	assert_true(fcntl(FIRST, F_GETFD) < 0 && errno == EBADF);
	assert_true(fcntl(FIRST + 1, F_GETFD) < 0 && errno == EBADF);
	(void)close(a);
	(void)close(b);
}

static void test_self_alone(void **)
{
	struct err err = { 0 };
	int a = place(0);

	assert_int_equal(groups_join(PROC_PORTER, 1, 0, &err), 0);
	assert_text(a, "0");
	(void)close(a);
}

static void test_none(void **)
{
	struct err err = { 0 };

	assert_int_equal(groups_join(PROC_PORTER, 0, 4711, &err), 0);
}

/* A group that is not there, and more than there can be. */
static void test_refused(void **)
{
	struct err err = { 0 };

	(void)close(FIRST);
	assert_int_equal(groups_join(PROC_PORTER, 1, 0, &err), -EBADF);
	assert_int_equal(groups_join(PROC_PORTER, GROUPS_MAX + 1, 0, &err),
			 -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_child_then_self),
		cmocka_unit_test(test_self_alone),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
