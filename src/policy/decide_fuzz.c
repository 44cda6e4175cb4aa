/*
 * decide_fuzz: any call against the default policy. The first byte and each
 * separator choose names that exist, so that most calls come far. An allow
 * with a value outside its set, or without its arguments, is a crash.
 */
#include "policy/decide.h"

static const char *const names[] = { "email.send",     "notes.append",
				     "email.announce", "to",
				     "subject",	       "body",
				     "text",	       "lea@example.org",
				     "max@example.org" };

/* A length byte below 16 is a name of the table, else bytes of the input. */
static struct span take(struct span *in)
{
	struct span s = { 0 };
	size_t n;

	if (!in->n)
		return s;
	n = in->p[0];
	*in = span_of(in->p + 1, in->n - 1);
	if (n < 16)
		return span_str(names[n % ARRAY_SIZE(names)]);
	n -= 16;
	s = span_of(in->p, n < in->n ? n : in->n);
	*in = span_of(in->p + s.n, in->n - s.n);
	return s;
}

static void check(const struct decision *d)
{
	uint32_t i, to = 0;

	if (!d->connector || !d->n || *d->reason)
		__builtin_trap();
	for (i = 0; i < d->n; i++) {
		if (!span_is(d->rows[i].name, "to"))
			continue;
		to++;
		if (!span_is(d->rows[i].value, "lea@example.org") &&
		    !span_is(d->rows[i].value, "max@example.org"))
			__builtin_trap();
	}
	if (d->n != 1 && (to < 1 || to > 2 || d->n != to + 2))
		__builtin_trap();
}

static void read_call(struct m_call *c, struct span in)
{
	*c = (struct m_call){ .capability = take(&in) };
	while (in.n > 1 && c->n < LIMIT_ARGS) {
		struct m_arg *a = &c->args[c->n++];

		a->json = in.p[0] & 7;
		a->shape = in.p[0] >> 3 & 3;
		in = span_of(in.p + 1, in.n - 1);
		a->name = take(&in);
		a->value = take(&in);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct policy *policy;
	static struct decision d;
	static struct m_call c;
	struct policy_state *state = policy_state_new();
	struct atoms *atoms = atoms_new(1);
	const struct label pc = label_of(ATOM_OWNER, INTEGRITY_OWNER);
	const struct arg_context context = { .owner_label = &pc, .pc = &pc };
	const struct decide_in in = { .call = &c,
				      .context = &context,
				      .atoms = atoms };
	CLEAN_BUF struct buf errs;

	buf_init(&errs, 1 << 16);
	if (!policy) {
		decision_init(&d);
		if (policy_load("a", span_str(policy_default_text()), NULL,
				&policy, &errs) < 0)
			__builtin_trap();
	}
	read_call(&c, span_of(p, n));
	policy_decide(policy, state, &in, &d);
	if (d.verdict == VERDICT_ALLOW)
		check(&d);
	else if (d.verdict == VERDICT_DENY &&
		 (d.n || d.connector || !*d.reason))
		__builtin_trap();
	policy_state_free(state);
	atoms_free(atoms);
	return 0;
}
