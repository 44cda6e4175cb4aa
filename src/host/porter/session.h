/*
 * session: the life of one porter: told what VM it has, handshake, work, end.
 * What differs between readers and planners is a struct mode.
 *
 * Every way a session ends is one message to the monitor: MSG_VM_DONE or
 * MSG_VM_FAIL; and each is the last.
 */
#ifndef PORTER_SESSION_H
#define PORTER_SESSION_H

#include "base/loop.h"
#include "link.h"
#include "privsep/chan.h"

enum {
	/* from the porter's start to the guest's READY; a cold boot under
	 * emulation on a busy machine takes seconds */
	SESSION_HANDSHAKE_MS = 30 * 1000,
	SESSION_DEADLINE_MAX_MS = 24 * 3600 * 1000,
	SESSION_REASON_MAX = 500,
	PLANNER_REQUESTS_MAX = 1024, /* of a planner to the broker, in all */
};

struct session;

struct mode {
	enum wire_service service;
	size_t max_data;		   /* of the VM, payload bytes in all */
	void *(*start)(struct session *s); /* its own state; dies on failure */
	void (*done)(void *state);
	/* From the VM, see struct link_ops. */
	void (*data)(struct session *s, struct span bytes);
	void (*room)(struct session *s);
	void (*exited)(struct session *s, const struct wire_exit *e);
	/* From the broker: what was asked is on its way; a message came. */
	void (*sent)(struct session *s);
	void (*broker)(struct session *s, const struct msg *m);
};

extern const struct mode reader_mode;
extern const struct mode planner_mode;

/* The descriptors of the porter's row in the graph. */
struct session_fds {
	int monitor, broker; /* channels, taken over */
	int wire, item;	     /* borrowed */
};

struct session {
	struct session_fds fds;
	struct loop loop;
	struct chan monitor, broker;
	struct link link;
	char name[LIMIT_NAME + 1];
	struct msg_ids ids;
	enum wire_workload workload;
	const struct mode *mode;
	void *state; /* of the mode */
	uint64_t deadline_ms, handshake_ms, start_us;
	int timer; /* handshake, then the work */
	bool over;
	/* what waits for the broker to take it */
	struct msg ask;
	int ask_fd; /* owned, -1 if none */
	bool asking;
};

/* Runs one session to its end. Dies when the monitor says nonsense. */
void session_run(const struct session_fds *fds);

/* The VM failed, or what belongs to it; the session is over. */
void session_fail(struct session *s, enum wire_fault f, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The VM's work is done; the session is over. */
void session_done(struct session *s);

/*
 * Sends m to the broker, with fd (taken over) unless it is -1; mode.sent is
 * called when it is sent, at once or later. What m borrows from must stay
 * until then. One at a time.
 */
void session_ask(struct session *s, const struct msg *m, int fd);

/* Replaces the timer: fn(s) after ms. */
void session_timer(struct session *s, uint64_t ms, loop_timer_fn fn);

#endif
