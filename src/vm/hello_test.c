/*
 * hello_test: what a porter is told when its VM starts. Scripts stand in for
 * the two programs; the porter's keeps what it hears.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/str.h"
#include "vm/launch.h"

enum { TRIES = 1000, PATH_BYTES = 128 };

static char dir[] = "/tmp/bhXXXXXX";
static int some_fd;

static const char *path(const char *name)
{
	static char p[PATH_BYTES];

	assert_true(str_printf(p, sizeof(p), "%s/%s", dir, name) > 0);
	return p;
}

static void script(const char *name, const char *text)
{
	CLEAN_FD int fd =
		open(path(name), O_CREAT | O_WRONLY | O_CLOEXEC, 0700);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, span_str(text)), 0);
}

static int setup(void **)
{
	assert_non_null(mkdtemp(dir));
	script("bulkhead-vmm", "#!/bin/sh\nexec sleep 60\n");
	script("bulkhead-porter",
	       "#!/bin/sh\n"
	       "dd bs=4096 count=1 <&3 >\"${0%/*}/new\" 2>/dev/null\n"
	       "mv \"${0%/*}/new\" \"${0%/*}/hello\"\n"
	       "exec sleep 60\n");
	some_fd = memfd_sealed("x", SPAN_LIT("x"));
	return some_fd < 0 ? -1 : 0;
}

static int teardown(void **)
{
	(void)unlink(path("bulkhead-vmm"));
	(void)unlink(path("bulkhead-porter"));
	(void)close(some_fd);
	return rmdir(dir);
}

/* The words of its hello. */
static void hello(struct vm_launch l, struct buf *ret)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000000L };
	struct vm_images images = { .kernel_fd = some_fd, .qemu_fd = -1 };
	uint8_t raw[4096];
	struct vm_procs v;
	struct err err = { 0 };
	struct msg m;
	const char *why;
	int fd = -1;
	ssize_t n;
	int i;

	images.initrd_fd[WIRE_READER_EMAIL] = some_fd;
	l.images = &images;
	l.libexec = dir;
	assert_int_equal(vm_launch(&l, &v, &err), 0);
	for (i = 0; i < TRIES && fd < 0; i++) {
		(void)nanosleep(&pause, NULL);
		fd = open(path("hello"), O_RDONLY | O_CLOEXEC);
	}
	assert_true(fd >= 0);
	n = fd_read_all(fd, raw, sizeof(raw));
	assert_true(n > 0);
	assert_int_equal(msg_decode(span_of(raw, (size_t)n), &m, &why), 0);
	assert_int_equal(m.type, MSG_HELLO);
	buf_span(ret, m.hello.arg);
	(void)close(fd);
	(void)unlink(path("hello"));
	vm_end(&v);
}

/* A build has the time that its load allows; a VM for work does not wait for
 * longer than a boot can take. */
static void handshakes(void **)
{
	static const struct {
		enum vm_start start;
		uint64_t deadline_ms;
		const char *words;
	} rows[] = {
		{ VM_COLD, 10000, "deadline_ms=10000 handshake_ms=10000 " },
		{ VM_COLD, 60000, "deadline_ms=60000 handshake_ms=30000 " },
		{ VM_CLONE, 60000, "deadline_ms=60000 handshake_ms=30000 " },
		{ VM_TEMPLATE, 60000, "deadline_ms=60000 handshake_ms=60000 " },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct vm_launch l = {
			.spec = { .backend = VM_QEMU_TCG,
				  .start = rows[i].start,
				  .memory_mib = 64,
				  .cpus = 1,
				  .deadline_s = 60 },
			.workload = WIRE_READER_EMAIL,
			.name = "vm-1",
			.console_fd = -1,
			.memory_fd = some_fd,
			.saved_fd = some_fd,
			.deadline_ms = rows[i].deadline_ms,
		};
		CLEAN_BUF struct buf b;

		buf_init(&b, 4096);
		hello(l, &b);
		if (!strstr(buf_cstr(&b), rows[i].words))
			fail_msg("%zu: %s", i, buf_cstr(&b));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(handshakes),
	};

	return cmocka_run_group_tests_name("vm/hello", tests, setup, teardown);
}
