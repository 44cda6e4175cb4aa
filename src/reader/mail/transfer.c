/* transfer: see transfer.h. UNSAFE: no decoder writes more than it has read. */
#include "reader/mail/transfer.h"

#include "reader/mail/flaw.h"
#include "reader/mail/lex.h"

enum {
	BLANK = 0xfe, /* classes of a byte in base64 */
	OTHER = 0xff,
};

static uint8_t base64_value(uint8_t c)
{
	if (lex_is_alpha(c))
		return (uint8_t)(c >= 'a' ? c - 'a' + 26 : c - 'A');
	if (lex_is_digit(c))
		return (uint8_t)(c - '0' + 52);
	if (c == '+' || c == '/')
		return c == '+' ? 62 : 63;
	return lex_is_blank(c) ? BLANK : OTHER;
}

/* Anything but blanks and a last row of padding. */
static bool base64_goes_on(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!lex_is_blank(s.p[i]) && s.p[i] != '=')
			return true;
	}
	return false;
}

/*
 * Padding is the end, as everybody takes it: whatever stands behind it is not
 * read, but noted, as are bytes that belong to no base64.
 */
size_t base64_decode(struct span s, uint8_t *dst, uint32_t *flaws)
{
	uint32_t bits = 0;
	unsigned int have = 0; /* six bits each */
	bool padded = false;
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		uint8_t v = base64_value(s.p[i]);

		if (s.p[i] == '=' && have >= 2) {
			padded = true;
			if (base64_goes_on(span_of(s.p + i, s.n - i)))
				flaw_add(flaws, FLAW_BASE64);
			break;
		}
		if (v == OTHER)
			flaw_add(flaws, FLAW_BASE64);
		if (v >= BLANK)
			continue;
		bits = bits << 6 | v;
		if (++have < 4)
			continue;
		dst[n++] = (uint8_t)(bits >> 16);
		dst[n++] = (uint8_t)(bits >> 8);
		dst[n++] = (uint8_t)bits;
		have = 0;
	}
	/* without padding some drop what others decode */
	if (have && !padded)
		flaw_add(flaws, FLAW_BASE64);
	if (have >= 2)
		dst[n++] = (uint8_t)(bits >> (6 * have - 8));
	if (have == 3)
		dst[n++] = (uint8_t)(bits >> 2);
	return n;
}

static int hex_value(uint8_t c)
{
	if (lex_is_digit(c))
		return c - '0';
	c = lex_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Bytes of the line end at s.p[i], blanks before it included; 0 if none. */
static size_t soft_break(struct span s, size_t i)
{
	size_t to = i;

	while (to < s.n && (s.p[to] == ' ' || s.p[to] == '\t'))
		to++;
	if (to == s.n)
		return to - i;
	to += s.p[to] == '\r' && to + 1 < s.n && s.p[to + 1] == '\n';
	return s.p[to] == '\n' ? to + 1 - i : 0;
}

size_t quoted_decode(struct span s, bool word, uint8_t *dst)
{
	size_t n = 0;
	size_t i = 0;

	while (i < s.n) {
		uint8_t c = s.p[i++];
		int hi = -1;
		int lo = -1;

		if (c != '=') {
			dst[n++] = word && c == '_' ? ' ' : c;
			continue;
		}
		if (s.n - i >= 2) {
			hi = hex_value(s.p[i]);
			lo = hex_value(s.p[i + 1]);
		}
		if (hi >= 0 && lo >= 0) {
			dst[n++] = (uint8_t)(hi << 4 | lo);
			i += 2;
		} else {
			size_t skip = word ? 0 : soft_break(s, i);

			if (!skip && i < s.n)
				dst[n++] = c;
			i += skip;
		}
	}
	return n;
}

/* The line at s.p[*pos], without its end; moves behind it. */
static struct span line_next(struct span s, size_t *pos)
{
	const uint8_t *from = s.p + *pos;
	const uint8_t *lf = memchr(from, '\n', s.n - *pos);
	struct span line = span_of(from, lf ? (size_t)(lf - from) : s.n - *pos);

	*pos += line.n + (lf != NULL);
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

/* A line: a length, and groups of four characters for three bytes. */
static size_t uu_line(struct span line, uint8_t *dst)
{
	size_t want = line.n ? (size_t)(line.p[0] - ' ') & 63 : 0;
	size_t n = 0;

	for (size_t i = 1; n < want && i + 1 < line.n; i += 4) {
		uint32_t bits = 0;

		for (size_t k = 0; k < 4; k++) {
			uint8_t c = i + k < line.n ? line.p[i + k] : ' ';

			bits = bits << 6 | ((uint32_t)(c - ' ') & 63);
		}
		/* of a group that is cut off, what is whole of it */
		for (size_t k = 0; k < 3 && n < want && i + k + 1 < line.n; k++)
			dst[n++] = (uint8_t)(bits >> (16 - 8 * k));
	}
	return n;
}

static bool begins(struct span s, const char *word)
{
	return s.n >= strlen(word) && memcmp(s.p, word, strlen(word)) == 0;
}

/* From "begin" to "end"; without a begin there is nothing in it. */
static size_t uu_decode(struct span s, uint8_t *dst)
{
	bool inside = false;
	size_t pos = 0;
	size_t n = 0;

	while (pos < s.n) {
		struct span line = line_next(s, &pos);

		if (!inside)
			inside = begins(line, "begin ");
		else if (span_is(lex_trim(line), "end"))
			break;
		else
			n += uu_line(line, dst + n);
	}
	return n;
}

enum transfer transfer_of(struct span value, uint32_t *flaws)
{
	static const struct {
		const char *name;
		enum transfer t;
	} rows[] = {
		{ "7bit", TRANSFER_NONE },
		{ "8bit", TRANSFER_NONE },
		{ "quoted-printable", TRANSFER_QUOTED },
		{ "base64", TRANSFER_BASE64 },
		{ "binary", TRANSFER_NONE },
		{ "", TRANSFER_NONE },
		{ "x-uuencode", TRANSFER_UU },
		{ "uuencode", TRANSFER_UU },
		{ "x-uue", TRANSFER_UU },
		{ "uue", TRANSFER_UU },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (lex_same(value, rows[i].name))
			return rows[i].t;
	}
	flaw_add(flaws, FLAW_UNKNOWN_ENCODING);
	return TRANSFER_NONE;
}

struct span transfer_decode(enum transfer t, struct span s, struct buf *out,
			    uint32_t *flaws)
{
	size_t from = out->n;
	size_t n = 0;
	uint8_t *dst;

	if (t == TRANSFER_NONE || !s.n)
		return s;
	dst = buf_extend(out, s.n);
	if (!dst)
		return span_of(NULL, 0);
	if (t == TRANSFER_BASE64)
		n = base64_decode(s, dst, flaws);
	else if (t == TRANSFER_QUOTED)
		n = quoted_decode(s, false, dst);
	else
		n = uu_decode(s, dst);
	buf_cut(out, from + n);
	return span_of(dst, n);
}
