/*
 * telegram: one update of Telegram's Bot API. It holds its number and one
 * object, whose name says what happened. A message is read as a whole; of
 * anything else no more is said than what it is and who did it.
 */
#include <errno.h>

#include "reader/chat/chat.h"
#include "reader/chat/entities.h"

enum { LABEL_MAX = 64 };

/* Whom an object of type User or Chat is about, as `NAME (@USERNAME)`. */
static struct span name_of(struct chat *c, struct jval who)
{
	static const char *const parts[] = { "first_name", "last_name",
					     "title" };
	CLEAN_BUF struct buf b = { .max = 4 * (size_t)MESSAGE_NAME_MAX };
	struct span part;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		part = chat_line(c, who, parts[i], MESSAGE_NAME_MAX);
		if (part.n && b.n)
			buf_u8(&b, ' ');
		buf_span(&b, part);
	}
	part = chat_line(c, who, "username", MESSAGE_NAME_MAX);
	if (part.n) {
		buf_str(&b, b.n ? " (@" : "(@");
		buf_span(&b, part);
		buf_str(&b, ")");
	}
	return draft_line(c->d, buf_view(&b), MESSAGE_NAME_MAX);
}

static struct message_addr who_is(struct chat *c, struct jval who)
{
	return (struct message_addr){
		.name = name_of(c, who),
		.addr = chat_id(c, chat_get(c, who, "id"), MESSAGE_ADDR_MAX),
	};
}

/* `[LABEL] NAME` with the id of a person or chat behind it. */
static void who_mark(struct chat *c, const char *label, struct jval who,
		     struct span other)
{
	struct message_addr a = who_is(c, who);
	CLEAN_BUF struct buf b = { .max = 2 * (size_t)MESSAGE_NAME_MAX +
					  MESSAGE_ADDR_MAX };

	buf_span(&b, a.name.n ? a.name : other);
	if (a.addr.n) {
		buf_str(&b, " [");
		buf_span(&b, a.addr);
		buf_str(&b, "]");
	}
	chat_mark(c, label, draft_line(c->d, buf_view(&b), b.max));
}

/* CHAT/MESSAGE, or nothing where either is missing. */
static struct span message_id(struct chat *c, struct jval chat, struct jval id)
{
	CLEAN_BUF struct buf b = { .max = MESSAGE_ID_MAX };
	struct span chat_text = chat_id(c, chat_get(c, chat, "id"), LABEL_MAX);
	struct span id_text = chat_id(c, id, LABEL_MAX);

	if (!chat_text.n || !id_text.n)
		return span_of(NULL, 0);
	buf_span(&b, chat_text);
	buf_str(&b, "/");
	buf_span(&b, id_text);
	return draft_line(c->d, buf_view(&b), MESSAGE_ID_MAX);
}

/* Where it comes from */

/* MessageOrigin, and what older servers said. */
static void forward_put(struct chat *c, struct jval m)
{
	static const char *const members[] = { "sender_user", "sender_chat",
					       "chat" };
	struct jval origin = chat_get(c, m, "forward_origin");
	struct jval who = { 0 };
	struct span other;

	for (size_t i = 0; i < ARRAY_SIZE(members) && !who.kind; i++)
		who = chat_get(c, origin, members[i]);
	other = chat_line(c, origin, "sender_user_name", MESSAGE_NAME_MAX);
	if (!who.kind)
		who = chat_get(c, m, "forward_from");
	if (!who.kind)
		who = chat_get(c, m, "forward_from_chat");
	if (!other.n)
		other = chat_line(c, m, "forward_sender_name",
				  MESSAGE_NAME_MAX);
	if (origin.kind || who.kind || other.n)
		who_mark(c, "forwarded from", who, other);
}

static void texts_put(struct chat *c, struct jval m)
{
	entities_put(c, chat_string(c, chat_get(c, m, "text")),
		     chat_get(c, m, "entities"));
	chat_fresh_line(c);
	entities_put(c, chat_string(c, chat_get(c, m, "caption")),
		     chat_get(c, m, "caption_entities"));
	chat_fresh_line(c);
}

/* What it answers: the part that was chosen, or all of it. */
static void reply_put(struct chat *c, struct jval m)
{
	struct jval to = chat_get(c, m, "reply_to_message");
	struct jval far = chat_get(c, m, "external_reply");
	struct jval quote = chat_get(c, m, "quote");
	struct jval who = chat_get(c, to, "from");

	if (!to.kind && !far.kind && !quote.kind)
		return;
	if (!who.kind)
		who = chat_get(c, to, "sender_chat");
	if (!who.kind)
		who = chat_get(c, far, "chat");
	who_mark(c, "reply to", who, span_of(NULL, 0));
	chat_quote(c);
	texts_put(c, quote.kind ? quote : to);
	chat_unquote(c);
	c->d->m.in_reply_to =
		message_id(c, chat_get(c, to.kind ? to : far, "chat"),
			   chat_get(c, to.kind ? to : far, "message_id"));
}

static void sender_put(struct chat *c, struct jval m)
{
	struct jval from = chat_get(c, m, "from");
	struct jval as = chat_get(c, m, "sender_chat");
	struct jval via = chat_get(c, m, "via_bot");

	c->d->m.from = who_is(c, as.kind ? as : from);
	if (chat_is_true(chat_get(c, from, "is_bot")) && !as.kind)
		chat_mark(c, "written by a bot", span_of(NULL, 0));
	if (via.kind)
		who_mark(c, "written by way of the bot", via, span_of(NULL, 0));
	forward_put(c, m);
}

static void facts_put(struct chat *c, struct jval m)
{
	struct message *msg = &c->d->m;
	struct jval chat = chat_get(c, m, "chat");
	int64_t when;

	if (jval_int(chat_get(c, m, "date"), &when))
		chat_date(c, when);
	msg->message_id = message_id(c, chat, chat_get(c, m, "message_id"));
	msg->subject = chat_line(c, chat, "title", MESSAGE_SUBJECT_MAX);
	if (chat.kind == JVAL_OBJECT)
		msg->to[msg->n_to++] = who_is(c, chat);
	msg->references[0] =
		message_id(c, chat, chat_get(c, m, "message_thread_id"));
	msg->n_references = msg->references[0].n != 0;
}

/* What it holds */

static void file_put(struct chat *c, struct jval f, const char *name,
		     const char *type)
{
	struct span own = chat_string(c, chat_get(c, f, "file_name"));
	struct span mime = chat_string(c, chat_get(c, f, "mime_type"));
	int64_t size = -1;

	if (!jval_int(chat_get(c, f, "file_size"), &size))
		size = -1;
	chat_file(c, own.n ? own : span_str(name),
		  mime.n ? mime : span_str(type), size);
}

static void files_put(struct chat *c, struct jval m)
{
	static const struct {
		const char *name, *type;
	} rows[] = {
		{ "document", "application/octet-stream" },
		{ "animation", "video/mp4" },
		{ "audio", "audio/mpeg" },
		{ "video", "video/mp4" },
		{ "video_note", "video/mp4" },
		{ "voice", "audio/ogg" },
		{ "sticker", "image/webp" },
	};
	struct jiter it = jiter_of(chat_get(c, m, "photo"));
	struct jval v, largest = { 0 };
	bool animation = chat_get(c, m, "animation").kind == JVAL_OBJECT;

	while (!it.object && jiter_next(&it, NULL, &v))
		largest = v;
	if (largest.kind)
		file_put(c, largest, "photo", "image/jpeg");
	/* an animation is said a second time, as a document */
	for (size_t i = animation; i < ARRAY_SIZE(rows); i++) {
		v = chat_get(c, m, rows[i].name);
		if (v.kind == JVAL_OBJECT)
			file_put(c, v, rows[i].name, rows[i].type);
	}
	if (chat_is_true(chat_get(c, m, "has_media_spoiler")))
		chat_mark(c, "its picture is a spoiler", span_of(NULL, 0));
}

/* A list of objects, a line for the text of each. */
static void lines_put(struct chat *c, struct jval list, const char *name)
{
	struct jiter it = jiter_of(list);
	struct jval v;

	while (!it.object && jiter_next(&it, NULL, &v)) {
		chat_puts(c, "- ");
		chat_words(c, chat_string(c, chat_get(c, v, name)));
		chat_fresh_line(c);
	}
}

/* Contents that are no text and no file: their words, a line each. */
static void things_put(struct chat *c, struct jval m)
{
	static const struct {
		const char *name;
		const char *words[4];
	} rows[] = {
		{ "contact",
		  { "first_name", "last_name", "phone_number", "vcard" } },
		{ "location", { "latitude", "longitude" } },
		{ "venue", { "title", "address" } },
		{ "poll", { "question", "explanation" } },
		{ "checklist", { "title" } },
		{ "game", { "title", "description", "text" } },
		{ "invoice", { "title", "description" } },
		{ "giveaway", { "prize_description" } },
		{ "story", { NULL } },
		{ "paid_media", { NULL } },
		{ "dice", { "emoji", "value" } },
		{ "sticker", { "emoji", "set_name" } },
		{ "audio", { "title", "performer" } },
		{ "web_app_data", { "button_text", "data" } },
		{ "left_chat_member", { "first_name", "last_name" } },
		{ "forum_topic_created", { "name" } },
		{ "forum_topic_edited", { "name" } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct jval v = chat_get(c, m, rows[i].name);

		if (v.kind != JVAL_OBJECT)
			continue;
		chat_mark(c, rows[i].name, span_of(NULL, 0));
		for (size_t k = 0; k < 4 && rows[i].words[k]; k++) {
			struct jval word = chat_get(c, v, rows[i].words[k]);

			if (word.kind == JVAL_NUMBER)
				chat_words(c, word.raw);
			else
				chat_words(c, chat_string(c, word));
			chat_fresh_line(c);
		}
		lines_put(c, chat_get(c, v, "options"), "text");
		lines_put(c, chat_get(c, v, "tasks"), "text");
	}
}

/* Service messages that are a word, or that hold a message. */
static void service_put(struct chat *c, struct jval m)
{
	struct jval title = chat_get(c, m, "new_chat_title");
	struct jval joined = chat_get(c, m, "new_chat_members");
	struct jval pinned = chat_get(c, m, "pinned_message");

	if (title.kind == JVAL_STRING)
		chat_mark(c, "new title",
			  draft_line(c->d, chat_string(c, title),
				     MESSAGE_SUBJECT_MAX));
	if (joined.kind == JVAL_ARRAY) {
		chat_mark(c, "new members", span_of(NULL, 0));
		lines_put(c, joined, "first_name");
	}
	if (pinned.kind == JVAL_OBJECT) {
		who_mark(c, "pinned message of", chat_get(c, pinned, "from"),
			 span_of(NULL, 0));
		chat_quote(c);
		texts_put(c, pinned);
		chat_unquote(c);
	}
}

/* Buttons lead where they say in `url`, whatever their words. */
static void buttons_put(struct chat *c, struct jval m)
{
	struct jval markup = chat_get(c, m, "reply_markup");
	struct jiter rows = jiter_of(chat_get(c, markup, "inline_keyboard"));
	struct jval row, b;

	while (!rows.object && jiter_next(&rows, NULL, &row)) {
		struct jiter it = jiter_of(row);

		while (!it.object && jiter_next(&it, NULL, &b)) {
			struct jval app = chat_get(c, b, "web_app");
			struct jval login = chat_get(c, b, "login_url");
			struct jval url = chat_get(c, b, "url");
			struct span text = draft_line(
				c->d, chat_string(c, chat_get(c, b, "text")),
				MESSAGE_LINK_TEXT_MAX);

			if (!url.kind)
				url = chat_get(c, app.kind ? app : login,
					       "url");
			chat_puts(c, "[button] ");
			chat_put(c, text);
			chat_link(c, text, chat_string(c, url));
			chat_puts(c, "\n");
		}
	}
}

/* The page that is shown in small under the text may be none of its links. */
static void preview_put(struct chat *c, struct jval m)
{
	struct jval o = chat_get(c, m, "link_preview_options");
	struct span url = chat_string(c, chat_get(c, o, "url"));

	if (!url.n || chat_is_true(chat_get(c, o, "is_disabled")))
		return;
	chat_puts(c, "[preview] ");
	chat_link(c, span_of(NULL, 0), url);
	chat_puts(c, "\n");
}

static void message_put(struct chat *c, struct jval m, bool edited)
{
	facts_put(c, m);
	if (edited)
		chat_mark(c, "edited message", span_of(NULL, 0));
	sender_put(c, m);
	reply_put(c, m);
	texts_put(c, m);
	files_put(c, m);
	things_put(c, m);
	service_put(c, m);
	buttons_put(c, m);
	preview_put(c, m);
}

static void callback_put(struct chat *c, struct jval v)
{
	struct jval m = chat_get(c, v, "message");

	c->d->m.from = who_is(c, chat_get(c, v, "from"));
	chat_mark(c, "button pressed",
		  chat_line(c, v, "data", MESSAGE_SUBJECT_MAX));
	if (m.kind != JVAL_OBJECT)
		return;
	facts_put(c, m);
	who_mark(c, "under the message of", chat_get(c, m, "from"),
		 span_of(NULL, 0));
	chat_quote(c);
	texts_put(c, m);
	chat_unquote(c);
}

/* Of what no message is in: its name, who did it, and its words. */
static void other_put(struct chat *c, struct jval key, struct jval v)
{
	static const char *const who[] = { "from", "user", "actor_chat",
					   "chat" };
	static const char *const words[] = { "query", "invoice_payload", "bio",
					     "question" };
	struct jval by = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(who) && !by.kind; i++)
		by = chat_get(c, v, who[i]);
	c->d->m.from = who_is(c, by);
	chat_mark(c, "update",
		  draft_line(c->d, chat_string(c, key), LABEL_MAX));
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		chat_words(c, chat_string(c, chat_get(c, v, words[i])));
		chat_fresh_line(c);
	}
	lines_put(c, chat_get(c, v, "options"), "text");
}

static void update_put(struct chat *c, struct jval key, struct jval v)
{
	static const struct {
		const char *name;
		bool edited;
	} messages[] = {
		{ "message", false },
		{ "edited_message", true },
		{ "channel_post", false },
		{ "edited_channel_post", true },
		{ "business_message", false },
		{ "edited_business_message", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		if (!jval_is(key, messages[i].name))
			continue;
		message_put(c, v, messages[i].edited);
		return;
	}
	if (jval_is(key, "callback_query"))
		callback_put(c, v);
	else
		other_put(c, key, v);
}

/* An update has one object; of two, two programs may read either. */
static bool update_find(struct jval update, struct jval *ret_key,
			struct jval *ret)
{
	struct jiter it = jiter_of(update);
	struct jval key, v;
	size_t n = 0;

	while (jiter_next(&it, &key, &v)) {
		if (v.kind != JVAL_OBJECT)
			continue;
		*ret_key = key;
		*ret = v;
		n++;
	}
	return n == 1;
}

int telegram_read(struct span raw, struct draft *d)
{
	struct jval update, key, v;
	struct chat c;
	int64_t id;
	int r = chat_begin(&c, raw, d, &update);

	if (r < 0)
		return r;
	d->m.kind = SPAN_LIT("telegram");
	if (jval_int(chat_get(&c, update, "update_id"), &id) &&
	    update_find(update, &key, &v))
		update_put(&c, key, v);
	else
		c.bad = true;
	return chat_end(&c);
}
