/* decode: see decode.h. A 0 byte in the output ends a passage. */
#include "label/decode.h"

enum {
	HEX_LEAST = 24,	    /* digits: 12 characters */
	SYMBOLS_LEAST = 16, /* of base64 */
	WORD_LEAST = 20,    /* small letters in base32: 12 characters */
};

static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static size_t url_round(struct buf *out, struct span s)
{
	size_t i, n = 0;

	for (i = 0; i < s.n; i++) {
		int high = -1, low = -1;

		if (s.p[i] == '%' && s.n - i > 2) {
			high = hex_value(s.p[i + 1]);
			low = hex_value(s.p[i + 2]);
		}
		if (high < 0 || low < 0) {
			buf_u8(out, s.p[i]);
			continue;
		}
		buf_u8(out, (uint8_t)(high << 4 | low));
		i += 2;
		n++;
	}
	return n;
}

void decode_url(struct buf *out, struct span s, unsigned variant)
{
	struct buf one CLEAN_BUF = { .max = s.n },
		       two CLEAN_BUF = { .max = s.n };
	int round;

	(void)variant;
	if (!s.n || !memchr(s.p, '%', s.n) || !url_round(&one, s))
		return;
	for (round = 1; round < DECODE_URL_ROUNDS; round++) {
		struct buf swap = one;

		buf_reset(&two);
		if (!url_round(&two, buf_view(&one)))
			break;
		one = two;
		two = swap;
	}
	buf_span(out, buf_view(&one));
}

/* The digits of a passage, two of which make a byte. */
static void put_hex_run(struct buf *out, struct buf *run, unsigned skip)
{
	size_t i;

	for (i = skip; run->n >= HEX_LEAST && i + 1 < run->n; i += 2)
		buf_u8(out, (uint8_t)(run->p[i] << 4 | run->p[i + 1]));
	if (run->n >= HEX_LEAST)
		buf_u8(out, 0);
	buf_reset(run);
}

static bool is_letter(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

void decode_hex(struct buf *out, struct span s, unsigned variant)
{
	struct buf run CLEAN_BUF = { .max = s.n };
	size_t i;

	for (i = 0; i < s.n; i++) {
		int v = hex_value(s.p[i]);

		if (v >= 0 && s.p[i] == '0' && i + 1 < s.n &&
		    (s.p[i + 1] | 0x20) == 'x')
			i++; /* 0x41 */
		else if (v >= 0)
			buf_u8(&run, (uint8_t)v);
		else if (is_letter(s.p[i]) && (s.p[i] | 0x20) != 'x')
			put_hex_run(out, &run, variant);
	}
	put_hex_run(out, &run, variant);
}

/* Symbols of some bits each, first bits first. */
struct bits {
	struct buf *out;
	uint32_t acc;
	unsigned n, width, skip;
};

static void put_symbol(struct bits *b, unsigned v)
{
	if (b->skip) {
		b->skip--;
		return;
	}
	b->acc = b->acc << b->width | v;
	b->n += b->width;
	if (b->n < 8)
		return;
	b->n -= 8;
	buf_u8(b->out, (uint8_t)(b->acc >> b->n));
}

static int base64_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

void decode_base64(struct buf *out, struct span s, unsigned variant)
{
	struct bits b = { .out = out, .width = 6, .skip = variant };
	size_t i;

	if (s.n < SYMBOLS_LEAST)
		return;
	for (i = 0; i < s.n; i++) {
		int v = base64_value(s.p[i]);

		if (v >= 0)
			put_symbol(&b, (unsigned)v);
	}
}

static int base32_value(uint8_t c, uint8_t first)
{
	if (c >= first && c < first + 26)
		return c - first;
	return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

static void base32_run(struct buf *out, struct span s, uint8_t first,
		       unsigned skip)
{
	struct bits b = { .out = out, .width = 5, .skip = skip };
	size_t i;

	for (i = 0; i < s.n; i++) {
		int v = base32_value(s.p[i], first);

		if (v >= 0)
			put_symbol(&b, (unsigned)v);
	}
	buf_u8(out, 0);
}

void decode_base32(struct buf *out, struct span s, unsigned variant)
{
	size_t i, from = 0;

	if (s.n < WORD_LEAST)
		return;
	base32_run(out, s, 'A', variant);
	for (i = 0; i <= s.n; i++) {
		if (i < s.n && base32_value(s.p[i], 'a') >= 0)
			continue;
		if (i - from >= WORD_LEAST)
			base32_run(out, span_of(s.p + from, i - from), 'a',
				   variant);
		from = i + 1;
	}
}
