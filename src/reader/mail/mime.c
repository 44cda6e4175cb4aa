/* mime: see mime.h. */
#include "reader/mail/mime.h"

#include "reader/mail/flaw.h"
#include "reader/mail/lex.h"
#include "reader/mail/param.h"

/* A part whose end was not met yet. */
struct open {
	struct part *part;
	struct span boundary; /* of a multipart */
	bool met;	      /* a boundary that begins a part, once at least */
	bool ended;
};

enum state {
	STATE_HEAD, /* of the innermost open part */
	STATE_BODY,
	STATE_SKIP, /* before the first boundary, behind the last, too deep */
};

struct scan {
	struct span raw;
	struct arena *arena;
	struct mime *m;
	uint32_t *flaws;
	struct open open[MIME_DEPTH_MAX];
	size_t depth;
	enum state state;
	size_t pos; /* of the next line */
};

bool part_is(const struct part *p, const char *main, const char *sub)
{
	return lex_same(p->main, main) && (!sub || lex_same(p->sub, sub));
}

/* A part begins at s->pos; where there is no room it is lost. */
static void part_open(struct scan *s)
{
	struct part *parent = s->depth ? s->open[s->depth - 1].part : NULL;
	struct part *p;

	if (s->m->n == MIME_PARTS_MAX || s->depth == MIME_DEPTH_MAX) {
		s->m->lost++;
		flaw_add(s->flaws, FLAW_NESTING);
		s->state = STATE_SKIP;
		return;
	}
	p = &s->m->parts[s->m->n];
	*p = (struct part){ .depth = (uint32_t)s->depth + 1 };
	p->head = span_of(s->raw.p + s->pos, 0);
	p->body = p->head;
	if (parent && !parent->child)
		parent->child = s->m->n;
	else if (parent)
		s->m->parts[parent->last].next = s->m->n;
	if (parent)
		parent->last = s->m->n;
	s->m->n++;
	s->open[s->depth++] = (struct open){ .part = p };
	s->state = STATE_HEAD;
}

static void type_default(struct part *p, const struct part *parent)
{
	bool digest = parent && part_is(parent, "multipart", "digest");

	p->main = digest ? SPAN_LIT("message") : SPAN_LIT("text");
	p->sub = digest ? SPAN_LIT("rfc822") : SPAN_LIT("plain");
}

/* main/sub; what is no type is text, as RFC 2045, 5.2 has it. */
static void type_set(struct scan *s, struct part *p, const struct part *parent)
{
	struct span value = param_value(p->type);
	const uint8_t *slash = value.n ? memchr(value.p, '/', value.n) : NULL;
	size_t n = slash ? (size_t)(slash - value.p) : 0;

	type_default(p, parent);
	if (n && n + 1 < value.n) {
		p->main = span_of(value.p, n);
		p->sub = span_of(slash + 1, value.n - n - 1);
	} else if (p->type.n) {
		flaw_add(s->flaws, FLAW_BAD_TYPE);
		type_default(p, NULL);
	}
}

static bool is_encoded(struct span encoding)
{
	return encoding.n && !lex_same(encoding, "7bit") &&
	       !lex_same(encoding, "8bit") && !lex_same(encoding, "binary");
}

static bool is_message(const struct part *p)
{
	return part_is(p, "message", "rfc822") ||
	       part_is(p, "message", "rfc2822") ||
	       part_is(p, "message", "global") || part_is(p, "message", "news");
}

/* The boundary of a multipart; without one its text is shown as it stands. */
static void multipart_set(struct scan *s, struct open *o)
{
	CLEAN_BUF struct buf b = { .max = HEAD_VALUE_MAX };

	if (!param_get(o->part->type, "boundary", false, &b, s->flaws) ||
	    !b.n || b.n > MIME_BOUNDARY_MAX) {
		flaw_add(s->flaws, FLAW_NO_BOUNDARY);
		o->part->main = SPAN_LIT("text");
		o->part->sub = SPAN_LIT("plain");
		return;
	}
	for (size_t i = 0; i + 1 < s->depth; i++) {
		if (span_eq(s->open[i].boundary, buf_view(&b)))
			flaw_add(s->flaws, FLAW_SAME_BOUNDARY);
	}
	o->boundary = arena_copy(s->arena, buf_view(&b));
	o->part->kind = PART_MULTIPART;
}

/* The header of the innermost part ended at to; its body begins at s->pos. */
static void head_end(struct scan *s, size_t to)
{
	struct open *o = &s->open[s->depth - 1];
	struct part *p = o->part;
	const struct part *parent = s->depth > 1 ? o[-1].part : NULL;
	struct head h;

	if (s->raw.p + to > p->head.p)
		p->head.n = (size_t)(s->raw.p + to - p->head.p);
	head_read(p->head, &h, s->flaws);
	p->type = h.value[HEAD_TYPE];
	p->encoding = param_value(h.value[HEAD_ENCODING]);
	p->disposition = h.value[HEAD_DISPOSITION];
	p->content_id = h.value[HEAD_CONTENT_ID];
	p->body = span_of(s->raw.p + s->pos, 0);
	params_check(p->type, s->flaws);
	params_check(p->disposition, s->flaws);
	type_set(s, p, parent);
	if (part_is(p, "multipart", NULL))
		multipart_set(s, o);
	else if (is_message(p) && !is_encoded(p->encoding))
		p->kind = PART_MESSAGE;
	if ((p->kind != PART_LEAF || is_message(p)) && is_encoded(p->encoding))
		flaw_add(s->flaws, FLAW_ENCODED_CONTAINER);
	s->state = p->kind == PART_MULTIPART ? STATE_SKIP : STATE_BODY;
	if (p->kind == PART_MESSAGE)
		part_open(s);
}

/* A multipart without a part, be it ended, is a text. */
static void multipart_end(struct scan *s, const struct open *o)
{
	if (o->met && !o->ended)
		flaw_add(s->flaws, FLAW_NO_END);
	if (o->met)
		return;
	flaw_add(s->flaws, FLAW_NO_PARTS);
	o->part->kind = PART_LEAF;
	o->part->main = SPAN_LIT("text");
	o->part->sub = SPAN_LIT("plain");
}

/* Closes all that is open above depth; their bytes end before to. */
static void parts_close(struct scan *s, size_t depth, size_t to)
{
	size_t pos = s->pos;

	/* a header without a body; below that of a message is an empty one */
	s->pos = to;
	while (s->depth > depth && s->state == STATE_HEAD)
		head_end(s, to);
	s->pos = pos;
	while (s->depth > depth) {
		struct open *o = &s->open[--s->depth];
		const uint8_t *end = s->raw.p + to;

		if (end > o->part->body.p)
			o->part->body.n = (size_t)(end - o->part->body.p);
		if (o->part->kind == PART_MULTIPART)
			multipart_end(s, o);
	}
}

/* --boundary or --boundary--, and blanks behind it. */
static bool is_boundary(struct span line, struct span boundary, bool *last)
{
	size_t n = boundary.n + 2;

	if (!boundary.n || line.n < n ||
	    memcmp(line.p + 2, boundary.p, boundary.n) != 0)
		return false;
	*last = line.n >= n + 2 && line.p[n] == '-' && line.p[n + 1] == '-';
	return lex_trim(span_of(line.p + n, line.n - n)).n == (*last ? 2u : 0u);
}

/* Where the line that begins at pos is cut off, its own line end is, too. */
static size_t before_line(struct span raw, size_t pos)
{
	if (pos && raw.p[pos - 1] == '\n')
		pos--;
	if (pos && raw.p[pos - 1] == '\r')
		pos--;
	return pos;
}

/* The level whose boundary the line is, from the innermost; 0: none. */
static size_t boundary_level(const struct scan *s, struct span line, bool ended,
			     bool *last)
{
	size_t i = s->depth;

	while (i && (s->open[i - 1].ended != ended ||
		     !is_boundary(line, s->open[i - 1].boundary, last)))
		i--;
	return i;
}

/* True if the line, which began at from, was a boundary of what is open. */
static bool boundary_met(struct scan *s, struct span line, size_t from)
{
	bool last = false;
	size_t i = boundary_level(s, line, false, &last);
	struct open *o;

	if (!i)
		i = boundary_level(s, line, true, &last);
	if (!i)
		return false;
	o = &s->open[i - 1];
	parts_close(s, i, before_line(s->raw, from));
	s->state = STATE_SKIP;
	o->met |= !last && !o->ended;
	if (o->ended)
		flaw_add(s->flaws, FLAW_AFTER_END);
	else if (!last)
		part_open(s);
	o->ended |= last;
	return true;
}

/* The line that an mbox puts before each mail is none of the mail's. */
static bool is_mbox_line(struct span line)
{
	return (line.n > 5 && memcmp(line.p, "From ", 5) == 0) ||
	       (line.n > 6 && memcmp(line.p, ">From ", 6) == 0);
}

/* A line that is no field. A part that begins with it has no header at all. */
static void bad_line(struct scan *s, struct span line, size_t from)
{
	struct part *p = s->open[s->depth - 1].part;

	flaw_add(s->flaws, FLAW_INVALID_HEADER);
	if (s->raw.p + from != p->head.p)
		return;
	if (is_mbox_line(line)) {
		p->head.p = s->raw.p + s->pos;
		return;
	}
	s->pos = from;
	head_end(s, from);
}

static void line_in_head(struct scan *s, struct span line, size_t from)
{
	switch (head_line(line)) {
	case HEAD_LINE_END:
		head_end(s, from);
		return;
	case HEAD_LINE_BAD:
		bad_line(s, line, from);
		return;
	case HEAD_LINE_MORE:
		/* some take a line of blanks for the end */
		if (!lex_trim(line).n)
			flaw_add(s->flaws, FLAW_INVALID_HEADER);
		return;
	case HEAD_LINE_FIELD:
		return;
	}
}

int mime_parse(struct span raw, struct arena *arena, struct mime *ret,
	       uint32_t *flaws)
{
	struct scan s = {
		.raw = raw, .arena = arena, .m = ret, .flaws = flaws
	};
	enum head_line first;
	size_t pos = 0;

	ret->n = ret->lost = 0;
	if (!raw.n)
		return -1;
	first = head_line(head_next_line(raw, &pos));
	if (first != HEAD_LINE_FIELD && first != HEAD_LINE_END) {
		flaw_add(flaws, FLAW_INVALID_HEADER);
		return -1;
	}
	part_open(&s);
	while (s.pos < raw.n) {
		size_t from = s.pos;
		struct span line = head_next_line(raw, &s.pos);

		if (line.n > 2 && line.p[0] == '-' && line.p[1] == '-' &&
		    boundary_met(&s, line, from))
			continue;
		if (s.state == STATE_HEAD)
			line_in_head(&s, line, from);
	}
	parts_close(&s, 0, raw.n);
	return 0;
}
