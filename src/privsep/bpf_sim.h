/*
 * bpf_sim: what a seccomp program answers to a system call, without the
 * kernel: for tests alone.
 */
#ifndef PRIVSEP_BPF_SIM_H
#define PRIVSEP_BPF_SIM_H

#include <linux/seccomp.h>

#include "privsep/bpf.h"

/* SECCOMP_RET_*; 0xffffffff for a program that the kernel would refuse. */
uint32_t bpf_run(const struct bpf_insn *p, size_t n,
		 const struct seccomp_data *d);

#endif
