/* origins: see origins.h. */
#include "cli/origins.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "proto/limits.h"

enum match { MATCH_NONE, MATCH_POSSIBLE, MATCH_SURE };

/* Digits with separators, as a time begins. */
static bool is_time(const char *s)
{
	return s[0] >= '0' && s[0] <= '9' && strlen(s) >= 4 &&
	       strspn(s, "0123456789-:.TZ") == strlen(s);
}

int origins_init(struct origins *o, const char *what, const char *since)
{
	static const char prefix[] = "item:";
	const size_t n = sizeof(prefix) - 1;

	*o = (struct origins){ .found = json_array() };
	if (!o->found || (since && !is_time(since)))
		return -1;
	if (str_copy(o->since, sizeof(o->since), span_str(since ? since : "")) <
	    0)
		return -1;
	if (!strncmp(what, prefix, n))
		return num_parse(span_str(what + n), 1, INT64_MAX, &o->item);
	if (!strchr(what, '@'))
		return -1;
	return str_copy(o->sender, sizeof(o->sender), span_str(what)) < 0 ? -1
									  : 0;
}

void origins_done(struct origins *o)
{
	json_decref(o->found);
	free(o->items);
	*o = (struct origins){ 0 };
}

static const char *text_of(const json_t *record, const char *key)
{
	const char *s = json_string_value(json_object_get(record, key));

	return s ? s : "";
}

static uint64_t number_of(const json_t *record, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(record, key));

	return n > 0 ? (uint64_t)n : 0;
}

static bool has_item(const struct origins *o, uint64_t item)
{
	size_t i;

	if (o->item)
		return item == o->item;
	for (i = 0; i < o->n; i++)
		if (o->items[i] == item)
			return true;
	return false;
}

/* One that is read again after a crash is told of twice. */
static int add_item(struct origins *o, uint64_t item)
{
	if (!item || has_item(o, item))
		return 0;
	if (o->n == o->cap) {
		size_t cap = o->cap ? 2 * o->cap : 64;
		void *p = reallocarray(o->items, cap, sizeof(o->items[0]));

		if (!p)
			return -ENOMEM;
		o->items = p;
		o->cap = cap;
	}
	o->items[o->n++] = item;
	return 0;
}

/* The item of "connector/account/17/field". */
static uint64_t item_of(struct span atom)
{
	int slashes = 0;
	size_t i, from = 0;
	uint64_t item;

	for (i = 0; i < atom.n && slashes < 3; i++) {
		if (atom.p[i] != '/')
			continue;
		slashes++;
		if (slashes == 2)
			from = i + 1;
	}
	if (slashes < 2)
		return 0;
	if (slashes == 3)
		i--;
	return num_parse(span_of(atom.p + from, i - from), 1, INT64_MAX,
			 &item) < 0
		       ? 0
		       : item;
}

/* "external from=a/b/17/body,a/b/18 readers=..." */
static enum match match_label(const struct origins *o, const char *label)
{
	const char *from = strstr(label, "from=");
	enum match best = MATCH_NONE;

	if (!from)
		return *label ? MATCH_POSSIBLE : MATCH_NONE;
	from += strlen("from=");
	if (!strncmp(from, "many:", 5)) {
		best = MATCH_POSSIBLE;
		from += 5;
	}
	while (*from && *from != ' ') {
		size_t n = strcspn(from, ", ");

		if (has_item(o, item_of(span_of((const uint8_t *)from, n))))
			return MATCH_SURE;
		if (*from == '+' || *from == '?')
			best = MATCH_POSSIBLE;
		from += n + (from[n] == ',');
	}
	return best;
}

/* The names of the arguments that are of it, or may be. */
static enum match match_args(const struct origins *o, const json_t *record,
			     json_t *sure, json_t *possible)
{
	uint64_t n = number_of(record, "args");
	enum match best = MATCH_NONE;
	uint64_t i;

	for (i = 0; i < n && i < LIMIT_ARGS; i++) {
		char key[32];
		enum match m;

		(void)str_printf(key, sizeof(key), "arg.%" PRIu64 ".from", i);
		m = match_label(o, text_of(record, key));
		best = m > best ? m : best;
		(void)str_printf(key, sizeof(key), "arg.%" PRIu64 ".name", i);
		if (m != MATCH_NONE)
			(void)json_array_append_new(
				m == MATCH_SURE ? sure : possible,
				json_string(text_of(record, key)));
	}
	return best;
}

/* The goal of a fork is an argument like others. */
static const char *capability_of(const json_t *r)
{
	return text_of(r, json_object_get(r, "capability") ? "capability"
							   : "kind");
}

/* Whether it is what the task is about, or beside that: "4,17". */
static bool is_of_task(const struct origins *o, const json_t *r)
{
	const char *others = text_of(r, "others");
	uint64_t item = number_of(r, "item");

	if (item && has_item(o, item))
		return true;
	while (*others) {
		size_t n = strcspn(others, ",");

		if (num_parse(span_of((const uint8_t *)others, n), 1, INT64_MAX,
			      &item) == 0 &&
		    has_item(o, item))
			return true;
		others += n + (others[n] == ',');
	}
	return false;
}

static int add_decision(struct origins *o, uint64_t index, const json_t *r)
{
	const uint64_t item = number_of(r, "item");
	const bool of_task = is_of_task(o, r);
	json_t *sure = json_array();
	json_t *possible = json_array();
	json_t *row = NULL;
	int code = 0;

	if (!sure || !possible)
		code = -ENOMEM;
	else if (match_args(o, r, sure, possible) != MATCH_NONE || of_task)
		row = json_pack(
			"{s:I, s:I, s:b, s:s, s:s, s:s, s:s, s:I, s:s, "
			"s:O, s:O}",
			"index", (json_int_t)index, "item", (json_int_t)item,
			"task", of_task, "time", text_of(r, "time"), "verdict",
			text_of(r, "verdict"), "capability", capability_of(r),
			"clause", text_of(r, "clause"), "effect",
			(json_int_t)number_of(r, "effect"), "aside",
			text_of(r, "aside"), "arguments", sure, "possible",
			possible);
	if (row && json_array_append_new(o->found, row) < 0)
		code = -ENOMEM;
	json_decref(sure);
	json_decref(possible);
	return code;
}

/* The last that was recorded of a decision stands: the owner's word about an
 * unknown one comes behind it. */
static int add_outcome(struct origins *o, const json_t *r)
{
	json_int_t of = json_integer_value(json_object_get(r, "decision"));
	size_t i = json_array_size(o->found);

	if (!json_object_get(r, "decision"))
		return 0;
	while (i--) {
		json_t *row = json_array_get(o->found, i);
		json_int_t index =
			json_integer_value(json_object_get(row, "index"));

		if (index < of)
			return 0;
		if (index == of)
			return json_object_set_new(
				       row, "outcome",
				       json_string(text_of(r, "outcome"))) < 0
				       ? -ENOMEM
				       : 0;
	}
	return 0;
}

int origins_record(struct origins *o, uint64_t index, struct span record)
{
	json_t *r = json_loadb((const char *)record.p, record.n,
			       JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	const char *kind = r ? text_of(r, "kind") : "";
	int code = 0;

	if (!strcmp(kind, "item.envelope") && o->sender[0] &&
	    !strcasecmp(text_of(r, "from"), o->sender))
		code = add_item(o, number_of(r, "item"));
	else if ((!strcmp(kind, "decision") || !strcmp(kind, "task.fork")) &&
		 strcmp(text_of(r, "time"), o->since) >= 0)
		code = add_decision(o, index, r);
	else if (!strcmp(kind, "outcome"))
		code = add_outcome(o, r);
	json_decref(r);
	return code;
}
