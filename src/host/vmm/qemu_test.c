/*
 * qemu_test: goal of this test: a template and its clones are the same machine
 * but for how the memory is mapped and where it comes from; a clone gets
 * neither kernel nor image, a cold machine no monitor; and no machine a
 * device, a network or a disk that is not listed here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "host/vmm/qemu.h"

static struct qemu_args cold, template, clone;

static void arguments(struct qemu_args *a, enum vm_backend b,
		      enum vm_start start, bool own)
{
	const struct vm_spec spec = { .backend = b,
				      .start = start,
				      .memory_mib = 128,
				      .cpus = 1,
				      .deadline_s = 10,
				      .tsc_khz = 2600000,
				      .own_qemu = own };

	assert_int_equal(qemu_arguments(&spec, a), 0);
}

/* The n-th value of an option, NULL if there is none. */
static const char *value(const struct qemu_args *a, const char *option,
			 size_t n)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		if (strcmp(a->argv[i], option) == 0 && n-- == 0)
			return a->argv[i + 1] ? a->argv[i + 1] : "";
	return NULL;
}

/* What makes up the machine must not differ, or the state does not load. */
static void same_machine(void)
{
	static const char *const options[] = {
		"-machine", "-accel", "-cpu", "-smp", "-m", "-device"
	};
	size_t i, n;

	for (i = 0; i < ARRAY_SIZE(options); i++)
		for (n = 0; value(&template, options[i], n); n++) {
			assert_non_null(value(&clone, options[i], n));
			assert_string_equal(value(&clone, options[i], n),
					    value(&template, options[i], n));
			assert_string_equal(value(&cold, options[i], n),
					    value(&template, options[i], n));
		}
	assert_null(value(&clone, "-device", 2));
}

static void differences(void)
{
	assert_string_equal(value(&cold, "-object", 0),
			    "memory-backend-ram,id=mem,size=128M");
	assert_string_equal(value(&template, "-object", 0),
			    "memory-backend-file,id=mem,size=128M,"
			    "mem-path=/proc/self/fd/8,share=on");
	assert_string_equal(value(&clone, "-object", 0),
			    "memory-backend-file,id=mem,size=128M,"
			    "mem-path=/proc/self/fd/8,share=off");
	assert_null(value(&cold, "-mon", 0));
	assert_null(value(&cold, "-incoming", 0));
	assert_string_equal(value(&template, "-chardev", 1),
			    "socket,id=qmp,fd=7");
	assert_non_null(value(&template, "-kernel", 0));
	assert_null(value(&template, "-incoming", 0));
	assert_string_equal(value(&clone, "-mon", 0),
			    "chardev=qmp,mode=control");
	assert_string_equal(value(&clone, "-incoming", 0), "defer");
	assert_null(value(&clone, "-kernel", 0));
	assert_null(value(&clone, "-initrd", 0));
	assert_null(value(&clone, "-append", 0));
}

/* Of whichever QEMU; ours has no -sandbox, and the name of no file. */
static void machines_of(bool own)
{
	static const enum vm_backend backends[] = { VM_QEMU_KVM, VM_QEMU_TCG };
	static const char *const never[] = { "-netdev", "-nic", "-net",
					     "-drive",	"-hda", "-fsdev",
					     "-usb",	"-vnc", "-gdb",
					     "-s",	"-qmp", "-monitor" };
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(backends); i++) {
		arguments(&cold, backends[i], VM_COLD, own);
		arguments(&template, backends[i], VM_TEMPLATE, own);
		arguments(&clone, backends[i], VM_CLONE, own);
		assert_int_equal(clone.argv[0][0] == '/', !own);
		assert_int_equal(value(&clone, "-sandbox", 0) != NULL,
				 !own && backends[i] == VM_QEMU_TCG);
		same_machine();
		differences();
		for (j = 0; j < ARRAY_SIZE(never); j++)
			assert_null(value(&clone, never[j], 0));
		/* What a guest makes its emulator translate has a bound. */
		assert_string_equal(
			value(&clone, "-accel", 0),
			backends[i] == VM_QEMU_TCG ? "tcg,tb-size=64" : "kvm");
	}
}

/* The state by a descriptor on the command line, and no QMP at all. */
static void alone(void **)
{
	const struct vm_spec spec = { .backend = VM_QEMU_TCG,
				      .start = VM_CLONE,
				      .memory_mib = 128,
				      .cpus = 1,
				      .deadline_s = 10,
				      .own_qemu = true,
				      .alone = true };

	assert_int_equal(qemu_arguments(&spec, &clone), 0);
	assert_string_equal(value(&clone, "-incoming", 0), "fd:9");
	assert_string_equal(value(&clone, "-global", 0),
			    "migration.x-ignore-shared=on");
	assert_null(value(&clone, "-mon", 0));
	assert_string_equal(value(&clone, "-chardev", 0),
			    "socket,id=wire,fd=3");
	assert_null(value(&clone, "-chardev", 1));
}

/* The one disk there is: read-only, raw, and a descriptor. */
static void disk(void **)
{
	struct vm_spec spec = { .backend = VM_QEMU_TCG,
				.start = VM_COLD,
				.memory_mib = 4096,
				.cpus = 2,
				.deadline_s = 10,
				.own_qemu = true };

	assert_int_equal(qemu_arguments(&spec, &cold), 0);
	assert_null(value(&cold, "-blockdev", 0));
	spec.disk = true;
	assert_int_equal(qemu_arguments(&spec, &cold), 0);
	assert_string_equal(value(&cold, "-add-fd", 0), "fd=9,set=2");
	assert_string_equal(value(&cold, "-blockdev", 0),
			    "driver=raw,node-name=disk,read-only=on,"
			    "file.driver=file,file.filename=/dev/fdset/2,"
			    "file.locking=off");
	assert_null(value(&cold, "-blockdev", 1));
	assert_string_equal(value(&cold, "-device", 2),
			    "virtio-blk-device,drive=disk");
	assert_null(value(&cold, "-device", 3));
	assert_string_equal(value(&cold, "-smp", 0), "2");
}

static void machines(void **)
{
	machines_of(false);
	machines_of(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(machines),
					    cmocka_unit_test(disk),
					    cmocka_unit_test(alone) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
