/* jput: see jput.h. */
#include "jput.h"

#include "base/str.h"

static void put_char(struct buf *b, uint8_t c, bool utf8)
{
	if (c == '"' || c == '\\')
		buf_printf(b, "\\%c", c);
	else if (c < 0x20 || c == 0x7f)
		buf_printf(b, "\\u%04x", c);
	else
		buf_u8(b, c >= 0x80 && !utf8 ? '?' : c);
}

void jput_text(struct buf *b, struct span s)
{
	const bool utf8 = utf8_valid(s);
	size_t i;

	buf_u8(b, '"');
	for (i = 0; i < s.n; i++)
		put_char(b, s.p[i], utf8);
	buf_u8(b, '"');
}

void jput_u64(struct buf *b, uint64_t v)
{
	buf_printf(b, "\"%llu\"", (unsigned long long)v);
}

void jput_seconds(struct buf *b, uint64_t ns)
{
	buf_printf(b, "%llu.%09llu", (unsigned long long)(ns / 1000000000),
		   (unsigned long long)(ns % 1000000000));
}
