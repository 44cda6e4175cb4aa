/*
 * smtp: submission of mails (RFC 6409), one effect at a time, each on a
 * connection of its own. TLS is there before a word of the credential: at once
 * on port 465, else by STARTTLS, without which it ends.
 *
 * A mail is sent at most once. Up to the dot that ends it the server cannot
 * have taken it: what fails before that has failed. Behind it a reply says
 * which; where none comes, it is unknown. The latches are looked at before the
 * first word of it, and again right before the dot.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "base/str.h"
#include "mailout/compose.h"
#include "run.h"
#include "token.h"

enum {
	PORT_TLS = 465,
	NAME_MAX_BYTES = 128,
	/* The reply to the dot may take its time (RFC 5321 4.5.3.2.6). */
	CALL_MS = 600000,
	ADDR_ROOM = COMPOSE_ADDR_MAX + 3, /* <, >, NUL */
};

struct smtp {
	struct online *o;
	struct token token;
	struct net_job *job;
	/* the effect at hand */
	struct msg_ids ids;
	uint64_t effect;
	char capability[LIMIT_NAME + 1];
	char name[NAME_MAX_BYTES]; /* of the mail: the left half of its id */
	struct buf mail;
	struct curl_slist *to; /* owned */
	size_t at;	       /* of the mail, that is sent */
	bool ended;	       /* all of it was, with its dot */
	bool killed;
	bool again; /* with a new token already */
};

static void finish(struct smtp *s, enum effect_state state, const char *detail)
{
	buf_done(&s->mail);
	buf_init(&s->mail, COMPOSE_MAX);
	curl_slist_free_all(s->to);
	s->to = NULL;
	online_effect_done(s->o, &s->ids, s->effect, state, detail);
	online_hold(s->o, false);
}

/* --- one mail ------------------------------------------------------------- */

static bool may_go(void *arg)
{
	struct smtp *s = arg;

	s->killed = online_killed(s->o, span_str(s->capability), s->ids.task);
	return !s->killed;
}

static size_t read_mail(char *p, size_t size, size_t n, void *arg)
{
	struct smtp *s = arg;
	size_t left = s->mail.n - s->at;

	n *= size;
	if (n > left)
		n = left;
	memcpy(p, s->mail.p + s->at, n);
	s->at += n;
	if (n)
		return n;
	/* Behind this libcurl sends the dot; without it nothing is taken. */
	if (!may_go(s))
		return CURL_READFUNC_ABORT;
	s->ended = true;
	return 0;
}

/* As C strings, in memory that is wiped; libcurl keeps a copy of its own until
 * the call's end. */
static CURLcode set_login(struct smtp *s, CURL *e)
{
	bool bearer = s->o->set.auth == AUTH_XOAUTH2;
	struct span key =
		secret_view(bearer ? &s->token.access : &s->o->secret);
	struct secret text = { 0 };
	CURLcode r = CURLE_OK;

	if (secret_room(&text, key.n + 1) < 0)
		return CURLE_OUT_OF_MEMORY;
	memcpy(text.p, key.p, key.n);
	NET_SET(r, e, CURLOPT_USERNAME, s->o->set.user);
	if (bearer) {
		NET_SET(r, e, CURLOPT_XOAUTH2_BEARER, (const char *)text.p);
		NET_SET(r, e, CURLOPT_LOGIN_OPTIONS, "AUTH=XOAUTH2");
	} else {
		NET_SET(r, e, CURLOPT_PASSWORD, (const char *)text.p);
	}
	secret_wipe(&text);
	return r;
}

static CURLcode set_mail(void *arg, CURL *e)
{
	struct smtp *s = arg;
	char from[ADDR_ROOM];
	CURLcode r = CURLE_OK;

	(void)str_printf(from, sizeof(from), "<%s>", s->o->set.from);
	NET_SET(r, e, CURLOPT_MAIL_FROM, from);
	NET_SET(r, e, CURLOPT_MAIL_RCPT, s->to);
	NET_SET(r, e, CURLOPT_UPLOAD, 1L);
	NET_SET(r, e, CURLOPT_READFUNCTION, read_mail);
	NET_SET(r, e, CURLOPT_READDATA, s);
	NET_SET(r, e, CURLOPT_INFILESIZE_LARGE, (curl_off_t)-1);
	/* compose_mail has lines that end with LF. */
	NET_SET(r, e, CURLOPT_CRLF, 1L);
	return r == CURLE_OK && s->o->set.secret ? set_login(s, e) : r;
}

static void tell_link(struct smtp *s, const struct net_answer *a)
{
	if (!a->why)
		online_link(s->o, ACCOUNT_UP, "the last mail was taken", 0);
	else if (a->denied)
		online_link(s->o, ACCOUNT_REFUSED, a->why, 0);
	else if (!s->killed && !(s->ended && a->status >= 400))
		online_link(s->o, ACCOUNT_WAITING, a->why, 0);
}

static int send_mail(struct smtp *s);

static void on_sent(void *arg, const struct net_answer *a)
{
	struct smtp *s = arg;
	char why[256];

	s->job = NULL;
	if (a->denied && s->o->set.auth == AUTH_XOAUTH2 && !s->again) {
		/* It may have been taken back before its time. */
		s->again = true;
		token_drop(&s->token);
		if (token_get(&s->token) == 0)
			return;
	}
	tell_link(s, a);
	if (!a->why) {
		finish(s, EFFECT_DONE, s->name);
		return;
	}
	if (s->killed) {
		finish(s, EFFECT_FAILED, "killed before it was done");
		return;
	}
	if (a->status >= 400)
		(void)str_printf(why, sizeof(why), "the server says %ld: %s",
				 a->status, a->why);
	else
		(void)str_printf(why, sizeof(why), "%s", a->why);
	finish(s, s->ended && a->status < 400 ? EFFECT_UNKNOWN : EFFECT_FAILED,
	       why);
}

static int send_mail(struct smtp *s)
{
	const struct settings_host *h = &s->o->set.hosts[0];
	const struct net_call c = {
		.scheme = h->port == PORT_TLS ? "smtps" : "smtp",
		.host = h->name,
		.port = h->port,
		/* How it greets: the machine's own name is nobody's business,
		 * and libcurl would ask the kernel for it. */
		.path = "/localhost",
		.limit_ms = CALL_MS,
		.go = may_go,
		.set = set_mail,
		.done = on_sent,
		.arg = s,
	};

	s->at = 0;
	s->ended = s->killed = false;
	return net_call(&s->o->net, &c, &s->job);
}

static void on_token(void *arg, const char *why, bool denied)
{
	struct smtp *s = arg;
	int r;

	if (why) {
		online_link(s->o, denied ? ACCOUNT_REFUSED : ACCOUNT_WAITING,
			    why, 0);
		finish(s, EFFECT_FAILED, why);
		return;
	}
	r = send_mail(s);
	if (r < 0)
		finish(s, EFFECT_FAILED, strerrordesc_np(-r));
}

/* --- the effect ----------------------------------------------------------- */

static int add_recipient(struct smtp *s, struct span addr)
{
	char text[ADDR_ROOM];
	struct curl_slist *l;

	if (str_printf(text, sizeof(text), "<%.*s>", (int)addr.n,
		       (const char *)addr.p) < 0)
		return -EINVAL;
	l = curl_slist_append(s->to, text);
	if (!l)
		return -ENOMEM;
	s->to = l;
	return 0;
}

static int add_recipients(struct smtp *s, const struct m_effect *e)
{
	struct span to[LIMIT_ARGS];
	size_t n = compose_recipients(e->args, e->n, to), i;
	int r = n ? 0 : add_recipient(s, span_str(s->o->set.from));

	for (i = 0; i < n && r == 0; i++)
		r = add_recipient(s, to[i]);
	return r;
}

static const char *make_mail(struct smtp *s)
{
	const struct m_effect *e = &s->o->in.effect;
	char run[2 * MSG_RUN + 1];
	struct compose how = {
		.from = span_str(s->o->set.from),
		.date_s = (uint64_t)time(NULL),
		.reply_id = e->reply_id,
		.reply_refs = e->reply_refs,
		.reply_subject = e->reply_subject,
	};
	const char *why;

	hex_encode(run, s->o->in.ids.run, MSG_RUN);
	(void)str_printf(s->name, sizeof(s->name), "effect-%llu.%s.bulkhead",
			 (unsigned long long)e->effect, run);
	how.id = span_str(s->name);
	why = compose_mail(&s->mail, &how, e->args, e->n);
	if (!why && add_recipients(s, e) < 0)
		why = "a recipient is no address";
	return why;
}

static void smtp_effect(struct online *o)
{
	struct smtp *s = o->own;
	const char *why;
	int r;

	s->ids = o->in.ids;
	s->effect = o->in.effect.effect;
	s->again = false;
	online_hold(o, true);
	why = str_copy(s->capability, sizeof(s->capability),
		       o->in.effect.capability) < 0
		      ? "its capability has no name"
		      : make_mail(s);
	if (why) {
		finish(s, EFFECT_FAILED, why);
		return;
	}
	r = o->set.auth == AUTH_XOAUTH2 && !token_fresh(&s->token)
		    ? token_get(&s->token)
		    : send_mail(s);
	if (r < 0)
		finish(s, EFFECT_FAILED,
		       r == -EBADMSG ? "its secret has no refresh_token"
				     : strerrordesc_np(-r));
}

static int smtp_start(struct online *o)
{
	struct smtp *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	o->own = s;
	s->o = o;
	buf_init(&s->mail, COMPOSE_MAX);
	token_init(&s->token, o, on_token, s);
	if (!compose_addr_ok(span_str(o->set.from))) {
		log_error("settings", "account=%s why=\"from is no address\"",
			  o->name);
		return -EINVAL;
	}
	online_link(o, ACCOUNT_UP, "waits for mails to send", 0);
	return 0;
}

static void smtp_stop(struct online *o)
{
	struct smtp *s = o->own;

	if (!s)
		return;
	net_cancel(s->job);
	token_done(&s->token);
	buf_done(&s->mail);
	curl_slist_free_all(s->to);
	free(s);
	o->own = NULL;
}

const struct online_kind smtp_kind = {
	.name = "smtp",
	.start = smtp_start,
	.stop = smtp_stop,
	.effect = smtp_effect,
};
