/*
 * exchange: one item through one reader stream of a link: what it is, its raw
 * bytes and FIN down, JSON and FIN up. For the item of a VM's work as for a
 * mail of ours that only warms it.
 */
#ifndef PORTER_EXCHANGE_H
#define PORTER_EXCHANGE_H

#include "link.h"

enum exchange_end {
	EXCHANGE_ANSWERED, /* json is whole, as far as the guest is asked */
	EXCHANGE_RESET,	   /* the guest gave the stream up */
	EXCHANGE_TOO_MUCH, /* json grew over LIMIT_READER_JSON */
};

struct exchange {
	/* what goes down */
	int fd;		   /* a sealed memfd, borrowed; -1: bytes */
	struct span bytes; /* borrowed until it has ended */
	uint8_t what;	   /* enum wire_item, which goes before them */
	size_t size;	   /* of both together */
	size_t sent;
	/* what came up; emptied by the next exchange_start */
	struct buf json;
	/* Called once; it may start the next. */
	void (*ended)(void *arg, struct exchange *x, enum exchange_end how);
	void *arg;
	struct link *link;
	struct mux_stream *stream; /* NULL: none runs */
	bool answered, too_much;
	uint8_t chunk[MUX_CHUNK];
};

void exchange_init(struct exchange *x, struct link *l,
		   void (*ended)(void *arg, struct exchange *x,
				 enum exchange_end how),
		   void *arg);
void exchange_done(struct exchange *x);

/*
 * Sends the size bytes of a sealed memfd (borrowed), or bytes, any time after
 * the link's HELLO. 0; -EBUSY when a reader stream is open already, or none can
 * be.
 */
[[nodiscard]] int exchange_start_fd(struct exchange *x, enum wire_item what,
				    int fd, size_t size);
[[nodiscard]] int exchange_start(struct exchange *x, enum wire_item what,
				 struct span bytes);

/* What the link says of a reader stream, to the exchange in its user. */
void exchange_on_data(struct mux_stream *s, struct span bytes);
void exchange_on_end(struct mux_stream *s);
void exchange_on_closed(struct mux_stream *s);
void exchange_on_room(struct mux_stream *s);

#endif
