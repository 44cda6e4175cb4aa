/*
 * message: see message.h. Encoder, decoder and checks are each one walk over
 * the table of message_layout.h. The walks recurse over that table, whose
 * depth is two, never over the input.
 */
#include "proto/message.h"

#include <assert.h>

#include "base/rd.h"
#include "base/str.h"
#include "proto/message_layout.h"

enum { RECORD_VERSION = 1 };

#define OFF(s, f) .off = offsetof(struct s, f)
#define TEXT(k, s, f, m)                                                       \
	{                                                                      \
		.key = (k), .type = FIELD_TEXT, .max = (m), OFF(s, f)          \
	}
#define LIST(k, f, m, e)                                                       \
	{                                                                      \
		.key = (k), .type = FIELD_LIST, .max = (m), OFF(message, f),   \
		.n_off = offsetof(struct message, n_##f), .elem = &(e),        \
	}
#define LAYOUT(s, table)                                                       \
	{                                                                      \
		.size = sizeof(s), .n = ARRAY_SIZE(table), .fields = (table)   \
	}

static const struct message_field addr_fields[] = {
	TEXT("name", message_addr, name, MESSAGE_NAME_MAX),
	TEXT("addr", message_addr, addr, MESSAGE_ADDR_MAX),
};
static const struct message_layout addr_layout =
	LAYOUT(struct message_addr, addr_fields);

static const struct message_field reference_fields[] = {
	{ .type = FIELD_TEXT, .max = MESSAGE_ID_MAX },
};
static const struct message_layout reference_layout =
	LAYOUT(struct span, reference_fields);

static const struct message_field link_fields[] = {
	TEXT("text", message_link, text, MESSAGE_LINK_TEXT_MAX),
	TEXT("url", message_link, url, MESSAGE_URL_MAX),
	{ .key = "mismatch", .type = FIELD_FLAG, OFF(message_link, mismatch) },
};
static const struct message_layout link_layout =
	LAYOUT(struct message_link, link_fields);

static const struct message_field attachment_fields[] = {
	TEXT("name", message_attachment, name, MESSAGE_NAME_MAX),
	TEXT("type", message_attachment, type, MESSAGE_TYPE_MAX),
	{ .key = "size", .type = FIELD_U64, OFF(message_attachment, size) },
	{ .key = "sha256",
	  .type = FIELD_SHA256,
	  OFF(message_attachment, sha256) },
};
static const struct message_layout attachment_layout =
	LAYOUT(struct message_attachment, attachment_fields);

static const struct message_field removed_fields[] = {
	{ .key = "kind", .type = FIELD_REMOVED, OFF(message_removed, kind) },
	{ .key = "count",
	  .type = FIELD_U32,
	  .min = 1,
	  .max = UINT32_MAX,
	  OFF(message_removed, count) },
	TEXT("text", message_removed, text, MESSAGE_EVIDENCE_MAX),
};
static const struct message_layout removed_layout =
	LAYOUT(struct message_removed, removed_fields);

static const struct message_field finding_fields[] = {
	TEXT("rule", message_finding, rule, MESSAGE_RULE_MAX),
	{ .key = "score",
	  .type = FIELD_SCORE,
	  .max = 100,
	  OFF(message_finding, score) },
	{ .key = "where", .type = FIELD_WHERE, OFF(message_finding, where) },
	{ .key = "start",
	  .type = FIELD_U32,
	  .max = MESSAGE_OFFSET_MAX,
	  OFF(message_finding, start) },
	{ .key = "end",
	  .type = FIELD_U32,
	  .max = MESSAGE_OFFSET_MAX,
	  OFF(message_finding, end) },
	TEXT("text", message_finding, text, MESSAGE_SPAN_TEXT_MAX),
};
static const struct message_layout finding_layout =
	LAYOUT(struct message_finding, finding_fields);

static const struct message_field message_fields[] = {
	{ .key = "kind",
	  .type = FIELD_READER,
	  .max = MESSAGE_KIND_MAX,
	  OFF(message, kind) },
	TEXT("subject", message, subject, MESSAGE_SUBJECT_MAX),
	TEXT("body", message, body, MESSAGE_BODY_MAX),
	{ .key = "body_cut", .type = FIELD_FLAG, OFF(message, body_cut) },
	{ .key = "from",
	  .type = FIELD_OBJECT,
	  OFF(message, from),
	  .elem = &addr_layout },
	{ .key = "date",
	  .type = FIELD_DATE,
	  .max = MESSAGE_DATE_MAX,
	  OFF(message, date) },
	TEXT("message_id", message, message_id, MESSAGE_ID_MAX),
	TEXT("in_reply_to", message, in_reply_to, MESSAGE_ID_MAX),
	LIST("references", references, MESSAGE_REFS, reference_layout),
	LIST("to", to, MESSAGE_ADDRS, addr_layout),
	LIST("cc", cc, MESSAGE_ADDRS, addr_layout),
	LIST("links", links, MESSAGE_LINKS, link_layout),
	LIST("attachments", attachments, MESSAGE_ATTACHMENTS,
	     attachment_layout),
	LIST("removed", removed, MESSAGE_REMOVED, removed_layout),
	LIST("findings", findings, MESSAGE_FINDINGS, finding_layout),
};
const struct message_layout message_layout =
	LAYOUT(struct message, message_fields);

static const char *const removed_names[] = {
	[REMOVED_DISPLAY_NONE] = "display-none",
	[REMOVED_VISIBILITY] = "visibility",
	[REMOVED_OPACITY] = "opacity",
	[REMOVED_ZERO_SIZE] = "zero-size",
	[REMOVED_COLOUR] = "colour",
	[REMOVED_OFF_SCREEN] = "off-screen",
	[REMOVED_HIDDEN_ATTRIBUTE] = "hidden-attribute",
	[REMOVED_COMMENT] = "comment",
	[REMOVED_SCRIPT] = "script",
	[REMOVED_STYLE] = "style",
	[REMOVED_TRACKER] = "tracker",
	[REMOVED_ZERO_WIDTH] = "zero-width",
	[REMOVED_BIDI] = "bidi",
	[REMOVED_TAG_CHARS] = "tag-chars",
	[REMOVED_CONTROL] = "control",
	[REMOVED_ALTERNATIVE] = "alternative",
	[REMOVED_TRUNCATED] = "truncated",
	[REMOVED_SPOILER] = "spoiler",
};
static_assert(ARRAY_SIZE(removed_names) == REMOVED_KIND_MAX,
	      "every kind has a name");

static const char *const where_names[] = {
	[WHERE_SUBJECT] = "subject",
	[WHERE_BODY] = "body",
	[WHERE_REMOVED] = "removed",
};
static_assert(ARRAY_SIZE(where_names) == WHERE_MAX, "every place has a name");

static const char *const reader_names[] = { "email", "telegram", "slack" };

const char *message_removed_name(enum message_removed_kind k)
{
	return (size_t)k < REMOVED_KIND_MAX ? removed_names[k] : NULL;
}

const char *message_where_name(enum message_where w)
{
	return (size_t)w < WHERE_MAX ? where_names[w] : NULL;
}

bool message_reader_known(struct span kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(reader_names); i++) {
		if (span_is(kind, reader_names[i]))
			return true;
	}
	return false;
}

uint8_t message_removed_find(struct span name)
{
	for (int i = 1; i < REMOVED_KIND_MAX; i++) {
		if (span_is(name, removed_names[i]))
			return (uint8_t)i;
	}
	return 0;
}

uint8_t message_where_find(struct span name)
{
	for (int i = 1; i < WHERE_MAX; i++) {
		if (span_is(name, where_names[i]))
			return (uint8_t)i;
	}
	return 0;
}

/* Encoding */

static void encode_struct(struct buf *b, const struct message_layout *l,
			  const void *base);

static void encode_list(struct buf *b, const struct message_field *f,
			const void *base)
{
	const uint8_t *rows = message_field_of(f, base);
	const uint32_t *n = (const void *)((const uint8_t *)base + f->n_off);

	if (*n > f->max) {
		b->bad = true;
		return;
	}
	buf_u32(b, *n);
	for (uint32_t i = 0; i < *n; i++)
		encode_struct(b, f->elem, rows + i * f->elem->size);
}

static void encode_field(struct buf *b, const struct message_field *f,
			 const void *base)
{
	const void *at = message_field_of(f, base);

	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_READER:
	case FIELD_DATE:
		buf_blob(b, *(const struct span *)at);
		return;
	case FIELD_FLAG:
		buf_u8(b, *(const bool *)at);
		return;
	case FIELD_SCORE:
	case FIELD_REMOVED:
	case FIELD_WHERE:
		buf_u8(b, *(const uint8_t *)at);
		return;
	case FIELD_U32:
		buf_u32(b, *(const uint32_t *)at);
		return;
	case FIELD_U64:
		buf_u64(b, *(const uint64_t *)at);
		return;
	case FIELD_SHA256:
		buf_put(b, at, 32);
		return;
	case FIELD_OBJECT:
		encode_struct(b, f->elem, at);
		return;
	case FIELD_LIST:
		encode_list(b, f, base);
		return;
	case FIELD_TYPE_MAX:
		return;
	}
}

static void encode_struct(struct buf *b, const struct message_layout *l,
			  const void *base)
{
	for (size_t i = 0; i < l->n; i++)
		encode_field(b, &l->fields[i], base);
}

void message_encode(struct buf *b, const struct message *m)
{
	buf_u8(b, RECORD_VERSION);
	encode_struct(b, &message_layout, m);
}

/* Decoding: sizes and counts only, the values are message_check's. */

static void decode_struct(struct rd *rd, const struct message_layout *l,
			  void *base);

static void decode_list(struct rd *rd, const struct message_field *f,
			void *base)
{
	uint8_t *rows = message_field_at(f, base);
	uint32_t *n = (void *)((uint8_t *)base + f->n_off);

	*n = rd_count(rd, f->max);
	for (uint32_t i = 0; i < *n && !rd->bad; i++)
		decode_struct(rd, f->elem, rows + i * f->elem->size);
}

static void decode_flag(struct rd *rd, bool *ret)
{
	uint8_t v = rd_u8(rd);

	if (v > 1)
		rd->bad = true;
	*ret = v == 1;
}

static void decode_field(struct rd *rd, const struct message_field *f,
			 void *base)
{
	void *at = message_field_at(f, base);

	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_READER:
	case FIELD_DATE:
		*(struct span *)at = rd_blob(rd, f->max);
		return;
	case FIELD_FLAG:
		decode_flag(rd, at);
		return;
	case FIELD_SCORE:
	case FIELD_REMOVED:
	case FIELD_WHERE:
		*(uint8_t *)at = rd_u8(rd);
		return;
	case FIELD_U32:
		*(uint32_t *)at = rd_u32(rd);
		return;
	case FIELD_U64:
		*(uint64_t *)at = rd_u64(rd);
		return;
	case FIELD_SHA256:
		rd_copy(rd, at, 32);
		return;
	case FIELD_OBJECT:
		decode_struct(rd, f->elem, at);
		return;
	case FIELD_LIST:
		decode_list(rd, f, base);
		return;
	case FIELD_TYPE_MAX:
		return;
	}
}

static void decode_struct(struct rd *rd, const struct message_layout *l,
			  void *base)
{
	for (size_t i = 0; i < l->n && !rd->bad; i++)
		decode_field(rd, &l->fields[i], base);
}

int message_decode(struct span bytes, struct message *ret, const char **why)
{
	struct rd rd;

	*ret = (struct message){ 0 };
	rd_init(&rd, bytes);
	if (rd_u8(&rd) != RECORD_VERSION) {
		*why = "another record version";
		return -1;
	}
	decode_struct(&rd, &message_layout, ret);
	if (!rd_end(&rd)) {
		*why = "malformed record";
		return -1;
	}
	return message_check(ret, why);
}

/* Checks. Each returns NULL or what is wrong. */

static const char *check_text(struct span s, uint32_t max)
{
	if (s.n > max)
		return "text too long";
	if (s.n && memchr(s.p, 0, s.n))
		return "NUL in a text";
	return utf8_valid(s) ? NULL : "text is not UTF-8";
}

/* Digits at s[at..at + n) as a number within [min, max]. */
static bool digits_within(struct span s, size_t at, size_t n, unsigned int min,
			  unsigned int max)
{
	unsigned int v = 0;

	for (size_t i = at; i < at + n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		v = v * 10 + (unsigned int)(s.p[i] - '0');
	}
	return v >= min && v <= max;
}

/* YYYY-MM-DDTHH:MM:SS and Z or +HH:MM or -HH:MM. */
static bool date_valid(struct span s)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:dd";

	if (s.n != sizeof(shape) && s.n != sizeof(shape) + 5)
		return false;
	for (size_t i = 0; i < sizeof(shape) - 1; i++) {
		if (shape[i] != 'd' && s.p[i] != (uint8_t)shape[i])
			return false;
	}
	if (!digits_within(s, 0, 4, 0, 9999) ||
	    !digits_within(s, 5, 2, 1, 12) || !digits_within(s, 8, 2, 1, 31) ||
	    !digits_within(s, 11, 2, 0, 23) ||
	    !digits_within(s, 14, 2, 0, 59) || !digits_within(s, 17, 2, 0, 60))
		return false;
	if (s.n == sizeof(shape))
		return s.p[19] == 'Z';
	return (s.p[19] == '+' || s.p[19] == '-') && s.p[22] == ':' &&
	       digits_within(s, 20, 2, 0, 23) && digits_within(s, 23, 2, 0, 59);
}

static const char *check_struct(const struct message_layout *l,
				const void *base);

static const char *check_list(const struct message_field *f, const void *base)
{
	const uint8_t *rows = message_field_of(f, base);
	const uint32_t *n = (const void *)((const uint8_t *)base + f->n_off);
	const char *why = NULL;

	if (*n > f->max)
		return "too many rows in a list";
	for (uint32_t i = 0; i < *n && !why; i++)
		why = check_struct(f->elem, rows + i * f->elem->size);
	return why;
}

static const char *check_string(const struct message_field *f, struct span s)
{
	const char *why = check_text(s, f->max);

	if (why)
		return why;
	if (f->type == FIELD_READER && !message_reader_known(s))
		return "unknown kind of message";
	if (f->type == FIELD_DATE && s.n && !date_valid(s))
		return "date is not RFC 3339";
	return NULL;
}

static const char *check_field(const struct message_field *f, const void *base)
{
	const void *at = message_field_of(f, base);
	uint32_t u32;

	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_READER:
	case FIELD_DATE:
		return check_string(f, *(const struct span *)at);
	case FIELD_FLAG:
	case FIELD_SHA256:
		return NULL;
	case FIELD_SCORE:
		return *(const uint8_t *)at <= f->max ? NULL : "score over 100";
	case FIELD_REMOVED:
		return message_removed_name(*(const uint8_t *)at)
			       ? NULL
			       : "unknown kind of removal";
	case FIELD_WHERE:
		return message_where_name(*(const uint8_t *)at)
			       ? NULL
			       : "unknown place of a finding";
	case FIELD_U32:
		u32 = *(const uint32_t *)at;
		return u32 >= f->min && u32 <= f->max ? NULL
						      : "number out of range";
	case FIELD_U64:
		return *(const uint64_t *)at <= MESSAGE_SIZE_MAX
			       ? NULL
			       : "number out of range";
	case FIELD_OBJECT:
		return check_struct(f->elem, at);
	case FIELD_LIST:
		return check_list(f, base);
	case FIELD_TYPE_MAX:
		break;
	}
	return "unknown field";
}

static const char *check_struct(const struct message_layout *l,
				const void *base)
{
	const char *why = NULL;

	for (size_t i = 0; i < l->n && !why; i++)
		why = check_field(&l->fields[i], base);
	return why;
}

/* What no single field shows: a finding lies inside the text it names. */
static const char *check_findings(const struct message *m)
{
	for (uint32_t i = 0; i < m->n_findings; i++) {
		const struct message_finding *f = &m->findings[i];

		if (f->start > f->end)
			return "finding ends before it starts";
		if ((f->where == WHERE_SUBJECT && f->end > m->subject.n) ||
		    (f->where == WHERE_BODY && f->end > m->body.n))
			return "finding outside its text";
		if (f->rule.n == 0)
			return "finding without a rule";
	}
	return NULL;
}

int message_check(const struct message *m, const char **why)
{
	const char *bad = check_struct(&message_layout, m);

	if (!bad)
		bad = check_findings(m);
	if (!bad)
		return 0;
	*why = bad;
	return -1;
}

void message_without_evidence(struct message *m)
{
	for (uint32_t i = 0; i < m->n_removed; i++)
		m->removed[i].text = (struct span){ NULL, 0 };
	for (uint32_t i = 0; i < m->n_findings; i++)
		m->findings[i].text = (struct span){ NULL, 0 };
}
