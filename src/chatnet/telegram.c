/* telegram: requests and answers; see telegram.h. */
#include "chatnet/telegram.h"

#include "base/str.h"

/* A server's words in ASCII, for our log and the owner: the rest is a mark. */
static void plain(char *dst, size_t cap, struct jval string)
{
	char text[1024];
	struct span s;
	size_t i;

	dst[0] = 0;
	if (!jval_text(string, text, sizeof(text), &s))
		return;
	for (i = 0; i < s.n && i < cap - 1; i++) {
		const uint8_t c = s.p[i];
		const bool shown = c >= 0x20 && c < 0x7f && c != '"';

		dst[i] = (char)(shown ? c : '?');
	}
	dst[i] = 0;
}

bool telegram_answer(struct span body, struct telegram_answer *ret)
{
	struct telegram_answer a = { 0 };
	struct jval v, ok;
	int64_t wait;

	if (body.n > CHATNET_BODY || !jval_parse(body, &v))
		return false;
	ok = jval_get(v, "ok");
	a.ok = ok.kind == JVAL_TRUE;
	a.result = jval_get(v, "result");
	if ((!a.ok && ok.kind != JVAL_FALSE) ||
	    (a.ok &&
	     (a.result.kind == JVAL_NONE || a.result.kind == JVAL_TWICE)))
		return false;
	if (!a.ok) {
		if (!jval_int(jval_get(v, "error_code"), &a.error))
			a.error = 0;
		plain(a.description, sizeof(a.description),
		      jval_get(v, "description"));
		if (jval_int(jval_get(jval_get(v, "parameters"), "retry_after"),
			     &wait) &&
		    wait > 0)
			a.retry_after_s = (uint64_t)wait;
	}
	*ret = a;
	return true;
}

int telegram_updates(struct jval result, struct telegram_update *ret)
{
	struct jiter it = jiter_of(result);
	struct jval v;
	int64_t id;
	int n = 0;

	if (result.kind != JVAL_ARRAY)
		return -1;
	while (jiter_next(&it, NULL, &v)) {
		if (n == TELEGRAM_UPDATES || v.raw.n > CHATNET_ITEM ||
		    !jval_int(jval_get(v, "update_id"), &id) || id < 0 ||
		    (n && (uint64_t)id <= ret[n - 1].id))
			return -1;
		ret[n++] = (struct telegram_update){ (uint64_t)id, v.raw };
	}
	return n;
}

bool telegram_token_ok(struct span token, char *bot, size_t cap)
{
	const uint8_t *colon = token.n ? memchr(token.p, ':', token.n) : NULL;
	uint64_t number;
	struct span s;
	size_t i;

	if (!colon)
		return false;
	s = span_of(token.p, (size_t)(colon - token.p));
	for (i = s.n + 1; i < token.n; i++) {
		const uint8_t c = token.p[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		      (c >= 'a' && c <= 'z') || c == '_' || c == '-'))
			return false;
	}
	return token.n > s.n + 1 && num_parse(s, 1, INT64_MAX, &number) == 0 &&
	       str_copy(bot, cap, s) == 0;
}

bool telegram_sent(struct jval result, char *id, size_t cap)
{
	int64_t n;

	return jval_int(jval_get(result, "message_id"), &n) && n > 0 &&
	       str_printf(id, cap, "%lld", (long long)n) > 0;
}

void telegram_get_updates(struct buf *b, uint64_t offset, uint32_t wait_s,
			  bool approvals)
{
	buf_printf(b,
		   "{\"offset\":%llu,\"timeout\":%u,\"limit\":%d,"
		   "\"allowed_updates\":%s}",
		   (unsigned long long)offset, wait_s, TELEGRAM_UPDATES,
		   approvals ? "[\"message\",\"callback_query\"]"
			     : "[\"message\",\"edited_message\","
			       "\"channel_post\",\"edited_channel_post\"]");
}

/* Digits, of a chat with a minus before them. */
static bool id_ok(struct span s, bool minus)
{
	uint64_t v;

	if (minus && s.n && s.p[0] == '-')
		s = span_of(s.p + 1, s.n - 1);
	return num_parse(s, 1, INT64_MAX, &v) == 0;
}

static void member(struct buf *b, const char *name, struct span digits)
{
	buf_printf(b, ",\"%s\":", name);
	buf_span(b, digits);
}

/* The text without a parse mode, so that no character of it means anything; as
 * preformatted text by an entity over all of it. No preview of any link. */
static bool put_text(struct buf *b, const struct chat_send *s)
{
	size_t units;

	if (!s->text.n || !utf8_valid(s->text) ||
	    chat_part(s->text, TELEGRAM_TEXT, &units).n != s->text.n)
		return false;
	buf_str(b, ",\"text\":");
	chat_string(b, s->text);
	if (s->fixed)
		buf_printf(b,
			   ",\"entities\":[{\"type\":\"pre\",\"offset\":0,"
			   "\"length\":%zu}]",
			   units);
	buf_str(b, ",\"link_preview_options\":{\"is_disabled\":true}");
	return true;
}

static void put_buttons(struct buf *b, const struct chat_send *s)
{
	size_t i;

	if (!s->n_buttons)
		return;
	buf_str(b, ",\"reply_markup\":{\"inline_keyboard\":[");
	for (i = 0; i < s->n_buttons; i++) {
		buf_str(b, i ? ",[{\"text\":" : "[{\"text\":");
		chat_string(b, s->buttons[i].label);
		buf_str(b, ",\"callback_data\":");
		chat_string(b, s->buttons[i].data);
		buf_str(b, "}]");
	}
	buf_str(b, "]}");
}

bool telegram_send_message(struct buf *b, const struct chat_send *s)
{
	if (!id_ok(s->chat, true) ||
	    (s->thread.n && !id_ok(s->thread, false)) ||
	    (s->reply.n && !id_ok(s->reply, false)))
		return false;
	buf_str(b, "{\"chat_id\":");
	buf_span(b, s->chat);
	if (s->thread.n)
		member(b, "message_thread_id", s->thread);
	if (s->reply.n) {
		member(b, "reply_parameters\":{\"message_id", s->reply);
		buf_str(b, ",\"allow_sending_without_reply\":true}");
	}
	if (!put_text(b, s))
		return false;
	put_buttons(b, s);
	buf_u8(b, '}');
	return true;
}

bool telegram_edit_message(struct buf *b, struct span message,
			   const struct chat_send *s)
{
	if (!id_ok(s->chat, true) || !id_ok(message, false))
		return false;
	buf_str(b, "{\"chat_id\":");
	buf_span(b, s->chat);
	member(b, "message_id", message);
	if (!put_text(b, s))
		return false;
	put_buttons(b, s);
	buf_u8(b, '}');
	return true;
}

bool telegram_answer_press(struct buf *b, struct span press, struct span text)
{
	size_t units;

	if (!press.n || !utf8_valid(press) || !utf8_valid(text))
		return false;
	buf_str(b, "{\"callback_query_id\":");
	chat_string(b, press);
	buf_str(b, ",\"text\":");
	chat_string(b, chat_part(text, TELEGRAM_TOAST, &units));
	buf_u8(b, '}');
	return true;
}
