/*
 * bulkhead policy blast: the worst of an hour and of a day.
 */
#include "policy/blast.h"

#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "cli/policy.h"
#include "policy/words.h"

enum { NAME_WIDTH = 26 };

static const char *const windows[BLAST_WINDOWS] = { "hour", "day" };

/* text: as print does it, bounds as numbers or "no limit" */

static void amount(char *dst, size_t cap, uint64_t v, bool bytes)
{
	CLEAN_BUF struct buf text;

	buf_init(&text, 64);
	if (v == BLAST_NO_BOUND)
		buf_str(&text, "no limit");
	else if (bytes)
		size_words(&text, v);
	else
		buf_printf(&text, "%" PRIu64, v);
	(void)str_copy(dst, cap, buf_view(&text));
}

static void print_amounts(const uint64_t v[BLAST_WINDOWS], bool bytes)
{
	char text[32];
	size_t w;

	for (w = 0; w < BLAST_WINDOWS; w++) {
		amount(text, sizeof(text), v[w], bytes);
		(void)printf(" %8s", text);
	}
}

static void print_money(const struct blast *b)
{
	size_t i, w;

	for (i = 0; i < b->n_money; i++) {
		(void)printf("%-*s", NAME_WIDTH, "");
		for (w = 0; w < BLAST_WINDOWS; w++) {
			CLEAN_BUF struct buf text;

			buf_init(&text, 64);
			if (b->money[i].most[w] > INT64_MAX)
				buf_str(&text, "money without limit");
			else
				money_words(&text, b->money[i].currency,
					    (int64_t)b->money[i].most[w]);
			(void)printf("%s%s %s", w ? ", " : " ", buf_cstr(&text),
				     w ? "a day" : "an hour");
		}
		(void)printf("\n");
	}
	if (b->more_money)
		(void)printf("%-*s and money of more currencies\n", NAME_WIDTH,
			     "");
}

static void print_row(const struct blast *b)
{
	const char *name = b->name ? b->name : "in all";
	char asked[32];

	(void)printf("%-*s", NAME_WIDTH, name);
	if (strlen(name) > NAME_WIDTH)
		(void)printf("\n%-*s", NAME_WIDTH, "");
	if (b->alone) {
		print_amounts(b->calls, false);
		print_amounts(b->targets, false);
		print_amounts(b->bytes, true);
	} else {
		(void)printf(" only with approval, or never");
	}
	(void)printf("\n");
	print_money(b);
	if (b->name || !b->asks)
		return;
	amount(asked, sizeof(asked), b->asked[BLAST_DAY], false);
	(void)printf("the owner is asked, a day: %s\n", asked);
}

static void print_text(const struct policy *p)
{
	struct blast b;
	size_t i;

	(void)printf("at most, by a planner who wants the worst\n%-*s %17s "
		     "%17s %17s\n%-*s",
		     NAME_WIDTH, "", "calls", "distinct targets",
		     "bytes to others", NAME_WIDTH, "");
	for (i = 0; i < 3; i++)
		(void)printf(" %8s %8s", windows[0], windows[1]);
	(void)printf("\n");
	for (i = 0; policy_blast(p, i, &b); i++)
		if (strcmp(b.effect, "read") != 0)
			print_row(&b);
	policy_blast_sum(p, &b);
	print_row(&b);
}

/* JSON: null is no limit */

static json_t *bound(uint64_t v)
{
	return v > INT64_MAX ? json_null() : json_integer((json_int_t)v);
}

static json_t *bounds(const uint64_t v[BLAST_WINDOWS])
{
	return json_pack("{s:o, s:o}", windows[0], bound(v[0]), windows[1],
			 bound(v[1]));
}

static json_t *money_json(const struct blast *b)
{
	json_t *o = json_object();
	size_t i;

	for (i = 0; o && i < b->n_money; i++) {
		char code[4];

		(void)str_copy(code, sizeof(code), b->money[i].currency);
		if (json_object_set_new(o, code, bounds(b->money[i].most)) <
		    0) {
			json_decref(o);
			return NULL;
		}
	}
	return o;
}

static json_t *row_json(const struct blast *b)
{
	json_t *o = json_pack("{s:b, s:b, s:o, s:o, s:o, s:o, s:o}", "alone",
			      b->alone, "asks", b->asks, "calls",
			      bounds(b->calls), "targets", bounds(b->targets),
			      "bytes", bounds(b->bytes), "asked",
			      bounds(b->asked), "money_minor", money_json(b));

	if (o && b->name)
		(void)json_object_set_new(o, "capability",
					  json_string(b->name));
	if (o && b->effect)
		(void)json_object_set_new(o, "effect", json_string(b->effect));
	return o;
}

static int print_json(const struct policy *p)
{
	json_t *list = json_array(), *o;
	struct blast b;
	size_t i;
	int rc;

	for (i = 0; policy_blast(p, i, &b); i++)
		(void)json_array_append_new(list, row_json(&b));
	policy_blast_sum(p, &b);
	o = json_pack("{s:o, s:o}", "capabilities", list, "all", row_json(&b));
	rc = cli_json(stdout, o);
	json_decref(o);
	return rc;
}

int run_policy_blast(int argc, char **argv, const struct cli *cli)
{
	struct policy *p;
	int rc = CLI_OK;

	if (argc > 2)
		return cli_usage("blast", "name one file, or none");
	p = argc < 2 ? policy_configured(cli) : policy_or_say(argv[1]);
	if (!p)
		return CLI_USAGE;
	if (cli->json)
		rc = print_json(p);
	else
		print_text(p);
	policy_free(p);
	return rc;
}
