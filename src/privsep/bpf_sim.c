/* bpf_sim: see bpf_sim.h. Jumps go forward only, so it ends. */
#include "privsep/bpf_sim.h"

#include <linux/filter.h>
#include <string.h>

static uint32_t load(const struct seccomp_data *d, uint32_t at)
{
	uint32_t v = 0;

	if (at <= sizeof(*d) - sizeof(v))
		memcpy(&v, (const char *)d + at, sizeof(v));
	return v;
}

uint32_t bpf_run(const struct bpf_insn *p, size_t n,
		 const struct seccomp_data *d)
{
	uint32_t a = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		const struct bpf_insn *in = &p[i];

		switch (in->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			a = load(d, in->k);
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= in->k;
			break;
		case BPF_JMP | BPF_JA:
			i += in->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			i += a == in->k ? in->jt : in->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			i += a >= in->k ? in->jt : in->jf;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			i += a > in->k ? in->jt : in->jf;
			break;
		case BPF_RET | BPF_K:
			return in->k;
		default:
			return UINT32_MAX;
		}
	}
	return UINT32_MAX;
}
