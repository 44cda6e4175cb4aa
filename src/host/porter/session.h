/*
 * session: the life of one porter: told what VM it has, its start (start.h),
 * work, end. What differs between readers and planners is a struct mode.
 *
 * The work begins once the VM is ready and MSG_WORK is there, in either order.
 * Every way a session ends is one message to the monitor: MSG_VM_DONE or
 * MSG_VM_FAIL; and each is the last.
 */
#ifndef PORTER_SESSION_H
#define PORTER_SESSION_H

#include "base/loop.h"
#include "exchange.h"
#include "link.h"
#include "privsep/chan.h"
#include "start.h"
#include "tap.h"
#include "vm/launch.h"

enum {
	/* from the porter's start to the guest's READY; a cold boot under
	 * emulation on a busy machine takes seconds */
	SESSION_HANDSHAKE_MS = 30 * 1000,
	SESSION_DEADLINE_MAX_MS = 24 * 3600 * 1000,
	SESSION_REASON_MAX = 500,
	PLANNER_REQUESTS_MAX = 1024, /* of a planner to the broker, in all */

	/* What a VM may say in all, by its kind (struct link_limits): beside
	 * its JSON a reader has its log and the answers to warming mails ... */
	READER_BYTES = LIMIT_READER_JSON + (1 << 20),
	READER_FRAMES = 2048, /* a 16 MiB item asks for 128 window updates */
	READER_OPENS = 4,     /* control, log */
	/* ... of which a template answers many. */
	TEMPLATE_BYTES = 64 << 20,
	TEMPLATE_FRAMES = 64 << 10,
	PLANNER_BYTES = LIMIT_PLANNER_BYTES,
	PLANNER_FRAMES = 8192, /* small requests, and their updates */
	PLANNER_OPENS = 4,     /* control, log, mcp */
	/* One that asks a model sends all of its context each time. */
	THINKER_BYTES = 1 << 30,
	THINKER_FRAMES = 1 << 20,
	THINKER_OPENS = 4096, /* and llm: a connection of its agent's each */
};

struct session;

struct mode {
	struct link_limits limits, template_limits;
	bool has_item;			   /* its work is an item */
	void *(*start)(struct session *s); /* its own state; dies on failure */
	void (*done)(void *state);
	/* The VM is ready and its work is there; of an item, HELLO is out. */
	void (*work)(struct session *s);
	/* From the VM, see struct link_ops; no mode has reader streams, which
	 * belong to exchanges. exited is called only once there is work. */
	void (*opened)(struct session *s, struct mux_stream *m);
	void (*data)(struct session *s, struct mux_stream *m,
		     struct span bytes);
	void (*end)(struct session *s, struct mux_stream *m);
	void (*closed)(struct session *s, struct mux_stream *m);
	void (*room)(struct session *s, struct mux_stream *m);
	void (*exited)(struct session *s, const struct wire_exit *e);
	/* From the broker: what was asked is on its way; a message came. */
	void (*sent)(struct session *s);
	void (*broker)(struct session *s, const struct msg *m);
};

extern const struct mode reader_mode;
extern const struct mode planner_mode;
extern const struct mode thinker_mode;

/* The descriptors of the porter's row in the graph. */
struct session_fds {
	int monitor, broker; /* channels, taken over */
	int wire;	     /* borrowed */
	int qmp; /* likewise, but closed as soon as a clone stands */
};

struct session {
	struct session_fds fds;
	struct loop loop;
	struct chan monitor, broker;
	struct link link;
	struct tap tap;
	char name[LIMIT_NAME + 1];
	struct msg_ids ids; /* of HELLO, then of WORK */
	enum wire_workload workload;
	enum vm_start begin; /* start= of HELLO */
	enum vm_park park;   /* park= of HELLO */
	struct start start;
	const struct mode *mode;
	void *state; /* of the mode */
	uint64_t deadline_ms, handshake_ms, start_us;
	uint64_t groups; /* cgroups to join, behind the row */
	uint64_t tokens; /* the most that its model may answer; 0: it has
			    none */
	char model[LIMIT_NAME + 1];
	bool messages; /* what it is asked by: Messages, else Chat */
	uint8_t binding; /* enum call_bound of a call it has not asked for */
	uint64_t alone;	     /* 1: a clone whose QEMU has no QMP */
	int timer;	     /* the work's, -1: none */
	int handshake_timer; /* -1: none */
	bool ready, has_work;
	bool begun; /* mode.work was called */
	bool over;
	int item; /* of the work; owned, -1: none */
	size_t item_size;
	uint8_t sort; /* enum item_sort, and so enum wire_item */
	/* what waits for the broker to take it */
	struct msg ask;
	int ask_fds[2]; /* owned, -1 if none */
	bool asking;
};

/* Runs one session to its end. Dies when the monitor says nonsense. */
void session_run(const struct session_fds *fds);

/* The VM failed, or what belongs to it; the session is over. */
void session_fail(struct session *s, enum wire_fault f, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The VM's work is done; the session is over. */
void session_done(struct session *s);

/* Sends m to the monitor, with the session's ids. */
void session_tell(struct session *s, struct msg *m);

/*
 * Sends m to the broker, with n descriptors, at most 2 (taken over); mode.sent
 * is called when it is sent, at once or later. What m borrows from must stay
 * until then. One at a time.
 */
void session_ask(struct session *s, const struct msg *m, const int *fds,
		 size_t n);

/* Replaces the timer: fn(s) after ms. */
void session_timer(struct session *s, uint64_t ms, loop_timer_fn fn);

/*
 * For start.c: (re)starts the handshake's deadline; the VM is ready (the
 * deadline is off, MSG_VM_READY goes out); it may be given its work, which is
 * begun if it is there already.
 */
void session_handshake_timer(struct session *s);
void session_ready(struct session *s);
void session_may_work(struct session *s);

/* An item goes out right behind HELLO, if it is there: the guest's init has it
 * wait until the handshake is over and READY is on its way. */
void session_work_early(struct session *s);

#endif
