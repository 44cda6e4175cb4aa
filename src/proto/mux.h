/*
 * mux: many streams on one wire, in the published framing of yamux. Pure
 * bytes; the same code runs in the guest's init and in the porter.
 *
 * A frame is a head of 12 bytes, big-endian, and for data its payload:
 *
 *	offset size
 *	0      1    version, 0
 *	1      1    type (enum mux_type)
 *	2      2    flags (enum mux_flag)
 *	4      4    stream; the host opens odd ones, the guest even ones
 *	8      4    data: length; window update: bytes more; ping: opaque;
 *	            go away: why
 *
 * Each side may send MUX_WINDOW bytes on a stream, and as many more as the
 * other has announced. The first byte on a stream, from its opener, is its
 * service (proto/wire.h). What the framing leaves open is closed here: a new
 * stream's number is higher than all before it, a window never grows beyond
 * MUX_WINDOW, no flag stands where it means nothing. Frames on a stream that
 * is over are dropped, for they may have been on their way. The peer's first
 * offence is a fault, which sticks.
 *
 * Source: hashicorp/yamux, spec.md.
 */
#ifndef PROTO_MUX_H
#define PROTO_MUX_H

#include "proto/wire.h"

enum {
	MUX_HEAD = 12,
	MUX_WINDOW = 256 << 10,
	MUX_STREAMS = 64,	/* open at once, both sides' together */
	MUX_CHUNK = 32 << 10,	/* payload of one data frame that we send */
	MUX_OUT_LOW = 64 << 10, /* above it no data is queued any more */
	MUX_OUT_MAX = 192 << 10,
	MUX_EARN = 256, /* so many payload bytes earn the peer a frame more */
};

enum mux_type { MUX_DATA = 0, MUX_UPDATE, MUX_PING, MUX_GO_AWAY, MUX_TYPES };

enum mux_flag { MUX_SYN = 1, MUX_ACK = 2, MUX_FIN = 4, MUX_RST = 8 };

struct mux_head {
	enum mux_type type;
	uint16_t flags;
	uint32_t stream;
	uint32_t length;
};

void mux_head_put(struct buf *b, const struct mux_head *h);
[[nodiscard]] enum wire_fault mux_head_get(const uint8_t bytes[MUX_HEAD],
					   struct mux_head *ret);

struct mux_stream {
	uint32_t id;		   /* 0: a free row */
	enum wire_service service; /* 0: opened, its first byte is to come */
	void *user;		   /* the owner's */
	uint32_t may_send;	   /* what the peer's window leaves us */
	uint32_t may_come;	   /* what our window leaves the peer */
	uint32_t used;		   /* consumed here and not yet announced */
	bool acked;		   /* whoever did not open it has accepted it */
	bool ended;		   /* we have sent FIN */
	bool peer_ended;	   /* the peer has */
};

/*
 * What the owner of a mux is told; arg is mux_config.arg. Any of these may
 * call whatever queues (mux_open to mux_go_away), but not mux_feed,
 * mux_drained, mux_init or mux_done. Unset ones are skipped.
 */
struct mux_ops {
	/* The peer opened s, whose service the rules allow. */
	void (*opened)(void *arg, struct mux_stream *s);
	/* Bytes on s, borrowed. They weigh on the peer's window until
	 * mux_consumed. */
	void (*data)(void *arg, struct mux_stream *s, struct span bytes);
	/* The peer sends no more on s. */
	void (*end)(void *arg, struct mux_stream *s);
	/* s is over: after RST, or FIN both ways. Its id is 0 already, so that
	 * nothing can be sent on it, and its row free for another. */
	void (*closed)(void *arg, struct mux_stream *s, bool reset);
	/* There is room on s: from mux_drained, or as its window grew. */
	void (*room)(void *arg, struct mux_stream *s);
	void (*gone)(void *arg, uint32_t why); /* GO AWAY */
	/*
	 * For whoever watches: one frame, out or in, of a stream with this
	 * service (0: not known, or none), and what of its payload came in one
	 * piece with its head.
	 */
	void (*tap)(void *arg, bool out, const struct mux_head *h,
		    enum wire_service service, struct span first);
};

struct mux_config {
	bool host;
	enum wire_workload workload; /* whose rules (wire_rule) hold */
	/* What the peer may do in all. */
	uint64_t bytes;	 /* payload of data frames */
	uint32_t frames; /* frames, beside one for each MUX_EARN bytes */
	uint32_t opens;	 /* streams */
	const struct mux_ops *ops;
	void *arg;
};

struct mux {
	struct mux_config c;
	struct mux_stream streams[MUX_STREAMS];
	struct buf out; /* for the wire: take from it with buf_drop */
	enum wire_fault fault;
	const char *detail; /* of the fault, static */
	uint64_t bytes, frames;
	uint32_t opens;
	uint32_t next_id; /* of the next stream that we open */
	uint32_t last_id; /* the highest that the peer has opened */
	bool peer_gone;
	size_t turn; /* the row that is told first that there is room */
	/* the frame being read */
	uint8_t head[MUX_HEAD];
	size_t head_n;
	struct mux_head h;
	uint32_t left; /* of its payload */
};

void mux_init(struct mux *m, const struct mux_config *c);
void mux_done(struct mux *m);

/*
 * Bytes from the wire, at any split. The fault so far; once there is one,
 * nothing is called back and all bytes are ignored.
 */
enum wire_fault mux_feed(struct mux *m, struct span bytes);

/* Opens a stream; NULL when MUX_STREAMS are open or the rules do not allow
 * us this service (now). */
struct mux_stream *mux_open(struct mux *m, enum wire_service service);

/* How many bytes mux_send would take now. */
size_t mux_room(const struct mux *m, const struct mux_stream *s);

/* Queues what there is room for, in frames of at most MUX_CHUNK bytes; how
 * many bytes that was. */
size_t mux_send(struct mux *m, struct mux_stream *s, struct span bytes);

/* We send no more on s: FIN. s may be free after this. */
void mux_end(struct mux *m, struct mux_stream *s);

/* RST: s is free after this. Calls closed. */
void mux_reset(struct mux *m, struct mux_stream *s);

/* n bytes of what data() brought need no memory any more. */
void mux_consumed(struct mux *m, struct mux_stream *s, size_t n);

/* GO AWAY, 0: all is well. */
void mux_go_away(struct mux *m, uint32_t why);

/* To be called after bytes of m->out went away: calls room() of each stream
 * that has room. */
void mux_drained(struct mux *m);

/* The open stream of that number, or the first of that service; or NULL. */
struct mux_stream *mux_find(struct mux *m, uint32_t id);
struct mux_stream *mux_of(struct mux *m, enum wire_service service);

#endif
