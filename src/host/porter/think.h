/*
 * think: the porter's side of a planner's llm stream: a server of HTTP/1.1 that
 * an agent takes for its model's provider. One connection, a request at a time.
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
	THINK_CALLS = 4096,	/* of one VM, in all */
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

struct think {
	struct session *s;
	struct mux_stream *stream; /* NULL before and after */
	bool opened, finished;	   /* finished: we have nothing more to say */
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
	bool reads;	    /* it is one that can be read */
	uint64_t seen;	    /* bit i: answer.calls[i] is known */
	struct bind *bind;  /* owned */
};

void think_init(struct think *t, struct session *s);
void think_done(struct think *t);

/* Of the stream, see struct mode. */
void think_opened(struct think *t, struct mux_stream *m);
void think_data(struct think *t, struct span bytes);
void think_closed(struct think *t);
void think_room(struct think *t);

/* How far the call at hand is the model's: enum call_bound. */
uint8_t think_bound(const struct think *t, const struct m_call *c);

/* The way to the broker is free. */
void think_may_ask(struct think *t);

/* MSG_L_DONE. False: it is of no call that is under way. */
[[nodiscard]] bool think_ended(struct think *t, const struct m_l_done *d);

#endif
