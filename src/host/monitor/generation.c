/*
 * generation: what of bulkhead is started again, and when. There are two
 * classes of processes that live as long as it does.
 *
 * Of the generation are auditd, the store and the broker: each is worth nothing
 * without the others, for what one has said another may not have heard. When
 * one of them is lost, all three end, with whatever holds a channel to them:
 * the VMs at work, the envelopes, the connectors. What is parked, the
 * templates, control and telemetry stay. The next generation begins from what
 * is on disk, in the same way as after a start of bulkhead.
 *
 * Restarted alone are connectors, control and telemetry. An effect that a
 * connector was carrying out is unknown then.
 *
 * Nothing is torn down where a loss is noticed, which may be deep inside of
 * anything: it is noted, and done by supervise() from the loop.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "host/monitor/monitor.h"

/* Made by the owner, in the state directory: a new log was begun. */
#define NEW_LOG "new-log"

/* How long it may take until one is ready: store and auditd look at all that
 * they have, the broker ends what a crash has left. */
static uint64_t start_limit_ms(const struct core *c)
{
	return core_of_generation(c) ? MONITOR_STORE_MS : MONITOR_START_MS;
}

static bool waits_for_disk(const struct core *c)
{
	return c->proc == PROC_AUDITD || c->proc == PROC_STORE ||
	       core_is_connector(c) || c->proc == PROC_TELEMETRY ||
	       c->proc == PROC_VAULT;
}

/* It has work without a generation. */
static bool stays(const struct core *c)
{
	return c->proc == PROC_CONTROL || c->proc == PROC_TELEMETRY ||
	       c->proc == PROC_VAULT || c->proc == PROC_NETD;
}

bool core_of_generation(const struct core *c)
{
	return c->proc == PROC_AUDITD || c->proc == PROC_STORE ||
	       c->proc == PROC_BROKER;
}

bool generation_works(const struct monitor *m)
{
	return m->gen.sup.state == SUP_UP && !m->gen.failing && !m->stopping;
}

static struct sup_rules rules_of(const struct monitor *m)
{
	const struct conf_supervision *s = &m->conf.supervision;

	return (struct sup_rules){
		.backoff_ms = s->backoff_s * UINT64_C(1000),
		.healthy_ms = s->healthy_s * UINT64_C(1000),
		.restarts = s->restarts,
	};
}

/* --- what is noticed ----------------------------------------------------- */

static void generation_lost(struct monitor *m, struct core *c, const char *why)
{
	if (m->gen.failing || m->stopping)
		return;
	m->gen.failing = true;
	m->gen.log = false;
	m->gen.blamed = c;
	(void)str_printf(m->gen.cause, sizeof(m->gen.cause), "%s", why);
	supervise_soon(m);
}

/* A connector ends with its broker, and may be the first that is seen to. */
static bool with_broker(struct core *c, char why[SUP_CAUSE])
{
	return core_is_connector(c) && core_hears(&c->m->broker) &&
	       core_exit(&c->m->broker, why, SUP_CAUSE, NULL);
}

void core_lost(struct monitor *m, struct core *c, const char *why)
{
	char broker[SUP_CAUSE];

	if (!core_hears(c) || m->stopping)
		return;
	if (with_broker(c, broker)) {
		c = &m->broker;
		why = broker;
	}
	(void)str_printf(c->why, sizeof(c->why), "%s", why);
	utf8_trim(c->why);
	log_error("process-lost", "name=%s why=\"%s\"", c->name, c->why);
	if (core_of_generation(c)) {
		generation_lost(m, c, c->why);
		return;
	}
	c->failing = true;
	supervise_soon(m);
}

/* --- the end of one ------------------------------------------------------ */

/* A record of the log's end that nobody has read. */
static bool said_why(struct core *c, char *ret, size_t cap)
{
	const char *why;
	int i;

	c->chan.no_wait = true;
	for (i = 0; c->pid && !c->dying && i < MONITOR_LAST_WORDS; i++) {
		if (chan_recv(&c->chan, &c->m->in, &why) != 1)
			return false;
		if (c->m->in.type != MSG_AUDIT_FAIL &&
		    c->m->in.type != MSG_S_FAIL)
			continue;
		c->m->gen.spare |= c->m->in.type == MSG_AUDIT_FAIL;
		(void)str_printf(ret, cap, "%.*s", (int)c->m->in.text.text.n,
				 (const char *)c->m->in.text.text.p);
		utf8_trim(ret);
		return utf8_valid(span_str(ret));
	}
	return false;
}

/*
 * Who of the three began it: the broker cannot live without the others, so it
 * may be the first that is seen to be gone.
 */
static void blame(struct monitor *m)
{
	struct core *const of[] = { &m->auditd, &m->store, &m->broker };
	char why[SUP_CAUSE];
	bool killed;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(of); i++) {
		if (!core_exit(of[i], why, sizeof(why), &killed) || !killed)
			continue;
		m->gen.blamed = of[i];
		(void)str_copy(m->gen.cause, sizeof(m->gen.cause),
			       span_str(why));
		return;
	}
	for (i = 0; i < 2 && m->gen.blamed == &m->broker; i++) {
		if (!said_why(of[i], why, sizeof(why)) &&
		    !core_exit(of[i], why, sizeof(why), NULL))
			continue;
		m->gen.blamed = of[i];
		(void)str_copy(m->gen.cause, sizeof(m->gen.cause),
			       span_str(why));
	}
}

/* What holds a channel to it, or waits for it. */
static void end_work(struct monitor *m)
{
	size_t i;

	requests_end(m);
	for (i = 0; i < MONITOR_VMS; i++)
		if (m->vms[i].role == VM_WORKING)
			vm_stop(m, &m->vms[i], "the core is started again");
	items_end(m);
	fd_close(&m->broker_audit_fd);
	fd_close(&m->broker_store_fd);
}

/* The row of each, as `status` shows it. */
static void note_ends(struct monitor *m, const struct sup_rules *r,
		      uint64_t now)
{
	char with[SUP_CAUSE];
	struct core *c;
	size_t i;

	(void)str_printf(with, sizeof(with), "ended with %s",
			 m->gen.blamed->name);
	for (i = 0; (c = core_at(m, i)); i++) {
		if (c == m->gen.blamed)
			sup_failed(&c->sup, r, now, m->gen.cause);
		else if (!stays(c) && (c->sup.state == SUP_UP ||
				       c->sup.state == SUP_STARTING))
			sup_ended(&c->sup, now, with);
	}
}

static void generation_end(struct monitor *m)
{
	struct core *const of[] = { &m->auditd, &m->store, &m->broker };
	const struct sup_rules r = rules_of(m);
	uint64_t now = now_ms();
	char cause[SUP_CAUSE];
	size_t i;

	blame(m);
	(void)str_printf(cause, sizeof(cause), "%s: %s", m->gen.blamed->name,
			 m->gen.cause);
	if (!m->gen.sup.was_up) {
		/* A start that fails is told, and not tried again. */
		monitor_no_start(m, cause);
		return;
	}
	connectors_kill(m);
	for (i = 0; i < ARRAY_SIZE(of); i++)
		core_kill(m, of[i]);
	end_work(m);
	note_ends(m, &r, now);
	sup_failed(&m->gen.sup, &r, now, cause);
	m->gen.failing = false;
	log_error("core-down", "why=\"%s\" again_in_ms=%llu", m->gen.sup.cause,
		  (unsigned long long)(m->gen.sup.retry_ms - now));
	if (!sup_hopeless(&m->gen.sup, &r, now))
		return;
	(void)str_printf(cause, sizeof(cause),
			 "the core ended more than %u times within ten "
			 "minutes, last of it %s",
			 r.restarts, m->gen.sup.cause);
	monitor_fatal(m, cause);
}

static void alone_end(struct monitor *m, struct core *c)
{
	const struct sup_rules r = rules_of(m);
	uint64_t now = now_ms();

	core_kill(m, c);
	if (core_is_connector(c))
		puts_orphan(m, c);
	if (c == &m->netd)
		accounts_end(m, "ended with netd");
	if (c->proc == PROC_TELEMETRY)
		observe_lost(m);
	c->fell = true;
	sup_failed(&c->sup, &r, now, c->why);
	log_warn("restart", "name=%s again_in_ms=%llu", c->name,
		 (unsigned long long)(c->sup.retry_ms - now));
}

/* --- start --------------------------------------------------------------- */

static void restart_record(struct monitor *m, const char *name,
			   const struct sup *s)
{
	audit_begin(&m->record, "core.restart", &m->ids);
	audit_str(&m->record, "name", span_str(name));
	audit_str(&m->record, "cause", span_str(s->cause));
	audit_int(&m->record, "count", s->restarts);
}

/* It could not even be started. */
static void no_start(struct monitor *m, struct core *c, const char *why)
{
	if (!m->gen.sup.was_up)
		monitor_no_start(m, why);
	else
		generation_lost(m, c, why);
}

static void generation_start(struct monitor *m)
{
	uint64_t now = now_ms();
	struct err err = { 0 };

	sup_starting(&m->gen.sup, now);
	sup_starting(&m->auditd.sup, now);
	sup_starting(&m->store.sup, now);
	if (start_auditd(m, &err) < 0)
		no_start(m, &m->auditd, err.msg);
	else if (start_store(m, &err) < 0)
		no_start(m, &m->store, err.msg);
}

static void broker_start(struct monitor *m)
{
	struct err err = { 0 };

	sup_starting(&m->broker.sup, now_ms());
	if (start_broker(m, &err) < 0) {
		no_start(m, &m->broker, err.msg);
		return;
	}
	observe_broker(m);
	if (!m->killed)
		return;
	m->out.type = MSG_KILL;
	m->out.ids = m->ids;
	m->out.text.text = SPAN_LIT("the kill latch is set");
	core_send(m, &m->broker, NULL, 0);
}

static void ping(struct monitor *m, struct core *c, uint64_t now)
{
	if (c == &m->netd)
		accounts_look(m);
	m->out.type = MSG_PING;
	m->out.ids = m->ids;
	m->out.ping.number = sup_asked(&c->watch, now);
	core_send(m, c, NULL, 0);
}

/* The log is there again: first it is told why it was not, then what happened
 * meanwhile. */
static void log_opened(struct monitor *m)
{
	m->gen.log = true;
	if (m->gen.blamed) {
		restart_record(m, m->gen.blamed->name, &m->gen.sup);
		audit_str(&m->record, "class", SPAN_LIT("generation"));
		monitor_audit(m);
	}
	records_release(m);
}

static void alone_start(struct monitor *m, struct core *c)
{
	const struct sup_rules r = rules_of(m);
	struct err err = { 0 };
	bool again = c->sup.state == SUP_DOWN;

	sup_starting(&c->sup, now_ms());
	if (start_alone(m, c, &err) < 0) {
		log_error("start", "name=%s text=%s", c->name, err.msg);
		if (!m->gen.sup.was_up)
			monitor_no_start(m, err.msg);
		core_kill(m, c);
		sup_failed(&c->sup, &r, now_ms(), err.msg);
		return;
	}
	/* Those that ended with the generation are in its record. */
	if (!again || !c->fell)
		return;
	c->fell = false;
	restart_record(m, c->name, &c->sup);
	audit_str(&m->record, "class", SPAN_LIT("alone"));
	monitor_audit_later(m);
}

/* As soon as the broker is ready, and auditd has shown that it can write. */
static void generation_up(struct monitor *m)
{
	bool first = !m->gen.sup.was_up;
	int i;

	if (m->gen.sup.state != SUP_STARTING || m->gen.failing ||
	    m->broker.sup.state != SUP_UP || m->auditd.watch.asked_ms)
		return;
	if (first) {
		alone_start(m, &m->control);
		if (observe_wanted(m) && !m->stopping)
			alone_start(m, &m->telemetry);
		if (vault_wanted(m) && !m->stopping)
			alone_start(m, &m->vault);
		if (accounts_wanted(m) && !m->stopping)
			alone_start(m, &m->netd);
		for (i = 0; i < m->n_connectors && !m->stopping; i++)
			alone_start(m, &m->connectors[i]);
		monitor_record_start(m);
	}
	if (m->stopping || m->gen.failing)
		return;
	sup_up(&m->gen.sup, now_ms());
	records_forget(m);
	log_info("core-up", "restarts=%llu",
		 (unsigned long long)m->gen.sup.restarts);
	vms_plan(m);
	if (!m->killed)
		items_start(m);
	supervise_soon(m);
}

/* What the broker had told the store, and died before it told us. */
static void count_verdicts(struct monitor *m, const struct m_s_state *s)
{
	size_t i;

	static_assert(ARRAY_SIZE(s->ended) == ITEM_VERDICT_MAX, "a count each");
	for (i = 0; i < ITEM_VERDICT_MAX; i++)
		if (!m->gen.sup.was_up)
			m->ended[i] = s->ended[i];
		else if (s->ended[i] >= m->ended[i])
			m->counts[i] = s->ended[i] - m->ended[i];
}

void store_opened(struct monitor *m, const struct m_s_state *s)
{
	struct err err = { 0 };

	count_verdicts(m, s);
	m->store_state = *s;
	m->store_told = true;
	if (last_write(m->state_fd, s, &err) < 0)
		core_lost(m, &m->store, err.msg);
	/* It tells of each source anew. */
	memset(m->queues, 0, sizeof(m->queues));
}

/* --- signs of life ------------------------------------------------------- */

static bool is_silent(const struct core *c)
{
	return c->watch.asked_ms &&
	       now_ms() - c->watch.asked_ms > SUP_SILENT_MS;
}

static uint64_t limit_ms(const struct monitor *m, const struct core *c)
{
	uint64_t ms = m->conf.supervision.watchdog_s * UINT64_C(1000);

	if (waits_for_disk(c))
		return SUP_DISK * ms;
	/* Who waits for them is silent as long as they are, and not at fault.
	 */
	if (c == &m->broker && (is_silent(&m->auditd) || is_silent(&m->store)))
		return (SUP_DISK + 1) * ms;
	return ms;
}

/* The owner has begun a new log: what was known of the old one is forgotten, by
 * the store and by telemetry, which would wait for as many records again. */
static void begin_log(struct monitor *m)
{
	log_warn("new-log",
		 "what=\"the store forgets a log of %llu records, as its owner "
		 "says\"",
		 (unsigned long long)m->store_state.tip_size);
	m->store_state.tip_size = 0;
	core_send(m, &m->store, NULL, 0);
	(void)unlinkat(m->state_fd, "telemetry/cursor", 0);
	(void)unlinkat(m->state_fd, NEW_LOG, 0);
}

/*
 * The store's tip is in another directory and another file than the log and its
 * own: whoever puts back an older copy of the log, tip and all, has not thought
 * of it. An owner who begins a new log makes NEW_LOG, and it is forgotten: this
 * once, also where there was nothing to forget.
 */
static void compare_tip(struct monitor *m)
{
	const struct m_s_state *s = &m->store_state;

	m->out.type = MSG_S_TIP;
	m->out.ids = m->ids;
	m->out.s_tip = (struct m_s_tip){ 0 };
	if (faccessat(m->state_fd, NEW_LOG, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		begin_log(m);
		return;
	}
	if (!s->tip_size)
		return;
	m->out.s_tip.size = s->tip_size;
	memcpy(m->out.s_tip.root, s->tip_root, sizeof(s->tip_root));
	core_send(m, &m->auditd, NULL, 0);
}

void core_ready(struct monitor *m, struct core *c)
{
	uint64_t now = now_ms();

	if (c->sup.state != SUP_STARTING ||
	    (c == &m->store && !m->store_told)) {
		core_lost(m, c, "says that it is ready out of turn");
		return;
	}
	m->store_told = m->store_told && c != &m->store;
	sup_up(&c->sup, now);
	sup_alive(&c->watch, now, limit_ms(m, c));
	if (c == &m->auditd)
		log_opened(m);
	if (c != &m->broker && core_of_generation(c) &&
	    m->auditd.sup.state == SUP_UP && m->store.sup.state == SUP_UP &&
	    !m->gen.failing) {
		compare_tip(m);
		/* By its answer all has been written: a log that can be opened
		 * and no more begins no work that it would end again. */
		ping(m, &m->auditd, now);
		broker_start(m);
	}
	supervise_soon(m);
}

void core_pong(struct monitor *m, struct core *c, uint64_t number)
{
	if (!sup_heard(&c->watch, now_ms(), number, limit_ms(m, c)))
		core_lost(m, c, "answers what it was not asked");
	/* It may be what the generation waits for. */
	if (m->gen.sup.state == SUP_STARTING)
		supervise_soon(m);
}

static void ping_too(struct monitor *m, struct core *c, uint64_t now)
{
	if (c->sup.state == SUP_UP && !c->watch.asked_ms)
		ping(m, c, now);
}

/* What it has said we have not come to: it was us who waited. */
static bool unheard(const struct core *c)
{
	struct pollfd p = { c->chan.fd, POLLIN, 0 };

	return poll(&p, 1, 0) > 0;
}

static void look_after(struct monitor *m, struct core *c, uint64_t now)
{
	uint64_t limit = limit_ms(m, c);
	char why[80];

	if (c->sup.state == SUP_STARTING &&
	    now - c->sup.since_ms >= start_limit_ms(c)) {
		(void)str_printf(why, sizeof(why), "not ready after %llu s",
				 (unsigned long long)start_limit_ms(c) / 1000);
		core_lost(m, c, why);
	}
	if (c->sup.state != SUP_UP)
		return;
	switch (sup_watch(&c->watch, now, limit)) {
	case WATCH_WAIT:
		break;
	case WATCH_ASK:
		ping(m, c, now);
		/* Should it not answer, it has to be known whether they do. */
		if (c == &m->broker) {
			ping_too(m, &m->auditd, now);
			ping_too(m, &m->store, now);
		}
		break;
	case WATCH_DEAD:
		if (unheard(c) && now - c->watch.asked_ms < 2 * limit)
			break;
		(void)str_printf(
			why, sizeof(why), "hangs: no sign of life for %llu s",
			(unsigned long long)(now - c->watch.asked_ms) / 1000);
		core_lost(m, c, why);
		break;
	}
}

/* --- what is due --------------------------------------------------------- */

static bool generation_gone(const struct monitor *m)
{
	int i;

	for (i = 0; i < m->n_connectors; i++)
		if (m->connectors[i].pid)
			return false;
	return !m->auditd.pid && !m->store.pid && !m->broker.pid;
}

static bool may_start(const struct monitor *m, const struct core *c)
{
	if (c->pid || core_of_generation(c) || c->sup.state != SUP_DOWN)
		return false;
	if (c->proc == PROC_VAULT || c->proc == PROC_NETD)
		return !m->killed;
	/* An account's channels lead to both. */
	if (c->proc == PROC_ONLINE && !account_may_start(m, c))
		return false;
	return stays(c) || (generation_works(m) && !m->killed);
}

static void start_due(struct monitor *m, uint64_t now)
{
	bool generation = sup_due(&m->gen.sup, now) && generation_gone(m);
	struct core *c;
	size_t i;

	/* A kill, from whomever, comes before any start. */
	latch_look(m);
	if (generation && !m->stopping)
		generation_start(m);
	for (i = 0; (c = core_at(m, i)) && !m->stopping; i++)
		if (may_start(m, c) && sup_due(&c->sup, now))
			alone_start(m, c);
}

/* Whether something waits for its time to start. */
static bool is_due(struct monitor *m, uint64_t now)
{
	struct core *c;
	size_t i;

	if (sup_due(&m->gen.sup, now) && generation_gone(m))
		return true;
	for (i = 0; (c = core_at(m, i)); i++)
		if (may_start(m, c) && sup_due(&c->sup, now))
			return true;
	return false;
}

static void earlier(uint64_t *at, uint64_t other)
{
	if (other < *at)
		*at = other;
}

static uint64_t next_ms(struct monitor *m)
{
	uint64_t at = UINT64_MAX;
	struct core *c;
	size_t i;

	if (!m->told && generation_works(m))
		at = m->gen.sup.since_ms + MONITOR_READY_MS;
	if (m->gen.sup.state == SUP_DOWN && generation_gone(m))
		earlier(&at, m->gen.sup.retry_ms);
	for (i = 0; (c = core_at(m, i)); i++) {
		if (may_start(m, c))
			earlier(&at, c->sup.retry_ms);
		else if (core_hears(c) && c->sup.state == SUP_STARTING)
			earlier(&at, c->sup.since_ms + start_limit_ms(c));
		else if (core_hears(c) && c->sup.state == SUP_UP)
			earlier(&at, sup_watch_next(&c->watch, limit_ms(m, c)));
	}
	return at;
}

static void on_supervise(void *arg);

static void supervise_in(struct monitor *m, uint64_t ms)
{
	loop_timer_del(&m->loop, m->sup_timer);
	m->sup_timer = loop_timer(&m->loop, ms, on_supervise, m);
	if (m->sup_timer < 0)
		monitor_fatal(m, "no timer left");
}

void supervise_soon(struct monitor *m)
{
	if (!m->stopping)
		supervise_in(m, 0);
}

/*
 * Whoever started us waits until everything is ready; not for long for what
 * will be started again if it is not.
 */
static void tell_ready(struct monitor *m, uint64_t now)
{
	struct core *c;
	size_t i;

	if (m->told || !generation_works(m))
		return;
	for (i = 0; (c = core_at(m, i)); i++)
		if (c->sup.state == SUP_STARTING &&
		    now - c->sup.since_ms < MONITOR_READY_MS)
			return;
	m->told = true;
	monitor_is_up(m);
}

static void on_supervise(void *arg)
{
	struct monitor *m = arg;
	uint64_t now;
	struct core *c;
	uint64_t next;
	size_t i;

	m->sup_timer = -1;
	if (m->gen.failing)
		generation_end(m);
	else
		generation_up(m);
	revoke_look(m);
	now = now_ms();
	for (i = 0; (c = core_at(m, i)) && !m->stopping; i++) {
		if (c->failing)
			alone_end(m, c);
		else if (core_hears(c))
			/* Not the time from before it was started. */
			look_after(m, c, now_ms());
	}
	if (!m->stopping && !m->gen.failing && is_due(m, now))
		start_due(m, now);
	tell_ready(m, now);
	if (m->stopping || m->sup_timer >= 0)
		return;
	next = next_ms(m);
	now = now_ms();
	if (next != UINT64_MAX)
		/* Not at once again, where what was due could not be done. */
		supervise_in(m, next > now + SUP_LEAST_MS ? next - now
							  : SUP_LEAST_MS);
}
