/*
 * items: from a connector's hand into the store, and from there to the broker's
 * verdict. The monitor moves descriptors and counts; it never reads an item.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "host/monitor/monitor.h"
#include "privsep/spawn.h"

struct mitem *mitem_find(struct monitor *m, uint64_t id)
{
	size_t i;

	for (i = 0; id && i < MONITOR_ITEMS; i++)
		if (m->items[i].id == id)
			return &m->items[i];
	return NULL;
}

size_t items_count(const struct monitor *m)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < MONITOR_ITEMS; i++)
		n += m->items[i].id != 0;
	return n;
}

static void envelope_end(struct mitem *it)
{
	if (!it->envelope)
		return;
	loop_timer_del(&it->m->loop, it->envelope_timer);
	loop_del(&it->m->loop, it->envelope_pidfd);
	(void)syscall(SYS_pidfd_send_signal, it->envelope_pidfd, SIGKILL, NULL,
		      0);
	(void)waitpid(it->envelope, NULL, 0);
	it->envelope = 0;
	fd_close(&it->envelope_pidfd);
}

static void item_free(struct mitem *it)
{
	envelope_end(it);
	fd_close(&it->fd);
	*it = (struct mitem){ .fd = -1, .envelope_pidfd = -1 };
}

static void put_free(struct mput *p)
{
	fd_close(&p->fd);
	*p = (struct mput){ .fd = -1 };
}

void items_end(struct monitor *m)
{
	size_t i;

	m->owed_next = 0;
	for (i = 0; i < MONITOR_ITEMS; i++)
		if (m->items[i].id)
			item_free(&m->items[i]);
	for (i = 0; i < MONITOR_PUTS; i++)
		if (m->puts[i].connector)
			put_free(&m->puts[i]);
}

/* It has ended by itself: nothing is left of it. */
static void on_envelope_exit(void *arg, int, short)
{
	envelope_end(arg);
}

/* Its work takes milliseconds: one that does not end is owned by its item,
 * which would wait for it for ever and keep its connector from others. */
static void on_envelope_late(void *arg)
{
	struct mitem *it = arg;

	log_warn("envelope-late", "item=%llu", (unsigned long long)it->id);
	it->envelope_timer = -1;
	envelope_end(it);
}

/* The process that reads the header's facts, with its end of its channel. */
static int envelope_start(struct monitor *m, struct mitem *it, int channel,
			  struct err *err)
{
	const char *const args[] = { item_sort_name(item_sort(it)), NULL };
	struct spawn s = { .proc = PROC_ENVELOPE,
			   .libexec = m->libexec,
			   .fds = { channel, it->fd },
			   .args = args };
	char ids[32];
	pid_t pid;

	(void)str_printf(ids, sizeof(ids), "item=%llu",
			 (unsigned long long)it->id);
	s.ids = ids;
	pid = spawn_process(&s, &it->envelope_pidfd, err);
	if (pid < 0)
		return pid;
	it->envelope = pid;
	it->m = m;
	it->envelope_timer =
		loop_timer(&m->loop, MONITOR_ENVELOPE_MS, on_envelope_late, it);
	if (it->envelope_timer < 0 ||
	    loop_add(&m->loop, it->envelope_pidfd, POLLIN, on_envelope_exit,
		     it) < 0)
		return err_set(err, -ENFILE, "no room in the loop");
	return 0;
}

uint8_t item_sort(const struct mitem *it)
{
	return it->connector ? account_sort(it->connector->conf) : SORT_EMAIL;
}

static void tell_broker(struct monitor *m, const struct mitem *it, int channel)
{
	m->out.type = MSG_ITEM_NEW;
	m->out.ids = m->ids;
	m->out.item_new = (struct m_item_new){
		.item = it->id,
		.source = span_str(it->source),
		.key = span_str(it->key),
		.size = it->size,
		/* The broker may come to it later than its machine does. */
		.since_us = now_us(),
		.task = it->task,
		.attempt = it->attempt,
		.sort = item_sort(it),
	};
	memcpy(m->out.item_new.sha256, it->sha256, sizeof(it->sha256));
	core_send(m, &m->broker, &channel, 1);
}

/* Its machine before its envelope: the one takes long, the other is started
 * while it does. */
static void item_begin(struct monitor *m, struct mitem *it)
{
	CLEAN_FD int ours = -1;
	CLEAN_FD int theirs = -1;
	struct err err = { 0 };
	int pair[2];
	int r = chan_pair(pair);

	if (r < 0 && room_is_short(r)) {
		room_failed(m, "no descriptors for an envelope process");
		return;
	}
	if (r < 0) {
		monitor_fatal(m, "no channel for an envelope process");
		return;
	}
	ours = pair[0];
	theirs = pair[1];
	it->begun = true;
	tell_broker(m, it, ours);
	if (!vm_request(m, VM_READER, it->id, 0)) {
		monitor_fatal(m, "more machines are asked for than planned");
		return;
	}
	if (!generation_works(m))
		return;
	r = envelope_start(m, it, theirs, &err);
	/* The broker waits for it: all of it is begun once more. */
	if (r < 0 && room_is_short(r))
		core_lost(m, &m->broker, err.msg);
	else if (r < 0)
		monitor_fatal(m, err.msg);
}

static const char *source_of(const struct core *c)
{
	return c->name + strlen("connector:");
}

static struct core *connector_of(struct monitor *m, struct span source)
{
	int i;

	for (i = 0; i < m->n_connectors; i++)
		if (span_is(source, source_of(&m->connectors[i])))
			return &m->connectors[i];
	return NULL;
}

/* A free row; NULL when the connector has as many as it may. */
static struct mput *put_row(struct monitor *m, const struct core *c)
{
	struct mput *row = NULL;
	size_t i, n = 0;

	for (i = 0; i < MONITOR_PUTS; i++) {
		if (!m->puts[i].connector)
			row = &m->puts[i];
		n += m->puts[i].connector == c && !m->puts[i].orphan;
	}
	return n < MONITOR_PUTS_EACH ? row : NULL;
}

/* What its predecessor gave, and the store has: the store will answer once. */
static struct mput *put_adopt(struct monitor *m, const struct core *c,
			      struct span key)
{
	size_t i;

	for (i = 0; i < MONITOR_PUTS; i++)
		if (m->puts[i].connector == c && m->puts[i].orphan &&
		    span_is(key, m->puts[i].key))
			return &m->puts[i];
	return NULL;
}

void puts_orphan(struct monitor *m, const struct core *c)
{
	size_t i;

	for (i = 0; i < MONITOR_PUTS; i++) {
		struct mput *p = &m->puts[i];

		if (p->connector != c)
			continue;
		p->orphan = true;
		if (!p->sent)
			put_free(p);
	}
}

/*
 * To the store, with what keeps it there; its row, and the descriptor in it,
 * stay until the store has said that it has it. The store holds so many of each
 * source, those of a connector that is no more included.
 */
static void puts_send(struct monitor *m, const struct core *c)
{
	size_t i, n = 0;

	for (i = 0; i < MONITOR_PUTS; i++)
		n += m->puts[i].connector == c && m->puts[i].sent;
	for (i = 0; i < MONITOR_PUTS && n < MONITOR_PUTS_EACH; i++) {
		struct mput *p = &m->puts[i];

		if (p->connector != c || p->sent)
			continue;
		m->out.type = MSG_Q_PUT;
		m->out.ids = m->ids;
		m->out.q_put = (struct m_q_put){
			.source = span_str(source_of(p->connector)),
			.key = span_str(p->key),
			.size = p->size,
		};
		memcpy(m->out.q_put.sha256, p->sha256, sizeof(p->sha256));
		core_send(m, &m->store, &p->fd, 1);
		p->sent = true;
		n++;
	}
}

void item_from_connector(struct monitor *m, struct core *c)
{
	const struct m_item *in = &m->in.item;
	CLEAN_FD int fd = chan_take_fd(&c->chan, 0);
	struct mput *p = put_adopt(m, c, in->key);

	if (p) {
		p->orphan = false;
		return;
	}
	p = put_row(m, c);
	if (!p || !in->key.n || memfd_sealed_size(fd, LIMIT_ITEM) < 0 ||
	    memfd_sealed_size(fd, LIMIT_ITEM) != (ssize_t)in->size ||
	    str_copy(p->key, sizeof(p->key), in->key) < 0) {
		core_lost(m, c, "gave more than it may, or what is no item");
		return;
	}
	p->connector = c;
	p->sent = p->orphan = false;
	p->came = observe_now();
	p->size = in->size;
	memcpy(p->sha256, in->sha256, sizeof(p->sha256));
	p->fd = take_fd(&fd);
	puts_send(m, c);
}

static void tell_connector(struct monitor *m, struct core *c, enum msg_type t,
			   struct span key, uint8_t verdict)
{
	if (!c)
		return;
	m->out.type = t;
	m->out.ids = m->ids;
	m->out.item_done = (struct m_item_done){ key, verdict };
	core_send(m, c, NULL, 0);
}

static void item_span(struct monitor *m, uint64_t item, struct observe_time t,
		      struct m_span s)
{
	struct msg_ids ids = m->ids;

	ids.span = item;
	s.parent_stage = s.stage == STAGE_ITEM ? STAGE_NONE : STAGE_ITEM;
	if (!s.outcome)
		s.outcome = SPAN_OK;
	observe_span(&m->observe, &ids, t, s);
}

/* It is on disk: when it came is remembered until it is taken. */
static void tell_kept(struct monitor *m, const struct mput *p,
		      const struct m_q_kept *k)
{
	static const char *const kept[] = {
		[KEPT_NEW] = "new", [KEPT_KNOWN] = "known", [KEPT_DONE] = "done"
	};
	const bool named = k->kept >= KEPT_NEW && k->kept < KEPT_MAX;

	/* Of one that has had its verdict the trace is that of an older run. */
	if (k->kept == KEPT_DONE)
		return;
	item_span(m, k->item, p->came,
		  (struct m_span){ .stage = STAGE_FETCH,
				   .name = k->source,
				   .what = named ? span_str(kept[k->kept])
						 : SPAN_LIT("") });
	m->came[m->next_came++ % MONITOR_CAME] =
		(struct mcame){ k->item, p->came, observe_now() };
}

static void tell_taken(struct monitor *m, struct mitem *it, struct span source,
		       uint32_t attempt)
{
	size_t i;

	it->taken = observe_now();
	it->came = it->taken;
	for (i = 0; i < MONITOR_CAME; i++) {
		if (m->came[i].item != it->id)
			continue;
		it->came = m->came[i].came;
		item_span(m, it->id, m->came[i].kept,
			  (struct m_span){ .stage = STAGE_QUEUE,
					   .number = attempt,
					   .name = source });
	}
}

static struct span source_name(const struct mitem *it)
{
	return it->connector ? span_str(source_of(it->connector))
			     : SPAN_LIT("");
}

void item_placed(struct monitor *m, const struct mitem *it, uint64_t vm)
{
	item_span(m, it->id, it->taken,
		  (struct m_span){ .stage = STAGE_PLACE,
				   .number = vm,
				   .name = source_name(it) });
}

static void tell_verdict(struct monitor *m, const struct mitem *it, unsigned v)
{
	item_span(m, it->id, it->came,
		  (struct m_span){ .stage = STAGE_ITEM,
				   .outcome = v == ITEM_READ	  ? SPAN_OK
					      : v == ITEM_REFUSED ? SPAN_REFUSED
								  : SPAN_FAILED,
				   .name = source_name(it),
				   .what = span_str(item_verdict_name(v)) });
}

/* From here on it is accepted; one that has had its verdict is done. */
void item_kept(struct monitor *m)
{
	const struct m_q_kept *k = &m->in.q_kept;
	struct core *c = connector_of(m, k->source);
	size_t i;

	for (i = 0; i < MONITOR_PUTS; i++) {
		struct mput *p = &m->puts[i];

		if (p->connector != c || !c || !span_is(k->key, p->key))
			continue;
		if (!p->orphan)
			tell_connector(m, c, MSG_ITEM_KEPT, k->key, k->verdict);
		if (k->kept == KEPT_DONE)
			tell_connector(m, c, MSG_ITEM_DONE, k->key, k->verdict);
		tell_kept(m, p, k);
		put_free(p);
		puts_send(m, c);
		return;
	}
}

void item_count(struct monitor *m)
{
	const struct m_q_count *n = &m->in.q_count;
	struct mqueue *q = NULL;
	size_t i;

	for (i = 0; i < MONITOR_QUEUES && !q; i++)
		if (m->queues[i].source[0] &&
		    span_is(n->source, m->queues[i].source))
			q = &m->queues[i];
	for (i = 0; i < MONITOR_QUEUES && !q; i++)
		if (!m->queues[i].waiting && !m->queues[i].taken &&
		    !m->queues[i].blocked)
			q = &m->queues[i];
	if (!q)
		return;
	if (n->blocked && !q->blocked)
		log_warn("queue-full", "source=%.*s %.*s", (int)n->source.n,
			 (const char *)n->source.p, (int)n->why.n,
			 (const char *)n->why.p);
	*q = (struct mqueue){ .waiting = n->waiting,
			      .taken = n->taken,
			      .bytes = n->bytes,
			      .blocked = n->blocked };
	if (str_copy(q->source, sizeof(q->source), n->source) < 0 ||
	    str_copy(q->why, sizeof(q->why), n->why) < 0)
		*q = (struct mqueue){ 0 };
}

/* There is a row for one more; asked for once there is room, too. */
static void next_item(struct monitor *m)
{
	if (m->room.why[0]) {
		m->owed_next++;
		return;
	}
	m->out.type = MSG_Q_NEXT;
	m->out.ids = m->ids;
	m->out.empty = (struct m_empty){ 0 };
	core_send(m, &m->store, NULL, 0);
}

/*
 * No more than may be at work, with a few in hand: what waits here has had its
 * turn among the sources, and an attempt counted.
 */
void items_start(struct monitor *m)
{
	uint32_t n = 2 * places_of(m->cores) + MONITOR_PUTS_EACH;

	if (n > MONITOR_ITEMS)
		n = MONITOR_ITEMS;
	while (n-- && generation_works(m))
		next_item(m);
}

void item_take(struct monitor *m)
{
	const struct m_q_item *in = &m->in.q_item;
	CLEAN_FD int fd = chan_take_fd(&m->store.chan, 0);
	struct mitem *it = NULL;
	size_t i;

	/* It goes back to the queue at the stop. */
	if (m->killed)
		return;
	for (i = 0; i < MONITOR_ITEMS && !it; i++)
		if (!m->items[i].id)
			it = &m->items[i];
	if (!it || !in->item ||
	    memfd_sealed_size(fd, LIMIT_ITEM) != (ssize_t)in->size ||
	    str_copy(it->source, sizeof(it->source), in->source) < 0 ||
	    str_copy(it->key, sizeof(it->key), in->key) < 0) {
		core_lost(m, &m->store, "gave an item that is none");
		return;
	}
	it->id = in->item;
	it->connector = connector_of(m, in->source);
	it->fd = take_fd(&fd);
	it->envelope_pidfd = -1;
	it->size = in->size;
	it->task = in->task;
	it->attempt = in->attempt;
	memcpy(it->sha256, in->sha256, sizeof(it->sha256));
	tell_taken(m, it, in->source, in->attempt);
	if (room_for_item(m))
		item_begin(m, it);
	else
		vms_plan(m);
}

void items_resume(struct monitor *m)
{
	uint32_t n = m->owed_next;
	size_t i;

	m->owed_next = 0;
	for (i = 0; i < MONITOR_ITEMS && !m->killed; i++)
		if (generation_works(m) && m->items[i].id &&
		    !m->items[i].begun && room_for_item(m))
			item_begin(m, &m->items[i]);
	/* The next generation asks for all that there is room for. */
	while (n-- && generation_works(m))
		next_item(m);
}

/* The broker has told the store already. */
void item_verdict(struct monitor *m, const struct m_item_verdict *v)
{
	struct mitem *it = mitem_find(m, v->item);

	if (v->verdict >= ITEM_VERDICT_MAX)
		return;
	m->counts[v->verdict]++;
	/* Of one that a restart ended its connector learns when it asks. */
	if (!it)
		return;
	requests_drop_item(m, it->id);
	tell_verdict(m, it, v->verdict);
	tell_connector(m, it->connector, MSG_ITEM_DONE, span_str(it->key),
		       v->verdict);
	item_free(it);
	next_item(m);
}
