/*
 * serve: the local socket of the metrics. A few clients at once, each with a
 * few seconds; only the uids that may give orders.
 */
#ifndef TELEMETRY_SERVE_H
#define TELEMETRY_SERVE_H

#include "base/buf.h"
#include "base/loop.h"
#include "metrics.h"
#include "privsep/users.h"

enum {
	SERVE_CLIENTS = 8,
	SERVE_MS = 5000,
	SERVE_TEXT = 1 << 20,
};

struct serve;

struct serve_client {
	int fd; /* -1: free row */
	int timer;
	struct buf in, out;
	size_t sent;
	struct serve *serve;
};

struct serve {
	struct loop *loop;
	const struct metrics *metrics;
	void (*refresh)(void *arg); /* before the metrics are read */
	void *arg;
	struct users users;
	struct serve_client clients[SERVE_CLIENTS];
};

/* Listens on a socket that is; the first five members are the caller's. 0 or
 * -ENFILE. */
[[nodiscard]] int serve_init(struct serve *s, int listen_fd);

#endif
