/*
 * qemu: QEMU's microvm machine as a program for the jail: the files it opens
 * and its arguments.
 */
#ifndef VMM_QEMU_H
#define VMM_QEMU_H

#include "base/err.h"
#include "host/vmm/closure.h"
#include "privsep/bpf.h"
#include "vm/vm.h"

enum { QEMU_ARGS = 64, QEMU_TEXT = 256, QEMU_TEXTS = 14 };

struct qemu_args {
	const char
		*argv[QEMU_ARGS + 1]; /* NULL-terminated; static or in text */
	size_t n;
	char text[QEMU_TEXTS][QEMU_TEXT];
	size_t n_text;
};

/* The files of the back-end's QEMU: firmware, and all that makes up the host's
 * program, where that is run. What is missing is named with the package that
 * has it. 0 or -errno. */
[[nodiscard]] int qemu_files(const struct vm_spec *spec, struct closure *ret,
			     struct err *err);

/* Its command line. Descriptors are those of the row PROC_VMM. */
[[nodiscard]] int qemu_arguments(const struct vm_spec *spec,
				 struct qemu_args *ret);

/* The system calls that QEMU needs for this machine, for the jail. */
struct bpf_filter qemu_filter(const struct vm_spec *spec);

#endif
