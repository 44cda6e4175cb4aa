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
enum { HANDSHAKE_MS = 30000 };

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

#define CLEAN_ENDS __attribute__((cleanup(ends_done)))

static int ends_of_channel(struct ends *e, struct err *err)
{
	int pair[2];
	int r = chan_pair(pair);

	if (r < 0)
		return err_set(err, r, "channel: %s", strerror(-r));
	*e = (struct ends){ pair[0], pair[1] };
	return 0;
}

static int ends_of_wire(struct ends *e, struct err *err)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_set(err, -errno, "wire: %s", strerror(errno));
	*e = (struct ends){ pair[0], pair[1] };
	return 0;
}

static int start_vmm(const struct vm_launch *l, int wire, int null_fd,
		     struct vm_procs *v, struct err *err)
{
	char spec[VM_SPEC_TEXT];
	const char *const args[] = { spec, NULL };
	struct spawn s = {
		.proc = PROC_VMM,
		.libexec = l->libexec,
		.fds = { wire, l->console_fd >= 0 ? l->console_fd : null_fd,
			 l->images->kernel_fd,
			 l->images->initrd_fd[l->workload] },
		.args = args,
	};

	if (vm_spec_format(spec, sizeof(spec), &l->spec) < 0)
		return err_set(err, -EINVAL, "%s: sizes out of bounds",
			       l->name);
	v->vmm = spawn_process(&s, &v->vmm_pidfd, err);
	return v->vmm < 0 ? (int)v->vmm : 0;
}

static int start_porter(const struct vm_launch *l, const int fds[3],
			int null_fd, struct vm_procs *v, struct err *err)
{
	struct spawn s = {
		.proc = PROC_PORTER,
		.libexec = l->libexec,
		.fds = { fds[0], fds[1], fds[2],
			 l->item_fd >= 0 ? l->item_fd : null_fd },
	};

	v->porter = spawn_process(&s, &v->porter_pidfd, err);
	return v->porter < 0 ? (int)v->porter : 0;
}

/* The porter's first message: who it is, what it serves, for how long. */
static int send_hello(const struct vm_launch *l, int fd, uint64_t start_us,
		      struct err *err)
{
	struct msg m = { .type = MSG_HELLO, .ids = l->ids };
	struct chan c;
	char words[128];
	int dup_fd, r;

	if (str_printf(words, sizeof(words),
		       "workload=%s deadline_ms=%llu handshake_ms=%llu "
		       "start_us=%llu",
		       vm_workload_name(l->workload),
		       (unsigned long long)l->deadline_ms,
		       (unsigned long long)(l->deadline_ms < HANDSHAKE_MS
						    ? l->deadline_ms
						    : HANDSHAKE_MS),
		       (unsigned long long)start_us) < 0)
		return err_set(err, -EINVAL, "%s: hello too long", l->name);
	m.hello.name = span_str(l->name);
	m.hello.arg = span_str(words);
	dup_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (dup_fd < 0)
		return err_set(err, -errno, "hello: %s", strerror(errno));
	r = chan_init(&c, dup_fd);
	if (r == 0)
		r = chan_send(&c, &m, NULL, 0);
	chan_done(&c);
	return r < 0 ? err_set(err, r, "hello: %s", strerror(-r)) : 0;
}

static int launch(const struct vm_launch *l, struct vm_procs *v,
		  struct err *err)
{
	CLEAN_FD int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	CLEAN_ENDS struct ends wire = { -1, -1 };
	CLEAN_ENDS struct ends monitor = { -1, -1 };
	CLEAN_ENDS struct ends broker = { -1, -1 };
	uint64_t start_us = now_us();
	int r;

	if (null_fd < 0)
		return err_set(err, -errno, "/dev/null: %s", strerror(errno));
	r = ends_of_wire(&wire, err);
	if (r == 0)
		r = ends_of_channel(&monitor, err);
	if (r == 0)
		r = ends_of_channel(&broker, err);
	if (r == 0)
		r = start_vmm(l, wire.theirs, null_fd, v, err);
	if (r == 0)
		r = start_porter(l,
				 (const int[]){ monitor.theirs, broker.theirs,
						wire.ours },
				 null_fd, v, err);
	if (r == 0)
		r = send_hello(l, monitor.ours, start_us, err);
	if (r < 0)
		return r;
	v->monitor_fd = take_fd(&monitor.ours);
	v->broker_fd = take_fd(&broker.ours);
	return 0;
}

int vm_launch(const struct vm_launch *l, struct vm_procs *ret, struct err *err)
{
	struct vm_procs v = { -1, -1, -1, -1, -1, -1 };
	int r;

	if (!vm_workload_name(l->workload) ||
	    l->images->initrd_fd[l->workload] < 0)
		return err_set(err, -EINVAL, "%s: no image of this kind",
			       l->name);
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

void vm_end(struct vm_procs *v)
{
	end_process(&v->vmm, &v->vmm_pidfd);
	end_process(&v->porter, &v->porter_pidfd);
	fd_close(&v->monitor_fd);
	fd_close(&v->broker_fd);
}
