/*
 * bulkhead-vmm: one virtual machine in its jail, from start to end.
 *
 * SECURITY. Reads its own argument and, once QEMU runs, what QEMU says on
 * stderr, which is foreign (a guest may own QEMU): cut, escaped and logged.
 * Trusts the monitor (its argument and descriptors) and the host's installed
 * QEMU files. QEMU gets the descriptors of the row and nothing else: the wire,
 * the console, kernel and image; a template its memory and its porter's QMP, a
 * clone the same, its memory sealed. Nothing in the jail is worth stealing.
 * Rights: until the jail stands, those to make namespaces (as root: root's);
 * then none at all but to kill the one process in the jail, under the seccomp
 * list of its row.
 *
 * #syscalls:vmm pidfd_send_signal waitid close
 */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/str.h"
#include "host/vmm/jail.h"
#include "host/vmm/qemu.h"
#include "privsep/graph.h"
#include "privsep/groups.h"
#include "privsep/sandbox.h"

enum {
	STDERR_MAX = 8 << 10, /* of QEMU's words, in all */
	EXTRA_THREADS = 16,   /* QEMU's, beside one for each processor */
	DISK_THREADS = 64,    /* that QEMU reads a disk with, at most */
	EXTRA_CPU_S = 10,
	/* QEMU's own, translated code and stacks; a clone's memory is
	 * private. */
	EXTRA_MIB = 512,
	QEMU_FDS = 7, /* wire, console, kernel, image, QMP, memory, state */
	ROW_FDS = QEMU_FDS + 1, /* and QEMU itself */
};

struct vmm {
	struct vm_spec spec;
	struct closure files;
	struct qemu_args args;
	struct jail_proc jail;
	char line[256];
	size_t line_n;
	size_t heard;
};

static struct vmm vmm;

/* Where its porter speaks to a machine first. */
static int first_word(const struct vm_spec *spec)
{
	return graph_fd(PROC_VMM, spec->alone ? FD_WIRE : FD_QMP);
}

static void start(struct vmm *v, struct err *err)
{
	/* One heap for all threads, which grows in large steps: that of another
	 * thread grows by a page, with a system call for each. */
	static const char *const env[] = {
		"GLIBC_TUNABLES=glibc.malloc.arena_max=1:"
		"glibc.malloc.top_pad=1048576",
		NULL
	};
	struct bpf_filter filter = qemu_filter(&v->spec);
	struct jail j = {
		.files = &v->files,
		.argv = v->args.argv,
		.env = env,
		.filter = &filter,
		.program_fd =
			v->spec.own_qemu ? graph_fd(PROC_VMM, FD_QEMU) : 0,
		.n_fds = QEMU_FDS,
		.hold_fd = v->spec.held_s ? first_word(&v->spec) : 0,
		.kvm = v->spec.backend == VM_QEMU_KVM,
		.max_file = (uint64_t)v->spec.memory_mib << 20,
		.max_data = (uint64_t)(v->spec.memory_mib + EXTRA_MIB) << 20,
		.max_threads = v->spec.cpus + EXTRA_THREADS +
			       (v->spec.disk ? DISK_THREADS : 0),
		.max_cpu_s =
			v->spec.deadline_s * (v->spec.cpus + 1) + EXTRA_CPU_S,
	};
	unsigned i;

	if (qemu_files(&v->spec, &v->files, err) < 0 ||
	    jail_start(&j, &v->jail, err) < 0)
		die("%s", err->msg);
	/* QEMU has just begun to start and knows no foreign byte yet. */
	if (groups_join(PROC_VMM, v->spec.groups, v->jail.pid, err) < 0)
		die("%s", err->msg);
	/* The wire's end must be QEMU's alone, or nobody sees it hang up. */
	for (i = 0; i < ROW_FDS; i++)
		(void)close(JAIL_FIRST_FD + (int)i);
	if (jail_leave_rights(&v->jail, err) < 0 ||
	    sandbox_seccomp(PROC_VMM, err) < 0)
		die("%s", err->msg);
}

static void say(struct vmm *v)
{
	if (v->line_n)
		log_warn("qemu", "text=%.*s", (int)v->line_n, v->line);
	v->line_n = 0;
}

/* Logs what QEMU says, line by line; false when it has closed the pipe. */
static bool listen_to(struct vmm *v)
{
	char chunk[256];
	ssize_t n = read(v->jail.stderr_fd, chunk, sizeof(chunk));
	ssize_t i;

	if (n <= 0 || v->heard > STDERR_MAX)
		return false;
	v->heard += (size_t)n;
	for (i = 0; i < n; i++) {
		if (chunk[i] != '\n')
			v->line[v->line_n++] = chunk[i];
		if (chunk[i] == '\n' || v->line_n == sizeof(v->line))
			say(v);
	}
	return true;
}

/* What was held has become QEMU, or says why not: our own words, escaped by
 * the log all the same. */
static void hear_started(struct vmm *v)
{
	ssize_t n = read(v->jail.sync_fd, v->line, sizeof(v->line));

	fd_close(&v->jail.sync_fd);
	if (n > 0)
		log_warn("held", "%.*s", (int)n, v->line);
}

/* Until the machine ends or its time is over; false for the latter. */
static bool wait_for_end(struct vmm *v)
{
	uint64_t end = now_ms() + v->spec.deadline_s * 1000ull +
		       v->spec.held_s * 1000ull;
	struct pollfd p[] = { { .fd = v->jail.pidfd, .events = POLLIN },
			      { .fd = v->jail.stderr_fd, .events = POLLIN },
			      { .fd = v->jail.sync_fd, .events = POLLIN } };

	for (;;) {
		uint64_t now = now_ms();
		uint64_t left = now < end ? end - now : 0;

		if (left == 0)
			return false;
		(void)poll(p, ARRAY_SIZE(p), left > 60000 ? 60000 : (int)left);
		if (p[2].fd >= 0 && p[2].revents) {
			hear_started(v);
			p[2].fd = -1;
			end = now_ms() + v->spec.deadline_s * 1000ull;
		}
		if (p[1].revents && !listen_to(v))
			p[1].fd = -1;
		else if (p[0].revents)
			return true;
	}
}

static int exit_status(const struct vmm *v, bool in_time)
{
	siginfo_t si = { 0 };

	if (waitid(P_PIDFD, (id_t)v->jail.pidfd, &si, WEXITED) < 0)
		return VM_EXIT_BACKEND;
	if (!in_time)
		return VM_EXIT_DEADLINE;
	if (si.si_code != CLD_EXITED)
		return 128 + si.si_status;
	return si.si_status == 0 ? VM_EXIT_OFF : VM_EXIT_BACKEND;
}

int main(int argc, char **argv)
{
	struct err err = { 0 };
	bool in_time;

	log_init("vmm", LOG_LV_INFO);
	(void)signal(SIGPIPE, SIG_IGN);
	if (argc != 2 || vm_spec_parse(span_str(argv[1]), &vmm.spec) < 0 ||
	    qemu_arguments(&vmm.spec, &vmm.args) < 0)
		die("the argument is no machine specification");
	if (sandbox_basic(&err) < 0 ||
	    close_range(JAIL_FIRST_FD + ROW_FDS + vmm.spec.groups, ~0u, 0) < 0)
		die("%s", err.code ? err.msg : "close_range");
	start(&vmm, &err);
	in_time = wait_for_end(&vmm);
	if (!in_time) {
		log_warn("deadline", "seconds=%u", vmm.spec.deadline_s);
		if (jail_kill(&vmm.jail) < 0)
			return VM_EXIT_DEADLINE; /* which kills it, too */
	}
	say(&vmm);
	return exit_status(&vmm, in_time);
}
