/* b64: see b64.h. */
#include "base/b64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			     "abcdefghijklmnopqrstuvwxyz0123456789+/";

void b64_encode(char *dst, struct span s)
{
	size_t i, k;

	for (i = 0; i < s.n; i += 3) {
		size_t left = s.n - i;
		uint32_t v = (uint32_t)s.p[i] << 16;

		if (left > 1)
			v |= (uint32_t)s.p[i + 1] << 8;
		if (left > 2)
			v |= s.p[i + 2];
		for (k = 0; k < 4 && k <= left; k++)
			dst[k] = digits[v >> (18 - 6 * k) & 63];
		for (k = left + 1; k < 4; k++)
			dst[k] = '=';
		dst += 4;
	}
	*dst = 0;
}

static int digit_value(uint8_t c)
{
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

void b64_put(struct buf *b, struct span s, bool bare)
{
	char quad[B64_LEN(3) + 1];
	size_t at, n;

	for (at = 0; at < s.n; at += n) {
		n = s.n - at < 3 ? s.n - at : 3;
		b64_encode(quad, span_of(s.p + at, n));
		buf_put(b, quad, bare ? n + 1 : sizeof(quad) - 1);
	}
}

int b64_decode_bare(uint8_t *dst, size_t cap, struct span text)
{
	uint32_t bits = 0;
	unsigned have = 0;
	size_t n = 0, i;

	if (text.n % 4 == 1)
		return -1;
	for (i = 0; i < text.n; i++) {
		int d = digit_value(text.p[i]);

		if (d < 0)
			return -1;
		bits = bits << 6 | (uint32_t)d;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		if (n == cap)
			return -1;
		dst[n++] = (uint8_t)(bits >> have);
	}
	/* Bits that no byte uses must be zero. */
	return bits & ((1u << have) - 1) ? -1 : (int)n;
}

int b64_decode(uint8_t *dst, size_t cap, struct span text)
{
	int pad = 0;

	if (text.n % 4)
		return -1;
	while (pad < 2 && text.n && text.p[text.n - 1] == '=') {
		text.n--;
		pad++;
	}
	return b64_decode_bare(dst, cap, text);
}
