/*
 * mail: see mail.h. The tree of parts is walked with a stack of its own, in
 * document order; each entry says whether a person sees what is below it.
 */
#include "reader/mail/mail.h"

#include <assert.h>
#include <errno.h>

#include "base/sha256.h"
#include "proto/limits.h"
#include "reader/html/html.h"
#include "reader/links.h"
#include "reader/mail/address.h"
#include "reader/mail/charset.h"
#include "reader/mail/date.h"
#include "reader/mail/flaw.h"
#include "reader/mail/lex.h"
#include "reader/mail/mime.h"
#include "reader/mail/param.h"
#include "reader/mail/transfer.h"
#include "reader/mail/unseen.h"
#include "reader/mail/word.h"
#include "reader/utf8.h"

enum {
	/* a byte becomes three at most */
	FIELD_MAX = 3 * HEAD_VALUE_MAX + 64,
	TEXT_MAX = 3 * MAIL_TEXT_MAX + 3,
};

enum place {
	PLACE_SHOWN,
	PLACE_UNSEEN, /* in an alternative that is not shown */
	PLACE_BESIDE, /* belongs to a shown part: images of a page */
};

struct entry {
	const struct part *part;
	enum place place;
};

/* Scratch memory is used again: pages that are there cost nothing. */
struct walk {
	struct draft *d;
	struct mime m;
	struct entry stack[MIME_PARTS_MAX];
	size_t n;
	struct buf body;
	struct buf other; /* text of alternatives */
	struct buf bytes; /* a decoded part */
	struct buf utf8;  /* a text of it */
	struct buf field; /* a decoded field */
	struct buf addr;
};

/* Headers */

/* A decoded field as a line of the draft. */
static struct span keep(struct walk *w, size_t max)
{
	struct span s = draft_line(w->d, buf_view(&w->field), max);

	buf_reset(&w->field);
	return s;
}

static struct span words_keep(struct walk *w, struct span value, size_t max)
{
	words_decode(value, &w->field, &w->d->flaws);
	return keep(w, max);
}

/* Bytes that are no text by themselves: ids, types, addresses. */
static struct span bytes_keep(struct walk *w, struct span s, size_t max)
{
	uint32_t no_flaws = 0;

	if (s.n > HEAD_VALUE_MAX)
		s.n = HEAD_VALUE_MAX;
	charset_to_utf8(s, SPAN_LIT("utf-8"), &w->field, &no_flaws);
	return keep(w, max);
}

/* Adds the mailboxes of a field; returns how many rows there are then. */
static uint32_t addresses_keep(struct walk *w, struct span field,
			       struct message_addr *rows, uint32_t n,
			       uint32_t max)
{
	struct address_rd r;

	address_init(&r, field);
	while (n < max && address_next(&r, &w->field, &w->addr, &w->d->flaws)) {
		rows[n].name = keep(w, MESSAGE_NAME_MAX);
		rows[n++].addr =
			bytes_keep(w, buf_view(&w->addr), MESSAGE_ADDR_MAX);
	}
	address_done(&r);
	return n;
}

static struct span date_keep(struct walk *w, struct span field)
{
	uint8_t text[DATE_TEXT];

	if (!date_rfc3339(field, text))
		return span_of(NULL, 0);
	return arena_copy(&w->d->arena, span_of(text, sizeof(text)));
}

/* An id without the blanks that folding put into it. */
static struct span reference_keep(struct walk *w, struct span id)
{
	buf_reset(&w->addr);
	for (size_t i = 0; i < id.n; i++) {
		if (!lex_is_blank(id.p[i]))
			buf_u8(&w->addr, id.p[i]);
	}
	return bytes_keep(w, buf_view(&w->addr), MESSAGE_ID_MAX);
}

/* The last ids are the nearest ones. */
static void references_keep(struct walk *w, struct span field)
{
	struct message *m = &w->d->m;
	struct span ids[MESSAGE_REFS];
	struct lex l = { field, 0 };
	struct span id;
	uint32_t n = 0;

	while (lex_angle(&l, &id))
		ids[n++ % MESSAGE_REFS] = id;
	m->n_references = 0;
	for (uint32_t i = n > MESSAGE_REFS ? n - MESSAGE_REFS : 0; i < n; i++)
		m->references[m->n_references++] =
			reference_keep(w, ids[i % MESSAGE_REFS]);
}

/* An id in <>, or the bare word that somebody wrote. */
static struct span id_keep(struct walk *w, struct span field, bool bare)
{
	struct lex l = { field, 0 };
	struct span id = { NULL, 0 };

	if (!lex_angle(&l, &id) && bare) {
		id = field;
		if (id.n && id.p[0] == '<')
			id = span_of(id.p + 1, id.n - 1);
		for (size_t i = 0; i < id.n; i++) {
			if (lex_is_blank(id.p[i]))
				id.n = i;
		}
	}
	return reference_keep(w, id);
}

/* Of fields that occur twice the last one counts; addresses add up, and of
 * From's the first is kept. */
static void headers_keep(struct walk *w, struct span head)
{
	struct message *m = &w->d->m;
	struct head_field f;
	uint32_t n_from = 0;
	size_t pos = 0;

	while (head_next(head, &pos, &f)) {
		if (f.id == HEAD_SUBJECT)
			m->subject =
				words_keep(w, f.value, MESSAGE_SUBJECT_MAX);
		else if (f.id == HEAD_FROM)
			n_from =
				addresses_keep(w, f.value, &m->from, n_from, 1);
		else if (f.id == HEAD_TO)
			m->n_to = addresses_keep(w, f.value, m->to, m->n_to,
						 MESSAGE_ADDRS);
		else if (f.id == HEAD_CC)
			m->n_cc = addresses_keep(w, f.value, m->cc, m->n_cc,
						 MESSAGE_ADDRS);
		else if (f.id == HEAD_DATE)
			m->date = date_keep(w, f.value);
		else if (f.id == HEAD_MESSAGE_ID)
			m->message_id = id_keep(w, f.value, true);
		else if (f.id == HEAD_IN_REPLY_TO)
			m->in_reply_to = id_keep(w, f.value, false);
		else if (f.id == HEAD_REFERENCES)
			references_keep(w, f.value);
	}
}

/* Parts */

/* The decoded bytes, valid until the next part is decoded. */
static struct span part_bytes(struct walk *w, const struct part *p)
{
	buf_reset(&w->bytes);
	return transfer_decode(transfer_of(p->encoding, &w->d->flaws), p->body,
			       &w->bytes, &w->d->flaws);
}

static struct span param_keep(struct walk *w, struct span field,
			      const char *name, size_t max)
{
	(void)param_get(field, name, true, &w->field, &w->d->flaws);
	return keep(w, max);
}

static struct span type_keep(struct walk *w, const struct part *p)
{
	buf_reset(&w->addr);
	buf_span(&w->addr, p->main);
	buf_u8(&w->addr, '/');
	buf_span(&w->addr, p->sub);
	return bytes_keep(w, buf_view(&w->addr), MESSAGE_TYPE_MAX);
}

/* A row for an attachment; NULL when there is none left. */
static struct message_attachment *attachment_new(struct walk *w,
						 struct span bytes)
{
	struct message *m = &w->d->m;
	struct message_attachment *a;
	struct sha256 sum;

	if (m->n_attachments == MESSAGE_ATTACHMENTS) {
		draft_remove(w->d, REMOVED_TRUNCATED, 1, span_of(NULL, 0));
		return NULL;
	}
	a = &m->attachments[m->n_attachments++];
	a->size = bytes.n;
	sha256_init(&sum);
	sha256_add(&sum, bytes);
	sha256_final(&sum, a->sha256);
	return a;
}

static void attachment_keep(struct walk *w, const struct part *p)
{
	struct message_attachment *a = attachment_new(w, part_bytes(w, p));
	struct span name;

	if (!a)
		return;
	a->name = param_keep(w, p->disposition, "filename", MESSAGE_NAME_MAX);
	name = param_keep(w, p->type, "name", MESSAGE_NAME_MAX);
	if (!a->name.n)
		a->name = name;
	else if (name.n && !span_eq(a->name, name))
		flaw_add(&w->d->flaws, FLAW_CONFLICTING_PARAMETER);
	a->type = type_keep(w, p);
}

/* A blank line between the texts of two parts. */
static void piece_begin(struct buf *b)
{
	if (b->n && b->p[b->n - 1] != '\n')
		buf_u8(b, '\n');
	if (b->n)
		buf_u8(b, '\n');
}

static struct span text_cut(struct walk *w, struct span s)
{
	if (s.n <= MAIL_TEXT_MAX)
		return s;
	draft_remove(w->d, REMOVED_TRUNCATED, 1, span_of(NULL, 0));
	return span_of(s.p, MAIL_TEXT_MAX);
}

/* The text of a part as UTF-8, valid until the next one. */
static struct span part_text(struct walk *w, const struct part *p, bool html)
{
	struct span bytes = part_bytes(w, p);
	struct span charset;

	bytes = text_cut(w, bytes);
	buf_reset(&w->field);
	(void)param_get(p->type, "charset", false, &w->field, &w->d->flaws);
	charset = buf_view(&w->field);
	if (html && !charset.n)
		charset = charset_of_html(bytes);
	buf_reset(&w->utf8);
	bytes = charset_text(bytes, charset, &w->utf8, &w->d->flaws);
	buf_reset(&w->field);
	return bytes;
}

/* Links and their texts are the planner's, too: what is not shown has none. */
static void html_keep(struct walk *w, struct span text, enum place place,
		      struct buf *out)
{
	uint32_t n_links = w->d->m.n_links;

	html_to_text(text, w->d, out);
	if (place != PLACE_SHOWN)
		w->d->m.n_links = n_links;
}

static void text_keep(struct walk *w, const struct part *p, bool html,
		      enum place place)
{
	struct buf *out = place == PLACE_SHOWN ? &w->body : &w->other;
	struct span text = part_text(w, p, html);
	size_t from;

	if (!text.n)
		return;
	piece_begin(out);
	from = out->n;
	if (html) {
		html_keep(w, text, place, out);
		return;
	}
	clean_text(text, out, place == PLACE_SHOWN ? w->d : NULL);
	if (place == PLACE_SHOWN)
		links_from_text(w->d, buf_part(out, from, out->n));
}

/* Text that is shown as it stands: plain, and what is no other format. */
static bool is_plain(const struct part *p)
{
	static const char *const other[] = { "html",	  "calendar", "csv",
					     "richtext",  "rtf",      "vcard",
					     "x-vcard",	  "xml",      "css",
					     "javascript" };

	for (size_t i = 0; i < ARRAY_SIZE(other); i++) {
		if (lex_same(p->sub, other[i]))
			return false;
	}
	return part_is(p, "text", NULL);
}

static bool is_attached(const struct part *p)
{
	return lex_same(param_value(p->disposition), "attachment");
}

static void leaf(struct walk *w, const struct entry *e)
{
	const struct part *p = e->part;
	bool html = part_is(p, "text", "html");

	if (e->place == PLACE_BESIDE || (!html && !is_plain(p)) ||
	    is_attached(p))
		attachment_keep(w, p);
	else
		text_keep(w, p, html, e->place);
}

/* As many entries as there are parts: each is pushed once. */
static void push(struct walk *w, uint32_t part, enum place place)
{
	w->stack[w->n++] = (struct entry){ &w->m.parts[part], place };
}

/* A message inside: listed, and its text shown behind a line of our own. */
static void inner_message(struct walk *w, const struct entry *e)
{
	struct buf *out = e->place == PLACE_SHOWN ? &w->body : &w->other;
	struct message_attachment *a;
	struct span line = { NULL, 0 };
	uint32_t no_flaws = 0; /* they were noted when the part was found */
	struct head h;

	if (!e->part->body.n)
		return;
	a = attachment_new(w, e->part->body);
	if (e->part->child) {
		head_read(w->m.parts[e->part->child].head, &h, &no_flaws);
		line = words_keep(w, h.value[HEAD_SUBJECT],
				  MESSAGE_SUBJECT_MAX);
	}
	if (a) {
		a->name = span_of(line.p, utf8_cut(line, MESSAGE_NAME_MAX));
		a->type = SPAN_LIT("message/rfc822");
	}
	piece_begin(out);
	buf_str(out, "[attached message] ");
	buf_span(out, line);
	buf_u8(out, '\n');
	if (e->part->child)
		push(w, e->part->child, e->place);
}

/*
 * Of alternatives every mail program shows these, and what holds them. Another
 * text (AMP, a watch's) few would show: it is no more than evidence.
 */
static bool displayable(const struct part *p)
{
	return !is_attached(p) &&
	       (p->kind == PART_MULTIPART || part_is(p, "text", "html") ||
		part_is(p, "text", "plain"));
}

/* The last child that can be shown, or the first. */
static uint32_t alternative_pick(const struct walk *w, const struct part *p)
{
	uint32_t pick = p->child;

	for (uint32_t i = p->child; i; i = w->m.parts[i].next) {
		if (displayable(&w->m.parts[i]))
			pick = i;
	}
	return pick;
}

static struct span without_angles(struct span s)
{
	struct lex l = { s, 0 };
	struct span in;

	return lex_angle(&l, &in) ? in : lex_trim(s);
}

/* Which part of a multipart/related is the one to show (RFC 2387). */
static uint32_t related_pick(struct walk *w, const struct part *p)
{
	uint32_t pick = p->child;
	struct span want;

	buf_reset(&w->addr);
	(void)param_get(p->type, "start", false, &w->addr, &w->d->flaws);
	want = without_angles(buf_view(&w->addr));
	for (uint32_t i = p->child; i && want.n; i = w->m.parts[i].next) {
		struct span id = w->m.parts[i].content_id;

		if (span_eq(without_angles(id), want))
			return i;
	}
	return pick;
}

/* Children are pushed from the last to the first, to be met in order. */
static void multipart(struct walk *w, const struct entry *e)
{
	bool alternative = part_is(e->part, "multipart", "alternative");
	bool related = part_is(e->part, "multipart", "related");
	uint32_t pick = 0;
	size_t from = w->n;

	if (alternative)
		pick = alternative_pick(w, e->part);
	else if (related)
		pick = related_pick(w, e->part);
	for (uint32_t i = e->part->child; i; i = w->m.parts[i].next) {
		enum place place = e->place;

		if (alternative && i != pick)
			place = PLACE_UNSEEN;
		else if (related && i != pick)
			place = PLACE_BESIDE;
		push(w, i, place);
	}
	for (size_t to = w->n; from + 1 < to; from++, to--) {
		struct entry swap = w->stack[from];

		w->stack[from] = w->stack[to - 1];
		w->stack[to - 1] = swap;
	}
}

static void walk_parts(struct walk *w)
{
	push(w, 0, PLACE_SHOWN);
	while (w->n) {
		struct entry e = w->stack[--w->n];

		switch (e.part->kind) {
		case PART_MULTIPART:
			multipart(w, &e);
			break;
		case PART_MESSAGE:
			inner_message(w, &e);
			break;
		case PART_LEAF:
			leaf(w, &e);
			break;
		}
	}
	if (w->m.lost)
		draft_remove(w->d, REMOVED_TRUNCATED, w->m.lost,
			     span_of(NULL, 0));
}

static bool is_blank(const struct buf *b)
{
	for (size_t i = 0; i < b->n; i++) {
		if (b->p[i] > ' ')
			return false;
	}
	return true;
}

static void body_keep(struct walk *w)
{
	CLEAN_BUF struct buf lines = { .max = MAIL_TEXT_MAX };
	uint32_t n;

	/* a page of images only: the text beside it is all there is */
	if (is_blank(&w->body)) {
		draft_body(w->d, buf_view(&w->other));
		links_from_text(w->d, buf_view(&w->other));
		return;
	}
	draft_body(w->d, buf_view(&w->body));
	if (is_blank(&w->other))
		return;
	n = unseen_lines(buf_view(&w->body), buf_view(&w->other), &lines);
	if (n)
		draft_remove(w->d, REMOVED_ALTERNATIVE, n, buf_view(&lines));
}

/* Input */

/* Without the line that an mbox puts before each mail, and a BOM. */
static struct span without_mbox_line(struct span raw)
{
	const uint8_t *lf;

	if (raw.n > 3 && memcmp(raw.p, "\xef\xbb\xbf", 3) == 0)
		raw = span_of(raw.p + 3, raw.n - 3);
	if (raw.n < 6 ||
	    (memcmp(raw.p, "From ", 5) != 0 && memcmp(raw.p, ">From ", 6) != 0))
		return raw;
	lf = memchr(raw.p, '\n', raw.n);
	if (!lf)
		return raw;
	return span_of(lf + 1, raw.n - (size_t)(lf + 1 - raw.p));
}

/* Of two programs each of these makes one read another mail. */
void mail_findings(struct draft *d)
{
	static const char *const rules[] = {
		[FLAW_DUPLICATE_HEADER] = "mime.duplicate-header",
		[FLAW_CONFLICTING_HEADER] = "mime.conflicting-header",
		[FLAW_INVALID_HEADER] = "mime.invalid-header-name",
		[FLAW_DUPLICATE_PARAMETER] = "mime.duplicate-parameter",
		[FLAW_CONFLICTING_PARAMETER] = "mime.conflicting-parameter",
		[FLAW_BAD_TYPE] = "mime.bad-type",
		[FLAW_NO_BOUNDARY] = "mime.no-boundary",
		[FLAW_NO_PARTS] = "mime.no-parts",
		[FLAW_NO_END] = "mime.no-end",
		[FLAW_AFTER_END] = "mime.after-end",
		[FLAW_SAME_BOUNDARY] = "mime.same-boundary",
		[FLAW_ENCODED_CONTAINER] = "mime.encoded-container",
		[FLAW_UNKNOWN_ENCODING] = "mime.unknown-encoding",
		[FLAW_BASE64] = "mime.base64",
		[FLAW_UNKNOWN_CHARSET] = "mime.unknown-charset",
		[FLAW_NESTING] = "mime.nesting",
	};
	static_assert(ARRAY_SIZE(rules) == FLAW_MAX);

	for (size_t i = 0; i < FLAW_MAX; i++) {
		if (!(d->flaws >> i & 1) || d->m.n_findings == MESSAGE_FINDINGS)
			continue;
		d->m.findings[d->m.n_findings++] = (struct message_finding){
			.rule = span_str(rules[i]),
			.score = MAIL_FLAW_SCORE,
			.where = WHERE_SUBJECT,
		};
	}
}

/* No header at all: a text that somebody dropped in. */
static int text_read(struct walk *w, struct span raw)
{
	if (memchr(raw.p, 0, raw.n))
		return -EBADMSG;
	raw = text_cut(w, raw);
	clean_text(charset_text(raw, span_of(NULL, 0), &w->utf8, &w->d->flaws),
		   &w->body, w->d);
	links_from_text(w->d, buf_view(&w->body));
	return 0;
}

static void walk_init(struct walk *w, struct draft *d)
{
	w->d = d;
	w->n = 0;
	buf_init(&w->body, 2 * (size_t)MAIL_TEXT_MAX);
	buf_init(&w->other, 2 * (size_t)MAIL_TEXT_MAX);
	buf_init(&w->bytes, LIMIT_ITEM);
	buf_init(&w->utf8, TEXT_MAX);
	buf_init(&w->field, FIELD_MAX);
	buf_init(&w->addr, FIELD_MAX);
}

static void walk_done(struct walk *w)
{
	buf_done(&w->body);
	buf_done(&w->other);
	buf_done(&w->bytes);
	buf_done(&w->utf8);
	buf_done(&w->field);
	buf_done(&w->addr);
}

int mail_read(struct span raw, struct draft *d)
{
	struct walk *w = arena_raw(&d->arena, sizeof(*w));
	int r = 0;

	raw = without_mbox_line(raw);
	if (!raw.n || !w)
		return -EBADMSG;
	walk_init(w, d);
	if (mime_parse(raw, &d->arena, &w->m, &d->flaws) == 0) {
		headers_keep(w, w->m.parts[0].head);
		walk_parts(w);
	} else {
		r = text_read(w, raw);
	}
	if (r == 0)
		body_keep(w);
	walk_done(w);
	return r;
}
