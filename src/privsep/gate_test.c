/* gate_test: what the monitor shuts the broker sees shut, and nothing else;
 * what does not fit shuts more, not less; only one side can write. */
#include "privsep/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/testing.h"

static struct gate *g;
static const struct gate *seen;
static int fd = -1;

static int start(void **)
{
	assert_int_equal(gate_make(&g, &fd), 0);
	assert_int_equal(gate_map(fd, &seen), 0);
	return 0;
}

static int end(void **)
{
	fd_close(&fd);
	return 0;
}

#define IS(why, capability, task)                                              \
	assert_string_equal(gate_why(seen, SPAN_LIT(capability), task), why)
#define OPEN(capability, task)                                                 \
	assert_null(gate_why(seen, SPAN_LIT(capability), task))

static void test_levels(void **)
{
	const struct gate_row cap = { .capability = SPAN_LIT("email.send") };
	const struct gate_row task = { .task = 17 };
	const struct gate_row agent = { .agent = true };
	const struct gate_row all = { .all = true };

	OPEN("email.send", 17);
	assert_int_equal(gate_shut(g, &cap), 0);
	assert_int_equal(gate_shut(g, &cap), 0);
	IS("capability", "email.send", 1);
	OPEN("email.sen", 1);
	OPEN("email.send2", 1);
	assert_int_equal(gate_shut(g, &task), 0);
	IS("task", "email.send", 17);
	OPEN("x", 18);
	OPEN("x", 0);
	assert_int_equal(gate_shut(g, &agent), 0);
	IS("agent", "x", 0);
	assert_int_equal(gate_shut(g, &all), 0);
	IS("all", "x", 0);
	assert_true(gate_is_shut(seen, &all) && gate_is_shut(seen, &agent) &&
		    gate_is_shut(seen, &task) && gate_is_shut(seen, &cap));
	gate_open(g, &all);
	assert_false(gate_is_shut(seen, &all));
	gate_open(g, &agent);
	gate_open(g, &cap);
	assert_false(gate_is_shut(seen, &agent));
	assert_false(gate_is_shut(seen, &cap));
	IS("task", "email.send", 17);
	gate_open(g, &task);
	assert_false(gate_is_shut(seen, &task));
	OPEN("email.send", 17);
}

static void test_bounds(void **)
{
	char name[32];
	struct gate_row row = { 0 };
	uint64_t i;

	for (i = 1; i <= GATE_TASKS; i++) {
		row.task = i;
		assert_int_equal(gate_shut(g, &row), 0);
	}
	IS("task", "x", 1);
	IS("task", "x", GATE_TASKS);
	OPEN("x", GATE_TASKS + 1);
	row.task = 7;
	gate_open(g, &row);
	row.task = GATE_TASKS + 1;
	assert_int_equal(gate_shut(g, &row), 0);
	row.task++;
	assert_int_equal(gate_shut(g, &row), -ENOSPC);
	IS("agent", "x", 0);
	gate_open(g, &(struct gate_row){ .agent = true });
	row.task = 0;
	for (i = 0; i < GATE_CAPABILITIES; i++) {
		(void)str_printf(name, sizeof(name), "c%u", (unsigned)i);
		row.capability = span_str(name);
		assert_int_equal(gate_shut(g, &row), 0);
	}
	IS("capability", "c255", 0);
	OPEN("c256", 0);
	row.capability = SPAN_LIT("c256");
	assert_int_equal(gate_shut(g, &row), -ENOSPC);
	IS("agent", "c256", 0);
}

static void test_one_writer(void **)
{
	CLEAN_FD int other = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	const struct gate *none;
	long page = sysconf(_SC_PAGESIZE);

	assert_ptr_equal(mmap(NULL, (size_t)page, PROT_READ | PROT_WRITE,
			      MAP_SHARED, fd, 0),
			 MAP_FAILED);
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_true(other >= 0);
	assert_int_equal(gate_map(other, &none), -EPERM);
	assert_int_equal(fcntl(other, F_ADD_SEALS,
			       F_SEAL_SHRINK | F_SEAL_GROW |
				       F_SEAL_FUTURE_WRITE | F_SEAL_SEAL),
			 0);
	assert_int_equal(gate_map(other, &none), -EPERM);
	assert_true(gate_map(-1, &none) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_levels, start, end),
		cmocka_unit_test_setup_teardown(test_bounds, start, end),
		cmocka_unit_test_setup_teardown(test_one_writer, start, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
