/* token_test: what is asked of a token endpoint, and which answers are one. */
#include "token.h"

#include <errno.h>
#include <stdio.h>

#include "base/testing.h"

static struct {
	struct online o;
	struct token token;
	struct net_call call;
	char body[1024];
	char why[128];
	bool done, ok, denied;
} w;

int net_call(struct net *, const struct net_call *c, struct net_job **)
{
	w.call = *c;
	(void)snprintf(w.body, sizeof(w.body), "%.*s", (int)c->body.n,
		       (const char *)c->body.p);
	return 0;
}

void net_cancel(struct net_job *)
{
}

static void on_done(void *, const char *why, bool denied)
{
	w.done = true;
	w.ok = !why;
	w.denied = denied;
	(void)snprintf(w.why, sizeof(w.why), "%s", why ? why : "");
}

static int begin(const char *secret)
{
	memset(&w, 0, sizeof(w));
	(void)snprintf(w.o.set.token, sizeof(w.o.set.token),
		       "https://t.example:8443/o/token");
	assert_int_equal(secret_set(&w.o.secret, span_str(secret)), 0);
	token_init(&w.token, &w.o, on_done, NULL);
	return token_get(&w.token);
}

static void end(void)
{
	token_done(&w.token);
	secret_wipe(&w.o.secret);
}

static void answer(long status, const char *body)
{
	w.call.done(w.call.arg, &(struct net_answer){ .sent = true,
						      .trusted = true,
						      .status = status,
						      .body = span_str(body) });
}

static void request(void **)
{
	assert_int_equal(begin("{\"client_id\":\"i d\",\"refresh_token\":"
			       "\"a/b&c=d\",\"client_secret\":\"s~\"}"),
			 0);
	assert_string_equal(w.call.method, "POST");
	assert_string_equal(w.call.scheme, "https");
	assert_string_equal(w.call.path, "/o/token");
	assert_int_equal(w.call.port, 8443);
	assert_string_equal(w.body,
			    "grant_type=refresh_token&client_id=i%20d&"
			    "client_secret=s~&refresh_token=a%2Fb%26c%3Dd");
	end();
}

static void secrets(void **)
{
	static const char *const rows[] = {
		"plain",
		"{}",
		"{\"client_id\":\"x\"}",
		"{\"refresh_token\":\"x\"}",
		"{\"client_id\":\"\",\"refresh_token\":\"x\"}",
		"{\"client_id\":1,\"refresh_token\":\"x\"}",
		("{\"client_id\":\"x\",\"refresh_token\":\"x\","
		 "\"refresh_token\":\"y\"}"),
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (begin(rows[i]) != -EBADMSG)
			fail_msg("taken: %s", rows[i]);
		end();
	}
}

static void answers(void **)
{
	static const struct {
		long status;
		const char *body;
		bool ok, denied;
	} rows[] = {
		{ 200, "{\"access_token\":\"abc\",\"expires_in\":3599}", true,
		  false },
		{ 200,
		  "{\"token_type\":\"Bearer\",\"scope\":\"x\",\"expires_in\":"
		  "3599,\"ext_expires_in\":3599,\"access_token\":\"abc\","
		  "\"refresh_token\":\"new\"}",
		  true, false },
		{ 200, "{\"access_token\":\"abc\"}", true, false },
		{ 200, "{\"access_token\":\"abc\",\"expires_in\":0}", false,
		  false },
		{ 200, "{\"access_token\":\"abc\",\"expires_in\":\"1\"}", false,
		  false },
		{ 200, "{\"access_token\":\"\",\"expires_in\":1}", false,
		  false },
		{ 200, "{\"access_token\":\"a\",\"access_token\":\"b\"}", false,
		  false },
		{ 200, "{}", false, false },
		{ 200, "<html>", false, false },
		{ 400, "{\"error\":\"invalid_grant\"}", false, true },
		{ 401, "", false, true },
		{ 503, "", false, false },
		{ 302, "", false, false },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(begin("{\"client_id\":\"i\","
				       "\"refresh_token\":\"r\"}"),
				 0);
		assert_false(token_fresh(&w.token));
		answer(rows[i].status, rows[i].body);
		assert_true(w.done);
		if (w.ok != rows[i].ok || w.denied != rows[i].denied)
			fail_msg("row %zu: %s", i, w.why);
		assert_int_equal(token_fresh(&w.token), rows[i].ok);
		if (rows[i].ok)
			assert_true(
				span_is(secret_view(&w.token.access), "abc"));
		token_drop(&w.token);
		assert_false(token_fresh(&w.token));
		end();
	}
}

/* A new refresh token is used, and the vault's again once it is not taken. */
static void rotates(void **)
{
	static const char ours[] = "{\"client_id\":\"i\","
				   "\"refresh_token\":\"of-vault\"}";

	assert_int_equal(begin(ours), 0);
	assert_non_null(strstr(w.body, "refresh_token=of-vault"));
	answer(200, "{\"access_token\":\"a\",\"refresh_token\":\"new\"}");
	assert_true(w.ok);
	assert_int_equal(token_get(&w.token), 0);
	assert_non_null(strstr(w.body, "refresh_token=new"));
	/* None of these is one. */
	answer(200, "{\"access_token\":\"a\",\"refresh_token\":\"\"}");
	assert_int_equal(token_get(&w.token), 0);
	assert_non_null(strstr(w.body, "refresh_token=new"));
	answer(200, "{\"access_token\":\"a\",\"refresh_token\":7}");
	assert_int_equal(token_get(&w.token), 0);
	assert_non_null(strstr(w.body, "refresh_token=new"));
	/* Not for now: it is kept. */
	answer(503, "");
	assert_int_equal(token_get(&w.token), 0);
	assert_non_null(strstr(w.body, "refresh_token=new"));
	answer(400, "{\"error\":\"invalid_grant\"}");
	assert_false(w.ok || w.denied);
	assert_int_equal(token_get(&w.token), 0);
	assert_non_null(strstr(w.body, "refresh_token=of-vault"));
	answer(400, "{\"error\":\"invalid_grant\"}");
	assert_true(w.denied);
	assert_non_null(strstr(w.why, "refresh token"));
	assert_int_equal(token_get(&w.token), 0);
	answer(401, "{\"error\":\"invalid_client\"}");
	assert_true(w.denied);
	assert_non_null(strstr(w.why, "client_id"));
	end();
}

static void urls(void **)
{
	static const struct {
		const char *url, *host;
		uint32_t port; /* 0: refused */
		const char *path;
	} rows[] = {
		{ "https://a.example/t", "a.example", 443, "/t" },
		{ "https://a.example:8443/", "a.example", 8443, "/" },
		{ "https://[::1]/t?x", "::1", 443, "/t?x" },
		{ "https://[::1]:2/t", "::1", 2, "/t" },
		{ "http://a.example/t", NULL, 0, NULL },
		{ "https://a.example", NULL, 0, NULL },
		{ "https:///t", NULL, 0, NULL },
		{ "https://u@a.example/t", NULL, 0, NULL },
		{ "https://a.example:0/t", NULL, 0, NULL },
		{ "", NULL, 0, NULL },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct settings_host h;
		const char *path;
		int r = token_url(rows[i].url, &h, &path);

		if ((r == 0) != (rows[i].port != 0))
			fail_msg("%s: %d", rows[i].url, r);
		if (r < 0)
			continue;
		assert_string_equal(h.name, rows[i].host);
		assert_int_equal(h.port, rows[i].port);
		assert_string_equal(path, rows[i].path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request), cmocka_unit_test(secrets),
		cmocka_unit_test(answers), cmocka_unit_test(rotates),
		cmocka_unit_test(urls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
