/* mux: see mux.h. */
#include "proto/mux.h"

#include <assert.h>

static const uint16_t flags_allowed[] = {
	[MUX_DATA] = MUX_SYN | MUX_ACK | MUX_FIN | MUX_RST,
	[MUX_UPDATE] = MUX_SYN | MUX_ACK | MUX_FIN | MUX_RST,
	[MUX_PING] = MUX_SYN | MUX_ACK,
	[MUX_GO_AWAY] = 0,
};

static_assert(ARRAY_SIZE(flags_allowed) == MUX_TYPES);

/* --- frames -------------------------------------------------------------- */

static void be32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static uint32_t be32_get(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

void mux_head_put(struct buf *b, const struct mux_head *h)
{
	uint8_t bytes[MUX_HEAD] = { [1] = (uint8_t)h->type,
				    [2] = (uint8_t)(h->flags >> 8),
				    [3] = (uint8_t)h->flags };

	be32(bytes + 4, h->stream);
	be32(bytes + 8, h->length);
	buf_put(b, bytes, sizeof(bytes));
}

/* SYN and ACK exclude each other, as do FIN and RST, and RST and SYN; a ping
 * has one of the first two. */
static bool flags_fit(const struct mux_head *h)
{
	uint16_t f = h->flags;

	if (f & ~flags_allowed[h->type] ||
	    (f & (MUX_SYN | MUX_ACK)) == (MUX_SYN | MUX_ACK) ||
	    (f & (MUX_FIN | MUX_RST)) == (MUX_FIN | MUX_RST) ||
	    (f & (MUX_SYN | MUX_RST)) == (MUX_SYN | MUX_RST))
		return false;
	return h->type != MUX_PING || f;
}

enum wire_fault mux_head_get(const uint8_t bytes[MUX_HEAD],
			     struct mux_head *ret)
{
	struct mux_head h = {
		.flags = (uint16_t)(bytes[2] << 8 | bytes[3]),
		.stream = be32_get(bytes + 4),
		.length = be32_get(bytes + 8),
	};

	if (bytes[0] != 0)
		return WIRE_BAD_VERSION;
	if (bytes[1] >= MUX_TYPES)
		return WIRE_BAD_TYPE;
	h.type = (enum mux_type)bytes[1];
	if (!flags_fit(&h))
		return WIRE_BAD_TYPE;
	/* Pings and GO AWAY are the session's, the others a stream's. */
	if ((h.type == MUX_PING || h.type == MUX_GO_AWAY) != (h.stream == 0))
		return WIRE_BAD_STREAM;
	if (h.type == MUX_DATA && h.length > MUX_WINDOW)
		return WIRE_BAD_LENGTH;
	*ret = h;
	return WIRE_OK;
}

/* --- rows ---------------------------------------------------------------- */

void mux_init(struct mux *m, const struct mux_config *c)
{
	*m = (struct mux){ .c = *c, .next_id = c->host ? 1 : 2 };
	buf_init(&m->out, MUX_OUT_MAX);
}

void mux_done(struct mux *m)
{
	buf_done(&m->out);
}

struct mux_stream *mux_find(struct mux *m, uint32_t id)
{
	size_t i;

	for (i = 0; id && i < MUX_STREAMS; i++)
		if (m->streams[i].id == id)
			return &m->streams[i];
	return NULL;
}

struct mux_stream *mux_of(struct mux *m, enum wire_service service)
{
	size_t i;

	for (i = 0; i < MUX_STREAMS; i++)
		if (m->streams[i].id && m->streams[i].service == service)
			return &m->streams[i];
	return NULL;
}

static struct mux_stream *row_new(struct mux *m, uint32_t id)
{
	size_t i;

	for (i = 0; i < MUX_STREAMS; i++) {
		if (m->streams[i].id)
			continue;
		m->streams[i] = (struct mux_stream){ .id = id,
						     .may_send = MUX_WINDOW,
						     .may_come = MUX_WINDOW };
		return &m->streams[i];
	}
	return NULL;
}

static uint32_t open_of(const struct mux *m, enum wire_service service)
{
	uint32_t n = 0;
	size_t i;

	for (i = 0; i < MUX_STREAMS; i++)
		n += m->streams[i].id && m->streams[i].service == service;
	return n;
}

/* Odd numbers are the host's. */
static bool is_ours(const struct mux *m, uint32_t id)
{
	return (id % 2 == 1) == m->c.host;
}

/* The row is free while its owner is told, who may open the next in it. */
static void row_close(struct mux *m, struct mux_stream *s, bool reset)
{
	s->id = 0;
	if (m->c.ops->closed && s->service && m->fault == WIRE_OK)
		m->c.ops->closed(m->c.arg, s, reset);
	if (!s->id)
		*s = (struct mux_stream){ 0 };
}

/* --- out ----------------------------------------------------------------- */

static void fail(struct mux *m, enum wire_fault f, const char *detail)
{
	if (m->fault != WIRE_OK)
		return;
	m->fault = f;
	m->detail = detail;
}

static void put(struct mux *m, const struct mux_head *h,
		enum wire_service service, struct span payload)
{
	mux_head_put(&m->out, h);
	buf_span(&m->out, payload);
	/* Data keeps below the mark, so the peer asks more than it reads. */
	if (!buf_ok(&m->out))
		fail(m, WIRE_TOO_MUCH, "it does not read what it asked for");
	if (m->c.ops->tap)
		m->c.ops->tap(m->c.arg, true, h, service, payload);
}

static void put_flags(struct mux *m, const struct mux_stream *s,
		      enum mux_type type, uint16_t flags, uint32_t length)
{
	const struct mux_head h = { type, flags, s->id, length };

	put(m, &h, s->service, span_of(NULL, 0));
}

struct mux_stream *mux_open(struct mux *m, enum wire_service service)
{
	const struct wire_rule *rule = wire_rule(m->c.workload, service);
	const uint8_t first = (uint8_t)service;
	struct mux_stream *s;
	struct mux_head h;

	if (!rule || rule->host != m->c.host || m->fault != WIRE_OK ||
	    m->peer_gone || open_of(m, service) >= rule->streams ||
	    m->next_id > UINT32_MAX - 2)
		return NULL;
	s = row_new(m, m->next_id);
	if (!s)
		return NULL;
	m->next_id += 2;
	s->service = service;
	s->may_send--;
	h = (struct mux_head){ MUX_DATA, MUX_SYN, s->id, 1 };
	put(m, &h, service, span_of(&first, 1));
	return s;
}

size_t mux_room(const struct mux *m, const struct mux_stream *s)
{
	size_t room = m->out.n < MUX_OUT_LOW ? MUX_OUT_LOW - m->out.n : 0;

	if (!s->id || s->ended || m->fault != WIRE_OK)
		return 0;
	return room < s->may_send ? room : s->may_send;
}

size_t mux_send(struct mux *m, struct mux_stream *s, struct span bytes)
{
	size_t taken = 0;

	while (taken < bytes.n) {
		size_t n = mux_room(m, s);
		struct mux_head h = { MUX_DATA, 0, s->id, 0 };

		if (n > bytes.n - taken)
			n = bytes.n - taken;
		if (n > MUX_CHUNK)
			n = MUX_CHUNK;
		if (n == 0)
			break;
		h.length = (uint32_t)n;
		s->may_send -= (uint32_t)n;
		put(m, &h, s->service, span_of(bytes.p + taken, n));
		taken += n;
	}
	return taken;
}

void mux_end(struct mux *m, struct mux_stream *s)
{
	if (!s->id || s->ended)
		return;
	s->ended = true;
	put_flags(m, s, MUX_DATA, MUX_FIN, 0);
	if (s->peer_ended)
		row_close(m, s, false);
}

void mux_reset(struct mux *m, struct mux_stream *s)
{
	if (!s->id)
		return;
	put_flags(m, s, MUX_UPDATE, MUX_RST, 0);
	row_close(m, s, true);
}

void mux_consumed(struct mux *m, struct mux_stream *s, size_t n)
{
	if (!s->id)
		return;
	assert(n <= MUX_WINDOW - s->may_come - s->used);
	s->used += (uint32_t)n;
	if (s->used < MUX_WINDOW / 2 || s->peer_ended)
		return;
	s->may_come += s->used;
	put_flags(m, s, MUX_UPDATE, 0, s->used);
	s->used = 0;
}

void mux_go_away(struct mux *m, uint32_t why)
{
	const struct mux_head h = { MUX_GO_AWAY, 0, 0, why };

	put(m, &h, 0, span_of(NULL, 0));
}

static void tell_room(struct mux *m, struct mux_stream *s)
{
	if (s->service && m->c.ops->room && mux_room(m, s))
		m->c.ops->room(m->c.arg, s);
}

void mux_drained(struct mux *m)
{
	size_t i;

	/* Another is the first each time, so that none starves the others. */
	m->turn = (m->turn + 1) % MUX_STREAMS;
	for (i = 0; i < MUX_STREAMS; i++)
		tell_room(m, &m->streams[(m->turn + i) % MUX_STREAMS]);
}

/* --- in ------------------------------------------------------------------ */

static void on_syn(struct mux *m)
{
	if (is_ours(m, m->h.stream) || m->h.stream <= m->last_id) {
		fail(m, WIRE_BAD_STREAM, "it opens a stream that is not its");
		return;
	}
	if (m->peer_gone) {
		fail(m, WIRE_BAD_ORDER, "it opens a stream, having gone away");
		return;
	}
	if (++m->opens > m->c.opens || !row_new(m, m->h.stream)) {
		fail(m, WIRE_TOO_MUCH, "it opens too many streams");
		return;
	}
	m->last_id = m->h.stream;
}

/* True of a stream that was open once: late frames on it are dropped. */
static bool was_open(const struct mux *m, uint32_t id)
{
	return is_ours(m, id) ? id < m->next_id : id <= m->last_id;
}

static void on_update(struct mux *m, struct mux_stream *s)
{
	if (m->h.length > MUX_WINDOW - s->may_send)
		fail(m, WIRE_BAD_WINDOW,
		     "it announces a window that cannot be");
	else
		s->may_send += m->h.length;
}

static void on_data_head(struct mux *m, struct mux_stream *s)
{
	if (s->peer_ended) {
		fail(m, WIRE_BAD_STREAM, "it sends on a stream it has ended");
		return;
	}
	if (m->h.length > s->may_come) {
		fail(m, WIRE_BAD_WINDOW, "it sends more than its window");
		return;
	}
	s->may_come -= m->h.length;
}

static void on_fin(struct mux *m, struct mux_stream *s)
{
	if (s->peer_ended || !s->service) {
		fail(m, WIRE_BAD_STREAM, "it ends a stream out of turn");
		return;
	}
	s->peer_ended = true;
	if (m->c.ops->end)
		m->c.ops->end(m->c.arg, s);
	/* That may have closed it, and opened another in the row. */
	if (s->id == m->h.stream && s->ended)
		row_close(m, s, false);
}

/* What stands in the frame's flags, once its payload is through. */
static void on_frame_end(struct mux *m)
{
	struct mux_stream *s = mux_find(m, m->h.stream);

	if (!s)
		return;
	if (m->h.flags & MUX_RST)
		row_close(m, s, true);
	else if (m->h.flags & MUX_FIN)
		on_fin(m, s);
	else if (m->h.type == MUX_UPDATE && m->h.length)
		tell_room(m, s);
}

/* Whoever is asked to accept a stream says so, once. */
static void on_ack(struct mux *m, struct mux_stream *s)
{
	if (!is_ours(m, m->h.stream) || s->acked)
		fail(m, WIRE_BAD_STREAM, "it accepts what nobody opened");
	s->acked = true;
}

static void on_stream_head(struct mux *m)
{
	struct mux_stream *s;

	if (m->h.flags & MUX_SYN)
		on_syn(m);
	if (m->fault != WIRE_OK)
		return;
	s = mux_find(m, m->h.stream);
	if (!s && !was_open(m, m->h.stream))
		fail(m, WIRE_BAD_STREAM, "it speaks on a stream never opened");
	if (!s)
		return;
	if (m->h.flags & MUX_ACK)
		on_ack(m, s);
	if (m->h.type == MUX_UPDATE)
		on_update(m, s);
	else
		on_data_head(m, s);
}

static void on_ping(struct mux *m)
{
	const struct mux_head h = { MUX_PING, MUX_ACK, 0, m->h.length };

	/* We never ask, so an answer is out of turn. */
	if (m->h.flags & MUX_ACK)
		fail(m, WIRE_BAD_ORDER, "it answers a ping that nobody sent");
	else
		put(m, &h, 0, span_of(NULL, 0));
}

static void on_go_away(struct mux *m)
{
	if (m->peer_gone) {
		fail(m, WIRE_BAD_ORDER, "it goes away twice");
		return;
	}
	m->peer_gone = true;
	if (m->c.ops->gone)
		m->c.ops->gone(m->c.arg, m->h.length);
}

static void tap_in(struct mux *m, struct span rest)
{
	const struct mux_stream *s = mux_find(m, m->h.stream);
	size_t n = m->h.type == MUX_DATA ? m->h.length : 0;

	if (m->c.ops->tap)
		m->c.ops->tap(m->c.arg, false, &m->h, s ? s->service : 0,
			      span_of(rest.p, n < rest.n ? n : rest.n));
}

static void on_head(struct mux *m, struct span rest)
{
	enum wire_fault f = mux_head_get(m->head, &m->h);

	if (f != WIRE_OK) {
		fail(m, f, "a frame that cannot be");
		return;
	}
	tap_in(m, rest);
	m->left = m->h.type == MUX_DATA ? m->h.length : 0;
	m->bytes += m->left;
	if (m->bytes > m->c.bytes)
		fail(m, WIRE_TOO_MUCH,
		     "it sends more bytes than it may in all");
	else if (++m->frames > m->c.frames + m->bytes / MUX_EARN)
		fail(m, WIRE_TOO_MUCH, "it sends too many frames");
	else if (m->h.type == MUX_PING)
		on_ping(m);
	else if (m->h.type == MUX_GO_AWAY)
		on_go_away(m);
	else
		on_stream_head(m);
}

static void on_service(struct mux *m, struct mux_stream *s, uint8_t first)
{
	const struct wire_rule *rule =
		wire_rule(m->c.workload, (enum wire_service)first);

	if (!rule) {
		fail(m, WIRE_BAD_TYPE, "it asks for a service it has not");
	} else if (rule->host == m->c.host) {
		fail(m, WIRE_BAD_STREAM, "the service is not its to open");
	} else if (open_of(m, (enum wire_service)first) >= rule->streams) {
		fail(m, WIRE_TOO_MUCH, "it opens a service too often");
	} else {
		s->service = (enum wire_service)first;
		s->acked = true;
		put_flags(m, s, MUX_UPDATE, MUX_ACK, 0);
		if (m->c.ops->opened)
			m->c.ops->opened(m->c.arg, s);
	}
}

/* The service takes a byte of the window like any other. */
static struct span take_service(struct mux *m, struct span bytes)
{
	struct mux_stream *s = mux_find(m, m->h.stream);

	if (!s || s->service)
		return bytes;
	on_service(m, s, bytes.p[0]);
	s = mux_find(m, m->h.stream);
	if (s && m->fault == WIRE_OK)
		mux_consumed(m, s, 1);
	return span_of(bytes.p + 1, bytes.n - 1);
}

static void on_payload(struct mux *m, struct span bytes)
{
	struct mux_stream *s;

	bytes = take_service(m, bytes);
	s = mux_find(m, m->h.stream);
	if (s && bytes.n && m->fault == WIRE_OK && m->c.ops->data)
		m->c.ops->data(m->c.arg, s, bytes);
}

static struct span gather_head(struct mux *m, struct span bytes)
{
	size_t n = MUX_HEAD - m->head_n;

	if (n > bytes.n)
		n = bytes.n;
	memcpy(m->head + m->head_n, bytes.p, n);
	m->head_n += n;
	bytes = span_of(bytes.p + n, bytes.n - n);
	if (m->head_n == MUX_HEAD)
		on_head(m, bytes);
	return bytes;
}

enum wire_fault mux_feed(struct mux *m, struct span bytes)
{
	while (m->fault == WIRE_OK && bytes.n) {
		if (m->head_n < MUX_HEAD) {
			bytes = gather_head(m, bytes);
		} else {
			size_t n = m->left < bytes.n ? m->left : bytes.n;

			m->left -= (uint32_t)n;
			on_payload(m, span_of(bytes.p, n));
			bytes = span_of(bytes.p + n, bytes.n - n);
		}
		if (m->head_n == MUX_HEAD && !m->left && m->fault == WIRE_OK) {
			m->head_n = 0;
			on_frame_end(m);
		}
	}
	return m->fault;
}
