/*
 * launch_test: goal of this test: vm_launch gives a machine that answers its
 * porter, vm_end leaves nothing of it, a launch that fails leaves nothing
 * either, and the machine ends itself at its deadline. Needs the images of
 * $BULKHEAD_IMAGES and the binaries of $BULKHEAD_BUILD.
 */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/str.h"
#include "privsep/chan.h"
#include "vm/launch.h"
#include "vm/tsc.h"

enum { READY_MS = 30000, GONE_MS = 20000 };

static struct vm_images images;

static struct vm_launch planner(uint32_t deadline_s)
{
	return (struct vm_launch){
		.libexec = getenv("BULKHEAD_BUILD"),
		.spec = { .backend = VM_QEMU_TCG,
			  .memory_mib = 128,
			  .cpus = 1,
			  .deadline_s = deadline_s,
			  .tsc_khz = vm_tsc_khz() },
		.workload = WIRE_PLANNER_TRIAGE,
		.images = &images,
		.name = "vm-1",
		.memory_fd = -1,
		.saved_fd = -1,
		.console_fd = -1,
		.deadline_ms = 60000,
	};
}

static int setup(void **)
{
	const char *dir = getenv("BULKHEAD_IMAGES");
	struct err err = { 0 };

	if (vm_images_load(dir ? dir : "build/images", &images, &err) == 0)
		return 0;
	(void)fprintf(stderr, "%s\n", err.msg);
	return -1;
}

static int teardown(void **)
{
	vm_images_done(&images);
	return 0;
}

/* The pid of QEMU: the one child of bulkhead-vmm. 0 if there is none yet. */
static pid_t child_of(pid_t pid)
{
	char path[64];
	long child = 0;
	FILE *f;

	(void)str_printf(path, sizeof(path), "/proc/%d/task/%d/children", pid,
			 pid);
	f = fopen(path, "re");
	if (f && fscanf(f, "%ld", &child) != 1) /* NOLINT(cert-err34-c) */
		child = 0;
	if (f)
		(void)fclose(f);
	return (pid_t)child;
}

static bool gone_in_time(pid_t pid)
{
	uint64_t end = now_ms() + GONE_MS;

	while (now_ms() < end) {
		char path[64];

		(void)str_printf(path, sizeof(path), "/proc/%d", pid);
		if (access(path, F_OK) < 0)
			return true;
		(void)poll(NULL, 0, 10);
	}
	return false;
}

static size_t open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	(void)closedir(d);
	return n;
}

static void answers_and_ends(void **)
{
	struct vm_launch l = planner(60);
	size_t before = open_fds();
	struct vm_procs v;
	struct err err = { 0 };
	const char *why;
	struct pollfd p;
	struct chan c;
	struct msg m;
	pid_t qemu;

	if (vm_launch(&l, &v, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(chan_init(&c, take_fd(&v.monitor_fd)), 0);
	p = (struct pollfd){ .fd = c.fd, .events = POLLIN };
	assert_int_equal(poll(&p, 1, READY_MS), 1);
	assert_int_equal(chan_recv(&c, &m, &why), 1);
	assert_int_equal(m.type, MSG_VM_READY);
	print_message("authenticated ready after %llu ms\n",
		      (unsigned long long)m.vm_ready.boot_us / 1000);
	qemu = child_of(v.vmm);
	assert_true(qemu > 0);
	vm_end(&v);
	assert_true(gone_in_time(qemu));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	chan_done(&c);
	vm_end(&v);
	assert_int_equal(open_fds(), before);
}

static void failure_leaves_nothing(void **)
{
	static const struct {
		const char *libexec;
		uint32_t memory_mib;
		enum wire_workload workload;
	} rows[] = {
		{ "/nonexistent", 128, WIRE_PLANNER_TRIAGE },
		{ NULL, 1, WIRE_PLANNER_TRIAGE },
		{ NULL, 128, WIRE_WORKLOAD_MAX },
	};
	size_t before = open_fds();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct vm_launch l = planner(60);
		struct err err = { 0 };
		struct vm_procs v;

		if (rows[i].libexec)
			l.libexec = rows[i].libexec;
		l.spec.memory_mib = rows[i].memory_mib;
		l.workload = rows[i].workload;
		assert_true(vm_launch(&l, &v, &err) < 0);
		assert_true(err.msg[0] != 0);
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
		assert_int_equal(open_fds(), before);
	}
}

static void ends_itself(void **)
{
	struct vm_launch l = planner(1);
	struct vm_procs v;
	struct err err = { 0 };
	struct pollfd p;
	int status;

	if (vm_launch(&l, &v, &err) < 0)
		fail_msg("%s", err.msg);
	p = (struct pollfd){ .fd = v.vmm_pidfd, .events = POLLIN };
	assert_int_equal(poll(&p, 1, GONE_MS), 1);
	assert_int_equal(waitpid(v.vmm, &status, 0), v.vmm);
	assert_int_equal(status, VM_EXIT_DEADLINE << 8);
	vm_end(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failure_leaves_nothing),
		cmocka_unit_test(answers_and_ends),
		cmocka_unit_test(ends_itself),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
