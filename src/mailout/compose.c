/* compose: see compose.h. */
#include "compose.h"

#include <openssl/evp.h>
#include <strings.h>
#include <time.h>

#include "base/str.h"

enum {
	WORD_BYTES = 45, /* of text in one RFC 2047 word: 60 characters */
	LINE_PLAIN = 68, /* a subject up to this length needs no folding */
	RAW_SUBJECT_MAX = 900, /* one word of it stays a legal line */
	QP_LINE = 75,	       /* characters before a soft line break */
};

static bool is_atext(uint8_t c)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9'))
		return true;
	return c && strchr("!#$%&'*+-/=?^_`{|}~.", c);
}

/* 1*atext *("." 1*atext) */
static bool dot_atom_ok(const uint8_t *p, size_t n)
{
	size_t i;

	if (n == 0 || p[0] == '.' || p[n - 1] == '.')
		return false;
	for (i = 0; i < n; i++)
		if (!is_atext(p[i]) || (p[i] == '.' && p[i - 1] == '.'))
			return false;
	return true;
}

bool compose_addr_ok(struct span addr)
{
	const uint8_t *at = addr.n ? memchr(addr.p, '@', addr.n) : NULL;
	size_t local;

	if (!at || addr.n > COMPOSE_ADDR_MAX)
		return false;
	local = (size_t)(at - addr.p);
	return dot_atom_ok(addr.p, local) &&
	       dot_atom_ok(at + 1, addr.n - local - 1);
}

/* The arguments, sorted out. */
struct parts {
	const struct m_arg *to[LIMIT_ARGS];
	size_t n_to;
	const struct m_arg *subject;
	const struct m_arg *body;
	bool answers; /* a thread: to whom it goes is the broker's to say */
};

static const char *take_arg(struct parts *p, const struct m_arg *a)
{
	if (a->json != ARG_STRING || a->shape == ARG_EMPTY_LIST)
		return "an argument is not a text";
	if (span_is(a->name, "to")) {
		if (!compose_addr_ok(a->value))
			return "a recipient is not a plain address";
		p->to[p->n_to++] = a;
		return NULL;
	}
	if (a->shape != ARG_SCALAR)
		return "an argument is a list";
	if (span_is(a->name, "thread")) {
		p->answers = true;
		return NULL;
	}
	if (span_is(a->name, "subject")) {
		if (p->subject)
			return "there are two subjects";
		p->subject = a;
		return NULL;
	}
	if (span_is(a->name, "body") || span_is(a->name, "text")) {
		if (p->body)
			return "there are two bodies";
		p->body = a;
		return NULL;
	}
	return "an argument is not one of to, thread, subject, body";
}

/* What must never be in a header: C0, DEL, C1, line and paragraph separator. */
static bool has_control(struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] < 0x20 || s.p[i] == 0x7f)
			return true;
		if (s.p[i] == 0xc2 && i + 1 < s.n && s.p[i + 1] < 0xa0)
			return true;
		if (s.p[i] == 0xe2 && i + 2 < s.n && s.p[i + 1] == 0x80 &&
		    (s.p[i + 2] == 0xa8 || s.p[i + 2] == 0xa9))
			return true;
	}
	return false;
}

static const char *check_parts(const struct parts *p)
{
	if (!p->body)
		return "there is no body";
	if (p->answers && !p->n_to)
		return "there is nobody whom it could be an answer to";
	if (!utf8_valid(p->body->value) ||
	    (p->body->value.n && memchr(p->body->value.p, 0, p->body->value.n)))
		return "the body is not UTF-8 text";
	if (!p->subject)
		return NULL;
	if (p->subject->value.n > COMPOSE_SUBJECT_MAX)
		return "the subject is too long";
	if (!utf8_valid(p->subject->value))
		return "the subject is not UTF-8";
	if (has_control(p->subject->value))
		return "the subject holds a control character";
	return NULL;
}

/* Text that every mail program reads as it stands. */
static bool plain_subject(struct span s)
{
	size_t i;

	if (s.n > LINE_PLAIN || (s.n && (s.p[0] == ' ' || s.p[s.n - 1] == ' ')))
		return false;
	for (i = 0; i < s.n; i++)
		if (s.p[i] >= 0x7f ||
		    (s.p[i] == '=' && i + 1 < s.n && s.p[i + 1] == '?'))
			return false;
	return true;
}

/* How much of s fits into one word without cutting a character. */
static size_t word_length(struct span s)
{
	size_t n = s.n < WORD_BYTES ? s.n : WORD_BYTES;

	while (n < s.n && (s.p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

/* RFC 2047 words in base64, one a line. */
static void put_words(struct buf *b, struct span s)
{
	bool first = true;

	while (s.n) {
		unsigned char word[WORD_BYTES / 3 * 4 + 1];
		size_t n = word_length(s);

		(void)EVP_EncodeBlock(word, s.p, (int)n);
		buf_printf(b, "%s=?UTF-8?B?%s?=", first ? "" : "\n ",
			   (const char *)word);
		first = false;
		s = span_of(s.p + n, s.n - n);
	}
}

/* A subject as it stood in a header: ASCII, with encoded words in it or not,
 * folded at blanks; what is neither is left away. */
static void put_raw_subject(struct buf *b, struct span s)
{
	size_t column = sizeof("Subject: Re: ") - 1;
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] >= 0x7f)
			return;
	if (s.n > RAW_SUBJECT_MAX)
		return;
	for (i = 0; i < s.n; i++, column++) {
		if (s.p[i] == ' ' && column >= LINE_PLAIN && i + 1 < s.n &&
		    s.p[i + 1] != ' ') {
			buf_str(b, "\n");
			column = 0;
		}
		buf_u8(b, s.p[i]);
	}
}

static void put_reply_subject(struct buf *b, struct span s)
{
	while (s.n && s.p[0] == ' ')
		s = span_of(s.p + 1, s.n - 1);
	while (s.n && s.p[s.n - 1] == ' ')
		s.n--;
	if (s.n < 3 || strncasecmp((const char *)s.p, "re:", 3) != 0)
		buf_str(b, "Re: ");
	put_raw_subject(b, s);
}

static void put_subject(struct buf *b, const struct m_arg *subject,
			const struct compose *c)
{
	struct span s = subject ? subject->value : span_str("");

	buf_str(b, "Subject: ");
	if (!subject && c->reply_subject.n)
		put_reply_subject(b, c->reply_subject);
	else if (plain_subject(s))
		buf_span(b, s);
	else
		put_words(b, s);
	buf_str(b, "\n");
}

/* The next "<...>" of printable ASCII; false: there is none. */
static bool take_id(struct span *s, struct span *ret)
{
	while (s->n) {
		size_t n = 1;

		if (s->p[0] != '<') {
			*s = span_of(s->p + 1, s->n - 1);
			continue;
		}
		while (n < s->n && s->p[n] > 0x20 && s->p[n] < 0x7f &&
		       s->p[n] != '<' && s->p[n] != '>')
			n++;
		*ret = span_of(s->p, n + 1);
		if (n > 1 && n < s->n && n < COMPOSE_ID_MAX && s->p[n] == '>') {
			*s = span_of(s->p + n + 1, s->n - n - 1);
			return true;
		}
		*s = span_of(s->p + n, s->n - n);
	}
	return false;
}

/* In-Reply-To, and References: those of the mail that is answered, and its own
 * (RFC 5322 3.6.4). */
static void put_thread(struct buf *b, const struct compose *c)
{
	struct span left = c->reply_refs, one = c->reply_id, id;
	size_t n = 0, i;

	if (!take_id(&one, &id))
		return;
	buf_str(b, "In-Reply-To: ");
	buf_span(b, id);
	buf_str(b, "\nReferences:");
	while (take_id(&left, &one))
		n++;
	left = c->reply_refs;
	for (i = 0; take_id(&left, &one); i++) {
		if (i + COMPOSE_REFS <= n || span_eq(one, id))
			continue;
		buf_str(b, i + COMPOSE_REFS == n + 1 || i == 0 ? " " : "\n ");
		buf_span(b, one);
	}
	buf_str(b, n ? "\n " : " ");
	buf_span(b, id);
	buf_str(b, "\n");
}

static void put_recipients(struct buf *b, const struct parts *p)
{
	size_t i;

	buf_str(b, "To: ");
	for (i = 0; i < p->n_to; i++) {
		if (i)
			buf_str(b, ",\n ");
		buf_span(b, p->to[i]->value);
	}
	buf_str(b, "\n");
}

/* RFC 5322 date in UTC, in the C locale's names. */
static void put_date(struct buf *b, uint64_t seconds)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t t = (time_t)seconds;
	struct tm tm;

	if (!gmtime_r(&t, &tm)) {
		b->bad = true;
		return;
	}
	buf_printf(b, "Date: %.3s, %02d %.3s %d %02d:%02d:%02d +0000\n",
		   days + (size_t)tm.tm_wday * 3, tm.tm_mday,
		   months + (size_t)tm.tm_mon * 3, tm.tm_year + 1900,
		   tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* Whether byte i of a line must be written as =XX. */
static bool qp_escape(struct span line, size_t i)
{
	uint8_t c = line.p[i];

	if (c == ' ' || c == '\t')
		return i + 1 == line.n;
	/* "From " and "." at the start of a line mean something to others. */
	return c < 0x21 || c > 0x7e || c == '=' ||
	       (i == 0 && (c == '.' || c == 'F'));
}

static void put_qp_line(struct buf *b, struct span line)
{
	size_t column = 0;
	size_t i;

	for (i = 0; i < line.n; i++) {
		bool escape = qp_escape(line, i);
		size_t width = escape ? 3 : 1;

		if (column + width > QP_LINE) {
			buf_str(b, "=\n");
			column = 0;
		}
		if (escape)
			buf_printf(b, "=%02X", line.p[i]);
		else
			buf_u8(b, line.p[i]);
		column += width;
	}
	buf_str(b, "\n");
}

/* Quoted-printable; a line ends with LF or CRLF. */
static void put_body(struct buf *b, struct span s)
{
	while (s.n) {
		const uint8_t *end = memchr(s.p, '\n', s.n);
		size_t n = end ? (size_t)(end - s.p) : s.n;
		struct span line = span_of(s.p, n);

		if (end && n && s.p[n - 1] == '\r')
			line.n--;
		put_qp_line(b, line);
		n += end != NULL;
		s = span_of(s.p + n, s.n - n);
	}
}

static void put_id(struct buf *b, const struct compose *c)
{
	const uint8_t *at = memchr(c->from.p, '@', c->from.n);
	size_t skip = (size_t)(at - c->from.p);

	buf_str(b, "Message-ID: <");
	buf_span(b, c->id);
	buf_put(b, at, c->from.n - skip);
	buf_str(b, ">\n");
}

size_t compose_recipients(const struct m_arg *args, size_t n,
			  struct span ret[LIMIT_ARGS])
{
	size_t i, found = 0;

	for (i = 0; i < n && i < LIMIT_ARGS; i++)
		if (span_is(args[i].name, "to") &&
		    args[i].shape != ARG_EMPTY_LIST)
			ret[found++] = args[i].value;
	return found;
}

const char *compose_mail(struct buf *b, const struct compose *c,
			 const struct m_arg *args, size_t n)
{
	const struct m_arg owner = { .value = c->from };
	struct parts p = { 0 };
	const char *why = NULL;
	size_t i;

	if (!compose_addr_ok(c->from))
		return "the sender's address is not a plain address";
	if (n > LIMIT_ARGS)
		return "there are too many arguments";
	for (i = 0; i < n && !why; i++)
		why = take_arg(&p, &args[i]);
	if (!why)
		why = check_parts(&p);
	if (why)
		return why;
	if (p.n_to == 0)
		p.to[p.n_to++] = &owner;
	put_date(b, c->date_s);
	buf_str(b, "From: ");
	buf_span(b, c->from);
	buf_str(b, "\n");
	put_recipients(b, &p);
	put_subject(b, p.subject, c);
	put_id(b, c);
	if (p.answers)
		put_thread(b, c);
	buf_str(b, "MIME-Version: 1.0\n"
		   "Content-Type: text/plain; charset=utf-8\n"
		   "Content-Transfer-Encoding: quoted-printable\n"
		   "Auto-Submitted: auto-generated\n"
		   "\n");
	put_body(b, p.body->value);
	return buf_ok(b) ? NULL : "the mail is too long";
}
