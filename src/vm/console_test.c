/* Tests of console: a file and its bound, whatever the machine writes. */
#include "vm/console.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"

static const char mark[] = "\n[bulkhead: the console is cut here]\n";

static off_t size_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_size;
}

/* Writes n bytes as QEMU does, which does not wait; what it got rid of. */
static size_t machine_writes(struct console *c, size_t n)
{
	static const char chunk[1000] = "";
	size_t done = 0;

	while (done < n) {
		size_t want =
			n - done < sizeof(chunk) ? n - done : sizeof(chunk);
		ssize_t r = write(c->write, chunk, want);

		if (r < 0 && errno == EPIPE)
			break;
		if (r < 0)
			assert_int_equal(errno, EAGAIN);
		else
			done += (size_t)r;
		console_copy(c, false);
	}
	return done;
}

/* Goal: at the bound and one below nothing is cut; one above it is, says so,
 * and the pipe is closed, so that nobody works for an endless guest. */
static void test_bound(void **)
{
	static const size_t sizes[] = { 0,
					1,
					CONSOLE_MAX - 1,
					CONSOLE_MAX,
					CONSOLE_MAX + 1,
					(size_t)2 * CONSOLE_MAX };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		int file = memfd_create("console", MFD_CLOEXEC);
		bool over = sizes[i] > CONSOLE_MAX;
		struct console c;
		char tail[sizeof(mark)] = "";

		assert_int_equal(console_open(&c, file), 0);
		assert_int_equal(fd_nonblock(c.write, true), 0);
		(void)machine_writes(&c, sizes[i]);
		console_copy(&c, true);
		assert_int_equal(c.read < 0, over);
		assert_int_equal(size_of(file),
				 over ? CONSOLE_MAX + sizeof(mark) - 1
				      : sizes[i]);
		if (over) {
			assert_int_equal(fd_pread_all(file, tail,
						      sizeof(mark) - 1,
						      CONSOLE_MAX),
					 sizeof(mark) - 1);
			assert_string_equal(tail, mark);
		}
		console_done(&c);
	}
}

/* Goal: the machine's end is noticed, and what it said last is in the file. */
static void test_end(void **)
{
	int file = memfd_create("console", MFD_CLOEXEC);
	struct console c;

	assert_int_equal(console_open(&c, file), 0);
	assert_int_equal(write(c.write, "last words", 10), 10);
	console_started(&c);
	assert_int_equal(c.write, -1);
	console_copy(&c, true);
	assert_int_equal(c.read, -1);
	assert_int_equal(size_of(file), 10);
	console_done(&c);
}

static void test_none(void **)
{
	struct console c;

	console_init(&c);
	console_copy(&c, true);
	console_started(&c);
	console_done(&c);
	assert_int_equal(c.file, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_none),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
