/* token: see token.h. */
#include "token.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/crypto.h>

#include "base/jcur.h"
#include "base/log.h"
#include "base/str.h"

enum {
	EARLY_MS = 60000, /* before its end it is not used any more */
	LIFE_S = 3600,	  /* of one that does not say */
	LIFE_MAX_S = 86400,
	FIELD_MAX = 8 << 10,
	BODY_MAX = 2 * LIMIT_SECRET, /* percent-encoded */
};

void token_init(struct token *t, struct online *o,
		void (*done)(void *arg, const char *why, bool denied),
		void *arg)
{
	*t = (struct token){ .o = o, .done = done, .arg = arg };
}

bool token_fresh(const struct token *t)
{
	return t->until_ms && now_ms() < t->until_ms;
}

void token_drop(struct token *t)
{
	secret_wipe(&t->access);
	t->until_ms = 0;
}

void token_done(struct token *t)
{
	net_cancel(t->job);
	t->job = NULL;
	token_drop(t);
	secret_wipe(&t->refresh);
}

int token_url(const char *url, struct settings_host *ret, const char **path)
{
	static const char scheme[] = "https://";
	char host[SETTINGS_HOST + 8];
	size_t n;

	if (strncmp(url, scheme, sizeof(scheme) - 1) != 0)
		return -1;
	url += sizeof(scheme) - 1;
	n = strcspn(url, "/");
	if (!n || !url[n] || n + 5 > sizeof(host))
		return -1;
	*path = url + n;
	memcpy(host, url, n);
	host[n] = 0;
	/* Without a port it is 443; an address in brackets may have one. */
	if (!strchr(host[0] == '[' ? host + strcspn(host, "]") : host, ':'))
		memcpy(host + n, ":443", 5);
	return settings_host_parse(span_str(host), ret);
}

/* application/x-www-form-urlencoded, into room that is there. */
static bool put_field(struct secret *body, const char *name, struct span value)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t need = strlen(name) + 2 + 3 * value.n, i;
	char *p;

	if (need > body->room - body->n)
		return false;
	p = (char *)body->p + body->n;
	if (body->n)
		*p++ = '&';
	for (; *name; name++)
		*p++ = *name;
	*p++ = '=';
	for (i = 0; i < value.n; i++) {
		uint8_t c = value.p[i];

		if (isalnum(c) || c == '-' || c == '.' || c == '_' ||
		    c == '~') {
			*p++ = (char)c;
			continue;
		}
		*p++ = '%';
		*p++ = hex[c >> 4];
		*p++ = hex[c & 15];
	}
	body->n = (size_t)((uint8_t *)p - body->p);
	return true;
}

static bool put_member(struct secret *body, struct jval secret,
		       const char *name, bool must)
{
	struct jval v = jval_get(secret, name);
	char text[FIELD_MAX];
	struct span value;
	bool ok;

	if (v.kind == JVAL_NONE)
		return !must;
	ok = jval_text(v, text, sizeof(text), &value) && value.n &&
	     put_field(body, name, value);
	OPENSSL_cleanse(text, sizeof(text));
	return ok;
}

static int make_body(const struct token *t, struct secret *body)
{
	struct jval secret;
	int r = secret_room(body, BODY_MAX);

	if (r < 0)
		return r;
	if (!jval_parse(secret_view(&t->o->secret), &secret) ||
	    !put_field(body, "grant_type", SPAN_LIT("refresh_token")) ||
	    !put_member(body, secret, "client_id", true) ||
	    !put_member(body, secret, "client_secret", false))
		return -EBADMSG;
	if (t->refresh.n
		    ? put_field(body, "refresh_token", secret_view(&t->refresh))
		    : put_member(body, secret, "refresh_token", true))
		return 0;
	return -EBADMSG;
}

/* A new refresh token in an answer. What is none is as if it were not there. */
static void take_refresh(struct token *t, struct jval all)
{
	char text[FIELD_MAX];
	struct span s;

	if (jval_text(jval_get(all, "refresh_token"), text, sizeof(text), &s) &&
	    s.n && !span_eq(s, secret_view(&t->refresh)) &&
	    secret_set(&t->refresh, s) == 0)
		log_info("refresh-token",
			 "account=%s what=\"the provider gave a new one: it is "
			 "used until this process ends\"",
			 t->o->name);
	OPENSSL_cleanse(text, sizeof(text));
}

/* What an answer of 200 has; NULL, or why it is none. */
static const char *take_answer(struct token *t, struct span body)
{
	struct jval all, token;
	char text[FIELD_MAX];
	struct span access;
	int64_t life = LIFE_S;
	bool ok;

	if (!jval_parse(body, &all))
		return "the token endpoint says what is not JSON";
	token = jval_get(all, "access_token");
	if (jval_get(all, "expires_in").kind != JVAL_NONE &&
	    (!jval_int(jval_get(all, "expires_in"), &life) || life < 1))
		return "the token endpoint does not say for how long";
	if (life > LIFE_MAX_S)
		life = LIFE_MAX_S;
	ok = jval_text(token, text, sizeof(text), &access) && access.n &&
	     secret_set(&t->access, access) == 0;
	OPENSSL_cleanse(text, sizeof(text));
	if (!ok)
		return "the token endpoint gives no access_token";
	take_refresh(t, all);
	t->until_ms = now_ms() + (uint64_t)life * 1000;
	t->until_ms -=
		life > 2 * EARLY_MS / 1000 ? EARLY_MS : (uint64_t)life * 500;
	return NULL;
}

/* Why a token was denied. */
static const char *denied_why(struct span body)
{
	struct jval all, error;

	if (!jval_parse(body, &all))
		return "the token endpoint does not take the refresh token";
	error = jval_get(all, "error");
	return jval_is(error, "invalid_client") ||
			       jval_is(error, "unauthorized_client")
		       ? "the token endpoint does not take the client_id or "
			 "its client_secret"
		       : "the token endpoint does not take the refresh token";
}

static void on_answer(void *arg, const struct net_answer *a)
{
	struct token *t = arg;
	const char *why = a->why;
	bool denied = !why && (a->status == 400 || a->status == 401);

	t->job = NULL;
	if (!why && a->status == 200) {
		why = take_answer(t, a->body);
	} else if (denied && t->refresh.n) {
		/* The owner's own is still there. */
		secret_wipe(&t->refresh);
		denied = false;
		why = "the token endpoint does not take the refresh token that "
		      "it gave: the vault's is next";
	} else if (denied) {
		why = denied_why(a->body);
	} else if (!why) {
		why = "the token endpoint does not work at present";
	}
	t->done(t->arg, why, denied);
}

int token_get(struct token *t)
{
	struct settings_host host;
	struct secret body = { 0 };
	struct net_call c = { 0 };
	int r;

	if (t->job)
		return -EBUSY;
	token_drop(t);
	if (token_url(t->o->set.token, &host, &c.path) < 0)
		return -EINVAL;
	r = make_body(t, &body);
	c.scheme = "https";
	c.host = host.name;
	c.port = host.port;
	c.method = "POST";
	c.body = secret_view(&body);
	c.headers[0] = "Content-Type: application/x-www-form-urlencoded";
	c.n_headers = 1;
	c.done = on_answer;
	c.arg = t;
	if (r == 0)
		r = net_call(&t->o->net, &c, &t->job);
	secret_wipe(&body);
	return r;
}
