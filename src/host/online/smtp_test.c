/*
 * smtp_test: what an effect becomes, by what the server and the latches did and
 * how far the mail had come. The network is a table of rows; libcurl's options
 * are caught on their way.
 */
#include <stdio.h>

#include "base/str.h"
#include "base/testing.h"
#include "run.h"
#include "token.h"

#undef curl_easy_setopt

static struct {
	struct online o;
	struct net_call call;
	bool called, held;
	size_t (*read)(char *p, size_t size, size_t n, void *arg);
	void *read_arg;
	size_t (*hear)(char *p, size_t size, size_t n, void *arg);
	char request[16];
	char from[300], password[64], bearer[64];
	size_t n_to;
	bool killed;
	int token; /* what token_get returns */
	struct token *asked;
	bool dropped;
	enum effect_state state;
	char detail[300];
	size_t answers;
	enum account_state link;
	char link_detail[300];
} w;

/* --- what stands in for the rest --- */

CURLcode curl_easy_setopt(CURL *, CURLoption option, ...)
{
	const struct curl_slist *l;
	va_list ap;

	va_start(ap, option);
	if (option == CURLOPT_READFUNCTION)
		w.read = va_arg(ap, curl_read_callback);
	else if (option == CURLOPT_READDATA)
		w.read_arg = va_arg(ap, void *);
	else if (option == CURLOPT_HEADERFUNCTION)
		w.hear = va_arg(ap, curl_write_callback);
	else if (option == CURLOPT_CUSTOMREQUEST)
		(void)snprintf(w.request, sizeof(w.request), "%s",
			       va_arg(ap, char *));
	else if (option == CURLOPT_MAIL_FROM)
		(void)snprintf(w.from, sizeof(w.from), "%s",
			       va_arg(ap, char *));
	else if (option == CURLOPT_PASSWORD)
		(void)snprintf(w.password, sizeof(w.password), "%s",
			       va_arg(ap, char *));
	else if (option == CURLOPT_XOAUTH2_BEARER)
		(void)snprintf(w.bearer, sizeof(w.bearer), "%s",
			       va_arg(ap, char *));
	else if (option == CURLOPT_MAIL_RCPT)
		for (l = va_arg(ap, struct curl_slist *); l; l = l->next)
			w.n_to++;
	va_end(ap);
	return CURLE_OK;
}

int net_call(struct net *, const struct net_call *c, struct net_job **)
{
	w.call = *c;
	w.called = true;
	return 0;
}

void net_cancel(struct net_job *)
{
}

void online_link(struct online *, enum account_state state, const char *detail,
		 uint64_t)
{
	w.link = state;
	(void)snprintf(w.link_detail, sizeof(w.link_detail), "%s", detail);
}

void online_hold(struct online *, bool on)
{
	w.held = on;
}

bool online_killed(const struct online *, struct span capability, uint64_t)
{
	assert_true(span_is(capability, "mail.send"));
	return w.killed;
}

void online_effect_done(struct online *, const struct msg_ids *,
			uint64_t effect, enum effect_state state,
			const char *detail)
{
	assert_int_equal(effect, 7);
	w.state = state;
	w.answers++;
	(void)snprintf(w.detail, sizeof(w.detail), "%s", detail);
}

void token_init(struct token *t, struct online *o,
		void (*done)(void *arg, const char *why, bool denied),
		void *arg)
{
	*t = (struct token){ .o = o, .done = done, .arg = arg };
	assert_int_equal(secret_set(&t->access, SPAN_LIT("token")), 0);
}

bool token_fresh(const struct token *)
{
	return false;
}

int token_get(struct token *t)
{
	w.asked = t;
	return w.token;
}

void token_drop(struct token *)
{
	w.dropped = true;
}

void token_done(struct token *t)
{
	secret_wipe(&t->access);
}

/* --- one effect --- */

static void start(enum settings_auth auth, uint32_t port)
{
	memset(&w, 0, sizeof(w));
	w.o.set.auth = auth;
	w.o.set.secret = true;
	w.o.set.hosts[0].port = port;
	w.o.set.n_hosts = 1;
	(void)snprintf(w.o.set.from, sizeof(w.o.set.from), "me@example.org");
	assert_int_equal(secret_set(&w.o.secret, SPAN_LIT("pass")), 0);
	assert_int_equal(smtp_kind.start(&w.o), 0);
}

static void begin(enum settings_auth auth, uint32_t port)
{
	struct m_effect *e = &w.o.in.effect;

	start(auth, port);
	/* It has its look at the login meanwhile, of which nothing comes. */
	w.called = false;
	e->effect = 7;
	e->capability = SPAN_LIT("mail.send");
	e->n = 3;
	e->args[0] = (struct m_arg){ .name = SPAN_LIT("to"),
				     .json = ARG_STRING,
				     .shape = ARG_ELEMENT,
				     .value = SPAN_LIT("a@example.org") };
	e->args[1] = e->args[0];
	e->args[1].value = SPAN_LIT("b@example.org");
	e->args[2] = (struct m_arg){ .name = SPAN_LIT("body"),
				     .json = ARG_STRING,
				     .value = SPAN_LIT("hello") };
	smtp_kind.effect(&w.o);
}

static void end(void)
{
	smtp_kind.stop(&w.o);
	secret_wipe(&w.o.secret);
}

static size_t take(void)
{
	char bytes[512];

	return w.read(bytes, 1, sizeof(bytes), w.read_arg);
}

/* Lets the call do what libcurl would. */
static void connect_call(void)
{
	assert_true(w.called && w.held);
	w.called = false;
	assert_int_equal(w.call.set(w.call.arg, NULL), CURLE_OK);
}

static void answer(const char *why, long status, bool sent)
{
	w.call.done(w.call.arg, &(struct net_answer){ .why = why,
						      .sent = sent,
						      .trusted = true,
						      .status = status });
}

/* Lets the time pass until what it waits for; false: it waits for nothing. */
static bool passes(void)
{
	size_t i;

	for (i = 0; i < LOOP_TIMERS; i++) {
		if (!w.o.loop.timers[i].at_ms)
			continue;
		w.o.loop.timers[i].at_ms = 0;
		w.o.loop.timers[i].fn(w.o.loop.timers[i].arg);
		return true;
	}
	return false;
}

static void hear(const char *line)
{
	char text[600];

	assert_true(str_copy(text, sizeof(text), span_str(line)) >= 0);
	assert_int_equal(w.hear(text, 1, strlen(text), w.call.arg),
			 strlen(text));
}

/* One that sends nothing. */
static void connect_call_of_look(void)
{
	assert_true(w.called);
	w.called = false;
	w.request[0] = 0;
	w.read = NULL;
	assert_int_equal(w.call.set(w.call.arg, NULL), CURLE_OK);
	assert_string_equal(w.request, "NOOP");
	assert_null(w.read);
}

enum far {
	BEFORE, /* nothing of the mail was asked for */
	WITHIN, /* some of it was */
	BEHIND, /* all of it, and its end */
};

static void ends(void **)
{
	static const struct {
		enum far far;
		const char *why;
		long status;
		enum effect_state want;
		uint32_t tries;
	} rows[] = {
		{ BEHIND, NULL, 250, EFFECT_DONE, 1 },
		{ BEHIND, "lost", 354, EFFECT_UNKNOWN, 1 },
		{ BEHIND, "lost", 0, EFFECT_UNKNOWN, 1 },
		{ BEHIND, "no", 554, EFFECT_FAILED, 1 },
		{ BEHIND, "no", 451, EFFECT_FAILED, 3 },
		{ WITHIN, "lost", 354, EFFECT_FAILED, 3 },
		{ BEFORE, "no", 550, EFFECT_FAILED, 1 },
		{ BEFORE, "no", 450, EFFECT_FAILED, 3 },
		{ BEFORE, "lost", 0, EFFECT_FAILED, 3 },
	};
	size_t i;
	uint32_t n;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		begin(AUTH_PASSWORD, 587);
		for (n = 0; n < rows[i].tries; n++) {
			assert_true(n == 0 || passes());
			assert_int_equal(w.answers, 0);
			w.n_to = 0;
			connect_call();
			assert_string_equal(w.call.scheme, "smtp");
			assert_string_equal(w.from, "<me@example.org>");
			assert_string_equal(w.password, "pass");
			assert_int_equal(w.n_to, 2);
			assert_true(w.call.go(w.call.arg));
			if (rows[i].far != BEFORE)
				assert_true(take() > 0);
			while (rows[i].far == BEHIND && take())
				;
			answer(rows[i].why, rows[i].status, true);
		}
		if (w.state != rows[i].want)
			fail_msg("row %zu: %s (%s)", i,
				 effect_state_name(w.state), w.detail);
		assert_int_equal(w.answers, 1);
		assert_false(w.held);
		/* Whatever comes later, it is not the mail. */
		while (passes()) {
			connect_call_of_look();
			answer(NULL, 250, true);
		}
		assert_int_equal(w.answers, 1);
		end();
	}
}

/* The login is tried with the start, and again until it is had; but not with a
 * credential that is refused. */
static void looks(void **)
{
	start(AUTH_PASSWORD, 465);
	assert_int_equal(w.link, ACCOUNT_CONNECTING);
	connect_call_of_look();
	answer("lost", 0, false);
	assert_int_equal(w.link, ACCOUNT_WAITING);
	assert_string_equal(w.link_detail, "lost");
	assert_true(passes());
	connect_call_of_look();
	answer(NULL, 250, true);
	assert_int_equal(w.link, ACCOUNT_UP);
	assert_false(passes());
	end();
	/* It is logged in, whatever the server makes of NOOP. */
	start(AUTH_PASSWORD, 465);
	connect_call_of_look();
	answer("no", 502, true);
	assert_int_equal(w.link, ACCOUNT_UP);
	end();
	/* 454 is no refusal, 535 is. */
	start(AUTH_PASSWORD, 465);
	connect_call_of_look();
	w.call.done(w.call.arg, &(struct net_answer){ .why = "no",
						      .denied = true,
						      .trusted = true,
						      .status = 454 });
	assert_int_equal(w.link, ACCOUNT_WAITING);
	assert_true(passes());
	connect_call_of_look();
	hear("535 pass is wrong\r\n");
	w.call.done(w.call.arg, &(struct net_answer){ .why = "not taken",
						      .denied = true,
						      .trusted = true,
						      .status = 535 });
	assert_int_equal(w.link, ACCOUNT_REFUSED);
	assert_string_equal(w.link_detail, "the server says 535: not taken");
	assert_false(passes());
	end();
}

/* What the server says is told in one line, without what a terminal obeys. */
static void reasons(void **)
{
	static const char *const lines[] = { "220 hello\r\n",
					     "550-5.1.1 no\x1b[2J such\r\n",
					     "550 box\xc3\xa9\r\n",
					     "221 bye\r\n", NULL };
	char more[600];
	size_t i;

	begin(AUTH_PASSWORD, 587);
	connect_call();
	for (i = 0; lines[i]; i++)
		hear(lines[i]);
	answer("RCPT failed: 550", 550, true);
	assert_int_equal(w.state, EFFECT_FAILED);
	assert_string_equal(w.detail, "the server says 550 5.1.1 no?[2J such "
				      "box??");
	assert_int_equal(w.link, ACCOUNT_UP);
	end();
	begin(AUTH_PASSWORD, 587);
	connect_call();
	memset(more, 'x', sizeof(more) - 1);
	memcpy(more, "554 ", 4);
	more[sizeof(more) - 1] = 0;
	hear("451 soon\r\n");
	hear(more);
	answer("no", 554, true);
	assert_int_equal(strncmp(w.detail, "the server says 554 xxx", 23), 0);
	assert_true(strlen(w.detail) < 180);
	end();
}

/* A latch ends it before its first word, and before its last. */
static void kills(void **)
{
	static const struct net_answer stopped = { .why = "stopped" };
	int late;

	for (late = 0; late < 2; late++) {
		begin(AUTH_PASSWORD, 465);
		assert_string_equal(w.call.scheme, "smtps");
		connect_call();
		w.killed = !late;
		assert_int_equal(w.call.go(w.call.arg), late);
		if (late) {
			size_t n = take();

			w.killed = true;
			while (n && n != CURL_READFUNC_ABORT)
				n = take();
			assert_int_equal(n, CURL_READFUNC_ABORT);
		}
		w.call.done(w.call.arg, &stopped);
		assert_int_equal(w.state, EFFECT_FAILED);
		assert_string_equal(w.detail, "killed before it was done");
		end();
	}
}

/* An access token that is not taken is fetched anew, once. */
static void tokens(void **)
{
	static const struct net_answer denied = { .why = "no", .denied = true };

	begin(AUTH_XOAUTH2, 587);
	assert_false(w.called);
	w.asked->done(w.asked->arg, NULL, false);
	connect_call();
	assert_string_equal(w.bearer, "token");
	assert_string_equal(w.password, "");
	w.call.done(w.call.arg, &denied);
	assert_true(w.dropped);
	assert_int_equal(w.answers, 0);
	w.asked->done(w.asked->arg, NULL, false);
	connect_call();
	w.call.done(w.call.arg, &denied);
	assert_int_equal(w.state, EFFECT_FAILED);
	assert_int_equal(w.answers, 1);
	end();
	begin(AUTH_XOAUTH2, 587);
	w.asked->done(w.asked->arg, "not taken", true);
	assert_int_equal(w.state, EFFECT_FAILED);
	assert_false(w.called);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends),	   cmocka_unit_test(looks),
		cmocka_unit_test(reasons), cmocka_unit_test(kills),
		cmocka_unit_test(tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
