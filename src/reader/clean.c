/*
 * clean: invisible characters out of a text (see draft.h). The classes are
 * Unicode's Default_Ignorable_Code_Point and Bidi_Control, and all controls
 * but tab and line feed. Evidence names code points, except for tag
 * characters, which spell ASCII and are shown as what they spell.
 */
#include "reader/draft.h"

#include "reader/utf8.h"

struct range {
	uint32_t from;
	uint32_t to;
	enum message_removed_kind kind;
};

/* Sorted. What is not listed is kept. */
static const struct range invisible[] = {
	{ 0x0000, 0x0008, REMOVED_CONTROL },
	{ 0x000b, 0x001f, REMOVED_CONTROL }, /* CR is treated before */
	{ 0x007f, 0x009f, REMOVED_CONTROL },
	{ 0x00ad, 0x00ad, REMOVED_ZERO_WIDTH },
	{ 0x034f, 0x034f, REMOVED_ZERO_WIDTH },
	{ 0x061c, 0x061c, REMOVED_BIDI },
	{ 0x115f, 0x1160, REMOVED_ZERO_WIDTH },
	{ 0x17b4, 0x17b5, REMOVED_ZERO_WIDTH },
	{ 0x180b, 0x180f, REMOVED_ZERO_WIDTH },
	{ 0x200b, 0x200d, REMOVED_ZERO_WIDTH },
	{ 0x200e, 0x200f, REMOVED_BIDI },
	{ 0x202a, 0x202e, REMOVED_BIDI },
	{ 0x2060, 0x2064, REMOVED_ZERO_WIDTH },
	{ 0x2065, 0x2065, REMOVED_CONTROL },
	{ 0x2066, 0x2069, REMOVED_BIDI },
	{ 0x206a, 0x206f, REMOVED_CONTROL },
	{ 0x2800, 0x2800, REMOVED_ZERO_WIDTH },
	{ 0x3164, 0x3164, REMOVED_ZERO_WIDTH },
	{ 0xfdd0, 0xfdef, REMOVED_CONTROL },
	{ 0xfe00, 0xfe0f, REMOVED_ZERO_WIDTH },
	{ 0xfeff, 0xfeff, REMOVED_ZERO_WIDTH },
	{ 0xffa0, 0xffa0, REMOVED_ZERO_WIDTH },
	{ 0xfff0, 0xfffb, REMOVED_CONTROL },
	{ 0xfffe, 0xffff, REMOVED_CONTROL },
	{ 0x1bca0, 0x1bca3, REMOVED_CONTROL },
	{ 0x1d173, 0x1d17a, REMOVED_CONTROL },
	{ 0xe0000, 0xe007f, REMOVED_TAG_CHARS },
	{ 0xe0080, 0xe00ff, REMOVED_CONTROL },
	{ 0xe0100, 0xe01ef, REMOVED_ZERO_WIDTH },
	{ 0xe01f0, 0xe0fff, REMOVED_CONTROL },
};

static enum message_removed_kind invisible_kind(uint32_t c)
{
	size_t lo = 0;
	size_t hi = ARRAY_SIZE(invisible);

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (c > invisible[mid].to)
			lo = mid + 1;
		else if (c < invisible[mid].from)
			hi = mid;
		else
			return invisible[mid].kind;
	}
	return (c & 0xfffe) == 0xfffe ? REMOVED_CONTROL : 0;
}

/* U+0ABC, of four to six digits, behind a blank; returns its length. */
static size_t name_put(uint32_t c, bool blank, uint8_t *out)
{
	unsigned int digits = c > 0xfffff ? 6 : c > 0xffff ? 5 : 4;
	size_t n = 0;

	if (blank)
		out[n++] = ' ';
	out[n++] = 'U';
	out[n++] = '+';
	while (digits--) {
		uint8_t d = c >> (4 * digits) & 15;

		out[n++] = (uint8_t)(d < 10 ? '0' + d : 'A' + d - 10);
	}
	return n;
}

/* Evidence of single characters, put down one by one, is a run. */
static void note(struct draft *d, enum message_removed_kind kind, uint32_t c)
{
	struct draft_removed *row = &d->removed[kind];
	uint8_t name[16];

	if (row->count < UINT32_MAX)
		row->count++;
	if (row->text.max - row->text.n < sizeof(name))
		return;
	if (kind == REMOVED_TAG_CHARS && c >= 0xe0020 && c < 0xe007f) {
		buf_u8(&row->text, (uint8_t)(c - 0xe0000));
		return;
	}
	if (kind == REMOVED_TAG_CHARS)
		return;
	buf_put(&row->text, name, name_put(c, row->text.n > 0, name));
}

/* Eight bytes of which each is printable ASCII. */
static bool plain_eight(const uint8_t *p)
{
	const uint64_t ones = 0x0101010101010101;
	const uint64_t tops = ones << 7;
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	/* over 0x7e, or below 0x20 as far as nothing is over: top bits */
	return !(((v + ones) | v | (v - ones * 0x20)) & tops);
}

/* Bytes from pos on that need no look: printable ASCII, tab, line feed. */
static size_t plain_run(struct span s, size_t pos)
{
	size_t n = pos;

	for (;;) {
		while (s.n - n >= 8 && plain_eight(s.p + n))
			n += 8;
		if (n == s.n || s.p[n] >= 0x7f ||
		    (s.p[n] < 0x20 && s.p[n] != '\n' && s.p[n] != '\t'))
			return n - pos;
		n++;
	}
}

bool clean_is_plain(struct span s)
{
	return plain_run(s, 0) == s.n;
}

void clean_text(struct span s, struct buf *out, struct draft *d)
{
	size_t pos = 0;

	while (pos < s.n) {
		size_t run = plain_run(s, pos);
		size_t from;
		enum message_removed_kind kind;
		uint32_t c;

		buf_put(out, s.p + pos, run);
		pos += run;
		if (pos == s.n)
			return;
		from = pos;
		c = utf8_next(s, &pos);
		kind = invisible_kind(c);
		if (c == '\r') {
			if (pos == s.n || s.p[pos] != '\n')
				buf_u8(out, '\n');
		} else if (c == 0x2028 || c == 0x2029) {
			buf_u8(out, '\n');
		} else if (!kind) {
			buf_put(out, s.p + from, pos - from);
		} else if (d) {
			note(d, kind, c);
		}
	}
}
