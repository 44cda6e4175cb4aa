/*
 * link: one VM's wire as the porter sees it: the handshake, which frame may
 * come when, how much in all, and output with back-pressure.
 *
 * The states, each frame in its place (proto/wire.h):
 *
 *	LINK_ACK --ACK--> LINK_START --READY--> LINK_OPEN --END--> LINK_ENDED
 *	                      `--EXIT--> LINK_EXITED <--EXIT--'------'
 *
 * The machine is pure: link_feed takes bytes and calls back. Reading and
 * writing the descriptor is a thin layer over it (link_attach). The first
 * fault sticks: nothing is called back after it.
 */
#ifndef PORTER_LINK_H
#define PORTER_LINK_H

#include "base/loop.h"
#include "proto/wire.h"

enum {
	LINK_READ = 64 << 10,	  /* bytes read at once */
	LINK_CHUNK = 32 << 10,	  /* payload of one DATA frame we send */
	LINK_OUT_LOW = 64 << 10,  /* below it there is room for a chunk */
	LINK_OUT_MAX = 256 << 10, /* what may wait for the VM to read */
	LINK_FRAMES_MAX = 16384,  /* frames one VM may send */
	LINK_LOGS_MAX = 256,	  /* LOG frames that are passed on */
	LINK_DETAIL_MAX = 160,
};

enum link_state {
	LINK_ACK,    /* HELLO went out, nothing but ACK may come */
	LINK_START,  /* authenticated */
	LINK_OPEN,   /* the workload runs */
	LINK_ENDED,  /* it said that it sends no more */
	LINK_EXITED, /* nothing may follow */
};

/* What the owner of a link is told; arg is link_config.arg. */
struct link_ops {
	void (*ready)(void *arg);
	void (*data)(void *arg, struct span bytes);
	void (*log)(void *arg, struct span text);
	/* The workload ended, and nothing came behind that. */
	void (*exited)(void *arg, const struct wire_exit *e);
	/* There is room for LINK_CHUNK bytes (only after ready). */
	void (*room)(void *arg);
	/* A fault: the link is dead. detail is our own words. */
	void (*fault)(void *arg, enum wire_fault f, const char *detail);
};

struct link_config {
	enum wire_workload workload;
	enum wire_service service; /* the one that DATA goes over */
	size_t max_data;	   /* payload bytes of all DATA frames */
	const struct link_ops *ops;
	void *arg;
};

struct link {
	struct link_config c;
	enum link_state state;
	enum wire_fault fault;
	struct wire_in in;
	struct buf out;
	size_t data; /* payload bytes of DATA so far */
	uint32_t frames, logs;
	struct wire_exit how;  /* in LINK_EXITED */
	bool told;	       /* exited was called */
	uint8_t key[WIRE_KEY]; /* zero after the check */
	struct buf hello;      /* its payload, until the check */
	/* the descriptor's side */
	struct loop *loop;
	int fd;		/* borrowed, -1 before link_attach */
	uint8_t *chunk; /* LINK_READ bytes, owned */
	bool paused;
	bool watched; /* fd is in the loop */
	bool deaf;    /* the VM takes no more bytes */
};

/* Makes key and random bytes and queues HELLO. 0 or a negative errno. */
[[nodiscard]] int link_init(struct link *l, const struct link_config *c);
void link_done(struct link *l);

/* Bytes from the VM. */
void link_feed(struct link *l, struct span bytes);

/* The port was closed by the other side. */
void link_hangup(struct link *l);

/* Cuts the link for a reason that its owner found. Only the first counts. */
void link_cut(struct link *l, enum wire_fault f, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Ends it without a fault: nothing is called back any more. */
void link_end(struct link *l);

/* True if DATA of LINK_CHUNK bytes may be queued now. */
bool link_room(const struct link *l);

/* Queues one DATA frame of at most LINK_CHUNK bytes, or END. */
void link_data(struct link *l, struct span payload);
void link_data_end(struct link *l);

/* Starts reading and writing fd (non-blocking). 0 or -ENFILE. */
[[nodiscard]] int link_attach(struct link *l, struct loop *loop, int fd);

/* Stops and starts reading, so that the VM waits and not we grow. */
void link_pause(struct link *l, bool paused);

#endif
