/* asked: see asked.h. */
#include "host/broker/asked.h"

void asked_init(struct asked *a)
{
	*a = (struct asked){ .room = ASKED_ROOM };
	buf_init(&a->last, LLM_BODY);
}

void asked_done(struct asked *a)
{
	buf_done(&a->last);
}

void asked_forget(struct asked *a)
{
	buf_reset(&a->last);
}

/* What both begin with, and what is the same at the end of the rest. */
static struct span new_part(struct span old, struct span now)
{
	const size_t least = old.n < now.n ? old.n : now.n;
	size_t from = 0, end = 0;

	while (from < least && old.p[from] == now.p[from])
		from++;
	while (end < least - from &&
	       old.p[old.n - end - 1] == now.p[now.n - end - 1])
		end++;
	/* Of what is shorter there is a place where two parts meet. */
	if (from == now.n && from == old.n)
		return span_of(now.p, 0);
	from -= from < ASKED_MARGIN ? from : ASKED_MARGIN;
	end -= end < ASKED_MARGIN ? end : ASKED_MARGIN;
	return span_of(now.p + from, now.n - from - end);
}

bool asked_new(struct asked *a, struct buf *request, uint64_t now_ms,
	       struct span *ret)
{
	const struct span part =
		new_part(buf_view(&a->last), buf_view(request));
	const uint64_t passed = now_ms > a->room_ms ? now_ms - a->room_ms : 0;
	struct buf last = a->last;

	a->room_ms = now_ms;
	a->room = passed < (ASKED_ROOM - a->room) / ASKED_MORE
			  ? a->room + passed * ASKED_MORE
			  : ASKED_ROOM;
	if (part.n > a->room)
		return false;
	a->room -= part.n;
	a->last = *request;
	*request = last;
	*ret = part;
	return true;
}
