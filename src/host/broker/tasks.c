/*
 * tasks: what planners are given to do, from its begin to its end: standing
 * tasks about items that came in, and what the owner wants, in his own words.
 *
 * Each begins in a machine copied from the clean template and with a session of
 * its own, and nothing of either is left when it ends. A task of an item is as
 * durable as the item; the owner's have rows in the store: one that waited at a
 * crash waits again, one that was at work is interrupted.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/rd.h"
#include "base/str.h"
#include "host/broker/broker.h"
#include "host/broker/session.h"
#include "host/broker/task_row.h"
#include "label/answer.h"
#include "label/label.h"
#include "policy/stamp.h"
#include "proto/message.h"

static char *copy(struct span s)
{
	char *p = malloc(s.n + 1);

	if (!p)
		die("out of memory");
	if (s.n)
		memcpy(p, s.p, s.n);
	p[s.n] = 0;
	return p;
}

struct task *task_find(struct broker *b, uint64_t id)
{
	size_t i;

	for (i = 0; id && i < BROKER_TASKS; i++)
		if (b->tasks[i].id == id)
			return &b->tasks[i];
	return NULL;
}

struct task *task_at_work(struct broker *b, const struct peer *planner)
{
	struct task *t = task_find(b, planner->task);

	return t && t->state == TASK_RUNNING ? t : NULL;
}

struct msg_ids task_ids(const struct broker *b, const struct task *t)
{
	struct msg_ids ids = b->ids;

	ids.task = t->id;
	ids.span = t->item;
	return ids;
}

static void task_free(struct task *t)
{
	uint32_t i;

	for (i = 0; i < t->n_requests; i++)
		free(t->requests[i].datagram);
	session_free(t->session);
	fd_close(&t->shown_fd);
	free(t->text);
	free(t->answer);
	free(t->label);
	*t = (struct task){ .shown_fd = -1 };
}

void task_forget(struct broker *b, uint64_t id)
{
	struct task *t = task_find(b, id);

	if (t && !t->own)
		task_free(t);
}

void tasks_init(struct broker *b)
{
	size_t i;

	b->next_handle = 1;
	b->tasks_timer = -1;
	for (i = 0; i < BROKER_TASKS; i++)
		b->tasks[i].shown_fd = -1;
}

static bool is_over(const struct task *t)
{
	return t->state > TASK_RUNNING && !t->owed;
}

/* A free row; else that of the oldest of the owner's that has ended. */
static struct task *task_row(struct broker *b)
{
	struct task *oldest = NULL;
	size_t i;

	for (i = 0; i < BROKER_TASKS; i++) {
		struct task *t = &b->tasks[i];

		if (!t->id)
			return t;
		if (t->own && is_over(t) && (!oldest || t->id < oldest->id))
			oldest = t;
	}
	if (oldest)
		task_free(oldest);
	return oldest;
}

/* --- its session --------------------------------------------------------- */

static uint64_t random_seed(void)
{
	uint64_t seed;

	if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		die("no random bytes: errno %d", errno);
	return seed;
}

static uint32_t take_handles(struct broker *b)
{
	const uint32_t first = b->next_handle;

	b->next_handle = session_handle(first);
	return first;
}

static void add_item(struct broker *b, struct task *t, uint64_t item)
{
	const struct item *it = item_find(b, item);
	CLEAN_FREE uint8_t *bytes = NULL;
	static struct message m;
	struct session_item i = { .item = item, .m = &m };

	if (!it)
		return;
	i.source = source_of(b->policy,
			     policy_source(b->policy, span_str(it->source)));
	i.sender = span_str(it->sender);
	i.chat = span_str(it->chat);
	i.others_words = it->chat_flags & (CHAT_FORWARD | CHAT_MORE);
	i.came_s = it->came_s;
	item_message(it, &bytes, &m);
	if (session_add(t->session, &i) < 0)
		die("a task's session: out of memory");
}

static void make_session(struct broker *b, struct task *t)
{
	const struct session_start start = {
		.policy = b->policy,
		.seed = random_seed(),
		.handle = take_handles(b),
		.task = t->id,
		.text = span_of(t->text, t->text_n),
	};
	uint32_t i;

	static_assert(LIMIT_TASK_OTHERS < (int)SESSION_ITEMS, "room for them");
	t->session = session_new(&start);
	if (!t->session)
		die("a task's session: out of memory");
	add_item(b, t, t->item);
	for (i = 0; i < t->n_others; i++)
		add_item(b, t, t->others[i]);
}

/* What is told of it when it is no more. */
static void end_session(struct task *t)
{
	CLEAN_BUF struct buf label = { 0 };

	if (!t->session)
		return;
	buf_init(&label, LIMIT_TASK_LABEL);
	label_text(&label, session_pc(t->session), session_atoms(t->session));
	t->label = copy(span_str(buf_ok(&label) ? buf_cstr(&label) : "many"));
	t->bits = session_influence(t->session);
	session_free(t->session);
	t->session = NULL;
}

/* --- begin --------------------------------------------------------------- */

static void ask_machine(struct broker *b, const struct task *t)
{
	b->out.type = MSG_TASK_START;
	b->out.ids = task_ids(b, t);
	/* The item of the owner's task has had its own verdict. */
	b->out.task_start =
		(struct m_task_start){ t->id, t->own ? 0 : t->item };
	peer_send(b, peer_of_kind(b, PEER_MONITOR), NULL, 0);
}

void task_audit_items(struct broker *b, const struct task *t)
{
	static char text[LIMIT_TASK_OTHERS * 21];
	size_t n = 0;
	uint32_t i;

	audit_int(&b->record, "item", t->item);
	for (i = 0; i < t->n_others; i++)
		n += (size_t)str_printf(text + n, sizeof(text) - n,
					"%s%" PRIu64, i ? "," : "",
					t->others[i]);
	if (n)
		audit_str(&b->record, "others", span_of(text, n));
}

static void start(struct broker *b, struct task *t)
{
	struct msg_ids ids = task_ids(b, t);

	t->state = TASK_RUNNING;
	t->start_ms = now_ms();
	make_session(b, t);
	audit_begin(&b->record, "task.start", &ids);
	task_audit_items(b, t);
	audit_str(&b->record, "planner", span_str(b->planner));
	audit_str(&b->record, "by",
		  t->own ? SPAN_LIT("owner") : SPAN_LIT("standing"));
	audit_str(&b->record, "instruction", span_of(t->text, t->text_n));
	broker_audit_later(b);
	ask_machine(b, t);
}

void task_of_item(struct broker *b, struct item *it,
		  const struct standing *what)
{
	struct task *t = task_row(b);
	struct span text = span_str(what->text);

	if (!t)
		die("more tasks than items");
	it->task = it->task_number;
	*t = (struct task){ .id = it->task,
			    .item = it->id,
			    .created_s = wall_s(),
			    .text = copy(text),
			    .text_n = text.n,
			    .shown_fd = -1 };
	start(b, t);
}

/* --- the owner's rows ---------------------------------------------------- */

static struct m_c_task told(const struct task *t)
{
	return (struct m_c_task){
		.task = t->id,
		.item = t->item,
		.state = (uint8_t)t->state,
		.own = t->own,
		.created_s = t->created_s,
		.ended_s = t->ended_s,
		.calls = t->calls,
		.forks = t->forks,
		.bits = t->session ? session_influence(t->session) : t->bits,
		.label = span_str(t->label),
		.text = span_of(t->text, t->text_n),
		.answer = span_of(t->answer, t->answer_n),
		.fault = span_str(t->fault),
	};
}

static bool keep(struct broker *b, const struct m_c_task *row)
{
	CLEAN_BUF struct buf value;
	uint8_t key[TASK_KEY];

	buf_init(&value, LIMIT_ROW);
	task_row_key(key, row->task);
	task_row_encode(&value, row);
	return buf_ok(&value) && keep_row(b, ROW_TASK, span_of(key, TASK_KEY),
					  buf_view(&value), false);
}

static void on_owed(void *arg);

/* A row that finds no room now: once there is some. */
static void keep_or_owe(struct broker *b, struct task *t)
{
	const struct m_c_task row = told(t);

	t->owed = !keep(b, &row);
	if (!t->owed || b->tasks_timer >= 0)
		return;
	log_warn("task-waits", "task=%" PRIu64 " why=\"%s\"", t->id,
		 b->keep_why);
	b->tasks_timer = loop_timer(&b->loop, BROKER_OWED_MS, on_owed, b);
	if (b->tasks_timer < 0)
		die("no timer for a task's row");
}

static void on_owed(void *arg)
{
	struct broker *b = arg;
	size_t i;

	b->tasks_timer = -1;
	for (i = 0; i < BROKER_TASKS; i++)
		if (b->tasks[i].owed)
			keep_or_owe(b, &b->tasks[i]);
}

/* What the rows of the store are asked for. */
struct rows {
	struct broker *b;
	size_t n;
	uint64_t oldest; /* that has ended; 0: none has */
};

static bool count_row(void *arg, struct span key, struct span value)
{
	struct rows *r = arg;
	struct m_c_task row;

	if (task_row_decode(key, value, &row) < 0)
		die("the store has a task that is none");
	r->n++;
	if (!r->oldest && row.state > TASK_RUNNING)
		r->oldest = row.task;
	return true;
}

/* The oldest makes room. False: there is none. */
static bool make_room(struct broker *b)
{
	struct rows r = { .b = b };
	uint8_t key[TASK_KEY];

	(void)keep_rows(b, ROW_TASK, count_row, &r);
	if (r.n < BROKER_OWN_KEPT)
		return true;
	task_row_key(key, r.oldest);
	return r.oldest && keep_row_forget(b, ROW_TASK, span_of(key, TASK_KEY));
}

/* --- end ----------------------------------------------------------------- */

static void over(struct task *t, enum task_state s, const char *why)
{
	end_session(t);
	fd_close(&t->shown_fd);
	t->state = s;
	t->ended_s = wall_s();
	(void)str_printf(t->fault, sizeof(t->fault), "%s", why);
	utf8_trim(t->fault);
	if (!utf8_valid(span_str(t->fault)))
		(void)str_printf(t->fault, sizeof(t->fault),
				 "its reason was not text");
}

static void over_record(struct broker *b, const struct task *t)
{
	struct msg_ids ids = task_ids(b, t);

	audit_begin(&b->record, "task.done", &ids);
	audit_int(&b->record, "item", t->item);
	audit_str(&b->record, "state",
		  span_str(task_state_name((unsigned)t->state)));
	if (t->fault[0])
		audit_str(&b->record, "fault", span_str(t->fault));
	(void)broker_audit(b, NULL);
}

/* The end of a task of the owner's; whatever planner it has ends. */
static void own_over(struct broker *b, struct task *t, enum task_state s,
		     const char *why)
{
	const bool had_machine = t->state == TASK_RUNNING;

	over(t, s, why);
	limits_end_task(b, t->id);
	over_record(b, t);
	talk_answer(b, t);
	keep_or_owe(b, t);
	if (had_machine) {
		b->out.type = MSG_TASK_END;
		b->out.ids = task_ids(b, t);
		b->out.empty = (struct m_empty){ 0 };
		peer_send(b, peer_of_kind(b, PEER_MONITOR), NULL, 0);
	}
	tasks_plan(b);
}

void task_failed(struct broker *b, struct task *t, const char *why)
{
	struct item *it = t->own ? NULL : item_find(b, t->item);

	if (t->own)
		own_over(b, t, TASK_FAILED, why);
	else if (it && it->verdict == ITEM_PENDING)
		item_finish(b, it, ITEM_TASK_FAILED, why);
}

void task_item_over(struct broker *b, const struct item *it)
{
	struct task *t = task_find(b, it->task);

	if (!t || t->state != TASK_RUNNING)
		return;
	over(t, it->verdict == ITEM_READ ? TASK_DONE : TASK_FAILED, it->fault);
	limits_end_task(b, t->id);
}

/* --- the owner's own ----------------------------------------------------- */

static size_t count_own(const struct broker *b, enum task_state s)
{
	size_t i, n = 0;

	for (i = 0; i < BROKER_TASKS; i++)
		n += b->tasks[i].own && b->tasks[i].state == s;
	return n;
}

static struct task *next_queued(struct broker *b)
{
	struct task *next = NULL;
	size_t i;

	for (i = 0; i < BROKER_TASKS; i++) {
		struct task *t = &b->tasks[i];

		if (t->own && t->state == TASK_QUEUED &&
		    (!next || t->id < next->id))
			next = t;
	}
	return next;
}

/* Items are forgotten in time, also while a task waits for its turn. */
static bool items_are_there(struct broker *b, const struct task *t)
{
	uint32_t i;

	if (t->item && !item_find(b, t->item))
		return false;
	for (i = 0; i < t->n_others; i++)
		if (!item_find(b, t->others[i]))
			return false;
	return true;
}

void tasks_plan(struct broker *b)
{
	struct task *t;

	while (b->up && !latch_why(b, SPAN_LIT(""), 0) &&
	       count_own(b, TASK_RUNNING) < BROKER_OWN &&
	       (t = next_queued(b))) {
		if (!items_are_there(b, t)) {
			own_over(b, t, TASK_FAILED,
				 "an item that it is about is not known any "
				 "more");
			return; /* that has planned the rest */
		}
		start(b, t);
		keep_or_owe(b, t);
	}
}

static bool recover_row(void *arg, struct span key, struct span value)
{
	struct rows *r = arg;
	struct m_c_task row;
	struct task *t;

	if (task_row_decode(key, value, &row) < 0)
		die("the store has a task that is none");
	if (row.state > TASK_RUNNING)
		return true;
	t = task_row(r->b);
	if (!t)
		return false;
	*t = (struct task){ .id = row.task,
			    .item = row.item,
			    .own = true,
			    .state = (enum task_state)row.state,
			    .created_s = row.created_s,
			    .text = copy(row.text),
			    .text_n = row.text.n,
			    .shown_fd = -1 };
	return true;
}

void tasks_recover(struct broker *b)
{
	struct rows r = { .b = b };
	size_t i;

	(void)keep_rows(b, ROW_TASK, recover_row, &r);
	for (i = 0; i < BROKER_TASKS; i++) {
		struct task *t = &b->tasks[i];

		/* Of an item that is forgotten there is nothing to be told. */
		if (t->own && t->state == TASK_QUEUED && t->item)
			own_over(b, t, TASK_INTERRUPTED,
				 "bulkhead ended before it began, and its item "
				 "is not in memory any more");
		if (t->own && t->state == TASK_RUNNING) {
			t->state = TASK_QUEUED; /* it has no machine now */
			own_over(b, t, TASK_INTERRUPTED,
				 "bulkhead ended in the middle of it");
		}
	}
}

static void fail(struct broker *b, struct peer *control, const char *why)
{
	b->out.type = MSG_C_FAIL;
	b->out.ids = b->ids;
	b->out.text.text = span_str(why);
	peer_send(b, control, NULL, 0);
}

static void ok(struct broker *b, struct peer *control)
{
	b->out.type = MSG_C_OK;
	b->out.ids = b->ids;
	b->out.empty = (struct m_empty){ 0 };
	peer_send(b, control, NULL, 0);
}

static void tell(struct broker *b, struct peer *control,
		 const struct m_c_task *row)
{
	b->out.type = MSG_C_TASK;
	b->out.ids = b->ids;
	b->out.ids.task = row->task;
	b->out.c_task = *row;
	peer_send(b, control, NULL, 0);
}

static bool is_readable(struct broker *b, uint64_t item)
{
	const struct item *it = item_find(b, item);

	return it && it->record_fd >= 0;
}

/* The items beside the first. False: not that many that can be read, each once.
 */
static bool take_others(struct broker *b, struct task *t,
			const struct m_task_run *m)
{
	struct rd rd;
	uint32_t i;

	rd_init(&rd, m->others);
	while (rd_left(&rd)) {
		uint64_t item = rd_u64(&rd);

		for (i = 0; i < t->n_others && t->others[i] != item; i++)
			;
		if (item == t->item || i < t->n_others || !t->item ||
		    i == LIMIT_TASK_OTHERS || !is_readable(b, item))
			return false;
		t->others[t->n_others++] = item;
	}
	return rd_end(&rd);
}

static const char no_item[] =
	"there is no such item in memory, or one is named twice: `bulkhead "
	"items` lists them";

/* Why it cannot be begun; NULL: it can. */
static const char *run_refused(struct broker *b, const struct m_task_run *m)
{
	if (!strcmp(b->planner, "none"))
		return "there is no planner: name one in bulkhead.yaml";
	if (latch_why(b, SPAN_LIT(""), 0))
		return "the kill latch is set: `bulkhead rearm` takes it away";
	if (!m->text.n || !utf8_valid(m->text) ||
	    memchr(m->text.p, 0, m->text.n))
		return "a task is a text: say what is to be done";
	if (m->item && !is_readable(b, m->item))
		return no_item;
	if (count_own(b, TASK_QUEUED) + count_own(b, TASK_RUNNING) >=
	    BROKER_OWN_ALL)
		return "as many tasks wait as may: cancel one, or wait";
	return NULL;
}

struct task *task_begin(struct broker *b, const struct m_task_run *words,
			bool (*with)(void *arg, uint64_t task), void *arg,
			const char **why)
{
	const struct m_task_run m = *words;
	struct task asked = { .item = m.item };
	struct m_c_task row;
	struct task *t;
	uint64_t number;

	*why = run_refused(b, &m);
	if (!*why && !take_others(b, &asked, &m))
		*why = no_item;
	number = *why || !make_room(b) ? 0 : keep_task_number(b);
	if (!number) {
		if (!*why)
			*why = b->keep_why;
		return NULL;
	}
	t = task_row(b);
	if (!t)
		die("more tasks than there may be");
	*t = (struct task){ .id = number,
			    .item = m.item,
			    .own = true,
			    .state = TASK_QUEUED,
			    .created_s = wall_s(),
			    .text = copy(m.text),
			    .text_n = m.text.n,
			    .shown_fd = -1 };
	memcpy(t->others, asked.others, sizeof(t->others));
	t->n_others = asked.n_others;
	row = told(t);
	if ((with && !with(arg, number)) || !keep(b, &row)) {
		task_free(t);
		*why = b->keep_why;
		return NULL;
	}
	tasks_plan(b);
	return t;
}

void task_run(struct broker *b, struct peer *control)
{
	const char *why;
	const struct task *t = task_begin(b, &b->in.task_run, NULL, NULL, &why);
	struct m_c_task row;

	if (!t) {
		fail(b, control, why);
		return;
	}
	row = told(t);
	tell(b, control, &row);
	ok(b, control);
}

void task_cancel(struct broker *b, struct peer *control)
{
	struct task *t = task_find(b, b->in.s_ref.id);

	if (!t || t->state > TASK_RUNNING) {
		fail(b, control,
		     "there is no task of that number that waits or is at "
		     "work: `bulkhead task list`");
		return;
	}
	if (t->own)
		own_over(b, t, TASK_CANCELLED, "the owner cancelled it");
	else
		task_failed(b, t, "the owner cancelled it");
	ok(b, control);
}

/* --- what the owner is told ---------------------------------------------- */

void task_tell_requests(struct broker *b, struct peer *control,
			const struct task *t)
{
	const char *why;
	uint32_t i;

	for (i = 0; i < t->n_requests; i++) {
		if (msg_decode(
			    span_of(t->requests[i].datagram, t->requests[i].n),
			    &b->out, &why) < 0)
			die("own record of a request: %s", why);
		peer_send(b, control, NULL, 0);
	}
}

struct telling {
	struct broker *b;
	struct peer *control;
	uint64_t one; /* 0: all */
	size_t n;
};

/* In memory it may have come further than its row. */
static bool tell_row(void *arg, struct span key, struct span value)
{
	struct telling *q = arg;
	struct m_c_task row;
	const struct task *t;

	if (task_row_decode(key, value, &row) < 0)
		die("the store has a task that is none");
	if (q->one && row.task != q->one)
		return true;
	t = task_find(q->b, row.task);
	if (t)
		row = told(t);
	tell(q->b, q->control, &row);
	q->n++;
	return true;
}

static enum task_state state_of_item(const struct m_i_row *i)
{
	if (i->state != ITEM_ENDED)
		return TASK_RUNNING;
	return i->verdict == ITEM_READ		? TASK_DONE
	       : i->verdict == ITEM_INTERRUPTED ? TASK_INTERRUPTED
						: TASK_FAILED;
}

/* Those of items: of one that is not in memory what its item says. */
static void tell_of_items(struct telling *q)
{
	struct m_s_get get = { .which = S_NEWEST, .newest = BROKER_HISTORY };
	const struct m_i_row *i;

	while ((i = keep_item(q->b, &get))) {
		const struct task *t = task_find(q->b, i->task);
		struct m_c_task row = { .task = i->task,
					.item = i->item,
					.state = (uint8_t)state_of_item(i),
					.ended_s = i->ended_s,
					.fault = i->fault };

		get.after = i->item;
		if (t)
			row = told(t);
		/* One that waits has a number, and no task yet. */
		if (!row.task || (!t && i->state != ITEM_ENDED) ||
		    (q->one && row.task != q->one))
			continue;
		tell(q->b, q->control, &row);
		q->n++;
	}
}

void tasks_tell(struct broker *b, struct peer *control)
{
	struct telling q = { .b = b,
			     .control = control,
			     .one = b->in.s_ref.id };
	const struct task *t;

	tell_of_items(&q);
	(void)keep_rows(b, ROW_TASK, tell_row, &q);
	if (q.one && !q.n) {
		fail(b, control,
		     "there is no task of that number: `bulkhead task list`");
		return;
	}
	t = task_find(b, q.one);
	if (t)
		task_tell_requests(b, control, t);
	ok(b, control);
}

/* --- from its planner ---------------------------------------------------- */

/* The record as the planner may see it: without evidence. */
static int shown_record(struct broker *b, const struct item *it)
{
	CLEAN_FREE uint8_t *bytes = NULL;
	static struct message m;
	CLEAN_BUF struct buf shown;
	int fd;

	buf_init(&shown, LIMIT_RECORD);
	item_message(it, &bytes, &m);
	message_without_evidence(&m);
	message_encode(&shown, &m);
	fd = memfd_or_forget(b, buf_view(&shown));
	if (!buf_ok(&shown) || fd < 0)
		die("record for a planner: out of memory");
	return fd;
}

/* Whether the planner gets the record itself; made once: asking again costs no
 * memory, however often. */
static bool shows_record(struct broker *b, struct task *t)
{
	const struct item *it = item_find(b, t->item);
	const struct policy_source *row =
		it ? policy_source(b->policy, span_str(it->source)) : NULL;

	if (!row || session_is_forked(t->session) ||
	    !session_shows_text(source_of(b->policy, row)))
		return false;
	if (t->shown_fd < 0)
		t->shown_fd = shown_record(b, it);
	return true;
}

void call_task_get(struct broker *b, struct peer *p)
{
	struct task *t = task_at_work(b, p);
	char canaries[TRIP_CANARIES];
	CLEAN_BUF struct buf view = { 0 };
	bool record;

	if (!t)
		return;
	buf_init(&view, LIMIT_VIEW);
	record = shows_record(b, t);
	/* Before it is sent: from here on it counts as seen. */
	session_shown(t->session);
	session_view(t->session, &view);
	if (!buf_ok(&view))
		die("a task for a planner: out of memory");
	b->out.type = MSG_TASK;
	b->out.ids = task_ids(b, t);
	trip_canaries(b, t->id, t->item, canaries);
	b->out.task = (struct m_task){ session_goal(t->session), record,
				       buf_view(&view), span_str(canaries),
				       buf_view(&b->documents) };
	peer_send(b, p, &t->shown_fd, record ? 1 : 0);
}

void call_answer(struct broker *b, struct peer *p)
{
	struct task *t = task_at_work(b, p);
	struct span text = b->in.text.text;
	CLEAN_BUF struct buf label = { 0 };
	struct msg_ids ids;
	struct item *it;

	if (!t || t->answer)
		return;
	/* No answer, and soon no machine that waits for it. */
	if (trip_in_answer(b, t->id, t->item, text))
		return;
	if (!utf8_valid(text))
		text = SPAN_LIT("(the answer was not text)");
	t->answer = copy(text);
	t->answer_n = text.n;
	ids = task_ids(b, t);
	buf_init(&label, LIMIT_TASK_LABEL);
	label_text(&label, session_pc(t->session), session_atoms(t->session));
	refusals_flush(b, p);
	audit_begin(&b->record, "task.answer", &ids);
	audit_int(&b->record, "item", t->item);
	audit_int(&b->record, "bytes", text.n);
	audit_int(&b->record, "calls", t->calls);
	audit_int(&b->record, "influence", session_influence(t->session));
	audit_str(&b->record, "seen",
		  buf_ok(&label) ? buf_view(&label) : SPAN_LIT("many"));
	(void)broker_audit(b, NULL);
	b->out.type = MSG_ANSWER_OK;
	b->out.ids = ids;
	b->out.empty = (struct m_empty){ 0 };
	peer_send(b, p, NULL, 0);
	it = t->own ? NULL : item_find(b, t->item);
	if (it)
		item_finish(b, it, ITEM_READ, "");
	else
		own_over(b, t, TASK_DONE, "");
}

/* --- fork ---------------------------------------------------------------- */

/* The arguments: a goal, and handles as strings or references. NULL, or what
 * is wrong with them. */
static const char *fork_args(const struct m_call *m, struct span *goal,
			     struct span refs[LIMIT_ARGS], size_t *n)
{
	uint32_t i;

	for (i = 0; i < m->n; i++) {
		const struct m_arg *a = &m->args[i];

		if (span_is(a->name, "goal") && a->json == ARG_STRING &&
		    a->shape == ARG_SCALAR && !goal->p)
			*goal = a->value;
		else if (span_is(a->name, "refs") &&
			 (a->json == ARG_STRING || a->json == ARG_REF) &&
			 a->shape == ARG_ELEMENT)
			refs[(*n)++] = a->value;
		else if (!span_is(a->name, "refs") ||
			 a->shape != ARG_EMPTY_LIST)
			return "task.fork takes a goal and a list refs of "
			       "handles";
	}
	if (!goal->p || !goal->n || goal->n > LIMIT_INSTRUCTION ||
	    !utf8_valid(*goal) || memchr(goal->p, 0, goal->n))
		return "task.fork takes a goal: a text of at most 4096 bytes";
	return NULL;
}

/* The goal is a planner's words, and what it has seen may be in them. */
static void fork_record(struct broker *b, const struct task *t, size_t refs)
{
	struct msg_ids ids = task_ids(b, t);
	struct record_arg goal = { .name = SPAN_LIT("goal"),
				   .value = session_goal(t->session) };
	CLEAN_BUF struct buf label;

	buf_init(&label, LIMIT_TASK_LABEL);
	label_text(&label, session_pc(t->session), session_atoms(t->session));
	if (buf_ok(&label))
		goal.from = buf_view(&label);
	aside_begin(b, &goal, 1);
	/* A goal that cannot be kept is on record with its hash alone. */
	(void)aside_keep(b);
	audit_begin(&b->record, "task.fork", &ids);
	task_audit_items(b, t);
	audit_int(&b->record, "refs", refs);
	audit_int(&b->record, "influence", session_influence(t->session));
	audit_str(&b->record, "seen",
		  buf_ok(&label) ? buf_view(&label) : SPAN_LIT("many"));
	aside_record(b);
	(void)broker_audit(b, NULL);
}

const char *task_fork(struct broker *b, struct peer *p, struct task *t)
{
	struct span goal = { NULL, 0 }, refs[LIMIT_ARGS];
	size_t n = 0;
	const char *why = fork_args(&b->in.call, &goal, refs, &n);

	if (!why)
		why = session_fork(t->session, goal, refs, n, take_handles(b));
	if (why)
		return why;
	t->forks++;
	refusals_flush(b, p);
	fork_record(b, t, n);
	/* Heard no more from here on, whatever is in its channel; then the
	 * machine ends, and with it all that it had seen. */
	peer_close(b, p);
	b->out.type = MSG_TASK_END;
	b->out.ids = task_ids(b, t);
	b->out.empty = (struct m_empty){ 0 };
	peer_send(b, peer_of_kind(b, PEER_MONITOR), NULL, 0);
	ask_machine(b, t);
	return NULL;
}
