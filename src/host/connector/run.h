/*
 * run: what a connector process does, apart from being one. The first message
 * of the monitor says which connector it is:
 *
 *	name  the connector's name in the configuration
 *	arg   "kind=maildir", or "kind=outbox from=ADDRESS"; or "revoke": it
 *	      has no broker, and does nothing but answer MSG_REVOKE
 */
#ifndef CONNECTOR_RUN_H
#define CONNECTOR_RUN_H

#include "base/loop.h"
#include "privsep/chan.h"
#include "privsep/gate.h"
#include "seen.h"

enum {
	MAILDIR_OUTSTANDING = 4, /* items given and not yet in the queue */
	MAILDIR_POLL_MS = 2000,	 /* where there is no inotify */
	MAILDIR_RESCAN_MS = 30000,
	MAILDIR_RETRY_MS = 1000, /* after the host had no room for a file */
	MAILDIR_SETTLE_MS = 50,	 /* events of a burst make one scan */
};

/* A file waiting to be given. */
struct maildir_row {
	int folder; /* 0: new, 1: cur */
	char *name; /* owned */
};

/*
 * maildir: gives each mail of new/ and cur/ once, by the part of its name that
 * flags do not change; what lay in cur/ before the first start was read by its
 * owner and is left alone. Moves, marks and deletes nothing.
 */
struct maildir {
	int folders[2]; /* owned */
	int inotify;	/* owned, -1: polling */
	int timer;
	bool short_of;	  /* descriptors or memory: what was met waits */
	struct seen seen; /* done, given and waiting alike */
	struct maildir_row *rows; /* waiting, first at `next`; owned */
	size_t n, next, cap;
	size_t n_out;
	char out[MAILDIR_OUTSTANDING][SEEN_NAME_MAX + 1];
};

struct outbox {
	int tmp, new, cur; /* owned */
	char from[256];
};

struct connector {
	struct loop loop;
	struct chan monitor;
	struct chan broker;
	int dir, state; /* borrowed */
	const struct gate *gate;
	char name[LIMIT_NAME + 1];
	struct msg in;
	struct msg msg;
	int result; /* what connector_run returns */
	bool outbound;
	bool revoker;
	struct maildir maildir;
	struct outbox outbox;
};

/*
 * Runs until it is stopped or killed, or the monitor is gone. Takes the two
 * channels over, borrows directories and gate. Returns 0, or -errno.
 */
[[nodiscard]] int connector_run(struct connector *c, int monitor, int broker,
				int dir, int state, int gate);

/* The two kinds. A failure of `start` ends the process. */
[[nodiscard]] int maildir_start(struct connector *c);
void maildir_item_kept(struct connector *c, struct span key);
void maildir_item_done(struct connector *c, struct span key);
void maildir_stop(struct connector *c);

[[nodiscard]] int outbox_start(struct connector *c);
void outbox_effect(struct connector *c);
void outbox_stop(struct connector *c);

/* Ends the run with a result. */
void connector_end(struct connector *c, int result);

#endif
