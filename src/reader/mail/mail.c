/*
 * mail: see mail.h. The tree of parts is walked with a stack of its own, in
 * document order; each entry says whether a person sees what is below it.
 */
#include "reader/mail/mail.h"

#include <errno.h>
#include <gmime/gmime.h>
#include <stdlib.h>

#include "base/str.h"
#include "proto/limits.h"
#include "reader/html/html.h"
#include "reader/links.h"
#include "reader/mail/charset.h"
#include "reader/mail/unseen.h"
#include "reader/utf8.h"

enum { FIELD_MAX = 32 << 10 }; /* of a header field that is looked at */

enum place {
	PLACE_SHOWN,
	PLACE_UNSEEN, /* in an alternative that is not shown */
	PLACE_BESIDE, /* belongs to a shown part: images of a page */
};

struct entry {
	GMimeObject *part; /* borrowed from the message */
	unsigned int depth;
	enum place place;
};

struct walk {
	struct draft *d;
	struct entry stack[MAIL_PARTS_MAX];
	size_t n;
	size_t seen; /* parts so far */
	struct buf body;
	struct buf other; /* text of alternatives */
};

void mail_init(void)
{
	g_mime_init();
}

/* A string of GMime's as a line of the draft; UTF-8 or not. */
static struct span keep(struct draft *d, const char *s, size_t max)
{
	/* a byte becomes three at most; a longer one is cut, not lost */
	CLEAN_BUF struct buf b = { .max = 3 * (size_t)FIELD_MAX };
	struct span in = s ? span_str(s) : span_of(NULL, 0);

	if (in.n > FIELD_MAX)
		in.n = utf8_cut(in, FIELD_MAX);
	charset_to_utf8(in, SPAN_LIT("utf-8"), &b);
	return draft_line(d, buf_view(&b), max);
}

/* Headers */

static void mailbox_keep(struct draft *d, InternetAddress *a,
			 struct message_addr *ret)
{
	InternetAddressMailbox *box = INTERNET_ADDRESS_MAILBOX(a);

	ret->name = keep(d, internet_address_get_name(a), MESSAGE_NAME_MAX);
	ret->addr = keep(d, internet_address_mailbox_get_addr(box),
			 MESSAGE_ADDR_MAX);
}

struct addresses {
	struct message_addr *rows;
	uint32_t n;
	uint32_t max;
};

static void mailbox_add(struct draft *d, struct addresses *to,
			InternetAddress *a)
{
	if (to->n < to->max && INTERNET_ADDRESS_IS_MAILBOX(a))
		mailbox_keep(d, a, &to->rows[to->n++]);
}

/* Mailboxes in order; those of a group stand for it, one level deep. */
static uint32_t addresses_keep(struct draft *d, InternetAddressList *list,
			       struct message_addr *rows, uint32_t max)
{
	struct addresses to = { rows, 0, max };
	int len = list ? internet_address_list_length(list) : 0;

	for (int i = 0; i < len && to.n < max; i++) {
		InternetAddress *a = internet_address_list_get_address(list, i);
		InternetAddressList *in = NULL;
		int members = 0;

		mailbox_add(d, &to, a);
		if (INTERNET_ADDRESS_IS_GROUP(a))
			in = internet_address_group_get_members(
				INTERNET_ADDRESS_GROUP(a));
		if (in)
			members = internet_address_list_length(in);
		for (int k = 0; k < members && to.n < max; k++)
			mailbox_add(d, &to,
				    internet_address_list_get_address(in, k));
	}
	return to.n;
}

static struct span date_keep(struct draft *d, GMimeMessage *msg)
{
	GDateTime *date = g_mime_message_get_date(msg);
	char text[64];
	int y, m, day, zone;

	if (!date)
		return span_of(NULL, 0);
	g_date_time_get_ymd(date, &y, &m, &day);
	/* other years are no dates of mail */
	if (y < 1000 || y > 9999)
		return span_of(NULL, 0);
	zone = (int)(g_date_time_get_utc_offset(date) / G_TIME_SPAN_MINUTE);
	(void)str_printf(
		text, sizeof(text), "%d-%02d-%02dT%02d:%02d:%02d%c%02d:%02d", y,
		m, day, g_date_time_get_hour(date),
		g_date_time_get_minute(date), g_date_time_get_second(date),
		zone < 0 ? '-' : '+', abs(zone) / 60, abs(zone) % 60);
	/* nor are zones of more than two digits */
	return strlen(text) == 25 ? keep(d, text, MESSAGE_DATE_MAX)
				  : span_of(NULL, 0);
}

static void references_keep(struct draft *d, GMimeMessage *msg)
{
	const char *refs =
		g_mime_object_get_header(GMIME_OBJECT(msg), "References");
	const char *reply =
		g_mime_object_get_header(GMIME_OBJECT(msg), "In-Reply-To");
	GMimeReferences *list;
	int n;

	if (reply) {
		list = g_mime_references_parse(NULL, reply);
		if (g_mime_references_length(list) > 0)
			d->m.in_reply_to = keep(
				d, g_mime_references_get_message_id(list, 0),
				MESSAGE_ID_MAX);
		g_mime_references_free(list);
	}
	if (!refs)
		return;
	list = g_mime_references_parse(NULL, refs);
	n = g_mime_references_length(list);
	/* the last ones are the nearest */
	for (int i = n > MESSAGE_REFS ? n - MESSAGE_REFS : 0; i < n; i++)
		d->m.references[d->m.n_references++] =
			keep(d, g_mime_references_get_message_id(list, i),
			     MESSAGE_ID_MAX);
	g_mime_references_free(list);
}

static void headers_keep(struct draft *d, GMimeMessage *msg)
{
	struct message *m = &d->m;
	struct message_addr from[1] = { 0 };

	m->subject =
		keep(d, g_mime_message_get_subject(msg), MESSAGE_SUBJECT_MAX);
	(void)addresses_keep(d, g_mime_message_get_from(msg), from, 1);
	m->from = from[0];
	m->n_to = addresses_keep(d, g_mime_message_get_to(msg), m->to,
				 MESSAGE_ADDRS);
	m->n_cc = addresses_keep(d, g_mime_message_get_cc(msg), m->cc,
				 MESSAGE_ADDRS);
	m->date = date_keep(d, msg);
	m->message_id =
		keep(d, g_mime_message_get_message_id(msg), MESSAGE_ID_MAX);
	references_keep(d, msg);
}

/* Parts */

/* The decoded bytes; the caller frees the stream. */
static GMimeStream *part_bytes(GMimeObject *o)
{
	GMimeStream *mem = g_mime_stream_mem_new();
	GMimeDataWrapper *content;

	if (GMIME_IS_PART(o)) {
		content = g_mime_part_get_content(GMIME_PART(o));
		if (content)
			(void)g_mime_data_wrapper_write_to_stream(content, mem);
	} else {
		(void)g_mime_object_write_to_stream(o, NULL, mem);
	}
	return mem;
}

static struct span stream_span(GMimeStream *s)
{
	GByteArray *a = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(s));

	return a ? span_of(a->data, a->len) : span_of(NULL, 0);
}

static void sha256_of(struct span s, uint8_t *ret)
{
	GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
	gsize n = 32;

	g_checksum_update(sum, s.p, (gssize)s.n);
	g_checksum_get_digest(sum, ret, &n);
	g_checksum_free(sum);
}

static void attachment_keep(struct walk *w, GMimeObject *o, const char *name)
{
	struct message *m = &w->d->m;
	struct message_attachment *a;
	GMimeStream *bytes;
	char *type;

	if (m->n_attachments == MESSAGE_ATTACHMENTS) {
		draft_remove(w->d, REMOVED_TRUNCATED, 1, span_of(NULL, 0));
		return;
	}
	a = &m->attachments[m->n_attachments++];
	type = g_mime_content_type_get_mime_type(
		g_mime_object_get_content_type(o));
	bytes = part_bytes(o);
	a->name = keep(w->d, name, MESSAGE_NAME_MAX);
	a->type = keep(w->d, type, MESSAGE_TYPE_MAX);
	a->size = stream_span(bytes).n;
	sha256_of(stream_span(bytes), a->sha256);
	g_object_unref(bytes);
	g_free(type);
}

/* A blank line between the texts of two parts. */
static void piece_begin(struct buf *b)
{
	if (b->n && b->p[b->n - 1] != '\n')
		buf_u8(b, '\n');
	if (b->n)
		buf_u8(b, '\n');
}

static void text_keep(struct walk *w, GMimeObject *o, bool html,
		      enum place place)
{
	CLEAN_BUF struct buf utf8 = { .max = 3 * (size_t)MAIL_TEXT_MAX };
	const char *charset =
		g_mime_object_get_content_type_parameter(o, "charset");
	struct buf *out = place == PLACE_SHOWN ? &w->body : &w->other;
	GMimeStream *stream = part_bytes(o);
	struct span bytes = stream_span(stream);
	struct span name = span_str(charset);

	if (bytes.n > MAIL_TEXT_MAX) {
		bytes.n = MAIL_TEXT_MAX;
		draft_remove(w->d, REMOVED_TRUNCATED, 1, span_of(NULL, 0));
	}
	if (html && !name.n)
		name = charset_of_html(bytes);
	charset_to_utf8(bytes, name, &utf8);
	piece_begin(out);
	if (html) {
		html_to_text(buf_view(&utf8), w->d, out);
	} else {
		size_t from = out->n;

		clean_text(buf_view(&utf8), out,
			   place == PLACE_SHOWN ? w->d : NULL);
		if (place == PLACE_SHOWN)
			links_from_text(w->d, buf_part(out, from, out->n));
	}
	g_object_unref(stream);
}

static bool is_text(GMimeObject *o, const char *subtype)
{
	return g_mime_content_type_is_type(g_mime_object_get_content_type(o),
					   "text", subtype);
}

/* Text that is shown as it stands: plain, and what is no other format. */
static bool is_plain(GMimeObject *o)
{
	static const char *const other[] = { "html",	  "calendar", "csv",
					     "richtext",  "rtf",      "vcard",
					     "x-vcard",	  "xml",      "css",
					     "javascript" };

	for (size_t i = 0; i < ARRAY_SIZE(other); i++) {
		if (is_text(o, other[i]))
			return false;
	}
	return is_text(o, "*");
}

static void leaf(struct walk *w, const struct entry *e)
{
	GMimeObject *o = e->part;
	const char *disposition = g_mime_object_get_disposition(o);
	const char *name = GMIME_IS_PART(o)
				   ? g_mime_part_get_filename(GMIME_PART(o))
				   : NULL;
	bool html = is_text(o, "html");

	if (e->place == PLACE_BESIDE || (!html && !is_plain(o)) ||
	    (disposition && g_ascii_strcasecmp(disposition, "attachment") == 0))
		attachment_keep(w, o, name);
	else
		text_keep(w, o, html, e->place);
}

static void push(struct walk *w, GMimeObject *o, const struct entry *parent,
		 enum place place)
{
	if (!o)
		return;
	if (w->seen == MAIL_PARTS_MAX || w->n == MAIL_PARTS_MAX ||
	    parent->depth == MAIL_DEPTH_MAX) {
		draft_remove(w->d, REMOVED_TRUNCATED, 1, span_of(NULL, 0));
		return;
	}
	w->seen++;
	w->stack[w->n++] = (struct entry){ o, parent->depth + 1, place };
}

/* A message inside: listed, and its text shown behind a line of our own. */
static void inner_message(struct walk *w, const struct entry *e)
{
	GMimeMessage *msg =
		g_mime_message_part_get_message(GMIME_MESSAGE_PART(e->part));
	const char *subject = msg ? g_mime_message_get_subject(msg) : NULL;
	struct buf *out = e->place == PLACE_SHOWN ? &w->body : &w->other;
	struct span line = keep(w->d, subject, MESSAGE_SUBJECT_MAX);

	if (w->d->m.n_attachments < MESSAGE_ATTACHMENTS && msg) {
		struct message_attachment *a =
			&w->d->m.attachments[w->d->m.n_attachments++];
		GMimeStream *bytes = part_bytes(GMIME_OBJECT(msg));

		a->name.n = line.n < MESSAGE_NAME_MAX ? line.n : 0;
		a->name.p = line.p;
		a->type = SPAN_LIT("message/rfc822");
		a->size = stream_span(bytes).n;
		sha256_of(stream_span(bytes), a->sha256);
		g_object_unref(bytes);
	}
	if (!msg)
		return;
	piece_begin(out);
	buf_str(out, "[attached message] ");
	buf_span(out, line);
	buf_u8(out, '\n');
	push(w, g_mime_message_get_mime_part(msg), e, e->place);
}

/* Shown by a mail program: text, and multiparts that hold some. */
static bool displayable(GMimeObject *o)
{
	return GMIME_IS_MULTIPART(o) || is_text(o, "html") || is_plain(o);
}

/* Which part of a multipart/related is the one to show (RFC 2387). */
static int related_root(GMimeMultipart *m, int count)
{
	const char *start = g_mime_object_get_content_type_parameter(
		GMIME_OBJECT(m), "start");
	struct span want = span_str(start);

	if (want.n > 2 && want.p[0] == '<' && want.p[want.n - 1] == '>')
		want = span_of(want.p + 1, want.n - 2);
	for (int i = 0; want.n && i < count; i++) {
		struct span id = span_str(g_mime_object_get_content_id(
			g_mime_multipart_get_part(m, i)));

		if (span_eq(id, want))
			return i;
	}
	return 0;
}

/* How many of the first parts may still be looked at; the rest is cut. */
static int parts_room(struct walk *w, int count)
{
	size_t room = MAIL_PARTS_MAX - w->seen;

	if (room > MAIL_PARTS_MAX - w->n)
		room = MAIL_PARTS_MAX - w->n;
	if ((size_t)count <= room)
		return count;
	draft_remove(w->d, REMOVED_TRUNCATED, (uint32_t)count - (uint32_t)room,
		     span_of(NULL, 0));
	return (int)room;
}

/* Children are pushed from the last to the first, to be met in order. */
static void multipart(struct walk *w, const struct entry *e)
{
	GMimeMultipart *m = GMIME_MULTIPART(e->part);
	GMimeContentType *type = g_mime_object_get_content_type(e->part);
	bool alternative =
		g_mime_content_type_is_type(type, "multipart", "alternative");
	bool related =
		g_mime_content_type_is_type(type, "multipart", "related");
	int count = parts_room(w, g_mime_multipart_get_count(m));
	int pick = related ? related_root(m, count) : 0;

	for (int i = 0; alternative && i < count; i++) {
		if (displayable(g_mime_multipart_get_part(m, i)))
			pick = i;
	}
	for (int i = count - 1; i >= 0; i--) {
		enum place place = e->place;

		if (alternative && i != pick)
			place = PLACE_UNSEEN;
		else if (related && i != pick)
			place = PLACE_BESIDE;
		push(w, g_mime_multipart_get_part(m, i), e, place);
	}
}

static void walk_parts(struct walk *w, GMimeObject *root)
{
	const struct entry top = { NULL, 0, PLACE_SHOWN };

	push(w, root, &top, PLACE_SHOWN);
	while (w->n) {
		struct entry e = w->stack[--w->n];

		if (GMIME_IS_MULTIPART(e.part))
			multipart(w, &e);
		else if (GMIME_IS_MESSAGE_PART(e.part))
			inner_message(w, &e);
		else
			leaf(w, &e);
	}
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

/* Without the line that an mbox puts before each mail. */
static struct span without_mbox_line(struct span raw)
{
	const uint8_t *lf;

	if (raw.n < 6 ||
	    (memcmp(raw.p, "From ", 5) != 0 && memcmp(raw.p, ">From ", 6) != 0))
		return raw;
	lf = memchr(raw.p, '\n', raw.n);
	if (!lf)
		return raw;
	return span_of(lf + 1, raw.n - (size_t)(lf + 1 - raw.p));
}

static bool is_address_field(struct span line)
{
	static const char *const names[] = { "from:", "to:",	 "cc:",
					     "bcc:",  "sender:", "reply-to:" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		size_t n = strlen(names[i]);

		if (line.n >= n &&
		    g_ascii_strncasecmp((const char *)line.p, names[i], n) == 0)
			return true;
	}
	return false;
}

/* Blanks the colons of an address field that open groups beyond any use. */
static void groups_tame(uint8_t *p, size_t n, size_t *colons)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] == ':' && ++*colons > MAIL_COLONS_MAX)
			p[i] = ' ';
	}
}

/*
 * Two things the parser does not bound: it recurses into groups of addresses,
 * and it makes an object of each part. Returns the bytes it may see.
 */
static size_t input_tame(uint8_t *p, size_t n)
{
	bool field = false;
	size_t colons = 0;
	size_t dashes = 0;
	size_t i = 0;

	while (i < n) {
		const uint8_t *lf = memchr(p + i, '\n', n - i);
		size_t len = lf ? (size_t)(lf - (p + i)) + 1 : n - i;

		if (len > 2 && p[i] == '-' && p[i + 1] == '-' &&
		    ++dashes > MAIL_BOUNDARIES_MAX)
			return i;
		if (p[i] != ' ' && p[i] != '\t') {
			field = is_address_field(span_of(p + i, len));
			colons = 0;
		}
		if (field)
			groups_tame(p + i, len, &colons);
		i += len;
	}
	return n;
}

/* What the parser complains of, as bits of GMimeParserWarning. */
static void on_warning(gint64, GMimeParserWarning code, const gchar *,
		       gpointer user)
{
	uint32_t *bits = user;

	if ((unsigned int)code < 32)
		*bits |= (uint32_t)1 << (unsigned int)code;
}

static GMimeMessage *message_parse(struct span raw, struct draft *d)
{
	GMimeParserOptions *options = g_mime_parser_options_new();
	GByteArray *bytes = g_byte_array_sized_new((guint)raw.n);
	GMimeStream *mem;
	GMimeParser *parser;
	GMimeMessage *msg;
	size_t n;

	g_byte_array_append(bytes, raw.p, (guint)raw.n);
	n = input_tame(bytes->data, raw.n);
	if (n < raw.n)
		draft_remove(d, REMOVED_TRUNCATED, 1, span_of(NULL, 0));
	g_byte_array_set_size(bytes, (guint)n);
	mem = g_mime_stream_mem_new_with_byte_array(bytes);
	/* the stream does not own the array unless told so */
	g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(mem), TRUE);
	g_mime_parser_options_set_warning_callback(options, on_warning,
						   &d->mime_warnings);
	parser = g_mime_parser_new_with_stream(mem);
	g_mime_parser_set_format(parser, GMIME_FORMAT_MESSAGE);
	msg = g_mime_parser_construct_message(parser, options);
	g_object_unref(parser);
	g_object_unref(mem);
	g_mime_parser_options_free(options);
	return msg;
}

/* Of the warnings those that make two programs read two different mails. */
void mail_findings(struct draft *d)
{
	static const struct {
		GMimeParserWarning code;
		const char *rule;
	} rows[] = {
		{ GMIME_WARN_DUPLICATED_HEADER, "mime.duplicate-header" },
		{ GMIME_WARN_DUPLICATED_PARAMETER, "mime.duplicate-parameter" },
		{ GMIME_CRIT_INVALID_HEADER_NAME, "mime.invalid-header-name" },
		{ GMIME_CRIT_CONFLICTING_HEADER, "mime.conflicting-header" },
		{ GMIME_CRIT_CONFLICTING_PARAMETER,
		  "mime.conflicting-parameter" },
		{ GMIME_CRIT_MULTIPART_WITHOUT_BOUNDARY, "mime.no-boundary" },
		{ GMIME_CRIT_NESTING_OVERFLOW, "mime.nesting" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!(d->mime_warnings >> rows[i].code & 1) ||
		    d->m.n_findings == MESSAGE_FINDINGS)
			continue;
		d->m.findings[d->m.n_findings++] = (struct message_finding){
			.rule = span_str(rows[i].rule),
			.score = MAIL_WARNING_SCORE,
			.where = WHERE_SUBJECT,
		};
	}
}

/* No header at all: a text that somebody dropped in. */
static int text_read(struct walk *w, struct span raw)
{
	CLEAN_BUF struct buf utf8 = { .max = 3 * (size_t)LIMIT_ITEM };

	if (memchr(raw.p, 0, raw.n))
		return -EBADMSG;
	charset_to_utf8(raw, SPAN_LIT(""), &utf8);
	clean_text(buf_view(&utf8), &w->body, w->d);
	links_from_text(w->d, buf_view(&w->body));
	return 0;
}

int mail_read(struct span raw, struct draft *d)
{
	struct walk *w = arena_alloc(&d->arena, sizeof(*w));
	GMimeMessage *msg;
	int r = 0;

	raw = without_mbox_line(raw);
	if (!raw.n || !w)
		return -EBADMSG;
	w->d = d;
	buf_init(&w->body, 2 * (size_t)MAIL_TEXT_MAX);
	buf_init(&w->other, 2 * (size_t)MAIL_TEXT_MAX);
	msg = message_parse(raw, d);
	if (msg) {
		headers_keep(d, msg);
		walk_parts(w, g_mime_message_get_mime_part(msg));
		g_object_unref(msg);
	} else {
		r = text_read(w, raw);
	}
	if (r == 0)
		body_keep(w);
	buf_done(&w->body);
	buf_done(&w->other);
	return r;
}
