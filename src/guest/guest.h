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
#include "proto/mux.h"

enum {
	/* the device is there after some 100 ms even under emulation */
	GUEST_PORT_WAIT_MS = 30'000,
	/* how long EXIT may take to reach a host that does not hang up */
	GUEST_LINGER_MS = 1'000,
	/* what one workload may log in all; the rest is read and dropped */
	GUEST_LOG_TOTAL = 64 << 10,
	GUEST_UID = 1000,
	GUEST_LINKS = 12, /* streams between host and workload at once */
	GUEST_DOORS = 2,  /* doors.c */
};

/* ---- workload.c: the table of what can be started */

struct workload {
	const char *path; /* also its argv[0] */
	const char *const *env;
	struct bpf_prog filter;
	/*
	 * WIRE_READER: its fd 3 is the door, a SOCK_SEQPACKET socket over
	 * which it gets a connection for each stream that the host opens;
	 * WIRE_MCP: its fd 3 is the one stream of this service.
	 */
	enum wire_service service;
	/* What runs in it reaches the host by the sockets of doors.c, a stream
	 * for each connection, and has no fd 3. */
	bool doors;
	bool model;   /* its fd 4 is a stream of WIRE_LLM */
	bool disk;    /* its fd 4 is the machine's disk, open for reading */
	bool dynamic; /* it may read and execute what is in /lib, too */
	/*
	 * The probe of the kernel: no seccomp and no Landlock, /proc, /sys and
	 * /dev left there read-only, because it is to see what the kernel
	 * refuses, not the jail.
	 */
	bool bare;
	uint64_t address_space, data; /* bytes */
	uint64_t cpu_s;		      /* over all that it serves, warm-up too */
	uint64_t processes;
};

/* NULL for a number that is none. */
const struct workload *workload_find(unsigned int which);

/* ---- mounts.c */

/* /dev/null as descriptors 0, 1 and 2. 0 or -errno. */
[[nodiscard]] int mounts_early(void);

/*
 * After this there is nothing but the image's own files, read-only, and no
 * device can be opened; bare: and /proc and /sys, read-only too. 0 or -errno.
 */
[[nodiscard]] int mounts_seal(bool bare);

/* ---- doors.c */

/*
 * Makes the sockets mcp.sock and llm.sock in dir, which is made where it is not
 * there, for anybody to connect to. 0 or -errno; what is none is -1.
 */
[[nodiscard]] int doors_open(const char *dir, int ret[GUEST_DOORS]);

/* What a connection to the i-th of them is a stream of. */
enum wire_service doors_service(size_t i);

/* ---- port.c: the wire's descriptor */

struct port {
	int fd;		     /* owned, nonblocking */
	uint8_t chunk[8192]; /* bytes as read; the driver gives 4 KiB at most */
	struct span rest;    /* of chunk, not yet taken by anyone */
	struct buf answer;   /* to HELLO; its memory stays, see relay.c */
};

/*
 * Waits, at most GUEST_PORT_WAIT_MS and without polling, until the device is
 * there and the host has its end open. 0 or -errno.
 */
[[nodiscard]] int port_open(struct port *p);

/* For a descriptor that is open already. */
void port_init(struct port *p, int fd);
void port_done(struct port *p);

/*
 * Makes p->rest hold bytes, by one read where it is empty. 1, or 0: none are
 * there yet; -EPIPE: the host has hung up; other -errno.
 */
[[nodiscard]] int port_read(struct port *p);

/* Writes what goes now, and drops that from the buffer. 0 or -errno. */
[[nodiscard]] int port_flush(struct port *p, struct buf *b);

/* Writes all of it. 0 or -errno (-EPIPE: the host has hung up). */
[[nodiscard]] int port_send(struct port *p, struct buf *b);

/* ---- handshake.c */

/* What the host's HELLO asks for. */
struct order {
	enum wire_workload workload;
	bool template; /* to be copied: see proto/wire.h */
};

/*
 * Waits for the host's HELLO, however long that takes, reseeds through
 * random_fd, sets the clock, answers with the ACK and forgets the key. 0 and
 * the order, or -errno.
 */
[[nodiscard]] int handshake(struct port *p, int random_fd, struct order *ret);

/* ---- jail.c */

/*
 * In the child that becomes the workload: takes everything away and executes
 * it, with fds 0 and 1 as they are, log_fd as 2, sock_fd as 3 and model_fd,
 * a stream or a disk, unless it is -1, as 4, nothing else. *status_fd may move;
 * it closes itself when the program starts. Returns only on failure: -errno,
 * and in *step what it was doing.
 */
int jail_exec(const struct workload *w, int sock_fd, int model_fd, int log_fd,
	      int *status_fd, const char **step);

/* ---- relay.c */

/* The workload as init holds it. */
struct work {
	const struct workload *w;
	pid_t pid;		/* 0: not started yet */
	int pidfd;		/* owned, as are the next two */
	int log;		/* its stderr, nonblocking */
	int sock;		/* the other end of its fd 3, nonblocking */
	int model;		/* and of its fd 4; or < 0 */
	int disk;		/* its fd 4; or < 0 */
	int doors[GUEST_DOORS]; /* listening, nonblocking; or < 0 */
	int spare; /* a connection it has already, for the next stream; or < 0
		    */
	struct wire_exit exit;
	bool dead; /* it has ended, like exit says */
};

struct relay {
	struct port *port;
	struct work *work;
	enum wire_workload which;
	bool template; /* the host may go away and come back */
};

enum { RELAY_ENDED = 0, RELAY_AWAY = 1 };

/*
 * One session on the wire, from READY on. RELAY_ENDED: the workload has ended,
 * and its last byte and its EXIT are sent. RELAY_AWAY: the host of a template
 * went away, was answered, and nothing of the session is left; the workload
 * lives. -EPIPE: the host hung up; -EPROTO: it broke the protocol; other
 * -errno.
 */
[[nodiscard]] int relay_run(const struct relay *r);

/* ---- init.c */

/* A line on the kernel's console, for whoever gave the VM one. */
void note(const char *what, int err);

#endif
