/*
 * load_args: the arguments of a capability. What a key means depends on the
 * type, which may stand behind it: an argument is finished once its map has
 * been read.
 */
#include "base/str.h"
#include "conf/value.h"
#include "policy/loader.h"
#include "proto/limits.h"

static const struct load_word type_words[] = {
	{ "text", TYPE_TEXT, false },
	{ "email", TYPE_EMAIL, false },
	{ "id", TYPE_ID, false },
	{ "handle", TYPE_HANDLE, false },
	{ "enum", TYPE_ENUM, false },
	{ "int", TYPE_INT, false },
	{ "number", TYPE_NUMBER, false },
	{ "bool", TYPE_BOOL, false },
	{ "url", TYPE_URL, false },
	{ "repo", TYPE_REPO, false },
	{ "ref", TYPE_REF, false },
	{ "file", TYPE_FILE, false },
	{ "datetime", TYPE_DATETIME, false },
	{ "money", TYPE_MONEY, false },
};

static void set_type(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	int v = load_choose(&l->l, n, LOAD_TABLE(type_words));

	if (v > 0)
		l->arg->type = (enum arg_type)v;
}

static const struct load_word role_words[] = {
	{ "target", ROLE_TARGET, false },
	{ "command", ROLE_COMMAND, false },
	{ "credential", ROLE_CREDENTIAL, false },
	{ "content", ROLE_CONTENT, false },
	{ "selector", ROLE_SELECTOR, false },
	{ "control", ROLE_CONTROL, false },
};

static void set_role(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	int v = load_choose(&l->l, n, LOAD_TABLE(role_words));

	if (v > 0)
		l->arg->role = (enum arg_role)v;
}

static const struct load_word origin_words[] = {
	{ "config", FROM_CONFIG, false },     { "owner", FROM_OWNER, false },
	{ "envelope", FROM_ENVELOPE, false }, { "handle", FROM_HANDLE, false },
	{ "planner", FROM_PLANNER, false },
};

static void set_from(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	size_t i;

	l->arg->from_written = true;
	if (yaml_kind(n) != YAML_LIST || !yaml_count(n)) {
		fault(l, n, "a list of origins, e.g. [config] or [planner]");
		return;
	}
	for (i = 0; i < yaml_count(n); i++) {
		int v = load_choose(&l->l, yaml_at(n, i),
				    LOAD_TABLE(origin_words));

		if (v <= 0)
			continue;
		if (l->arg->from & (unsigned)v)
			fault(l, yaml_at(n, i),
			      "this origin is listed twice: remove one");
		l->arg->from |= (unsigned)v;
	}
}

static const struct load_word else_words[] = {
	{ "deny", OUTCOME_DENY, false },
	{ "ask", OUTCOME_ASK, false },
};

static void set_else(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	int v = load_choose(&l->l, n, LOAD_TABLE(else_words));

	l->arg->floor_written = true;
	l->arg->floor_at = yaml_place(n);
	if (v > 0)
		l->arg->floor = (enum outcome)v;
}

static const struct load_word optional_words[] = {
	{ "true", 1, false },
	{ "false", 0, false },
};

static void set_optional(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->arg->optional =
		load_choose(&l->l, n, LOAD_TABLE(optional_words)) == 1;
}

static const struct load_word links_words[] = {
	{ "strip", LINKS_STRIP, false },
	{ "source", LINKS_SOURCE, false },
	{ "owner", LINKS_OWNER, false },
	{ "any", LINKS_ANY, false },
};

static void set_links(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	int v = load_choose(&l->l, n, LOAD_TABLE(links_words));

	if (v >= 0)
		l->arg->links = (enum links)v;
}

static const struct load_word mentions_words[] = {
	{ "escape", MENTIONS_ESCAPE, false },
	{ "keep", MENTIONS_KEEP, false },
};

static void set_mentions(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	if (load_choose(&l->l, n, LOAD_TABLE(mentions_words)) ==
	    MENTIONS_ESCAPE)
		l->arg->mentions = MENTIONS_ESCAPE;
}

/* The keys without a setter are finished by type, below. */
static const struct load_rule arg_rules[] = {
	{ { "type", true, false, "what its values are" },
	  set_type,
	  LOAD_TABLE(type_words) },
	{ { "role", true, false, "what it decides about the call" },
	  set_role,
	  LOAD_TABLE(role_words) },
	{ { "from", false, false, "permitted origins",
	    "a list of config, owner, envelope, handle, planner", "by role" },
	  set_from },
	{ { "in", false, false,
	    "the closed list of its values; a URL of it that ends in / stands "
	    "for all below it",
	    "a set or a list", NULL },
	  NULL },
	{ { "values", false, false, "the values of an enum, written in place",
	    "a list", NULL },
	  NULL },
	{ { "under", false, false, "the refs it may be",
	    "a glob that ends in /*", NULL },
	  NULL },
	{ { "of", false, false, "what a handle refers to; required there",
	    "SOURCE.KIND", NULL },
	  NULL },
	{ { "many", false, false,
	    "a list of 1 to that many different values; not for text, numbers, "
	    "bool and file",
	    "1 to 32", NULL },
	  NULL },
	{ { "max", false, false,
	    "most bytes of a text or a file, or the largest number; required "
	    "there",
	    "a size, a number, or EUR 12.50", NULL },
	  NULL },
	{ { "min", false, false, "the smallest number; required there",
	    "a number, or EUR 0", NULL },
	  NULL },
	{ { "step", false, false,
	    "the farthest it goes from the last value for the same targets",
	    "a number", NULL },
	  NULL },
	{ { "prefix", false, false, "what a text begins with", "a text", NULL },
	  NULL },
	{ { "links", false, false,
	    "which links a content text carries: none, those of the same "
	    "source item, the owner's, any",
	    NULL, "strip if the effect is external" },
	  set_links,
	  LOAD_TABLE(links_words) },
	{ { "mentions", false, false,
	    "whether a content text may call people by name", NULL,
	    "escape if the effect is external" },
	  set_mentions,
	  LOAD_TABLE(mentions_words) },
	{ { "deny_paths", false, false,
	    "paths that a file, being a bundle, may not touch",
	    "a list of globs: *, and ** for folders", NULL },
	  NULL },
	{ { "optional", false, false, "true: it may be left out", NULL,
	    "false" },
	  set_optional,
	  LOAD_TABLE(optional_words) },
	{ { "else", false, false, "for values of other origin", NULL,
	    "by role" },
	  set_else,
	  LOAD_TABLE(else_words) },
};
const struct load_schema arg_schema = { "capabilities.NAME.args.NAME.",
					LOAD_TABLE(arg_rules) };

/* which keys go with which type */

enum {
	KEY_IN = 1,
	KEY_VALUES = 2,
	KEY_UNDER = 4,
	KEY_OF = 8,
	KEY_MANY = 16,
	KEY_MAX = 32,
	KEY_MIN = 64,
	KEY_STEP = 128,
	KEY_PREFIX = 256,
	KEY_TEXT = 512, /* links, mentions */
	KEY_PATHS = 1024,
};

static const struct {
	const char *name;
	unsigned key;
} keys[] = {
	{ "in", KEY_IN },	  { "values", KEY_VALUES },
	{ "under", KEY_UNDER },	  { "of", KEY_OF },
	{ "many", KEY_MANY },	  { "max", KEY_MAX },
	{ "min", KEY_MIN },	  { "step", KEY_STEP },
	{ "prefix", KEY_PREFIX }, { "links", KEY_TEXT },
	{ "mentions", KEY_TEXT }, { "deny_paths", KEY_PATHS },
};

static const unsigned keys_of[TYPE_MAX] = {
	[TYPE_TEXT] = KEY_IN | KEY_MAX | KEY_PREFIX | KEY_TEXT,
	[TYPE_EMAIL] = KEY_IN | KEY_MANY,
	[TYPE_ID] = KEY_IN | KEY_MANY,
	[TYPE_ENUM] = KEY_IN | KEY_VALUES | KEY_MANY,
	[TYPE_INT] = KEY_IN | KEY_MIN | KEY_MAX | KEY_STEP,
	[TYPE_NUMBER] = KEY_IN | KEY_MIN | KEY_MAX | KEY_STEP,
	[TYPE_HANDLE] = KEY_OF | KEY_MANY,
	[TYPE_URL] = KEY_IN | KEY_MANY,
	[TYPE_REPO] = KEY_IN | KEY_MANY,
	[TYPE_REF] = KEY_IN | KEY_UNDER | KEY_MANY,
	[TYPE_FILE] = KEY_MAX | KEY_PATHS,
	[TYPE_MONEY] = KEY_MIN | KEY_MAX,
};

static void check_keys(struct loader *l, const struct yaml_node *n)
{
	const struct arg *a = l->arg;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		const struct yaml_node *v = yaml_get(n, keys[i].name);

		if (!v)
			continue;
		if (!(keys_of[a->type] & keys[i].key))
			fault(l, v,
			      "\"%s\" has no meaning for type %s: remove it",
			      keys[i].name, type_name(a->type));
		else if (keys[i].key == KEY_TEXT && a->role != ROLE_CONTENT)
			fault(l, v,
			      "\"%s\" has a meaning for content alone: remove "
			      "it",
			      keys[i].name);
	}
}

/* sizes */

/* A size in bytes from 1 to most; 0 after a fault. */
static uint32_t size_of(struct loader *l, const struct yaml_node *n,
			uint32_t most)
{
	uint64_t v;

	if (!load_scalar(&l->l, n))
		return 0;
	if (value_size(yaml_text(n), &v) == 0 && v >= 1 && v <= most)
		return (uint32_t)v;
	fault(l, n, "a size, 1 to %u%s", most >> 20 ? most >> 20 : most >> 10,
	      most >> 20 ? "MiB" : "KiB");
	return 0;
}

static void finish_text(struct loader *l, const struct yaml_node *n)
{
	const struct yaml_node *max = yaml_get(n, "max");
	const struct yaml_node *prefix = yaml_get(n, "prefix");
	CLEAN_BUF struct buf unused;
	struct arg *a = l->arg;
	const char *why;

	buf_init(&unused, YAML_FILE_MAX);
	if (!max) {
		fault(l, n, "\"max\" is missing: the most bytes of this text");
		return;
	}
	a->max_bytes = size_of(l, max, LIMIT_ARG_BYTES);
	a->lines = a->max_bytes > TEXT_LINE_MAX;
	if (!a->max_bytes || !prefix || !load_scalar(&l->l, prefix))
		return;
	a->prefix = span_str(yaml_text(prefix));
	if (a->prefix.n >= a->max_bytes)
		fault(l, prefix,
		      "this can never match: the prefix is as long as max: "
		      "raise max");
	why = type_canon(TYPE_TEXT, a->lines, a->prefix, &unused);
	if (why)
		fault(l, prefix, "this can never match: the prefix %s; mend it",
		      why);
}

static void finish_file(struct loader *l, const struct yaml_node *n)
{
	const struct yaml_node *max = yaml_get(n, "max");
	const struct yaml_node *globs = yaml_get(n, "deny_paths");
	size_t i;

	if (!max)
		fault(l, n, "\"max\" is missing: the most bytes of this file");
	else
		l->arg->max_bytes = size_of(l, max, POLICY_FILE_BYTES);
	if (!globs || !is_list(l, globs, POLICY_GLOBS, "globs"))
		return;
	for (i = 0; i < yaml_count(globs); i++) {
		const struct yaml_node *g = yaml_at(globs, i);

		if (load_scalar(&l->l, g) && !path_ok(span_str(yaml_text(g))))
			fault(l, g,
			      "this can never match: no path inside a bundle "
			      "looks like this; write it relative, without .. "
			      "and without a slash at its end");
	}
	l->arg->deny_paths = globs;
}

bool arg_path_denied(const struct arg *a, struct span path)
{
	size_t i;

	if (!path_ok(path))
		return true;
	for (i = 0; a->deny_paths && i < yaml_count(a->deny_paths); i++)
		if (path_matches(span_str(yaml_text(yaml_at(a->deny_paths, i))),
				 path))
			return true;
	return false;
}

/* numbers */

/* A number of the argument's type; 0 after a fault. */
static int64_t number_of(struct loader *l, const struct yaml_node *arg,
			 const char *key)
{
	const struct yaml_node *n = yaml_get(arg, key);
	CLEAN_BUF struct buf canon;
	const char *why;

	buf_init(&canon, 64);
	if (!n) {
		fault(l, arg, "\"%s\" is missing: numbers have bounds", key);
		return 0;
	}
	if (!load_scalar(&l->l, n))
		return 0;
	why = type_canon(l->arg->type, false, span_str(yaml_text(n)), &canon);
	if (why) {
		fault(l, n, "\"%.80s\" %s; mend or remove it", yaml_text(n),
		      why);
		return 0;
	}
	return type_number(l->arg->type, buf_view(&canon));
}

static void finish_currency(struct loader *l, const struct yaml_node *n)
{
	const struct yaml_node *min = yaml_get(n, "min");
	struct span low = type_currency(span_str(yaml_text(min)));

	l->arg->currency =
		type_currency(span_str(yaml_text(yaml_get(n, "max"))));
	if (!span_eq(low, l->arg->currency))
		fault(l, min,
		      "this can never match: min and max are of two "
		      "currencies: write both in one");
}

static void finish_number(struct loader *l, const struct yaml_node *n)
{
	const struct yaml_node *step = yaml_get(n, "step");
	struct arg *a = l->arg;
	size_t before = l->l.errors;

	a->min = number_of(l, n, "min");
	a->max = number_of(l, n, "max");
	if (step)
		a->step = number_of(l, n, "step");
	if (l->l.errors > before)
		return;
	if (a->type == TYPE_MONEY)
		finish_currency(l, n);
	if (a->min > a->max)
		fault(l, yaml_get(n, "min"),
		      "this can never match: min is over max: swap them");
	if (step && a->step <= 0)
		fault(l, step,
		      "this can never match: a step is more than 0: raise it, "
		      "or remove it");
}

/* references */

/* "mail.thread": a source, and a kind of handle that its reader makes. */
static void finish_of(struct loader *l, const struct yaml_node *n)
{
	const struct yaml_node *of = yaml_get(n, "of");
	const char *text = of ? load_scalar(&l->l, of) : NULL, *dot;
	char kinds[128];
	size_t i;

	if (!of)
		fault(l, n,
		      "\"of\" is missing: what the handle refers to, "
		      "SOURCE.KIND");
	if (!text)
		return;
	dot = strrchr(text, '.');
	for (i = 0; dot && i < l->p->n_sources; i++)
		if (span_is(span_of(text, (size_t)(dot - text)),
			    l->p->sources[i].row.name))
			l->arg->of = &l->p->sources[i];
	if (!l->arg->of || !l->arg->of->row.reader) {
		l->arg->of = NULL;
		fault(l, of,
		      "there is no such source: write SOURCE.KIND, as "
		      "sources has it");
		return;
	}
	l->arg->of_kind = dot + 1;
	if (!reader_makes(l->arg->of->row.reader, dot + 1, kinds,
			  sizeof(kinds)))
		fault(l, of,
		      "this can never match: reader %s makes no such handles: "
		      "use one of %s",
		      l->arg->of->row.reader, kinds);
}

static void finish_under(struct loader *l, const struct yaml_node *under)
{
	const char *why;

	if (!under || !load_scalar(&l->l, under))
		return;
	l->arg->under = span_str(yaml_text(under));
	why = ref_glob_bad(l->arg->under);
	if (why)
		fault(l, under,
		      "this can never match: the glob %s; write it as "
		      "agent/*",
		      why);
}

static void finish_many(struct loader *l, const struct yaml_node *many)
{
	if (many && count_of(l, many, POLICY_MANY, "elements", &l->arg->many))
		return;
}

/* The closed list: `in`, or `values` of an enum. */
static void finish_closed(struct loader *l, const struct yaml_node *n)
{
	const struct yaml_node *in = yaml_get(n, "in");
	const struct yaml_node *values = yaml_get(n, "values");
	struct arg *a = l->arg;
	struct wanted w = { a->type, a->lines };

	if (a->type == TYPE_ENUM && !in == !values)
		fault(l, n, "an enum has either \"values\" or \"in\"");
	else if (values && yaml_kind(values) != YAML_LIST)
		fault(l, values, "a list of values");
	else if (in || values)
		a->closed = values_in(l, w, in ? in : values);
}

static void finish_type(struct loader *l, const struct yaml_node *n)
{
	enum arg_type t = l->arg->type;

	if (t == TYPE_TEXT)
		finish_text(l, n);
	if (t == TYPE_FILE)
		finish_file(l, n);
	if (type_is_number(t))
		finish_number(l, n);
	if (t == TYPE_HANDLE)
		finish_of(l, n);
	finish_under(l, yaml_get(n, "under"));
	finish_many(l, yaml_get(n, "many"));
	finish_closed(l, n);
}

/* origins */

/* By role; what a value of another origin leads to. */
static const struct {
	unsigned from;
	enum outcome floor;
} origins_of[ROLE_MAX] = {
	[ROLE_TARGET] = { FROM_CONFIG | FROM_OWNER | FROM_ENVELOPE,
			  OUTCOME_ASK },
	[ROLE_COMMAND] = { FROM_CONFIG, OUTCOME_DENY },
	[ROLE_CREDENTIAL] = { 0, OUTCOME_DENY },
	[ROLE_CONTENT] = { FROM_PLANNER | FROM_OWNER | FROM_HANDLE,
			   OUTCOME_DENY },
	[ROLE_SELECTOR] = { FROM_HANDLE | FROM_OWNER, OUTCOME_ALLOW },
	[ROLE_CONTROL] = { FROM_CONFIG | FROM_OWNER | FROM_PLANNER,
			   OUTCOME_DENY },
};

/*
 * A closed list is a bound: what is not on it is denied, unless `else` says
 * otherwise. A selector asks where the effect cannot be undone.
 */
static void finish_from(struct loader *l, const struct yaml_node *n)
{
	struct arg *a = l->arg;

	if (!a->from_written)
		a->from = origins_of[a->role].from;
	if (a->floor_written)
		return;
	a->floor = origins_of[a->role].floor;
	if (a->role == ROLE_SELECTOR && l->cap->undo == UNDO_NONE)
		a->floor = OUTCOME_ASK;
	if (a->closed || a->under.n)
		a->floor = OUTCOME_DENY;
	if (a->role == ROLE_CREDENTIAL && a->from_written)
		fault(l, yaml_get(n, "from"),
		      "this can never match: the planner never names a "
		      "credential: remove it");
}

static void finish_content(struct loader *l, const struct yaml_node *n)
{
	struct arg *a = l->arg;
	bool external = l->cap->effect == EFFECT_EXTERNAL;

	/* A free text carries anything, whatever it is there for. */
	if (external &&
	    (a->role == ROLE_CONTENT || (a->type == TYPE_TEXT && !a->closed)))
		a->flow = FLOW_AUDIENCE;
	if (a->role != ROLE_CONTENT || a->type != TYPE_TEXT)
		return;
	if (external && !yaml_get(n, "links"))
		a->links = LINKS_STRIP;
	if (external && !yaml_get(n, "mentions"))
		a->mentions = MENTIONS_ESCAPE;
}

static void load_arg(struct loader *l, const struct yaml_node *n)
{
	size_t before = l->l.errors;

	load_section(l, n, &arg_schema);
	if (l->l.errors > before)
		return; /* the rest would only repeat it */
	check_keys(l, n);
	if (l->l.errors > before)
		return;
	finish_type(l, n);
	finish_from(l, n);
	finish_content(l, n);
	l->arg->optional |= l->arg->role == ROLE_CREDENTIAL;
}

void set_args(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	struct cap *c = l->cap;
	size_t i, elements = 0;

	if (!is_map(l, n, "arguments"))
		return;
	if (yaml_count(n) > POLICY_ARGS) {
		fault(l, n, "more than %d arguments: use fewer", POLICY_ARGS);
		return;
	}
	for (i = 0; i < yaml_count(n); i++) {
		const char *name = yaml_key(n, i);
		struct yaml_place at = yaml_key_place(n, i);

		l->arg = &c->args[c->n_args++];
		l->arg->name = name;
		l->arg->at = at;
		(void)check_name(l, at, name);
		if (!strcmp(name, "session") || !strcmp(name, "time"))
			load_fault(&l->l, at,
				   "\"%s\" is a condition: choose another name",
				   name);
		load_arg(l, yaml_at(n, i));
		elements += l->arg->many ? l->arg->many : 1;
	}
	if (elements > LIMIT_ARGS)
		fault(l, n, "one call has at most %d values in all: lower many",
		      LIMIT_ARGS);
}

const struct arg *cap_arg(const struct cap *c, struct span name)
{
	size_t i;

	for (i = 0; i < c->n_args; i++)
		if (span_is(name, c->args[i].name))
			return &c->args[i];
	return NULL;
}

/* flow */

static const struct load_word flow_words[] = {
	{ "same-thread", FLOW_THREAD, false },
	{ "audience", FLOW_AUDIENCE, false },
	{ "owner-only", FLOW_OWNER, false },
	{ "public", FLOW_PUBLIC, false },
};

static struct arg *find_arg(struct cap *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->n_args; i++)
		if (!strcmp(name, c->args[i].name))
			return &c->args[i];
	return NULL;
}

void set_flow(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	size_t i;

	if (!is_map(l, n, "content arguments"))
		return;
	for (i = 0; i < yaml_count(n); i++) {
		const char *name = yaml_key(n, i);
		struct arg *a = find_arg(l->cap, name);
		int v = load_choose(&l->l, yaml_at(n, i),
				    LOAD_TABLE(flow_words));

		if (!a || (a->role && a->role != ROLE_CONTENT)) {
			load_fault(&l->l, yaml_key_place(n, i),
				   "\"%.64s\" is no content argument: remove "
				   "it",
				   name);
			continue;
		}
		if (v > 0)
			a->flow = (enum flow)v;
		a->flow_at = yaml_place(yaml_at(n, i));
	}
}
