/*
 * qemu: see qemu.h. No network card, no display, and no disk, but for the one
 * of the planner `local`, which is a file that was opened for reading, without
 * a format: else the guest's devices are a clock, interrupt controllers and one
 * serial port, the wire. Nothing secret is on the guest's command line.
 *
 * A template keeps its memory in the memfd it was given; a clone maps that
 * memfd, which is sealed by then, privately. Both speak QMP with their porter,
 * but a clone that is alone, as our own QEMU's are unless they wait; it and a
 * cold machine have no monitor. A clone gets neither kernel nor image: they
 * are in the memory. What else makes up the machine must be the same on both
 * command lines, or the state does not load.
 */
#include "host/vmm/qemu.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/str.h"
#include "privsep/graph.h"

#define QEMU_SHARE   "/usr/share/qemu/"
#define QEMU_MODULES "/usr/lib/x86_64-linux-gnu/qemu/"

static const struct backend {
	const char *module; /* loaded at run time, so no DT_NEEDED names it */
	const char *accel;  /* with its own options */
	const char *cpu;
	const char *kernel_args;
	bool sandbox; /* the binary knows -sandbox, a second list inside ours */
} backends[] = {
	[VM_QEMU_KVM] = {
		.accel = "kvm",
		.cpu = "host",
		.kernel_args = "",
	},
	/*
	 * Without nolapic_timer the kernel calibrates for 0.3 s, and without
	 * no_timer_check it waits for five ticks to see that they come.
	 * tsc=reliable: the guest's counter is the host's, but on a busy host
	 * the kernel's watchdog compares it with ticks that came late, calls
	 * it unstable and falls back to a clock of 10 ms, a clone's also while
	 * it works. noirqdebug: nothing shares an interrupt here that could
	 * be nobody's. Without erms and fsrm: told that strings of bytes are fast,
	 * the kernel clears a page byte by byte, eight times as slow here.
	 */
	[VM_QEMU_TCG] = {
		.module = QEMU_MODULES "accel-tcg-x86_64.so",
		/* What a guest can make its emulator remember. */
		.accel = "tcg,tb-size=64",
		.cpu = "max,-erms,-fsrm",
		.kernel_args = " nolapic_timer no_timer_check noirqdebug"
			       " tsc=reliable",
		.sandbox = true,
	},
};

static_assert(ARRAY_SIZE(backends) == VM_BACKEND_MAX, "a row each");

/* What the microvm machine opens with a kernel of ours (found by strace). */
static const char *const firmware[] = {
	QEMU_SHARE "qboot.rom",
	QEMU_SHARE "linuxboot_dma.bin",
};

static int need(const char *path, struct err *err)
{
	if (access(path, R_OK) == 0)
		return 0;
	return err_set(err, -errno,
		       "%s: %s (install QEMU: apt-get install qemu-system-x86)",
		       path, strerror(errno));
}

static int host_files(const struct vm_spec *spec, struct closure *ret,
		      struct err *err)
{
	const struct backend *b = &backends[spec->backend];
	const char *program = vm_backend_program(spec->backend);
	int r = need(program, err);

	if (r == 0)
		r = closure_add_elf(ret, program, err);
	if (r == 0 && b->module)
		r = need(b->module, err);
	if (r == 0 && b->module)
		r = closure_add_elf(ret, b->module, err);
	return r;
}

int qemu_files(const struct vm_spec *spec, struct closure *ret, struct err *err)
{
	size_t i;
	int r;

	ret->n = 0;
	r = spec->own_qemu ? 0 : host_files(spec, ret, err);
	for (i = 0; r == 0 && i < ARRAY_SIZE(firmware); i++) {
		r = need(firmware[i], err);
		if (r == 0)
			r = closure_add(ret, firmware[i], firmware[i], err);
	}
	return r;
}

static int put(struct qemu_args *a, const char *arg)
{
	if (a->n == QEMU_ARGS)
		return -E2BIG;
	a->argv[a->n++] = arg;
	a->argv[a->n] = NULL;
	return 0;
}

/* An option and its formatted value. */
__attribute__((format(printf, 3, 4))) static int
put_text(struct qemu_args *a, const char *option, const char *fmt, ...)
{
	va_list ap;
	char *dst;
	int n;

	if (a->n_text == QEMU_TEXTS)
		return -E2BIG;
	dst = a->text[a->n_text++];
	va_start(ap, fmt);
	n = vsnprintf(dst, QEMU_TEXT, fmt, ap);
	va_end(ap);
	if (n < 0 || n >= QEMU_TEXT || put(a, option) < 0)
		return -E2BIG;
	return put(a, dst);
}

static int put_all(struct qemu_args *a, const char *const *args, size_t n)
{
	size_t i;
	int r = 0;

	for (i = 0; i < n && r == 0; i++)
		r = put(a, args[i]);
	return r;
}

/* A cold machine's memory is anonymous: the host can give it in large pages,
 * and clearing small ones would be a fifth of a boot. */
static int put_memory(struct qemu_args *a, const struct vm_spec *spec)
{
	if (spec->start == VM_COLD)
		return put_text(a, "-object",
				"memory-backend-ram,id=mem,size=%uM",
				spec->memory_mib);
	return put_text(a, "-object",
			"memory-backend-file,id=mem,size=%uM,"
			"mem-path=/proc/self/fd/%d,share=%s",
			spec->memory_mib, graph_fd(PROC_VMM, FD_MEMORY),
			spec->start == VM_TEMPLATE ? "on" : "off");
}

/*
 * The porter's way to save a template and to load a clone. One that is alone
 * is told all there is to tell here: that its memory is there already, which
 * Debian's QEMU takes on QMP only. It then takes a byte of QMP at a time, and
 * each costs it ten system calls.
 */
static int put_monitor(struct qemu_args *a, const struct vm_spec *spec)
{
	static const char *const args[] = { "-mon", "chardev=qmp,mode=control",
					    "-incoming", "defer" };
	static const char *const alone[] = { "-global",
					     "migration.x-ignore-shared=on" };
	int r;

	if (spec->start == VM_COLD)
		return 0;
	if (spec->alone) {
		r = put_text(a, "-incoming", "fd:%d",
			     graph_fd(PROC_VMM, FD_SAVED));
		return r < 0 ? r : put_all(a, alone, ARRAY_SIZE(alone));
	}
	r = put_text(a, "-chardev", "socket,id=qmp,fd=%d",
		     graph_fd(PROC_VMM, FD_QMP));
	return r < 0 ? r : put_all(a, args, spec->start == VM_CLONE ? 4 : 2);
}

static int put_machine(struct qemu_args *a, const struct vm_spec *spec)
{
	const struct backend *b = &backends[spec->backend];
	int r;

	r = put_text(a, "-machine",
		     "microvm,acpi=off,memory-backend=mem,mem-merge=off,"
		     "dump-guest-core=off,isa-serial=%s",
		     spec->console ? "on" : "off");
	if (r == 0)
		r = put_text(a, "-accel", "%s", b->accel);
	if (r == 0)
		r = put_text(a, "-cpu", "%s", b->cpu);
	if (r == 0)
		r = put_text(a, "-smp", "%u", spec->cpus);
	if (r == 0)
		r = put_text(a, "-m", "%uM", spec->memory_mib);
	if (r == 0)
		r = put_memory(a, spec);
	return r;
}

static int put_kernel(struct qemu_args *a, const struct vm_spec *spec)
{
	const struct backend *b = &backends[spec->backend];
	char tsc[40] = "";
	int r;

	/* Under TCG the guest sees the host's TSC but cannot measure it well:
	 * it may fall back to a clock of 10 ms. */
	if (spec->backend == VM_QEMU_TCG && spec->tsc_khz)
		(void)str_printf(tsc, sizeof(tsc), " tsc_early_khz=%u",
				 spec->tsc_khz);
	r = put_text(a, "-kernel", "/proc/self/fd/%d",
		     graph_fd(PROC_VMM, FD_KERNEL));
	if (r == 0)
		r = put_text(a, "-initrd", "/proc/self/fd/%d",
			     graph_fd(PROC_VMM, FD_INITRD));
	if (r == 0)
		r = put_text(a, "-append", "quiet panic=-1 reboot=t%s%s%s",
			     b->kernel_args, tsc,
			     spec->console ? " earlyprintk=ttyS0,115200,keep"
					   : "");
	return r;
}

static int put_console(struct qemu_args *a)
{
	static const char *const args[] = {
		"-chardev", "file,id=con,path=/dev/fdset/1,append=on",
		"-serial", "chardev:con"
	};
	int r = put_text(a, "-add-fd", "fd=%d,set=1",
			 graph_fd(PROC_VMM, FD_CONSOLE));

	return r == 0 ? put_all(a, args, ARRAY_SIZE(args)) : r;
}

/* By a descriptor: the jail holds no such file, and its user may not open it.
 */
static int put_disk(struct qemu_args *a)
{
	static const char *const device[] = {
		"-blockdev",
		"driver=raw,node-name=disk,read-only=on,file.driver=file,"
		"file.filename=/dev/fdset/2,file.locking=off",
		"-device", "virtio-blk-device,drive=disk"
	};
	int r = put_text(a, "-add-fd", "fd=%d,set=2",
			 graph_fd(PROC_VMM, FD_SAVED));

	return r == 0 ? put_all(a, device, ARRAY_SIZE(device)) : r;
}

int qemu_arguments(const struct vm_spec *spec, struct qemu_args *ret)
{
	static const char *const fixed[] = {
		"-nodefaults",
		"-no-user-config",
		"-display",
		"none",
		"-no-reboot",
		"-device",
		"virtio-serial-device,max_ports=2",
		"-device",
		"virtserialport,chardev=wire,nr=1"
	};
	static const char *const sandbox[] = {
		"-sandbox",
		"on,obsolete=deny,elevateprivileges=deny,spawn=deny,"
		"resourcecontrol=deny"
	};
	/* What is run from a descriptor has its number for a name. */
	static const char *const own[] = { "qemu-bulkhead", "-name",
					   "process=qemu-bulkhead", "-L",
					   QEMU_SHARE };
	struct qemu_args *a = ret;
	int r;

	a->n = a->n_text = 0;
	if (spec->own_qemu)
		r = put_all(a, own, ARRAY_SIZE(own));
	else
		r = put(a, vm_backend_program(spec->backend));
	if (r == 0)
		r = put_text(a, "-chardev", "socket,id=wire,fd=%d",
			     graph_fd(PROC_VMM, FD_WIRE));
	if (r == 0)
		r = put_all(a, fixed, ARRAY_SIZE(fixed));
	if (r == 0 && backends[spec->backend].sandbox && !spec->own_qemu)
		r = put_all(a, sandbox, ARRAY_SIZE(sandbox));
	if (r == 0)
		r = put_machine(a, spec);
	if (r == 0 && spec->start != VM_CLONE)
		r = put_kernel(a, spec);
	if (r == 0 && spec->console)
		r = put_console(a);
	if (r == 0 && spec->disk)
		r = put_disk(a);
	if (r == 0)
		r = put_monitor(a, spec);
	return r;
}
