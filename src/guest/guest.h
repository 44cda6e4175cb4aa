/*
 * guest: what the parts of init share.
 *
 * init is PID 1 of every guest: it alone holds the wire, and it is root so
 * that it can put everything else out of the workload's reach. Nothing that it
 * does is worth retrying: whatever goes wrong, the guest switches itself off.
 */
#ifndef GUEST_GUEST_H
#define GUEST_GUEST_H

#include <sys/types.h>

#include "guest/sys.h"
#include "proto/wire.h"

enum {
	/* the device is there after some 100 ms even under emulation */
	GUEST_PORT_WAIT_MS = 30'000,
	/* from the port to HELLO: each read */
	GUEST_HELLO_WAIT_MS = 60'000,
	/* how long EXIT may take to reach a host that does not hang up */
	GUEST_LINGER_MS = 1'000,
	/* what one workload may log in all; the rest is read and dropped */
	GUEST_LOG_TOTAL = 64 << 10,
	GUEST_UID = 1000,
};

/* ---- workload.c: the table of what can be started */

struct workload {
	const char *path; /* also its argv[0] */
	const char *const *env;
	struct bpf_prog filter;
	enum wire_service service; /* whose DATA and END are its fd 3 */
	/*
	 * The probe of the kernel: no seccomp and no Landlock, /proc, /sys and
	 * /dev left there read-only, because it is to see what the kernel
	 * refuses, not the jail.
	 */
	bool bare;
	uint64_t address_space, data; /* bytes */
	uint64_t cpu_s;
	uint64_t processes;
};

/* NULL for a number that is none. */
const struct workload *workload_find(unsigned int which);

/* ---- mounts.c */

/* /dev, and /dev/null as descriptors 0, 1 and 2. 0 or -errno. */
[[nodiscard]] int mounts_early(void);

/*
 * After this there is nothing but the image's own files, read-only; bare: and
 * /dev, /proc and /sys, read-only too. 0 or -errno.
 */
[[nodiscard]] int mounts_seal(bool bare);

/* ---- port.c: the wire's descriptor */

struct port {
	int fd; /* owned, nonblocking */
	struct wire_in in;
	uint8_t chunk[LIMIT_WIRE_FRAME]; /* bytes as read */
	struct span rest;		 /* of chunk, not yet parsed */
};

/*
 * Waits, at most GUEST_PORT_WAIT_MS and without polling, until the device is
 * there and the host has its end open. 0 or -errno.
 */
[[nodiscard]] int port_open(struct port *p);

/* For a descriptor that is open already. 0 or -ENOMEM. */
[[nodiscard]] int port_init(struct port *p, int fd);
void port_done(struct port *p);

/*
 * The next whole frame out of what has been read so far, else of one more
 * read. 1 and the frame (borrowed until the next call), 0: nothing yet;
 * -EPIPE: the host has hung up; -EPROTO: it does not speak the protocol.
 */
[[nodiscard]] int port_next(struct port *p, struct wire_frame *ret);

/* Writes what goes now, and drops that from the buffer. 0 or -errno. */
[[nodiscard]] int port_flush(struct port *p, struct buf *b);

/* Writes all of it. 0 or -errno (-EPIPE: the host has hung up). */
[[nodiscard]] int port_send(struct port *p, struct buf *b);

/* ---- handshake.c */

/*
 * Takes the host's HELLO, reseeds, sets the clock, answers with the ACK and
 * forgets the key. 0 and the workload that the host wants, or -errno.
 */
[[nodiscard]] int handshake(struct port *p, uint8_t *ret_workload);

/* ---- jail.c */

/*
 * In the child that becomes the workload: takes everything away and executes
 * it, with fds 0 and 1 as they are, log_fd as 2 and sock_fd as 3, nothing
 * else. *status_fd may move; it closes itself when the program starts.
 * Returns only on failure: -errno, and in *step what it was doing.
 */
int jail_exec(const struct workload *w, int sock_fd, int log_fd, int *status_fd,
	      const char **step);

/* ---- relay.c */

struct relay {
	struct port *port;
	int sock;  /* the workload's, nonblocking, owned */
	int log;   /* its stderr, nonblocking, owned */
	int pidfd; /* owned */
	pid_t pid;
	enum wire_service service;
};

/*
 * Moves bytes between port and workload until the workload has ended, and its
 * last byte and its EXIT are sent. 0, or -EPIPE: the host hung up; -EPROTO:
 * the host broke the protocol; other -errno. Closes its descriptors.
 */
[[nodiscard]] int relay_run(struct relay *r);

/* ---- init.c */

/* A line on the kernel's console, for whoever gave the VM one. */
void note(const char *what, int err);

#endif
