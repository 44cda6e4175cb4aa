/*
 * bpf: installs a filter that tools/bpfgen.c made at build time out of the
 * #syscalls comments. Nothing is computed at run time but the process's id.
 */
#ifndef PRIVSEP_BPF_H
#define PRIVSEP_BPF_H

#include <stddef.h>
#include <stdint.h>

/* As struct sock_filter of linux/filter.h. */
struct bpf_insn {
	uint16_t code;
	uint8_t jt;
	uint8_t jf;
	uint32_t k;
};

struct bpf_filter {
	const struct bpf_insn *insns; /* static; NULL: no filter */
	size_t n;
};

/* The one of an array that bpfgen wrote. */
#define BPF_FILTER(array) ((struct bpf_filter){ array, ARRAY_SIZE(array) })

/* The largest filter; the kernel takes no more. */
enum { BPF_MAX = 4096 };

/*
 * Copies a filter with the caller's process id where its list says SELF.
 * Returns the number of instructions or -E2BIG.
 */
[[nodiscard]] int bpf_fill(const struct bpf_filter *f, uint32_t self,
			   struct bpf_insn ret[BPF_MAX]);

/*
 * Sets no_new_privs and installs the filter, for good; the caller has one
 * thread. 0 or -errno.
 */
[[nodiscard]] int bpf_load(const struct bpf_filter *f);

#endif
