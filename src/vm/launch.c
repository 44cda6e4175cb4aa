/* launch: see launch.h. */
#include "vm/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/str.h"
#include "privsep/chan.h"
#include "privsep/spawn.h"

/* A boot takes a second, an emulated one on a busy machine several. */
enum { HANDSHAKE_MS = 30000, LOG_IDS = 32 };

/* Two connected ends with names, so that each closes itself on error. */
struct ends {
	int ours;
	int theirs;
};

static void ends_done(struct ends *e)
{
	fd_close(&e->ours);
	fd_close(&e->theirs);
}

static int ends_of_channel(struct ends *e, struct err *err)
{
	int pair[2];
	int r = chan_pair(pair);

	if (r < 0)
		return err_set(err, r, "channel: %s", strerror(-r));
	*e = (struct ends){ pair[0], pair[1] };
	return 0;
}

static int ends_of_stream(struct ends *e, const char *what, struct err *err)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_set(err, -errno, "%s: %s", what, strerror(errno));
	*e = (struct ends){ pair[0], pair[1] };
	return 0;
}

/* All that the two processes of one VM are given. */
struct parts {
	int null_fd;
	int saved_fd;
	struct ends wire, qmp, monitor, broker;
};

static void parts_done(struct parts *p)
{
	fd_close(&p->null_fd);
	fd_close(&p->saved_fd);
	ends_done(&p->wire);
	ends_done(&p->qmp);
	ends_done(&p->monitor);
	ends_done(&p->broker);
}

#define CLEAN_PARTS __attribute__((cleanup(parts_done)))

/* A file position of its own: QEMU reads the state from where it stands. */
static int open_saved(int fd, struct err *err)
{
	char path[64];
	int r;

	(void)str_printf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = open(path, O_RDONLY | O_CLOEXEC);
	return r < 0 ? err_set(err, -errno, "saved state: %s", strerror(errno))
		     : r;
}

/* A clone whose QEMU needs nobody to load its state; one that waits does so on
 * QMP, loaded and running but for that. */
static bool is_alone(const struct vm_launch *l)
{
	return l->spec.start == VM_CLONE && l->park != VM_PARK_WAITING &&
	       l->images->qemu_fd >= 0;
}

static int make_parts(const struct vm_launch *l, struct parts *p,
		      struct err *err)
{
	int r;

	p->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (p->null_fd < 0)
		return err_set(err, -errno, "/dev/null: %s", strerror(errno));
	r = ends_of_stream(&p->wire, "wire", err);
	if (r == 0)
		r = ends_of_channel(&p->monitor, err);
	if (r == 0)
		r = ends_of_channel(&p->broker, err);
	if (r == 0 && l->spec.start != VM_COLD && !is_alone(l))
		r = ends_of_stream(&p->qmp, "qmp", err);
	if (r == 0 && l->spec.start == VM_CLONE) {
		p->saved_fd = open_saved(l->saved_fd, err);
		r = p->saved_fd < 0 ? p->saved_fd : 0;
	}
	return r;
}

static int or_null(const struct parts *p, int fd)
{
	return fd >= 0 ? fd : p->null_fd;
}

/* The log lines of a VM's processes are about it: "vm=17" of "vm-17". */
static const char *log_ids(const struct vm_launch *l, char dst[LOG_IDS])
{
	bool numbered = !strncmp(l->name, "vm-", 3);

	return str_printf(dst, LOG_IDS, "vm=%s", l->name + (numbered ? 3 : 0)) <
			       0
		       ? NULL
		       : dst;
}

/* Kernel and image of a clone are in its memory. */
static int start_vmm(const struct vm_launch *l, const struct parts *p,
		     struct vm_procs *v, struct err *err)
{
	bool clone = l->spec.start == VM_CLONE;
	int memory = l->spec.start == VM_COLD ? -1 : l->memory_fd;
	int image = clone ? -1 : l->images->initrd_fd[l->workload];
	int kernel = clone	  ? -1
		     : l->disk_fd ? l->images->blk_kernel_fd
				  : l->images->kernel_fd;
	struct vm_spec told = l->spec;
	char spec[VM_SPEC_TEXT], ids[LOG_IDS];
	const char *const args[] = { spec, NULL };
	struct spawn s = {
		.proc = PROC_VMM,
		.libexec = l->libexec,
		.fds = { p->wire.theirs, or_null(p, l->console_fd),
			 or_null(p, kernel), or_null(p, image),
			 or_null(p, p->qmp.theirs), or_null(p, memory),
			 l->disk_fd ? l->disk_fd : or_null(p, p->saved_fd),
			 or_null(p, l->images->qemu_fd) },
		.args = args,
		.ids = log_ids(l, ids),
		.more_fds = l->cgroup_fds,
		.n_more_fds = l->n_cgroup_fds,
	};

	told.own_qemu = l->images->qemu_fd >= 0;
	told.alone = is_alone(l);
	told.disk = l->disk_fd != 0;
	told.groups = (uint32_t)l->n_cgroup_fds;
	if (vm_spec_format(spec, sizeof(spec), &told) < 0)
		return err_set(err, -EINVAL, "%s: sizes out of bounds",
			       l->name);
	v->vmm = spawn_process(&s, &v->vmm_pidfd, err);
	return v->vmm < 0 ? (int)v->vmm : 0;
}

static int start_porter(const struct vm_launch *l, const struct parts *p,
			struct vm_procs *v, struct err *err)
{
	char ids[LOG_IDS];
	struct spawn s = {
		.proc = PROC_PORTER,
		.libexec = l->libexec,
		.fds = { p->monitor.theirs, p->broker.theirs, p->wire.ours,
			 or_null(p, p->qmp.ours) },
		.ids = log_ids(l, ids),
		.more_fds = l->cgroup_fds,
		.n_more_fds = l->n_cgroup_fds,
	};

	v->porter = spawn_process(&s, &v->porter_pidfd, err);
	return v->porter < 0 ? (int)v->porter : 0;
}

/* A template is nothing but handshake, with a deadline made for that. */
static uint64_t handshake_ms(const struct vm_launch *l)
{
	return l->spec.start == VM_TEMPLATE || l->deadline_ms < HANDSHAKE_MS
		       ? l->deadline_ms
		       : HANDSHAKE_MS;
}

/* The porter's first message: who it is, what it serves, for how long. */
static int send_hello(const struct vm_launch *l, int fd, uint64_t start_us,
		      struct err *err)
{
	struct msg m = { .type = MSG_HELLO, .ids = l->ids };
	struct msg tap = { .type = MSG_TAP, .ids = l->ids };
	struct chan c;
	size_t i;
	char words[512];
	int dup_fd, r;

	if (str_printf(words, sizeof(words),
		       "workload=%s deadline_ms=%llu handshake_ms=%llu "
		       "start_us=%llu start=%s park=%s alone=%d groups=%zu%s%s",
		       vm_workload_name(l->workload),
		       (unsigned long long)l->deadline_ms,
		       (unsigned long long)handshake_ms(l),
		       (unsigned long long)start_us,
		       vm_start_name(l->spec.start), vm_park_name(l->park),
		       is_alone(l), l->n_cgroup_fds,
		       l->model && *l->model ? " " : "",
		       l->model ? l->model : "") < 0)
		return err_set(err, -EINVAL, "%s: hello too long", l->name);
	m.hello.name = span_str(l->name);
	m.hello.arg = span_str(words);
	dup_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (dup_fd < 0)
		return err_set(err, -errno, "hello: %s", strerror(errno));
	r = chan_init(&c, dup_fd);
	for (i = 0; r == 0 && i < l->n_tap_fds; i++)
		r = chan_send(&c, &tap, &l->tap_fds[i], 1);
	if (r == 0)
		r = chan_send(&c, &m, NULL, 0);
	chan_done(&c);
	return r < 0 ? err_set(err, r, "hello: %s", strerror(-r)) : 0;
}

static int launch(const struct vm_launch *l, struct vm_procs *v,
		  struct err *err)
{
	static const struct ends none = { -1, -1 };
	CLEAN_PARTS struct parts p = { -1, -1, none, none, none, none };
	uint64_t start_us = now_us();
	int r = make_parts(l, &p, err);

	if (r == 0)
		r = start_vmm(l, &p, v, err);
	if (r == 0)
		r = start_porter(l, &p, v, err);
	if (r == 0)
		r = send_hello(l, p.monitor.ours, start_us, err);
	if (r < 0)
		return r;
	v->monitor_fd = take_fd(&p.monitor.ours);
	v->broker_fd = take_fd(&p.broker.ours);
	return 0;
}

static int check(const struct vm_launch *l, struct err *err)
{
	if (!vm_workload_name(l->workload) ||
	    (l->spec.start != VM_CLONE &&
	     l->images->initrd_fd[l->workload] < 0))
		return err_set(err, -EINVAL, "%s: no image of this kind",
			       l->name);
	if (l->disk_fd && l->images->blk_kernel_fd < 0)
		return err_set(err, -EINVAL, "%s: no kernel with a disk",
			       l->name);
	if ((l->spec.start != VM_COLD && l->memory_fd < 0) ||
	    (l->spec.start == VM_CLONE && l->saved_fd < 0) ||
	    (l->spec.start != VM_CLONE && l->park != VM_PARK_NONE))
		return err_set(err, -EINVAL, "%s: nothing to clone", l->name);
	return 0;
}

int vm_launch(const struct vm_launch *l, struct vm_procs *ret, struct err *err)
{
	struct vm_procs v = { -1, -1, -1, -1, -1, -1 };
	int r = check(l, err);

	if (r == 0)
		r = launch(l, &v, err);
	if (r < 0) {
		vm_end(&v);
		return r;
	}
	*ret = v;
	return 0;
}

/* SIGKILL and reap; QEMU dies with bulkhead-vmm, by its parent death signal. */
static void end_process(pid_t *pid, int *pidfd)
{
	if (*pid > 0 && *pidfd >= 0) {
		(void)syscall(SYS_pidfd_send_signal, *pidfd, SIGKILL, NULL, 0);
		while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	*pid = -1;
	fd_close(pidfd);
}

/* The porter first: it would take the machine's end for a fault. */
/* bulkhead-vmm has one child, the machine. It is stopped itself before, so its
 * child is not reaped and keeps its number. */
static int stop_machine(pid_t vmm)
{
	char path[64], text[64];
	CLEAN_FD int fd = -1;
	uint64_t pid;
	ssize_t n;

	(void)str_printf(path, sizeof(path), "/proc/%d/task/%d/children",
			 (int)vmm, (int)vmm);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = fd_read_all(fd, text, sizeof(text));
	while (n > 0 && text[n - 1] == ' ')
		n--;
	if (n <= 0 ||
	    num_parse(span_of(text, (size_t)n), 2, INT32_MAX, &pid) < 0)
		return -ESRCH;
	return kill((pid_t)pid, SIGSTOP) < 0 ? -errno : 0;
}

int vm_freeze(const struct vm_procs *v)
{
	if (syscall(SYS_pidfd_send_signal, v->porter_pidfd, SIGKILL, NULL, 0) <
		    0 ||
	    syscall(SYS_pidfd_send_signal, v->vmm_pidfd, SIGSTOP, NULL, 0) < 0)
		return -errno;
	return stop_machine(v->vmm);
}

void vm_end(struct vm_procs *v)
{
	end_process(&v->porter, &v->porter_pidfd);
	end_process(&v->vmm, &v->vmm_pidfd);
	fd_close(&v->monitor_fd);
	fd_close(&v->broker_fd);
}
