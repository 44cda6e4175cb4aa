/* str: see str.h. */
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>

int str_printf(char *dst, size_t cap, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(dst, cap, fmt, ap);
	va_end(ap);
	return n < 0 || (size_t)n >= cap ? -1 : n;
}

int str_copy(char *dst, size_t cap, struct span s)
{
	dst[0] = 0;
	if (s.n >= cap || (s.n && memchr(s.p, 0, s.n)))
		return -1;
	if (s.n)
		memcpy(dst, s.p, s.n);
	dst[s.n] = 0;
	return 0;
}

int num_parse(struct span s, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;
	size_t i;

	if (s.n == 0 || (s.n > 1 && s.p[0] == '0'))
		return -1;
	for (i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9' ||
		    __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
			return -1;
	}
	if (v < min || v > max)
		return -1;
	*ret = v;
	return 0;
}

void hex_encode(char *dst, const uint8_t *p, size_t n)
{
	static const char digit[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < n; i++) {
		dst[2 * i] = digit[p[i] >> 4];
		dst[2 * i + 1] = digit[p[i] & 15];
	}
	dst[2 * n] = 0;
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int hex_decode(uint8_t *dst, size_t n, struct span hex)
{
	size_t i;

	if (hex.n != 2 * n)
		return -1;
	for (i = 0; i < n; i++) {
		int hi = hex_digit(hex.p[2 * i]);
		int lo = hex_digit(hex.p[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return -1;
		dst[i] = (uint8_t)(hi << 4 | lo);
	}
	return 0;
}

/* Length of the well-formed sequence at p[0..n), 0 if there is none. */
static size_t utf8_sequence(const uint8_t *p, size_t n)
{
	uint32_t c;
	size_t len, i;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		len = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		len = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		len = 4;
	else
		return 0;
	if (len > n)
		return 0;
	c = p[0] & (0xffu >> (len + 1));
	for (i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fu);
	}
	if ((len == 3 && c < 0x800) || (len == 4 && c < 0x10000) ||
	    c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	return len;
}

/* True if the eight bytes from p on are ASCII: most text is. */
static bool all_ascii(const uint8_t *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return !(word & UINT64_C(0x8080808080808080));
}

bool utf8_valid(struct span s)
{
	size_t i = 0;

	while (i < s.n) {
		size_t len = s.n - i >= 8 && all_ascii(s.p + i) ? 8 : 0;

		if (!len)
			len = utf8_sequence(s.p + i, s.n - i);

		if (!len)
			return false;
		i += len;
	}
	return true;
}

void utf8_trim(char *s)
{
	size_t n = strlen(s);
	size_t i = n;

	while (i > 0 && n - i < 3 && ((uint8_t)s[i - 1] & 0xc0) == 0x80)
		i--;
	if (i > 0 && (uint8_t)s[i - 1] >= 0xc0 &&
	    !utf8_sequence((const uint8_t *)s + i - 1, n - i + 1))
		s[i - 1] = 0;
}
