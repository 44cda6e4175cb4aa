/*
 * decision_bench: how long one decision takes, without the log: 100
 * capabilities, a closed set of 10,000 members. Prints the percentiles of N
 * decisions in nanoseconds as JSON.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "policy/decide.h"

enum { CAPABILITIES = 100, MEMBERS = 10000, ROUNDS = 50000 };

static void write_policy(struct buf *b)
{
	int i;

	buf_str(b, "bulkhead: 1\nprofile: bench\nmode: enforce\nsets:\n"
		   "  people: [");
	for (i = 0; i < MEMBERS; i++)
		buf_printf(b, "%sp%d@example.org", i ? ", " : "", i);
	buf_str(b, "]\nsources:\n  mail: {reader: email, connector: inbox, "
		   "integrity: external, audience: thread, reveal: text}\n"
		   "capabilities:\n");
	for (i = 0; i < CAPABILITIES; i++)
		buf_printf(b,
			   "  c%d.send:\n    connector: out\n"
			   "    effect: external\n    undo: none\n    args:\n"
			   "      to: {type: email, many: 5, role: target, "
			   "from: [config], in: people}\n"
			   "      body: {type: text, max: 8KiB, role: content, "
			   "from: [planner]}\n"
			   "    decide:\n      - allow: {}\n"
			   "    limits: {rate: 10000/minute}\n",
			   i);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
	const uint64_t *x = a;
	const uint64_t *y = b;

	return (*x > *y) - (*x < *y);
}

/* Every second call names a stranger, so both ways are timed. */
static void one_call(struct m_call *call, char *name, char *to, int i)
{
	(void)snprintf(name, 32, "c%d.send", i % CAPABILITIES);
	(void)snprintf(to, 32, "p%d@example.%s", (i * 7919) % MEMBERS,
		       i % 2 ? "org" : "net");
	*call = (struct m_call){ .capability = span_str(name), .n = 2 };
	call->args[0] = (struct m_arg){ SPAN_LIT("to"), ARG_STRING, ARG_ELEMENT,
					span_str(to) };
	call->args[1] =
		(struct m_arg){ SPAN_LIT("body"), ARG_STRING, ARG_SCALAR,
				SPAN_LIT("A line of text.") };
}

/* As the broker does behind each decision. */
static void store(struct policy_state *state)
{
	static struct buf key = { .max = STATE_KEY_MAX };
	static struct buf row = { .max = STATE_ROW_MAX };

	while (policy_state_dirty(state, &key, &row))
		;
}

static void end_task(struct policy_state *state, int task)
{
	char key[32];
	int n = snprintf(key, sizeof(key), "task %d ", task);

	policy_state_forget(state, span_of(key, (size_t)n));
	store(state);
}

int main(void)
{
	static struct decision d;
	static struct m_call call;
	static uint64_t took[ROUNDS];
	CLEAN_BUF struct buf errs = { .max = 1 << 20 };
	CLEAN_BUF struct buf yaml = { .max = 1 << 20 };
	struct policy_state *state = policy_state_new();
	const struct label pc = label_of(ATOM_OWNER, INTEGRITY_OWNER);
	const struct arg_context context = { .owner_label = &pc, .pc = &pc };
	struct decide_in in = { .call = &call,
				.context = &context,
				.atoms = atoms_new(1) };
	struct policy *p = NULL;
	int allowed = 0;
	int i;

	decision_init(&d);
	write_policy(&yaml);
	if (policy_load("bench.yaml", buf_view(&yaml), NULL, &p, &errs) < 0) {
		(void)fprintf(stderr, "%s", buf_cstr(&errs));
		return 1;
	}
	for (i = 0; i < ROUNDS; i++) {
		char name[32], to[32];
		uint64_t t0;

		one_call(&call, name, to, i);
		in.task = (uint64_t)i; /* of none are there too many */
		t0 = now_ns();
		policy_decide(p, state, &in, &d);
		took[i] = now_ns() - t0;
		allowed += d.verdict == VERDICT_ALLOW;
		end_task(state, i);
	}
	decision_done(&d);
	atoms_free(in.atoms);
	policy_state_free(state);
	policy_free(p);
	if (allowed != ROUNDS / 2) {
		(void)fprintf(stderr, "%d of %d allowed\n", allowed, ROUNDS);
		return 1;
	}
	qsort(took, ROUNDS, sizeof(took[0]), by_size);
	printf("{\"n\": %d, \"p50_ns\": %" PRIu64 ", \"p99_ns\": %" PRIu64
	       "}\n",
	       ROUNDS, took[ROUNDS / 2], took[(size_t)ROUNDS / 100 * 99]);
	return 0;
}
