/*
 * images_test: what vm_images_load takes and what it refuses, each with a
 * message that names the file and says what to do.
 */
#include <errno.h>
#include <fcntl.h>
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
#include "base/sha256.h"
#include "base/str.h"
#include "vm/launch.h"

static const char *const files[] = { "kernel",
				     "reader-email.cpio",
				     "planner-triage.cpio",
				     "planner-gullible.cpio",
				     "planner-llm.cpio",
				     "planner-local.cpio",
				     "kernel-blk",
				     "probe.cpio",
				     "qemu" };

struct dir {
	char path[64];
	int fd;
};

static void put(const struct dir *d, const char *name, const char *text)
{
	CLEAN_FD int fd = openat(
		d->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, span_str(text)), 0);
}

/* A whole directory; the content of each file is its name. */
static void put_all(const struct dir *d)
{
	char sums[1024] = "";
	size_t n = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		uint8_t sum[SHA256_LEN];
		char hex[2 * SHA256_LEN + 1];
		struct sha256 s;

		put(d, files[i], files[i]);
		sha256_init(&s);
		sha256_add(&s, span_str(files[i]));
		sha256_final(&s, sum);
		hex_encode(hex, sum, sizeof(sum));
		n += (size_t)str_printf(sums + n, sizeof(sums) - n, "%s  %s\n",
					hex, files[i]);
	}
	put(d, "SHA256SUMS", sums);
}

static int setup(void **state)
{
	struct dir *d = calloc(1, sizeof(*d));

	assert_non_null(d);
	(void)str_copy(d->path, sizeof(d->path),
		       SPAN_LIT("/tmp/bulkhead-images-XXXXXX"));
	assert_non_null(mkdtemp(d->path));
	d->fd = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put_all(d);
	*state = d;
	return 0;
}

static int teardown(void **state)
{
	struct dir *d = *state;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++)
		(void)unlinkat(d->fd, files[i], 0);
	(void)unlinkat(d->fd, "SHA256SUMS", 0);
	(void)rmdir(d->path);
	fd_close(&d->fd);
	free(d);
	return 0;
}

static void refused(const struct dir *d, const char *named)
{
	struct vm_images im;
	struct err err = { 0 };

	assert_true(vm_images_load(d->path, &im, &err) < 0);
	assert_non_null(strstr(err.msg, named));
	assert_non_null(strstr(err.msg, "run 'make images'"));
	assert_int_equal(im.kernel_fd, -1);
	assert_int_equal(im.initrd_fd[WIRE_PROBE], -1);
	assert_int_equal(im.qemu_fd, -1);
}

static void whole_directory(void **state)
{
	const struct dir *d = *state;
	struct vm_images im;
	struct err err = { 0 };
	char text[64] = "";

	assert_int_equal(vm_images_load(d->path, &im, &err), 0);
	assert_int_equal(memfd_sealed_size(im.kernel_fd, 100), 6);
	assert_int_equal(fd_pread_all(im.initrd_fd[WIRE_PROBE], text, 10, 0),
			 10);
	assert_string_equal(text, "probe.cpio");
	assert_true(im.initrd_fd[WIRE_READER_EMAIL] >= 0);
	assert_int_equal(im.initrd_fd[0], -1);
	assert_true(im.initrd_fd[WIRE_PLANNER_LOCAL] >= 0);
	assert_int_equal(memfd_sealed_size(im.blk_kernel_fd, 100), 10);
	assert_int_equal(memfd_sealed_size(im.qemu_fd, 100), 4);
	vm_images_done(&im);
	assert_int_equal(im.kernel_fd, -1);
	assert_int_equal(im.qemu_fd, -1);
}

/* A folder without it is whole: the host's is run. */
static void no_qemu(void **state)
{
	const struct dir *d = *state;
	struct vm_images im;
	struct err err = { 0 };
	char sums[1024];
	CLEAN_FD int fd = openat(d->fd, "SHA256SUMS", O_RDWR | O_CLOEXEC);
	ssize_t n = fd_read_all(fd, sums, sizeof(sums) - 1);

	assert_true(n > 0);
	sums[n] = 0;
	n = strstr(sums, "probe.cpio\n") + strlen("probe.cpio\n") - sums;
	assert_int_equal(ftruncate(fd, n), 0);
	assert_int_equal(vm_images_load(d->path, &im, &err), 0);
	assert_int_equal(im.qemu_fd, -1);
	vm_images_done(&im);
}

/* Nor does one lack anything without the planner `local`; its image without its
 * kernel is not whole. */
static void no_local(void **state)
{
	const struct dir *d = *state;
	struct vm_images im;
	struct err err = { 0 };
	char sums[2048];
	CLEAN_FD int fd = openat(d->fd, "SHA256SUMS", O_RDWR | O_CLOEXEC);
	ssize_t n = fd_read_all(fd, sums, sizeof(sums) - 1);

	assert_true(n > 0);
	sums[n] = 0;
	memcpy(strstr(sums, "kernel-blk"), "kernel-xxx", 10);
	put(d, "SHA256SUMS", sums);
	refused(d, "kernel-blk");
	memcpy(strstr(sums, "planner-local"), "planner-xxxxx", 13);
	put(d, "SHA256SUMS", sums);
	assert_int_equal(vm_images_load(d->path, &im, &err), 0);
	assert_int_equal(im.initrd_fd[WIRE_PLANNER_LOCAL], -1);
	assert_int_equal(im.blk_kernel_fd, -1);
	vm_images_done(&im);
}

/* What is sealed can be run, and is what was in the file. */
static void runs(void **)
{
	CLEAN_FD int file = open("/bin/true", O_RDONLY | O_CLOEXEC);
	CLEAN_FD int fd = memfd_program_from_fd("true", file, 1 << 20);
	char name[] = "true", *const argv[] = { name, NULL };
	int status;
	pid_t pid;

	assert_true(fd >= 0);
	assert_true(memfd_sealed_size(fd, 1 << 20) > 0);
	pid = fork();
	if (pid == 0) {
		(void)execveat(fd, "", argv, argv + 1, AT_EMPTY_PATH);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_int_equal(lseek(file, 0, SEEK_SET), 0);
	assert_int_equal(memfd_program_from_fd("true", file, 100), -EFBIG);
}

static void each_file_missing(void **state)
{
	const struct dir *d = *state;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		assert_int_equal(unlinkat(d->fd, files[i], 0), 0);
		refused(d, files[i]);
		put_all(d);
	}
	assert_int_equal(unlinkat(d->fd, "SHA256SUMS", 0), 0);
	refused(d, "SHA256SUMS");
}

static void each_file_changed(void **state)
{
	const struct dir *d = *state;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		put(d, files[i], "something else");
		refused(d, files[i]);
		put(d, files[i], "");
		refused(d, files[i]);
		put_all(d);
	}
}

static void sums_damaged(void **state)
{
	const struct dir *d = *state;
	char big[70000];

	put(d, "SHA256SUMS", "");
	refused(d, "kernel");
	put(d, "SHA256SUMS", "00  kernel\n");
	refused(d, "kernel");
	memset(big, 'a', sizeof(big) - 1);
	big[sizeof(big) - 1] = 0;
	put(d, "SHA256SUMS", big);
	refused(d, "SHA256SUMS");
}

static void no_directory(void **)
{
	const struct dir d = { "/nonexistent", -1 };

	refused(&d, "/nonexistent");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(whole_directory, setup,
						teardown),
		cmocka_unit_test_setup_teardown(each_file_missing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(each_file_changed, setup,
						teardown),
		cmocka_unit_test_setup_teardown(sums_damaged, setup, teardown),
		cmocka_unit_test_setup_teardown(no_qemu, setup, teardown),
		cmocka_unit_test_setup_teardown(no_local, setup, teardown),
		cmocka_unit_test(no_directory),
		cmocka_unit_test(runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
