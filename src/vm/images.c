/*
 * images: the guest kernel and images as sealed memfds; see launch.h. What is
 * hashed is the sealed copy, so what was verified is what boots.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "vm/launch.h"

enum {
	SUMS_MAX = 64 << 10,
	IMAGE_MAX = 512 << 20,
	SHA256_BYTES = 32,
};

static const char advice[] = "run 'make images', or install bulkhead again";

static const char *const names[] = {
	[WIRE_READER_EMAIL] = "reader-email",
	[WIRE_PLANNER_TRIAGE] = "planner-triage",
	[WIRE_PLANNER_GULLIBLE] = "planner-gullible",
	[WIRE_PROBE] = "probe",
	[WIRE_PLANNER_LLM] = "planner-llm",
	[WIRE_PLANNER_LOCAL] = "planner-local",
};

static_assert(ARRAY_SIZE(names) == WIRE_WORKLOAD_MAX, "a name each");

const char *vm_workload_name(enum wire_workload w)
{
	return (unsigned)w < WIRE_WORKLOAD_MAX ? names[w] : NULL;
}

/* One line of sha256sum: 64 digits, two separators, the name. */
static bool line_names(struct span line, const char *name,
		       uint8_t ret[SHA256_BYTES])
{
	const size_t digits = 2ul * SHA256_BYTES;

	return line.n > digits + 2 && line.p[digits] == ' ' &&
	       (line.p[digits + 1] == ' ' || line.p[digits + 1] == '*') &&
	       span_is(span_of(line.p + digits + 2, line.n - digits - 2),
		       name) &&
	       hex_decode(ret, SHA256_BYTES, span_of(line.p, digits)) == 0;
}

static int sums_find(struct span sums, const char *name,
		     uint8_t ret[SHA256_BYTES])
{
	size_t at = 0;

	while (at < sums.n) {
		const uint8_t *nl = memchr(sums.p + at, '\n', sums.n - at);
		size_t end = nl ? (size_t)(nl - sums.p) : sums.n;

		if (line_names(span_of(sums.p + at, end - at), name, ret))
			return 0;
		at = end + 1;
	}
	return -ENOENT;
}

static int check_sum(int fd, const uint8_t want[SHA256_BYTES])
{
	ssize_t size = memfd_sealed_size(fd, IMAGE_MAX);
	uint8_t got[SHA256_BYTES];
	void *p;
	int ok;

	if (size < 0)
		return (int)size;
	if (size == 0)
		return -EBADMSG;
	p = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	ok = EVP_Digest(p, (size_t)size, got, NULL, EVP_sha256(), NULL);
	(void)munmap(p, (size_t)size);
	if (!ok)
		return -EIO;
	return memcmp(got, want, sizeof(got)) == 0 ? 0 : -EBADMSG;
}

struct source {
	const char *dir;
	int dir_fd;
	struct span sums;
};

typedef int memfd_maker(const char *name, int src, size_t max);

/* One file of the directory as a sealed, verified memfd, and its sum. */
static int load(const struct source *s, const char *name, memfd_maker *make,
		int *ret, uint8_t want[SHA256_BYTES], struct err *err)
{
	CLEAN_FD int file = -1;
	CLEAN_FD int fd = -1;
	int r;

	if (sums_find(s->sums, name, want) < 0)
		return err_set(err, -ENOENT,
			       "%s/SHA256SUMS does not list %s: %s", s->dir,
			       name, advice);
	file = openat(s->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (file < 0)
		return err_set(err, -errno, "%s/%s: %s: %s", s->dir, name,
			       strerror(errno), advice);
	fd = make(name, file, IMAGE_MAX);
	r = fd < 0 ? fd : check_sum(fd, want);
	if (r == -EBADMSG)
		return err_set(err, r,
			       "%s/%s is not the file of SHA256SUMS: %s",
			       s->dir, name, advice);
	if (r < 0)
		return err_set(err, r, "%s/%s: %s", s->dir, name, strerror(-r));
	*ret = take_fd(&fd);
	return 0;
}

/* Without it the host's is run, which is larger and starts more slowly. */
static int load_qemu(const struct source *s, struct vm_images *im,
		     struct err *err)
{
	int r;

	if (sums_find(s->sums, "qemu", im->qemu_sum) < 0)
		return 0;
	r = load(s, "qemu", memfd_program_from_fd, &im->qemu_fd, im->qemu_sum,
		 err);
	if (r != -ENOEXEC)
		return r;
	memset(im->qemu_sum, 0, sizeof(im->qemu_sum));
	*err = (struct err){ 0 };
	return 0;
}

/* The planner `local` is built where it is wanted: its image with its kernel,
 * or neither. */
static bool has_local(const struct source *s)
{
	uint8_t sum[SHA256_BYTES];

	return sums_find(s->sums, "planner-local.cpio", sum) == 0;
}

static int load_all(const struct source *s, struct vm_images *im,
		    struct err *err)
{
	char name[64];
	int r = load(s, "kernel", memfd_from_fd, &im->kernel_fd, im->kernel_sum,
		     err);
	size_t i;

	for (i = 0; r == 0 && i < ARRAY_SIZE(names); i++) {
		if (!names[i] || (i == WIRE_PLANNER_LOCAL && !has_local(s)))
			continue;
		(void)str_printf(name, sizeof(name), "%s.cpio", names[i]);
		r = load(s, name, memfd_from_fd, &im->initrd_fd[i],
			 im->initrd_sum[i], err);
	}
	if (r == 0 && has_local(s))
		r = load(s, "kernel-blk", memfd_from_fd, &im->blk_kernel_fd,
			 im->blk_kernel_sum, err);
	return r == 0 ? load_qemu(s, im, err) : r;
}

static void images_init(struct vm_images *im)
{
	size_t i;

	*im = (struct vm_images){ .kernel_fd = -1,
				  .blk_kernel_fd = -1,
				  .qemu_fd = -1 };
	for (i = 0; i < ARRAY_SIZE(im->initrd_fd); i++)
		im->initrd_fd[i] = -1;
}

int vm_images_load(const char *dir, struct vm_images *ret, struct err *err)
{
	CLEAN_FD int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN_FD int sums_fd = -1;
	uint8_t sums[SUMS_MAX];
	struct source s = { .dir = dir, .dir_fd = dir_fd };
	ssize_t n;
	int r;

	images_init(ret);
	if (dir_fd < 0)
		return err_set(err, -errno, "%s: %s: %s", dir, strerror(errno),
			       advice);
	sums_fd = openat(dir_fd, "SHA256SUMS", O_RDONLY | O_CLOEXEC);
	if (sums_fd < 0)
		return err_set(err, -errno, "%s/SHA256SUMS: %s: %s", dir,
			       strerror(errno), advice);
	n = fd_read_all(sums_fd, sums, sizeof(sums));
	if (n < 0 || n == (ssize_t)sizeof(sums))
		return err_set(err, -EIO, "%s/SHA256SUMS cannot be read: %s",
			       dir, advice);
	s.sums = span_of(sums, (size_t)n);
	r = load_all(&s, ret, err);
	if (r < 0)
		vm_images_done(ret);
	return r;
}

void vm_images_done(struct vm_images *im)
{
	size_t i;

	fd_close(&im->kernel_fd);
	fd_close(&im->blk_kernel_fd);
	fd_close(&im->qemu_fd);
	for (i = 0; i < ARRAY_SIZE(im->initrd_fd); i++)
		fd_close(&im->initrd_fd[i]);
}
