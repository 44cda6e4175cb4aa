/*
 * talk: the owner and his agent in a chat. A message of his becomes a task in
 * his own words, as `bulkhead task run` makes one, if all of it is his: said by
 * the id that the policy has for him, to the bot alone, and no forward, no
 * quote, no edit. Anything else is an item like any other. The answer of the
 * task goes back to that chat.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/rd.h"
#include "base/str.h"
#include "host/broker/chat.h"
#include "policy/model.h"
#include "render/render.h"

enum { TALK_VERSION = 1, TALK_ANSWER = 10 << 10, TALK_TASKS = 10 };

static struct span talk_key(char text[32], uint64_t task)
{
	(void)str_printf(text, 32, "t/%016" PRIx64, task);
	return span_str(text);
}

/* --- his words ----------------------------------------------------------- */

static bool is_owners(const struct broker *b, const struct item *it)
{
	const struct policy_source *s =
		policy_source(b->policy, span_str(it->source));
	const struct principal *o = &b->policy->principals[0];
	struct span id;

	if (!s || !it->chat_text || it->chat_flags != CHAT_DIRECT)
		return false;
	if (!strcmp(s->reader, "telegram"))
		id = o->telegram;
	else if (!strcmp(s->reader, "slack"))
		id = o->slack;
	else
		return false;
	return id.n && span_is(id, it->sender);
}

static void place_of(const struct item *it, struct place *ret)
{
	*ret = (struct place){ 0 };
	(void)str_printf(ret->connector, sizeof(ret->connector), "%s",
			 it->source);
	(void)str_printf(ret->chat, sizeof(ret->chat), "%s", it->chat);
	(void)str_printf(ret->thread, sizeof(ret->thread), "%s",
			 it->chat_thread);
}

bool talk_gather(struct broker *b, uint64_t task, uint64_t item,
		 const struct place *at)
{
	CLEAN_BUF struct buf value;
	char key[32];

	buf_init(&value, LIMIT_ROW);
	buf_u8(&value, TALK_VERSION);
	buf_u64(&value, item);
	buf_blob(&value, span_str(at->connector));
	buf_blob(&value, span_str(at->chat));
	buf_blob(&value, span_str(at->thread));
	return buf_ok(&value) && keep_row(b, ROW_CHAT, talk_key(key, task),
					  buf_view(&value), true);
}

bool talk_home(const struct broker *b, struct place *ret)
{
	const struct principal *o = &b->policy->principals[0];
	size_t i;

	*ret = (struct place){ 0 };
	for (i = 0; i < b->policy->n_sources; i++) {
		const struct policy_source *s = &b->policy->sources[i].row;
		struct span chat = { NULL, 0 };

		if (!strcmp(s->reader, "telegram"))
			chat = o->telegram;
		else if (!strcmp(s->reader, "slack"))
			chat = o->slack;
		if (chat.n && str_copy(ret->chat, sizeof(ret->chat), chat) >= 0)
			return str_copy(ret->connector, sizeof(ret->connector),
					span_str(s->connector)) >= 0;
	}
	return false;
}

struct asked {
	struct broker *b;
	uint64_t item;
	struct place at;
};

static bool with_place(void *arg, uint64_t task)
{
	const struct asked *q = arg;

	return talk_gather(q->b, task, q->item, &q->at);
}

struct search {
	uint64_t item;
	bool found;
};

static bool has_item(void *arg, struct span key, struct span value)
{
	struct search *s = arg;
	struct rd rd;

	rd_init(&rd, value);
	(void)rd_u8(&rd);
	s->found |=
		key.n > 2 && !memcmp(key.p, "t/", 2) && rd_u64(&rd) == s->item;
	return true;
}

bool talk_item(struct broker *b, struct item *it)
{
	struct asked q = { .b = b, .item = it->id };
	struct search before = { .item = it->id };
	struct m_task_run run = { 0 };
	const char *why;

	if (!is_owners(b, it))
		return false;
	place_of(it, &q.at);
	run.text = span_str(it->chat_text);
	lease_renew(b);
	/* It comes again where we ended right behind its task's beginning. */
	(void)keep_rows(b, ROW_CHAT, has_item, &before);
	if (!before.found && !task_begin(b, &run, with_place, &q, &why))
		chat_say(b, &q.at, span_str(why));
	return true;
}

/* --- the answer ---------------------------------------------------------- */

struct row_wanted {
	struct span key;
	struct place at;
	bool found;
};

static bool take_place(void *arg, struct span key, struct span value)
{
	struct row_wanted *w = arg;
	struct rd rd;
	uint8_t version;

	if (!span_eq(key, w->key))
		return true;
	rd_init(&rd, value);
	version = rd_u8(&rd);
	(void)rd_u64(&rd);
	w->found = str_copy(w->at.connector, sizeof(w->at.connector),
			    rd_blob(&rd, LIMIT_NAME)) >= 0 &&
		   str_copy(w->at.chat, sizeof(w->at.chat),
			    rd_blob(&rd, LIMIT_CHAT_ID)) >= 0 &&
		   str_copy(w->at.thread, sizeof(w->at.thread),
			    rd_blob(&rd, LIMIT_CHAT_ID)) >= 0 &&
		   rd_end(&rd) && version == TALK_VERSION;
	return true;
}

/* As much as a chat is to be filled with. */
static void put_answer(struct buf *out, const struct task *t)
{
	CLEAN_BUF struct buf all;
	size_t n;

	buf_init(&all, (size_t)LIMIT_MSG * 8);
	if (t->state == TASK_DONE)
		chat_put_foreign(&all, span_of(t->answer, t->answer_n));
	else
		buf_printf(&all, "task %" PRIu64 " is %s: %s", t->id,
			   task_state_name(t->state), t->fault);
	if (!all.n)
		buf_printf(&all, "task %" PRIu64 " is done, without an answer",
			   t->id);
	n = all.n;
	if (n > TALK_ANSWER) {
		n = TALK_ANSWER;
		while (n && (all.p[n] & 0xc0) == 0x80)
			n--;
	}
	buf_put(out, all.p, n);
	if (n < all.n)
		buf_printf(out,
			   "\n... the rest: `bulkhead task show %" PRIu64 "`",
			   t->id);
}

void talk_answer(struct broker *b, const struct task *t)
{
	struct row_wanted w = { 0 };
	CLEAN_BUF struct buf text;
	char key[32];

	buf_init(&text, CHAT_TEXT + (4 << 10));
	/* Each task of a chat has a row; others never had one. */
	w.key = talk_key(key, t->id);
	(void)keep_rows(b, ROW_CHAT, take_place, &w);
	if (!w.found)
		return;
	put_answer(&text, t);
	chat_gather(b, &w.at, buf_view(&text));
	chat_gathered(b, keep_row_forget(b, ROW_CHAT, w.key));
}

/* --- how things are ------------------------------------------------------ */

void talk_status(struct broker *b, struct buf *out)
{
	const struct approvals *s = b->approvals;
	const char *latch = latch_why(b, SPAN_LIT(""), 0);
	unsigned waiting = 0, held = 0, items = 0, run = 0, queued = 0;
	size_t i;

	for (i = 0; i < s->n; i++) {
		waiting += s->v[i]->state == APPROVAL_PENDING;
		held += s->v[i]->state == APPROVAL_APPROVED;
	}
	for (i = 0; i < BROKER_ITEMS; i++)
		items += b->items[i].id && b->items[i].verdict == ITEM_PENDING;
	for (i = 0; i < BROKER_TASKS; i++) {
		run += b->tasks[i].id && b->tasks[i].state == TASK_RUNNING;
		queued += b->tasks[i].id && b->tasks[i].state == TASK_QUEUED;
	}
	buf_printf(out, "%s%s\n", latch ? "STOPPED: " : "at work",
		   latch ? latch : "");
	if (b->lease_over)
		buf_str(out, "the lease is over\n");
	buf_printf(out,
		   "%u requests wait for a word, %u are held\n"
		   "%u tasks at work, %u wait, %u items are being read\n"
		   "log %" PRIu64 " %08" PRIx32 "\n",
		   waiting, held, run, queued, items, b->record.head.size,
		   b->record.head.root);
}

void talk_tasks(struct broker *b, struct buf *out)
{
	uint64_t last = UINT64_MAX;
	size_t i, n;

	for (n = 0; n < TALK_TASKS; n++) {
		const struct task *next = NULL;
		CLEAN_BUF struct buf words;

		buf_init(&words, CHAT_TEXT);
		for (i = 0; i < BROKER_TASKS; i++) {
			const struct task *t = &b->tasks[i];

			if (t->id && t->own && t->id < last &&
			    (!next || t->id > next->id))
				next = t;
		}
		if (!next)
			break;
		last = next->id;
		render_text(&words,
			    span_of(next->text,
				    next->text_n < 80 ? next->text_n : 80),
			    NULL, NULL);
		buf_printf(out, "%" PRIu64 " %s: %s\n", next->id,
			   task_state_name(next->state), buf_cstr(&words));
	}
	if (!n)
		buf_str(out, "there are no tasks of yours\n");
}
