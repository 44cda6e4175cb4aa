/* slack_facts: who says what where in an event; see chatnet.h. */
#include "chatnet/slack.h"

#include "base/str.h"

/* Members of a message that say nothing beside its own text. */
static const char *const plain_members[] = {
	"type",		 "subtype",	 "channel",
	"user",		 "text",	 "ts",
	"event_ts",	 "channel_type", "team",
	"client_msg_id", "thread_ts",	 "parent_user_id",
	"user_team",	 "source_team",	 "blocks",
	"edited",	 "reply_count",	 "reply_users_count",
	"latest_reply",	 "reply_users",	 "is_locked",
	"subscribed",
};

/* A message, wherever in its event it stands. */
struct place {
	struct jval event; /* the event itself */
	struct jval said;  /* the message: it, or what it has changed to */
	struct jval team;
	uint8_t flags;
};

static bool is_among(struct jval string, const char *const *names, size_t n)
{
	size_t i;

	for (i = 0; i < n && !jval_is(string, names[i]); i++)
		;
	return i < n;
}

/* A member that is an id or a time of Slack's. */
static bool id_of(struct jval object, const char *name, char *dst, size_t cap)
{
	size_t i;

	if (!jval_cstr(jval_get(object, name), dst, cap) || !dst[0])
		return false;
	for (i = 0; dst[i]; i++)
		if (!((dst[i] >= '0' && dst[i] <= '9') ||
		      (dst[i] >= 'A' && dst[i] <= 'Z') || dst[i] == '.')) {
			dst[0] = 0;
			return false;
		}
	return true;
}

/* The subtypes that are somebody's message. */
static const struct {
	const char *name;
	uint8_t flags;
	bool inner; /* it stands in "message" */
} subtypes[] = {
	{ "bot_message", CHAT_BOT | CHAT_MORE, false },
	{ "me_message", 0, false },
	{ "file_share", CHAT_MORE, false },
	{ "thread_broadcast", CHAT_MORE, false },
	{ "message_changed", CHAT_EDITED, true },
	{ "message_replied", CHAT_MORE, true },
};

static enum facts_fault find_said(struct place *p)
{
	struct jval type = jval_get(p->event, "type");
	struct jval sub = jval_get(p->event, "subtype");
	size_t i;

	if (type.kind != JVAL_STRING)
		return FACTS_BAD_FIELD;
	if (!jval_is(type, "message") && !jval_is(type, "app_mention"))
		return FACTS_NO_MESSAGE;
	p->said = p->event;
	if (sub.kind == JVAL_NONE)
		return FACTS_OK;
	for (i = 0; i < ARRAY_SIZE(subtypes); i++)
		if (jval_is(sub, subtypes[i].name)) {
			p->flags |= subtypes[i].flags;
			if (subtypes[i].inner)
				p->said = jval_get(p->event, "message");
			return p->said.kind == JVAL_OBJECT ? FACTS_OK
							   : FACTS_BAD_FIELD;
		}
	return sub.kind == JVAL_STRING ? FACTS_NO_MESSAGE : FACTS_BAD_FIELD;
}

/* The event in what the Events API delivers, or alone. */
static enum facts_fault find(struct span bytes, struct place *p)
{
	struct jval v;

	*p = (struct place){ 0 };
	if (bytes.n > CHATNET_ITEM)
		return FACTS_BIG;
	if (!jval_parse(bytes, &v) || v.kind != JVAL_OBJECT)
		return FACTS_BAD_JSON;
	p->event = v;
	if (jval_is(jval_get(v, "type"), "event_callback")) {
		p->event = jval_get(v, "event");
		p->team = jval_get(v, "team_id");
		if (p->event.kind != JVAL_OBJECT)
			return FACTS_BAD_FIELD;
	}
	return find_said(p);
}

enum facts_fault slack_key(struct span event, char *dst, size_t cap)
{
	char team[LIMIT_CHAT_ID + 1] = "", chat[LIMIT_CHAT_ID + 1];
	char ts[LIMIT_CHAT_ID + 1], changed[LIMIT_CHAT_ID + 1] = "";
	enum facts_fault r;
	struct place p;

	r = find(event, &p);
	if (r != FACTS_OK)
		return r;
	if (p.team.kind != JVAL_NONE && !jval_cstr(p.team, team, sizeof(team)))
		return FACTS_BAD_FIELD;
	if (!id_of(p.event, "channel", chat, sizeof(chat)) ||
	    !id_of(p.said, "ts", ts, sizeof(ts)) ||
	    ((p.flags & CHAT_EDITED) &&
	     !id_of(p.event, "event_ts", changed, sizeof(changed)) &&
	     !id_of(p.event, "ts", changed, sizeof(changed))))
		return FACTS_BAD_FIELD;
	return str_printf(dst, cap, "%s/%s/%s%s%s", team, chat, ts,
			  changed[0] ? "/" : "", changed) < 0
		       ? FACTS_BAD_FIELD
		       : FACTS_OK;
}

/* Who: a user; or a bot, which is none. */
static bool read_sender(const struct place *p, struct chat_facts *f)
{
	if (jval_get(p->said, "bot_id").kind != JVAL_NONE ||
	    jval_get(p->said, "bot_profile").kind != JVAL_NONE ||
	    jval_get(p->said, "app_id").kind != JVAL_NONE)
		f->flags |= CHAT_BOT;
	if (jval_get(p->said, "user").kind != JVAL_NONE)
		return id_of(p->said, "user", f->sender, sizeof(f->sender));
	return id_of(p->said, "bot_id", f->sender, sizeof(f->sender));
}

/* What people write has its text once more as one block; what programs write
 * may say anything there. */
static bool blocks_plain(struct jval blocks)
{
	struct jiter it = jiter_of(blocks);
	struct jval v;
	size_t n = 0;

	if (blocks.kind == JVAL_NONE)
		return true;
	while (jiter_next(&it, NULL, &v))
		if (n++ || !jval_is(jval_get(v, "type"), "rich_text"))
			return false;
	return blocks.kind == JVAL_ARRAY;
}

static uint8_t look_around(const struct place *p, bool bot)
{
	struct jval blocks = jval_get(p->said, "blocks");
	struct jiter it = jiter_of(p->said);
	struct jval key, v;
	uint8_t flags = 0;

	while (jiter_next(&it, &key, &v)) {
		if (!is_among(key, plain_members, ARRAY_SIZE(plain_members)))
			flags |= CHAT_MORE;
		/* A message that is shared comes as an attachment. */
		if (jval_is(key, "attachments"))
			flags |= CHAT_FORWARD;
	}
	if (!blocks_plain(blocks) || (bot && blocks.kind != JVAL_NONE))
		flags |= CHAT_MORE;
	return flags;
}

/* &amp; &lt; &gt; as they are meant, in place; a label that stands for a link
 * is more than text. */
static uint8_t unescape(char *s)
{
	static const struct {
		const char *as;
		char c;
	} names[] = { { "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' } };
	bool within = false;
	uint8_t flags = 0;
	char *to = s;
	size_t i;

	while (*s) {
		within = *s == '<' || (within && *s != '>');
		if (within && *s == '|')
			flags = CHAT_MORE;
		for (i = 0; i < ARRAY_SIZE(names); i++)
			if (strncmp(s, names[i].as, strlen(names[i].as)) == 0)
				break;
		if (i < ARRAY_SIZE(names)) {
			*to++ = names[i].c;
			s += strlen(names[i].as);
		} else {
			*to++ = *s++;
		}
	}
	*to = 0;
	return flags;
}

static bool read_text(struct jval text, struct chat_facts *f)
{
	if (text.kind == JVAL_NONE || text.kind == JVAL_NULL)
		return true;
	if (text.kind != JVAL_STRING)
		return false;
	f->flags |= jval_cstr(text, f->text, sizeof(f->text))
			    ? unescape(f->text)
			    : (uint8_t)CHAT_MORE;
	return true;
}

/* "1355517523.000005": the seconds of it. */
static void read_date(struct chat_facts *f)
{
	const char *dot = strchr(f->ref, '.');
	uint64_t s;

	if (dot && num_parse(span_of(f->ref, (size_t)(dot - f->ref)), 1,
			     INT64_MAX, &s) == 0)
		chat_date(f->date, sizeof(f->date), (int64_t)s);
}

static enum facts_fault read_said(const struct place *p, struct chat_facts *f)
{
	f->flags |= p->flags;
	if (!read_sender(p, f) ||
	    !id_of(p->event, "channel", f->chat, sizeof(f->chat)) ||
	    !id_of(p->said, "ts", f->ref, sizeof(f->ref)) ||
	    !read_text(jval_get(p->said, "text"), f) ||
	    (jval_get(p->said, "thread_ts").kind != JVAL_NONE &&
	     !id_of(p->said, "thread_ts", f->thread, sizeof(f->thread))))
		return FACTS_BAD_FIELD;
	if (jval_is(jval_get(p->event, "channel_type"), "im"))
		f->flags |= CHAT_DIRECT;
	f->flags |= look_around(p, f->flags & CHAT_BOT);
	read_date(f);
	return FACTS_OK;
}

enum facts_fault slack_facts(struct span event, struct chat_facts *ret)
{
	enum facts_fault r;
	struct place p;

	*ret = (struct chat_facts){ 0 };
	r = find(event, &p);
	if (r == FACTS_OK)
		r = read_said(&p, ret);
	if (r != FACTS_OK)
		*ret = (struct chat_facts){ 0 };
	return r;
}

/* The one button of a press. */
static bool read_action(struct jval actions, struct chat_heard *h, char *ts,
			size_t cap)
{
	struct jiter it = jiter_of(actions);
	struct jval a, more;

	return actions.kind == JVAL_ARRAY && jiter_next(&it, NULL, &a) &&
	       !jiter_next(&it, NULL, &more) &&
	       jval_is(jval_get(a, "type"), "button") &&
	       jval_cstr(jval_get(a, "value"), h->data, sizeof(h->data)) &&
	       id_of(a, "action_ts", ts, cap);
}

static enum facts_fault read_press(struct jval v, struct chat_heard *h)
{
	struct jval user = jval_get(v, "user");
	struct jval where = jval_get(v, "container");
	char ts[32];

	h->kind = HEARD_BUTTON;
	if (!jval_is(jval_get(where, "type"), "message") ||
	    !id_of(user, "id", h->sender, sizeof(h->sender)) ||
	    !id_of(where, "channel_id", h->chat, sizeof(h->chat)) ||
	    !id_of(where, "message_ts", h->message, sizeof(h->message)) ||
	    !read_action(jval_get(v, "actions"), h, ts, sizeof(ts)) ||
	    str_printf(h->id, sizeof(h->id), "%s/%s", h->sender, ts) < 0)
		return FACTS_BAD_FIELD;
	/* Only who pressed it sees the answer: it goes to them. */
	memcpy(h->press, h->sender, sizeof(h->press));
	return FACTS_OK;
}

static enum facts_fault read_word(struct span payload, struct chat_heard *h)
{
	struct chat_facts f;
	enum facts_fault r = slack_facts(payload, &f);

	if (r != FACTS_OK)
		return r;
	chat_heard_words(h, &f);
	return slack_key(payload, h->id, sizeof(h->id));
}

enum facts_fault slack_heard(struct span payload, struct chat_heard *ret)
{
	enum facts_fault r = FACTS_OK;
	struct jval v;

	*ret = (struct chat_heard){ 0 };
	if (payload.n > CHATNET_ITEM)
		r = FACTS_BIG;
	else if (!jval_parse(payload, &v))
		r = FACTS_BAD_JSON;
	else if (jval_is(jval_get(v, "type"), "block_actions"))
		r = read_press(v, ret);
	else
		r = read_word(payload, ret);
	if (r != FACTS_OK)
		*ret = (struct chat_heard){ 0 };
	return r;
}
