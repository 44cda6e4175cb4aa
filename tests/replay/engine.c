/*
 * engine: asks the decision of src/policy about the cases of a replay. A case
 * is one line of JSON on stdin, its answer one on stdout:
 *
 *	{"policy": "policy/replay/banking.yaml", "owner": "Please pay ...",
 *	 "session": {"tainted": false, "private": false},
 *	 "items": [{"source": "mail", "from": "bob@x.example"}],
 *	 "handles": [{"of": "mail.thread", "value": "m1", "item": 0}],
 *	 "calls": [{"call": "send_money", "args": {"recipient": "CH93...",
 *		    "subject": {"ref": "@1"}}}]}
 *
 *	[{"verdict": "ask", "clause": "banking.yaml:59:7 ask", "reason": ...}]
 *
 * Handles are @1, @2, ... in their order. What the broker would know of items
 * and labels is made here by the same rules; the calls are those of a planner
 * who does what he likes, one after the other in one task.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "conf/conf.h"
#include "conf/zoneinfo.h"
#include "policy/decide.h"
#include "policy/model.h"
#include "policy/stamp.h"

enum { LINE_MAX_BYTES = 4 << 20, POLICIES_MAX = 16 };

/* 2026-01-05T12:00:00Z, a Monday */
#define NOW_S UINT64_C(1767614400)

static struct loaded {
	char path[256];
	struct policy *p;
} policies[POLICIES_MAX];

struct replay {
	const struct policy *policy;
	struct policy_state *state;
	struct atoms *atoms;
	struct handles *handles;
	struct tokens owner;
	struct label owner_label, pc;
	struct arg_context context;
	size_t n_items;
	struct decide_item items[DECIDE_ITEMS];
	struct label labels[DECIDE_ITEMS];
	struct decide_in in;
	struct m_call call;
	char numbers[LIMIT_ARGS][64]; /* of its arguments */
};

static _Noreturn void fail(const char *what, const char *detail)
{
	(void)fprintf(stderr, "engine: %s: %s\n", what, detail);
	exit(2);
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	if (!s)
		fail("no text", key);
	return s;
}

static const struct policy *policy_at(const char *path)
{
	static const struct policy_zones zones = { .read = conf_zone_read };
	CLEAN_BUF struct buf text = { 0 };
	CLEAN_BUF struct buf errs = { 0 };
	const char *slash = strrchr(path, '/');
	size_t i;

	for (i = 0; i < POLICIES_MAX && policies[i].p; i++)
		if (!strcmp(policies[i].path, path))
			return policies[i].p;
	buf_init(&text, YAML_FILE_MAX + 1);
	buf_init(&errs, 1 << 16);
	if (i == POLICIES_MAX ||
	    str_copy(policies[i].path, sizeof(policies[i].path),
		     span_str(path)) < 0)
		fail("too many policies", path);
	if (conf_read_file(path, &text, &errs) < 0 ||
	    policy_load(slash ? slash + 1 : path, buf_view(&text), &zones,
			&policies[i].p, &errs) < 0)
		fail(path, buf_cstr(&errs));
	return policies[i].p;
}

/* items */

static const struct source *source_named(const struct policy *p,
					 const char *name)
{
	size_t i;

	for (i = 0; i < p->n_sources; i++)
		if (!strcmp(p->sources[i].row.name, name))
			return &p->sources[i];
	fail("no such source", name);
}

static void add_item(struct replay *r, const json_t *o)
{
	const struct source *s = source_named(r->policy, text_of(o, "source"));
	struct decide_item *it = &r->items[r->n_items];

	if (r->n_items == DECIDE_ITEMS)
		fail("too many items", "");
	*it = (struct decide_item){ .item = r->n_items + 1,
				    .source = &s->row,
				    .sender = span_str(text_of(o, "from")) };
	it->sender_who = stamp_sender(s, it->sender, r->atoms);
	r->labels[r->n_items] =
		stamp_item(r->policy, s, it->sender, it->item, r->atoms);
	it->atom = r->labels[r->n_items].atoms[0];
	r->n_items++;
}

static enum arg_type kind_type(const char *kind)
{
	const char *dot = strrchr(kind, '.');

	if (dot && !strcmp(dot, ".text"))
		return TYPE_TEXT;
	if (dot && !strcmp(dot, ".address"))
		return TYPE_EMAIL;
	if (dot && !strcmp(dot, ".link"))
		return TYPE_URL;
	return TYPE_ID;
}

static void add_handle(struct replay *r, const json_t *o)
{
	const char *of = text_of(o, "of");
	json_int_t i = json_integer_value(json_object_get(o, "item"));
	struct handle_value v = { .kind = span_str(of),
				  .type = kind_type(of),
				  .origin = ORIGIN_HANDLE,
				  .bytes = span_str(text_of(o, "value")) };
	const struct handle *k;

	if (i < 0 || (size_t)i >= r->n_items)
		fail("no such item", of);
	v.item = r->items[i].item;
	v.label = &r->labels[i];
	if (handles_add(r->handles, &v, &k) < 0)
		fail("no handle of this", text_of(o, "value"));
}

/* a call */

static struct m_arg *next_row(struct replay *r, const char *name, uint8_t json,
			      const char *value)
{
	struct m_arg *a = &r->call.args[r->call.n];

	if (r->call.n == LIMIT_ARGS)
		fail("too many arguments", name);
	r->call.n++;
	*a = (struct m_arg){ .name = span_str(name),
			     .json = json,
			     .value = span_str(value) };
	return a;
}

static void add_number(struct replay *r, const char *name, const json_t *v,
		       uint8_t shape)
{
	char *number = r->numbers[r->call.n % LIMIT_ARGS];

	if (json_is_integer(v))
		(void)str_printf(number, sizeof(r->numbers[0]), "%lld",
				 (long long)json_integer_value(v));
	else
		(void)str_printf(number, sizeof(r->numbers[0]), "%.9g",
				 json_real_value(v));
	next_row(r, name, json_is_integer(v) ? ARG_INTEGER : ARG_NUMBER, number)
		->shape = shape;
}

static void add_template(struct replay *r, const char *name, const json_t *v,
			 uint8_t shape)
{
	const json_t *fill;
	size_t i;

	next_row(r, name, ARG_TEMPLATE, text_of(v, "tmpl"))->shape = shape;
	json_array_foreach(json_object_get(v, "args"), i, fill)
		next_row(r, name, ARG_FILL, text_of(fill, "ref"))
			->shape = shape;
}

static void add_value(struct replay *r, const char *name, const json_t *v,
		      uint8_t shape)
{
	if (json_is_string(v))
		next_row(r, name, ARG_STRING, json_string_value(v))->shape =
			shape;
	else if (json_is_boolean(v))
		next_row(r, name, ARG_BOOL, json_is_true(v) ? "true" : "false")
			->shape = shape;
	else if (json_is_number(v))
		add_number(r, name, v, shape);
	else if (json_object_get(v, "tmpl"))
		add_template(r, name, v, shape);
	else
		next_row(r, name, ARG_REF, text_of(v, "ref"))->shape = shape;
}

static void add_arg(struct replay *r, const char *name, const json_t *v)
{
	const json_t *element;
	size_t i;

	if (!json_is_array(v))
		add_value(r, name, v, ARG_SCALAR);
	else if (!json_array_size(v))
		next_row(r, name, ARG_STRING, "")->shape = ARG_EMPTY_LIST;
	else
		json_array_foreach(v, i, element)
			add_value(r, name, element, ARG_ELEMENT);
}

static const char *verdict_word(const struct decision *d)
{
	switch (d->verdict) {
	case VERDICT_ALLOW:
		return d->rehearsed ? "rehearse" : "allow";
	case VERDICT_ASK:
		return d->rehearsed ? "rehearse" : "ask";
	case VERDICT_DENY:
	case VERDICT_MAX:
		break;
	}
	return "deny";
}

static json_t *decide_call(struct replay *r, const json_t *o)
{
	static struct decision d;
	const char *name;
	json_t *v, *answer;

	r->call = (struct m_call){ .call = 1,
				   .capability = span_str(text_of(o, "call")) };
	json_object_foreach(json_object_get(o, "args"), name, v)
		add_arg(r, name, v);
	decision_init(&d);
	policy_decide(r->policy, r->state, &r->in, &d);
	answer = json_pack("{s:s, s:s, s:s}", "verdict", verdict_word(&d),
			   "clause", d.clause, "reason", d.reason);
	decision_done(&d);
	return answer;
}

/* a case */

static void open_session(struct replay *r, const json_t *o)
{
	const json_t *session = json_object_get(o, "session");
	size_t i;

	r->owner_label = label_of(ATOM_OWNER, INTEGRITY_OWNER);
	r->pc = r->owner_label;
	if (json_is_true(json_object_get(session, "tainted")))
		r->in.session |= SESSION_TAINTED;
	if (json_is_true(json_object_get(session, "private")))
		r->in.session |= SESSION_PRIVATE;
	for (i = 0; r->in.session && i < r->n_items; i++)
		label_join(&r->pc, &r->labels[i]);
}

static void open_case(struct replay *r, const json_t *o)
{
	static const struct state_clock clock = { .boot_ms = 1000,
						  .wall_s = NOW_S };
	const json_t *v;
	size_t i;

	*r = (struct replay){ .policy = policy_at(text_of(o, "policy")) };
	r->state = policy_state_new();
	r->atoms = atoms_new(1);
	r->handles = handles_new(1);
	if (!r->state || !r->atoms || !r->handles ||
	    tokens_read(&r->owner, span_str(text_of(o, "owner"))) < 0)
		fail("out of memory, or no text", text_of(o, "owner"));
	(void)policy_state_now(r->state, &clock);
	json_array_foreach(json_object_get(o, "items"), i, v) add_item(r, v);
	json_array_foreach(json_object_get(o, "handles"), i, v)
		add_handle(r, v);
	open_session(r, o);
	r->context = (struct arg_context){ .handles = r->handles,
					   .owner = &r->owner,
					   .owner_label = &r->owner_label,
					   .pc = &r->pc };
	r->in.call = &r->call;
	r->in.context = &r->context;
	r->in.atoms = r->atoms;
	r->in.items = r->items;
	r->in.n_items = r->n_items;
	r->in.task = 1;
	r->in.wall_s = NOW_S;
}

static void close_case(struct replay *r)
{
	policy_state_free(r->state);
	handles_free(r->handles);
	tokens_done(&r->owner);
	atoms_free(r->atoms);
}

static void run_case(const json_t *o)
{
	static struct replay r;
	json_t *answers = json_array();
	const json_t *call;
	size_t i;

	open_case(&r, o);
	json_array_foreach(
		json_object_get(o, "calls"), i,
		call) if (json_array_append_new(answers,
						decide_call(&r, call)) < 0)
		fail("no answer", text_of(call, "call"));
	(void)json_dumpf(answers, stdout, JSON_COMPACT);
	(void)putchar('\n');
	json_decref(answers);
	close_case(&r);
}

int main(void)
{
	static char line[LINE_MAX_BYTES];
	json_error_t e;
	json_t *o;
	size_t i;

	while (fgets(line, sizeof(line), stdin)) {
		o = json_loads(line, 0, &e);
		if (!o)
			fail("no JSON", e.text);
		run_case(o);
		json_decref(o);
	}
	for (i = 0; i < POLICIES_MAX; i++)
		policy_free(policies[i].p);
	return 0;
}
