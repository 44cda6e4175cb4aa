/*
 * memory: each allocation of a decision fails once, in turn. Whatever it was,
 * the call is refused, and nothing of the limits is taken.
 */
#include "policy/decide_sample.h"

#include <stdlib.h>

#include "label/gram.h"

static const char text[] =
	"bulkhead: 1\n"
	"mode: enforce\n"
	"sets: {family: [lea@example.org, max@example.org]}\n"
	"sources: {mail: {reader: email, connector: imap, integrity: "
	"external,\n"
	"    audience: public, reveal: handles}}\n"
	"capabilities:\n"
	"  send: {connector: smtp, effect: external, undo: none, args: {\n"
	"      to: {type: email, many: 3, role: target, else: deny},\n"
	"      level: {type: number, role: control, min: 0, max: 9, step: 2},\n"
	"      body: {type: text, max: 8KiB, role: content, links: owner}},\n"
	"    decide: [{deny: {to: {is: eve@evil.example}}},\n"
	"             {allow: {to: {in: family}}}],\n"
	"    limits: {rate: 100/hour, total: 500/day, bytes: 1MiB/day,\n"
	"      per: {to: 50/day}}}\n"
	"budgets: {calls: 500/task, denials: 500/task, targets: 100/day}\n";

static size_t countdown, calls; /* 0: none fails */

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_reallocarray(void *p, size_t n, size_t size);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_reallocarray(void *p, size_t n, size_t size);

static bool fails(void)
{
	calls++;
	return countdown && --countdown == 0;
}

void *__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
	return fails() ? NULL : __real_realloc(p, n);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return fails() ? NULL : __real_reallocarray(p, n, size);
}

/* A world in which nothing has been allocated for a decision yet. */
static struct sample *ready(struct gram **gram, struct link_set *links)
{
	static const char *const args[SAMPLE_ARGS] = {
		"to[]=lea@example.org", "to[]=max@example.org", "level.=3",
		"body=Hello from https://good.example/x and @bob, c2VjcmV0IG1"
		"lc3NhZ2UgaW4gYmFzZTY0IHdvcmRz"
	};
	struct sample *s = sample_new(text);
	struct label l;

	*gram = gram_new(1);
	assert_non_null(*gram);
	l = label_of(ATOM_OWNER, INTEGRITY_EXTERNAL);
	assert_int_equal(gram_add(*gram,
				  SPAN_LIT("something else that was read, "
					   "long enough to be looked for"),
				  &l),
			 0);
	link_set_init(links);
	link_set_read(links, SPAN_LIT("https://good.example/x"));
	s->context.gram = *gram;
	s->in.owner_links = links;
	sample_call(s, "send", args);
	return s;
}

static void done(struct sample *s, struct gram *gram, struct link_set *links)
{
	gram_free(gram);
	link_set_done(links);
	sample_free(s);
}

static size_t allocations(void)
{
	struct link_set links;
	struct gram *gram;
	struct sample *s = ready(&gram, &links);

	calls = 0;
	assert_int_equal(sample_again(s)->verdict, VERDICT_ALLOW);
	done(s, gram, &links);
	return calls;
}

static void each_of_them_fails(void **)
{
	size_t n = allocations(), i;

	assert_true(n > 10);
	for (i = 1; i <= n; i++) {
		struct link_set links;
		struct gram *gram;
		struct sample *s = ready(&gram, &links);
		enum verdict got;

		countdown = i;
		got = sample_again(s)->verdict;
		if (countdown)
			fail_msg("allocation %zu of %zu was not made", i, n);
		if (got != VERDICT_DENY)
			fail_msg("allocation %zu of %zu: allowed", i, n);
		assert_int_equal(s->d.n, 0);
		assert_null(s->d.connector);
		assert_int_equal(policy_state_used(s->state,
						   SPAN_LIT("3600 rate send"),
						   3600),
				 0);
		/* with memory again it is as if nothing had been */
		assert_int_equal(sample_again(s)->verdict, VERDICT_ALLOW);
		assert_int_equal(policy_state_used(s->state,
						   SPAN_LIT("3600 rate send"),
						   3600),
				 1);
		done(s, gram, &links);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_of_them_fails),
	};

	return cmocka_run_group_tests_name("policy/memory", tests, NULL, NULL);
}
