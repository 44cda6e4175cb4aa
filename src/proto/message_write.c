/*
 * message_write: see message_write.h. It walks the table of message_layout.h,
 * which nests three deep at most: a list of objects in the root.
 */
#include "proto/message_write.h"

#include "base/str.h"
#include "proto/message_layout.h"

enum {
	SHA256_HEX = 64,
	DIGITS_MAX = 20,
};

/* What stands for a byte that JSON does not take as it is. */
static void escape_put(struct buf *out, uint8_t c)
{
	static const char hex[] = "0123456789ABCDEF";
	static const char named[] = "\"\"\\\\\bb\ff\nn\rr\tt";
	char text[] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

	for (size_t i = 0; i + 1 < sizeof(named); i += 2) {
		if ((uint8_t)named[i] != c)
			continue;
		text[1] = named[i + 1];
		buf_put(out, text, 2);
		return;
	}
	buf_put(out, text, sizeof(text));
}

/* Eight bytes that JSON takes as they are: no control, quote or backslash. */
static bool plain_eight(const uint8_t *p)
{
	const uint64_t ones = 0x0101010101010101;
	uint64_t v;
	uint64_t quote;
	uint64_t slash;

	memcpy(&v, p, sizeof(v));
	quote = v ^ ones * '"';
	slash = v ^ ones * '\\';
	/* a top bit where a byte was below what is taken from it */
	return !(((v - ones * 0x20) & ~v & ones << 7) |
		 ((quote - ones) & ~quote & ones << 7) |
		 ((slash - ones) & ~slash & ones << 7));
}

static void text_put(struct buf *out, struct span s)
{
	size_t i = 0;

	buf_u8(out, '"');
	while (i < s.n) {
		size_t from = i;

		while (s.n - i >= 8 && plain_eight(s.p + i))
			i += 8;
		while (i < s.n && s.p[i] >= 0x20 && s.p[i] != '"' &&
		       s.p[i] != '\\')
			i++;
		buf_put(out, s.p + from, i - from);
		if (i < s.n)
			escape_put(out, s.p[i++]);
	}
	buf_u8(out, '"');
}

static void number_put(struct buf *out, uint64_t v)
{
	char digits[DIGITS_MAX];
	size_t n = DIGITS_MAX;

	do {
		digits[--n] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	buf_put(out, digits + n, DIGITS_MAX - n);
}

static void sha256_put(struct buf *out, const uint8_t *p)
{
	char hex[SHA256_HEX + 1];

	hex_encode(hex, p, 32);
	text_put(out, span_of(hex, SHA256_HEX));
}

static void struct_put(const struct message_layout *l, const void *base,
		       struct buf *out);

static void list_put(const struct message_field *f, const void *base,
		     struct buf *out)
{
	const uint8_t *rows = message_field_of(f, base);
	const uint32_t *n = (const void *)((const uint8_t *)base + f->n_off);

	buf_u8(out, '[');
	for (uint32_t i = 0; i < *n && i < f->max; i++) {
		if (i)
			buf_u8(out, ',');
		struct_put(f->elem, rows + i * f->elem->size, out);
	}
	buf_u8(out, ']');
}

static void field_put(const struct message_field *f, const void *base,
		      struct buf *out)
{
	const void *at = message_field_of(f, base);

	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_READER:
	case FIELD_DATE:
		text_put(out, *(const struct span *)at);
		return;
	case FIELD_FLAG:
		buf_str(out, *(const bool *)at ? "true" : "false");
		return;
	case FIELD_SCORE:
		number_put(out, *(const uint8_t *)at);
		return;
	case FIELD_REMOVED:
		text_put(out,
			 span_str(message_removed_name(*(const uint8_t *)at)));
		return;
	case FIELD_WHERE:
		text_put(out,
			 span_str(message_where_name(*(const uint8_t *)at)));
		return;
	case FIELD_U32:
		number_put(out, *(const uint32_t *)at);
		return;
	case FIELD_U64:
		number_put(out, *(const uint64_t *)at);
		return;
	case FIELD_SHA256:
		sha256_put(out, at);
		return;
	case FIELD_OBJECT:
		struct_put(f->elem, at, out);
		return;
	case FIELD_LIST:
		list_put(f, base, out);
		return;
	case FIELD_TYPE_MAX:
		return;
	}
}

static void key_put(struct buf *out, const char *key)
{
	text_put(out, span_str(key));
	buf_u8(out, ':');
}

static void fields_put(const struct message_layout *l, const void *base,
		       struct buf *out)
{
	for (size_t i = 0; i < l->n; i++) {
		if (i)
			buf_u8(out, ',');
		key_put(out, l->fields[i].key);
		field_put(&l->fields[i], base, out);
	}
	buf_u8(out, '}');
}

static void struct_put(const struct message_layout *l, const void *base,
		       struct buf *out)
{
	if (!l->fields[0].key) {
		field_put(&l->fields[0], base, out);
		return;
	}
	buf_u8(out, '{');
	fields_put(l, base, out);
}

void message_write(const struct message *m, struct buf *out)
{
	buf_u8(out, '{');
	key_put(out, "schema");
	text_put(out, SPAN_LIT(MESSAGE_SCHEMA));
	buf_u8(out, ',');
	fields_put(&message_layout, m, out);
}
