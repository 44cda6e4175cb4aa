/* bpf: see bpf.h. */
#include "privsep/bpf.h"

#include <assert.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <unistd.h>

/* What tools/bpfgen.c writes for SELF, which compares equal only. */
enum { SELF = 0x464c4553, COMPARE = BPF_JMP | BPF_JEQ | BPF_K };

static_assert(sizeof(struct bpf_insn) == sizeof(struct sock_filter),
	      "the kernel's form");
static_assert(offsetof(struct bpf_insn, k) == offsetof(struct sock_filter, k),
	      "the kernel's form");

int bpf_fill(const struct bpf_filter *f, uint32_t self,
	     struct bpf_insn ret[BPF_MAX])
{
	size_t i;

	if (f->n > BPF_MAX)
		return -E2BIG;
	for (i = 0; i < f->n; i++) {
		ret[i] = f->insns[i];
		if (ret[i].code == COMPARE && ret[i].k == SELF)
			ret[i].k = self;
	}
	return (int)f->n;
}

int bpf_load(const struct bpf_filter *f)
{
	struct bpf_insn insns[BPF_MAX];
	int n = bpf_fill(f, (uint32_t)getpid(), insns);
	struct sock_fprog prog = { .len = (unsigned short)n,
				   .filter = (struct sock_filter *)insns };

	if (n < 0)
		return n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0) < 0)
		return -errno;
	return 0;
}
