/* exchange: see exchange.h. #syscalls:porter pread64 */
#include "exchange.h"

#include <errno.h>

#include "base/fd.h"
#include "base/log.h"

void exchange_init(struct exchange *x, struct link *l,
		   void (*ended)(void *arg, struct exchange *x,
				 enum exchange_end how),
		   void *arg)
{
	*x = (struct exchange){
		.fd = -1, .link = l, .ended = ended, .arg = arg
	};
	buf_init(&x->json, LIMIT_READER_JSON);
}

void exchange_done(struct exchange *x)
{
	buf_done(&x->json);
}

/* n > 0 bytes of those that are left, or fewer: what the item is, and it. */
static struct span next_piece(struct exchange *x, size_t n)
{
	size_t head = x->sent == 0;
	size_t at = x->sent - !head;

	if (n > sizeof(x->chunk))
		n = sizeof(x->chunk);
	x->chunk[0] = x->what;
	if (x->fd < 0 && n > head)
		memcpy(x->chunk + head, x->bytes.p + at, n - head);
	else if (x->fd >= 0 && fd_pread_all(x->fd, x->chunk + head, n - head,
					    (off_t)at) != (ssize_t)(n - head))
		die("a sealed item cannot be read");
	return span_of(x->chunk, n);
}

/* As much as there is room for; FIN needs none. */
static void push(struct exchange *x)
{
	while (x->stream && x->sent < x->size) {
		size_t n = link_room(x->link, x->stream);

		if (n > x->size - x->sent)
			n = x->size - x->sent;
		if (n == 0)
			return;
		x->sent += link_send(x->link, x->stream, next_piece(x, n));
	}
	if (x->stream)
		link_fin(x->link, x->stream);
}

static int start(struct exchange *x, enum wire_item what)
{
	if (x->stream)
		return -EBUSY;
	x->what = (uint8_t)what;
	x->sent = 0;
	x->answered = false;
	x->too_much = false;
	buf_reset(&x->json);
	x->stream = link_open(x->link, WIRE_READER);
	if (!x->stream)
		return -EBUSY;
	x->stream->user = x;
	push(x);
	return 0;
}

int exchange_start_fd(struct exchange *x, enum wire_item what, int fd,
		      size_t size)
{
	x->fd = fd;
	x->bytes = span_of(NULL, 0);
	x->size = 1 + size;
	return start(x, what);
}

int exchange_start(struct exchange *x, enum wire_item what, struct span bytes)
{
	x->fd = -1;
	x->bytes = bytes;
	x->size = 1 + bytes.n;
	return start(x, what);
}

void exchange_on_data(struct mux_stream *s, struct span bytes)
{
	struct exchange *x = s->user;

	buf_span(&x->json, bytes);
	link_consumed(x->link, s, bytes.n);
	if (buf_ok(&x->json))
		return;
	x->too_much = true;
	link_reset(x->link, s);
}

/* Who answers before the end of the question needs no more of it. */
void exchange_on_end(struct mux_stream *s)
{
	struct exchange *x = s->user;

	x->answered = true;
	if (!s->ended)
		link_reset(x->link, s);
}

void exchange_on_closed(struct mux_stream *s)
{
	struct exchange *x = s->user;

	x->stream = NULL;
	if (x->too_much)
		x->ended(x->arg, x, EXCHANGE_TOO_MUCH);
	else if (x->answered)
		x->ended(x->arg, x, EXCHANGE_ANSWERED);
	else
		x->ended(x->arg, x, EXCHANGE_RESET);
}

void exchange_on_room(struct mux_stream *s)
{
	push(s->user);
}
