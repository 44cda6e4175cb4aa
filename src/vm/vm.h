/*
 * vm: what is said about one virtual machine by those who do not run it: its
 * specification, which the process bulkhead-vmm gets as one argument string
 * beside the descriptors of its row, and the probe that finds out which
 * back-end works on this host. Running it is src/host/vmm/.
 */
#ifndef VM_VM_H
#define VM_VM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

enum vm_backend {
	VM_AUTO = 0,
	VM_QEMU_KVM, /* with /dev/kvm, where a guest really runs on it */
	VM_QEMU_TCG, /* emulation: slow, works anywhere */
	VM_BACKEND_MAX
};

/* "auto", "qemu-kvm", "qemu-tcg"; NULL if there is none. */
const char *vm_backend_name(enum vm_backend b);

/* The back-end of that name; VM_BACKEND_MAX if there is none. */
enum vm_backend vm_backend_parse(struct span name);

/*
 * The host's program that is this back-end, for where the images folder has no
 * QEMU of ours (struct vm_images), which is both; NULL if there is none.
 */
const char *vm_backend_program(enum vm_backend b);

/* How a machine comes to life. */
enum vm_start {
	VM_COLD = 0, /* boots the kernel */
	VM_TEMPLATE, /* the same, with its memory in FD_MEMORY, to be saved */
	VM_CLONE,    /* a private copy of a template's memory and device state;
			waits on QMP to be told to load it, unless alone */
	VM_START_MAX
};

/* "cold", "template", "clone"; NULL if there is none. */
const char *vm_start_name(enum vm_start s);

/* The start of that name; VM_START_MAX if there is none. */
enum vm_start vm_start_parse(struct span name);

/* How far a clone goes before it is told its work (MSG_WORK). */
enum vm_park {
	VM_PARK_NONE = 0, /* as far as it can: its work is on its way */
	VM_PARK_JAILED,	  /* its jail and its porter stand; no QEMU runs yet */
	VM_PARK_WAITING,  /* QEMU waits to be told to load its state */
	VM_PARK_RESUMED,  /* it runs, is authenticated, and has been warmed with
			     mails of ours */
	VM_PARK_MAX
};

/* "none", "jailed", "waiting", "resumed"; NULL if there is none. */
const char *vm_park_name(enum vm_park p);

/* The one of that name; VM_PARK_MAX if there is none. */
enum vm_park vm_park_parse(struct span name);

/* How bulkhead-vmm exits; 128 + n: signal n ended the machine. */
enum vm_exit {
	VM_EXIT_OFF = 0,      /* the guest powered off or restarted */
	VM_EXIT_JAIL = 1,     /* never started; the reason is in the log */
	VM_EXIT_DEADLINE = 2, /* killed at deadline_s */
	VM_EXIT_BACKEND = 3,  /* QEMU refused or gave up */
};

/* Room for any specification as text; bytes of a SHA-256. */
enum { VM_SPEC_TEXT = 192, VM_SUM = 32 };

struct vm_spec {
	enum vm_backend backend; /* not VM_AUTO */
	enum vm_start start;
	uint32_t memory_mib; /* 64 to 65536 */
	uint32_t cpus;	     /* 1 to 16 */
	uint32_t deadline_s; /* the vmm ends itself then, as a backstop */
	uint32_t tsc_khz;    /* TCG: the host's TSC rate, 0 if unknown */
	bool console;	     /* a serial console on FD_CONSOLE */
	bool own_qemu;	     /* FD_QEMU is the program, not the host's */
	/* A clone loads its state as soon as it runs, and has no QMP; our own
	 * QEMU can. */
	bool alone;
	bool disk;	 /* VM_COLD: FD_SAVED is one, for reading */
	uint32_t groups; /* cgroups to join: privsep/groups.h */
	/* QEMU is started when its porter has a word for it, on QMP or if it
	 * is alone on the wire, at most so much later; deadline_s counts from
	 * there. 0: at once. */
	uint32_t held_s;
};

/* The specification as one argument of bulkhead-vmm, and back. 0 or -1. */
[[nodiscard]] int vm_spec_format(char *dst, size_t cap,
				 const struct vm_spec *spec);
[[nodiscard]] int vm_spec_parse(struct span arg, struct vm_spec *ret);

/*
 * Which back-end really works here: boots a real guest (the probe image) with
 * each candidate and a time limit, kvm first, and remembers the answer in the
 * directory state_fd ("probe", keyed by QEMU's and the kernel's identity),
 * unless a candidate was only too late: a busy host is another one tomorrow.
 * want narrows the candidates. libexec has bulkhead-vmm. Takes up to 55 s the
 * first time. ret gets backend and tsc_khz; why the words for `status` and
 * `doctor` ("emulation (TCG): /dev/kvm exists but cannot run a guest").
 */
struct vm_probe {
	enum vm_backend backend;
	uint32_t tsc_khz;
	uint32_t boot_ms; /* of the probe's guest, exec to first byte */
	char why[200];
};

struct vm_images;

[[nodiscard]] int vm_probe(const char *libexec, int state_fd,
			   const struct vm_images *images, enum vm_backend want,
			   struct vm_probe *ret, struct err *err);

#endif
