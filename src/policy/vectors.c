/* vectors: see vectors.h. */
#include "policy/vectors.h"

#include <errno.h>
#include <stdlib.h>

#include "base/str.h"
#include "policy/vectors_world.h"

struct vectors {
	struct yaml *y;
	const char *policy;
	const struct yaml_node *tests;
};

static int check_file(struct vectors *v, struct buf *errs)
{
	static const struct yaml_field fields[] = {
		{ "bulkhead-test", true, false, "the version, 1" },
		{ "policy", true, false, "the policy file beside this one" },
		{ "tests", true, false, "a list of calls" },
	};
	const struct yaml_node *root = yaml_root(v->y), *n;

	if (yaml_kind(root) != YAML_MAP ||
	    yaml_check_map(v->y, root, fields, ARRAY_SIZE(fields), errs))
		return -EINVAL;
	n = yaml_get(root, "policy");
	v->tests = yaml_get(root, "tests");
	if (yaml_kind(n) == YAML_SCALAR && yaml_kind(v->tests) == YAML_LIST) {
		v->policy = yaml_text(n);
		return 0;
	}
	yaml_error(v->y, errs, yaml_place(root),
		   "\"policy\" is a file, \"tests\" a list");
	return -EINVAL;
}

int vectors_load(const char *name, struct span yaml, struct vectors **ret,
		 struct buf *errs)
{
	struct vectors *v = calloc(1, sizeof(*v));
	int r;

	if (!v)
		return -ENOMEM;
	r = yaml_parse(name, yaml, &v->y, errs);
	if (r == 0)
		r = check_file(v, errs);
	if (r < 0)
		vectors_free(v);
	else
		*ret = v;
	return r;
}

void vectors_free(struct vectors *v)
{
	if (!v)
		return;
	yaml_free(v->y);
	free(v);
}

const char *vectors_policy(const struct vectors *v)
{
	return v->policy;
}

size_t vectors_count(const struct vectors *v)
{
	return yaml_count(v->tests);
}

static const char *verdict_word(const struct decision *d)
{
	if (d->verdict == VERDICT_ALLOW)
		return d->rehearsed ? "rehearse" : "allow";
	return d->verdict == VERDICT_ASK ? "ask" : "deny";
}

/* What decided, as vectors write it. */
static void write_got(const struct decision *d, char got[VECTOR_CLAUSE])
{
	static const char *const words[] = {
		[DECIDED_ERROR] = "error",     [DECIDED_ROW] = "decide",
		[DECIDED_ARG] = "args",	       [DECIDED_FLOW] = "flow",
		[DECIDED_LIMIT] = "limits",    [DECIDED_LEASE] = "lease",
		[DECIDED_CLAUSE] = "always",   [DECIDED_DECOY] = "decoy",
		[DECIDED_DEFAULT] = "default",
	};

	if (d->by == DECIDED_ROW)
		(void)str_printf(got, VECTOR_CLAUSE, "decide %u", d->row + 1);
	else
		(void)str_printf(got, VECTOR_CLAUSE, "%s%s%s", words[d->by],
				 d->what ? " " : "", d->what ? d->what : "");
}

static int run(const struct policy *p, const struct yaml *y,
	       const struct yaml_node *n, struct buf *trace,
	       struct vector_result *ret, struct buf *errs)
{
	struct world *w = world_new(p, y, n, errs);
	int r = 0;

	if (!w)
		return -ENOMEM;
	if (w->bad) {
		r = -EINVAL;
	} else {
		w->in.trace = trace;
		policy_decide(p, w->state, &w->in, &w->d);
		ret->verdict = verdict_word(&w->d);
		write_got(&w->d, ret->got);
		(void)str_printf(ret->reason, sizeof(ret->reason), "%s",
				 w->d.reason);
		if (trace)
			buf_printf(trace, "verdict: %s (%s)\n", ret->verdict,
				   w->d.clause);
	}
	world_free(w);
	return r;
}

static const char *scalar(const struct yaml_node *n, const char *key)
{
	const struct yaml_node *v = yaml_get(n, key);

	return v && yaml_kind(v) == YAML_SCALAR ? yaml_text(v) : "";
}

int vectors_run(const struct vectors *v, const struct policy *p, size_t i,
		struct vector_result *ret, struct buf *errs)
{
	static const struct yaml_field fields[] = {
		{ "name", true, false, "" }, { "call", true, false, "" },
		{ "args", true, false, "" }, { "given", false, false, "" },
		{ "want", true, false, "" }, { "clause", true, false, "" },
	};
	const struct yaml_node *n = yaml_at(v->tests, i);
	int r;

	*ret = (struct vector_result){ .at = yaml_place(n) };
	if (yaml_kind(n) != YAML_MAP ||
	    yaml_check_map(v->y, n, fields, ARRAY_SIZE(fields), errs))
		return -EINVAL;
	ret->name = scalar(n, "name");
	ret->call = scalar(n, "call");
	ret->want = scalar(n, "want");
	ret->clause = scalar(n, "clause");
	r = run(p, v->y, n, NULL, ret, errs);
	ret->ok = r == 0 && !strcmp(ret->want, ret->verdict) &&
		  !strcmp(ret->clause, ret->got);
	return r;
}

int vectors_explain(const char *name, struct span yaml, const struct policy *p,
		    struct buf *trace, struct vector_result *ret,
		    struct buf *errs)
{
	static const struct yaml_field fields[] = {
		{ "call", true, false, "" },
		{ "args", true, false, "" },
		{ "given", false, false, "" },
	};
	CLEAN_YAML struct yaml *y = NULL;
	int r = yaml_parse(name, yaml, &y, errs);

	*ret = (struct vector_result){ .name = "" };
	if (r < 0)
		return r;
	if (yaml_kind(yaml_root(y)) != YAML_MAP ||
	    yaml_check_map(y, yaml_root(y), fields, ARRAY_SIZE(fields), errs))
		return -EINVAL;
	return run(p, y, yaml_root(y), trace, ret, errs);
}
