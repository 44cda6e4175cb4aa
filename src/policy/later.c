/*
 * later: what the schema knows and the broker does not enforce yet. A rule
 * that is read and ignored would be a promise that nobody keeps: the broker
 * refuses a policy with any of these. One table, and it only ever shrinks.
 */
#include <errno.h>

#include "policy/loader.h"

/* A key of one map of the schema, or a word that it may have: as a value, or
 * in a list of values. The word "{}" stands for any map. */
static const struct {
	const struct load_schema *map;
	const char *key;
	const char *word; /* NULL: the key itself */
} later[] = {
	{ &source_schema, "reader", "github-issues" },
	{ &source_schema, "reader", "git-bundle" },
	{ &source_schema, "reader", "pkg-proxy" },
	{ &source_schema, "reader", "ha-states" },
	{ &source_schema, "reader", "ha-camera-events" },
	{ &source_schema, "audience", "repo" },
	{ &source_schema, "only", NULL },
	{ &arg_schema, "type", "file" },
	{ &arg_schema, "deny_paths", NULL },
};

static void note(struct loader *l, struct yaml_place at, const char *what,
		 const char *advice)
{
	yaml_error(l->p->y, &l->p->later, at,
		   "\"%s\" is known, but not enforced by this version: %s",
		   what, advice);
}

/* Quotes make a value of a word where conditions are written, only there. */
static bool is_word(const struct yaml_node *n, const char *word, bool quotable)
{
	return yaml_kind(n) == YAML_SCALAR && !strcmp(yaml_text(n), word) &&
	       (!quotable || !yaml_quoted(n));
}

static void note_word(struct loader *l, const struct yaml_node *n,
		      const char *word, bool quotable)
{
	static const char other[] = "use another value";
	size_t i;

	if (yaml_kind(n) == YAML_MAP && !strcmp(word, "{}"))
		note(l, yaml_place(n), yaml_count(n) ? yaml_key(n, 0) : "{}",
		     other);
	if (is_word(n, word, quotable))
		note(l, yaml_place(n), word, other);
	for (i = 0; yaml_kind(n) == YAML_LIST && i < yaml_count(n); i++)
		if (is_word(yaml_at(n, i), word, quotable))
			note(l, yaml_place(yaml_at(n, i)), word, other);
}

void note_later(struct loader *l, const struct yaml_node *n,
		const struct load_schema *s)
{
	size_t i, k;

	for (k = 0; yaml_kind(n) == YAML_MAP && k < yaml_count(n); k++)
		for (i = 0; i < ARRAY_SIZE(later); i++) {
			if (later[i].map != s ||
			    strcmp(later[i].key, yaml_key(n, k)) != 0)
				continue;
			if (later[i].word)
				note_word(l, yaml_at(n, k), later[i].word,
					  s == &test_schema);
			else
				note(l, yaml_key_place(n, k), later[i].key,
				     "remove it");
		}
}

int policy_enforced(const struct policy *p, struct buf *errs)
{
	buf_span(errs, buf_view(&p->later));
	return p->later.n || p->later.bad ? -EINVAL : 0;
}
