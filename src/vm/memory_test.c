/* memory_test: the least of what machine and groups have left. */
#include "vm/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/span.h"
#include "base/str.h"
#include "base/testing.h"
#include "vm/cgroup.h"

static char base[] = "/tmp/bulkhead-memory-XXXXXX";

static void put(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	assert_true(str_printf(path, sizeof(path), "%s/%s", base, name) > 0);
	if (!text) {
		(void)unlink(path);
		return;
	}
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void folder(const char *name)
{
	char path[256];

	assert_true(str_printf(path, sizeof(path), "%s/%s", base, name) > 0);
	assert_int_equal(mkdir(path, 0700), 0);
}

static char meminfo[64], own[64], mounts[64];
static const struct cgroup_source from = { own, mounts };

static struct memory found(const char *group, const char *type,
			   const char *options)
{
	char line[512];
	struct memory m;

	put("own", group);
	assert_true(str_printf(line, sizeof(line),
			       "30 20 0:1 / %s/fs rw - %s cgroup %s\n", base,
			       type, options) > 0);
	put("mounts", line);
	memory_find(&m, meminfo, &from);
	return m;
}

static const char machine[] = "MemTotal: 9 kB\nMemFree:  1 kB\n"
			      "MemAvailable:   2048 kB\n";

static void machine_alone(void **)
{
	struct memory m;

	put("meminfo", machine);
	m = found("", "ext4", "rw");
	assert_string_equal(m.group, "");
	assert_int_equal(memory_left(&m), 2048 << 10);
	put("meminfo", "MemTotal: 9 kB\n");
	assert_true(memory_left(&m) == UINT64_MAX);
	put("meminfo", NULL);
	assert_true(memory_left(&m) == UINT64_MAX);
	put("meminfo", machine);
}

/* The group's own, and those above it. */
static void version_2(void **)
{
	struct memory m = found("0::/a/b\n", "cgroup2", "rw");

	assert_false(m.v1);
	assert_int_equal(memory_left(&m), 2048 << 10);
	put("fs/a/b/memory.max", "max\n");
	put("fs/a/b/memory.current", "4096\n");
	assert_int_equal(memory_left(&m), 2048 << 10);
	put("fs/a/b/memory.max", "10000\n");
	assert_int_equal(memory_left(&m), 5904);
	put("fs/a/memory.max", "9000\n");
	put("fs/a/memory.current", "8999\n");
	assert_int_equal(memory_left(&m), 1);
	put("fs/a/memory.current", "9001\n");
	assert_int_equal(memory_left(&m), 0);
	put("fs/a/memory.stat", "anon 5\ninactive_file 1001\n");
	assert_int_equal(memory_left(&m), 1000);
}

static void version_1(void **)
{
	struct memory m = found("4:memory:/a/b\n0::/\n", "cgroup", "rw,memory");

	assert_true(m.v1);
	assert_int_equal(memory_left(&m), 2048 << 10);
	put("fs/a/b/memory.limit_in_bytes", "7000\n");
	put("fs/a/b/memory.usage_in_bytes", "1000\n");
	put("fs/a/b/memory.stat", "inactive_file 7\ntotal_inactive_file 10\n");
	assert_int_equal(memory_left(&m), 6010);
}

static void here(void **)
{
	struct memory m;

	memory_find(&m, "/proc/meminfo", &cgroup_proc);
	assert_in_range(memory_left(&m), 1, UINT64_MAX - 1);
}

static int setup(void **)
{
	if (!mkdtemp(base))
		return -1;
	(void)str_printf(meminfo, sizeof(meminfo), "%s/meminfo", base);
	(void)str_printf(own, sizeof(own), "%s/own", base);
	(void)str_printf(mounts, sizeof(mounts), "%s/mounts", base);
	folder("fs");
	folder("fs/a");
	folder("fs/a/b");
	return 0;
}

static int teardown(void **)
{
	char command[128];

	(void)str_printf(command, sizeof(command), "rm -r %s", base);
	/* A path of ours, without a blank. NOLINTNEXTLINE(cert-env33-c) */
	return system(command);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(machine_alone),
		cmocka_unit_test(version_2),
		cmocka_unit_test(version_1),
		cmocka_unit_test(here),
	};

	return cmocka_run_group_tests_name("vm/memory", tests, setup, teardown);
}
