/*
 * slack: one event of Slack's Events API, as the connector got it: in the
 * envelope of Socket Mode or of an HTTP request, or bare. A message is read as
 * a whole; of anything else what it is, who did it, and its words.
 */
#include <errno.h>

#include "base/str.h"
#include "reader/chat/blocks.h"
#include "reader/chat/chat.h"
#include "reader/chat/mrkdwn.h"

enum {
	LABEL_MAX = 64,
	ATTACHMENTS_MAX = 64,
	FILES_MAX = 1000,
};

static struct span text_of(struct chat *c, struct jval v, const char *name)
{
	return chat_string(c, chat_get(c, v, name));
}

/* Who and where */

static struct message_addr who_is(struct chat *c, struct jval m)
{
	static const char *const ids[] = { "user", "user_id", "bot_id" };
	struct message_addr a = { 0 };
	struct jval profile = chat_get(c, m, "user_profile");
	struct jval bot = chat_get(c, m, "bot_profile");

	a.name = chat_line(c, m, "username", MESSAGE_NAME_MAX);
	if (!a.name.n)
		a.name = chat_line(c, profile, "real_name", MESSAGE_NAME_MAX);
	if (!a.name.n)
		a.name = chat_line(c, bot, "name", MESSAGE_NAME_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(ids) && !a.addr.n; i++) {
		struct jval v = chat_get(c, m, ids[i]);

		if (v.kind == JVAL_OBJECT)
			v = chat_get(c, v, "id");
		a.addr = chat_id(c, v, MESSAGE_ADDR_MAX);
	}
	return a;
}

/* CHANNEL/TIME, or nothing where either is missing. */
static struct span message_id(struct chat *c, struct span channel,
			      struct span ts)
{
	CLEAN_BUF struct buf b = { .max = MESSAGE_ID_MAX };

	if (!channel.n || !ts.n)
		return span_of(NULL, 0);
	buf_span(&b, channel);
	buf_str(&b, "/");
	buf_span(&b, ts);
	return draft_line(c->d, buf_view(&b), MESSAGE_ID_MAX);
}

/* "1355517523.000005": seconds, and what makes it unique. */
static void date_keep(struct chat *c, struct span ts)
{
	const uint8_t *dot = ts.n ? memchr(ts.p, '.', ts.n) : NULL;
	uint64_t s;

	if (dot)
		ts.n = (size_t)(dot - ts.p);
	if (num_parse(ts, 0, INT64_MAX, &s) == 0)
		chat_date(c, (int64_t)s);
}

static struct span channel_of(struct chat *c, struct jval event)
{
	struct jval v = chat_get(c, event, "channel");

	if (v.kind == JVAL_OBJECT)
		v = chat_get(c, v, "id");
	if (v.kind == JVAL_NONE)
		v = chat_get(c, event, "channel_id");
	return chat_id(c, v, LABEL_MAX);
}

/* m is the event itself, or the message in it. */
static void facts_put(struct chat *c, struct jval event, struct jval m)
{
	struct message *msg = &c->d->m;
	struct span channel = channel_of(c, event);
	struct span ts = chat_line(c, m, "ts", LABEL_MAX);
	struct span thread = chat_line(c, m, "thread_ts", LABEL_MAX);

	msg->from = who_is(c, m);
	if (!msg->from.addr.n)
		msg->from = who_is(c, event);
	msg->message_id = message_id(c, channel, ts);
	if (thread.n && !span_eq(thread, ts)) {
		msg->in_reply_to = message_id(c, channel, thread);
		msg->references[msg->n_references++] = msg->in_reply_to;
	}
	if (channel.n)
		msg->to[msg->n_to++].addr = channel;
	date_keep(c, ts.n ? ts : chat_line(c, event, "event_ts", LABEL_MAX));
}

/* Contents */

/*
 * The blocks are what is shown, where there are any; the text is then for
 * notifications, and what it says beyond them is evidence.
 */
static void text_put(struct chat *c, struct jval m)
{
	struct jval blocks = chat_get(c, m, "blocks");
	struct span text = text_of(c, m, "text");
	size_t from = c->body.n;

	blocks_put(c, blocks);
	if (c->body.n == from) {
		mrkdwn_put(c, text);
		chat_fresh_line(c);
		return;
	}
	buf_span(&c->other, text);
	buf_u8(&c->other, '\n');
}

static void files_put(struct chat *c, struct jval m)
{
	struct jiter it = jiter_of(chat_get(c, m, "files"));
	struct jval f;
	size_t n = 0;

	while (!it.object && n++ < FILES_MAX && jiter_next(&it, NULL, &f)) {
		struct span name = text_of(c, f, "name");
		struct span title = text_of(c, f, "title");
		int64_t size = -1;

		if (!jval_int(chat_get(c, f, "size"), &size))
			size = -1;
		chat_file(c, name.n ? name : title, text_of(c, f, "mimetype"),
			  size);
		chat_mark(c, "file",
			  draft_line(c->d, title.n ? title : name,
				     MESSAGE_NAME_MAX));
	}
}

static void titled_put(struct chat *c, struct jval a, const char *text,
		       const char *link)
{
	struct span words = text_of(c, a, text);
	struct span url = text_of(c, a, link);

	if (!words.n && !url.n)
		return;
	buf_reset(&c->plain);
	chat_text(c, words);
	if (url.n)
		chat_link(c, buf_view(&c->plain), url);
	chat_fresh_line(c);
}

static void fields_put(struct chat *c, struct jval a)
{
	struct jiter it = jiter_of(chat_get(c, a, "fields"));
	struct jval f;

	while (!it.object && jiter_next(&it, NULL, &f)) {
		chat_words(c, text_of(c, f, "title"));
		chat_puts(c, ": ");
		mrkdwn_put(c, text_of(c, f, "value"));
		chat_fresh_line(c);
	}
}

/* A message within one that is shared stands in message_blocks. */
static void shared_put(struct chat *c, struct jval a)
{
	struct jiter it = jiter_of(chat_get(c, a, "message_blocks"));
	struct jval b;

	while (!it.object && jiter_next(&it, NULL, &b))
		blocks_put(c, chat_get(c, chat_get(c, b, "message"), "blocks"));
}

static void attachment_put(struct chat *c, struct jval a)
{
	bool shared = chat_is_true(chat_get(c, a, "is_share")) ||
		      chat_is_true(chat_get(c, a, "is_msg_unfurl"));
	struct span image = text_of(c, a, "image_url");

	chat_mark(c, shared ? "shared message" : "attachment",
		  chat_line(c, a, "author_id", MESSAGE_ADDR_MAX));
	chat_quote(c);
	mrkdwn_put(c, text_of(c, a, "pretext"));
	chat_fresh_line(c);
	titled_put(c, a, "service_name", "service_url");
	titled_put(c, a, "author_name", "author_link");
	titled_put(c, a, "title", "title_link");
	mrkdwn_put(c, text_of(c, a, "text"));
	chat_fresh_line(c);
	fields_put(c, a);
	blocks_put(c, chat_get(c, a, "blocks"));
	shared_put(c, a);
	blocks_put(c, chat_get(c, a, "preview"));
	blocks_put(c, chat_get(c, a, "actions"));
	titled_put(c, a, "footer", "from_url");
	if (image.n)
		chat_file(c, text_of(c, a, "title"), SPAN_LIT("image"), -1);
	files_put(c, a);
	chat_unquote(c);
	/* Shown where attachments are not. */
	buf_span(&c->other, text_of(c, a, "fallback"));
	buf_u8(&c->other, '\n');
}

static void attachments_put(struct chat *c, struct jval m)
{
	struct jiter it = jiter_of(chat_get(c, m, "attachments"));
	struct jval a;
	size_t n = 0;

	while (!it.object && jiter_next(&it, NULL, &a)) {
		if (a.kind != JVAL_OBJECT)
			continue;
		if (n++ < ATTACHMENTS_MAX)
			attachment_put(c, a);
		else
			draft_remove(c->d, REMOVED_TRUNCATED, 1, a.raw);
	}
}

static void content_put(struct chat *c, struct jval m)
{
	text_put(c, m);
	attachments_put(c, m);
	files_put(c, m);
}

/* What was there before an edit, or before it was deleted. */
static void before_put(struct chat *c, struct jval event, const char *label)
{
	struct jval was = chat_get(c, event, "previous_message");

	if (was.kind != JVAL_OBJECT)
		return;
	chat_mark(c, label, span_of(NULL, 0));
	chat_quote(c);
	content_put(c, was);
	chat_unquote(c);
}

/* The thread's first message, where it is shown in the channel, too. */
static void root_put(struct chat *c, struct jval event)
{
	struct jval root = chat_get(c, event, "root");

	if (root.kind != JVAL_OBJECT)
		return;
	chat_mark(c, "reply to", who_is(c, root).addr);
	chat_quote(c);
	content_put(c, root);
	chat_unquote(c);
}

static void message_put(struct chat *c, struct jval event)
{
	struct jval subtype = chat_get(c, event, "subtype");
	struct jval m = chat_get(c, event, "message");

	if (m.kind != JVAL_OBJECT)
		m = event;
	if (jval_is(subtype, "message_deleted")) {
		struct jval was = chat_get(c, event, "previous_message");

		facts_put(c, event, was.kind == JVAL_OBJECT ? was : event);
		before_put(c, event, "deleted message");
		return;
	}
	facts_put(c, event, m);
	if (jval_is(subtype, "message_changed") ||
	    chat_get(c, m, "edited").kind == JVAL_OBJECT)
		chat_mark(c, "edited message", span_of(NULL, 0));
	if (chat_get(c, m, "bot_id").kind == JVAL_STRING)
		chat_mark(c, "written by a bot", span_of(NULL, 0));
	root_put(c, m);
	content_put(c, m);
	before_put(c, event, "before it was edited");
}

/* Neither a message nor one's cousin. */
static void other_put(struct chat *c, struct jval event, struct jval type)
{
	static const char *const words[] = { "reaction", "name",  "topic",
					     "purpose",	 "value", "text" };
	struct jval m = chat_get(c, event, "message");
	struct jval actions = chat_get(c, event, "actions");

	facts_put(c, event, event);
	chat_mark(c, "event",
		  draft_line(c->d, chat_string(c, type), LABEL_MAX));
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		mrkdwn_put(c, text_of(c, event, words[i]));
		chat_fresh_line(c);
	}
	blocks_put(c, actions);
	if (m.kind == JVAL_OBJECT) {
		chat_mark(c, "under the message of", who_is(c, m).addr);
		chat_quote(c);
		content_put(c, m);
		chat_unquote(c);
	}
}

/* Out of the envelopes: of Socket Mode, and of the Events API. */
static struct jval unwrap(struct chat *c, struct jval v)
{
	struct jval in = chat_get(c, v, "payload");

	if (in.kind == JVAL_OBJECT && chat_get(c, v, "envelope_id").kind)
		v = in;
	if (jval_is(chat_get(c, v, "type"), "event_callback"))
		v = chat_get(c, v, "event");
	return v;
}

int slack_read(struct span raw, struct draft *d)
{
	struct jval event, type;
	struct chat c;
	int r = chat_begin(&c, raw, d, &event);

	if (r < 0)
		return r;
	d->m.kind = SPAN_LIT("slack");
	event = unwrap(&c, event);
	type = chat_get(&c, event, "type");
	if (jval_is(type, "message") || jval_is(type, "app_mention"))
		message_put(&c, event);
	else if (type.kind == JVAL_STRING)
		other_put(&c, event, type);
	else
		c.bad = true;
	return chat_end(&c);
}
