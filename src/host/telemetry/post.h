/*
 * post: one request to the collector at a time: asks the monitor for a socket,
 * sends, reads the answer. Never waits, and ends within POST_MS whatever the
 * other side does.
 */
#ifndef TELEMETRY_POST_H
#define TELEMETRY_POST_H

#include "base/buf.h"
#include "base/loop.h"
#include "reply.h"

enum { POST_MS = 10000, POST_BODY = 4 << 20 };

/* It has ended; status 0: there was no answer. */
typedef void (*post_fn)(void *arg, const struct reply *r);

enum post_state { POST_IDLE, POST_ASKED, POST_SENDING, POST_READING };

struct post {
	struct loop *loop;
	void (*ask)(void *arg); /* the monitor for a socket */
	post_fn ended;
	void *arg; /* of both */
	const char *host;
	enum post_state state;
	int fd, timer;
	struct buf out;
	size_t sent;
	struct reply reply;
};

void post_init(struct post *p);

/* Only where none is under way; the body is copied. */
void post_begin(struct post *p, const char *path, struct span body);

/* The monitor's answer, taken over; -1: it could not. */
void post_socket(struct post *p, int fd);

#endif
