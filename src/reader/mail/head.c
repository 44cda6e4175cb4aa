/* head: see head.h. */
#include "reader/mail/head.h"

#include <assert.h>

#include "reader/mail/flaw.h"
#include "reader/mail/lex.h"

static const char *const names[] = {
	[HEAD_OTHER] = "",
	[HEAD_SUBJECT] = "subject",
	[HEAD_FROM] = "from",
	[HEAD_SENDER] = "sender",
	[HEAD_REPLY_TO] = "reply-to",
	[HEAD_TO] = "to",
	[HEAD_CC] = "cc",
	[HEAD_BCC] = "bcc",
	[HEAD_DATE] = "date",
	[HEAD_MESSAGE_ID] = "message-id",
	[HEAD_IN_REPLY_TO] = "in-reply-to",
	[HEAD_REFERENCES] = "references",
	[HEAD_MIME_VERSION] = "mime-version",
	[HEAD_TYPE] = "content-type",
	[HEAD_ENCODING] = "content-transfer-encoding",
	[HEAD_DISPOSITION] = "content-disposition",
	[HEAD_CONTENT_ID] = "content-id",
};
static_assert(ARRAY_SIZE(names) == HEAD_ID_MAX);

struct span head_next_line(struct span s, size_t *pos)
{
	const uint8_t *from = s.p + *pos;
	const uint8_t *lf = memchr(from, '\n', s.n - *pos);
	size_t n = lf ? (size_t)(lf - from) : s.n - *pos;

	*pos += n + (lf != NULL);
	return span_of(from, n);
}

/* Bytes of the name before the colon; 0 if there is no field. */
static size_t name_len(struct span line)
{
	size_t n = 0;
	size_t blanks;

	while (n < line.n && line.p[n] > ' ' && line.p[n] < 0x7f &&
	       line.p[n] != ':')
		n++;
	blanks = n;
	while (blanks < line.n &&
	       (line.p[blanks] == ' ' || line.p[blanks] == '\t'))
		blanks++;
	if (n > HEAD_NAME_MAX || blanks == line.n || line.p[blanks] != ':')
		return 0;
	return n;
}

enum head_line head_line(struct span line)
{
	if (!line.n || (line.n == 1 && line.p[0] == '\r'))
		return HEAD_LINE_END;
	if (line.p[0] == ' ' || line.p[0] == '\t')
		return HEAD_LINE_MORE;
	return name_len(line) ? HEAD_LINE_FIELD : HEAD_LINE_BAD;
}

static enum head_id name_id(struct span name)
{
	for (unsigned int i = 1; i < HEAD_ID_MAX; i++) {
		if (lex_same(name, names[i]))
			return (enum head_id)i;
	}
	return HEAD_OTHER;
}

/* From the colon to the end of the last line that goes on with the field. */
static struct span value_at(struct span head, size_t from, size_t *pos)
{
	struct span s;

	while (*pos < head.n && (head.p[*pos] == ' ' || head.p[*pos] == '\t'))
		(void)head_next_line(head, pos);
	s = lex_trim(span_of(head.p + from, *pos - from));
	if (s.n > HEAD_VALUE_MAX)
		s.n = HEAD_VALUE_MAX;
	return s;
}

bool head_next(struct span head, size_t *pos, struct head_field *ret)
{
	while (*pos < head.n) {
		struct span line = head_next_line(head, pos);
		size_t n = name_len(line);
		const uint8_t *colon;

		if (!n)
			continue;
		colon = memchr(line.p + n, ':', line.n - n);
		ret->id = name_id(span_of(line.p, n));
		ret->value = value_at(head, (size_t)(colon - head.p) + 1, pos);
		return true;
	}
	return false;
}

void head_read(struct span s, struct head *ret, uint32_t *flaws)
{
	struct head_field f;
	size_t pos = 0;

	*ret = (struct head){ 0 };
	while (head_next(s, &pos, &f)) {
		uint32_t bit = (uint32_t)1 << f.id;

		if (f.id == HEAD_OTHER)
			continue;
		if (ret->seen & bit)
			flaw_add(flaws, span_eq(ret->value[f.id], f.value)
						? FLAW_DUPLICATE_HEADER
						: FLAW_CONFLICTING_HEADER);
		ret->seen |= bit;
		ret->value[f.id] = f.value;
	}
}
