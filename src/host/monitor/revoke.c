/*
 * revoke: after a kill of all, credentials are given up at their providers. By
 * then every connector has ended, so each is started once more for that alone:
 * it has no channel to the broker, is asked, says what it did, and is ended.
 * Whoever says nothing within REVOKE_MS has revoked nothing that we could
 * claim.
 */
#include "base/log.h"
#include "base/str.h"
#include "host/monitor/monitor.h"

enum { REVOKE_MS = 30000 };

static void say(struct monitor *m, struct core *c, uint8_t result,
		const char *detail)
{
	c->revoke = REVOKE_SAID;
	c->revoked = result;
	(void)str_printf(c->revoke_detail, sizeof(c->revoke_detail), "%s",
			 detail);
	audit_begin(&m->record, "revoke", &m->ids);
	audit_str(&m->record, "connector", span_str(c->conf->name));
	audit_str(&m->record, "result",
		  result ? span_str(revoked_name(result))
			 : SPAN_LIT("unknown"));
	audit_str(&m->record, "detail", span_str(c->revoke_detail));
	monitor_audit(m);
}

void revoke_said(struct monitor *m, struct core *c)
{
	const struct m_revoked *in = &m->in.revoked;
	const uint8_t result = in->result < REVOKED_MAX ? in->result : 0;
	char detail[SUP_CAUSE];

	if (c->revoke != REVOKE_ASKED) {
		core_lost(m, c, "says that it has revoked out of turn");
		return;
	}
	if (str_copy(detail, sizeof(detail), in->detail) < 0 ||
	    !utf8_valid(span_str(detail)))
		(void)str_printf(detail, sizeof(detail), "no detail");
	say(m, c, result, detail);
	core_kill(m, c);
	sup_ended(&c->sup, now_ms(), "ended by the kill");
}

static void on_late(void *arg)
{
	struct monitor *m = arg;
	int i;

	m->revoke_timer = -1;
	for (i = 0; i < m->n_connectors; i++) {
		struct core *c = &m->connectors[i];

		if (c->revoke != REVOKE_WANTED && c->revoke != REVOKE_ASKED)
			continue;
		say(m, c, 0, "no answer: revoke it at its provider");
		core_kill(m, c);
		sup_ended(&c->sup, now_ms(), "ended by the kill");
	}
}

void revoke_start(struct monitor *m)
{
	int i;

	for (i = 0; i < m->n_connectors; i++)
		m->connectors[i].revoke = REVOKE_WANTED;
	loop_timer_del(&m->loop, m->revoke_timer);
	m->revoke_timer = loop_timer(&m->loop, REVOKE_MS, on_late, m);
	if (m->revoke_timer < 0)
		monitor_fatal(m, "no timer left");
	supervise_soon(m);
}

void revoke_look(struct monitor *m)
{
	struct err err = { 0 };
	int i;

	for (i = 0; i < m->n_connectors && !m->stopping; i++) {
		struct core *c = &m->connectors[i];

		if (c->revoke != REVOKE_WANTED || c->pid)
			continue;
		/* A password or a bot's token nobody can give up for its owner;
		 * tokens that an account is given for a while end by
		 * themselves. */
		if (c->proc == PROC_ONLINE) {
			say(m, c, REVOKED_NOTHING,
			    *c->conf->secret
				    ? "revoke it where it was made, and put "
				      "another into the vault"
				    : "it has no secret");
			continue;
		}
		c->revoke = REVOKE_ASKED;
		sup_starting(&c->sup, now_ms());
		if (start_revoker(m, c, &err) == 0)
			continue;
		say(m, c, 0, err.msg);
		core_kill(m, c);
		sup_ended(&c->sup, now_ms(), "ended by the kill");
	}
}
