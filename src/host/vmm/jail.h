/*
 * jail: runs one program with nothing around it: own user, mount, pid, net,
 * ipc, uts and cgroup namespaces, a read-only root that holds exactly the
 * files it was given, no capabilities, limits. The same steps as root, where
 * every jail gets an unprivileged uid of its own, and rootless.
 */
#ifndef VMM_JAIL_H
#define VMM_JAIL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "host/vmm/closure.h"
#include "privsep/bpf.h"

enum {
	JAIL_UID_BASE = 0x70000000, /* as root: this plus our pid */
	JAIL_INNER_ID = 1,	    /* the one uid and gid inside */
	JAIL_FIRST_FD = 3,
};

struct jail {
	const struct closure *files;
	const char *const *argv; /* argv[0] is the path inside the jail */
	const char *const *env;	 /* ends with NULL; NULL: no variables */
	/* Instead of a file at argv[0]: the program, above those that stay
	 * open; then nothing else in the jail can be run. 0: none. */
	int program_fd;
	/* What it may call (qemu_filter); NULL: no filter, for the test that
	 * shows what the other layers hold alone. */
	const struct bpf_filter *filter;
	unsigned n_fds; /* 3 to 3 + n_fds - 1 stay open, with 0 to 2 */
	int hold_fd; /* one of them: the program is run once that is readable;
			0: at once */
	bool kvm;    /* /dev/kvm is in it */
	uint64_t max_file;    /* RLIMIT_FSIZE: memory is a file too */
	uint64_t max_data;    /* RLIMIT_DATA: private memory; 0: no limit */
	uint32_t max_threads; /* RLIMIT_NPROC */
	uint64_t max_cpu_s;   /* RLIMIT_CPU */
};

struct jail_proc {
	pid_t pid;
	int pidfd;     /* owned */
	int stderr_fd; /* owned: what the program says, foreign bytes */
	int sync_fd;   /* owned: ends when a held program is run, or says why it
			  was not; -1: none is held */
	uid_t uid;     /* of the jail, as the caller names it; 0 if rootless */
};

/*
 * Starts the program; returns when it was exec'd, or where it is held, when
 * all but the filter and the exec is done. Must be called by a process
 * with one thread, before it gives up its rights; rootless, the caller is in
 * a user namespace of its own afterwards. 0, or -errno with the step that
 * failed and what to do about it; nothing is left behind then.
 */
[[nodiscard]] int jail_start(const struct jail *j, struct jail_proc *ret,
			     struct err *err);

/*
 * What is left of the caller after jail_start: the jail's uid (so that it can
 * still kill it) and no capabilities. No Landlock: its newest form would
 * forbid that signal.
 */
[[nodiscard]] int jail_leave_rights(const struct jail_proc *p, struct err *err);

/* SIGKILL. 0 or -errno; the end of the caller kills it in any case. */
[[nodiscard]] int jail_kill(const struct jail_proc *p);

#endif
