/* request_test: files that load and files that do not, where values go, what
 * they can not do, and what is read of answers. */
#include "http/request.h"

#include <errno.h>
#include <stdio.h>

#include "base/str.h"
#include "base/testing.h"

static const char issues[] =
	"bulkhead: 1\n"
	"requests:\n"
	"  issue.comment:\n"
	"    method: POST\n"
	"    url: https://api.example.org/repos/{repo}/issues/{number}/"
	"comments?per_page={count}&kind=all&from={since}\n"
	"    params:\n"
	"      repo: {type: repo}\n"
	"      number: {type: int, min: 1, max: 99999}\n"
	"      count: {type: int, optional: true}\n"
	"      since: {type: text, max: 64}\n"
	"      body: {type: text, max: 4KiB, lines: true}\n"
	"      labels: {type: id, many: 3, optional: true}\n"
	"      draft: {type: bool, optional: true}\n"
	"    headers:\n"
	"      Authorization: \"Bearer {secret}\"\n"
	"      Accept: application/vnd.github+json\n"
	"    body: {body: \"{body}\", labels: \"{labels}\", draft: "
	"\"{draft}\", "
	"note: \"{{{number}}} of {repo}\", \"n\": [1, \"1\", true, null, -2.5, "
	"x]}\n"
	"    response:\n"
	"      id: {at: /id, type: int, min: 1}\n"
	"      state: {at: /s~1t/0/~0, type: enum, values: [open, closed]}\n"
	"      title: {at: /title, type: text, max: 8, optional: true}\n"
	"      who: {at: /user/id, type: id, optional: true}\n"
	"      bot: {at: /user/bot, type: bool, optional: true}\n"
	"    limits: {answer: 2KiB, timeout: 10s}\n"
	"  plain.get:\n"
	"    method: GET\n"
	"    url: https://[2001:db8::1]:8443/a/-{w}.json\n"
	"    params: {w: {type: text}}\n"
	"  by.ref:\n"
	"    method: DELETE\n"
	"    url: https://api.example.org/heads/{ref}/\n"
	"    params: {ref: {type: ref}}\n"
	"  list:\n"
	"    method: PUT\n"
	"    url: https://api.example.org/\n"
	"    params: {l: {type: number, many: 2}}\n"
	"    body: \"{l}\"\n";

static struct http_requests *load(const char *text)
{
	CLEAN_BUF struct buf errs;
	struct http_requests *r = NULL;

	buf_init(&errs, 1 << 16);
	if (http_load("f", span_str(text), false, &r, &errs) < 0)
		fail_msg("%s", buf_cstr(&errs));
	return r;
}

static void facts(void **)
{
	CLEAN_HTTP struct http_requests *r = load(issues);
	const struct http_request *q = http_find(r, SPAN_LIT("issue.comment"));

	assert_int_equal(http_count(r), 4);
	assert_string_equal(http_method(q), "POST");
	assert_true(span_is(http_host(q), "api.example.org"));
	assert_int_equal(http_port(q), 443);
	assert_true(http_tls(q));
	assert_int_equal(http_answer_max(q), 2048);
	assert_int_equal(http_timeout_s(q), 10);
	assert_true(http_has_fields(q));
	q = http_find(r, SPAN_LIT("plain.get"));
	assert_true(span_is(http_host(q), "[2001:db8::1]"));
	assert_int_equal(http_port(q), 8443);
	assert_int_equal(http_answer_max(q), HTTP_ANSWER_DEFAULT);
	assert_false(http_has_fields(q));
	assert_null(http_find(r, SPAN_LIT("issue")));
	assert_null(http_at(r, 4));
}

enum { ROWS = 8 };

struct arg {
	const char *name, *value;
	uint8_t shape;
};

static int make(const char *request, const struct arg *rows, struct buf *url,
		struct buf *body, struct err *e)
{
	CLEAN_HTTP struct http_requests *r = load(issues);
	struct m_arg args[ROWS];
	size_t n;

	for (n = 0; n < ROWS && rows[n].name; n++)
		args[n] = (struct m_arg){ span_str(rows[n].name), ARG_STRING,
					  rows[n].shape,
					  span_str(rows[n].value) };
	e->code = 0;
	return http_build(http_find(r, span_str(request)), args, n, url, body,
			  e);
}

static void build_good(void **)
{
	static const struct {
		const char *request;
		struct arg rows[ROWS];
		const char *url, *body;
	} rows[] = {
		{ "issue.comment",
		  { { "repo", "Raoul/Api", 0 },
		    { "number", "7", 0 },
		    { "since", "a&b=c#d/e?f g%\xc3\xa9", 0 },
		    { "body", "a \"b\"\n\\c", 0 } },
		  "https://api.example.org/repos/raoul/api/issues/7/comments"
		  "?kind=all&from=a%26b%3Dc%23d%2Fe%3Ff%20g%25%C3%A9",
		  "{\"body\":\"a \\\"b\\\"\\n\\\\c\","
		  "\"note\":\"{7} of raoul/api\","
		  "\"n\":[1,\"1\",true,null,-2.5,\"x\"]}" },
		{ "issue.comment",
		  { { "repo", "o/r", 0 },
		    { "number", "99999", 0 },
		    { "count", "5", 0 },
		    { "since", "x", 0 },
		    { "body", "b", 0 },
		    { "labels", "bug", ARG_ELEMENT },
		    { "labels", "do\"cs", ARG_ELEMENT },
		    { "draft", "true", 0 } },
		  "https://api.example.org/repos/o/r/issues/99999/comments"
		  "?per_page=5&kind=all&from=x",
		  "{\"body\":\"b\",\"labels\":[\"bug\",\"do\\\"cs\"],"
		  "\"draft\":true,\"note\":\"{99999} of o/r\","
		  "\"n\":[1,\"1\",true,null,-2.5,\"x\"]}" },
		{ "plain.get",
		  { { "w", "../../x", 0 } },
		  "https://[2001:db8::1]:8443/a/-..%2F..%2Fx.json",
		  "" },
		{ "by.ref",
		  { { "ref", "agent/one", 0 } },
		  "https://api.example.org/heads/agent%2Fone/",
		  "" },
		{ "list",
		  { { "l", "1.50", ARG_ELEMENT }, { "l", "-2", ARG_ELEMENT } },
		  "https://api.example.org/",
		  "[1.5,-2]" },
		{ "list",
		  { { "l", "", ARG_EMPTY_LIST } },
		  "https://api.example.org/",
		  "[]" },
	};
	CLEAN_BUF struct buf url, body;
	struct err e = { 0 };
	size_t i;

	buf_init(&url, HTTP_URL_MAX);
	buf_init(&body, HTTP_BODY_MAX);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (make(rows[i].request, rows[i].rows, &url, &body, &e) < 0)
			fail_msg("%zu: %s", i, e.msg);
		assert_string_equal(buf_cstr(&url), rows[i].url);
		assert_string_equal(buf_cstr(&body), rows[i].body);
	}
}

static void build_bad(void **)
{
	static const struct {
		const char *request;
		struct arg rows[ROWS];
		const char *why;
	} rows[] = {
		{ "by.ref", { { NULL } }, "the parameter ref is missing" },
		{ "by.ref", { { "rev", "x", 0 } }, "no parameter for" },
		{ "by.ref",
		  { { "ref", "x", 0 }, { "ref", "y", 0 } },
		  "comes twice" },
		{ "by.ref", { { "ref", "x", ARG_ELEMENT } }, "is no list" },
		{ "by.ref", { { "ref", "..", 0 } }, "the parameter ref" },
		{ "list", { { "l", "1", 0 } }, "is a list" },
		{ "list",
		  { { "l", "1", ARG_ELEMENT },
		    { "l", "2", ARG_ELEMENT },
		    { "l", "3", ARG_ELEMENT } },
		  "too many values" },
		{ "list", { { "l", "x", ARG_ELEMENT } }, "the parameter l" },
		{ "issue.comment",
		  { { "repo", "o/r/s", 0 } },
		  "the parameter repo" },
		{ "issue.comment",
		  { { "repo", "../r", 0 } },
		  "the parameter repo" },
		{ "issue.comment", { { "number", "0", 0 } }, "out of its" },
		{ "issue.comment",
		  { { "number", "100000", 0 } },
		  "out of its" },
		{ "issue.comment", { { "draft", "yes", 0 } }, "draft" },
		{ "issue.comment", { { "since", "a\r\nb", 0 } }, "since" },
		{ "issue.comment",
		  { { "since",
		      "1234567890123456789012345678901234567890"
		      "1234567890123456789012345",
		      0 } },
		  "is too long" },
	};
	CLEAN_BUF struct buf url, body;
	struct err e = { 0 };
	size_t i;

	buf_init(&url, HTTP_URL_MAX);
	buf_init(&body, HTTP_BODY_MAX);
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (make(rows[i].request, rows[i].rows, &url, &body, &e) !=
			    -EINVAL ||
		    !strstr(e.msg, rows[i].why))
			fail_msg("%zu: %s", i, e.msg);
}

/* What a value must not make of a part of the path. */
static void dots(void **)
{
	static const char file[] =
		"bulkhead: 1\n"
		"requests:\n"
		"  a: {method: GET, url: \"https://h/x/{a}{b}/y\", "
		"params: {a: {type: text}, b: {type: text}}}\n";
	static const struct {
		const char *a, *b;
		int rc;
	} rows[] = {
		{ ".", ".", -EINVAL }, { "", ".", -EINVAL },
		{ "", "", -EINVAL },   { "..", "", -EINVAL },
		{ ".", "..", 0 },      { "a", "", 0 },
		{ "%2e", "", 0 },      { "/", "..", 0 },
	};
	CLEAN_HTTP struct http_requests *r = load(file);
	CLEAN_BUF struct buf url, body;
	struct err e = { 0 };
	size_t i;

	buf_init(&url, HTTP_URL_MAX);
	buf_init(&body, HTTP_BODY_MAX);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct m_arg args[] = {
			{ SPAN_LIT("a"), ARG_STRING, ARG_SCALAR,
			  span_str(rows[i].a) },
			{ SPAN_LIT("b"), ARG_STRING, ARG_SCALAR,
			  span_str(rows[i].b) },
		};

		assert_int_equal(
			http_build(http_at(r, 0), args, 2, &url, &body, &e),
			rows[i].rc);
	}
	assert_string_equal(buf_cstr(&url), "https://h/x/%2F../y");
}

static void headers(void **)
{
	CLEAN_HTTP struct http_requests *r = load(issues);
	const struct http_request *q = http_at(r, 0);
	CLEAN_BUF struct buf line;
	int rc = -1;

	buf_init(&line, HTTP_HEADER_MAX + LIMIT_SECRET);
	assert_true(http_header(q, 0, SPAN_LIT("s3"), &line, &rc));
	assert_int_equal(rc, 0);
	assert_string_equal(buf_cstr(&line), "Authorization: Bearer s3");
	assert_true(http_header(q, 0, SPAN_LIT("a\r\nb: c"), &line, &rc));
	assert_int_equal(rc, -EINVAL);
	assert_true(http_header(q, 1, SPAN_LIT("s3"), &line, &rc));
	assert_string_equal(buf_cstr(&line),
			    "Accept: application/vnd.github+json");
	assert_false(http_header(q, 2, SPAN_LIT("s3"), &line, &rc));
}

/* One request whose rows are the text. */
static void refused(const char *rows, const char *why)
{
	CLEAN_BUF struct buf file, errs;
	struct http_requests *r = NULL;

	buf_init(&file, 1 << 16);
	buf_init(&errs, 1 << 16);
	buf_printf(&file, "bulkhead: 1\nrequests:\n  a.b: {%s}\n", rows);
	if (http_load("f", buf_view(&file), false, &r, &errs) == 0 ||
	    !strstr(buf_cstr(&errs), why))
		fail_msg("%s: %s", rows, buf_cstr(&errs));
	assert_null(r);
	assert_memory_equal(buf_cstr(&errs), "f:", 2);
}

#define GET	 "method: GET, url: \"https://h/\""
#define URL(u)	 "method: GET, params: {p: {type: id}}, url: \"" u "\""
#define PARAM(p) "method: GET, url: \"https://h/{p}\", params: {p: {" p "}}"

static void load_bad(void **)
{
	static const struct {
		const char *rows, *why;
	} rows[] = {
		{ "method: GET", "f:3:8: \"url\" is missing" },
		{ "url: \"https://h/\"", "\"method\" is missing" },
		{ "method: HEAD, url: \"https://h/\"",
		  "f:3:17: unknown value" },
		{ GET ", verb: x", "unknown key \"verb\"" },
		{ GET ", body: {a: 1}", "GET has no body" },
		{ GET ", params: {p: {type: id}}", "\"p\" stands nowhere" },
		{ URL("http://h/{p}"), "http:// is for accounts" },
		{ URL("ftp://h/{p}"), "begins with https://" },
		{ URL("https://{p}/"), "has a host in lower case" },
		{ URL("https://h{p}/"), "has a path" },
		{ URL("https://h:{p}/"), "has a port" },
		{ URL("https://H/{p}"), "has a host" },
		{ URL("https://u@h/{p}"), "has a path" },
		{ URL("https://h:0/{p}"), "has a port" },
		{ URL("https://h:65536/{p}"), "has a port" },
		{ URL("https://h"), "has a path" },
		{ URL("https://h?q={p}"), "has a path" },
		{ URL("https://h//{p}"), "an empty part" },
		{ URL("https://h/../{p}"), "has . or .." },
		{ URL("https://h/./{p}"), "has . or .." },
		{ URL("https://h/%2e%2e/{p}"), "can be taken" },
		{ URL("https://h/%2f/{p}"), "can be taken" },
		{ URL("https://h/%5c/{p}"), "can be taken" },
		{ URL("https://h/%zz/{p}"), "% without two" },
		{ URL("https://h/a b/{p}"), "to be encoded" },
		{ URL("https://h/{p}#x"), "to be encoded" },
		{ URL("https://h/{q}"), "not in `params`" },
		{ URL("https://h/{secret}"), "not in `params`" },
		{ URL("https://h/{p"), "a brace" },
		{ URL("https://h/p}"), "a brace" },
		{ URL("https://h/{}"), "a brace" },
		{ URL("https://h/?{p}=1"), "not name=value" },
		{ URL("https://h/?{p}"), "not name=value" },
		{ URL("https://h/?=1{p}"), "not name=value" },
		{ URL("https://h/{p}?"), "nothing behind" },
		{ URL("https://h/?a=b=c{p}"), "to be encoded" },
		{ PARAM("max: 3"), "\"type\" is missing" },
		{ PARAM("type: file"), "unknown value" },
		{ PARAM("type: enum"), "\"values\" is missing" },
		{ PARAM("type: int, values: [a]"), "not for this type" },
		{ PARAM("type: id, min: 1"), "not for this type" },
		{ PARAM("type: id, lines: true"), "not for this type" },
		{ PARAM("type: int, min: 3, max: 2"), "is above" },
		{ PARAM("type: int, min: x"), "of its own type" },
		{ PARAM("type: text, max: 33KiB"), "a size from 1" },
		{ PARAM("type: text, max: 0"), "a size from 1" },
		{ PARAM("type: id, many: 2"), "`body` alone" },
		{ PARAM("type: id, many: 33"), "1 to 32" },
		{ PARAM("type: id, optional: true"), "optional" },
		{ "method: GET, url: \"https://h/x{p}\", params: "
		  "{p: {type: repo}}",
		  "a repo beside" },
		{ "method: GET, url: \"https://h/?q=x{p}\", params: "
		  "{p: {type: id, optional: true}}",
		  "optional" },
		{ GET ", params: {secret: {type: id}}", "is not secret" },
		{ GET ", headers: {Host: x}", "not for a file" },
		{ GET ", headers: {content-LENGTH: x}", "not for a file" },
		{ GET ", headers: {Proxy-Authorization: x}", "not for a file" },
		{ GET ", headers: {\"A b\": x}", "a header's name" },
		{ GET ", headers: {A: \"{p}\"}", "no parameter but" },
		{ GET ", headers: {A: \"x\\ny\"}", "visible ASCII" },
		{ GET ", headers: {A: \"{secret\"}", "a brace" },
		{ "method: POST, url: \"https://h/\", body: {a: \"{p}\"}",
		  "not in `params`" },
		{ "method: POST, url: \"https://h/\", body: {a: \"{\"}",
		  "a brace" },
		{ "method: POST, url: \"https://h/\", params: {p: {type: id, "
		  "many: 2}}, body: {a: \"x {p}\"}",
		  "beside other text" },
		{ GET ", response: {f: {type: int}}", "\"at\" is missing" },
		{ GET ", response: {f: {type: int, at: id}}",
		  "a JSON pointer" },
		{ GET ", response: {f: {type: int, at: \"/a~2\"}}",
		  "a JSON pointer" },
		{ GET ", response: {f: {type: text, at: /a, max: 5KiB}}",
		  "a size from 1 to 4096" },
		{ GET ", response: {}", "a map of 1 to 16" },
		{ GET ", limits: {answer: 2MiB}", "1 to 1MiB" },
		{ GET ", limits: {timeout: 6m}", "1s to 5m" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		refused(rows[i].rows, rows[i].why);
}

static void answers(void **)
{
	static const struct {
		const char *body, *want; /* NULL: refused, with */
		const char *why;
	} rows[] = {
		{ "{\"id\": 12, \"s/t\": [{\"~\": \"open\"}], \"x\": {}}",
		  "id=12 state=open ", NULL },
		{ "{\"id\":1,\"s/t\":[{\"~\":\"closed\"}],\"title\":"
		  "\"a\\u0007b\\nc\",\"user\":{\"id\":77,\"bot\":false}}",
		  "id=1 state=closed title=ab\nc who=77 bot=false ", NULL },
		{ "{\"id\":1,\"s/t\":[{\"~\":\"open\"}],\"title\":null}",
		  "id=1 state=open ", NULL },
		{ "{\"id\":0,\"s/t\":[{\"~\":\"open\"}]}", NULL,
		  "id in the answer is out of its bounds" },
		{ "{\"id\":1.0,\"s/t\":[{\"~\":\"open\"}]}", NULL,
		  "id in the answer" },
		{ "{\"id\":\"1\",\"s/t\":[{\"~\":\"open\"}]}", NULL,
		  "of another kind" },
		{ "{\"id\":1,\"s/t\":[{\"~\":\"merged\"}]}", NULL,
		  "none of its words" },
		{ "{\"id\":1,\"s/t\":[]}", NULL, "has no state" },
		{ "{\"s/t\":[{\"~\":\"open\"}]}", NULL, "has no id" },
		{ "{\"id\":1,\"id\":2,\"s/t\":[{\"~\":\"open\"}]}", NULL,
		  "twice" },
		{ "{\"id\":1,\"s/t\":[{\"~\":\"open\"}],\"title\":"
		  "\"123456789\"}",
		  NULL, "title in the answer is too long" },
		{ "{\"id\":1,\"s/t\":[{\"~\":\"open\"}],\"user\":{\"id\":"
		  "\"a b\"}}",
		  NULL, "who in the answer" },
		{ "[]", NULL, "has no id" },
		{ "", NULL, "is no JSON" },
		{ "<html>", NULL, "is no JSON" },
	};
	CLEAN_HTTP struct http_requests *r = load(issues);
	CLEAN_BUF struct buf shown;
	struct http_fields f;
	size_t i;

	buf_init(&shown, 1 << 16);
	http_fields_init(&f);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct err e = { 0 };
		int rc = http_answer(http_at(r, 0), span_str(rows[i].body), &f,
				     &e);
		uint32_t k;

		buf_reset(&shown);
		for (k = 0; k < f.n; k++)
			buf_printf(&shown, "%.*s=%.*s ", (int)f.rows[k].name.n,
				   f.rows[k].name.p, (int)f.rows[k].value.n,
				   f.rows[k].value.p);
		if (rows[i].want) {
			if (rc < 0)
				fail_msg("%zu: %s", i, e.msg);
			assert_string_equal(buf_cstr(&shown), rows[i].want);
		} else if (rc != -EINVAL || f.n ||
			   !strstr(e.msg, rows[i].why)) {
			fail_msg("%zu: %s", i, e.msg);
		}
	}
	http_fields_done(&f);
}

static void answer_size(void **)
{
	CLEAN_HTTP struct http_requests *r = load(issues);
	CLEAN_BUF struct buf body;
	struct http_fields f;
	struct err e = { 0 };

	buf_init(&body, 1 << 16);
	http_fields_init(&f);
	buf_str(&body, "{\"id\":1,\"s/t\":[{\"~\":\"open\"}]}");
	while (body.n < 2048)
		buf_u8(&body, ' ');
	assert_int_equal(http_answer(http_at(r, 0), buf_view(&body), &f, &e),
			 0);
	buf_u8(&body, ' ');
	assert_int_equal(http_answer(http_at(r, 0), buf_view(&body), &f, &e),
			 -EINVAL);
	http_fields_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts),     cmocka_unit_test(build_good),
		cmocka_unit_test(build_bad), cmocka_unit_test(dots),
		cmocka_unit_test(headers),   cmocka_unit_test(load_bad),
		cmocka_unit_test(answers),   cmocka_unit_test(answer_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
