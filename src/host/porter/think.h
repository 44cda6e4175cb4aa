/*
 * think: the porter's side of a planner's llm streams: a server of HTTP/1.1
 * that an agent takes for its model's provider. A stream is a connection, with
 * a request at a time; a machine may have some at once, and others after them.
 *
 * A request is read and rebuilt here (llm/llm.h), where there is nothing to
 * steal; what is refused of it is answered at once, in the words of its API.
 * The rebuilt one goes to the broker with one end of a socket, on which the
 * answer comes from the connector of the model as it is made (MSG_L_CALL).
 *
 * On its way to the VM the answer is read: which calls the model asks for
 * (bind.h).
 */
#ifndef PORTER_THINK_H
#define PORTER_THINK_H

#include "bind.h"
#include "llm/answer.h"
#include "llm/head.h"
#include "session.h"

enum {
	THINK_STREAMS = 8,	/* at once: proto/wire.c */
	THINK_CALLS = 4096,	/* of one VM, in all */
	THINK_LINES = 64,	/* of the log, of one VM */
	THINK_ERROR = 64 << 10, /* bytes of a provider's error */
	THINK_PIECE = 16 << 10, /* of an answer, at once */
};

enum think_state {
	THINK_HEAD, /* of a request is to come */
	THINK_BODY,
	THINK_ASKS, /* the request waits for its way to the broker */
	THINK_ANSWER,
	THINK_OVER, /* no request is read any more */
};

struct thinks;

/* One stream. */
struct think {
	struct session *s;
	struct thinks *all;
	struct mux_stream *stream; /* NULL: a free row */
	bool said;		   /* the VM says no more on it */
	bool finished;		   /* we have nothing more to say */
	enum think_state state;
	struct buf in;	   /* from the VM */
	size_t unconsumed; /* of it: its window is not given back yet */
	struct llm_head head;
	enum llm_api api; /* 0: none that there is */
	struct llm_request request;
	uint64_t call;
	struct buf out; /* to the VM */
	size_t out_sent;
	/* the answer */
	int socket; /* owned; -1: none, or at its end */
	bool watched;
	uint8_t status[2];
	size_t status_n;
	struct buf body; /* of one that goes on whole */
	bool begun;	 /* its head went out */
	bool done;	 /* the broker has told its end: */
	struct m_l_done end;
	char why[LLM_WHY];
	/* what is known of it */
	struct llm_answer answer;
	bool reads;    /* it is one that can be read */
	uint64_t seen; /* bit i: answer.calls[i] is known */
};

/* All streams of a machine: what a model says on one of them is known to all.
 */
struct thinks {
	struct session *s;
	struct bind *bind; /* owned */
	uint64_t calls;	   /* so far; the number of the last */
	unsigned logged;   /* lines on what was refused or left out */
	uint64_t left;	   /* of those, not ended when their agent left */
	size_t turn;	   /* the row that may ask first */
	struct think rows[THINK_STREAMS];
};

void think_init(struct thinks *ts, struct session *s);
void think_done(struct thinks *ts);

/* Of a stream, see struct mode. */
void think_opened(struct thinks *ts, struct mux_stream *m);
void think_data(struct thinks *ts, struct mux_stream *m, struct span bytes);
void think_end(struct thinks *ts, struct mux_stream *m);
void think_closed(struct thinks *ts, struct mux_stream *m);
void think_room(struct thinks *ts, struct mux_stream *m);

/* How far the call at hand is the model's: enum call_bound. */
uint8_t think_bound(const struct thinks *ts, const struct m_call *c);

/* The way to the broker is free. */
void think_may_ask(struct thinks *ts);

/* MSG_L_DONE. False: it is of no call that is under way. */
[[nodiscard]] bool think_ended(struct thinks *ts, const struct m_l_done *d);

#endif
