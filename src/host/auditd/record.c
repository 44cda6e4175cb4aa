/* record: see record.h. */
#include "record.h"

#include <stdlib.h>
#include <time.h>

#include "base/str.h"

enum {
	OWN_MAX = 8,
	ROWS_MAX = LIMIT_AUDIT_FIELDS + OWN_MAX,
	TIME_MAX = 40,
};

#define NUMBER_MAX ((UINT64_C(1) << 53) - 1)

static bool name_ok(struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '_' && c != '.' && c != '-')
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

/* RFC 8785: the two-character escapes, \u00xx for other controls, no more. */
static void put_string(struct buf *b, struct span s)
{
	static const char escapes[] = "btn\0fr";
	size_t start = 0;
	size_t i;

	buf_u8(b, '"');
	for (i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		buf_put(b, s.p + start, i - start);
		start = i + 1;
		if (c == '"' || c == '\\')
			buf_printf(b, "\\%c", c);
		else if (c >= 8 && c <= 13 && escapes[c - 8])
			buf_printf(b, "\\%c", escapes[c - 8]);
		else
			buf_printf(b, "\\u%04x", c);
	}
	if (s.n)
		buf_put(b, s.p + start, s.n - start);
	buf_u8(b, '"');
}

static void put_number(struct buf *b, uint64_t v)
{
	char digits[20];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + v % 10);
	while (v /= 10);
	buf_put(b, digits + at, sizeof(digits) - at);
}

static void put_field(struct buf *b, const struct m_audit_field *f)
{
	put_string(b, f->key);
	buf_u8(b, ':');
	switch (f->type) {
	case AUDIT_STR:
		put_string(b, f->text);
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

/* Keys are ASCII, where the order of bytes is the order of RFC 8785. */
static int by_key(const void *a, const void *b)
{
	struct span x = (*(const struct m_audit_field *const *)a)->key;
	struct span y = (*(const struct m_audit_field *const *)b)->key;
	size_t n = x.n < y.n ? x.n : y.n;
	int r = n ? memcmp(x.p, y.p, n) : 0;

	if (r)
		return r;
	return x.n < y.n ? -1 : x.n > y.n;
}

/* RFC 3339 in UTC with nanoseconds. */
static void time_text(uint64_t ns, char dst[TIME_MAX])
{
	time_t s = (time_t)(ns / 1000000000);
	struct tm tm;

	if (!gmtime_r(&s, &tm))
		tm = (struct tm){ .tm_year = 70, .tm_mday = 1 };
	(void)str_printf(dst, TIME_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%09uZ",
			 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
			 tm.tm_hour, tm.tm_min, tm.tm_sec,
			 (unsigned)(ns % 1000000000));
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

/* All rows in order; NULL, or why not. */
static const char *sort_rows(const struct m_audit_field **rows, size_t n)
{
	const char *why;
	size_t i;

	for (i = 0; i < n; i++) {
		why = field_fault(rows[i]);
		if (why)
			return why;
	}
	qsort(rows, n, sizeof(void *), by_key);
	for (i = 1; i < n; i++)
		if (span_eq(rows[i - 1]->key, rows[i]->key))
			return "a key is there twice, or is one of the log's";
	return NULL;
}

static void put_object(struct buf *b, const struct m_audit_field **rows,
		       size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		buf_u8(b, i ? ',' : '{');
		put_field(b, rows[i]);
	}
	buf_u8(b, '}');
}

const char *record_write(struct buf *b, const struct record_stamp *stamp,
			 const struct msg_ids *ids, const struct m_audit *a)
{
	const struct m_audit_field *rows[ROWS_MAX];
	char time[TIME_MAX], mono[24], run[2 * MSG_RUN + 1];
	struct m_audit_field own[OWN_MAX];
	const size_t start = b->n;
	const char *why;
	size_t n, i;

	if (a->n > LIMIT_AUDIT_FIELDS)
		return "too many fields";
	if (!name_ok(a->kind))
		return "the kind is not of [a-z0-9_.-]";
	time_text(stamp->wall_ns, time);
	(void)str_printf(mono, sizeof(mono), "%llu",
			 (unsigned long long)stamp->mono_ns);
	hex_encode(run, ids->run, MSG_RUN);
	own[0] = int_field("seq", stamp->seq);
	own[1] = str_field("time", span_str(time));
	own[2] = str_field("mono_ns", span_str(mono));
	own[3] = str_field("boot", stamp->boot);
	own[4] = str_field("run", span_str(run));
	own[5] = int_field("task", ids->task);
	own[6] = int_field("span", ids->span);
	own[7] = str_field("kind", a->kind);
	for (n = 0; n < OWN_MAX; n++)
		rows[n] = &own[n];
	for (i = 0; i < a->n; i++)
		rows[n++] = &a->fields[i];
	why = sort_rows(rows, n);
	if (why)
		return why;
	put_object(b, rows, n);
	if (buf_ok(b) && b->n - start <= LIMIT_AUDIT_RECORD)
		return NULL;
	buf_cut(b, start);
	b->bad = false;
	return "the record is over the size limit";
}
