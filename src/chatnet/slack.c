/* slack: requests, answers, and the frame of Socket Mode; see slack.h. */
#include "chatnet/slack.h"

#include "base/str.h"

/* Letters, digits and what stands in the ids and times of Slack. */
static bool id_ok(struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		const uint8_t c = s.p[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		      (c >= 'a' && c <= 'z') || c == '.' || c == '_' ||
		      c == '-'))
			return false;
	}
	return s.n > 0 && s.n <= LIMIT_CHAT_ID;
}

/* A word of theirs: an id, or nothing. */
static void word(struct jval v, char *dst, size_t cap)
{
	if (!jval_cstr(v, dst, cap) || !id_ok(span_str(dst)))
		dst[0] = 0;
}

bool slack_answer(struct span body, struct slack_answer *ret)
{
	struct slack_answer a = { 0 };
	struct jval v, ok;

	if (body.n > CHATNET_BODY || !jval_parse(body, &v))
		return false;
	ok = jval_get(v, "ok");
	a.ok = ok.kind == JVAL_TRUE;
	if (!a.ok && ok.kind != JVAL_FALSE)
		return false;
	word(jval_get(v, "error"), a.error, sizeof(a.error));
	word(jval_get(v, "ts"), a.ts, sizeof(a.ts));
	word(jval_get(v, "team_id"), a.team, sizeof(a.team));
	word(jval_get(v, "user_id"), a.user, sizeof(a.user));
	word(jval_get(v, "bot_id"), a.bot, sizeof(a.bot));
	if (!jval_cstr(jval_get(v, "url"), a.url, sizeof(a.url)))
		a.url[0] = 0;
	*ret = a;
	return true;
}

static bool begins(struct span s, const char *with)
{
	const size_t n = strlen(with);

	return s.n > n && memcmp(s.p, with, n) == 0;
}

bool slack_tokens(struct span secret, struct span *app, struct span *bot)
{
	struct span one;
	size_t n;

	*app = *bot = span_of(secret.p, 0);
	while (secret.n) {
		const uint8_t *blank = memchr(secret.p, ' ', secret.n);

		n = blank ? (size_t)(blank - secret.p) : secret.n;
		one = span_of(secret.p, n);
		n += blank != NULL;
		secret = span_of(secret.p + n, secret.n - n);
		/* A token of Slack's has the letters of an id, and is longer.
		 */
		for (n = 0; n < one.n; n++)
			if (!id_ok(span_of(one.p + n, 1)))
				return false;
		if (begins(one, "xapp-") && !app->n)
			*app = one;
		else if (begins(one, "xoxb-") && !bot->n)
			*bot = one;
		else
			return false;
	}
	return app->n || bot->n;
}

static bool host_byte(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || c == '.' || c == '-';
}

/* What may stand in a line of HTTP as it is. */
static bool path_ok(struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '#')
			return false;
	return s.n > 0 && s.p[0] == '/';
}

bool slack_url(struct span url, struct slack_url *ret)
{
	struct slack_url u = { .port = 443 };
	uint64_t port;
	size_t i = 0, n;

	if (!begins(url, "wss://"))
		return false;
	url = span_of(url.p + 6, url.n - 6);
	while (i < url.n && host_byte(url.p[i]))
		i++;
	if (i == 0 || str_copy(u.host, sizeof(u.host), span_of(url.p, i)) < 0)
		return false;
	url = span_of(url.p + i, url.n - i);
	if (url.n && url.p[0] == ':') {
		for (n = 1; n < url.n && url.p[n] != '/'; n++)
			;
		if (num_parse(span_of(url.p + 1, n - 1), 1, 65535, &port) < 0)
			return false;
		u.port = (uint32_t)port;
		url = span_of(url.p + n, url.n - n);
	}
	if (!path_ok(url))
		return false;
	u.path = url;
	*ret = u;
	return true;
}

bool slack_envelope(struct span text, struct slack_envelope *ret)
{
	static const struct {
		const char *type;
		enum slack_kind kind;
		bool payload;
	} kinds[] = {
		{ "hello", SLACK_HELLO, false },
		{ "disconnect", SLACK_DISCONNECT, false },
		{ "events_api", SLACK_EVENT, true },
		{ "interactive", SLACK_PRESS, true },
	};
	struct slack_envelope e = { .kind = SLACK_OTHER };
	struct jval v, type, payload;
	bool wants = false;
	size_t i;

	if (text.n > CHATNET_ITEM || !jval_parse(text, &v))
		return false;
	type = jval_get(v, "type");
	if (type.kind != JVAL_STRING)
		return false;
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (jval_is(type, kinds[i].type)) {
			e.kind = kinds[i].kind;
			wants = kinds[i].payload;
		}
	word(jval_get(v, "envelope_id"), e.id, sizeof(e.id));
	payload = jval_get(v, "payload");
	if (wants && (payload.kind != JVAL_OBJECT || !e.id[0]))
		return false;
	if (wants)
		e.payload = payload.raw;
	*ret = e;
	return true;
}

void slack_ack(struct buf *b, const char *id)
{
	buf_str(b, "{\"envelope_id\":");
	chat_string(b, span_str(id));
	buf_u8(b, '}');
}

/* As Slack wants its three characters; all others mean nothing then. */
static void put_escaped(struct buf *b, struct span text)
{
	size_t i, start = 0;

	for (i = 0; i < text.n; i++) {
		const char *as = text.p[i] == '&'   ? "&amp;"
				 : text.p[i] == '<' ? "&lt;"
				 : text.p[i] == '>' ? "&gt;"
						    : NULL;

		if (!as)
			continue;
		buf_span(b, span_of(text.p + start, i - start));
		buf_str(b, as);
		start = i + 1;
	}
	buf_span(b, span_of(text.p + start, text.n - start));
}

static void put_string(struct buf *b, const char *name, struct span text)
{
	buf_printf(b, "\"%s\":", name);
	chat_string(b, text);
}

static void put_fixed(struct buf *b, const struct chat_send *s)
{
	buf_str(b, "{\"type\":\"rich_text\",\"elements\":[{\"type\":"
		   "\"rich_text_preformatted\",\"elements\":[{\"type\":"
		   "\"text\",");
	put_string(b, "text", s->text);
	buf_str(b, "}]}]}");
}

static void put_buttons(struct buf *b, const struct chat_send *s)
{
	size_t i;

	buf_str(b, "{\"type\":\"actions\",\"elements\":[");
	for (i = 0; i < s->n_buttons; i++) {
		buf_printf(b,
			   "%s{\"type\":\"button\",\"action_id\":\"b%zu\","
			   "\"text\":{\"type\":\"plain_text\",",
			   i ? "," : "", i);
		put_string(b, "text", s->buttons[i].label);
		buf_str(b, "},");
		put_string(b, "value", s->buttons[i].data);
		buf_u8(b, '}');
	}
	buf_str(b, "]}");
}

/* What every message has: text in which nothing is looked for, no preview of
 * any link, and of a card its blocks. */
static bool put_message(struct buf *b, const struct chat_send *s)
{
	CLEAN_BUF struct buf text;
	size_t units;

	buf_init(&text, CHATNET_REQUEST);
	if (!s->text.n || !utf8_valid(s->text) || !id_ok(s->chat) ||
	    chat_part(s->text, SLACK_TEXT, &units).n != s->text.n)
		return false;
	put_escaped(&text, s->text);
	put_string(b, "channel", s->chat);
	buf_u8(b, ',');
	put_string(b, "text", buf_view(&text));
	if (!buf_ok(&text))
		b->bad = true;
	buf_str(b, ",\"mrkdwn\":false,\"parse\":\"none\",\"link_names\":false,"
		   "\"unfurl_links\":false,\"unfurl_media\":false");
	if (!s->fixed && !s->n_buttons)
		return true;
	buf_str(b, ",\"blocks\":[");
	put_fixed(b, s);
	if (s->n_buttons) {
		buf_u8(b, ',');
		put_buttons(b, s);
	}
	buf_u8(b, ']');
	return true;
}

bool slack_post(struct buf *b, const struct chat_send *s)
{
	struct span thread = s->thread.n ? s->thread : s->reply;

	buf_u8(b, '{');
	if (thread.n) {
		if (!id_ok(thread))
			return false;
		put_string(b, "thread_ts", thread);
		buf_u8(b, ',');
	}
	if (!put_message(b, s))
		return false;
	buf_u8(b, '}');
	return true;
}

bool slack_update(struct buf *b, struct span message, const struct chat_send *s)
{
	if (!id_ok(message))
		return false;
	buf_u8(b, '{');
	put_string(b, "ts", message);
	buf_u8(b, ',');
	if (!put_message(b, s))
		return false;
	buf_u8(b, '}');
	return true;
}

bool slack_tell(struct buf *b, struct span user, const struct chat_send *s)
{
	if (!id_ok(user))
		return false;
	buf_u8(b, '{');
	put_string(b, "user", user);
	buf_u8(b, ',');
	if (!put_message(b, s))
		return false;
	buf_u8(b, '}');
	return true;
}
