/*
 * boot_bench: how long the machines of this build take from vm_launch, which
 * is where the monitor has everything in its hands, to the authenticated READY
 * of their guest. One boot for each line of standard input, so that the caller
 * can measure something else in between:
 *
 *	cold IMAGE	boots the kernel
 *	clone IMAGE	a copy of a template, which the first such line makes
 *
 * Each is answered by a line with the microseconds. Needs the images of
 * $BULKHEAD_IMAGES and the binaries of $BULKHEAD_BUILD; $BULKHEAD_BACKEND is
 * qemu-kvm or qemu-tcg, and the latter where it is not set.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/str.h"
#include "privsep/chan.h"
#include "vm/launch.h"
#include "vm/template.h"
#include "vm/tsc.h"

enum { PATIENCE_MS = 60000, SEAL_TRIES = 1000, MEMORY_MIB = 128 };

static struct vm_images images;
static uint32_t tsc_khz;
static enum vm_backend backend = VM_QEMU_TCG;

static _Noreturn void die_of(const char *what, const char *why)
{
	(void)fprintf(stderr, "boot_bench: %s: %s\n", what, why);
	exit(1);
}

static void await(struct chan *c, enum msg_type type)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	const char *why = "no word in time";
	struct msg m;

	if (poll(&p, 1, PATIENCE_MS) != 1 || chan_recv(c, &m, &why) != 1 ||
	    m.type != type)
		die_of("porter", why ? why : "another word");
}

static struct vm_procs launch(enum vm_start start, enum wire_workload w,
			      const struct vm_template *t, struct chan *c)
{
	const struct vm_launch l = {
		.libexec = getenv("BULKHEAD_BUILD"),
		.spec = { .backend = backend,
			  .start = start,
			  .memory_mib = MEMORY_MIB,
			  .cpus = 1,
			  .deadline_s = PATIENCE_MS / 1000,
			  .tsc_khz = tsc_khz },
		.workload = w,
		.images = &images,
		.name = "vm-1",
		.console_fd = -1,
		.memory_fd = t ? t->memory_fd : -1,
		.saved_fd = t ? t->saved_fd : -1,
		.deadline_ms = PATIENCE_MS,
	};
	struct vm_procs v;
	struct err err = { 0 };

	if (vm_launch(&l, &v, &err) < 0)
		die_of("launch", err.msg);
	if (chan_init(c, take_fd(&v.monitor_fd)) < 0)
		die_of("channel", "no descriptor");
	return v;
}

static void make_template(struct vm_template *t, enum wire_workload w)
{
	const struct vm_spec spec = { .backend = backend,
				      .start = VM_TEMPLATE,
				      .memory_mib = MEMORY_MIB,
				      .cpus = 1,
				      .deadline_s = PATIENCE_MS / 1000,
				      .tsc_khz = tsc_khz };
	struct msg m = { .type = MSG_SAVE };
	struct err err = { 0 };
	struct vm_procs v;
	int r = -EBUSY;
	struct chan c;

	if (vm_template_init(t, &spec, &images, w, &err) < 0)
		die_of("template", err.msg);
	v = launch(VM_TEMPLATE, w, t, &c);
	if (chan_send(&c, &m, &t->saved_fd, 1) < 0)
		die_of("template", "cannot be saved");
	await(&c, MSG_VM_READY);
	await(&c, MSG_VM_SAVED);
	vm_end(&v);
	chan_done(&c);
	for (int i = 0; i < SEAL_TRIES && r == -EBUSY; i++) {
		r = vm_template_seal(t);
		(void)poll(NULL, 0, 1);
	}
	if (r < 0)
		die_of("template", "cannot be sealed");
}

static enum wire_workload workload_of(const char *name)
{
	for (int w = 1; w < WIRE_WORKLOAD_MAX; w++) {
		const char *known = vm_workload_name((enum wire_workload)w);

		if (known && strcmp(known, name) == 0)
			return (enum wire_workload)w;
	}
	die_of(name, "no such image");
}

static uint64_t boot(bool clone, enum wire_workload w)
{
	static struct vm_template templates[WIRE_WORKLOAD_MAX];
	static bool made[WIRE_WORKLOAD_MAX];
	struct vm_template *t = clone ? &templates[w] : NULL;
	struct vm_procs v;
	uint64_t start, us;
	struct chan c;

	if (clone && !made[w])
		make_template(t, w);
	made[w] |= clone;
	start = now_us();
	v = launch(clone ? VM_CLONE : VM_COLD, w, t, &c);
	await(&c, MSG_VM_READY);
	us = now_us() - start;
	vm_end(&v);
	chan_done(&c);
	return us;
}

int main(void)
{
	const char *dir = getenv("BULKHEAD_IMAGES");
	const char *name_of_backend = getenv("BULKHEAD_BACKEND");
	struct err err = { 0 };
	char line[80], name[64];

	if (!getenv("BULKHEAD_BUILD"))
		die_of("BULKHEAD_BUILD", "is not set");
	if (vm_images_load(dir ? dir : "build/images", &images, &err) < 0)
		die_of("images", err.msg);
	if (name_of_backend)
		backend = vm_backend_parse(span_str(name_of_backend));
	if (backend != VM_QEMU_KVM && backend != VM_QEMU_TCG)
		die_of("BULKHEAD_BACKEND", "is neither of the two");
	tsc_khz = vm_tsc_khz();
	while (fgets(line, sizeof(line), stdin)) {
		bool clone = strncmp(line, "clone ", 6) == 0;

		if (sscanf(line, clone ? "clone %63s" : "cold %63s", name) != 1)
			die_of("input", "neither cold nor clone");
		(void)printf("%llu\n", (unsigned long long)boot(
					       clone, workload_of(name)));
		(void)fflush(stdout);
	}
	vm_images_done(&images);
	return 0;
}
