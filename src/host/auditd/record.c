/* record: see record.h. */
#include "record.h"

#include <endian.h>
#include <time.h>

#include "base/str.h"

enum {
	OWN_MAX = 8,
	ROWS_MAX = LIMIT_AUDIT_FIELDS + OWN_MAX,
	TIME_TEXT = 30, /* 2026-11-22T11:02:03.000000004Z, without a NUL */
	DIGITS = 20,	/* of the largest number */
};

#define NUMBER_MAX ((UINT64_C(1) << 53) - 1)

static bool name_ok(struct span s)
{
	/* By the low 6 bits of what is in the upper half: a-z and _, and what
	 * is in the lower: 0-9, '-' and '.'. A compare a byte is dearer, and
	 * this is done for each byte of each key. */
	const uint64_t upper = UINT64_C(0x07fffffe80000000);
	const uint64_t lower = UINT64_C(0x03ff600000000000);
	size_t i;

	for (i = 0; i < s.n; i++) {
		uint64_t set = s.p[i] & 0x40 ? upper : lower;

		if (s.p[i] & 0x80 || !(set >> (s.p[i] & 0x3f) & 1))
			return false;
	}
	return s.n > 0;
}

static const char *field_fault(const struct m_audit_field *f)
{
	if (!name_ok(f->key))
		return "a key is not of [a-z0-9_.-]";
	switch (f->type) {
	case AUDIT_STR:
		return utf8_valid(f->text) ? NULL : "a text is not UTF-8";
	case AUDIT_INT:
		return f->number <= NUMBER_MAX ? NULL : "a number is over 2^53";
	case AUDIT_BOOL:
		return f->number <= 1 ? NULL : "a truth value is not 0 or 1";
	default:
		return "a field is of no known type";
	}
}

/* Eight bytes of which none is a control, a quote or a backslash? */
static bool plain_eight(const uint8_t *p)
{
	const uint64_t each = UINT64_C(0x0101010101010101);
	uint64_t v, quote, slash, hit;

	memcpy(&v, p, sizeof(v));
	quote = v ^ each * '"';
	slash = v ^ each * '\\';
	/* The top bit of a byte that is under 0x20, or zero: only such a byte
	 * borrows from the next, so there is one where any bit is set. */
	hit = (v - each * 0x20) & ~v;
	hit |= (quote - each) & ~quote;
	hit |= (slash - each) & ~slash;
	return !(hit & each * 0x80);
}

/* How many bytes at the start of s stand for themselves in JSON. */
static size_t plain(struct span s)
{
	size_t i = 0;

	for (;;) {
		while (s.n - i >= 8 && plain_eight(s.p + i))
			i += 8;
		if (i == s.n || s.p[i] < 0x20 || s.p[i] == '"' ||
		    s.p[i] == '\\')
			return i;
		i++;
	}
}

/* RFC 8785: the two-character escapes, \u00xx for other controls, no more. */
static void put_escape(struct buf *b, uint8_t c)
{
	static const char escapes[] = "btn\0fr";

	if (c == '"' || c == '\\')
		buf_printf(b, "\\%c", c);
	else if (c >= 8 && c <= 13 && escapes[c - 8])
		buf_printf(b, "\\%c", escapes[c - 8]);
	else
		buf_printf(b, "\\u%04x", c);
}

/* In quotes, what is behind the second with it: a colon, or nothing. */
static void put_string(struct buf *b, struct span s, bool colon)
{
	size_t n = plain(s);
	uint8_t *to = buf_extend(b, n + 1);

	if (!to)
		return;
	to[0] = '"';
	if (n)
		memcpy(to + 1, s.p, n);
	while (n < s.n) {
		struct span rest;

		put_escape(b, s.p[n]);
		rest = span_of(s.p + n + 1, s.n - n - 1);
		n = plain(rest);
		buf_put(b, rest.p, n);
		s = rest;
	}
	buf_put(b, "\":", colon ? 2 : 1);
}

/* The digits of v, right-aligned in dst[n]; returns where they begin. */
static char *digits(char *dst, size_t n, uint64_t v)
{
	char *at = dst + n;

	do
		*--at = (char)('0' + v % 10);
	while (v /= 10);
	return at;
}

static void put_number(struct buf *b, uint64_t v)
{
	char text[DIGITS];
	char *at = digits(text, sizeof(text), v);

	buf_put(b, at, (size_t)(text + sizeof(text) - at));
}

static void put_field(struct buf *b, const struct m_audit_field *f)
{
	put_string(b, f->key, true);
	switch (f->type) {
	case AUDIT_STR:
		put_string(b, f->text, false);
		break;
	case AUDIT_INT:
		put_number(b, f->number);
		break;
	case AUDIT_BOOL:
		buf_str(b, f->number ? "true" : "false");
		break;
	default:
		b->bad = true;
	}
}

/* A field, and the first bytes of its key as a number, zeros behind a short
 * one: keys are ASCII without NUL, where the order of bytes is that of RFC 8785
 * and a number tells most of it. */
struct row {
	uint64_t head;
	const struct m_audit_field *f;
};

static struct row row_of(const struct m_audit_field *f)
{
	uint8_t head[8] = { 0 };
	uint64_t v;

	memcpy(head, f->key.p, f->key.n < 8 ? f->key.n : 8);
	memcpy(&v, head, sizeof(v));
	return (struct row){ be64toh(v), f };
}

static int compare(const struct row *a, const struct row *b)
{
	struct span x = a->f->key, y = b->f->key;
	size_t n = x.n < y.n ? x.n : y.n;
	int r;

	if (a->head != b->head)
		return a->head < b->head ? -1 : 1;
	r = memcmp(x.p, y.p, n);
	if (r)
		return r;
	return x.n < y.n ? -1 : x.n > y.n;
}

static void put_two(char *at, int v)
{
	at[0] = (char)('0' + v / 10 % 10);
	at[1] = (char)('0' + v % 10);
}

/* RFC 3339 in UTC with nanoseconds; 64 bits of them end in 2554. */
static void time_text(uint64_t ns, char dst[TIME_TEXT])
{
	time_t s = (time_t)(ns / 1000000000);
	char nano[9];
	struct tm tm;

	if (!gmtime_r(&s, &tm))
		tm = (struct tm){ .tm_year = 70, .tm_mday = 1 };
	memcpy(dst, "0000-00-00T00:00:00.000000000Z", TIME_TEXT);
	put_two(dst, (tm.tm_year + 1900) / 100);
	put_two(dst + 2, tm.tm_year + 1900);
	put_two(dst + 5, tm.tm_mon + 1);
	put_two(dst + 8, tm.tm_mday);
	put_two(dst + 11, tm.tm_hour);
	put_two(dst + 14, tm.tm_min);
	put_two(dst + 17, tm.tm_sec);
	memset(nano, '0', sizeof(nano));
	(void)digits(nano, sizeof(nano), ns % 1000000000);
	memcpy(dst + 20, nano, sizeof(nano));
}

static struct m_audit_field str_field(const char *key, struct span text)
{
	return (struct m_audit_field){ .key = span_str(key),
				       .type = AUDIT_STR,
				       .text = text };
}

static struct m_audit_field int_field(const char *key, uint64_t v)
{
	return (struct m_audit_field){ .key = span_str(key),
				       .type = AUDIT_INT,
				       .number = v };
}

/* Puts a field where it belongs among n rows in order; or says why not. A
 * record has few fields, so nothing sorts them faster. */
static const char *insert(struct row *rows, size_t n,
			  const struct m_audit_field *f)
{
	const char *why = field_fault(f);
	struct row new;
	int r = -1;

	if (why)
		return why;
	new = row_of(f);
	while (n && (r = compare(&new, &rows[n - 1])) < 0) {
		rows[n] = rows[n - 1];
		n--;
	}
	if (n && r == 0)
		return "a key is there twice, or is one of the log's";
	rows[n] = new;
	return NULL;
}

static void put_object(struct buf *b, const struct row *rows, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		buf_u8(b, i ? ',' : '{');
		put_field(b, rows[i].f);
	}
	buf_u8(b, '}');
}

const char *record_write(struct buf *b, const struct record_stamp *stamp,
			 const struct msg_ids *ids, const struct m_audit *a)
{
	char time[TIME_TEXT], mono[DIGITS], run[2 * MSG_RUN + 1];
	struct m_audit_field own[OWN_MAX];
	struct row rows[ROWS_MAX];
	const size_t start = b->n;
	const char *why = NULL;
	const char *at;
	size_t n, i;

	if (a->n > LIMIT_AUDIT_FIELDS)
		return "too many fields";
	if (!name_ok(a->kind))
		return "the kind is not of [a-z0-9_.-]";
	time_text(stamp->wall_ns, time);
	at = digits(mono, sizeof(mono), stamp->mono_ns);
	hex_encode(run, ids->run, MSG_RUN);
	/* In their order: what is in order is inserted without a move. */
	own[0] = str_field("boot", stamp->boot);
	own[1] = str_field("kind", a->kind);
	own[2] = str_field("mono_ns",
			   span_of(at, (size_t)(mono + sizeof(mono) - at)));
	own[3] = str_field("run", span_of(run, sizeof(run) - 1));
	own[4] = int_field("seq", stamp->seq);
	own[5] = int_field("span", ids->span);
	own[6] = int_field("task", ids->task);
	own[7] = str_field("time", span_of(time, sizeof(time)));
	for (n = 0; n < OWN_MAX && !why; n++)
		why = insert(rows, n, &own[n]);
	for (i = 0; i < a->n && !why; i++)
		why = insert(rows, n++, &a->fields[i]);
	if (why)
		return why;
	put_object(b, rows, n);
	if (buf_ok(b) && b->n - start <= LIMIT_AUDIT_RECORD)
		return NULL;
	buf_cut(b, start);
	b->bad = false;
	return "the record is over the size limit";
}
