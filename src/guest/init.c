/*
 * init: PID 1 of every guest: takes the host's HELLO, starts the one workload
 * of this image in its jail, relays its bytes, and switches the machine off.
 * In a template it does so twice: what it is when the first host has gone away
 * is what is copied, and each copy gets a HELLO of its own.
 *
 * SECURITY: runs as root in the guest and alone has the wire open. It reads
 * the host's frames, which it trusts but checks, and the workload's bytes,
 * which it does not trust and only copies. There is no shell, no way to start
 * anything else, and no state to come back to: every error ends the guest.
 * The random device is open before anything else, and in no process but this
 * one, since no device can be opened when a copy has to be reseeded.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "guest/guest.h"

static int kmsg_fd = -1;

void note(const char *what, int err)
{
	char line[200];
	int n = str_printf(line, sizeof(line), "<3>bulkhead init: %s (%d)\n",
			   what, err);

	if (n > 0)
		(void)!write(kmsg_fd, line, (size_t)n);
}

/* QEMU is started with -no-reboot: a reset ends it, and needs no ACPI. */
static _Noreturn void guest_off(void)
{
	(void)reboot(RB_AUTOBOOT);
	(void)reboot(RB_POWER_OFF);
	for (;;)
		(void)pause();
}

static void must(const char *what, int r)
{
	if (r >= 0)
		return;
	note(what, r);
	guest_off();
}

/* What the child says on its way out, should it not become the workload. */
static _Noreturn void child(const struct workload *w, int sock, int model,
			    int log, int status)
{
	const char *step = "";
	char line[100];
	int r = jail_exec(w, sock, model, log, &status, &step);
	int n = str_printf(line, sizeof(line), "jail: %s (%d)", step, r);

	if (n > 0)
		(void)!write(status, line, (size_t)n);
	_exit(127);
}

/* True if the child has become the workload; else its last words are noted. */
static bool child_started(int status)
{
	char line[100];
	ssize_t n = fd_read_all(status, line, sizeof(line) - 1);

	if (n <= 0)
		return n == 0;
	line[n] = 0;
	note(line, 0);
	return false;
}

/* A door keeps the bounds of what passes, a stream does not. */
static int fd3_pair(const struct workload *w, int ret[2])
{
	int type = w->service == WIRE_READER ? SOCK_SEQPACKET : SOCK_STREAM;

	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ret) < 0)
		return -errno;
	return 0;
}

static int work_start(struct work *k)
{
	int sock[2], model[2] = { -1, -1 }, log[2], status[2];
	int r = fd3_pair(k->w, sock);

	if (r < 0)
		return r;
	if (k->w->model &&
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, model) < 0)
		return -errno;
	if (pipe2(log, O_CLOEXEC) < 0 || pipe2(status, O_CLOEXEC) < 0)
		return -errno;
	k->pid = fork();
	if (k->pid < 0)
		return -errno;
	if (k->pid == 0)
		child(k->w, sock[1], k->w->disk ? k->disk : model[1], log[1],
		      status[1]);
	fd_close(&model[1]);
	fd_close(&k->disk);
	(void)close(sock[1]);
	(void)close(log[1]);
	(void)close(status[1]);
	k->sock = sock[0];
	k->model = model[0];
	k->log = log[0];
	k->pidfd = (int)syscall(SYS_pidfd_open, k->pid, 0);
	if (k->pidfd < 0)
		return -errno;
	if (!child_started(status[0]))
		return -ECHILD;
	(void)close(status[0]);
	if (fd_nonblock(k->sock, true) < 0 || fd_nonblock(k->log, true) < 0 ||
	    (k->model >= 0 && fd_nonblock(k->model, true) < 0))
		return -EIO;
	return 0;
}

/*
 * Switching off at once could overtake EXIT in the host's queues, so give the
 * host the time to take it and hang up; there is no way to see it taken.
 */
static void linger(const struct port *p)
{
	struct pollfd pfd = { .fd = p->fd };

	(void)poll(&pfd, 1, GUEST_LINGER_MS);
}

/* What main() has got together. */
struct guest {
	struct port port;
	int random_fd;
	enum wire_workload which; /* 0: no host has said yet */
	struct work work;
};

/* Once: what the host wants is looked up, and the guest closed behind it. */
static void settle(struct guest *g, const struct order *o)
{
	if (g->which) {
		must("another workload", g->which == o->workload ? 0 : -EPROTO);
		return;
	}
	g->which = o->workload;
	g->work.w = workload_find(o->workload);
	must("workload", g->work.w ? 0 : -ENOENT);
	if (g->work.w->disk) {
		g->work.disk = open("/dev/vda", O_RDONLY | O_CLOEXEC);
		must("disk", g->work.disk < 0 ? -errno : 0);
	}
	if (g->work.w->doors)
		must("doors", doors_open("/run/bulkhead", g->work.doors));
	must("sealing", mounts_seal(g->work.w->bare));
}

/*
 * A planner starts in the copy, with nothing that two copies share; a reader
 * starts in the template, since its start is what is saved, and draws its own
 * secrets anew (base/fresh.h).
 */
static bool start_is_due(const struct guest *g, const struct order *o)
{
	return !g->work.pid &&
	       (!o->template || g->work.w->service == WIRE_READER);
}

static int session(struct guest *g)
{
	struct order o = { 0 };
	struct relay relay = { .port = &g->port, .work = &g->work };
	int r;

	must("handshake", handshake(&g->port, g->random_fd, &o));
	settle(g, &o);
	if (start_is_due(g, &o))
		must("start", work_start(&g->work));
	relay.which = o.workload;
	relay.template = o.template;
	r = relay_run(&relay);
	must("relay", r);
	return r;
}

int main(void)
{
	static struct guest g = { .work = { .pidfd = -1,
					    .log = -1,
					    .sock = -1,
					    .spare = -1,
					    .model = -1,
					    .disk = -1,
					    .doors = { -1, -1 } } };

	if (getpid() != 1)
		return 1;
	must("mounts", mounts_early());
	kmsg_fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	(void)prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL);
	g.random_fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
	must("random", g.random_fd < 0 ? -errno : 0);
	must("port", port_open(&g.port));
	while (session(&g) == RELAY_AWAY)
		;
	linger(&g.port);
	guest_off();
}
