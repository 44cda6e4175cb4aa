/* b64: see b64.h. */
#include "b64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "abcdefghijklmnopqrstuvwxyz0123456789+/";

void b64_encode(struct buf *b, struct span bytes, int flags)
{
	uint32_t bits = 0;
	unsigned have = 0;
	size_t i;

	for (i = 0; i < bytes.n; i++) {
		bits = bits << 8 | bytes.p[i];
		for (have += 8; have >= 6; have -= 6)
			buf_u8(b, (uint8_t)alphabet[bits >> (have - 6) & 63]);
	}
	if (have)
		buf_u8(b, (uint8_t)alphabet[bits << (6 - have) & 63]);
	for (i = bytes.n % 3; i && i < 3 && flags & B64_PAD; i++)
		buf_u8(b, '=');
}

static int digit_of(uint8_t c)
{
	const char *at = c ? strchr(alphabet, c) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

ssize_t b64_decode(uint8_t *dst, size_t cap, struct span text, int flags)
{
	uint32_t bits = 0;
	unsigned have = 0;
	size_t n = 0, i;
	int digit;

	if (flags & B64_PAD) {
		if (text.n % 4)
			return -1;
		for (i = 0; i < 2 && text.n && text.p[text.n - 1] == '='; i++)
			text.n--;
	}
	if (text.n % 4 == 1)
		return -1;
	for (i = 0; i < text.n; i++) {
		digit = digit_of(text.p[i]);
		if (digit < 0)
			return -1;
		bits = bits << 6 | (uint32_t)digit;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		if (n == cap)
			return -1;
		dst[n++] = (uint8_t)(bits >> have);
	}
	/* What is left over of the last digit has to be nothing. */
	return bits & ((1u << have) - 1) ? -1 : (ssize_t)n;
}
