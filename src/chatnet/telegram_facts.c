/* telegram_facts: who says what where in an update; see chatnet.h. */
#include "chatnet/telegram.h"

#include "base/str.h"

/* The members of an update that are messages, and what they tell by it. */
static const struct {
	const char *name;
	uint8_t flags;
} sorts[] = {
	{ "message", 0 },
	{ "edited_message", CHAT_EDITED },
	{ "channel_post", 0 },
	{ "edited_channel_post", CHAT_EDITED },
	{ "business_message", CHAT_MORE },
	{ "edited_business_message", CHAT_EDITED | CHAT_MORE },
};

/* Members of a message that say nothing beside its own text. */
static const char *const plain_members[] = {
	"message_id",
	"message_thread_id",
	"from",
	"sender_chat",
	"date",
	"chat",
	"is_topic_message",
	"edit_date",
	"text",
	"entities",
	"sender_boost_count",
};

/* Entities that hide nothing: what they mean stands in the text. */
static const char *const plain_entities[] = {
	"mention",	"hashtag", "cashtag", "bot_command", "url",  "email",
	"phone_number", "bold",	   "italic",  "underline",   "code", "pre",
};

static const char *const forwards[] = {
	"forward_origin", "forward_from",	 "forward_from_chat",
	"forward_date",	  "forward_sender_name", "is_automatic_forward",
};

static bool is_among(struct jval string, const char *const *names, size_t n)
{
	size_t i;

	for (i = 0; i < n && !jval_is(string, names[i]); i++)
		;
	return i < n;
}

#define AMONG(v, names) is_among(v, names, ARRAY_SIZE(names))

/* A number as the text of it. */
static bool digits(struct jval v, char *dst, size_t cap)
{
	int64_t n;

	return jval_int(v, &n) && n != 0 &&
	       str_printf(dst, cap, "%lld", (long long)n) > 0;
}

static bool entities_plain(struct jval list)
{
	struct jiter it = jiter_of(list);
	struct jval e;

	if (list.kind == JVAL_NONE)
		return true;
	if (list.kind != JVAL_ARRAY)
		return false;
	while (jiter_next(&it, NULL, &e))
		if (!AMONG(jval_get(e, "type"), plain_entities))
			return false;
	return true;
}

static uint8_t look_around(struct jval message)
{
	struct jiter it = jiter_of(message);
	struct jval key, v;
	uint8_t flags = 0;

	while (jiter_next(&it, &key, &v)) {
		if (AMONG(key, forwards))
			flags |= CHAT_FORWARD;
		if (jval_is(key, "via_bot"))
			flags |= CHAT_BOT;
		if (!AMONG(key, plain_members))
			flags |= CHAT_MORE;
	}
	if (!entities_plain(jval_get(message, "entities")))
		flags |= CHAT_MORE;
	return flags;
}

/* Who: a user, or the channel or group in whose name it is said. */
static bool read_sender(struct jval message, struct chat_facts *f)
{
	struct jval from = jval_get(message, "from");
	struct jval as = jval_get(message, "sender_chat");
	struct jval bot = jval_get(from, "is_bot");

	if (from.kind != JVAL_NONE) {
		if (bot.kind != JVAL_TRUE && bot.kind != JVAL_FALSE)
			return false;
		if (bot.kind == JVAL_TRUE)
			f->flags |= CHAT_BOT;
	}
	if (as.kind != JVAL_NONE)
		return digits(jval_get(as, "id"), f->sender, sizeof(f->sender));
	return digits(jval_get(from, "id"), f->sender, sizeof(f->sender));
}

static bool read_chat(struct jval chat, struct chat_facts *f)
{
	if (jval_is(jval_get(chat, "type"), "private"))
		f->flags |= CHAT_DIRECT;
	return digits(jval_get(chat, "id"), f->chat, sizeof(f->chat));
}

static bool read_text(struct jval text, struct chat_facts *f)
{
	if (text.kind == JVAL_NONE)
		return true;
	if (text.kind != JVAL_STRING)
		return false;
	if (!jval_cstr(text, f->text, sizeof(f->text)))
		f->flags |= CHAT_MORE;
	return true;
}

static enum facts_fault read_message(struct jval m, struct chat_facts *f)
{
	struct jval thread = jval_get(m, "message_thread_id");
	int64_t date;

	if (m.kind != JVAL_OBJECT || !read_sender(m, f) ||
	    !read_chat(jval_get(m, "chat"), f) ||
	    !digits(jval_get(m, "message_id"), f->ref, sizeof(f->ref)) ||
	    !jval_int(jval_get(m, "date"), &date) ||
	    !read_text(jval_get(m, "text"), f) ||
	    (thread.kind != JVAL_NONE &&
	     !digits(thread, f->thread, sizeof(f->thread))))
		return FACTS_BAD_FIELD;
	chat_date(f->date, sizeof(f->date), date);
	f->flags |= look_around(m);
	return FACTS_OK;
}

/* The one message in an update, and its flags. */
static enum facts_fault find_message(struct jval update, struct jval *ret,
				     uint8_t *flags)
{
	struct jval found = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sorts); i++) {
		struct jval v = jval_get(update, sorts[i].name);

		if (v.kind == JVAL_NONE)
			continue;
		if (found.kind != JVAL_NONE || v.kind == JVAL_TWICE)
			return FACTS_TWO;
		found = v;
		*flags = sorts[i].flags;
	}
	*ret = found;
	return found.kind == JVAL_NONE ? FACTS_NO_MESSAGE : FACTS_OK;
}

static enum facts_fault parse(struct span update, struct jval *ret)
{
	if (update.n > CHATNET_ITEM)
		return FACTS_BIG;
	return jval_parse(update, ret) && ret->kind == JVAL_OBJECT
		       ? FACTS_OK
		       : FACTS_BAD_JSON;
}

enum facts_fault telegram_facts(struct span update, struct chat_facts *ret)
{
	enum facts_fault r;
	struct jval v, m;

	*ret = (struct chat_facts){ 0 };
	r = parse(update, &v);
	if (r == FACTS_OK)
		r = find_message(v, &m, &ret->flags);
	if (r == FACTS_OK)
		r = read_message(m, ret);
	if (r != FACTS_OK)
		*ret = (struct chat_facts){ 0 };
	return r;
}

/* A press of a button under a message of ours. */
static enum facts_fault read_press(struct jval q, struct chat_heard *h)
{
	struct jval from = jval_get(q, "from");
	struct jval m = jval_get(q, "message");
	struct jval chat = jval_get(m, "chat");
	struct jval bot = jval_get(from, "is_bot");

	h->kind = HEARD_BUTTON;
	if (bot.kind == JVAL_TRUE)
		h->flags |= CHAT_BOT;
	else if (bot.kind != JVAL_FALSE)
		return FACTS_BAD_FIELD;
	if (jval_is(jval_get(chat, "type"), "private"))
		h->flags |= CHAT_DIRECT;
	return digits(jval_get(from, "id"), h->sender, sizeof(h->sender)) &&
			       digits(jval_get(chat, "id"), h->chat,
				      sizeof(h->chat)) &&
			       digits(jval_get(m, "message_id"), h->message,
				      sizeof(h->message)) &&
			       jval_cstr(jval_get(q, "id"), h->press,
					 sizeof(h->press)) &&
			       jval_cstr(jval_get(q, "data"), h->data,
					 sizeof(h->data))
		       ? FACTS_OK
		       : FACTS_BAD_FIELD;
}

static enum facts_fault read_word(struct span update, struct chat_heard *h)
{
	struct chat_facts f;
	enum facts_fault r = telegram_facts(update, &f);

	if (r != FACTS_OK)
		return r;
	chat_heard_words(h, &f);
	return FACTS_OK;
}

enum facts_fault telegram_heard(struct span update, struct chat_heard *ret)
{
	enum facts_fault r;
	struct jval v, q;

	*ret = (struct chat_heard){ 0 };
	r = parse(update, &v);
	if (r == FACTS_OK) {
		q = jval_get(v, "callback_query");
		r = q.kind == JVAL_NONE ? read_word(update, ret)
					: read_press(q, ret);
	}
	if (r == FACTS_OK &&
	    !digits(jval_get(v, "update_id"), ret->id, sizeof(ret->id)))
		r = FACTS_BAD_FIELD;
	if (r != FACTS_OK)
		*ret = (struct chat_heard){ 0 };
	return r;
}
