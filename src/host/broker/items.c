/*
 * items: inbound messages from "there is one" to their verdict. The raw bytes
 * are never here: only the sealed record that a porter made of what the reader
 * VM said, and the envelope's facts.
 */
#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "host/broker/broker.h"
#include "proto/message.h"

struct item *item_find(struct broker *b, uint64_t id)
{
	size_t i;

	for (i = 0; id && i < BROKER_ITEMS; i++)
		if (b->items[i].id == id)
			return &b->items[i];
	return NULL;
}

struct msg_ids item_ids(const struct broker *b, const struct item *it)
{
	struct msg_ids ids = b->ids;

	ids.task = it->task;
	ids.span = it->id;
	return ids;
}

uint64_t wall_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec > 0 ? (uint64_t)t.tv_sec : 0;
}

static void item_free(struct broker *b, struct item *it)
{
	task_forget(b, it->task);
	fd_close(&it->record_fd);
	free(it->chat_text);
	free(it->reply_id);
	free(it->reply_refs);
	free(it->reply_subject);
	*it = (struct item){ .record_fd = -1 };
}

static struct item *oldest_ended(struct broker *b)
{
	struct item *oldest = NULL;
	size_t i;

	for (i = 0; i < BROKER_ITEMS; i++) {
		struct item *it = &b->items[i];

		if (it->id && it->verdict != ITEM_PENDING && !it->owed &&
		    (!oldest || it->id < oldest->id))
			oldest = it;
	}
	return oldest;
}

bool item_forget(struct broker *b)
{
	struct item *it = oldest_ended(b);

	if (it)
		item_free(b, it);
	return it != NULL;
}

/* A free row, else that of the oldest item that has its verdict. */
static struct item *item_row(struct broker *b)
{
	struct item *it;
	size_t i;

	for (i = 0; i < BROKER_ITEMS; i++) {
		it = &b->items[i];
		if (it->id)
			continue;
		it->record_fd = -1;
		return it;
	}
	it = oldest_ended(b);
	if (it)
		item_free(b, it);
	return it;
}

int memfd_or_forget(struct broker *b, struct span bytes)
{
	int fd;

	do
		fd = memfd_sealed("record", bytes);
	while (fd == -EMFILE && item_forget(b));
	return fd;
}

void item_new(struct broker *b, const struct m_item_new *m, int envelope_fd)
{
	CLEAN_FD int fd = envelope_fd;
	struct item *it = item_row(b);
	struct peer *p;
	struct msg_ids ids;
	char sha[65];

	if (!it)
		die("more live items than the monitor may start");
	if (str_copy(it->source, sizeof(it->source), m->source) < 0 ||
	    str_copy(it->key, sizeof(it->key), m->key) < 0)
		die("item: bad source or key");
	it->id = m->item;
	it->size = m->size;
	it->task_number = m->task;
	it->start_us = now_us();
	if (m->since_us && m->since_us < it->start_us)
		it->start_us = m->since_us;
	it->came_s = wall_s();
	ids = item_ids(b, it);
	hex_encode(sha, m->sha256, sizeof(m->sha256));
	audit_begin(&b->record, "item.new", &ids);
	audit_int(&b->record, "item", it->id);
	audit_str(&b->record, "source", span_str(it->source));
	/* A file's name need not be text, and a record must be. */
	audit_str(&b->record, "key",
		  utf8_valid(span_str(it->key)) ? span_str(it->key)
						: SPAN_LIT("(not UTF-8)"));
	audit_int(&b->record, "size", it->size);
	audit_int(&b->record, "attempt", m->attempt);
	audit_str(&b->record, "sha256", span_str(sha));
	broker_audit_later(b);
	p = peer_add(b, PEER_ENVELOPE, take_fd(&fd));
	if (!p)
		die("no room for an envelope's channel");
	p->item = it->id;
	if (!policy_source(b->policy, span_str(it->source)))
		item_finish(b, it, ITEM_REFUSED,
			    "no source of the policy reads this connector");
}

/* What the owner wants done with it; NULL: nothing. */
static const struct standing *standing_of(const struct broker *b,
					  const struct item *it)
{
	const struct policy_source *source =
		policy_source(b->policy, span_str(it->source));
	size_t i;

	for (i = 0; source && i < b->n_standing; i++)
		if (!strcmp(b->standing[i].on, source->name))
			return &b->standing[i];
	return NULL;
}

/*
 * Both halves there: a task of its own, from a clean planner VM; or nothing
 * more to do, where no standing task waits for it.
 */
static void item_task(struct broker *b, struct item *it)
{
	const struct standing *what = standing_of(b, it);
	bool said;

	if (!it->have_envelope || it->record_fd < 0 || it->task ||
	    it->verdict != ITEM_PENDING)
		return;
	said = talk_item(b, it);
	if (what && !said)
		task_of_item(b, it, what);
	else
		item_finish(b, it, ITEM_READ, "");
}

void items_trust(struct broker *b, const struct m_connector *m)
{
	struct authserv *row = NULL;
	size_t i;

	for (i = 0; i < BROKER_CONNECTORS && !row; i++)
		if (!b->authservs[i].connector[0] ||
		    span_is(m->name, b->authservs[i].connector))
			row = &b->authservs[i];
	if (!row ||
	    str_copy(row->connector, sizeof(row->connector), m->name) < 0 ||
	    str_copy(row->name, sizeof(row->name), m->authserv) < 0)
		die("connector: more than there may be");
}

static const char *authserv_of(const struct broker *b, const struct item *it)
{
	size_t i;

	for (i = 0; i < BROKER_CONNECTORS; i++)
		if (!strcmp(b->authservs[i].connector, it->source))
			return b->authservs[i].name;
	return "";
}

/* True if the server that the owner trusts has said that From's domain is whose
 * mail this is. Its names are in lower case, an address need not be. */
static bool is_vouched_for(const struct broker *b, const struct item *it,
			   const struct m_envelope *m)
{
	const char *server = authserv_of(b, it);
	const char *domain = strrchr(it->envelope_from, '@');

	return server[0] && m->ok && domain && m->auth_domain.n &&
	       span_is(m->auth_id, server) &&
	       strlen(domain + 1) == m->auth_domain.n &&
	       !strncasecmp(domain + 1, (const char *)m->auth_domain.p,
			    m->auth_domain.n);
}

/* NULL: there is none, or it is no line of text. */
static char *take_line(struct span s)
{
	size_t i;

	if (!s.n || !utf8_valid(s))
		return NULL;
	for (i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] == 0x7f)
			return NULL;
	return strndup((const char *)s.p, s.n);
}

static void take_reply(struct item *it, const struct m_envelope *m)
{
	it->reply_id = take_line(m->chat_ref.n ? m->chat_ref : m->message_id);
	it->reply_refs = take_line(m->references);
	it->reply_subject = take_line(m->subject);
}

/*
 * The facts of an update or an event: who says it is the word of the provider,
 * in whose session the connector has it; a bot is nobody.
 */
static void take_chat(struct broker *b, struct item *it,
		      const struct m_envelope *m)
{
	const struct policy_source *s =
		policy_source(b->policy, span_str(it->source));

	if (!m->ok || !m->sender.n || !s || !strcmp(s->reader, "email") ||
	    str_copy(it->chat, sizeof(it->chat), m->chat) < 0 ||
	    str_copy(it->chat_thread, sizeof(it->chat_thread), m->thread) < 0 ||
	    !utf8_valid(m->sender) || !utf8_valid(m->chat)) {
		it->chat[0] = it->chat_thread[0] = 0;
		return;
	}
	it->chat_flags = m->chat_flags;
	if (str_copy(it->envelope_from, sizeof(it->envelope_from), m->sender) <
	    0)
		it->envelope_from[0] = 0;
	if (!(m->chat_flags & CHAT_BOT))
		(void)str_printf(it->sender, sizeof(it->sender), "%s",
				 it->envelope_from);
	if (m->text.n && utf8_valid(m->text) &&
	    !memchr(m->text.p, 0, m->text.n))
		it->chat_text = strndup((const char *)m->text.p, m->text.n);
}

void item_envelope(struct broker *b, struct item *it,
		   const struct m_envelope *m)
{
	struct msg_ids ids = item_ids(b, it);

	if (str_copy(it->envelope_from, sizeof(it->envelope_from), m->from) <
		    0 ||
	    !utf8_valid(m->from))
		it->envelope_from[0] = 0;
	it->have_envelope = true;
	if (is_vouched_for(b, it, m))
		(void)str_printf(it->sender, sizeof(it->sender), "%s",
				 it->envelope_from);
	take_chat(b, it, m);
	if (m->ok)
		take_reply(it, m);
	audit_begin(&b->record, "item.envelope", &ids);
	audit_int(&b->record, "item", it->id);
	audit_bool(&b->record, "ok", m->ok);
	audit_bool(&b->record, "proved", it->sender[0] != 0);
	if (it->chat[0]) {
		audit_str(&b->record, "from", m->sender);
		audit_str(&b->record, "chat", m->chat);
	} else if (utf8_valid(m->from)) {
		audit_str(&b->record, "from", m->from);
	}
	if (!m->ok && utf8_valid(m->fault))
		audit_str(&b->record, "fault", m->fault);
	broker_audit_later(b);
	item_task(b, it);
}

/* Reads a record's memfd into *text; its size, or a negative errno. */
static ssize_t record_read(int fd, uint8_t **text)
{
	ssize_t n = memfd_sealed_size(fd, LIMIT_RECORD);

	if (n < 0)
		return n;
	*text = malloc((size_t)n + 1);
	if (!*text)
		return -ENOMEM;
	return fd_pread_all(fd, *text, (size_t)n, 0);
}

void item_message(const struct item *it, uint8_t **bytes, struct message *m)
{
	ssize_t n = record_read(it->record_fd, bytes);
	const char *why;

	if (n < 0 || message_decode(span_of(*bytes, (size_t)n), m, &why) < 0)
		die("own record of an item cannot be read");
}

void item_record(struct broker *b, struct item *it, int memfd)
{
	CLEAN_FREE uint8_t *text = NULL;
	ssize_t n = record_read(memfd, &text);
	static struct message m;
	struct msg_ids ids = item_ids(b, it);
	const char *why = "not a sealed record";

	/* The porter checked it; it may be owned by what it parsed. */
	if (n < 0 || message_decode(span_of(text, (size_t)n), &m, &why) < 0) {
		item_finish(b, it, ITEM_REFUSED, why);
		return;
	}
	it->record_fd = memfd_or_forget(b, span_of(text, (size_t)n));
	if (it->record_fd < 0)
		die("memfd: errno %d", -it->record_fd);
	it->reader_us = now_us() - it->start_us;
	audit_begin(&b->record, "item.record", &ids);
	audit_int(&b->record, "item", it->id);
	audit_int(&b->record, "bytes", (uint64_t)n);
	audit_int(&b->record, "body_bytes", m.body.n);
	audit_int(&b->record, "links", m.n_links);
	audit_int(&b->record, "attachments", m.n_attachments);
	audit_int(&b->record, "removed", m.n_removed);
	audit_int(&b->record, "findings", m.n_findings);
	audit_int(&b->record, "reader_us", it->reader_us);
	broker_audit_later(b);
	item_task(b, it);
}

void verdict_record(struct broker *b, const struct msg_ids *ids, uint64_t item,
		    enum item_verdict v, const char *fault)
{
	audit_begin(&b->record, "item.done", ids);
	audit_int(&b->record, "item", item);
	audit_str(&b->record, "verdict", span_str(item_verdict_name(v)));
	if (fault[0])
		audit_str(&b->record, "fault", span_str(fault));
}

/*
 * The store has it first: what it has is the one verdict of this item, and what
 * a restart finds there and not yet recorded, it records. False: the disk is
 * full, and the verdict is owed.
 */
static bool item_end(struct broker *b, struct item *it)
{
	const struct m_i_done done = {
		.item = it->id,
		.task = it->task,
		.verdict = (uint8_t)it->verdict,
		.fault = span_str(it->fault),
		.reader_us = it->reader_us,
		.envelope_from = span_str(it->envelope_from),
	};
	struct msg_ids ids = item_ids(b, it);
	struct peer *monitor = peer_of_kind(b, PEER_MONITOR);

	it->owed = !keep_verdict(b, &done);
	if (it->owed)
		return false;
	verdict_record(b, &ids, it->id, it->verdict, it->fault);
	(void)broker_audit(b, NULL);
	keep_recorded(b, MSG_I_RECORDED, it->id);
	b->out.ids = ids;
	if (it->task) {
		b->out.type = MSG_TASK_END;
		b->out.empty = (struct m_empty){ 0 };
		peer_send(b, monitor, NULL, 0);
	}
	b->out.type = MSG_ITEM_VERDICT;
	b->out.item_verdict =
		(struct m_item_verdict){ it->id, (uint8_t)it->verdict };
	peer_send(b, monitor, NULL, 0);
	return true;
}

/* Those whose verdict found no room, as far as there is room now. */
static void on_owed(void *arg)
{
	struct broker *b = arg;
	size_t i;

	b->owed_timer = -1;
	for (i = 0; i < BROKER_ITEMS; i++)
		if (b->items[i].owed && !item_end(b, &b->items[i]))
			break;
	for (i = 0; i < BROKER_ITEMS; i++)
		if (b->items[i].owed && b->owed_timer < 0)
			b->owed_timer = loop_timer(&b->loop, BROKER_OWED_MS,
						   on_owed, b);
}

void item_finish(struct broker *b, struct item *it, enum item_verdict v,
		 const char *fault)
{
	it->verdict = v;
	if (str_copy(it->fault, sizeof(it->fault), span_str(fault)) < 0 ||
	    !utf8_valid(span_str(it->fault)))
		(void)str_printf(it->fault, sizeof(it->fault), "%s",
				 "its reason was not text");
	task_item_over(b, it);
	if (item_end(b, it) || b->owed_timer >= 0)
		return;
	log_warn("verdict-waits", "item=%llu why=\"%s\"",
		 (unsigned long long)it->id, b->keep_why);
	b->owed_timer = loop_timer(&b->loop, BROKER_OWED_MS, on_owed, b);
	if (b->owed_timer < 0)
		die("no timer for a verdict");
}

static void tell_item(struct broker *b, struct peer *control, struct item *it)
{
	const struct task *t = task_find(b, it->task);

	b->out.type = MSG_C_ITEM;
	b->out.ids = item_ids(b, it);
	b->out.c_item = (struct m_c_item){
		.item = it->id,
		.task = it->task,
		.source = span_str(it->source),
		.key = span_str(it->key),
		.size = it->size,
		.verdict = (uint8_t)(it->owed ? ITEM_PENDING : it->verdict),
		.fault = span_str(it->fault),
		.reader_us = it->reader_us,
		.planner = span_str(b->planner),
		.answer = t ? span_of(t->answer, t->answer_n) : SPAN_LIT(""),
		.envelope_from = span_str(it->envelope_from),
	};
	peer_send(b, control, &it->record_fd, it->record_fd >= 0 ? 1 : 0);
	if (t)
		task_tell_requests(b, control, t);
}

/* An effect of an item that only the store knows, as the request it was. */
static void tell_effect(struct broker *b, struct peer *control,
			const struct m_e_row *e)
{
	char reason[128];

	(void)str_printf(reason, sizeof(reason), "effect %llu: %s",
			 (unsigned long long)e->effect,
			 effect_state_name(e->state));
	b->out.type = MSG_C_REQUEST;
	b->out.ids = b->ids;
	b->out.c_request = (struct m_c_request){
		.item = e->item,
		.task = e->task,
		.capability = e->capability,
		.n = e->n,
		.verdict = VERDICT_ALLOW,
		.executed = e->state == EFFECT_DONE,
		.reason = span_str(reason),
		.audit_index = e->index,
	};
	memcpy(b->out.c_request.args, e->args, e->n * sizeof(e->args[0]));
	peer_send(b, control, NULL, 0);
}

/* One that we have not seen, or forgotten: no bodies, no answers. */
static void tell_row(struct broker *b, struct peer *control,
		     const struct m_i_row *row)
{
	struct m_s_get get = { .item = row->item };
	const struct m_e_row *e;

	b->out.type = MSG_C_ITEM;
	b->out.ids = b->ids;
	b->out.c_item = (struct m_c_item){
		.item = row->item,
		.task = row->state == ITEM_ENDED ? row->task : 0,
		.source = row->source,
		.key = row->key,
		.size = row->size,
		.verdict =
			row->state == ITEM_ENDED ? row->verdict : ITEM_PENDING,
		.fault = row->fault,
		.reader_us = row->reader_us,
		.planner = span_str(b->planner),
		.envelope_from = row->envelope_from,
	};
	peer_send(b, control, NULL, 0);
	while ((e = keep_effect(b, &get))) {
		get.after = e->effect;
		tell_effect(b, control, e);
	}
}

/* Of those in memory, the first after a number. */
static struct item *item_after(struct broker *b, uint64_t last)
{
	struct item *next = NULL;
	size_t i;

	for (i = 0; i < BROKER_ITEMS; i++) {
		struct item *it = &b->items[i];

		if (it->id > last && (!next || it->id < next->id))
			next = it;
	}
	return next;
}

/* Oldest first: the newest of those in the store, and all of ours. */
void items_tell(struct broker *b, struct peer *control)
{
	struct m_s_get get = { .which = S_NEWEST, .newest = BROKER_HISTORY };
	uint64_t last = 0;

	for (;;) {
		const struct m_i_row *row = keep_item(b, &get);
		struct item *next = item_after(b, last);

		if (!row && !next)
			break;
		if (next && (!row || next->id <= row->item)) {
			last = next->id;
			tell_item(b, control, next);
		} else {
			last = row->item;
			tell_row(b, control, row);
		}
		if (last > get.after)
			get.after = last;
	}
	b->out.type = MSG_C_OK;
	b->out.ids = b->ids;
	b->out.empty = (struct m_empty){ 0 };
	peer_send(b, control, NULL, 0);
}
