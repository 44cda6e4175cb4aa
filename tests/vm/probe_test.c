/*
 * probe_test: goal of this test: the probe boots a real guest in its jail, as
 * root and rootless, remembers the answer, and probes again when what it
 * remembers is damaged. Needs the kernel and the probe image in
 * $BULKHEAD_IMAGES and bulkhead-vmm in $BULKHEAD_BUILD; "probe_test N" prints
 * the median time of N boots under emulation instead.
 */
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/str.h"
#include "vm/launch.h"

enum { OTHER_UID = 4242, BOOTS_MAX = 100 };

static char libexec[64], state[64];
static struct vm_images images;
static int state_fd;

/* bulkhead-vmm where any uid can run it. */
static int copy_vmm(void)
{
	const char *build = getenv("BULKHEAD_BUILD");
	char path[4096];
	CLEAN_FD int src = -1;
	CLEAN_FD int dst = -1;
	uint8_t chunk[4096];
	ssize_t n;

	(void)str_printf(path, sizeof(path), "%s/bulkhead-vmm",
			 build ? build : ".");
	src = open(path, O_RDONLY | O_CLOEXEC);
	(void)str_printf(path, sizeof(path), "%s/bulkhead-vmm", libexec);
	dst = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	while ((n = fd_read_all(src, chunk, sizeof(chunk))) > 0)
		if (fd_write_all(dst, span_of(chunk, (size_t)n)) < 0)
			return -1;
	return n < 0 || fchmod(dst, 0755) < 0 ? -1 : 0;
}

static int setup(void **)
{
	const char *dir = getenv("BULKHEAD_IMAGES");
	struct err err = { 0 };

	(void)str_printf(libexec, sizeof(libexec), "/tmp/bulkhead-exec-XXXXXX");
	(void)str_printf(state, sizeof(state), "/tmp/bulkhead-state-XXXXXX");
	if (vm_images_load(dir ? dir : "build/images", &images, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.msg);
		return -1;
	}
	if (!mkdtemp(libexec) || !mkdtemp(state) || chmod(libexec, 0755) < 0 ||
	    chmod(state, 0777) < 0 || copy_vmm() < 0)
		return -1;
	state_fd = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return state_fd < 0 ? -1 : 0;
}

static int teardown(void **)
{
	char path[128];

	vm_images_done(&images);
	(void)unlinkat(state_fd, "probe", 0);
	(void)str_printf(path, sizeof(path), "%s/bulkhead-vmm", libexec);
	(void)unlink(path);
	(void)rmdir(libexec);
	return rmdir(state);
}

static struct vm_probe probe(enum vm_backend want, uint64_t *ms)
{
	struct err err = { 0 };
	struct vm_probe p = { 0 };
	uint64_t start = now_ms();

	if (vm_probe(libexec, state_fd, &images, want, &p, &err) < 0)
		fail_msg("%s", err.msg);
	*ms = now_ms() - start;
	return p;
}

static void finds_a_backend(void **)
{
	uint64_t first, second, third;
	struct vm_probe p = probe(VM_AUTO, &first);
	CLEAN_FD int fd = -1;

	print_message("%s after %u ms: %s\n", vm_backend_name(p.backend),
		      p.boot_ms, p.why);
	assert_true(p.backend == VM_QEMU_KVM || p.backend == VM_QEMU_TCG);
	assert_true(p.tsc_khz > 0 && p.boot_ms > 0 && p.why[0]);
	assert_true(first < 30000);
	/* Remembered: no guest boots, which takes longer than this. */
	assert_int_equal(probe(VM_AUTO, &second).boot_ms, p.boot_ms);
	assert_true(second < p.boot_ms);
	fd = openat(state_fd, "probe", O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, SPAN_LIT("nonsense\n")), 0);
	assert_int_equal(probe(VM_AUTO, &third).backend, p.backend);
	assert_true(third > second);
}

static void emulation_as_configured(void **)
{
	uint64_t ms;
	struct vm_probe p = probe(VM_QEMU_TCG, &ms);

	assert_int_equal(p.backend, VM_QEMU_TCG);
	assert_non_null(strstr(p.why, "as configured"));
}

/* In a process of its own: it does not come back from being unprivileged. */
static void rootless(void **)
{
	pid_t pid;
	int status;

	if (geteuid() != 0)
		skip();
	(void)unlinkat(state_fd, "probe", 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct vm_probe p;
		struct err err = { 0 };

		if (setgroups(0, NULL) < 0 ||
		    setresgid(OTHER_UID, OTHER_UID, OTHER_UID) < 0 ||
		    setresuid(OTHER_UID, OTHER_UID, OTHER_UID) < 0)
			_exit(99);
		if (vm_probe(libexec, state_fd, &images, VM_AUTO, &p, &err) <
		    0) {
			(void)fprintf(stderr, "%s\n", err.msg);
			_exit(1);
		}
		(void)fprintf(stderr, "%s after %u ms: %s\n",
			      vm_backend_name(p.backend), p.boot_ms, p.why);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Words that are no kernel: refused in time, with words for the owner. */
static void no_guest_runs(void **)
{
	struct vm_images bad = images;
	struct err err = { 0 };
	struct vm_probe p;
	uint64_t start = now_ms();

	bad.kernel_fd = memfd_sealed("bad", SPAN_LIT("this is no kernel"));
	assert_true(bad.kernel_fd >= 0);
	assert_true(vm_probe(libexec, state_fd, &bad, VM_AUTO, &p, &err) < 0);
	assert_true(now_ms() - start < 30000);
	assert_non_null(strstr(err.msg, "no virtual machine runs here"));
	assert_non_null(strstr(err.msg, "bulkhead doctor"));
	fd_close(&bad.kernel_fd);
}

static int by_size(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int measure(uint64_t n)
{
	uint32_t ms[BOOTS_MAX];
	uint64_t i, took;

	if (setup(NULL) < 0)
		return 1;
	for (i = 0; i < n; i++) {
		(void)unlinkat(state_fd, "probe", 0);
		ms[i] = probe(VM_QEMU_TCG, &took).boot_ms;
	}
	qsort(ms, n, sizeof(ms[0]), by_size);
	printf("%llu boots, exec to authenticated answer: median %u ms, "
	       "%u to %u\n",
	       (unsigned long long)n, ms[n / 2], ms[0], ms[n - 1]);
	return teardown(NULL) < 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_a_backend),
		cmocka_unit_test(emulation_as_configured),
		cmocka_unit_test(rootless),
		cmocka_unit_test(no_guest_runs),
	};
	uint64_t n;

	if (argc == 2 && num_parse(span_str(argv[1]), 1, BOOTS_MAX, &n) == 0)
		return measure(n);
	return cmocka_run_group_tests(tests, setup, teardown);
}
