/* armor: see armor.h. */
#include "armor.h"

#include "base/b64.h"

enum {
	COLUMNS = 64,
	LINE_BYTES = COLUMNS / 4 * 3,
	BLANKS_MAX = 1024, /* before and after it */
};

#define FIRST "-----BEGIN AGE ENCRYPTED FILE-----"
#define LAST  "-----END AGE ENCRYPTED FILE-----"

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct span skip_blanks(struct span s)
{
	size_t i = 0;

	while (i < s.n && i <= BLANKS_MAX && is_blank(s.p[i]))
		i++;
	return span_of(s.p + i, s.n - i);
}

bool armor_is(struct span file)
{
	const size_t n = sizeof(FIRST) - 1;
	size_t near = BLANKS_MAX + n;

	if (near > file.n)
		near = file.n;
	return near >= n && memmem(file.p, near, FIRST, n);
}

/* The next line, without its end, which is LF or CRLF; *s goes behind it. */
static struct span next_line(struct span *s)
{
	const uint8_t *end = s->n ? memchr(s->p, '\n', s->n) : NULL;
	struct span line = span_of(s->p, end ? (size_t)(end - s->p) : s->n);
	size_t used = line.n + (end ? 1 : 0);

	*s = span_of(s->p + used, s->n - used);
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

int armor_decode(struct buf *ret, struct span file)
{
	struct span s = skip_blanks(file), line;
	uint8_t bytes[LINE_BYTES];
	bool last = false;
	int n;

	if (!span_is(next_line(&s), FIRST))
		return -1;
	for (;;) {
		if (!s.n)
			return -1;
		line = next_line(&s);
		if (span_is(line, LAST))
			break;
		if (last || !line.n || line.n > COLUMNS)
			return -1;
		n = b64_decode(bytes, sizeof(bytes), line);
		if (n < 0)
			return -1;
		/* All lines but the last are full. */
		last = n < LINE_BYTES;
		buf_put(ret, bytes, (size_t)n);
	}
	s = skip_blanks(s);
	return s.n || !buf_ok(ret) ? -1 : 0;
}

void armor_encode(struct buf *ret, struct span bytes)
{
	size_t at, n;

	buf_str(ret, FIRST "\n");
	for (at = 0; at < bytes.n; at += n) {
		n = bytes.n - at < LINE_BYTES ? bytes.n - at : LINE_BYTES;
		b64_put(ret, span_of(bytes.p + at, n), false);
		buf_u8(ret, '\n');
	}
	buf_str(ret, LAST "\n");
}
