/*
 * http: an account whose effects are requests that its owner declared in a file
 * (http/request.h).
 *
 * SECURITY. What it may ask for is in the file, what a planner chose in it has
 * been decided on by the broker and is checked and encoded again here. Of an
 * answer it reads declared fields, each of its type and bounds, and throws the
 * rest away; no redirection is followed. It holds one secret: a token that
 * stands in headers, or an App's key, of which a token is made for one request
 * and ended behind it.
 *
 * One effect at a time, each tried once. What may have reached the server
 * without an answer is unknown, and so is what a server broke down over: only
 * the owner says what became of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "conf/yaml.h"
#include "github.h"
#include "http/request.h"
#include "run.h"

enum { LINE_MAX_BYTES = HTTP_HEADER_MAX + LIMIT_SECRET + 128 };

struct http {
	struct online *o;
	struct http_requests *file; /* owned */
	struct github app;
	/* The effect at work. */
	const struct http_request *q; /* NULL: none */
	struct msg_ids ids;
	uint64_t effect;
	char capability[LIMIT_NAME + 1];
	struct buf url, body;
	struct net_job *job;
};

static bool by_app(const struct http *h)
{
	return h->o->set.auth == AUTH_GITHUB_APP;
}

/* The effect is over and told; the next may come. */
static void next(struct http *h)
{
	h->q = NULL;
	h->job = NULL;
	buf_reset(&h->url);
	buf_reset(&h->body);
	online_hold(h->o, false);
}

static void app_done(void *arg, const char *why);

static void finish(struct http *h)
{
	if (h->app.token.n) {
		h->q = NULL;
		if (github_revoke(&h->app) == 0)
			return;
		log_warn("token", "why=not-ended");
	}
	next(h);
}

static void tell(struct http *h, enum effect_state state, const char *detail)
{
	online_effect_done(h->o, &h->ids, h->effect, state, detail);
	finish(h);
}

/* Done, with what was read of the answer. */
static void tell_fields(struct http *h, long status,
			const struct http_fields *f, const char *why)
{
	struct msg_ids own = h->o->msg.ids;
	char detail[320];
	uint32_t i;

	(void)str_printf(detail, sizeof(detail), "HTTP %ld%s%.256s", status,
			 why ? "; " : "", why ? why : "");
	h->o->msg.type = MSG_EFFECT_DONE;
	h->o->msg.ids = h->ids;
	h->o->msg.effect_done = (struct m_effect_done){
		.effect = h->effect,
		.state = EFFECT_DONE,
		.detail = span_str(detail),
		.n = f->n,
	};
	for (i = 0; i < f->n; i++)
		h->o->msg.effect_done.args[i] = f->rows[i];
	online_tell(h->o, &h->o->broker, -1);
	h->o->msg.ids = own;
	finish(h);
}

static void good(struct http *h, const struct net_answer *a)
{
	struct http_fields f;
	struct err e = { 0 };
	const char *why = NULL;

	http_fields_init(&f);
	if (http_has_fields(h->q) && http_answer(h->q, a->body, &f, &e) < 0)
		why = e.msg;
	online_link(h->o, ACCOUNT_UP, "", 0);
	tell_fields(h, a->status, &f, why);
	http_fields_done(&f);
}

static void answered(void *arg, const struct net_answer *a)
{
	struct http *h = arg;
	bool reads = !strcmp(http_method(h->q), "GET");
	char detail[64];

	h->job = NULL;
	if (a->why) {
		online_link(h->o, ACCOUNT_WAITING, a->why, 0);
		tell(h, a->sent && !reads ? EFFECT_UNKNOWN : EFFECT_FAILED,
		     a->why);
		return;
	}
	if (a->status >= 200 && a->status <= 299) {
		good(h, a);
		return;
	}
	(void)str_printf(detail, sizeof(detail), "HTTP %ld%s", a->status,
			 a->status >= 300 && a->status <= 399
				 ? ": a redirection is not followed"
				 : "");
	if (a->status == 401)
		online_link(h->o, ACCOUNT_REFUSED,
			    "the server does not take its credential", 0);
	/* From 400 to 499 it says that it did nothing. */
	tell(h,
	     reads || (a->status >= 400 && a->status <= 499) ? EFFECT_FAILED
							     : EFFECT_UNKNOWN,
	     detail);
}

/* Right before the request goes. */
static bool may_go(void *arg)
{
	const struct http *h = arg;

	return !online_killed(h->o, span_str(h->capability), h->ids.task);
}

static bool has_header(const struct buf *lines, size_t n, const char *name)
{
	size_t i, length = strlen(name);

	for (i = 0; i < n; i++)
		if (lines[i].n > length &&
		    !strncasecmp((const char *)lines[i].p, name, length) &&
		    lines[i].p[length] == ':')
			return true;
	return false;
}

/* The file's headers, and ours behind them. -EINVAL: the secret is none for a
 * header. */
static int put_headers(struct http *h, struct buf lines[HTTP_HEADERS],
		       struct net_call *c)
{
	struct span secret =
		secret_view(by_app(h) ? &h->app.token : &h->o->secret);
	size_t n = 0;
	int rc = 0;

	for (; n < HTTP_HEADERS; n++) {
		buf_init(&lines[n], LINE_MAX_BYTES);
		/* At once, so that nothing of it is left where it grew. */
		if (!buf_extend(&lines[n], HTTP_HEADER_MAX + secret.n + 64))
			return -ENOMEM;
		if (!http_header(h->q, n, secret, &lines[n], &rc))
			break;
		if (rc < 0)
			return rc;
		c->headers[n] = buf_cstr(&lines[n]);
	}
	c->n_headers = n;
	if (!has_header(lines, n, "Accept"))
		c->headers[c->n_headers++] = "Accept: application/json";
	c->headers[c->n_headers++] = "User-Agent: bulkhead";
	if (h->body.n)
		c->headers[c->n_headers++] = "Content-Type: application/json";
	return 0;
}

/* Of the address that was built: what is behind scheme, host and port. */
static const char *path_of(const char *url)
{
	const char *host = strstr(url, "://");
	const char *path = host ? strchr(host + 3, '/') : NULL;

	return path ? path : "/";
}

static void send_request(struct http *h)
{
	struct buf lines[HTTP_HEADERS] = { 0 };
	struct span at = http_host(h->q);
	char host[SETTINGS_HOST];
	struct net_call c = {
		.scheme = http_tls(h->q) ? "https" : "http",
		.host = host,
		.port = http_port(h->q),
		.method = http_method(h->q),
		.path = path_of(buf_cstr(&h->url)),
		.body = buf_view(&h->body),
		.limit_ms = http_timeout_s(h->q) * 1000,
		.limit_bytes = http_answer_max(h->q),
		.go = may_go,
		.done = answered,
		.arg = h,
	};
	size_t i;
	int rc;

	/* netd's table has addresses of version 6 without brackets. */
	if (at.p[0] == '[')
		at = span_of(at.p + 1, at.n - 2);
	rc = str_copy(host, sizeof(host), at);
	if (rc == 0)
		rc = put_headers(h, lines, &c);
	if (rc == 0)
		rc = net_call(&h->o->net, &c, &h->job);
	for (i = 0; i < HTTP_HEADERS; i++) {
		secret_wipe_buf(&lines[i]);
		buf_done(&lines[i]);
	}
	if (rc < 0)
		tell(h, EFFECT_FAILED,
		     rc == -EINVAL ? "the secret has bytes that no header has"
				   : "the request could not be begun");
}

/* A token is there, or was ended; or neither. */
static void app_done(void *arg, const char *why)
{
	struct http *h = arg;

	if (!h->q) {
		if (why)
			log_warn("token", "why=not-ended text=%s", why);
		next(h);
	} else if (why) {
		online_link(h->o, ACCOUNT_WAITING, why, 0);
		tell(h, EFFECT_FAILED, why);
	} else {
		send_request(h);
	}
}

static void mint(struct http *h, const struct m_effect *e)
{
	CLEAN_BUF struct buf repo;
	int rc;

	buf_init(&repo, REPO_OWNER_MAX + REPO_NAME_MAX + 2);
	http_repo(h->q, e->args, e->n, &repo);
	rc = github_mint(&h->app, buf_view(&repo));
	if (rc < 0)
		tell(h, EFFECT_FAILED,
		     rc == -EINVAL
			     ? "the secret is no RSA key of an App, in PEM"
			     : "no token could be asked for");
}

static void http_effect(struct online *o)
{
	const struct m_effect *e = &o->in.effect;
	struct http *h = o->own;
	const struct http_request *q = http_find(h->file, e->capability);
	struct err why = { 0 };

	if (!q ||
	    str_copy(h->capability, sizeof(h->capability), e->capability) < 0) {
		online_effect_done(o, &o->in.ids, e->effect, EFFECT_FAILED,
				   "its file of requests has none of this "
				   "name");
		return;
	}
	if (http_build(q, e->args, e->n, &h->url, &h->body, &why) < 0) {
		online_effect_done(o, &o->in.ids, e->effect, EFFECT_FAILED,
				   why.msg);
		return;
	}
	h->q = q;
	h->ids = o->in.ids;
	h->effect = e->effect;
	online_hold(o, true);
	if (by_app(h))
		mint(h, e);
	else
		send_request(h);
}

static void http_stop(struct online *o)
{
	struct http *h = o->own;

	if (!h)
		return;
	net_cancel(h->job);
	github_stop(&h->app);
	http_free(h->file);
	buf_done(&h->url);
	buf_done(&h->body);
	free(h);
	o->own = NULL;
}

/* The file beside HELLO: opened for this process alone, at its beginning. */
static int load(struct http *h)
{
	CLEAN_BUF struct buf text, errs;
	uint8_t *p;
	ssize_t n;

	buf_init(&text, YAML_FILE_MAX + 1);
	buf_init(&errs, 4096);
	p = buf_extend(&text, YAML_FILE_MAX);
	if (!p)
		return -ENOMEM;
	n = fd_read_all(h->o->requests, p, YAML_FILE_MAX);
	if (n < 0)
		return (int)n;
	buf_cut(&text, (size_t)n);
	/* The file is read at each start: what the configuration's check said
	 * of it may have been of another. */
	if (http_load("requests", buf_view(&text), h->o->set.private, &h->file,
		      &errs) < 0) {
		log_error("requests", "text=%.*s",
			  (int)strcspn(buf_cstr(&errs), "\n"), buf_cstr(&errs));
		return -EINVAL;
	}
	return 0;
}

static int http_start(struct online *o)
{
	struct http *h = calloc(1, sizeof(*h));
	struct span app, installation;
	int rc;

	if (!h)
		return -ENOMEM;
	o->own = h;
	h->o = o;
	h->app = (struct github){ .net = &o->net,
				  .set = &o->set,
				  .key = &o->secret,
				  .done = app_done,
				  .arg = h };
	buf_init(&h->url, HTTP_URL_MAX);
	buf_init(&h->body, HTTP_BODY_MAX);
	rc = o->requests < 0 ? -EINVAL : load(h);
	if (rc == 0 && by_app(h) &&
	    github_user(o->set.user, &app, &installation) < 0)
		rc = -EINVAL;
	if (rc == 0)
		online_link(o, ACCOUNT_UP, "", 0);
	return rc;
}

const struct online_kind http_kind = {
	.name = "http",
	.start = http_start,
	.stop = http_stop,
	.effect = http_effect,
};
