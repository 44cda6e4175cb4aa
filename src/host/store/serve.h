/*
 * serve: what the store does, apart from being a process: take the requests
 * that are waiting, make what they change durable together, and answer.
 */
#ifndef HOST_STORE_SERVE_H
#define HOST_STORE_SERVE_H

#include "base/loop.h"
#include "db.h"
#include "privsep/chan.h"

enum {
	SERVE_PEERS = 2,    /* the monitor, the broker */
	SERVE_BATCH = 128,  /* requests in one transaction */
	SERVE_PUTS = 128,   /* items that wait to be taken in */
	SERVE_PLACES = 256, /* that the monitor may offer */
};

/* A request, kept until what it asks is durable: a transaction that fails is
 * tried again in parts. */
struct serve_request {
	uint8_t *bytes; /* its datagram, owned */
	size_t n;
	int fd; /* of an item; owned */
	bool done;
};

struct serve_answer {
	size_t peer;
	struct buf bytes; /* a datagram */
	int fd;		  /* owned, -1 */
};

struct serve {
	struct loop loop;
	struct chan peers[SERVE_PEERS];
	struct db db;
	struct msg_ids ids;
	uint64_t places; /* offered and not yet filled */
	struct serve_request batch[SERVE_BATCH]; /* of the broker */
	size_t n_batch;
	struct serve_request puts[SERVE_PUTS]; /* in the order they came */
	size_t n_puts;
	/* Sent when what they say is durable. */
	struct serve_answer answers[SERVE_BATCH + SERVE_PUTS + SERVE_PLACES];
	size_t n_answers;
	bool sync;     /* something waits for the commit */
	bool try_puts; /* those that found no room may find some now */
	bool tip;      /* one came */
	struct m_s_tip tip_is;
	int lazy_timer;	 /* commits what nobody waits for */
	int retry_timer; /* tries again what found no room */
	bool short_of;	 /* descriptors or memory, for an item */
	int spare;	 /* descriptor, for what a message brings */
	int result;
	struct msg in, out;
};

/*
 * Runs until the monitor stops it or is gone. Takes the channels over, borrows
 * the directory. The monitor's first message is the HELLO. 0 or -errno.
 */
[[nodiscard]] int serve_run(struct serve *s, int monitor, int broker, int dir);

#endif
