/*
 * decide_sample: a policy, a task and what it knows, as the tests of decisions
 * set them up: fresh, nothing seen yet, at noon on a Monday.
 */
#ifndef POLICY_DECIDE_SAMPLE_H
#define POLICY_DECIDE_SAMPLE_H

#include <stdlib.h>

#include "base/testing.h"
#include "policy/decide.h"
#include "policy/model.h"
#include "policy/stamp.h"

enum { SAMPLE_ITEMS = 8, SAMPLE_ARGS = 6 };

struct sample {
	struct policy *policy;
	struct policy_state *state;
	struct atoms *atoms;
	struct handles *handles;
	struct tokens owner;
	struct label owner_label, pc;
	struct arg_context context;
	struct arg_fact facts[SAMPLE_ITEMS];
	struct label fact_labels[SAMPLE_ITEMS];
	struct decide_item items[SAMPLE_ITEMS];
	struct label labels[SAMPLE_ITEMS];
	struct m_call call;
	struct decide_in in;
	struct decision d;
};

/* Arguments as "name=text", "name[]=element", "name#=integer", "name.=number",
 * "name?=bool", "name@=@12", "name[0]" for the empty list. */
static inline struct m_arg arg_of(const char *s)
{
	static const struct {
		const char *mark;
		uint8_t json, shape;
	} marks[] = {
		{ "[]=", ARG_STRING, ARG_ELEMENT },
		{ "#=", ARG_INTEGER, ARG_SCALAR },
		{ ".=", ARG_NUMBER, ARG_SCALAR },
		{ "?=", ARG_BOOL, ARG_SCALAR },
		{ "@=", ARG_REF, ARG_SCALAR },
		{ "[0]", ARG_STRING, ARG_EMPTY_LIST },
		{ "=", ARG_STRING, ARG_SCALAR },
	};
	struct m_arg a = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(marks); i++) {
		const char *at = strstr(s, marks[i].mark);

		if (!at || (marks[i].shape != ARG_EMPTY_LIST &&
			    at + strlen(marks[i].mark) > strchr(s, '=') + 1))
			continue;
		a.name = span_of(s, (size_t)(at - s));
		a.value = span_str(at + strlen(marks[i].mark));
		a.json = marks[i].json;
		a.shape = marks[i].shape;
		return a;
	}
	fail_msg("bad argument in a row: %s", s);
	return a;
}

static inline void sample_at(struct sample *s, uint64_t now_s)
{
	const struct state_clock c = { .boot_ms = now_s * 1000,
				       .wall_s = 1767614400 + now_s,
				       .boot_id = { 1 } };

	(void)policy_state_now(s->state, &c);
	s->in.wall_s = c.wall_s;
}

static inline struct policy *sample_load(const char *text)
{
	struct policy *p = NULL;
	CLEAN_BUF struct buf errs;

	buf_init(&errs, 1 << 16);
	if (policy_load("p", span_str(text), NULL, &p, &errs) < 0)
		fail_msg("%s", buf_cstr(&errs));
	return p;
}

static inline struct sample *sample_new(const char *text)
{
	struct sample *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->policy = sample_load(text);
	s->state = policy_state_new();
	s->atoms = atoms_new(1);
	s->handles = handles_new(1);
	assert_true(s->state && s->atoms && s->handles);
	s->owner_label = label_of(ATOM_OWNER, INTEGRITY_OWNER);
	s->pc = s->owner_label;
	s->context = (struct arg_context){ .handles = s->handles,
					   .owner = &s->owner,
					   .owner_label = &s->owner_label,
					   .pc = &s->pc,
					   .facts = s->facts };
	s->in = (struct decide_in){ .call = &s->call,
				    .context = &s->context,
				    .atoms = s->atoms,
				    .items = s->items,
				    .task = 1 };
	decision_init(&s->d);
	sample_at(s, 0);
	return s;
}

static inline void sample_free(struct sample *s)
{
	decision_done(&s->d);
	tokens_done(&s->owner);
	handles_free(s->handles);
	atoms_free(s->atoms);
	policy_state_free(s->state);
	policy_free(s->policy);
	free(s);
}

static inline void sample_owner(struct sample *s, const char *text)
{
	tokens_done(&s->owner);
	assert_int_equal(tokens_read(&s->owner, span_str(text)), 0);
}

/* An item with that authenticated sender ("": nobody); its number, from 1. */
static inline uint64_t sample_item(struct sample *s, const char *source,
				   const char *sender)
{
	size_t i = s->in.n_items, k;
	const struct source *from = NULL;

	for (k = 0; k < s->policy->n_sources; k++)
		if (!strcmp(s->policy->sources[k].row.name, source))
			from = &s->policy->sources[k];
	assert_true(from && i < SAMPLE_ITEMS);
	s->labels[i] =
		stamp_item(s->policy, from, span_str(sender), i + 1, s->atoms);
	s->items[i] = (struct decide_item){
		.item = i + 1,
		.source = &from->row,
		.sender = span_str(sender),
		.chat = span_str(sender),
		.sender_who = stamp_sender(from, span_str(sender), s->atoms),
		.atom = s->labels[i].atoms[0],
	};
	s->in.n_items++;
	if (!*sender)
		return i + 1;
	s->fact_labels[i] =
		stamp_field(&s->labels[i], from, i + 1, "sender", s->atoms);
	s->facts[s->context.n_facts++] =
		(struct arg_fact){ .type = source_sender_type(from),
				   .value = span_str(sender),
				   .label = &s->fact_labels[i],
				   .item = i + 1 };
	return i + 1;
}

/* A handle of a value of that item; "@1" is the first. */
static inline void sample_handle(struct sample *s, uint64_t item,
				 const char *kind, enum arg_type type,
				 const char *value)
{
	const struct handle_value v = { .kind = span_str(kind),
					.type = type,
					.origin = ORIGIN_HANDLE,
					.bytes = span_str(value),
					.item = item,
					.label = &s->labels[item - 1] };
	const struct handle *k;

	assert_int_equal(handles_add(s->handles, &v, &k), 0);
}

/* The planner is shown the text of an item. */
static inline void sample_shown(struct sample *s, uint64_t item)
{
	label_join(&s->pc, &s->labels[item - 1]);
	s->in.session =
		(s->pc.integrity == INTEGRITY_EXTERNAL ? SESSION_TAINTED : 0) |
		(s->pc.audience != READ_BY_ALL ? SESSION_PRIVATE : 0);
}

static inline void sample_call(struct sample *s, const char *capability,
			       const char *const *args)
{
	s->call = (struct m_call){ .capability = span_str(capability) };
	for (; s->call.n < SAMPLE_ARGS && args[s->call.n]; s->call.n++)
		s->call.args[s->call.n] = arg_of(args[s->call.n]);
}

static inline const struct decision *sample_again(struct sample *s)
{
	policy_decide(s->policy, s->state, &s->in, &s->d);
	return &s->d;
}

static inline const struct decision *
sample_decide(struct sample *s, const char *capability, const char *const *args)
{
	sample_call(s, capability, args);
	return sample_again(s);
}

#endif
