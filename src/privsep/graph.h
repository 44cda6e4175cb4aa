/*
 * graph: the processes of bulkhead in one table: what each may hold, which
 * descriptors it is given, which system calls it keeps. The monitor spawns
 * from it, every process finds its descriptors and its seccomp filter in it,
 * and tests compare the running tree with it.
 */
#ifndef PRIVSEP_GRAPH_H
#define PRIVSEP_GRAPH_H

#include <stdbool.h>
#include <stddef.h>

#include "privsep/bpf.h"

enum proc {
	PROC_MONITOR,
	PROC_CONTROL,
	PROC_BROKER,
	PROC_AUDITD,
	PROC_STORE,
	PROC_TELEMETRY,
	PROC_ENVELOPE,
	PROC_CONNECTOR,
	PROC_VAULT,
	PROC_NETD,
	PROC_ONLINE,
	PROC_PORTER,
	PROC_VMM,
	PROC_MAX
};

/* Descriptors by role. In a process, role i of its row is fd 3 + i. */
enum fd_role {
	FD_NONE = 0,
	FD_MONITOR, /* channel to the monitor */
	FD_AUDIT,   /* channel to auditd */
	FD_CONTROL, /* channel to control */
	FD_BROKER,  /* channel to the broker */
	FD_POLICY,  /* the policy file, sealed memfd */
	FD_STORE,   /* channel to the store */
	FD_LISTEN,  /* the owner's Unix socket, listening */
	FD_DIR,	    /* the one directory this process works in */
	FD_STATE,   /* a directory for its own small state */
	FD_ITEM,    /* sealed memfd: one raw inbound item */
	FD_WIRE,    /* the VM's wire */
	FD_CONSOLE, /* the VM's serial console, write-only, or /dev/null */
	FD_KERNEL,  /* sealed memfd: guest kernel */
	FD_INITRD,  /* sealed memfd: guest image */
	FD_QMP,	    /* QEMU's monitor protocol, or /dev/null */
	FD_MEMORY,  /* memfd: the VM's memory, or /dev/null */
	FD_SAVED,   /* sealed memfd: a template's device state; of a cold
		       machine with a disk that, for reading; or /dev/null */
	FD_QEMU,    /* sealed memfd: our QEMU; /dev/null: the host's is run */
	FD_OBSERVE, /* channel on which others tell what they did */
	FD_CURSOR,  /* one small file of its own, or /dev/null */
	FD_GATE,    /* sealed memfd: the latches, as the monitor sets them */
	FD_NETD,    /* channel to netd */
	FD_VAULT,   /* channel to the vault, for one secret */
	FD_ROLE_MAX
};

enum { GRAPH_FDS = 8, GRAPH_FD_BASE = 3 };

/* The rule of two: no row sets more than one of the first three. */
enum rights {
	RIGHT_HOSTILE = 1 << 0, /* parses bytes that an attacker wrote */
	RIGHT_SECRET = 1 << 1,	/* holds secrets or policy state */
	RIGHT_NETWORK = 1 << 2, /* can reach a network */
	RIGHT_FILES = 1 << 3,	/* works in the directories it was given */
	RIGHT_SOCKETS = 1 << 5, /* makes sockets of a network: stays in that of
				   the host */
	RIGHT_PEERS = 1 << 4,	/* asks for the uids of its peers: a user
				   namespace of its own would hide them */
};

struct proc_row {
	const char *name; /* "broker": the binary is bulkhead-broker */
	unsigned rights;  /* enum rights */
	enum fd_role fds[GRAPH_FDS];
	bool more_fds; /* is given more channels while it runs */
	/* Which go first when the host runs out of memory, 0 to 1000: VMs, then
	 * what parses, and what keeps the state last of all. */
	unsigned oom;
	struct bpf_filter filter; /* the system calls it keeps */
};

/* The table; index is enum proc. */
const struct proc_row *graph_row(enum proc p);

/* The fd number of a role in a process, -1 if it is not given one. */
int graph_fd(enum proc p, enum fd_role role);

const char *fd_role_name(enum fd_role role);

#endif
