/*
 * schema: tables of known keys against what a file says (the second half of
 * yaml.h). A word that is not in the table is an error that names the nearest
 * one; a row that a later version will enforce is refused by its name, so that
 * nothing is ever read and ignored.
 */
#include "conf/yaml.h"

#include <string.h>

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Edits (insert, delete, change) from a to b, both under YAML_WORD_MAX. */
static size_t edit_distance(const char *a, const char *b)
{
	size_t row[YAML_WORD_MAX + 1];
	size_t na = strlen(a), nb = strlen(b), i, j;

	for (j = 0; j <= nb; j++)
		row[j] = j;
	for (i = 1; i <= na; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (j = 1; j <= nb; j++) {
			size_t change = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			row[j] = least(change, 1 + least(row[j], row[j - 1]));
		}
	}
	return row[nb];
}

const char *yaml_nearest(const char *word, const char *const *words, size_t n)
{
	size_t best = 3, length = strlen(word), i;
	const char *ret = NULL;

	if (length >= YAML_WORD_MAX)
		return NULL;
	if (length < 5)
		best = 2;
	for (i = 0; i < n; i++) {
		size_t d;

		if (!words[i] || strlen(words[i]) >= YAML_WORD_MAX)
			continue;
		d = edit_distance(word, words[i]);
		if (d < best && d < length) {
			best = d;
			ret = words[i];
		}
	}
	return ret;
}

static const struct yaml_field *find(const struct yaml_field *fields, size_t n,
				     const char *key)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!strcmp(fields[i].name, key))
			return &fields[i];
	return NULL;
}

static void unknown_key(const struct yaml *y, struct yaml_place at,
			const char *key, const struct yaml_field *fields,
			size_t n, struct buf *errs)
{
	const char *words[YAML_FIELDS_MAX] = { 0 };
	const char *near;
	size_t i;

	for (i = 0; i < n && i < YAML_FIELDS_MAX; i++)
		words[i] = fields[i].name;
	near = yaml_nearest(key, words, i);
	if (near)
		yaml_error(y, errs, at,
			   "unknown key \"%.64s\": did you mean \"%s\"?", key,
			   near);
	else
		yaml_error(y, errs, at, "unknown key \"%.64s\": remove it",
			   key);
}

size_t yaml_check_map(const struct yaml *y, const struct yaml_node *map,
		      const struct yaml_field *fields, size_t n,
		      struct buf *errs)
{
	size_t errors = 0, i;

	if (yaml_kind(map) != YAML_MAP) {
		yaml_error(y, errs, yaml_place(map),
			   "a map (key: value) belongs here");
		return 1;
	}
	for (i = 0; i < yaml_count(map); i++) {
		const char *key = yaml_key(map, i);
		struct yaml_place at = yaml_key_place(map, i);
		const struct yaml_field *f = find(fields, n, key);

		if (f && !f->later)
			continue;
		errors++;
		if (f)
			yaml_error(y, errs, at,
				   "\"%s\" is known, but not enforced by this "
				   "version: remove it",
				   key);
		else
			unknown_key(y, at, key, fields, n, errs);
	}
	for (i = 0; i < n; i++) {
		if (!fields[i].required || yaml_get(map, fields[i].name))
			continue;
		errors++;
		yaml_error(y, errs, yaml_place(map),
			   "\"%s\" is missing: %s%s%s%s", fields[i].name,
			   fields[i].help, fields[i].value ? " (" : "",
			   fields[i].value ? fields[i].value : "",
			   fields[i].value ? ")" : "");
	}
	return errors;
}
