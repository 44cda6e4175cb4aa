/*
 * own: the records that auditd makes itself. Each day, at a start a day after
 * the last, and when it is asked, the key that signs the log changes, and the
 * record of that announces the new one (tlog/chain.h). After an hour without a
 * record there is one that says so, and so a checkpoint: who looks from
 * outside knows a log that is idle from one that is kept back.
 *
 * They are added between two batches of what is asked for, never within one.
 */
#include <errno.h>

#include "base/log.h"
#include "base/str.h"
#include "batch.h"

enum { DAY_S = 86400, HOUR_S = 3600 };

static int add_own(struct auditd *a, const struct m_audit *m)
{
	const struct record_stamp stamp = {
		.seq = tlog_size(a->log),
		.wall_ns = clock_ns(CLOCK_REALTIME),
		.mono_ns = clock_ns(CLOCK_MONOTONIC),
		.boot = span_str(a->boot),
	};
	uint64_t index;
	int r;

	buf_reset(&a->text);
	if (record_write(&a->text, &stamp, &a->ids, m))
		return -EINVAL;
	r = tlog_add(a->log, buf_view(&a->text), &index);
	return r < 0 ? r : tlog_commit(a->log);
}

static struct m_audit_field text_field(const char *key, const char *text)
{
	return (struct m_audit_field){ .key = span_str(key),
				       .type = AUDIT_STR,
				       .text = span_str(text) };
}

static struct m_audit_field number_field(const char *key, uint64_t v)
{
	return (struct m_audit_field){ .key = span_str(key),
				       .type = AUDIT_INT,
				       .number = v };
}

static void change_key(struct auditd *a)
{
	struct m_audit m = { .kind = SPAN_LIT("log.key"), .n = 3 };
	struct tlog_key k;
	int r = tlog_key_new(a->log, &k);

	a->key_due = false;
	if (r == -ENOSPC) {
		log_warn("no-new-key", "why=\"there were too many\"");
		return;
	}
	if (r == 0) {
		m.fields[0] = number_field("epoch", k.epoch);
		m.fields[1] = text_field("key", k.vkey);
		m.fields[2] = text_field("signature", k.sig);
		r = add_own(a, &m);
	}
	if (r == 0)
		r = tlog_key_take(a->log);
	if (r < 0)
		auditd_fail(a, "key", r);
	else
		log_info("new-key", "epoch=%llu", (unsigned long long)k.epoch);
}

static void tell_idle(struct auditd *a)
{
	struct m_audit m = { .kind = SPAN_LIT("log.idle"), .n = 2 };
	char root_hex[2 * TLOG_HASH + 1];
	uint8_t root[TLOG_HASH];
	int r;

	tlog_root(a->log, root);
	hex_encode(root_hex, root, sizeof(root));
	m.fields[0] = number_field("size", tlog_size(a->log));
	m.fields[1] = text_field("root", root_hex);
	r = add_own(a, &m);
	if (r < 0)
		auditd_fail(a, "idle", r);
}

void own_due(struct auditd *a)
{
	if (a->key_due && !a->failed)
		change_key(a);
	a->busy_us = now_us();
}

/* With no batch that gathers; else behind it. */
static void own_soon(struct auditd *a)
{
	if (a->n)
		auditd_commit(a);
	else
		own_due(a);
	auditd_publish(a);
}

static void on_day(void *arg);

static void watch_day(struct auditd *a)
{
	if (loop_timer(&a->loop, a->key_ms, on_day, a) < 0)
		log_warn("no-timer", "for=key");
}

static void on_day(void *arg)
{
	own_key(arg);
	watch_day(arg);
}

static void on_hour(void *arg);

static void watch_hour(struct auditd *a)
{
	uint64_t gone = (now_us() - a->busy_us) / 1000;
	uint64_t left = gone < a->idle_ms ? a->idle_ms - gone : 1;

	if (loop_timer(&a->loop, left, on_hour, a) < 0)
		log_warn("no-timer", "for=idle");
}

static void on_hour(void *arg)
{
	struct auditd *a = arg;

	if ((now_us() - a->busy_us) / 1000 >= a->idle_ms && !a->failed &&
	    !a->n) {
		tell_idle(a);
		own_soon(a);
	}
	watch_hour(a);
}

void own_key(struct auditd *a)
{
	a->key_due = true;
	own_soon(a);
}

void own_init(struct auditd *a)
{
	a->key_ms = DAY_S * UINT64_C(1000);
	a->idle_ms = HOUR_S * UINT64_C(1000);
}

void own_start(struct auditd *a)
{
	int64_t age = tlog_key_age(a->log);

	a->busy_us = now_us();
	/* A clock that was set back makes a key too many rather than none. */
	if (age > DAY_S || age < -DAY_S)
		own_key(a);
	watch_day(a);
	watch_hour(a);
}
