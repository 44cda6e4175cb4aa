/*
 * smtp: submission of mails (RFC 6409), one effect at a time, each on a
 * connection of its own. TLS is there before a word of the credential: at once
 * on port 465, else by STARTTLS, without which it ends.
 *
 * A mail is sent at most once. Up to the dot that ends it the server cannot
 * have taken it: what fails before that has failed. Behind it a reply says
 * which; where none comes, it is unknown. The latches are looked at before the
 * first word of it, and again right before the dot.
 *
 * What fails for now, with nothing taken (a reply of 4xx, a connection that is
 * not had or lost before the dot), is tried again soon and a few times: the
 * broker does nothing else meanwhile. What has an unknown end never is.
 *
 * The login is tried at the start and after what put the link in doubt, by a
 * connection that sends nothing (NOOP), so that status knows before a mail
 * does.
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
	/* Until then each reply before it has to be there. */
	REPLY_S = 60,
	/* libcurl says goodbye, and waits for the answer in poll(): nothing
	 * else of this process goes on. */
	GOODBYE_S = 1,
	TRIES = 3,
	AGAIN_MAX_MS = 10000,
	REPLY_MAX = 160,
	ADDR_ROOM = COMPOSE_ADDR_MAX + 3, /* <, >, NUL */
};

struct smtp {
	struct online *o;
	struct token token;
	struct net_job *job; /* of the mail, or of a look at the login */
	CURL *easy;	     /* of the job, once it runs */
	struct retry retry;
	int timer;	       /* until either is tried again */
	bool again;	       /* with a new token already */
	char reply[REPLY_MAX]; /* what the server refused by, cleaned */
	/* the effect at hand */
	bool at_hand;
	uint32_t tries;
	struct msg_ids ids;
	uint64_t effect;
	char capability[LIMIT_NAME + 1];
	char name[NAME_MAX_BYTES]; /* of the mail: the left half of its id */
	struct buf mail;
	struct curl_slist *to; /* owned */
	size_t at;	       /* of the mail, that is sent */
	bool ended;	       /* all of it was, with its dot; or of a look */
	bool killed;
};

static void finish(struct smtp *s, enum effect_state state, const char *detail)
{
	s->at_hand = false;
	buf_done(&s->mail);
	buf_init(&s->mail, COMPOSE_MAX);
	curl_slist_free_all(s->to);
	s->to = NULL;
	online_effect_done(s->o, &s->ids, s->effect, state, detail);
	online_hold(s->o, false);
}

/* --- one mail ------------------------------------------------------------- */

static void reply_within(struct smtp *s, long seconds)
{
	/* Where it is not to be had, it is libcurl's own: two minutes. */
	(void)curl_easy_setopt(s->easy, CURLOPT_SERVER_RESPONSE_TIMEOUT,
			       seconds);
}

static bool may_go(void *arg)
{
	struct smtp *s = arg;

	s->killed = online_killed(s->o, span_str(s->capability), s->ids.task);
	if (s->killed)
		reply_within(s, GOODBYE_S);
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
	reply_within(s, CALL_MS / 1000);
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

/* Of a reply that refuses, which may have many lines: its code and its text, as
 * far as there is room, without what a terminal would obey. */
static size_t hear(char *p, size_t size, size_t n, void *arg)
{
	struct smtp *s = arg;
	size_t at = strlen(s->reply), from = 0;

	n *= size;
	/* The last one: what follows is goodbye. */
	if (n > 3 && p[3] != '-' && (s->ended || (p[0] != '2' && p[0] != '3')))
		reply_within(s, GOODBYE_S);
	if (n < 4 || (p[0] != '4' && p[0] != '5'))
		return n;
	if (at && strncmp(s->reply, p, 3) != 0)
		at = 0;
	else if (at)
		from = 3;
	for (; from < n && at < sizeof(s->reply) - 1; from++) {
		uint8_t c = (uint8_t)p[from];

		if (c == '\r' || c == '\n')
			break;
		if (from == 3)
			c = ' ';
		s->reply[at++] = (char)(c >= 0x20 && c < 0x7f ? c : '?');
	}
	s->reply[at] = 0;
	return n;
}

static CURLcode set_all(struct smtp *s, CURL *e)
{
	CURLcode r = CURLE_OK;

	s->easy = e;
	NET_SET(r, e, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)REPLY_S);
	NET_SET(r, e, CURLOPT_HEADERFUNCTION, hear);
	NET_SET(r, e, CURLOPT_HEADERDATA, s);
	return r == CURLE_OK && s->o->set.secret ? set_login(s, e) : r;
}

static CURLcode set_mail(void *arg, CURL *e)
{
	struct smtp *s = arg;
	char from[ADDR_ROOM];
	CURLcode r = set_all(s, e);

	(void)str_printf(from, sizeof(from), "<%s>", s->o->set.from);
	NET_SET(r, e, CURLOPT_MAIL_FROM, from);
	NET_SET(r, e, CURLOPT_MAIL_RCPT, s->to);
	NET_SET(r, e, CURLOPT_UPLOAD, 1L);
	NET_SET(r, e, CURLOPT_READFUNCTION, read_mail);
	NET_SET(r, e, CURLOPT_READDATA, s);
	NET_SET(r, e, CURLOPT_INFILESIZE_LARGE, (curl_off_t)-1);
	/* compose_mail has lines that end with LF. */
	NET_SET(r, e, CURLOPT_CRLF, 1L);
	return r;
}

/* One word is all that is said. */
static bool look_goes(void *arg)
{
	struct smtp *s = arg;

	s->ended = true;
	return true;
}

static CURLcode set_look(void *arg, CURL *e)
{
	CURLcode r = set_all(arg, e);

	NET_SET(r, e, CURLOPT_CUSTOMREQUEST, "NOOP");
	NET_SET(r, e, CURLOPT_NOBODY, 1L);
	return r;
}

static void on_sent(void *arg, const struct net_answer *a);
static void on_looked(void *arg, const struct net_answer *a);

static int talk(struct smtp *s)
{
	const struct settings_host *h = &s->o->set.hosts[0];
	const struct net_call c = {
		.scheme = h->port == PORT_TLS ? "smtps" : "smtp",
		.host = h->name,
		.port = h->port,
		/* How it greets: the machine's own name is nobody's business,
		 * and libcurl would ask the kernel for it. */
		.path = "/localhost",
		.limit_ms = s->at_hand ? CALL_MS : 0,
		.go = s->at_hand ? may_go : look_goes,
		.set = s->at_hand ? set_mail : set_look,
		.done = s->at_hand ? on_sent : on_looked,
		.arg = s,
	};

	s->at = 0;
	s->ended = s->killed = false;
	s->reply[0] = 0;
	return net_call(&s->o->net, &c, &s->job);
}

/* With a token that is good, where it takes one. */
static int begin(struct smtp *s)
{
	if (s->o->set.auth != AUTH_XOAUTH2 || token_fresh(&s->token))
		return talk(s);
	/* The one under way, of a look, is for what is at hand then. */
	return s->token.job ? 0 : token_get(&s->token);
}

static const char *begin_why(int error)
{
	return error == -EBADMSG ? "its secret has no refresh_token"
				 : strerrordesc_np(-error);
}

static void on_again(void *arg);

static bool wait_again(struct smtp *s, uint64_t ms)
{
	s->timer = loop_timer(&s->o->loop, ms, on_again, s);
	return s->timer >= 0;
}

static void look_later(struct smtp *s, const char *why)
{
	uint64_t ms = retry_failed(&s->retry, 0);

	online_link(s->o, ACCOUNT_WAITING, why, wait_again(s, ms) ? ms : 0);
}

static void look(struct smtp *s)
{
	int r;

	s->again = false;
	r = begin(s);
	if (r < 0)
		look_later(s, begin_why(r));
}

/* It is the credential that the server does not take, and not for now. */
static bool refused(const struct net_answer *a)
{
	return a->denied && a->status / 100 != 4;
}

/* A token may have been taken back before its time: a new one is asked for. */
static bool with_new_token(struct smtp *s, const struct net_answer *a)
{
	if (!refused(a) || s->o->set.auth != AUTH_XOAUTH2 || s->again)
		return false;
	s->again = true;
	token_drop(&s->token);
	return token_get(&s->token) == 0;
}

/* Never what came of a login: a server may say the credential itself. */
static void words(const struct smtp *s, const struct net_answer *a, char *ret,
		  size_t room)
{
	if (a->status < 400)
		(void)str_printf(ret, room, "%s", a->why);
	else if (s->reply[0] && a->sent)
		(void)str_printf(ret, room, "the server says %s", s->reply);
	else
		(void)str_printf(ret, room, "the server says %ld: %s",
				 a->status, a->why);
}

static void on_looked(void *arg, const struct net_answer *a)
{
	struct smtp *s = arg;
	char why[256];

	s->job = NULL;
	if (with_new_token(s, a))
		return;
	/* Who does not know NOOP has taken the login all the same. */
	if (!a->why || (a->sent && a->status >= 500)) {
		retry_worked(&s->retry);
		online_link(s->o, ACCOUNT_UP, "waits for mails to send", 0);
		return;
	}
	words(s, a, why, sizeof(why));
	if (refused(a))
		online_link(s->o, ACCOUNT_REFUSED, why, 0);
	else
		look_later(s, why);
}

/* Nothing was taken, and the next time it may be. */
static bool for_now(const struct smtp *s, const struct net_answer *a)
{
	if (s->killed || refused(a) || !a->trusted || a->status >= 500)
		return false;
	return !s->ended || a->status >= 400;
}

/* A mail that failed for now, once more; false: often enough. */
static bool try_again(struct smtp *s, const char *why)
{
	struct retry r = { .failures = s->tries };
	uint64_t ms = retry_failed(&r, 0);

	if (ms > AGAIN_MAX_MS)
		ms = AGAIN_MAX_MS;
	if (++s->tries >= TRIES || !wait_again(s, ms))
		return false;
	online_link(s->o, ACCOUNT_WAITING, why, ms);
	return true;
}

/* How the link stands with the mail's end. */
static void tell_link(struct smtp *s, const struct net_answer *a,
		      const char *why)
{
	if (refused(a)) {
		online_link(s->o, ACCOUNT_REFUSED, why, 0);
	} else if (a->sent && a->status >= 500) {
		retry_worked(&s->retry);
		online_link(s->o, ACCOUNT_UP, "the last mail was refused", 0);
	} else if (!s->killed) {
		look_later(s, why);
	}
}

static void on_sent(void *arg, const struct net_answer *a)
{
	struct smtp *s = arg;
	char why[256];
	bool unknown = s->ended && a->status < 400;

	s->job = NULL;
	if (!a->why) {
		retry_worked(&s->retry);
		online_link(s->o, ACCOUNT_UP, "the last mail was taken", 0);
		finish(s, EFFECT_DONE, s->name);
		return;
	}
	if (with_new_token(s, a))
		return;
	words(s, a, why, sizeof(why));
	if (for_now(s, a) && try_again(s, why))
		return;
	tell_link(s, a, why);
	if (s->killed)
		finish(s, EFFECT_FAILED, "killed before it was done");
	else
		finish(s, unknown ? EFFECT_UNKNOWN : EFFECT_FAILED, why);
}

static void on_again(void *arg)
{
	struct smtp *s = arg;
	int r;

	s->timer = -1;
	if (!s->at_hand) {
		look(s);
		return;
	}
	r = begin(s);
	if (r < 0)
		finish(s, EFFECT_FAILED, begin_why(r));
}

static void on_token(void *arg, const char *why, bool denied)
{
	struct smtp *s = arg;
	int r;

	if (!why) {
		r = talk(s);
		if (r == 0)
			return;
		why = strerrordesc_np(-r);
	} else if (s->at_hand && !denied && try_again(s, why)) {
		return;
	}
	if (denied)
		online_link(s->o, ACCOUNT_REFUSED, why, 0);
	else
		look_later(s, why);
	if (s->at_hand)
		finish(s, EFFECT_FAILED, why);
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
	s->at_hand = true;
	s->tries = 0;
	/* A look makes way. */
	net_cancel(s->job);
	s->job = NULL;
	loop_timer_del(&o->loop, s->timer);
	s->timer = -1;
	online_hold(o, true);
	why = str_copy(s->capability, sizeof(s->capability),
		       o->in.effect.capability) < 0
		      ? "its capability has no name"
		      : make_mail(s);
	if (why) {
		finish(s, EFFECT_FAILED, why);
		return;
	}
	r = begin(s);
	if (r < 0)
		finish(s, EFFECT_FAILED, begin_why(r));
}

static int smtp_start(struct online *o)
{
	struct smtp *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	o->own = s;
	s->o = o;
	s->timer = -1;
	buf_init(&s->mail, COMPOSE_MAX);
	token_init(&s->token, o, on_token, s);
	if (!compose_addr_ok(span_str(o->set.from))) {
		log_error("settings", "account=%s why=\"from is no address\"",
			  o->name);
		return -EINVAL;
	}
	online_link(o, ACCOUNT_CONNECTING, "logs in", 0);
	look(s);
	return 0;
}

static void smtp_stop(struct online *o)
{
	struct smtp *s = o->own;

	if (!s)
		return;
	net_cancel(s->job);
	loop_timer_del(&s->o->loop, s->timer);
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
