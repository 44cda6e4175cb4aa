/*
 * init: PID 1 of every guest: takes the host's HELLO, starts the one workload
 * of this image in its jail, relays its bytes, and switches the machine off.
 *
 * SECURITY: runs as root in the guest and alone has the wire open. It reads
 * the host's frames, which it trusts but checks, and the workload's bytes,
 * which it does not trust and only copies. There is no shell, no way to start
 * anything else, and no state to come back to: every error ends the guest.
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
static _Noreturn void child(const struct workload *w, int sock, int log,
			    int status)
{
	const char *step = "";
	char line[100];
	int r = jail_exec(w, sock, log, &status, &step);
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

static int workload_start(const struct workload *w, struct relay *r)
{
	int sock[2], log[2], status[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock) < 0 ||
	    pipe2(log, O_CLOEXEC) < 0 || pipe2(status, O_CLOEXEC) < 0)
		return -errno;
	r->pid = fork();
	if (r->pid < 0)
		return -errno;
	if (r->pid == 0)
		child(w, sock[1], log[1], status[1]);
	(void)close(sock[1]);
	(void)close(log[1]);
	(void)close(status[1]);
	r->sock = sock[0];
	r->log = log[0];
	r->service = w->service;
	r->pidfd = (int)syscall(SYS_pidfd_open, r->pid, 0);
	if (r->pidfd < 0)
		return -errno;
	if (!child_started(status[0]))
		return -ECHILD;
	(void)close(status[0]);
	if (fd_nonblock(r->sock, true) < 0 || fd_nonblock(r->log, true) < 0)
		return -EIO;
	return 0;
}

static int ready_send(struct port *p)
{
	CLEAN_BUF struct buf out;

	buf_init(&out, WIRE_HEAD);
	wire_put(&out, WIRE_READY, WIRE_CONTROL, span_of(NULL, 0));
	return port_send(p, &out);
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

int main(void)
{
	static struct port port;
	struct relay relay = { .port = &port, .sock = -1, .log = -1 };
	const struct workload *w;
	uint8_t which = 0;

	if (getpid() != 1)
		return 1;
	must("mounts", mounts_early());
	kmsg_fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	(void)prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL);
	must("port", port_open(&port));
	must("handshake", handshake(&port, &which));
	w = workload_find(which);
	must("workload", w ? 0 : -ENOENT);
	must("sealing", mounts_seal(w->bare));
	must("start", workload_start(w, &relay));
	must("ready", ready_send(&port));
	must("relay", relay_run(&relay));
	linger(&port);
	guest_off();
}
