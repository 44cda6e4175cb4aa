/* load: see load.h. */
#include "conf/load.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/str.h"

void load_fault(struct load *l, struct yaml_place at, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	l->errors++;
	yaml_error(l->y, l->errs, at, "%s", text);
}

void load_words(const struct load_rule *r, bool later, char *dst, size_t cap)
{
	size_t at = 0, i;

	dst[0] = 0;
	for (i = 0; i < r->n_words; i++) {
		int n;

		if (r->words[i].later != later)
			continue;
		n = str_printf(dst + at, cap - at, "%s%s", at ? ", " : "",
			       r->words[i].name);
		if (n < 0)
			return;
		at += (size_t)n;
	}
}

void load_map(struct load *l, const struct yaml_node *map,
	      const struct load_rule *rules, size_t n, void *ctx)
{
	struct yaml_field fields[YAML_FIELDS_MAX] = { 0 };
	char words[YAML_FIELDS_MAX][LOAD_WORDS_TEXT];
	size_t i;

	if (n > YAML_FIELDS_MAX) {
		load_fault(l, yaml_place(map), "schema table too long");
		return;
	}
	for (i = 0; i < n; i++) {
		fields[i] = rules[i].field;
		if (!rules[i].words)
			continue;
		load_words(&rules[i], false, words[i], sizeof(words[i]));
		fields[i].value = words[i];
	}
	l->errors += yaml_check_map(l->y, map, fields, n, l->errs);
	for (i = 0; i < n; i++) {
		const struct yaml_node *value = yaml_get(map, fields[i].name);

		if (value && rules[i].set)
			rules[i].set(ctx, value);
	}
}

const char *load_scalar(struct load *l, const struct yaml_node *n)
{
	if (yaml_kind(n) != YAML_SCALAR) {
		load_fault(l, yaml_place(n),
			   "a single value belongs here, not a list or map");
		return NULL;
	}
	if (!*yaml_text(n)) {
		load_fault(l, yaml_place(n),
			   "the value is empty: write one, or remove the key");
		return NULL;
	}
	return yaml_text(n);
}

static void unknown_word(struct load *l, const struct yaml_node *n,
			 const struct load_word *words, size_t count)
{
	const char *known[LOAD_WORDS_MAX] = { 0 }, *near;
	CLEAN_BUF struct buf list;
	size_t i;

	buf_init(&list, 256);
	for (i = 0; i < count && i < LOAD_WORDS_MAX; i++) {
		if (words[i].later)
			continue;
		known[i] = words[i].name;
		buf_printf(&list, "%s%s", list.n ? ", " : "", words[i].name);
	}
	near = yaml_nearest(yaml_text(n), known, i);
	if (near)
		load_fault(l, yaml_place(n),
			   "unknown value \"%.64s\": did you mean \"%s\"?",
			   yaml_text(n), near);
	else
		load_fault(l, yaml_place(n), "unknown value \"%.64s\": use %s",
			   yaml_text(n), buf_cstr(&list));
}

int load_choose(struct load *l, const struct yaml_node *n,
		const struct load_word *words, size_t count)
{
	const char *text = load_scalar(l, n);
	size_t i;

	if (!text)
		return -1;
	for (i = 0; i < count; i++) {
		if (strcmp(text, words[i].name) != 0)
			continue;
		if (!words[i].later)
			return words[i].value;
		load_fault(l, yaml_place(n),
			   "\"%s\" is known, but not enforced by this version: "
			   "use \"%s\"",
			   text, words[0].name);
		return -1;
	}
	unknown_word(l, n, words, count);
	return -1;
}
