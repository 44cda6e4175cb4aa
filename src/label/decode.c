/* decode: see decode.h. */
#include "label/decode.h"

#include <utf8proc.h>

#include "label/fold.h"

/* How many symbols that many bytes take. */
static size_t hex_least(size_t bytes)
{
	return 2 * bytes;
}

static size_t base64_least(size_t bytes)
{
	return bytes * 4 / 3;
}

static size_t base32_least(size_t bytes)
{
	return (bytes * 8 + 4) / 5;
}

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

void decode_url(struct buf *out, struct span s)
{
	struct buf one CLEAN_BUF = { .max = s.n },
		       two CLEAN_BUF = { .max = s.n };
	int round;

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

/* The code unit of "uXXXX"; -1: it is none. */
static int32_t json_unit(struct span s)
{
	int32_t unit = 0;
	size_t i;

	if (s.n < 5 || s.p[0] != 'u')
		return -1;
	for (i = 1; i < 5; i++) {
		const int v = hex_value(s.p[i]);

		if (v < 0)
			return -1;
		unit = unit << 4 | v;
	}
	return unit;
}

static size_t backslashes(struct span s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] == '\\')
		n++;
	return n;
}

/* A character that is written as "uXXXX", or as two of those; how many bytes
 * that was. */
static size_t json_character(struct buf *out, struct span s, int32_t unit)
{
	enum { UNIT = 5, HIGH = 0xd800, LOW = 0xdc00, PLANE = 0x10000 };
	uint8_t bytes[4];
	size_t n = UNIT;

	if (unit >= HIGH && unit < LOW) {
		const struct span rest = span_of(s.p + UNIT, s.n - UNIT);
		const size_t k = backslashes(rest);
		const int32_t low = json_unit(span_of(rest.p + k, rest.n - k));

		if (k && low >= LOW && low < LOW + (LOW - HIGH)) {
			unit = PLANE + ((unit - HIGH) << 10) + (low - LOW);
			n += k + UNIT;
		}
	}
	buf_put(out, bytes, (size_t)utf8proc_encode_char(unit, bytes));
	return n;
}

/* What stands behind backslashes; how many bytes that was. */
static size_t json_escape(struct buf *out, struct span s)
{
	const int32_t unit = json_unit(s);

	if (unit >= 0)
		return json_character(out, s, unit);
	buf_u8(out, s.p[0] && strchr("bfnrt", s.p[0]) ? ' ' : s.p[0]);
	return 1;
}

void decode_json(struct buf *out, struct span s)
{
	while (s.n) {
		const uint8_t *at = memchr(s.p, '\\', s.n);
		size_t n = at ? (size_t)(at - s.p) : s.n;

		buf_put(out, s.p, n);
		s = span_of(s.p + n, s.n - n);
		n = backslashes(s);
		s = span_of(s.p + n, s.n - n);
		if (!n || !s.n)
			continue;
		n = json_escape(out, s);
		s = span_of(s.p + n, s.n - n);
	}
}

static bool is_letter(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Ends the passage that began at *from: it stays if it is long enough. */
static void end_passage(struct buf *out, size_t *from, size_t least)
{
	if (out->n - *from >= least)
		buf_u8(out, DECODE_BREAK);
	else
		buf_cut(out, *from);
	*from = out->n;
}

void symbols_hex(struct buf *out, struct span s, size_t least)
{
	size_t i, from = out->n;

	for (i = 0; i < s.n; i++) {
		int v = hex_value(s.p[i]);

		if (v >= 0 && s.p[i] == '0' && i + 1 < s.n &&
		    (s.p[i + 1] | 0x20) == 'x')
			i++; /* 0x41 */
		else if (v >= 0)
			buf_u8(out, (uint8_t)v);
		else if (is_letter(s.p[i]) && (s.p[i] | 0x20) != 'x')
			end_passage(out, &from, hex_least(least));
	}
	end_passage(out, &from, hex_least(least));
}

static uint8_t base64_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return (uint8_t)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (uint8_t)(c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (uint8_t)(c - '0' + 52);
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : DECODE_BREAK;
}

void symbols_base64(struct buf *out, struct span s, size_t least)
{
	size_t i, n = 0;
	uint8_t *to = s.n < base64_least(least) ? NULL : buf_extend(out, s.n);

	if (!to)
		return;
	for (i = 0; i < s.n; i++) {
		to[n] = base64_value(s.p[i]);
		n += to[n] != DECODE_BREAK;
	}
	buf_cut(out, out->n - s.n + n);
}

static uint8_t base32_value(uint8_t c, uint8_t first)
{
	if (c >= first && c < first + 26)
		return (uint8_t)(c - first);
	return c >= '2' && c <= '7' ? (uint8_t)(c - '2' + 26) : DECODE_BREAK;
}

void symbols_base32(struct buf *out, struct span s, size_t least)
{
	size_t i, from = out->n;

	for (i = 0; i < s.n; i++) {
		uint8_t v = base32_value(s.p[i], 'A');

		if (v != DECODE_BREAK)
			buf_u8(out, v);
	}
	end_passage(out, &from, base32_least(least));
	for (i = 0; i < s.n; i++) {
		uint8_t v = base32_value(s.p[i], 'a');

		if (v != DECODE_BREAK)
			buf_u8(out, v);
		else if (out->n > from)
			end_passage(out, &from, base32_least(least));
	}
	end_passage(out, &from, base32_least(least));
}

void decode_symbols(struct buf *out, struct span symbols, unsigned bits,
		    unsigned skip)
{
	unsigned left = skip, have = 0;
	size_t i, n = 0;
	uint32_t acc = 0;
	uint8_t *to = symbols.n ? buf_extend(out, symbols.n) : NULL;

	if (!to)
		return;
	for (i = 0; i < symbols.n; i++) {
		uint8_t v = symbols.p[i];

		if (v == DECODE_BREAK) {
			left = skip;
			have = 0;
			to[n++] = 0;
			continue;
		}
		if (left) {
			left--;
			continue;
		}
		acc = acc << bits | v;
		have += bits;
		if (have < 8)
			continue;
		have -= 8;
		to[n++] = (uint8_t)(acc >> have);
	}
	buf_cut(out, out->n - symbols.n + n);
}

/* --- a value, form by form ------------------------------------------------ */

void decoder_init(struct decoder *d, size_t max)
{
	*d = (struct decoder){ 0 };
	buf_init(&d->text, max);
	buf_init(&d->symbols, max);
	buf_init(&d->bytes, max);
}

void decoder_done(struct decoder *d)
{
	buf_done(&d->text);
	buf_done(&d->symbols);
	buf_done(&d->bytes);
}

/* A buffer that is emptied for the next form forgets that it was too small. */
static void note_room(struct decoder *d)
{
	d->failed |=
		!buf_ok(&d->text) || !buf_ok(&d->symbols) || !buf_ok(&d->bytes);
}

void decoder_plain(struct decoder *d, struct span value)
{
	buf_reset(&d->text);
	buf_reset(&d->symbols);
	buf_reset(&d->bytes);
	d->failed = false;
	fold_text(&d->text, value);
	note_room(d);
}

void decoder_url(struct decoder *d, struct span value, size_t least)
{
	buf_reset(&d->bytes);
	buf_reset(&d->text);
	decode_url(&d->bytes, value);
	if (least)
		fold_runs(&d->text, buf_view(&d->bytes), least);
	else
		fold_text(&d->text, buf_view(&d->bytes));
	note_room(d);
}

void decoder_alphabet(struct decoder *d, struct span value,
		      enum decode_alphabet a, size_t least)
{
	static const struct {
		unsigned bits, variants;
		void (*symbols)(struct buf *out, struct span s, size_t least);
	} alphabets[] = {
		[DECODE_HEX] = { HEX_BITS, HEX_VARIANTS, symbols_hex },
		[DECODE_BASE64] = { BASE64_BITS, BASE64_VARIANTS,
				    symbols_base64 },
		[DECODE_BASE32] = { BASE32_BITS, BASE32_VARIANTS,
				    symbols_base32 },
	};
	unsigned k;

	buf_reset(&d->symbols);
	buf_reset(&d->text);
	alphabets[a].symbols(&d->symbols, value, least);
	note_room(d);
	for (k = 0; d->symbols.n && k < alphabets[a].variants; k++) {
		buf_reset(&d->bytes);
		decode_symbols(&d->bytes, buf_view(&d->symbols),
			       alphabets[a].bits, k);
		fold_runs(&d->text, buf_view(&d->bytes), least);
		note_room(d);
	}
}
