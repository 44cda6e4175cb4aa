/*
 * graph: see graph.h. The filters are made at build time from the #syscalls
 * comments beside the functions that need them (tools/seccomp.sh, bpfgen.c).
 */
#include "privsep/graph.h"

#include <assert.h>

#include "base/span.h"
#include "privsep/filters.h"

#define FILTER(name)                                                           \
	{                                                                      \
		filter_##name, ARRAY_SIZE(filter_##name)                       \
	}

static const struct proc_row rows[] = {
	/* Starts everything, owns the kill; reads no content. It forks, so it
	 * has no seccomp list of its own yet: see SECURITY.md. */
	[PROC_MONITOR] = { "monitor",
			   RIGHT_FILES,
			   { FD_NONE },
			   true,
			   0,
			   { NULL, 0 } },
	[PROC_CONTROL] = { "control",
			   RIGHT_PEERS,
			   { FD_MONITOR, FD_BROKER, FD_LISTEN },
			   true,
			   200,
			   FILTER(control) },
	[PROC_BROKER] = { "broker",
			  RIGHT_SECRET,
			  { FD_MONITOR, FD_AUDIT, FD_CONTROL, FD_POLICY,
			    FD_STORE, FD_GATE },
			  true,
			  100,
			  FILTER(broker) },
	[PROC_AUDITD] = { "auditd",
			  RIGHT_SECRET | RIGHT_FILES,
			  { FD_MONITOR, FD_BROKER, FD_DIR, FD_STATE },
			  false,
			  0,
			  FILTER(auditd) },
	/* The queue holds raw mail, as bytes that it never looks into. */
	[PROC_STORE] = { "store",
			 RIGHT_SECRET | RIGHT_FILES,
			 { FD_MONITOR, FD_BROKER, FD_DIR },
			 false,
			 0,
			 FILTER(store) },
	/* Of the audit log it has the bundles of records, not the key. The
	 * sockets that it has a network by are made by the monitor. */
	[PROC_TELEMETRY] = { "telemetry",
			     RIGHT_NETWORK | RIGHT_PEERS | RIGHT_FILES,
			     { FD_MONITOR, FD_OBSERVE, FD_LISTEN, FD_DIR,
			       FD_CURSOR },
			     true,
			     800,
			     FILTER(telemetry) },
	[PROC_ENVELOPE] = { "envelope",
			    RIGHT_HOSTILE,
			    { FD_BROKER, FD_ITEM },
			    false,
			    700,
			    FILTER(envelope) },
	[PROC_CONNECTOR] = { "connector",
			     RIGHT_FILES,
			     { FD_MONITOR, FD_BROKER, FD_DIR, FD_STATE,
			       FD_GATE },
			     false,
			     300,
			     FILTER(connector) },
	/* Its files come as descriptors from the monitor. */
	[PROC_VAULT] = { "vault",
			 RIGHT_SECRET,
			 { FD_MONITOR },
			 true,
			 0,
			 FILTER(vault) },
	[PROC_NETD] = { "netd",
			RIGHT_NETWORK | RIGHT_SOCKETS,
			{ FD_MONITOR },
			true,
			300,
			FILTER(netd) },
	/* One account. It has no network but the sockets that netd connects
	 * for it, and looks at no content. */
	[PROC_ONLINE] = { "online",
			  RIGHT_SECRET | RIGHT_FILES,
			  { FD_MONITOR, FD_BROKER, FD_NETD, FD_VAULT, FD_STATE,
			    FD_GATE },
			  true,
			  300,
			  FILTER(online) },
	[PROC_PORTER] = { "porter",
			  RIGHT_HOSTILE,
			  { FD_MONITOR, FD_BROKER, FD_WIRE, FD_QMP },
			  true,
			  700,
			  FILTER(porter) },
	/* The list is of the process that waits once the jail is running. */
	[PROC_VMM] = { "vmm",
		       RIGHT_HOSTILE,
		       { FD_WIRE, FD_CONSOLE, FD_KERNEL, FD_INITRD, FD_QMP,
			 FD_MEMORY, FD_SAVED, FD_QEMU },
		       false,
		       900,
		       FILTER(vmm) },
};

static_assert(ARRAY_SIZE(rows) == PROC_MAX, "a row per process");

const struct proc_row *graph_row(enum proc p)
{
	return &rows[p];
}

int graph_fd(enum proc p, enum fd_role role)
{
	int i;

	for (i = 0; i < GRAPH_FDS; i++)
		if (rows[p].fds[i] == role && role != FD_NONE)
			return GRAPH_FD_BASE + i;
	return -1;
}

const char *fd_role_name(enum fd_role role)
{
	static const char *const names[] = {
		[FD_NONE] = "none",	[FD_MONITOR] = "monitor",
		[FD_AUDIT] = "audit",	[FD_CONTROL] = "control",
		[FD_BROKER] = "broker", [FD_POLICY] = "policy",
		[FD_LISTEN] = "listen", [FD_DIR] = "dir",
		[FD_STATE] = "state",	[FD_ITEM] = "item",
		[FD_WIRE] = "wire",	[FD_CONSOLE] = "console",
		[FD_KERNEL] = "kernel", [FD_INITRD] = "initrd",
		[FD_QMP] = "qmp",	[FD_MEMORY] = "memory",
		[FD_SAVED] = "saved",	[FD_QEMU] = "qemu",
		[FD_STORE] = "store",	[FD_OBSERVE] = "observe",
		[FD_CURSOR] = "cursor", [FD_GATE] = "gate",
		[FD_NETD] = "netd",	[FD_VAULT] = "vault",
	};

	static_assert(ARRAY_SIZE(names) == FD_ROLE_MAX, "a name per role");
	return role < FD_ROLE_MAX ? names[role] : "unknown";
}
