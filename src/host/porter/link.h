/*
 * link: one VM's wire as the porter sees it: the handshake, then the streams
 * of a mux (proto/mux.h), of which control and log end here and the others
 * with whoever opened them or is told of them.
 *
 *	LINK_IDLE --link_hello--> LINK_ACK --ACK--> LINK_START --READY-->
 *	LINK_OPEN --link_go_away, GO AWAY--> LINK_GONE --link_hello--> ...
 *
 * In LINK_IDLE and LINK_GONE the VM has nothing to say. A link is over with
 * the first of: a fault (which sticks), EXIT on control, link_end; nothing is
 * called back after it.
 *
 * The machine is pure: link_feed takes bytes and calls back. Reading and
 * writing the descriptor is a thin layer over it (link_attach). The VM is held
 * back by the windows of its streams; the wire itself is always read.
 */
#ifndef PORTER_LINK_H
#define PORTER_LINK_H

#include "base/loop.h"
#include "proto/msg.h"
#include "proto/mux.h"

enum {
	LINK_READ = 64 << 10,	 /* bytes read at once */
	LINK_LINE_MAX = 1 << 10, /* of the log; a longer one is cut in pieces */
	LINK_LINES_MAX = 256,	 /* of the log that are passed on */
	LINK_DETAIL_MAX = 160,
};

enum link_state {
	LINK_IDLE,  /* nothing has been said */
	LINK_ACK,   /* HELLO went out, nothing but ACK may come */
	LINK_START, /* authenticated */
	LINK_OPEN,  /* the workload stands, and may speak */
	LINK_GONE,  /* both sides have gone away */
};

/* What the owner of a link is told; arg is link_config.arg. */
struct link_ops {
	void (*ready)(void *arg);
	void (*log)(void *arg, struct span line);
	/* The workload has ended, and the link is over. */
	void (*exited)(void *arg, const struct wire_exit *e);
	/* The guest's answer to link_go_away: LINK_GONE, all streams are over
	 * without a word of it. */
	void (*gone)(void *arg);
	/* Of streams other than control and log, as in struct mux_ops. */
	void (*opened)(void *arg, struct mux_stream *s);
	void (*data)(void *arg, struct mux_stream *s, struct span bytes);
	void (*end)(void *arg, struct mux_stream *s);
	void (*closed)(void *arg, struct mux_stream *s, bool reset);
	void (*room)(void *arg, struct mux_stream *s);
	/* A fault: the link is over. detail is our own words. */
	void (*fault)(void *arg, enum wire_fault f, const char *detail);
	/* One frame or message of the handshake (not its payload, where the
	 * secrets are), without at_us and missed. Borrowed. May be NULL. */
	void (*tap)(void *arg, const struct m_frame *f);
};

/* What a VM may do in all from HELLO on, see struct mux_config. */
struct link_limits {
	uint64_t bytes;
	uint32_t frames, opens;
};

struct link_config {
	enum wire_workload workload;
	struct link_limits limits;
	const struct link_ops *ops;
	void *arg;
};

struct link {
	struct link_config c;
	enum link_state state;
	enum wire_fault fault;
	bool over;
	struct mux mux;	       /* its out is the handshake's too */
	struct wire_in in;     /* of the handshake */
	uint8_t key[WIRE_KEY]; /* zero after the check */
	struct buf hello;      /* its payload, until the check */
	struct wire_in control;
	uint8_t line[LINK_LINE_MAX]; /* of the log, begun */
	size_t line_n;
	uint32_t lines;
	bool asked_to_go;
	uint64_t gone_at; /* mux.frames at the guest's GO AWAY, or 0 */
	/* the descriptor's side */
	struct loop *loop;
	int fd;		/* borrowed, -1 before link_attach */
	uint8_t *chunk; /* LINK_READ bytes, owned */
	bool watched;	/* fd is in the loop */
	bool deaf;	/* the VM takes no more bytes */
};

/* 0 or -ENOMEM. */
[[nodiscard]] int link_init(struct link *l, const struct link_config *c);
void link_done(struct link *l);

/*
 * Begins the handshake, with fresh key and random bytes: in LINK_IDLE or
 * LINK_GONE. 0 or a negative errno.
 */
[[nodiscard]] int link_hello(struct link *l, bool template);

/* Bytes from the VM. */
void link_feed(struct link *l, struct span bytes);

/* The port was closed by the other side. */
void link_hangup(struct link *l);

/* Cuts the link for a reason that its owner found. Only the first counts. */
void link_cut(struct link *l, enum wire_fault f, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Ends it without a fault. */
void link_end(struct link *l);

/*
 * As in mux.h; NULL before HELLO. What is sent before READY waits in the guest,
 * which may not answer it yet. No-ops once the link is over.
 */
struct mux_stream *link_open(struct link *l, enum wire_service service);
size_t link_room(const struct link *l, const struct mux_stream *s);
size_t link_send(struct link *l, struct mux_stream *s, struct span bytes);
void link_fin(struct link *l, struct mux_stream *s);
void link_reset(struct link *l, struct mux_stream *s);
void link_consumed(struct link *l, struct mux_stream *s, size_t n);

/* A template's guest is to forget this session: gone() follows. */
void link_go_away(struct link *l);

/* Starts reading and writing fd (non-blocking). 0 or -ENFILE. */
[[nodiscard]] int link_attach(struct link *l, struct loop *loop, int fd);

#endif
