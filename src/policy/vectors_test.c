/*
 * vectors: every vector beside an example policy is decided as it says, every
 * row of every example is met by one, and what is wrong with a vector is told.
 */
#include "base/testing.h"

#include <errno.h>
#include <stdio.h>

#include "base/str.h"
#include "conf/zoneinfo.h"
#include "policy/model.h"
#include "policy/vectors.h"

static const char *const examples[] = { "assistant", "personal-assistant",
					"coding-agent", "home-automation" };

/* Any zone will do where the system has none. */
static int read_zone(void *ctx, const char *name, struct buf *out)
{
	static const uint8_t one[] = { 0, 0, 0, 1, 0, 0,   0,	4,   0,
				       0, 0, 0, 0, 0, 'U', 'T', 'C', 0 };
	static const uint8_t none[31];
	int block;

	if (conf_zone_read(ctx, name, out) == 0)
		return 0;
	buf_reset(out);
	for (block = 0; block < 2; block++) {
		buf_str(out, "TZif2");
		buf_put(out, none, sizeof(none));
		buf_put(out, one, sizeof(one));
	}
	buf_str(out, "\nUTC0\n");
	return 0;
}

static void read_file(const char *name, const char *end, struct buf *text)
{
	CLEAN_BUF struct buf errs;
	char path[512];

	buf_init(&errs, 1 << 16);
	buf_init(text, YAML_FILE_MAX);
	(void)snprintf(path, sizeof(path), POLICIES "/%s%s", name, end);
	if (conf_read_file(path, text, &errs) < 0)
		fail_msg("%s", buf_cstr(&errs));
}

static struct policy *open_policy(const char *name)
{
	static const struct policy_zones zones = { .read = read_zone };
	CLEAN_BUF struct buf errs;
	CLEAN_BUF struct buf text;
	struct policy *p = NULL;

	buf_init(&errs, 1 << 16);
	read_file(name, ".yaml", &text);
	if (policy_load(name, buf_view(&text), &zones, &p, &errs) < 0)
		fail_msg("%s", buf_cstr(&errs));
	return p;
}

static struct vectors *open_vectors(const char *name)
{
	CLEAN_BUF struct buf errs;
	CLEAN_BUF struct buf text;
	struct vectors *v = NULL;

	buf_init(&errs, 1 << 16);
	read_file(name, ".test.yaml", &text);
	if (vectors_load(name, buf_view(&text), &v, &errs) < 0)
		fail_msg("%s", buf_cstr(&errs));
	return v;
}

/* Time zones are there: the vectors of the examples need two of them. */
static bool zones_are_there(void)
{
	CLEAN_BUF struct buf zone;

	buf_init(&zone, 64 << 10);
	return conf_zone_read(NULL, "Europe/Paris", &zone) == 0 &&
	       conf_zone_read(NULL, "Europe/Berlin", &zone) == 0;
}

static void decided_so(void **)
{
	CLEAN_BUF struct buf errs;
	struct vector_result r;
	size_t i, k, bad = 0;

	if (!zones_are_there())
		skip();
	buf_init(&errs, 1 << 16);
	for (i = 0; i < ARRAY_SIZE(examples); i++) {
		struct policy *p = open_policy(examples[i]);
		struct vectors *v = open_vectors(examples[i]);

		assert_true(vectors_count(v) > 0);
		for (k = 0; k < vectors_count(v); k++) {
			if (vectors_run(v, p, k, &r, &errs) < 0)
				fail_msg("%s", buf_cstr(&errs));
			if (r.ok)
				continue;
			bad++;
			print_error("%s:%u: %s: %s by %s (%s), want %s by %s\n",
				    examples[i], r.at.line, r.name, r.verdict,
				    r.got, r.reason, r.want, r.clause);
		}
		vectors_free(v);
		policy_free(p);
	}
	assert_int_equal(bad, 0);
}

/* "decide 2" of the capability is the clause of some vector. */
static bool met(const struct policy *p, const struct vectors *v,
		const char *call, size_t row)
{
	CLEAN_BUF struct buf errs;
	struct vector_result r;
	char clause[32];
	size_t i;

	buf_init(&errs, 1 << 16);
	(void)snprintf(clause, sizeof(clause), "decide %zu", row);
	for (i = 0; i < vectors_count(v); i++)
		if (vectors_run(v, p, i, &r, &errs) == 0 &&
		    !strcmp(r.call, call) && !strcmp(r.got, clause))
			return true;
	return false;
}

static void every_row_has_one(void **)
{
	size_t i, k, n;

	if (!zones_are_there())
		skip();
	for (i = 0; i < ARRAY_SIZE(examples); i++) {
		struct policy *p = open_policy(examples[i]);
		struct vectors *v = open_vectors(examples[i]);

		for (k = 0; k < p->n_caps; k++)
			for (n = 1; n <= p->caps[k]->n_rows; n++)
				if (!met(p, v, p->caps[k]->name, n))
					fail_msg("%s: %s, row %zu: no vector",
						 examples[i], p->caps[k]->name,
						 n);
		vectors_free(v);
		policy_free(p);
	}
}

/* A request that cannot be read is told of, with its place. */
static void told(void **)
{
	static const struct {
		const char *text;
		const char *want;
	} rows[] = {
		{ "[]", NULL },
		{ "{call: x}", "\"args\"" },
		{ "{call: x, args: [], given: {}}", "1:1: " },
		{ "{call: x, args: {}, given: {tim: 1}}", "unknown key" },
		{ "{call: x, args: {}, given: {time: noon}}", "is no time" },
		{ "{call: x, args: {}, given: {item: {source: post, from: a, "
		  "id: b}}}",
		  "no source" },
		{ "{call: x, args: {}, given: {item: {source: mail, from: a, "
		  "id: b}}}",
		  "is not a mail address" },
		{ "{call: x, args: {}, given: {handles: {'@1': {of: mail, "
		  "value: v, from: a@b.c, id: i}}}}",
		  "SOURCE.KIND" },
		{ "{call: x, args: {}, given: {handles: {'@9999': {of: "
		  "mail.text, value: v, from: a@b.c, id: i}}}}",
		  "SOURCE.KIND" },
		{ "{call: x, args: {}, given: {session: {tainted: maybe}}}",
		  "true or false" },
		{ "{call: x, args: {a: {b: c}}}", "belongs here" },
		{ "{call: x, args: {a: {tmpl: hi, args: [1]}}}",
		  "belongs here" },
		{ "{call: notes.append, args: {text: a}, given: {before: 31}}",
		  "number 31 is refused" },
	};
	struct policy *p = open_policy("assistant");
	struct vector_result r;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEAN_BUF struct buf errs;
		CLEAN_BUF struct buf trace;

		buf_init(&errs, 1 << 16);
		buf_init(&trace, 1 << 16);
		assert_int_equal(vectors_explain("r", span_str(rows[i].text), p,
						 &trace, &r, &errs),
				 -EINVAL);
		if (rows[i].want && !strstr(buf_cstr(&errs), rows[i].want))
			fail_msg("row %zu: %s", i, buf_cstr(&errs));
	}
	policy_free(p);
}

/* JSON as a planner would send it, and each step of the decision. */
static void explained(void **)
{
	static const char request[] =
		"{\"call\": \"email.send\", \"args\": {\"to\": "
		"[\"lea@example.org\"], \"subject\": \"Dinner\", \"body\": "
		"\"At eight?\"}}";
	CLEAN_BUF struct buf errs;
	CLEAN_BUF struct buf trace;
	struct policy *p = open_policy("assistant");
	struct vector_result r;

	buf_init(&errs, 1 << 16);
	buf_init(&trace, 1 << 16);
	assert_int_equal(
		vectors_explain("r", span_str(request), p, &trace, &r, &errs),
		0);
	assert_string_equal(r.verdict, "allow");
	assert_non_null(strstr(buf_cstr(&trace), "row 1 (allow, line"));
	assert_non_null(strstr(buf_cstr(&trace), "to: set family"));
	assert_non_null(strstr(buf_cstr(&trace), "verdict: allow (assistant:"));
	policy_free(p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(decided_so),
		cmocka_unit_test(every_row_has_one),
		cmocka_unit_test(told),
		cmocka_unit_test(explained),
	};

	return cmocka_run_group_tests_name("policy/vectors", tests, NULL, NULL);
}
