/*
 * http_test: an http account between a scripted server and a scripted broker:
 * what is asked for, what becomes of each answer, and that a token of an App
 * lives for one request alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/testing.h"
#include "github.h"
#include "run.h"

/* The world around it: what it asked for last, and what it said. */
static struct {
	unsigned calls, cancelled, effects, holds, releases;
	int call_rc;
	char scheme[8], host[64], method[8], path[512], body[512];
	char headers[4096];
	uint32_t port, limit_ms;
	size_t limit_bytes;
	bool (*go)(void *arg);
	void (*done)(void *arg, const struct net_answer *a);
	void *arg;
	uint64_t effect, task;
	unsigned state, link;
	char detail[512], fields[512];
	bool killed;
} w;

int net_call(struct net *, const struct net_call *c, struct net_job **ret)
{
	size_t i;

	if (w.call_rc < 0)
		return w.call_rc;
	w.calls++;
	(void)str_printf(w.scheme, sizeof(w.scheme), "%s", c->scheme);
	(void)str_printf(w.host, sizeof(w.host), "%s", c->host);
	(void)str_printf(w.method, sizeof(w.method), "%s", c->method);
	(void)str_printf(w.path, sizeof(w.path), "%s", c->path);
	(void)str_printf(w.body, sizeof(w.body), "%.*s", (int)c->body.n,
			 c->body.n ? (const char *)c->body.p : "");
	w.headers[0] = 0;
	for (i = 0; i < c->n_headers; i++) {
		size_t at = strlen(w.headers);

		(void)str_printf(w.headers + at, sizeof(w.headers) - at, "%s\n",
				 c->headers[i]);
	}
	w.port = c->port;
	w.limit_ms = c->limit_ms;
	w.limit_bytes = c->limit_bytes;
	w.go = c->go;
	w.done = c->done;
	w.arg = c->arg;
	*ret = (struct net_job *)(uintptr_t)&w;
	return 0;
}

void net_cancel(struct net_job *j)
{
	w.cancelled += j != NULL;
}

void online_hold(struct online *, bool on)
{
	w.holds += on;
	w.releases += !on;
}

void online_link(struct online *, enum account_state state, const char *,
		 uint64_t)
{
	w.link = state;
}

bool online_killed(const struct online *, struct span, uint64_t)
{
	return w.killed;
}

void online_effect_done(struct online *, const struct msg_ids *ids,
			uint64_t effect, enum effect_state state,
			const char *detail)
{
	w.effects++;
	w.effect = effect;
	w.task = ids->task;
	w.state = state;
	w.fields[0] = 0;
	(void)str_printf(w.detail, sizeof(w.detail), "%s", detail);
}

void online_tell(struct online *o, struct chan *to, int fd)
{
	const struct m_effect_done *d = &o->msg.effect_done;
	uint32_t i;

	assert_ptr_equal(to, &o->broker);
	assert_int_equal(fd, -1);
	assert_int_equal(o->msg.type, MSG_EFFECT_DONE);
	online_effect_done(o, &o->msg.ids, d->effect,
			   (enum effect_state)d->state, "");
	(void)str_printf(w.detail, sizeof(w.detail), "%.*s", (int)d->detail.n,
			 d->detail.p);
	for (i = 0; i < d->n; i++) {
		size_t at = strlen(w.fields);

		(void)str_printf(w.fields + at, sizeof(w.fields) - at,
				 "%.*s=%.*s ", (int)d->args[i].name.n,
				 d->args[i].name.p, (int)d->args[i].value.n,
				 d->args[i].value.p);
	}
}

static const char file[] =
	"bulkhead: 1\n"
	"requests:\n"
	"  light.set:\n"
	"    method: POST\n"
	"    url: https://[2001:db8::1]:8123/api/services/{service}\n"
	"    params:\n"
	"      service: {type: id}\n"
	"      level: {type: int, optional: true}\n"
	"    headers: {Authorization: \"Bearer {secret}\", accept: text/json}\n"
	"    body: {level: \"{level}\", on: true}\n"
	"    response:\n"
	"      id: {at: /id, type: int}\n"
	"    limits: {answer: 1KiB, timeout: 5s}\n"
	"  light.get:\n"
	"    method: GET\n"
	"    url: https://h.example/state\n"
	"  issue.close:\n"
	"    method: PATCH\n"
	"    url: https://api.github.com/repos/{repo}\n"
	"    params: {repo: {type: repo}}\n"
	"    headers: {Authorization: \"Bearer {secret}\"}\n"
	"    body: {state: closed}\n";

static struct online o;
static char pem[8192];

static void begin(const char *secret, enum settings_auth auth)
{
	char path[] = "/tmp/http_test.XXXXXX";

	w = (__typeof__(w)){ 0 };
	memset(&o, 0, sizeof(o));
	o.requests = mkstemp(path);
	assert_true(o.requests >= 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(fd_write_all(o.requests, span_str(file)), 0);
	assert_int_equal(lseek(o.requests, 0, SEEK_SET), 0);
	assert_int_equal(secret_set(&o.secret, span_str(secret)), 0);
	o.set.auth = auth;
	o.set.n_hosts = 1;
	o.set.hosts[0].port = 443;
	(void)str_printf(o.set.hosts[0].name, SETTINGS_HOST, "api.github.com");
	(void)str_printf(o.set.user, SETTINGS_TEXT, "12345/678");
	assert_int_equal(http_kind.start(&o), 0);
	assert_int_equal(w.link, ACCOUNT_UP);
}

static void finish(void)
{
	http_kind.stop(&o);
	assert_null(o.own);
	secret_wipe(&o.secret);
	fd_close(&o.requests);
}

static void effect(const char *capability, const char *arg, const char *value)
{
	o.in = (struct msg){ .type = MSG_EFFECT, .ids = { .task = 9 } };
	o.in.effect.effect = 7;
	o.in.effect.capability = span_str(capability);
	if (arg) {
		o.in.effect.n = 1;
		o.in.effect.args[0] =
			(struct m_arg){ span_str(arg), ARG_STRING, ARG_SCALAR,
					span_str(value) };
	}
	http_kind.effect(&o);
}

static void answer(long status, const char *body)
{
	const struct net_answer a = { .status = status,
				      .body = span_str(body),
				      .sent = true };

	w.done(w.arg, &a);
}

static void fails(const char *why, bool sent)
{
	const struct net_answer a = { .why = why, .sent = sent };

	w.done(w.arg, &a);
}

static void told(unsigned state, const char *detail)
{
	if (w.effects != 1 || w.effect != 7 || w.task != 9 ||
	    w.state != state || strcmp(w.detail, detail) != 0)
		fail_msg("%u effects, state %u, %s", w.effects, w.state,
			 w.detail);
	assert_int_equal(w.holds, 1);
	assert_int_equal(w.releases, 1);
}

static void request(void **)
{
	begin("s3cret", AUTH_PASSWORD);
	effect("light.set", "service", "light/turn_on");
	assert_int_equal(w.calls, 1);
	assert_string_equal(w.scheme, "https");
	assert_string_equal(w.host, "2001:db8::1");
	assert_int_equal(w.port, 8123);
	assert_string_equal(w.method, "POST");
	assert_string_equal(w.path, "/api/services/light%2Fturn_on");
	assert_string_equal(w.body, "{\"on\":true}");
	assert_string_equal(w.headers, "Authorization: Bearer s3cret\n"
				       "accept: text/json\n"
				       "User-Agent: bulkhead\n"
				       "Content-Type: application/json\n");
	assert_int_equal(w.limit_ms, 5000);
	assert_int_equal(w.limit_bytes, 1024);
	assert_int_equal(w.effects, 0);
	assert_true(w.go(w.arg));
	w.killed = true;
	assert_false(w.go(w.arg));
	answer(201, "{\"id\": 12, \"text\": \"ignored\"}");
	told(EFFECT_DONE, "HTTP 201");
	assert_string_equal(w.fields, "id=12 ");
	finish();
}

static void outcomes(void **)
{
	static const struct {
		const char *capability;
		long status;
		const char *body;
		unsigned state;
		const char *detail;
	} rows[] = {
		{ "light.set", 200, "{\"id\":\"x\"}", EFFECT_DONE,
		  "HTTP 200; id in the answer is of another kind" },
		{ "light.get", 200, "anything", EFFECT_DONE, "HTTP 200" },
		{ "light.get", 204, "", EFFECT_DONE, "HTTP 204" },
		{ "light.set", 302, "", EFFECT_UNKNOWN,
		  "HTTP 302: a redirection is not followed" },
		{ "light.get", 302, "", EFFECT_FAILED,
		  "HTTP 302: a redirection is not followed" },
		{ "light.set", 400, "{}", EFFECT_FAILED, "HTTP 400" },
		{ "light.set", 401, "{}", EFFECT_FAILED, "HTTP 401" },
		{ "light.set", 429, "{}", EFFECT_FAILED, "HTTP 429" },
		{ "light.set", 500, "{}", EFFECT_UNKNOWN, "HTTP 500" },
		{ "light.get", 500, "{}", EFFECT_FAILED, "HTTP 500" },
		{ "light.set", 101, "", EFFECT_UNKNOWN, "HTTP 101" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		bool set = !strcmp(rows[i].capability, "light.set");

		begin("s3cret", AUTH_PASSWORD);
		effect(rows[i].capability, set ? "service" : NULL, "x");
		answer(rows[i].status, rows[i].body);
		told(rows[i].state, rows[i].detail);
		assert_string_equal(w.fields, "");
		assert_int_equal(w.calls, 1);
		finish();
	}
}

/* What did not come to an answer: sent or not decides. */
static void cuts(void **)
{
	static const struct {
		const char *capability;
		bool sent;
		unsigned state;
	} rows[] = {
		{ "light.set", false, EFFECT_FAILED },
		{ "light.set", true, EFFECT_UNKNOWN },
		{ "light.get", true, EFFECT_FAILED },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		bool set = !strcmp(rows[i].capability, "light.set");

		begin("s3cret", AUTH_PASSWORD);
		effect(rows[i].capability, set ? "service" : NULL, "x");
		fails("the connection was cut", rows[i].sent);
		told(rows[i].state, "the connection was cut");
		assert_int_equal(w.link, ACCOUNT_WAITING);
		finish();
	}
}

/* Nothing is sent of what the file does not have. */
static void not_begun(void **)
{
	begin("s3cret", AUTH_PASSWORD);
	effect("light.toggle", NULL, NULL);
	assert_int_equal(w.state, EFFECT_FAILED);
	effect("light.set", "room", "x");
	assert_int_equal(w.state, EFFECT_FAILED);
	effect("light.set", NULL, NULL);
	assert_int_equal(w.state, EFFECT_FAILED);
	assert_string_equal(w.detail, "the parameter service is missing");
	effect("light.set", "service", "a b");
	assert_int_equal(w.state, EFFECT_FAILED);
	assert_int_equal(w.calls, 0);
	assert_int_equal(w.holds, 0);
	w.call_rc = -EMFILE;
	effect("light.get", NULL, NULL);
	assert_int_equal(w.state, EFFECT_FAILED);
	assert_int_equal(w.releases, 1);
	finish();
	begin("two\r\nlines", AUTH_PASSWORD);
	effect("light.set", "service", "x");
	told(EFFECT_FAILED, "the secret has bytes that no header has");
	assert_int_equal(w.calls, 0);
	finish();
}

/* An App's token: made for the repository, used once, ended. */
static void app(void **)
{
	begin(pem, AUTH_GITHUB_APP);
	effect("issue.close", "repo", "Raoul/Api");
	assert_string_equal(w.method, "POST");
	assert_string_equal(w.host, "api.github.com");
	assert_string_equal(w.path, "/app/installations/678/access_tokens");
	assert_string_equal(w.body, "{\"repositories\":[\"api\"]}");
	assert_non_null(strstr(w.headers, "Authorization: Bearer ey"));
	answer(201, "{\"token\":\"ghs_abc\",\"expires_at\":\"2026\"}");
	assert_int_equal(w.calls, 2);
	assert_string_equal(w.method, "PATCH");
	assert_string_equal(w.path, "/repos/raoul/api");
	assert_non_null(strstr(w.headers, "Authorization: Bearer ghs_abc\n"));
	answer(200, "{}");
	assert_int_equal(w.effects, 1);
	assert_int_equal(w.state, EFFECT_DONE);
	assert_int_equal(w.calls, 3);
	assert_int_equal(w.releases, 0);
	assert_string_equal(w.method, "DELETE");
	assert_string_equal(w.path, "/installation/token");
	assert_non_null(strstr(w.headers, "Authorization: Bearer ghs_abc\n"));
	answer(204, "");
	told(EFFECT_DONE, "HTTP 200");
	assert_int_equal(w.calls, 3);
	finish();
}

/* Ended after a failure, too; and where there is none, nothing is sent. */
static void app_fails(void **)
{
	static const struct {
		long status;
		const char *body, *why;
	} rows[] = {
		{ 401, "{}", "GitHub does not take the App's key" },
		{ 404, "{}", "GitHub knows no such installation of the App" },
		{ 422, "{}", "the installation does not have this repository" },
		{ 500, "", "GitHub gave no token" },
		{ 201, "{}", "GitHub's answer has no token" },
		{ 201, "{\"token\":\"\"}", "GitHub's answer has no token" },
		{ 201, "{\"token\":\"a\\r\\nb\"}",
		  "GitHub's answer has no token" },
		{ 201, "<", "GitHub's answer has no token" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		begin(pem, AUTH_GITHUB_APP);
		effect("issue.close", "repo", "raoul/api");
		answer(rows[i].status, rows[i].body);
		told(EFFECT_FAILED, rows[i].why);
		assert_int_equal(w.calls, 1);
		finish();
	}
	begin(pem, AUTH_GITHUB_APP);
	effect("issue.close", "repo", "raoul/api");
	answer(201, "{\"token\":\"ghs_abc\"}");
	fails("the connection was cut", true);
	assert_int_equal(w.state, EFFECT_UNKNOWN);
	assert_string_equal(w.method, "DELETE");
	fails("the connection was cut", true);
	told(EFFECT_UNKNOWN, "the connection was cut");
	finish();
	begin("no key", AUTH_GITHUB_APP);
	effect("issue.close", "repo", "raoul/api");
	told(EFFECT_FAILED, "the secret is no RSA key of an App, in PEM");
	assert_int_equal(w.calls, 0);
	finish();
}

static size_t base64(const char *s, size_t n, uint8_t *dst)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789-_";
	uint32_t v = 0;
	size_t i, out = 0, bits = 0;

	for (i = 0; i < n; i++) {
		const char *at = strchr(digits, s[i]);

		assert_non_null(at);
		v = v << 6 | (uint32_t)(at - digits);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			dst[out++] = (uint8_t)(v >> bits);
		}
	}
	return out;
}

/* The assertion is what RFC 7519 says, and verifies with the public half. */
static void assertion(void **)
{
	uint8_t bytes[1024] = { 0 };
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	const char *text, *dot, *last;
	CLEAN_BUF struct buf jwt;
	size_t n;

	buf_init(&jwt, GITHUB_JWT_MAX);
	assert_int_equal(
		github_jwt(span_str(pem), SPAN_LIT("Iv1.ab"), 1700000000, &jwt),
		0);
	text = buf_cstr(&jwt);
	dot = strchr(text, '.');
	last = strrchr(text, '.');
	assert_true(dot && last > dot);
	n = base64(text, (size_t)(dot - text), bytes);
	assert_true(span_is(span_of(bytes, n),
			    "{\"alg\":\"RS256\",\"typ\":\"JWT\"}"));
	n = base64(dot + 1, (size_t)(last - dot - 1), bytes);
	assert_true(span_is(span_of(bytes, n),
			    "{\"iat\":1699999940,\"exp\":1700000540,"
			    "\"iss\":\"Iv1.ab\"}"));
	n = base64(last + 1, strlen(last + 1), bytes);
	assert_int_equal(EVP_DigestVerifyInit(c, NULL, EVP_sha256(), NULL, key),
			 1);
	assert_int_equal(EVP_DigestVerify(c, bytes, n, (const uint8_t *)text,
					  (size_t)(last - text)),
			 1);
	EVP_MD_CTX_free(c);
	EVP_PKEY_free(key);
	BIO_free(bio);
}

static void users(void **)
{
	static const struct {
		const char *user;
		int rc;
	} rows[] = {
		{ "1/2", 0 },	 { "Iv1.abc/99", 0 }, { "1", -1 },
		{ "/2", -1 },	 { "1/", -1 },	      { "1/x", -1 },
		{ "1/2/3", -1 }, { "a\"b/2", -1 },    { "1/0", -1 },
		{ "1/02", -1 },
	};
	struct span a, b;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(github_user(rows[i].user, &a, &b), rows[i].rc);
}

static int make_key(void **)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	BIO *bio = BIO_new(BIO_s_mem());
	int n;

	if (!key ||
	    !PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL))
		return -1;
	n = BIO_read(bio, pem, sizeof(pem) - 1);
	BIO_free(bio);
	EVP_PKEY_free(key);
	return n > 0 ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request),   cmocka_unit_test(outcomes),
		cmocka_unit_test(cuts),	     cmocka_unit_test(not_begun),
		cmocka_unit_test(app),	     cmocka_unit_test(app_fails),
		cmocka_unit_test(assertion), cmocka_unit_test(users),
	};

	return cmocka_run_group_tests(tests, make_key, NULL);
}
