/*
 * clock: what is done every day at a time of the policy's time zone: the
 * owner's words as a task, and the digest of the day into his chats of
 * approvals. Which day each was done last is a row, durable with what came of
 * it: nothing is done twice, and what was missed is done once, late.
 */
#include <inttypes.h>

#include "base/log.h"
#include "base/rd.h"
#include "base/sha256.h"
#include "base/str.h"
#include "host/broker/chat.h"
#include "policy/model.h"

enum { CLOCK_MOST_MS = 60000, DAY_S = 86400, KEY_HASH = 8 };

static void on_time(void *arg);

/* By what it is, not by its number: another word of the owner's is another
 * one. */
static struct span clock_key(char text[32], const struct standing *s)
{
	uint8_t hash[SHA256_LEN];
	char hex[2 * KEY_HASH + 1];
	struct sha256 h;

	sha256_init(&h);
	sha256_add(&h, span_str(s->on));
	sha256_add(&h, span_of("", 1));
	sha256_add(&h, span_str(s->text));
	sha256_final(&h, hash);
	hex_encode(hex, hash, KEY_HASH);
	(void)str_printf(text, 32, "d/%s", hex);
	return span_str(text);
}

struct last {
	struct span key;
	bool found;
	int64_t day;
};

static bool take_last(void *arg, struct span key, struct span value)
{
	struct last *l = arg;
	struct rd rd;

	if (!span_eq(key, l->key))
		return true;
	rd_init(&rd, value);
	l->day = (int64_t)rd_u64(&rd);
	l->found = rd_end(&rd);
	return true;
}

static bool keep_last(struct broker *b, const struct standing *s, int64_t day,
		      bool more)
{
	CLEAN_BUF struct buf value;
	char key[32];

	buf_init(&value, 16);
	buf_u64(&value, (uint64_t)day);
	return keep_row(b, ROW_CHAT, clock_key(key, s), buf_view(&value), more);
}

/* --- a task -------------------------------------------------------------- */

struct due {
	struct broker *b;
	const struct standing *s;
	int64_t day;
};

static bool with_day(void *arg, uint64_t task)
{
	const struct due *d = arg;
	struct place at;

	if (talk_home(d->b, &at) && !talk_gather(d->b, task, 0, &at))
		return false;
	return keep_last(d->b, d->s, d->day, true);
}

/* Its answer goes to the owner's chat with his agent, if he has one. False: not
 * now, it is tried again. */
static bool run(struct broker *b, const struct standing *s, int64_t day)
{
	struct due d = { b, s, day };
	const struct m_task_run words = { .text = span_str(s->text) };
	const char *why;

	if (task_begin(b, &words, with_day, &d, &why))
		return true;
	log_warn("schedule-waits", "at=%s why=\"%s\"", s->on, why);
	return false;
}

/* --- the digest ---------------------------------------------------------- */

static void put_items(struct broker *b, uint64_t since, struct buf *out)
{
	struct m_s_get get = { .which = S_NEWEST, .newest = BROKER_EFFECTS };
	unsigned n[ITEM_VERDICT_MAX] = { 0 }, v;
	const struct m_i_row *i;

	while ((i = keep_item(b, &get))) {
		get.after = i->item;
		if (i->came_s >= since && i->verdict < ITEM_VERDICT_MAX)
			n[i->state == ITEM_ENDED ? i->verdict : ITEM_PENDING]++;
	}
	buf_str(out, "items:");
	for (v = 0; v < ITEM_VERDICT_MAX; v++)
		if (n[v])
			buf_printf(out, " %u %s", n[v],
				   v ? item_verdict_name(v) : "open");
	buf_str(out, "\n");
}

static void put_effects(struct broker *b, uint64_t since, struct buf *out)
{
	struct m_s_get get = { .which = S_NEWEST, .newest = BROKER_EFFECTS };
	unsigned n[EFFECT_STATE_MAX] = { 0 }, unknown = 0, s;
	const struct m_e_row *e;

	while ((e = keep_effect(b, &get))) {
		get.after = e->effect;
		unknown += e->state == EFFECT_UNKNOWN;
		if (e->planned_s >= since && e->state < EFFECT_STATE_MAX)
			n[e->state]++;
	}
	buf_str(out, "effects:");
	for (s = 1; s < EFFECT_STATE_MAX; s++)
		if (n[s])
			buf_printf(out, " %u %s", n[s], effect_state_name(s));
	buf_str(out, "\n");
	if (unknown)
		buf_printf(out,
			   "of %u effects nobody knows what became: "
			   "`bulkhead effects`\n",
			   unknown);
}

static void put_approvals(struct broker *b, uint64_t since, struct buf *out)
{
	const struct approvals *a = b->approvals;
	unsigned n[APPROVAL_STATE_MAX] = { 0 }, s;
	size_t i;

	for (i = 0; i < a->n; i++)
		if (a->v[i]->asked && (a->v[i]->ended_s >= since ||
				       !approval_over(a->v[i]->state)))
			n[a->v[i]->state]++;
	buf_str(out, "requests:");
	for (s = 1; s < APPROVAL_STATE_MAX; s++)
		if (n[s])
			buf_printf(out, " %u %s", n[s], approval_state_name(s));
	buf_str(out, "\n");
}

/* The log as it is now: a record of the digest's own is its newest. */
static void put_digest(struct broker *b, struct buf *out)
{
	const uint64_t now = wall_s();
	struct m_audit_ok ok;
	char root[65];

	audit_begin(&b->record, "digest", &b->ids);
	(void)broker_audit(b, &ok);
	hex_encode(root, ok.root, sizeof(ok.root));
	buf_str(out, "bulkhead, the last day\n");
	put_items(b, now - DAY_S, out);
	put_effects(b, now - DAY_S, out);
	put_approvals(b, now - DAY_S, out);
	talk_status(b, out);
	buf_printf(out, "audit %" PRIu64 " records, root %s\n", ok.size, root);
}

static bool digest(struct broker *b, const struct standing *s, int64_t day)
{
	static const unsigned ways[] = { VIA_TELEGRAM, VIA_SLACK };
	const struct principal *owner = &b->policy->principals[0];
	CLEAN_BUF struct buf text;
	bool ok;
	size_t i;

	buf_init(&text, CHAT_TEXT);
	put_digest(b, &text);
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		struct place at = { 0 };
		struct span chat;
		const char *name = principal_asked(owner, ways[i], &chat);

		if (name &&
		    str_copy(at.connector, sizeof(at.connector),
			     span_str(name)) >= 0 &&
		    str_copy(at.chat, sizeof(at.chat), chat) >= 0)
			chat_gather(b, &at, buf_view(&text));
	}
	ok = keep_last(b, s, day, false);
	chat_gathered(b, ok);
	return ok;
}

/* --- when ---------------------------------------------------------------- */

static bool minute_of(const struct standing *s, uint32_t *ret)
{
	uint64_t v;

	if (s->on[0] != '@' && s->on[0] != '#')
		return false;
	if (num_parse(span_str(s->on + 1), 0, 1439, &v) < 0)
		die("hello: a time of the day that is none");
	*ret = (uint32_t)v;
	return true;
}

/* Does it if it is due; when it is due next, in seconds since 1970. */
static int64_t look(struct broker *b, const struct zone *z,
		    const struct standing *s, uint32_t minute)
{
	const int64_t now = (int64_t)wall_s();
	int64_t due = zone_day(z, now);
	struct last l = { 0 };
	char key[32];

	l.key = clock_key(key, s);
	if (zone_at(z, due, minute) > now)
		due--;
	(void)keep_rows(b, ROW_CHAT, take_last, &l);
	/* What was not there yesterday has missed nothing. A day that has not
	 * come yet was written by a clock that was wrong. */
	if (!l.found || l.day > due + 1) {
		if (!keep_last(b, s, due, false))
			return now + CLOCK_MOST_MS / 1000;
	} else if (l.day < due &&
		   !(s->on[0] == '@' ? run(b, s, due) : digest(b, s, due))) {
		return now + CLOCK_MOST_MS / 1000;
	}
	return zone_at(z, due + 1, minute);
}

static void look_all(struct broker *b)
{
	struct zone *utc = NULL;
	const struct zone *z = b->policy->zone;
	int64_t next = INT64_MAX, wait;
	uint32_t minute;
	size_t i;

	if (!z && zone_utc(&utc) < 0)
		die("out of memory");
	for (i = 0; i < b->n_standing; i++) {
		int64_t at;

		if (!minute_of(&b->standing[i], &minute))
			continue;
		at = look(b, z ? z : utc, &b->standing[i], minute);
		next = at < next ? at : next;
	}
	zone_free(utc);
	if (next == INT64_MAX)
		return;
	/* The wall clock may be set: never sleep for long. */
	wait = (next - (int64_t)wall_s()) * 1000;
	wait = wait < 1000 ? 1000 : wait > CLOCK_MOST_MS ? CLOCK_MOST_MS : wait;
	b->chats->clock_timer =
		loop_timer(&b->loop, (uint64_t)wait, on_time, b);
	if (b->chats->clock_timer < 0)
		die("no room for a timer");
}

static void on_time(void *arg)
{
	struct broker *b = arg;

	b->chats->clock_timer = -1;
	look_all(b);
}

void clock_init(struct broker *b)
{
	look_all(b);
}
