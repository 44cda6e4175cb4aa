/*
 * forward: bytes both ways between a client and a server, as they come, for the
 * programs of a packaged agent's machine that know a port or a pipe where the
 * host has a stream. Nothing is read into them, and a side that takes no more
 * is not read for: each way holds one chunk.
 *
 * SECURITY. Runs in the guest beside the agent, with the agent's rights: it is
 * no boundary and is trusted with nothing.
 */
#ifndef AGENT_FORWARD_H
#define AGENT_FORWARD_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FORWARD_CHUNK = 16 << 10,
	FORWARD_FDS = 4, /* of a pair in a poll set */
};

/* One direction. */
struct way {
	int from, to;
	uint8_t bytes[FORWARD_CHUNK];
	size_t n, at; /* read, and of that written */
	bool ended;   /* from says no more */
	bool over;    /* and to knows */
};

struct pair {
	struct way up, down;
	int in, out, server; /* owned; out is in, or is another of a pipe */
	bool used;
};

/* Owns the descriptors, and makes them nonblocking. 0 or -errno: they are
 * closed. */
[[nodiscard]] int pair_open(struct pair *p, int in, int out, int server);

void pair_close(struct pair *p);

/* What it waits for; what it does not wait for has a descriptor of -1. */
void pair_wants(const struct pair *p, struct pollfd set[FORWARD_FDS]);

/* After poll. False: both have said all, or one is gone; it is closed. */
bool pair_serve(struct pair *p, const struct pollfd set[FORWARD_FDS]);

/* A connection to the Unix socket of that path. A descriptor or -errno. */
[[nodiscard]] int forward_connect(const char *path);

#endif
