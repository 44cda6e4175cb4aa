/*
 * closure_test: the closure of QEMU against what the loader itself would load,
 * damaged files, the limits of the table.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/span.h"
#include "base/str.h"
#include "host/vmm/qemu.h"

static struct closure c;

static bool holds(const char *name)
{
	size_t i;

	for (i = 0; i < c.n; i++) {
		const char *base = strrchr(c.files[i].dst, '/');

		if (base && strcmp(base + 1, name) == 0)
			return true;
	}
	return false;
}

/* The loader lists "name => path" or "path" for each library. */
static void same_as_loader(const char *program)
{
	char cmd[512], line[512];
	size_t libs = 0;
	FILE *f;

	(void)str_printf(cmd, sizeof(cmd),
			 "/lib64/ld-linux-x86-64.so.2 --list %s", program);
	f = popen(cmd, "r"); /* NOLINT(cert-env33-c): a fixed command */
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		const char *name = line + strspn(line, " \t");
		char base[256];
		const char *slash;

		(void)str_copy(base, sizeof(base),
			       span_of(name, strcspn(name, " \n")));
		if (strncmp(base, "linux-vdso", 10) == 0)
			continue;
		slash = strrchr(base, '/');
		if (!holds(slash ? slash + 1 : base))
			fail_msg("%s is not in the closure", base);
		libs++;
	}
	assert_int_equal(pclose(f), 0);
	/* The program and nothing else beside its libraries. */
	assert_int_equal(c.n, libs + 1);
}

static void libraries(void **)
{
	static const char *const programs[] = {
		"/usr/bin/qemu-system-x86_64",
		"/usr/bin/qemu-system-x86_64-microvm",
		"/bin/sh",
	};
	struct err err = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(programs); i++) {
		c.n = 0;
		assert_int_equal(closure_add_elf(&c, programs[i], &err), 0);
		same_as_loader(programs[i]);
	}
}

static void qemu(void **)
{
	struct vm_spec spec = { .backend = VM_QEMU_TCG };
	struct err err = { 0 };
	uint64_t start = now_us();

	assert_int_equal(qemu_files(&spec, &c, &err), 0);
	print_message("%zu files found in %llu us\n", c.n,
		      (unsigned long long)(now_us() - start));
	assert_true(holds("accel-tcg-x86_64.so"));
	assert_true(holds("qboot.rom"));
	assert_true(holds("ld-linux-x86-64.so.2"));
	assert_false(holds("sh"));
	/* Our own is no file at all. */
	spec.own_qemu = true;
	assert_int_equal(qemu_files(&spec, &c, &err), 0);
	assert_int_equal(c.n, 2);
	assert_true(holds("qboot.rom") && holds("linuxboot_dma.bin"));
}

static void table_is_full(void **)
{
	struct err err = { 0 };
	size_t i;

	c.n = 0;
	for (i = 0; i < CLOSURE_FILES; i++)
		assert_int_equal(closure_add(&c, "/a", "/a", &err), 0);
	assert_int_equal(closure_add(&c, "/a", "/a", &err), -ENOSPC);
	assert_int_equal(closure_add_elf(&c, "/bin/sh", &err), -ENOSPC);
}

static void paths(void **)
{
	char path[CLOSURE_PATH + 1];
	struct err err = { 0 };

	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[CLOSURE_PATH - 1] = 0;
	c.n = 0;
	assert_int_equal(closure_add(&c, path, path, &err), 0);
	path[CLOSURE_PATH - 1] = 'a';
	path[CLOSURE_PATH] = 0;
	assert_int_equal(closure_add(&c, path, "/b", &err), -ENAMETOOLONG);
	assert_int_equal(closure_add_elf(&c, "/nonexistent", &err), -ENOENT);
	assert_non_null(strstr(err.msg, "/nonexistent"));
}

/* A library cut anywhere, or with any byte of its head changed, is an error
 * or a closure, never a crash. */
static void damaged(void **)
{
	static uint8_t lib[64 << 10];
	char path[] = "/tmp/bulkhead-closure-XXXXXX";
	CLEAN_FD int src = open("/bin/true", O_RDONLY | O_CLOEXEC);
	CLEAN_FD int fd = mkstemp(path);
	ssize_t n = fd_read_all(src, lib, sizeof(lib));
	struct err err = { 0 };
	size_t i;

	assert_true(n > 4096 && fd >= 0);
	for (i = 0; i < (size_t)n; i += i < 1024 ? 1 : 512) {
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
		assert_int_equal(fd_write_all(fd, span_of(lib, i)), 0);
		c.n = 0;
		(void)closure_add_elf(&c, path, &err);
		if (i < 64)
			assert_int_equal(err.code, -ENOEXEC);
	}
	for (i = 0; i < 1024; i++) {
		uint8_t keep = lib[i];

		lib[i] = 0xff;
		assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
		assert_int_equal(fd_write_all(fd, span_of(lib, (size_t)n)), 0);
		lib[i] = keep;
		c.n = 0;
		(void)closure_add_elf(&c, path, &err);
	}
	(void)unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(libraries),	 cmocka_unit_test(qemu),
		cmocka_unit_test(table_is_full), cmocka_unit_test(paths),
		cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
