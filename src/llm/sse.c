/* sse: see sse.h. */
#include "sse.h"

#include "base/str.h"

void sse_init(struct sse *s)
{
	*s = (struct sse){ 0 };
	buf_init(&s->line, SSE_LINE);
	buf_init(&s->data, SSE_EVENT + 1);
}

void sse_done(struct sse *s)
{
	buf_done(&s->line);
	buf_done(&s->data);
}

static bool dispatch(struct sse *s, sse_fn fn, void *arg)
{
	bool ok = true;

	/* Each line of data left its newline. */
	if (s->any) {
		s->events++;
		ok = fn(arg, s->name,
			span_of(s->data.p, s->data.n ? s->data.n - 1 : 0));
	}
	buf_reset(&s->data);
	s->name[0] = 0;
	s->any = false;
	return ok;
}

static bool on_line(struct sse *s, sse_fn fn, void *arg)
{
	struct span line = buf_view(&s->line), value = { NULL, 0 };
	const uint8_t *colon;
	size_t n;

	if (line.n == 0)
		return dispatch(s, fn, arg);
	colon = memchr(line.p, ':', line.n);
	n = colon ? (size_t)(colon - line.p) : line.n;
	if (colon)
		value = span_of(colon + 1, line.n - n - 1);
	if (value.n && value.p[0] == ' ')
		value = span_of(value.p + 1, value.n - 1);
	if (n == 4 && !memcmp(line.p, "data", 4)) {
		buf_span(&s->data, value);
		buf_u8(&s->data, '\n');
		s->any = true;
	} else if (n == 5 && !memcmp(line.p, "event", 5)) {
		(void)str_copy(s->name, sizeof(s->name), value);
	}
	return buf_ok(&s->data);
}

bool sse_feed(struct sse *s, struct span bytes, sse_fn fn, void *arg)
{
	while (bytes.n) {
		size_t n = 0;
		bool ok;

		if (s->cr && bytes.p[0] == '\n') {
			bytes = span_of(bytes.p + 1, bytes.n - 1);
			s->cr = false;
			continue;
		}
		s->cr = false;
		while (n < bytes.n && bytes.p[n] != '\n' && bytes.p[n] != '\r')
			n++;
		buf_put(&s->line, bytes.p, n);
		if (!buf_ok(&s->line))
			return false;
		if (n == bytes.n)
			break;
		s->cr = bytes.p[n] == '\r';
		bytes = span_of(bytes.p + n + 1, bytes.n - n - 1);
		ok = on_line(s, fn, arg);
		buf_reset(&s->line);
		if (!ok)
			return false;
	}
	return true;
}
