/*
 * launch: starts the two processes of one VM, bulkhead-vmm (the machine, in
 * its jail) and bulkhead-porter (the only one that talks to it), with the wire
 * between them. Used by the monitor and by `bulkhead read`.
 */
#ifndef VM_LAUNCH_H
#define VM_LAUNCH_H

#include <sys/types.h>

#include "proto/msg.h"
#include "proto/wire.h"
#include "vm/vm.h"

/* The name of a workload's image and in MSG_HELLO, e.g. "reader-email"; NULL
 * if there is none. */
const char *vm_workload_name(enum wire_workload w);

struct vm_images {
	int kernel_fd;	   /* sealed memfds, owned */
	int blk_kernel_fd; /* of machines with a disk; -1: none */
	int initrd_fd[WIRE_WORKLOAD_MAX]; /* by enum wire_workload; -1: none */
	int qemu_fd;			  /* -1: none, the host's QEMU is run */
	uint8_t kernel_sum[VM_SUM];	  /* SHA-256 of each */
	uint8_t blk_kernel_sum[VM_SUM];
	uint8_t initrd_sum[WIRE_WORKLOAD_MAX][VM_SUM];
	uint8_t qemu_sum[VM_SUM]; /* zeroes: none */
};

/*
 * Loads kernel and guest images from a directory into sealed memfds, each
 * checked against the directory's SHA256SUMS. Names: "kernel",
 * "reader-email.cpio", "planner-triage.cpio", "planner-gullible.cpio",
 * "planner-llm.cpio", "probe.cpio"; where there is one, "planner-local.cpio"
 * with its "kernel-blk"; and "qemu", which need not be there, but is what
 * SHA256SUMS says where it is listed, and left alone on a host that runs no
 * memfd. 0 or -errno with the file and what to do.
 */
[[nodiscard]] int vm_images_load(const char *dir, struct vm_images *ret,
				 struct err *err);
void vm_images_done(struct vm_images *im);

struct vm_launch {
	const char *libexec;
	struct vm_spec spec;
	enum wire_workload workload;
	const struct vm_images *images;
	const char *name;   /* "vm-17": for logs and MSG_HELLO */
	struct msg_ids ids; /* the head of that MSG_HELLO */
	int console_fd;	    /* -1: none */
	int disk_fd;	    /* cold: a file that it reads as a disk; 0: none */
	enum vm_park park;  /* clones */
	/* Templates: an unsealed memfd of spec.memory_mib. Clones: that memfd,
	 * sealed. Else -1. */
	int memory_fd;
	/* Clones: the sealed device state; opened anew here, for a dup would
	 * share the offset. Else -1. */
	int saved_fd;
	/* cgroup.procs of the groups that both processes and the machine are
	 * to join, at most GROUPS_MAX. */
	const int *cgroup_fds;
	size_t n_cgroup_fds;
	/* Channels of those who watch the wire from its first frame. */
	const int *tap_fds;
	size_t n_tap_fds;
	/* For the porter: the handshake may take this long, and so may the
	 * work after it. */
	uint64_t deadline_ms;
	/* Words for the porter of a planner that asks a model; NULL, "": it
	 * does not, or it is a reader. */
	const char *model;
};

struct vm_procs {
	pid_t vmm, porter;
	int vmm_pidfd, porter_pidfd; /* owned */
	int monitor_fd;		     /* our end of the porter's FD_MONITOR */
	int broker_fd;		     /* the other end of its FD_BROKER */
};

/* Starts both; on failure nothing is left behind. */
[[nodiscard]] int vm_launch(const struct vm_launch *l, struct vm_procs *ret,
			    struct err *err);

/*
 * Stops the machine where it is, for whoever wants to look into it, and ends
 * its porter: nothing that it does leaves it any more. vm_end ends it. 0, or
 * -errno if it may still run: then it is to be ended.
 */
[[nodiscard]] int vm_freeze(const struct vm_procs *v);

/* SIGKILLs both by pidfd and reaps them; closes every fd. Idempotent. */
void vm_end(struct vm_procs *v);

#endif
