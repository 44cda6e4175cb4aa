/*
 * vectors: the test vectors beside the example policies name what is there: a
 * capability, a decoy or neither, a row that decides as the vector wants, an
 * argument, a limit. Whether each is decided so is for the decision's tests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/str.h"
#include "conf/zoneinfo.h"
#include "policy/loader.h"

static const char *const examples[] = { "assistant", "personal-assistant",
					"coding-agent", "home-automation" };

/* A policy, its vectors, and the one being looked at. */
struct vectors {
	struct policy *p;
	struct yaml *y;
	const struct cap *cap; /* NULL: no capability has the name */
	const char *name;
};

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

static void open_vectors(struct vectors *v, const char *name)
{
	static const struct policy_zones zones = { .read = read_zone };
	CLEAN_BUF struct buf errs;
	CLEAN_BUF struct buf policy;
	CLEAN_BUF struct buf tests;

	*v = (struct vectors){ 0 };
	buf_init(&errs, 1 << 16);
	read_file(name, ".yaml", &policy);
	read_file(name, ".test.yaml", &tests);
	if (policy_load(name, buf_view(&policy), &zones, &v->p, &errs) < 0 ||
	    yaml_parse(name, buf_view(&tests), &v->y, &errs) < 0)
		fail_msg("%s", buf_cstr(&errs));
}

static void check_keys(const struct vectors *v, const struct yaml_node *n,
		       const struct yaml_field *fields, size_t count)
{
	CLEAN_BUF struct buf errs;

	buf_init(&errs, 1 << 16);
	if (yaml_check_map(v->y, n, fields, count, &errs))
		fail_msg("%s", buf_cstr(&errs));
}

static const char *text_of(const struct vectors *v, const struct yaml_node *n,
			   const char *key)
{
	const struct yaml_node *value = yaml_get(n, key);

	if (!value || yaml_kind(value) != YAML_SCALAR)
		fail_msg("%s: %s is no text", v->name ? v->name : "", key);
	return yaml_text(value);
}

static const char *outcome_name(enum outcome o)
{
	switch (o) {
	case OUTCOME_ALLOW:
		return "allow";
	case OUTCOME_ASK:
		return "ask";
	case OUTCOME_DENY:
		break;
	}
	return "deny";
}

static bool is_decoy(const struct policy *p, const char *name)
{
	size_t i;

	for (i = 0; i < p->n_decoys; i++)
		if (!strcmp(p->decoys[i].name, name))
			return true;
	return false;
}

/* "decide 2": that row, which decides so. */
static bool row_decides(const struct cap *c, const char *number,
			const char *want)
{
	uint64_t n;

	return num_parse(span_str(number), 1, c->n_rows, &n) == 0 &&
	       !strcmp(outcome_name(c->rows[n - 1].outcome), want);
}

static bool limit_is_there(const struct cap *c, const char *name)
{
	const struct limits *l = &c->limits;

	if (!strcmp(name, "total"))
		return l->total.window;
	if (!strcmp(name, "bytes"))
		return l->bytes.window;
	return !strcmp(name, "rate") || (!strcmp(name, "per") && l->n_per);
}

static bool clause_ok(const struct vectors *v, const char *call,
		      const char *clause, const char *want)
{
	const struct cap *c = v->cap;
	const struct arg *a;

	if (!strcmp(clause, "decoy"))
		return is_decoy(v->p, call) && !strcmp(want, "deny");
	if (!c)
		return !is_decoy(v->p, call) && !strcmp(clause, "default") &&
		       !strcmp(want, "deny");
	if (!strncmp(clause, "decide ", 7))
		return row_decides(c, clause + 7, want);
	if (!strncmp(clause, "limits ", 7))
		return limit_is_there(c, clause + 7) && !strcmp(want, "deny");
	if (!strncmp(clause, "args ", 5)) {
		a = cap_arg(c, span_str(clause + 5));
		return a && (a->floor == OUTCOME_ASK || !strcmp(want, "deny"));
	}
	if (!strncmp(clause, "flow ", 5)) {
		a = cap_arg(c, span_str(clause + 5));
		return a && a->flow != FLOW_NONE;
	}
	return !strcmp(clause, "args") && !strcmp(want, "deny");
}

static void check_given(const struct vectors *v, const struct yaml_node *n)
{
	static const struct yaml_field fields[] = {
		{ "time", false, false, "" },
		{ "owner", false, false, "" },
		{ "item", false, false, "" },
		{ "session", false, false, "" },
		{ "handles", false, false, "" },
		{ "before", false, false, "" },
	};
	CLEAN_BUF struct buf canon;
	size_t i;

	if (!n)
		return;
	check_keys(v, n, fields, ARRAY_SIZE(fields));
	buf_init(&canon, 64);
	if (yaml_get(n, "time") &&
	    type_canon(TYPE_DATETIME, false, span_str(text_of(v, n, "time")),
		       &canon))
		fail_msg("%s: no time", v->name);
	n = yaml_get(n, "handles");
	for (i = 0; n && i < yaml_count(n); i++) {
		const struct yaml_node *h = yaml_at(n, i);

		buf_reset(&canon);
		if (type_canon(TYPE_HANDLE, false, span_str(yaml_key(n, i)),
			       &canon))
			fail_msg("%s: no handle", v->name);
		(void)text_of(v, h, "of");
		(void)text_of(v, h, "value");
		(void)text_of(v, h, "from");
		(void)text_of(v, h, "id");
	}
}

static void check_vector(struct vectors *v, const struct yaml_node *n)
{
	static const struct yaml_field fields[] = {
		{ "name", true, false, "" }, { "call", true, false, "" },
		{ "args", true, false, "" }, { "given", false, false, "" },
		{ "want", true, false, "" }, { "clause", true, false, "" },
	};
	const char *call, *want, *clause;
	size_t i;

	check_keys(v, n, fields, ARRAY_SIZE(fields));
	v->name = text_of(v, n, "name");
	call = text_of(v, n, "call");
	want = text_of(v, n, "want");
	clause = text_of(v, n, "clause");
	v->cap = NULL;
	for (i = 0; i < v->p->n_caps; i++)
		if (!strcmp(v->p->caps[i]->name, call))
			v->cap = v->p->caps[i];
	if (!clause_ok(v, call, clause, want))
		fail_msg("%s: %s of %s does not %s", v->name, clause, call,
			 want);
	check_given(v, yaml_get(n, "given"));
}

/* Every row of every example is met by a vector, and every capability. */
static void vectors_are_there(void **)
{
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(examples); i++) {
		const struct yaml_node *tests;
		struct vectors v;

		open_vectors(&v, examples[i]);
		tests = yaml_get(yaml_root(v.y), "tests");
		assert_non_null(tests);
		for (k = 0; k < yaml_count(tests); k++)
			check_vector(&v, yaml_at(tests, k));
		yaml_free(v.y);
		policy_free(v.p);
	}
}

static bool met(const struct yaml_node *tests, const char *call, size_t row)
{
	char clause[32];
	size_t i;

	(void)snprintf(clause, sizeof(clause), "decide %zu", row);
	for (i = 0; i < yaml_count(tests); i++) {
		const struct yaml_node *t = yaml_at(tests, i);

		if (!strcmp(yaml_text(yaml_get(t, "call")), call) &&
		    !strcmp(yaml_text(yaml_get(t, "clause")), clause))
			return true;
	}
	return false;
}

static void every_row_has_one(void **)
{
	size_t i, k, r;

	for (i = 0; i < ARRAY_SIZE(examples); i++) {
		const struct yaml_node *tests;
		struct vectors v;

		open_vectors(&v, examples[i]);
		tests = yaml_get(yaml_root(v.y), "tests");
		for (k = 0; k < v.p->n_caps; k++)
			for (r = 1; r <= v.p->caps[k]->n_rows; r++)
				if (!met(tests, v.p->caps[k]->name, r))
					fail_msg("%s: %s, row %zu: no vector",
						 examples[i],
						 v.p->caps[k]->name, r);
		yaml_free(v.y);
		policy_free(v.p);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_are_there),
		cmocka_unit_test(every_row_has_one),
	};

	return cmocka_run_group_tests_name("policy/vectors", tests, NULL, NULL);
}
