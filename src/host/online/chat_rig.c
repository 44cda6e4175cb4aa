/* chat_rig: see chat_rig.h; functions of run.h and net.h that are none. */
#include "chat_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"

struct rig rig;

static int text_n(struct span s)
{
	return (int)s.n;
}

static const char *text_p(struct span s)
{
	return s.n ? (const char *)s.p : "";
}

#define TEXT(s) text_n(s), text_p(s)

void online_end(struct online *, int result)
{
	buf_printf(&rig.log, "end %d\n", result);
}

void online_tell(struct online *o, struct chan *, int)
{
	const struct m_heard *h = &o->msg.heard;
	const struct m_said *s = &o->msg.said;

	if (o->msg.type == MSG_HEARD)
		buf_printf(&rig.log, "heard %s of %.*s: %.*s%.*s\n",
			   h->kind == HEARD_BUTTON ? "press" : "text",
			   TEXT(h->sender), TEXT(h->data), TEXT(h->text));
	else if (o->msg.type == MSG_SAID)
		buf_printf(&rig.log, "said %llu %s %.*s%.*s\n",
			   (unsigned long long)s->number,
			   effect_state_name(s->state), TEXT(s->message),
			   TEXT(s->detail));
}

void online_link(struct online *, enum account_state state, const char *detail,
		 uint64_t)
{
	buf_printf(&rig.log, "link %s %s\n", account_state_name(state), detail);
}

void online_skipped(struct online *, const char *key, const char *why)
{
	buf_printf(&rig.log, "skipped %s %s\n", key, why);
}

int online_item(struct online *, const char *key, struct span s)
{
	if (rig.no_room)
		return rig.no_room;
	buf_printf(&rig.log, "item %s %.*s\n", key, TEXT(s));
	return 0;
}

void online_hold(struct online *, bool on)
{
	rig.held = on;
}

bool online_killed(const struct online *, struct span, uint64_t)
{
	return rig.killed;
}

void online_effect_done(struct online *, const struct msg_ids *ids,
			uint64_t effect, enum effect_state state,
			const char *detail)
{
	buf_printf(&rig.log, "effect %llu of %llu %s %s\n",
		   (unsigned long long)effect, (unsigned long long)ids->task,
		   effect_state_name(state), detail);
}

void online_revoked(struct online *, enum revoked r, const char *detail)
{
	buf_printf(&rig.log, "revoked %s %s\n", revoked_name(r), detail);
}

int net_call(struct net *, const struct net_call *c, struct net_job **)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(rig.calls) && rig.calls[i].waits)
		i++;
	assert_true(i < ARRAY_SIZE(rig.calls));
	rig.calls[i].c = *c;
	rig.calls[i].waits = true;
	buf_printf(&rig.log, "call %s://%s:%u%s %s %.*s\n", c->scheme, c->host,
		   c->port, c->path, c->n_headers > 1 ? c->headers[1] : "",
		   TEXT(c->body));
	return 0;
}

int net_link(struct net *, const struct net_link *l, struct net_job **ret)
{
	rig.link = *l;
	buf_printf(&rig.log, "open %s://%s:%u\n", l->scheme, l->host, l->port);
	*ret = (struct net_job *)&rig;
	return 0;
}

int net_send(struct net_job *, struct span bytes)
{
	buf_span(&rig.sent, bytes);
	return 0;
}

void net_cancel(struct net_job *j)
{
	if (j) {
		rig.link = (struct net_link){ 0 };
		buf_reset(&rig.sent);
	}
}

void rig_start(const struct online_kind *k, const char *secret, bool approvals,
	       bool again)
{
	struct online *o = &rig.o;

	if (!again) {
		rig = (struct rig){ 0 };
		(void)str_printf(rig.dir, sizeof(rig.dir),
				 "/tmp/chat-rig-XXXXXX");
		assert_non_null(mkdtemp(rig.dir));
		buf_init(&rig.log, 1 << 20);
		buf_init(&rig.sent, 1 << 20);
	}
	*o = (struct online){ .kind = k, .set.approvals = approvals };
	loop_init(&o->loop);
	o->net.loop = &o->loop;
	o->state = open(rig.dir, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	assert_true(o->state >= 0);
	(void)str_printf(o->set.hosts[0].name, sizeof(o->set.hosts[0].name),
			 "api.example");
	o->set.hosts[0].port = 443;
	assert_int_equal(secret_set(&o->secret, span_str(secret)), 0);
	assert_int_equal(k->start(o), 0);
}

void rig_stop(void)
{
	rig.o.kind->stop(&rig.o);
	secret_wipe(&rig.o.secret);
	(void)close(rig.o.state);
	memset(rig.calls, 0, sizeof(rig.calls));
	buf_reset(&rig.log);
}

void rig_done(void)
{
	char path[128];

	rig_stop();
	(void)str_printf(path, sizeof(path), "%s/telegram", rig.dir);
	(void)unlink(path);
	assert_int_equal(rmdir(rig.dir), 0);
	buf_done(&rig.log);
	buf_done(&rig.sent);
}

void rig_timers(void)
{
	rig_timers_in(86400000);
}

void rig_timers_in(uint64_t ms)
{
	struct loop now = rig.o.loop;
	const uint64_t until = now_ms() + ms;
	size_t i;

	for (i = 0; i < LOOP_TIMERS; i++)
		if (now.timers[i].at_ms && now.timers[i].at_ms <= until) {
			rig.o.loop.timers[i].at_ms = 0;
			now.timers[i].fn(now.timers[i].arg);
		}
}

static struct net_call take_call(void)
{
	struct net_call c = rig.calls[0].c;

	assert_true(rig.calls[0].waits);
	memmove(&rig.calls[0], &rig.calls[1],
		sizeof(rig.calls) - sizeof(rig.calls[0]));
	rig.calls[ARRAY_SIZE(rig.calls) - 1].waits = false;
	return c;
}

/* As net does: asked right before the request goes. */
static bool goes(const struct net_call *c)
{
	const struct net_answer a = { .why = "not sent", .trusted = true };

	if (!c->go || c->go(c->arg))
		return true;
	c->done(c->arg, &a);
	return false;
}

void rig_answer(long status, uint64_t retry_after, const char *body)
{
	struct net_call c = take_call();
	const struct net_answer a = { .sent = true,
				      .trusted = true,
				      .status = status,
				      .body = span_str(body),
				      .retry_after_s = retry_after };

	if (goes(&c))
		c.done(c.arg, &a);
}

void rig_fail(bool sent)
{
	struct net_call c = take_call();
	const struct net_answer a = { .why = "no answer",
				      .sent = sent,
				      .trusted = true };

	if (goes(&c))
		c.done(c.arg, &a);
}

void rig_is(const char *want)
{
	if (strcmp(buf_cstr(&rig.log), want) != 0)
		print_error("--- want\n%s--- have\n%s", want,
			    buf_cstr(&rig.log));
	assert_string_equal(buf_cstr(&rig.log), want);
	buf_reset(&rig.log);
}

void rig_effect(uint64_t number, const char *name, const char *chat,
		const char *text)
{
	struct m_effect *e = &rig.o.in.effect;

	assert_false(rig.held);
	rig.o.in.ids.task = 9;
	*e = (struct m_effect){ .effect = number,
				.capability = SPAN_LIT("a.send"),
				.n = 2 };
	e->args[0] = (struct m_arg){ .name = span_str(name),
				     .value = span_str(chat) };
	e->args[1] = (struct m_arg){ .name = SPAN_LIT("text"),
				     .value = span_str(text) };
	rig.o.kind->effect(&rig.o);
}

void rig_say(uint64_t number, enum say_kind kind, const char *message,
	     const char *text)
{
	struct m_say *s = &rig.o.in.say;

	assert_false(rig.held);
	*s = (struct m_say){ .number = number,
			     .kind = (uint8_t)kind,
			     .chat = SPAN_LIT("7"),
			     .message = span_str(message),
			     .text = span_str(text) };
	if (kind == SAY_CARD) {
		s->n = 1;
		s->buttons[0] =
			(struct m_button){ SPAN_LIT("Yes"), SPAN_LIT("y:1") };
	}
	rig.o.kind->say(&rig.o);
}
