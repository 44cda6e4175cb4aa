/* b64: see b64.h. */
#include "tlog/b64.h"

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
		for (k = 0; k < 4; k++)
			*dst++ = k <= left ? digits[v >> (18 - 6 * k) & 63]
					   : '=';
	}
	*dst = 0;
}

static int digit_value(uint8_t c)
{
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Four characters to 1, 2 or 3 bytes in v's upper 24 bits; -1. */
static int quad(const uint8_t *p, bool last, uint32_t *v)
{
	int pad = 0;
	int i;

	*v = 0;
	if (last && p[3] == '=')
		pad = p[2] == '=' ? 2 : 1;
	for (i = 0; i < 4 - pad; i++) {
		int d = digit_value(p[i]);

		if (d < 0)
			return -1;
		*v |= (uint32_t)d << (18 - 6 * i);
	}
	/* Bits that no byte uses must be zero. */
	if ((pad == 1 && *v & 0xff) || (pad == 2 && *v & 0xffff))
		return -1;
	return 3 - pad;
}

int b64_decode(uint8_t *dst, size_t cap, struct span text)
{
	size_t n = 0;
	size_t i;

	if (text.n % 4)
		return -1;
	for (i = 0; i < text.n; i += 4) {
		uint32_t v;
		int got = quad(text.p + i, i + 4 == text.n, &v);
		int k;

		if (got < 0 || (size_t)got > cap - n)
			return -1;
		for (k = 0; k < got; k++)
			dst[n++] = (uint8_t)(v >> (16 - 8 * k));
	}
	return (int)n;
}
