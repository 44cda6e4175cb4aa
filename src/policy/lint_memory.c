/*
 * lint_memory: what a policy says of memory.*: which arguments they have and
 * what these are is the program's, the rest is the owner's.
 */
#include "policy/loader.h"
#include "policy/memory.h"

enum { MOST_ARGS = 2 };

struct want {
	const char *name;
	enum arg_type type;
	enum arg_role role;
	bool optional;
	const char *words; /* as the file has it */
};

#define NAME                                                                   \
	{                                                                      \
		"name", TYPE_ID, ROLE_SELECTOR, false,                         \
			"name: {type: id, role: selector}"                     \
	}

static const struct {
	const char *name;
	enum memory_op op;
	enum effect effect;
	const char *effect_word;
	struct want args[MOST_ARGS];
} ops[] = {
	{ "memory.put",
	  MEMORY_PUT,
	  EFFECT_INTERNAL,
	  "internal",
	  { NAME,
	    { "text", TYPE_TEXT, ROLE_CONTENT, false,
	      "text: {type: text, role: content, max: 8KiB}, or less" } } },
	{ "memory.get",
	  MEMORY_GET,
	  EFFECT_READ,
	  "read",
	  { NAME,
	    { "as", TYPE_ENUM, ROLE_CONTROL, true,
	      "as: {type: enum, role: control, values: [text, handle], "
	      "optional: true}" } } },
	{ "memory.list",
	  MEMORY_LIST,
	  EFFECT_READ,
	  "read",
	  { { "all", TYPE_BOOL, ROLE_CONTROL, true,
	      "all: {type: bool, role: control, optional: true}" } } },
	{ "memory.forget",
	  MEMORY_FORGET,
	  EFFECT_INTERNAL,
	  "internal",
	  { NAME } },
};

enum memory_op memory_op(struct span capability)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ops); i++)
		if (span_is(capability, ops[i].name))
			return ops[i].op;
	return MEMORY_NONE;
}

static bool fits(const struct arg *a, const struct want *w)
{
	size_t i;

	if (a->type != w->type || a->role != w->role || a->many ||
	    a->optional != w->optional ||
	    (w->type == TYPE_TEXT && a->max_bytes > MEMORY_TEXT_MAX))
		return false;
	for (i = 0; w->type == TYPE_ENUM && a->closed && i < a->closed->n; i++)
		if (!span_is(a->closed->v[i], "text") &&
		    !span_is(a->closed->v[i], "handle"))
			return false;
	return w->type != TYPE_ENUM || a->closed;
}

static const struct want *want_of(const struct want args[MOST_ARGS],
				  const char *name)
{
	size_t i;

	for (i = 0; i < MOST_ARGS && args[i].name; i++)
		if (!strcmp(args[i].name, name))
			return &args[i];
	return NULL;
}

static bool has(const struct cap *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->n_args; i++)
		if (!strcmp(c->args[i].name, name))
			return true;
	return false;
}

static void lint_args(struct loader *l, const struct cap *c,
		      const struct want args[MOST_ARGS])
{
	size_t i;

	for (i = 0; i < c->n_args; i++) {
		const struct want *w = want_of(args, c->args[i].name);

		if (!w)
			load_fault(&l->l, c->args[i].at,
				   "%s has no argument \"%s\": remove it",
				   c->name, c->args[i].name);
		else if (!fits(&c->args[i], w))
			load_fault(&l->l, c->args[i].at,
				   "%s is the program's own and has here %s",
				   c->name, w->words);
	}
	for (i = 0; i < MOST_ARGS && args[i].name; i++)
		if (!args[i].optional && !has(c, args[i].name))
			load_fault(&l->l, c->at, "%s needs %s", c->name,
				   args[i].words);
}

void lint_memory(struct loader *l, const struct cap *c)
{
	const bool own = !strcmp(c->connector, MEMORY_CONNECTOR);
	size_t i;

	if (strncmp(c->name, "memory.", 7) != 0) {
		if (own)
			load_fault(&l->l, c->connector_at,
				   "\"memory\" carries out memory.put, "
				   "memory.get, memory.list and memory.forget "
				   "alone: name another connector");
		return;
	}
	for (i = 0; i < ARRAY_SIZE(ops) && strcmp(ops[i].name, c->name) != 0;
	     i++)
		;
	if (i == ARRAY_SIZE(ops)) {
		load_fault(
			&l->l, c->at,
			"of memory there are memory.put, memory.get, "
			"memory.list and memory.forget: choose another name");
		return;
	}
	if (!own)
		load_fault(
			&l->l, c->connector_at,
			"%s is carried out by the program itself: connector: "
			"memory belongs here",
			c->name);
	if (c->undo == UNDO_WINDOW || c->effect != ops[i].effect ||
	    c->approve.who)
		load_fault(&l->l, c->at,
			   "%s happens at once and here, and nobody is asked: "
			   "effect is %s, undo none or reversible, and no row "
			   "asks",
			   c->name, ops[i].effect_word);
	lint_args(l, c, ops[i].args);
}
