/* reply: see reply.h. */
#include "reply.h"

#include <strings.h>

#include "base/str.h"

enum { STATUS_AT = 9, INTERIM_TOP = 199, NO_CONTENT = 204 };

void reply_init(struct reply *r)
{
	*r = (struct reply){ 0 };
}

/* "HTTP/1.1 200 ...": digits where they belong, or -1. */
static int status_of(const char *line, size_t n)
{
	uint64_t v;

	if (n < STATUS_AT + 3 || memcmp(line, "HTTP/1.", 7) != 0 ||
	    (line[7] != '0' && line[7] != '1') || line[8] != ' ' ||
	    (n > STATUS_AT + 3 && line[STATUS_AT + 3] != ' ') ||
	    num_parse(span_of(line + STATUS_AT, 3), 100, 599, &v) < 0)
		return -1;
	return (int)v;
}

/* The number that a head line has behind its name; false: it is another. */
static bool number_line(const struct reply *r, const char *name, uint64_t *ret)
{
	size_t n = strlen(name);
	size_t at = n + 1, end = r->line_n;

	if (r->line_long || end <= at || r->line[n] != ':' ||
	    strncasecmp(r->line, name, n) != 0)
		return false;
	while (at < end && (r->line[at] == ' ' || r->line[at] == '\t'))
		at++;
	while (end > at &&
	       (r->line[end - 1] == ' ' || r->line[end - 1] == '\t'))
		end--;
	return num_parse(span_of(r->line + at, end - at), 0, UINT32_MAX, ret) ==
	       0;
}

/* The first number behind a key in a JSON text, in quotes or not. */
static uint64_t number_behind(const char *text, const char *key)
{
	const char *p = strstr(text, key);
	uint64_t v;
	size_t n;

	if (!p)
		return 0;
	p += strlen(key);
	p += strspn(p, " \t\r\n:\"");
	n = strspn(p, "0123456789");
	return num_parse(span_of(p, n), 0, UINT32_MAX, &v) == 0 ? v : 0;
}

static enum reply_state done(struct reply *r)
{
	static const char *const keys[] = { "\"rejectedSpans\"",
					    "\"rejectedDataPoints\"",
					    "\"rejectedLogRecords\"" };
	size_t i;

	r->body[r->kept] = 0;
	for (i = 0; i < ARRAY_SIZE(keys) && !r->rejected; i++)
		r->rejected = number_behind(r->body, keys[i]);
	r->state = REPLY_DONE;
	return r->state;
}

static enum reply_state bad(struct reply *r)
{
	r->state = REPLY_BAD;
	return r->state;
}

/* The empty line: an interim answer is followed by another. */
static enum reply_state head_end(struct reply *r)
{
	if (!r->status_seen)
		return bad(r);
	if (r->status <= INTERIM_TOP) {
		if (++r->interim > REPLY_INTERIM)
			return bad(r);
		r->status_seen = false;
		r->has_length = false;
		r->retry_after_s = 0;
		return REPLY_MORE;
	}
	r->in_body = true;
	if (r->status == NO_CONTENT || (r->has_length && r->length == 0))
		return done(r);
	return REPLY_MORE;
}

static enum reply_state line_end(struct reply *r)
{
	uint64_t v;

	if (r->line_n && r->line[r->line_n - 1] == '\r')
		r->line_n--;
	if (!r->line_n && !r->line_long)
		return head_end(r);
	if (!r->status_seen) {
		r->status = r->line_long ? -1 : status_of(r->line, r->line_n);
		r->status_seen = true;
		return r->status < 0 ? bad(r) : REPLY_MORE;
	}
	if (number_line(r, "retry-after", &v))
		r->retry_after_s = v;
	else if (number_line(r, "content-length", &v)) {
		r->has_length = true;
		r->length = v;
	}
	return REPLY_MORE;
}

static enum reply_state head_byte(struct reply *r, uint8_t c)
{
	enum reply_state s = REPLY_MORE;

	if (++r->head > REPLY_HEAD)
		return bad(r);
	if (c == '\n') {
		s = line_end(r);
		r->line_n = 0;
		r->line_long = false;
	} else if (r->line_n < REPLY_LINE) {
		r->line[r->line_n++] = (char)c;
	} else {
		r->line_long = true;
	}
	return s;
}

/* NUL would end what is looked at. */
static enum reply_state body_byte(struct reply *r, uint8_t c)
{
	if (r->kept < REPLY_BODY)
		r->body[r->kept++] = (char)(c ? c : ' ');
	r->body_n++;
	if (r->body_n >= REPLY_TOTAL ||
	    (r->has_length && r->body_n >= r->length))
		return done(r);
	return REPLY_MORE;
}

enum reply_state reply_feed(struct reply *r, struct span s)
{
	size_t i;

	for (i = 0; i < s.n && r->state == REPLY_MORE; i++)
		r->state = r->in_body ? body_byte(r, s.p[i])
				      : head_byte(r, s.p[i]);
	return r->state;
}

enum reply_state reply_eof(struct reply *r)
{
	if (r->state != REPLY_MORE)
		return r->state;
	return r->in_body && (!r->has_length || r->body_n >= r->length)
		       ? done(r)
		       : bad(r);
}
