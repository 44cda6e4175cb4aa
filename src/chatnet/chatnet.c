/* chatnet: what both providers share; see chatnet.h. */
#include "chatnet/chatnet.h"

#include <assert.h>
#include <time.h>

#include "base/log.h"
#include "base/str.h"

const char *facts_fault_text(enum facts_fault f)
{
	static const char *const texts[] = {
		[FACTS_OK] = "",
		[FACTS_BIG] = "it is too large",
		[FACTS_BAD_JSON] = "it is no JSON",
		[FACTS_BAD_FIELD] = "a field is not as its provider has it",
		[FACTS_TWO] = "it is two things at once",
		[FACTS_NO_MESSAGE] = "it is nobody's message",
	};

	static_assert(ARRAY_SIZE(texts) == FACTS_FAULT_MAX, "a text each");
	return texts[f];
}

void chat_date(char *dst, size_t cap, int64_t s)
{
	const struct timespec t = { .tv_sec = (time_t)s };
	char when[LOG_TIME];

	dst[0] = 0;
	/* Four digits of a year. */
	if (s <= 0 || s >= 253402300800)
		return;
	log_time(when, &t);
	if (str_printf(dst, cap, "%.19sZ", when) < 0)
		dst[0] = 0;
}

void chat_string(struct buf *b, struct span text)
{
	size_t i;

	buf_u8(b, '"');
	for (i = 0; i < text.n; i++) {
		const uint8_t c = text.p[i];

		if (c == '"' || c == '\\') {
			buf_u8(b, '\\');
			buf_u8(b, c);
		} else if (c < 0x20 || c == 0x7f) {
			buf_printf(b, "\\u%04x", c);
		} else {
			buf_u8(b, c);
		}
	}
	buf_u8(b, '"');
}

void chat_heard_words(struct chat_heard *ret, const struct chat_facts *f)
{
	ret->kind = HEARD_TEXT;
	ret->flags = f->flags;
	memcpy(ret->sender, f->sender, sizeof(ret->sender));
	memcpy(ret->chat, f->chat, sizeof(ret->chat));
	memcpy(ret->message, f->ref, sizeof(ret->message));
	memcpy(ret->text, f->text, sizeof(ret->text));
}

/* The UTF-16 units of the character that begins with this byte; 0: it is the
 * middle of one. */
static size_t units_of(uint8_t c)
{
	if ((c & 0xc0) == 0x80)
		return 0;
	return c >= 0xf0 ? 2 : 1;
}

struct span chat_part(struct span text, size_t n, size_t *units)
{
	size_t end = 0, used = 0, good = 0, good_used = 0;

	while (end < text.n) {
		const size_t u = units_of(text.p[end]);

		if (u > n - used)
			break;
		used += u;
		end++;
		while (end < text.n && units_of(text.p[end]) == 0)
			end++;
		if (used >= n - n / 4 &&
		    (text.p[end - 1] == '\n' || text.p[end - 1] == ' ')) {
			good = end;
			good_used = used;
		}
	}
	if (end < text.n && good) {
		end = good;
		used = good_used;
	}
	*units = used;
	return span_of(text.p, end);
}
