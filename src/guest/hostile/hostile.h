/*
 * hostile: a guest that breaks every rule that there is, for the tests of the
 * host. It stands where init stands, boots in the same real VM, and does what
 * its mode says. Never part of an image that does real work.
 *
 * The mode is the first line of /mode (tools/image hostile-MODE). In the mode
 * "mail" the guest is honest, templates and all, but for a mail with a header
 * "X-Mode: MODE", so that one bulkhead can have both kinds of guests at once.
 */
#ifndef GUEST_HOSTILE_H
#define GUEST_HOSTILE_H

#include "guest/guest.h"

/* Numbers of the first streams that this guest opens. */
enum { ID_CONTROL = 2, ID_NEXT = 4 };

struct hostile {
	struct port port;
	int random_fd;
	struct buf out; /* messages before the multiplexer is there */
	struct wire_hello hello;
	uint8_t payload[WIRE_MSG_MAX]; /* of the HELLO, as it came */
	size_t payload_n;
	struct mux mux;
	struct mux_stream *control;
	struct mux_stream *work; /* the host's reader stream, or our mcp */
	struct buf mail;	 /* what came on it */
	bool mail_whole;
	bool away; /* the host went */
	const struct mode *mode;
};

/* What is wrong with the guest, and when that shows. */
enum mode_when {
	WHEN_GREETED, /* with the host's HELLO, which is not yet answered */
	WHEN_WORKING, /* with the whole mail, or the planner's stream open */
	WHEN_BOOTED,  /* before a word */
};

/* In which sessions: those with work, those of a template, or both. */
enum mode_where { IN_WORK, IN_TEMPLATE, IN_BOTH };

struct mode {
	const char *name;
	void (*fn)(struct hostile *g); /* may return: silence then */
	enum mode_when when;
	enum mode_where where;
};

/* main.c; NULL for a name that is none. */
const struct mode *mode_find(struct span name);

/* ---- honest.c: how a good guest does it. Whatever fails ends the guest. */

_Noreturn void off(void);
_Noreturn void silent(void);

void hello_take(struct hostile *g);
void ack_put(struct hostile *g);
void ready_put(struct hostile *g);
void flush(struct hostile *g);

/* Waits for bytes, at most wait_ms (-1: for ever), and feeds the mux. */
void pump(struct hostile *g, int wait_ms);

/* All of it, as fast as the host takes it. */
void send_all(struct hostile *g, struct mux_stream *s, struct span bytes);

/* To the next mail, or the planner's stream. */
void work_take(struct hostile *g);

/* A message that says nothing; the stream is over then. */
void work_answer(struct hostile *g);

void exit_put(struct hostile *g, uint8_t kind, uint32_t status);

/* ---- frames by hand, for what the mux would not send */

void frame(struct hostile *g, uint8_t type, uint16_t flags, uint32_t stream,
	   uint32_t length);
void frame_with(struct hostile *g, uint16_t flags, uint32_t stream,
		struct span payload);

/* A log stream, opened by hand; its number. */
uint32_t log_open(struct hostile *g);

/* The modes: greet.c, frames.c, machine.c. */
struct modes {
	const struct mode *rows;
	size_t n;
};

extern const struct modes modes_greet, modes_frames, modes_machine;

#endif
