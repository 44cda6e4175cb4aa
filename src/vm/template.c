/* template: see template.h. */
#include "vm/template.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

enum {
	ALL_SEALS = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL,
	IDENTITY_TEXT = 512,
	SUMS = 3 * VM_SUM,
};

/* --- the key ------------------------------------------------------------- */

/*
 * QEMU of ours is known by its sum. The host's: a package that is upgraded
 * replaces the file: another inode, another time.
 * tsc_khz stays out of the text: it is measured anew at each start of
 * bulkhead, and the clone sees the TSC of this very host in any case.
 */
static int identity(const struct vm_spec *spec, bool own_qemu, char *dst,
		    size_t cap)
{
	const char *program = vm_backend_program(spec->backend);
	struct stat st = { 0 };

	if (!program)
		return -EINVAL;
	if (!own_qemu && stat(program, &st) < 0)
		return -errno;
	return str_printf(dst, cap,
			  "%s %llu %llu %lld %lld.%09ld memory_mib=%u cpus=%u "
			  "console=%d\n",
			  program, (unsigned long long)st.st_dev,
			  (unsigned long long)st.st_ino, (long long)st.st_size,
			  (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
			  spec->memory_mib, spec->cpus, spec->console);
}

int vm_template_key(const struct vm_spec *spec, const struct vm_images *images,
		    enum wire_workload w, uint8_t ret[VM_SUM])
{
	uint8_t all[SUMS + IDENTITY_TEXT] = { 0 };
	int n;

	if (!vm_workload_name(w))
		return -EINVAL;
	memcpy(all, images->kernel_sum, VM_SUM);
	memcpy(all + VM_SUM, images->initrd_sum[w], VM_SUM);
	memcpy(all + 2ul * VM_SUM, images->qemu_sum, VM_SUM);
	n = identity(spec, images->qemu_fd >= 0, (char *)all + SUMS,
		     IDENTITY_TEXT);
	if (n < 0)
		return n == -1 ? -ENAMETOOLONG : n;
	return EVP_Digest(all, SUMS + (size_t)n, ret, NULL, EVP_sha256(), NULL)
		       ? 0
		       : -EIO;
}

/* --- the memfds ---------------------------------------------------------- */

void vm_template_done(struct vm_template *t)
{
	fd_close(&t->memory_fd);
	fd_close(&t->saved_fd);
}

int vm_template_init(struct vm_template *t, const struct vm_spec *spec,
		     const struct vm_images *images, enum wire_workload w,
		     struct err *err)
{
	const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	off_t size = (off_t)spec->memory_mib << 20;
	int r;

	*t = (struct vm_template){ .memory_fd = -1, .saved_fd = -1 };
	r = vm_template_key(spec, images, w, t->key);
	if (r < 0)
		return err_set(err, r, "template: %s", strerror(-r));
	t->memory_fd = memfd_create("template-memory", flags);
	if (t->memory_fd >= 0)
		t->saved_fd = memfd_create("template-state", flags);
	/* A memfd is born executable: what guests write is nothing to run. */
	if (t->saved_fd >= 0 && ftruncate(t->memory_fd, size) == 0 &&
	    fchmod(t->memory_fd, 0666) == 0)
		return 0;
	r = err_set(err, -errno, "template: memory: %s", strerror(errno));
	vm_template_done(t);
	return r;
}

/* Sizes first: what is sealed wrong stays wrong. */
static int check_sizes(const struct vm_template *t)
{
	struct stat memory, saved;

	if (fstat(t->memory_fd, &memory) < 0 || fstat(t->saved_fd, &saved) < 0)
		return -errno;
	if (memory.st_size == 0 || saved.st_size == 0 ||
	    saved.st_size > TEMPLATE_SAVED_MAX)
		return -EBADMSG;
	return 0;
}

/* Once sealed it cannot be sealed again: -EPERM, which is all right then. */
static int seal(int fd)
{
	if (fcntl(fd, F_GET_SEALS) == ALL_SEALS)
		return 0;
	return fcntl(fd, F_ADD_SEALS, ALL_SEALS) < 0 ? -errno : 0;
}

int vm_template_seal(struct vm_template *t)
{
	int r = check_sizes(t);

	if (r == 0)
		r = seal(t->memory_fd);
	if (r == 0)
		r = seal(t->saved_fd);
	return r;
}
