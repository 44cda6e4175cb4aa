/* chat: see chat.h. */
#include "reader/chat/chat.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "reader/links.h"
#include "reader/mail/unseen.h"

enum {
	DAY_S = 86'400,
	DATE_ROOM = 24,
};
static_assert((int)CHAT_TEXT_MAX >= (int)MESSAGE_BODY_MAX);

static const int64_t date_last = 253'402'300'799; /* 9999-12-31T23:59:59Z */

void chat_flaw(struct chat *c, enum chat_flaw f)
{
	c->d->flaws |= (uint32_t)1 << f;
}

void chat_findings(struct draft *d)
{
	static const char *const rules[] = {
		[CHAT_FLAW_ENTITY] = "chat.entity",
		[CHAT_FLAW_NESTING] = "chat.nesting",
		[CHAT_FLAW_MARKUP] = "chat.markup",
	};
	static_assert(ARRAY_SIZE(rules) == CHAT_FLAW_MAX);

	for (size_t i = 0; i < CHAT_FLAW_MAX; i++) {
		if (!(d->flaws >> i & 1) || d->m.n_findings == MESSAGE_FINDINGS)
			continue;
		d->m.findings[d->m.n_findings++] = (struct message_finding){
			.rule = span_str(rules[i]),
			.score = CHAT_FLAW_SCORE,
			.where = WHERE_SUBJECT,
		};
	}
}

int chat_begin(struct chat *c, struct span raw, struct draft *d,
	       struct jval *ret)
{
	if (raw.n > CHAT_ITEM_MAX)
		return -EFBIG;
	if (!jval_parse(raw, ret) || ret->kind != JVAL_OBJECT)
		return -EBADMSG;
	*c = (struct chat){ .d = d };
	buf_init(&c->body, CHAT_TEXT_MAX);
	buf_init(&c->plain, CHAT_TEXT_MAX);
	buf_init(&c->hidden, CHAT_TEXT_MAX);
	buf_init(&c->other, CHAT_TEXT_MAX);
	buf_init(&c->clean, 2 * (size_t)CHAT_TEXT_MAX);
	return 0;
}

int chat_end(struct chat *c)
{
	struct span body;
	uint32_t n = 0;

	while (c->body.n && c->body.p[c->body.n - 1] == '\n')
		buf_cut(&c->body, c->body.n - 1);
	body = buf_view(&c->body);
	draft_body(c->d, body);
	buf_reset(&c->plain);
	if (c->other.n)
		n = unseen_lines(body, buf_view(&c->other), &c->plain);
	if (n)
		draft_remove(c->d, REMOVED_ALTERNATIVE, n, buf_view(&c->plain));
	buf_done(&c->body);
	buf_done(&c->plain);
	buf_done(&c->hidden);
	buf_done(&c->other);
	buf_done(&c->clean);
	return c->bad ? -EBADMSG : 0;
}

/* Values */

struct jval chat_get(struct chat *c, struct jval object, const char *name)
{
	struct jval v = jval_get(object, name);

	c->bad |= v.kind == JVAL_TWICE;
	return v;
}

struct span chat_string(struct chat *c, struct jval v)
{
	struct span text = { NULL, 0 };
	char *room;

	if (v.kind != JVAL_STRING)
		return text;
	room = arena_raw(&c->d->arena, v.raw.n);
	if (room && jval_text(v, room, v.raw.n, &text))
		return text;
	c->bad = true;
	return span_of(NULL, 0);
}

struct span chat_line(struct chat *c, struct jval object, const char *name,
		      size_t max)
{
	return draft_line(c->d, chat_string(c, chat_get(c, object, name)), max);
}

struct span chat_id(struct chat *c, struct jval v, size_t max)
{
	if (v.kind == JVAL_NUMBER)
		return draft_line(c->d, v.raw, max);
	return draft_line(c->d, chat_string(c, v), max);
}

bool chat_is_true(struct jval v)
{
	return v.kind == JVAL_TRUE;
}

/* Days since 1970 as a date: eras of 400 years that begin in March. */
void chat_date(struct chat *c, int64_t seconds)
{
	char text[DATE_ROOM];
	int64_t z, era, doe, yoe, doy, mp, s;
	int n;

	if (seconds < 0 || seconds > date_last)
		return;
	z = seconds / DAY_S + 719'468;
	s = seconds % DAY_S;
	era = z / 146'097;
	doe = z % 146'097;
	yoe = (doe - doe / 1'460 + doe / 36'524 - doe / 146'096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	n = snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02dZ",
		     (int)(yoe + era * 400 + (mp >= 10)),
		     (int)(mp < 10 ? mp + 3 : mp - 9),
		     (int)(doy - (153 * mp + 2) / 5 + 1), (int)(s / 3600),
		     (int)(s / 60 % 60), (int)(s % 60));
	if (n > 0 && n < DATE_ROOM)
		c->d->m.date =
			arena_copy(&c->d->arena, span_of(text, (size_t)n));
}

/* The body */

/* What is over the maximum is what draft_body cuts, by far. */
static void out(struct buf *b, struct span s)
{
	size_t room = b->max - b->n;

	buf_put(b, s.p, s.n < room ? s.n : room);
}

static bool at_line_start(const struct chat *c)
{
	return !c->body.n || c->body.p[c->body.n - 1] == '\n';
}

void chat_put(struct chat *c, struct span text)
{
	while (text.n) {
		const uint8_t *lf = memchr(text.p, '\n', text.n);
		size_t n = lf ? (size_t)(lf - text.p) + 1 : text.n;

		if (at_line_start(c))
			for (unsigned i = 0; i < c->quote; i++)
				out(&c->body, SPAN_LIT("> "));
		out(&c->body, span_of(text.p, n));
		text = span_of(text.p + n, text.n - n);
	}
}

void chat_puts(struct chat *c, const char *text)
{
	chat_put(c, span_str(text));
}

void chat_text(struct chat *c, struct span text)
{
	buf_reset(&c->clean);
	clean_text(text, &c->clean, c->d);
	out(&c->plain, buf_view(&c->clean));
	chat_put(c, buf_view(&c->clean));
}

void chat_words(struct chat *c, struct span text)
{
	buf_reset(&c->plain);
	chat_text(c, text);
	links_from_text(c->d, buf_view(&c->plain));
}

void chat_fresh_line(struct chat *c)
{
	if (!at_line_start(c))
		chat_puts(c, "\n");
}

void chat_mark(struct chat *c, const char *label, struct span text)
{
	chat_fresh_line(c);
	chat_puts(c, "[");
	chat_puts(c, label);
	chat_puts(c, "]");
	if (text.n)
		chat_puts(c, " ");
	chat_put(c, text);
	chat_puts(c, "\n");
}

void chat_quote(struct chat *c)
{
	chat_fresh_line(c);
	c->quote++;
}

void chat_unquote(struct chat *c)
{
	chat_fresh_line(c);
	c->quote--;
}

void chat_link(struct chat *c, struct span text, struct span url)
{
	struct span line = draft_line(c->d, url, MESSAGE_URL_MAX);

	if (!line.n)
		return;
	draft_link(c->d, text, line);
	if (span_eq(text, line))
		return;
	chat_puts(c, text.n ? " <" : "<");
	chat_put(c, line);
	chat_puts(c, ">");
}

void chat_file(struct chat *c, struct span name, struct span type, int64_t size)
{
	struct message *m = &c->d->m;

	if (m->n_attachments == MESSAGE_ATTACHMENTS) {
		draft_remove(c->d, REMOVED_TRUNCATED, 1, name);
		return;
	}
	m->attachments[m->n_attachments++] = (struct message_attachment){
		.name = draft_line(c->d, name, MESSAGE_NAME_MAX),
		.type = draft_line(c->d, type, MESSAGE_TYPE_MAX),
		.size = size > 0 ? (uint64_t)size : 0,
	};
}
