/*
 * Tests of cgroup against a tree of ordinary files: what is found, written and
 * removed. The kernel's part is played by wrappers: a directory comes with its
 * files, and may refuse to go. cgroup_live_test.c has the real kernel.
 */
#include "vm/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/str.h"

static char top[] = "/tmp/cgroup_test.XXXXXX";
static const char *const *files; /* of each new group */
static int busy;		 /* so many removals are refused */
static int full;		 /* so many subtree_control are refused */
static int made;		 /* supervisor groups */

int __real_mkdirat(int at, const char *name, mode_t mode);
int __wrap_mkdirat(int at, const char *name, mode_t mode);
int __real_unlinkat(int at, const char *name, int flags);
int __wrap_unlinkat(int at, const char *name, int flags);
int __real_fd_write_all(int fd, struct span s);
int __wrap_fd_write_all(int fd, struct span s);

static void put_file(int dir, const char *name, const char *text)
{
	CLEAN_FD int fd = openat(dir, name, O_CREAT | O_WRONLY | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(__real_fd_write_all(fd, span_str(text)), 0);
}

int __wrap_mkdirat(int at, const char *name, mode_t mode)
{
	CLEAN_FD int dir = -1;
	size_t i;
	int r = __real_mkdirat(at, name, mode);

	if (r < 0)
		return r;
	made += strcmp(name, "supervisor") == 0;
	dir = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (i = 0; files[i]; i++)
		put_file(dir, files[i], "");
	return 0;
}

/* A group goes with its files, but not with groups in it. */
int __wrap_unlinkat(int at, const char *name, int flags)
{
	CLEAN_FD int dir = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	size_t i;

	assert_int_equal(flags, AT_REMOVEDIR);
	if (dir >= 0 && busy > 0) {
		busy--;
		errno = EBUSY;
		return -1;
	}
	if (dir >= 0 && fstat(dir, &st) == 0 && st.st_nlink > 2) {
		errno = EBUSY;
		return -1;
	}
	for (i = 0; dir >= 0 && files[i]; i++)
		(void)__real_unlinkat(dir, files[i], 0);
	return __real_unlinkat(at, name, flags);
}

int __wrap_fd_write_all(int fd, struct span s)
{
	char link[64], path[4096] = "";

	(void)str_printf(link, sizeof(link), "/proc/self/fd/%d", fd);
	assert_true(readlink(link, path, sizeof(path) - 1) > 0);
	if (strstr(path, "cgroup.subtree_control") && full > 0) {
		full--;
		return -EBUSY;
	}
	return __real_fd_write_all(fd, s);
}

static const char *const v2_files[] = { "cgroup.procs",
					"cgroup.controllers",
					"cgroup.subtree_control",
					"cgroup.kill",
					"memory.max",
					"memory.swap.max",
					"pids.max",
					"cpu.max",
					"cpu.weight",
					NULL };

static const char *const v1_files[] = { "cgroup.procs", "memory.limit_in_bytes",
					"pids.max",	"cpu.cfs_quota_us",
					"cpu.shares",	NULL };

static const struct cgroup_limits limits = {
	.memory = 1000, .pids = 7, .cpu_percent = 150, .weight = 50
};

static const char *in_top(const char *name)
{
	static char path[4096];

	assert_true(str_printf(path, sizeof(path), "%s/%s", top, name) > 0);
	return path;
}

static void put(const char *name, const char *text)
{
	put_file(AT_FDCWD, in_top(name), text);
}

static const char *get(const char *name)
{
	static char text[4096];
	CLEAN_FD int fd = open(in_top(name), O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : fd_read_all(fd, text, sizeof(text) - 1);

	if (n < 0)
		return "none";
	text[n] = 0;
	return text;
}

static bool there(const char *name)
{
	return access(in_top(name), F_OK) == 0;
}

static void group(const char *name)
{
	assert_int_equal(mkdirat(AT_FDCWD, in_top(name), 0755), 0);
}

static int rm(const char *path, const struct stat *, int, struct FTW *)
{
	return remove(path);
}

/* A tree of version 2 in which user/scope is ours, one of version 1 whose cpu
 * has another controller in its mount. */
static int setup(void **)
{
	(void)str_copy(top, sizeof(top), SPAN_LIT("/tmp/cgroup_test.XXXXXX"));
	if (!mkdtemp(top))
		return -1;
	busy = full = made = 0;
	files = v2_files;
	group("two");
	group("two/user");
	group("two/user/scope");
	put("two/user/scope/cgroup.controllers", "cpuset cpu memory pids\n");
	files = v1_files;
	group("memory");
	group("memory/a");
	group("pids");
	group("cpu");
	return 0;
}

static int teardown(void **)
{
	return nftw(top, rm, 16, FTW_DEPTH | FTW_PHYS);
}

/* %s in mounts is the top. */
static void find(struct cgroups *g, const char *own, const char *mounts)
{
	char own_path[4096], mounts_path[4096], text[8192] = "";
	const char *at;
	size_t n = 0;

	for (at = mounts; *at && n < sizeof(text) - sizeof(top); at++) {
		if (at[0] == '@')
			n += (size_t)str_printf(text + n, sizeof(text) - n,
						"%s", top);
		else
			text[n++] = *at;
	}
	text[n] = 0;
	put("own", own);
	put("mounts", text);
	(void)str_copy(own_path, sizeof(own_path), span_str(in_top("own")));
	(void)str_copy(mounts_path, sizeof(mounts_path),
		       span_str(in_top("mounts")));
	cgroups_find(g, &(const struct cgroup_source){ own_path, mounts_path });
}

#define MOUNT_2	  "38 31 0:31 / @/two rw,relatime - cgroup2 cgroup2 rw\n"
#define MOUNT_MEM "35 31 0:32 / @/memory rw - cgroup cgroup rw,memory\n"
#define MOUNT_CPU "32 31 0:29 / @/cpu rw shared:9 - cgroup x rw,cpuacct,cpu\n"
#define MOUNT_PID "39 31 0:36 / @/pids rw - cgroup cgroup rw,pids\n"
#define OWN_1	  "8:pids:/\n4:memory:/a\n1:cpu,cpuacct:/\n"

static const struct {
	const char *own, *mounts;
	enum cgroup_kind kind;
	const char *why;
} finds[] = {
	{ "0::/user/scope\n", MOUNT_2, CGROUP_V2,
	  "cgroup v2: memory, pids, cpu" },
	{ "0::/user/scope/supervisor\n", MOUNT_2, CGROUP_V2,
	  "cgroup v2: memory, pids, cpu" },
	/* a container whose tree begins at the host's /user */
	{ "0::/user/scope\n",
	  "1 2 0:3 /user @/two/user rw - cgroup2 cgroup2 rw\n", CGROUP_V2,
	  "cgroup v2: memory, pids, cpu" },
	{ "0::/user/scope\n",
	  "1 2 0:3 /use @/two/user rw - cgroup2 cgroup2 rw\n", CGROUP_NONE,
	  "no cgroup hierarchy with memory, pids or cpu is mounted; VMs have "
	  "resource limits only (no bound on their memory as a whole)" },
	{ "0::/user/../user/scope\n", MOUNT_2, CGROUP_NONE, NULL },
	/* no controllers: hybrid, where version 1 has them */
	{ "0::/user\n" OWN_1, MOUNT_2 MOUNT_MEM MOUNT_CPU MOUNT_PID, CGROUP_V1,
	  "cgroup v1: memory, pids, cpu" },
	{ OWN_1, MOUNT_PID, CGROUP_V1, "cgroup v1: pids" },
	{ "4:memory:/b\n", MOUNT_MEM, CGROUP_NONE,
	  "our cgroups (v1) are not ours to write; VMs have resource limits "
	  "only (no bound on their memory as a whole)" },
	{ "0::/nowhere\n", MOUNT_2, CGROUP_NONE, NULL },
	{ "", "", CGROUP_NONE, NULL },
	{ "x", "x\ny - \n - cgroup2\n", CGROUP_NONE, NULL },
};

static void test_find(void **)
{
	struct cgroups g;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(finds); i++) {
		find(&g, finds[i].own, finds[i].mounts);
		assert_int_equal(g.kind, finds[i].kind);
		if (finds[i].why)
			assert_string_equal(g.why, finds[i].why);
	}
}

/* Goal: a tree that may be read and not written is none. */
static void test_not_delegated(void **)
{
	struct cgroups g;

	assert_int_equal(
		__real_unlinkat(AT_FDCWD,
				in_top("two/user/scope/cgroup.subtree_control"),
				0),
		0);
	find(&g, "0::/user/scope\n", MOUNT_2);
	assert_int_equal(g.kind, CGROUP_NONE);
	assert_non_null(strstr(g.why, "not delegated to us"));
}

static void test_v2_machine(void **)
{
	struct err err = { 0 };
	int fds[CGROUP_TREES];
	struct cgroups g;

	files = v2_files;
	find(&g, "0::/user/scope\n", MOUNT_2);
	cgroups_start(&g, "r1");
	assert_int_equal(g.kind, CGROUP_V2);
	assert_int_equal(made, 0);
	assert_string_equal(get("two/user/scope/bulkhead-r1/"
				"cgroup.subtree_control"),
			    "+memory +pids +cpu");
	assert_int_equal(cgroup_make(&g, "vm-1", &limits, fds, &err), 1);
	assert_int_equal(write(fds[0], "0", 1), 1);
	fd_close(&fds[0]);
#define VM "two/user/scope/bulkhead-r1/vm-1/"
	assert_string_equal(get(VM "cgroup.procs"), "0");
	assert_string_equal(get(VM "memory.max"), "1000");
	assert_string_equal(get(VM "memory.swap.max"), "0");
	assert_string_equal(get(VM "pids.max"), "7");
	assert_string_equal(get(VM "cpu.max"), "150000 100000");
	assert_string_equal(get(VM "cpu.weight"), "50");
	cgroup_reweigh(&g, "vm-1", 10);
	assert_string_equal(get(VM "cpu.weight"), "10");
	/* two of one name: an error, and the first one's end */
	assert_int_equal(cgroup_make(&g, "vm-1", &limits, fds, &err), -EEXIST);
	cgroup_end(&g, "vm-1");
	assert_false(there(VM));
	assert_int_equal(cgroups_stop(&g, 0), 0);
	assert_false(there("two/user/scope/bulkhead-r1"));
	assert_int_equal(cgroups_stop(&g, 0), 0);
}

static void test_v1_machine(void **)
{
	struct err err = { 0 };
	int fds[CGROUP_TREES];
	struct cgroups g;
	int i;

	find(&g, OWN_1, MOUNT_MEM MOUNT_CPU MOUNT_PID);
	cgroups_start(&g, "r1");
	assert_int_equal(g.kind, CGROUP_V1);
	assert_int_equal(cgroup_make(&g, "vm-1", &limits, fds, &err), 3);
	for (i = 0; i < 3; i++)
		fd_close(&fds[i]);
	assert_string_equal(
		get("memory/a/bulkhead-r1/vm-1/memory.limit_in_bytes"), "1000");
	assert_string_equal(get("pids/bulkhead-r1/vm-1/pids.max"), "7");
	assert_string_equal(get("cpu/bulkhead-r1/vm-1/cpu.cfs_quota_us"),
			    "150000");
	assert_string_equal(get("cpu/bulkhead-r1/vm-1/cpu.shares"), "512");
	cgroup_end(&g, "vm-1");
	assert_false(there("memory/a/bulkhead-r1/vm-1"));
	assert_false(there("pids/bulkhead-r1/vm-1"));
	assert_false(there("cpu/bulkhead-r1/vm-1"));
	assert_int_equal(cgroups_stop(&g, 0), 0);
	assert_false(there("cpu/bulkhead-r1"));
}

/* Goal: a bound that cannot be set is an error, and leaves no group; one that
 * the kernel does not know for swap is none. */
static void test_refused_bound(void **)
{
	static const char *const no_max[] = { "cgroup.procs", "cgroup.kill",
					      "memory.swap.max", NULL };
	static const char *const no_swap[] = {
		"cgroup.procs", "cgroup.kill", "memory.max", "pids.max",
		"cpu.max",	"cpu.weight",  NULL
	};
	struct err err = { 0 };
	int fds[CGROUP_TREES];
	struct cgroups g;

	files = v2_files;
	find(&g, "0::/user/scope\n", MOUNT_2);
	cgroups_start(&g, "r1");
	files = no_max;
	assert_int_equal(cgroup_make(&g, "vm-1", &limits, fds, &err), -ENOENT);
	assert_string_equal(err.msg, "vm-1: its cgroup cannot be made: No such "
				     "file or directory");
	assert_false(there(VM));
	files = no_swap;
	assert_int_equal(cgroup_make(&g, "vm-1", &limits, fds, &err), 1);
	fd_close(&fds[0]);
	cgroup_end(&g, "vm-1");
	files = v2_files;
	assert_int_equal(cgroups_stop(&g, 0), 0);
}

/* Goal: where our group holds processes, we go to the leaf with ours; and
 * where others stay, it is told and there is none. */
static void test_supervisor(void **)
{
	struct cgroups g;
	char text[64];

	files = v2_files;
	(void)str_printf(text, sizeof(text), "1\n%d\n", getpid());
	put("two/user/scope/cgroup.procs", text);
	full = 1;
	find(&g, "0::/user/scope\n", MOUNT_2);
	cgroups_start(&g, "r1");
	assert_int_equal(g.kind, CGROUP_V2);
	assert_int_equal(made, 1);
	(void)str_printf(text, sizeof(text), "%d", getpid());
	assert_string_equal(get("two/user/scope/supervisor/cgroup.procs"),
			    text);
	assert_int_equal(cgroups_stop(&g, 0), 0);
	full = 100;
	find(&g, "0::/user/scope\n", MOUNT_2);
	cgroups_start(&g, "r2");
	assert_int_equal(g.kind, CGROUP_NONE);
	assert_non_null(strstr(g.why, "other processes"));
	assert_false(there("two/user/scope/bulkhead-r2"));
}

/* Goal: what cannot be removed is tried again, and is gone then; the table of
 * those has an end, behind which cgroups_stop finds them. */
static void test_busy(void **)
{
	struct err err = { 0 };
	int fds[CGROUP_TREES];
	struct cgroups g;
	char name[CGROUP_NAME];
	int i;

	files = v2_files;
	find(&g, "0::/user/scope\n", MOUNT_2);
	cgroups_start(&g, "r1");
	for (i = 0; i < CGROUP_DYING + 1; i++) {
		(void)str_printf(name, sizeof(name), "vm-%d", i);
		assert_int_equal(cgroup_make(&g, name, &limits, fds, &err), 1);
		fd_close(&fds[0]);
		busy = CGROUP_DYING + 2;
		cgroup_end(&g, name);
		assert_int_equal(g.n_dying,
				 i < CGROUP_DYING ? i + 1 : CGROUP_DYING);
	}
	assert_string_equal(get("two/user/scope/bulkhead-r1/vm-0/cgroup.kill"),
			    "1");
	busy = 3;
	assert_int_equal(cgroups_sweep(&g), 3);
	assert_true(there("two/user/scope/bulkhead-r1/vm-0"));
	assert_int_equal(cgroups_sweep(&g), 0);
	assert_false(there("two/user/scope/bulkhead-r1/vm-0"));
	assert_true(there("two/user/scope/bulkhead-r1/vm-256"));
	busy = 2;
	assert_int_equal(cgroups_stop(&g, 1000), 0);
	assert_false(there("two/user/scope/bulkhead-r1"));
}

/* Goal: at the start groups of a dead run go, those of a living one stay. */
static void test_dead_runs(void **)
{
	CLEAN_FD int lock = -1;
	struct cgroups g;

	files = v2_files;
	group("two/user/scope/bulkhead-dead");
	group("two/user/scope/bulkhead-dead/vm-1");
	group("two/user/scope/bulkhead-live");
	group("two/user/scope/bulkhead-live/vm-1");
	group("two/user/scope/other");
	lock = open(in_top("two/user/scope/bulkhead-live"),
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	find(&g, "0::/user/scope\n", MOUNT_2);
	cgroups_start(&g, "r1");
	assert_false(there("two/user/scope/bulkhead-dead"));
	assert_true(there("two/user/scope/bulkhead-live/vm-1"));
	assert_true(there("two/user/scope/other"));
	assert_int_equal(cgroups_stop(&g, 0), 0);
}

/* Goal: without cgroups every call is harmless. */
static void test_none(void **)
{
	struct err err = { 0 };
	int fds[CGROUP_TREES];
	struct cgroups g;

	find(&g, "", "");
	cgroups_start(&g, "r1");
	assert_int_equal(cgroup_make(&g, "vm-1", &limits, fds, &err), 0);
	cgroup_end(&g, "vm-1");
	assert_int_equal(cgroups_sweep(&g), 0);
	assert_int_equal(cgroups_stop(&g, 0), 0);
}

static void test_limits_of(void **)
{
	struct vm_spec spec = { .backend = VM_QEMU_KVM,
				.memory_mib = 128,
				.cpus = 2 };
	struct cgroup_limits l, t;

	cgroup_limits_of(&spec, &l);
	assert_int_equal(l.cpu_percent, 250);
	assert_true(l.memory > UINT64_C(128) << 20);
	assert_true(l.pids > 2);
	spec.backend = VM_QEMU_TCG;
	cgroup_limits_of(&spec, &t);
	assert_true(t.memory > l.memory);
	spec.memory_mib = 65536;
	cgroup_limits_of(&spec, &t);
	assert_true(t.memory > UINT64_C(64) << 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_find, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_delegated, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_v2_machine, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_v1_machine, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_refused_bound, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_supervisor, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_busy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dead_runs, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_none, setup, teardown),
		cmocka_unit_test(test_limits_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
