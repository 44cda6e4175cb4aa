/*
 * label_bench: what the labels of a decision cost. Builds the matcher's table
 * over 1 MiB of text, then resolves a call with an argument of 4 KiB, in each
 * form that one can have, and looks at as much of a request to a model. Prints
 * nanoseconds as JSON: the median and the 99th percentile of ROUNDS calls.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "label/args.h"

enum { ROUNDS = 2000, TEXT = 1 << 20, ITEM = 16 << 10, ARGUMENT = 4 << 10 };

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

/* Text of words; the same seed gives the same text. */
static void write_text(uint8_t *p, size_t n, uint32_t seed)
{
	static const char letters[] = "etaoinshrdlucmfwypvbgkqjxz";
	size_t i, left = 0;

	for (i = 0; i < n; i++) {
		seed = seed * 1664525u + 1013904223u;
		if (!left) {
			left = 2 + (seed >> 20) % 9;
			p[i] = ' ';
			continue;
		}
		/* the frequent letters more often */
		p[i] = (uint8_t)
			letters[((seed >> 8) % 26) * ((seed >> 16) % 26) / 26];
		left--;
	}
}

static uint8_t text[TEXT], own[ARGUMENT];
static uint64_t times[ROUNDS];
static struct args args;
static struct arg_context context;
static struct atoms *atoms;
static struct label pc, mail;

static void print_times(const char *name, const char *before)
{
	qsort(times, ROUNDS, sizeof(times[0]), by_size);
	printf("%s\"%s_p50_ns\": %" PRIu64 ", \"%s_p99_ns\": %" PRIu64, before,
	       name, times[ROUNDS / 2], name, times[ROUNDS * 99 / 100]);
}

/* A call with one address and one text, as email.send has them. */
static void measure(const char *name, const struct m_arg *rows, size_t n)
{
	const struct m_arg to = { SPAN_LIT("to"), ARG_STRING, ARG_ELEMENT,
				  SPAN_LIT("lea@example.org") };
	const struct arg_want address = { .type = TYPE_EMAIL, .names = true },
			      body = { .type = TYPE_TEXT, .lines = true };
	struct arg_fault fault;
	size_t i;

	for (i = 0; i < ROUNDS; i++) {
		uint64_t start = now_ns();

		args_reset(&args);
		if (args_resolve(&args, &context, &address, &to, 1, &fault) ||
		    args_resolve(&args, &context, &body, rows, n, &fault))
			exit(1);
		times[i] = now_ns() - start;
	}
	print_times(name, ", ");
}

/* What is new in a request to a model, beside all that there is. */
static void measure_quotes(const char *name, const struct gram *g,
			   struct span request)
{
	size_t i;

	for (i = 0; i < ROUNDS; i++) {
		const uint64_t start = now_ns();
		struct label l = label_empty();

		if (!gram_quotes(g, request, &l))
			exit(1);
		times[i] = now_ns() - start;
	}
	print_times(name, ", ");
}

static struct m_arg row(uint8_t json, struct span value)
{
	return (struct m_arg){ SPAN_LIT("body"), json, ARG_SCALAR, value };
}

static uint64_t build_gram(struct gram *g)
{
	uint64_t start = now_ns();
	size_t i;

	for (i = 0; i < TEXT; i += ITEM) {
		char name[32];
		int n = snprintf(name, sizeof(name), "imap/me/%zu/body", i);

		mail = label_of(atoms_named(atoms, span_of(name, (size_t)n)),
				INTEGRITY_EXTERNAL);
		if (gram_add(g, span_of(text + i, ITEM), &mail) < 0)
			exit(1);
	}
	return now_ns() - start;
}

int main(void)
{
	struct label owner = label_of(ATOM_OWNER, INTEGRITY_OWNER);
	struct handles *handles = handles_new(1);
	struct gram *gram = gram_new(1);
	struct handle_value v = { .kind = SPAN_LIT("mail.body"),
				  .type = TYPE_TEXT,
				  .origin = ORIGIN_HANDLE,
				  .bytes = span_of(text, ARGUMENT),
				  .label = &mail };
	const struct handle *k;
	struct m_arg rows[2];
	struct tokens tokens;

	atoms = atoms_new(1);
	write_text(text, TEXT, 1);
	write_text(own, ARGUMENT, 2);
	if (!handles || !gram || !atoms || handles_add(handles, &v, &k) < 0 ||
	    tokens_read(&tokens, SPAN_LIT("write to lea@example.org")) < 0)
		return 1;
	pc = owner;
	context = (struct arg_context){ .handles = handles,
					.owner = &tokens,
					.owner_label = &owner,
					.pc = &pc,
					.gram = gram };
	args_init(&args);
	printf("{\"gram_build_ns\": %" PRIu64, build_gram(gram));
	rows[0] = row(ARG_STRING, span_of(own, ARGUMENT));
	measure("literal", rows, 1);
	rows[0] = row(ARG_STRING, span_of(text + 4321, ARGUMENT));
	measure("copied", rows, 1);
	rows[0] = row(ARG_REF, SPAN_LIT("@1"));
	measure("ref", rows, 1);
	rows[0] = row(ARG_TEMPLATE, SPAN_LIT("Hi {0}, and so on"));
	rows[1] = row(ARG_FILL, SPAN_LIT("@1"));
	measure("template", rows, 2);
	measure_quotes("request", gram, span_of(own, ARGUMENT));
	measure_quotes("request_copied", gram, span_of(text + 4321, ARGUMENT));
	context.gram = NULL;
	rows[0] = row(ARG_STRING, span_of(own, ARGUMENT));
	measure("literal_no_gram", rows, 1);
	printf("}\n");
	args_done(&args);
	tokens_done(&tokens);
	gram_free(gram);
	handles_free(handles);
	atoms_free(atoms);
	return 0;
}
