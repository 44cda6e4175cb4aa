/* mrkdwn: see mrkdwn.h. One pass; markup does not nest. */
#include "reader/chat/mrkdwn.h"

#include "reader/links.h"

static size_t find(struct span s, size_t from, uint8_t what)
{
	const uint8_t *at =
		from < s.n ? memchr(s.p + from, what, s.n - from) : NULL;

	return at ? (size_t)(at - s.p) : s.n;
}

static struct span behind(struct span s, size_t n)
{
	return span_of(s.p + n, s.n - n);
}

/* How many bytes of s are one of the three escapes; 0: none. */
static size_t escape_at(struct span s, char *ret)
{
	static const struct {
		const char *text;
		char c;
	} rows[] = { { "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t n = strlen(rows[i].text);

		if (s.n >= n && memcmp(s.p, rows[i].text, n) == 0) {
			*ret = rows[i].c;
			return n;
		}
	}
	return 0;
}

/* A copy of the text without escapes, in the arena. */
static struct span unescape(struct chat *c, struct span s)
{
	uint8_t *room = s.n ? arena_raw(&c->d->arena, s.n) : NULL;
	size_t n = 0;
	size_t i = 0;

	if (s.n && !room)
		c->bad = true;
	while (room && i < s.n) {
		char ch = (char)s.p[i];
		size_t used = escape_at(behind(s, i), &ch);

		room[n++] = (uint8_t)ch;
		i += used ? used : 1;
	}
	return span_of(room, n);
}

/* @NAME or @ID of a mention, and the id where both are there. */
static void mention_put(struct chat *c, const char *sign, const char *what,
			struct span id, struct span name)
{
	chat_puts(c, sign);
	chat_text(c, name.n ? name : id);
	if (!name.n)
		return;
	chat_puts(c, " [");
	chat_puts(c, what);
	chat_puts(c, " ");
	chat_text(c, id);
	chat_puts(c, "]");
}

/* <!here>, <!subteam^ID|@name>, <!date^TIME^FORMAT^URL|words> */
static void command_put(struct chat *c, struct span what, struct span words)
{
	size_t a, b;

	if (what.n > 8 && memcmp(what.p, "subteam^", 8) == 0) {
		mention_put(c, words.n ? "" : "@", "group", behind(what, 8),
			    words);
		return;
	}
	if (what.n <= 5 || memcmp(what.p, "date^", 5) != 0) {
		mention_put(c, "@", "command", what, words);
		return;
	}
	a = find(what, 5, '^');
	b = find(what, a + 1, '^');
	chat_text(c, words);
	if (b < what.n)
		chat_link(c, words, behind(what, b + 1));
}

/* A link's words may have blanks that nobody sees: chat_link looks at what is
 * left. */
static void link_put(struct chat *c, struct span url, struct span words)
{
	size_t from = c->plain.n;

	chat_text(c, words.n ? words : url);
	chat_link(c, buf_part(&c->plain, from, c->plain.n), url);
	buf_cut(&c->plain, from);
	buf_u8(&c->plain, ' ');
}

/* What stands between < and >. */
static void markup_put(struct chat *c, struct span in)
{
	size_t bar = find(in, 0, '|');
	struct span what = unescape(c, span_of(in.p, bar));
	struct span words = { NULL, 0 };

	if (bar < in.n)
		words = unescape(c, behind(in, bar + 1));
	if (!what.n)
		chat_text(c, words);
	else if (what.p[0] == '@')
		mention_put(c, "@", "user", behind(what, 1), words);
	else if (what.p[0] == '#')
		mention_put(c, "#", "channel", behind(what, 1), words);
	else if (what.p[0] == '!')
		command_put(c, behind(what, 1), words);
	else
		link_put(c, what, words);
}

void mrkdwn_put(struct chat *c, struct span text)
{
	size_t i = 0;

	buf_reset(&c->plain);
	while (i < text.n) {
		size_t open = find(text, i, '<');
		size_t end = find(text, open, '>');

		chat_text(c, unescape(c, span_of(text.p + i, open - i)));
		if (open == text.n)
			break;
		if (end == text.n) {
			chat_flaw(c, CHAT_FLAW_MARKUP);
			chat_text(c, unescape(c, behind(text, open)));
			break;
		}
		markup_put(c, span_of(text.p + open + 1, end - open - 1));
		i = end + 1;
	}
	links_from_text(c->d, buf_view(&c->plain));
}
