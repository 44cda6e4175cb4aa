/*
 * template_test: goal of this test: a sealed template can be read and copied
 * and in no way changed; it cannot be sealed while somebody may still write;
 * its key changes with everything that a clone must have in common with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/str.h"
#include "vm/template.h"

static const struct vm_spec spec = { .backend = VM_QEMU_TCG,
				     .start = VM_TEMPLATE,
				     .memory_mib = 64,
				     .cpus = 1,
				     .deadline_s = 10 };

enum { SIZE = 64 << 20 };

static struct vm_images images = { .qemu_fd = -1 };

static struct vm_template fresh(void)
{
	struct vm_template t;
	struct err err = { 0 };

	assert_int_equal(
		vm_template_init(&t, &spec, &images, WIRE_READER_EMAIL, &err),
		0);
	return t;
}

static void sealed_is_for_ever(void **)
{
	struct vm_template t = fresh();
	CLEAN_FD int again = -1;
	struct stat st;
	char path[64];
	void *p;

	assert_int_equal(fstat(t.memory_fd, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0666);
	assert_int_equal(pwrite(t.memory_fd, "a", 1, 4096), 1);
	assert_int_equal(write(t.saved_fd, "state", 5), 5);
	assert_int_equal(vm_template_seal(&t), 0);
	assert_int_equal(vm_template_seal(&t), 0);
	assert_int_equal(memfd_sealed_size(t.memory_fd, SIZE), SIZE);
	assert_int_equal(memfd_sealed_size(t.saved_fd, 5), 5);
	/* As QEMU opens it: for writing, which it may not, and to map it. */
	(void)str_printf(path, sizeof(path), "/proc/self/fd/%d", t.memory_fd);
	again = open(path, O_RDWR | O_CLOEXEC);
	assert_true(again >= 0);
	assert_int_equal(pwrite(again, "b", 1, 4096), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(again, 0), -1);
	assert_int_equal(fallocate(again,
				   FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				   0, 8192),
			 -1);
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, again, 0);
	assert_ptr_equal(p, MAP_FAILED);
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, again, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	((char *)p)[4096] = 'b';
	assert_int_equal(pread(t.memory_fd, path, 1, 4096), 1);
	assert_int_equal(path[0], 'a');
	assert_int_equal(munmap(p, SIZE), 0);
	vm_template_done(&t);
	vm_template_done(&t);
}

static void busy_while_mapped(void **)
{
	struct vm_template t = fresh();
	void *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		       t.memory_fd, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	assert_int_equal(write(t.saved_fd, "state", 5), 5);
	assert_int_equal(vm_template_seal(&t), -EBUSY);
	assert_int_equal(munmap(p, SIZE), 0);
	assert_int_equal(vm_template_seal(&t), 0);
	vm_template_done(&t);
}

static void sizes(void **)
{
	static const struct {
		off_t memory, saved;
		int want;
	} rows[] = {
		{ SIZE, 0, -EBADMSG },
		{ 0, 1, -EBADMSG },
		{ SIZE, 1, 0 },
		{ SIZE, TEMPLATE_SAVED_MAX, 0 },
		{ SIZE, TEMPLATE_SAVED_MAX + 1, -EBADMSG },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct vm_template t = fresh();

		assert_int_equal(ftruncate(t.memory_fd, rows[i].memory), 0);
		assert_int_equal(ftruncate(t.saved_fd, rows[i].saved), 0);
		assert_int_equal(vm_template_seal(&t), rows[i].want);
		vm_template_done(&t);
	}
}

/* What may differ between a template and its clones, and what may not. */
static void key(void **)
{
	struct vm_spec other[] = { spec, spec, spec, spec };
	struct vm_spec same = spec;
	struct vm_images im = images;
	uint8_t want[VM_SUM], got[VM_SUM];
	size_t i;

	other[0].backend = VM_QEMU_KVM;
	other[1].memory_mib = 65;
	other[2].cpus = 2;
	other[3].console = true;
	same.start = VM_CLONE;
	same.deadline_s = 99;
	same.tsc_khz = 1;
	assert_int_equal(vm_template_key(&spec, &im, WIRE_READER_EMAIL, want),
			 0);
	assert_int_equal(vm_template_key(&same, &im, WIRE_READER_EMAIL, got),
			 0);
	assert_memory_equal(got, want, VM_SUM);
	for (i = 0; i < ARRAY_SIZE(other); i++) {
		assert_int_equal(
			vm_template_key(&other[i], &im, WIRE_READER_EMAIL, got),
			0);
		assert_memory_not_equal(got, want, VM_SUM);
	}
	im.kernel_sum[VM_SUM - 1] ^= 1;
	assert_int_equal(vm_template_key(&spec, &im, WIRE_READER_EMAIL, got),
			 0);
	assert_memory_not_equal(got, want, VM_SUM);
	im = images;
	im.qemu_sum[0] ^= 1;
	assert_int_equal(vm_template_key(&spec, &im, WIRE_READER_EMAIL, got),
			 0);
	assert_memory_not_equal(got, want, VM_SUM);
	im.initrd_sum[WIRE_READER_EMAIL][0] ^= 1;
	assert_int_equal(vm_template_key(&spec, &im, WIRE_READER_EMAIL, got),
			 0);
	assert_memory_not_equal(got, want, VM_SUM);
	assert_int_equal(vm_template_key(&spec, &im, WIRE_WORKLOAD_MAX, got),
			 -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sealed_is_for_ever),
		cmocka_unit_test(busy_while_mapped),
		cmocka_unit_test(sizes),
		cmocka_unit_test(key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
