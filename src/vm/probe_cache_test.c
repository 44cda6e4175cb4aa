/* probe_cache_test: kept, found again, and never believed when damaged. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "vm/probe_cache.h"
#include "vm/tsc.h"

static const char key[] =
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
static const char other[] =
	"ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

static char path[64];
static int dir;

static int setup(void **)
{
	(void)snprintf(path, sizeof(path), "/tmp/bulkhead-probe-XXXXXX");
	if (!mkdtemp(path))
		return -1;
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0 ? -1 : 0;
}

static int teardown(void **)
{
	(void)unlinkat(dir, "probe", 0);
	(void)unlinkat(dir, "probe.new", 0);
	fd_close(&dir);
	return rmdir(path);
}

static void put(struct span s)
{
	CLEAN_FD int fd = openat(
		dir, "probe", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_equal(fd_write_all(fd, s), 0);
}

static void kept(void **)
{
	const struct vm_probe p = { VM_QEMU_TCG, 1, 571, "emulation" };
	struct vm_probe got;

	assert_true(probe_cache_load(dir, key, &got) < 0);
	assert_int_equal(probe_cache_save(dir, key, &p), 0);
	assert_int_equal(probe_cache_load(dir, key, &got), 0);
	assert_int_equal(got.backend, VM_QEMU_TCG);
	assert_int_equal(got.boot_ms, 571);
	assert_string_equal(got.why, "emulation");
	assert_true(probe_cache_load(dir, other, &got) < 0);
	assert_true(faccessat(dir, "probe.new", F_OK, 0) < 0);
}

static void damaged(void **)
{
	const struct vm_probe p = { VM_QEMU_KVM, 1, 99, "hardware" };
	struct vm_probe got;
	char text[1024];
	ssize_t n;
	size_t i;
	int fd;

	assert_int_equal(probe_cache_save(dir, key, &p), 0);
	fd = openat(dir, "probe", O_RDONLY | O_CLOEXEC);
	n = fd_read_all(fd, text, sizeof(text));
	assert_true(n > 0);
	fd_close(&fd);
	for (i = 0; i < (size_t)n; i++) {
		put(span_of(text, i));
		assert_true(probe_cache_load(dir, key, &got) < 0);
	}
	text[n] = 'x';
	put(span_of(text, (size_t)n + 1));
	assert_true(probe_cache_load(dir, key, &got) < 0);
	text[n - 2] = 0x1b;
	put(span_of(text, (size_t)n));
	assert_true(probe_cache_load(dir, key, &got) < 0);
	memset(text, 'y', sizeof(text));
	put(span_of(text, sizeof(text)));
	assert_true(probe_cache_load(dir, key, &got) < 0);
	assert_int_equal(probe_cache_save(dir, key, &p), 0);
	assert_int_equal(probe_cache_load(dir, key, &got), 0);
}

/* The same counter gives the same rate, to a thousandth. */
static void tsc_rate(void **)
{
	uint32_t a = vm_tsc_khz();
	uint32_t b = vm_tsc_khz();

	assert_true(a > 100000);
	assert_in_range(b, a - a / 1000, a + a / 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(kept, setup, teardown),
		cmocka_unit_test_setup_teardown(damaged, setup, teardown),
		cmocka_unit_test(tsc_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
