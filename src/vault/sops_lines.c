/*
 * sops_lines: the formats of sops that are lines, dotenv and INI, into the tree
 * of sops_tree.h. What a value is follows what sops makes of it: dotenv has
 * "\n" for a line end, INI quotes, inline comments and """ over lines.
 */
#include <errno.h>

#include "sops_tree.h"

static const char own_prefix[] = "sops_";

static struct span next_line(struct span *s)
{
	const uint8_t *end = s->n ? memchr(s->p, '\n', s->n) : NULL;
	struct span line = span_of(s->p, end ? (size_t)(end - s->p) : s->n);
	const size_t used = line.n + (end ? 1 : 0);

	*s = span_of(s->p + used, s->n - used);
	return line;
}

static bool begins(struct span s, const char *with)
{
	const size_t n = strlen(with);

	return s.n >= n && !memcmp(s.p, with, n);
}

static struct span trim(struct span s)
{
	while (s.n && sops_among(s.p[0], " \t\r"))
		s = span_of(s.p + 1, s.n - 1);
	while (s.n && sops_among(s.p[s.n - 1], " \t\r"))
		s.n--;
	return s;
}

/* "\n" for a line end. */
static void unescape(struct buf *ret, struct span s)
{
	size_t i;

	buf_reset(ret);
	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '\\' && i + 1 < s.n && s.p[i + 1] == 'n')
			buf_u8(ret, '\n'), i++;
		else
			buf_u8(ret, s.p[i]);
	}
}

static int bad_line(struct err *err, unsigned line, const char *why)
{
	return err_set(err, -EINVAL, "line %u: %s", line, why);
}

/* err, with the line it is of. */
static int in_line(struct err *err, unsigned line)
{
	const struct err was = *err;

	return err_set(err, was.code, "line %u: %s", line, was.msg);
}

static int own_map(struct sops_tree *t, struct err *err)
{
	if (t->meta == SOPS_ROOT)
		t->meta = sops_add(t, 0, SOPS_MAP, SPAN_LIT("sops"),
				   SPAN_LIT(""), err);
	return t->meta == SOPS_ROOT ? -EINVAL : 0;
}

static int env_line(struct sops_tree *t, struct span line, struct buf *value,
		    struct err *err)
{
	const uint8_t *eq = line.n ? memchr(line.p, '=', line.n) : NULL;
	const size_t skip = sizeof(own_prefix) - 1;
	struct span key;
	uint32_t up = 0;

	if (!line.n || line.p[0] == '#')
		return sops_add(t, 0, SOPS_COMMENT, SPAN_LIT(""), line, err) ==
				       SOPS_ROOT
			       ? -EINVAL
			       : 0;
	if (!eq)
		return err_set(err, -EINVAL,
			       "it is neither KEY=VALUE nor a "
			       "comment");
	key = span_of(line.p, (size_t)(eq - line.p));
	unescape(value, span_of(eq + 1, line.n - key.n - 1));
	if (begins(key, own_prefix)) {
		if (own_map(t, err) < 0)
			return -EINVAL;
		up = t->meta;
		key = span_of(key.p + skip, key.n - skip);
	}
	return sops_add(t, up, SOPS_STR, key, buf_view(value), err) == SOPS_ROOT
		       ? -EINVAL
		       : 0;
}

int sops_read_env(struct sops_tree *t, struct span file, struct err *err)
{
	CLEAN_BUF struct buf value;
	unsigned line = 1;

	buf_init(&value, SOPS_TEXTS_MAX);
	if (sops_add(t, SOPS_ROOT, SOPS_MAP, SPAN_LIT(""), SPAN_LIT(""), err) ==
	    SOPS_ROOT)
		return -ENOMEM;
	for (; file.n; line++)
		if (env_line(t, next_line(&file), &value, err) < 0)
			return in_line(err, line);
	return 0;
}

/* --- INI ------------------------------------------------------------------ */

struct ini {
	struct sops_tree *t;
	struct span left;
	uint32_t section;
	unsigned line;
	struct buf value;
};

static int ini_section(struct ini *in, struct span name, struct err *err)
{
	in->section = sops_add(in->t, 0, SOPS_MAP, name, SPAN_LIT(""), err);
	if (in->section == SOPS_ROOT)
		return -EINVAL;
	if (span_is(name, "sops"))
		in->t->meta = in->section;
	return 0;
}

/* From behind the three quotes to the next three of them. */
static int ini_long(struct ini *in, struct span rest, const char *quotes,
		    struct err *err)
{
	const unsigned first = in->line;

	buf_reset(&in->value);
	for (;;) {
		const uint8_t *end =
			rest.n ? memmem(rest.p, rest.n, quotes, 3) : NULL;

		if (end) {
			buf_put(&in->value, rest.p, (size_t)(end - rest.p));
			return 0;
		}
		buf_span(&in->value, rest);
		buf_u8(&in->value, '\n');
		if (!in->left.n)
			return bad_line(err, first,
					"its quotes are not closed");
		rest = next_line(&in->left);
		in->line++;
	}
}

static int ini_value(struct ini *in, struct span s, struct err *err)
{
	size_t i;

	buf_reset(&in->value);
	if (begins(s, "\"\"\""))
		return ini_long(in, span_of(s.p + 3, s.n - 3), "\"\"\"", err);
	if (begins(s, "```"))
		return ini_long(in, span_of(s.p + 3, s.n - 3), "```", err);
	if (s.n >= 2 && sops_among(s.p[0], "\"'`") && s.p[s.n - 1] == s.p[0]) {
		buf_put(&in->value, s.p + 1, s.n - 2);
		return 0;
	}
	for (i = 0; i < s.n && s.p[i] != '#' && s.p[i] != ';'; i++)
		;
	buf_span(&in->value, trim(span_of(s.p, i)));
	return 0;
}

/* Sops' own texts have "\n" for a line end, in this format alone of them. */
static int ini_key(struct ini *in, struct span line, struct err *err)
{
	CLEAN_BUF struct buf own;
	struct span value;
	size_t n = 0;

	while (n < line.n && line.p[n] != '=' && line.p[n] != ':')
		n++;
	if (n == line.n)
		return err_set(err, -EINVAL,
			       "it is neither KEY = VALUE nor "
			       "[SECTION] nor a comment");
	if (in->section == SOPS_ROOT &&
	    ini_section(in, SPAN_LIT("DEFAULT"), err) < 0)
		return -EINVAL;
	if (ini_value(in, trim(span_of(line.p + n + 1, line.n - n - 1)), err) <
	    0)
		return -EINVAL;
	buf_init(&own, SOPS_TEXTS_MAX);
	value = buf_view(&in->value);
	if (in->section == in->t->meta) {
		unescape(&own, value);
		value = buf_view(&own);
	}
	return sops_add(in->t, in->section, SOPS_STR, trim(span_of(line.p, n)),
			value, err) == SOPS_ROOT
		       ? -EINVAL
		       : 0;
}

static int ini_line(struct ini *in, struct span line, struct err *err)
{
	const struct span s = trim(line);

	if (!s.n)
		return 0;
	if (s.p[0] == '#' || s.p[0] == ';')
		return sops_add(in->t,
				in->section == SOPS_ROOT ? 0 : in->section,
				SOPS_COMMENT, SPAN_LIT(""), s, err) == SOPS_ROOT
			       ? -EINVAL
			       : 0;
	if (s.p[0] != '[')
		return ini_key(in, s, err);
	if (s.p[s.n - 1] != ']')
		return err_set(err, -EINVAL, "its bracket is not closed");
	return ini_section(in, trim(span_of(s.p + 1, s.n - 2)), err);
}

int sops_read_ini(struct sops_tree *t, struct span file, struct err *err)
{
	struct ini in = { .t = t, .left = file, .section = SOPS_ROOT };
	int r = 0;

	buf_init(&in.value, SOPS_TEXTS_MAX);
	if (sops_add(t, SOPS_ROOT, SOPS_MAP, SPAN_LIT(""), SPAN_LIT(""), err) ==
	    SOPS_ROOT)
		r = -ENOMEM;
	while (r == 0 && in.left.n) {
		in.line++;
		r = ini_line(&in, next_line(&in.left), err);
		if (r < 0)
			r = in_line(err, in.line);
	}
	buf_done(&in.value);
	return r;
}
