/*
 * sops_read: files of sops in JSON (and what it calls binary, which is JSON
 * with one value) and in YAML, into the tree of sops_tree.h. libfyaml reads
 * YAML, by the strict subset of conf/yaml: no anchors, no tags.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/jcur.h"
#include "base/str.h"
#include "conf/yaml.h"
#include "sops_tree.h"

/* --- numbers -------------------------------------------------------------- */

enum { FLOAT_TEXT = 64 };

/* "-d.ddde[+-]xx" laid out without its exponent. */
static void lay_out(struct buf *ret, const char *text)
{
	const char *e = strchr(text, 'e');
	int point =
		(int)strtol(e + 1, NULL, 10) + 1; /* digits before the point */
	char digits[FLOAT_TEXT];
	int n = 0, i;

	if (*text == '-')
		buf_u8(ret, '-'), text++;
	for (; text < e; text++)
		if (*text != '.')
			digits[n++] = *text;
	while (n > 1 && digits[n - 1] == '0')
		n--;
	if (point <= 0)
		buf_str(ret, "0.");
	for (i = point; i < 0; i++)
		buf_u8(ret, '0');
	for (i = 0; i < n || i < point; i++) {
		if (i == point && i > 0)
			buf_u8(ret, '.');
		buf_u8(ret, i < n ? (uint8_t)digits[i] : '0');
	}
}

int sops_float(struct buf *ret, struct span text)
{
	char in[FLOAT_TEXT], out[FLOAT_TEXT];
	char *end;
	double v;
	int digits;

	if (str_copy(in, sizeof(in), text) < 0)
		return -1;
	v = strtod(in, &end);
	if (end == in || *end || !isfinite(v))
		return -1;
	for (digits = 0; digits < 17; digits++) {
		if (str_printf(out, sizeof(out), "%.*e", digits, v) < 0)
			return -1;
		if (strtod(out, NULL) == v)
			break;
	}
	lay_out(ret, out);
	return 0;
}

static uint32_t add_float(struct sops_tree *t, uint32_t up, struct span key,
			  struct span text, struct err *err)
{
	CLEAN_BUF struct buf b;

	buf_init(&b, 1024);
	if (sops_float(&b, text) < 0 || !buf_ok(&b)) {
		(void)err_set(err, -EINVAL, "a number that is none");
		return SOPS_ROOT;
	}
	return sops_add(t, up, SOPS_FLOAT, key, buf_view(&b), err);
}

/* --- JSON ----------------------------------------------------------------- */

static int json_node(struct sops_tree *t, uint32_t up, struct span key,
		     struct jval v, struct err *err);

/* The characters of a string, in memory of its own. */
static int unquote(struct buf *b, struct jval s, struct span *ret)
{
	uint8_t *p;

	buf_reset(b);
	p = buf_extend(b, s.raw.n);
	return p && jval_text(s, (char *)p, s.raw.n, ret) ? 0 : -ENOMEM;
}

static int json_members(struct sops_tree *t, uint32_t up, struct jval v,
			struct err *err)
{
	struct jiter it = jiter_of(v);
	struct jval key, member;
	struct span name = { 0 };
	CLEAN_BUF struct buf b;
	int r = 0;

	buf_init(&b, SOPS_TEXTS_MAX);
	while (r == 0 && jiter_next(&it, &key, &member)) {
		if (v.kind == JVAL_OBJECT && unquote(&b, key, &name) < 0)
			return err_set(err, -ENOMEM, "a key is too long");
		r = json_node(t, up, name, member, err);
	}
	return r;
}

static int json_string(struct sops_tree *t, uint32_t up, struct span key,
		       struct jval v, struct err *err)
{
	CLEAN_BUF struct buf b;
	struct span text;

	buf_init(&b, SOPS_TEXTS_MAX);
	if (unquote(&b, v, &text) < 0)
		return err_set(err, -ENOMEM, "a text is too long");
	return sops_add(t, up, SOPS_STR, key, text, err) == SOPS_ROOT ? -EINVAL
								      : 0;
}

/* Its depth is that of sops_add. */
static int json_node(struct sops_tree *t, uint32_t up, struct span key,
		     struct jval v, struct err *err)
{
	uint32_t i = SOPS_ROOT;

	switch (v.kind) {
	case JVAL_OBJECT:
	case JVAL_ARRAY:
		i = sops_add(t, up,
			     v.kind == JVAL_OBJECT ? SOPS_MAP : SOPS_LIST, key,
			     SPAN_LIT(""), err);
		return i == SOPS_ROOT ? -EINVAL : json_members(t, i, v, err);
	case JVAL_STRING:
		return json_string(t, up, key, v, err);
	case JVAL_NUMBER:
		i = add_float(t, up, key, v.raw, err);
		break;
	case JVAL_TRUE:
		i = sops_add(t, up, SOPS_BOOL, key, SPAN_LIT("True"), err);
		break;
	case JVAL_FALSE:
		i = sops_add(t, up, SOPS_BOOL, key, SPAN_LIT("False"), err);
		break;
	case JVAL_NONE:
	case JVAL_NULL:
	case JVAL_TWICE: /* of jval_get alone */
		i = sops_add(t, up, SOPS_NULL, key, SPAN_LIT(""), err);
		break;
	}
	return i == SOPS_ROOT ? -EINVAL : 0;
}

static void find_meta(struct sops_tree *t)
{
	const uint32_t i = sops_child(t, 0, SPAN_LIT("sops"));

	if (i != SOPS_ROOT && t->nodes[i].kind == SOPS_MAP)
		t->meta = i;
}

int sops_read_json(struct sops_tree *t, struct span file, struct err *err)
{
	struct jval all;
	int r;

	if (!jval_parse(file, &all) || all.kind != JVAL_OBJECT)
		return err_set(err, -EINVAL, "it is no JSON object");
	r = json_node(t, SOPS_ROOT, SPAN_LIT(""), all, err);
	if (r == 0)
		find_meta(t);
	return r;
}

/* --- YAML ----------------------------------------------------------------- */

static bool one_of(struct span s, const char *const *words)
{
	for (; *words; words++)
		if (span_is(s, *words))
			return true;
	return false;
}

static bool all_digits(struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0;
}

static struct span unsigned_part(struct span s)
{
	const size_t sign = s.n && (s.p[0] == '-' || s.p[0] == '+');

	return span_of(s.p + sign, s.n - sign);
}

static bool is_int(struct span s)
{
	const struct span d = unsigned_part(s);

	return all_digits(d) && d.n <= 18 && (d.n == 1 || d.p[0] != '0');
}

static size_t skip_digits(struct span s, size_t i)
{
	while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
		i++;
	return i;
}

/* "1.5", ".5", "1.", "1e3" */
static bool is_float(struct span s)
{
	const struct span d = unsigned_part(s);
	size_t i = skip_digits(d, 0), digits = i, from;

	if (i < d.n && d.p[i] == '.') {
		from = ++i;
		i = skip_digits(d, i);
		digits += i - from;
	}
	if (digits && i < d.n && (d.p[i] | 0x20) == 'e') {
		i++;
		i += i < d.n && (d.p[i] == '-' || d.p[i] == '+');
		from = i;
		i = skip_digits(d, i);
		if (i == from)
			return false;
	}
	return digits && i == d.n;
}

/* "2006-01-02", "2006-01-02T15:04:05Z" */
static bool is_time(struct span s)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:ddZ";
	size_t i;

	if (s.n != 10 && s.n != sizeof(shape) - 1)
		return false;
	for (i = 0; i < s.n; i++)
		if (shape[i] == 'd' ? s.p[i] < '0' || s.p[i] > '9'
				    : memcmp(&s.p[i], &shape[i], 1) != 0)
			return false;
	return true;
}

/* A scalar without quotes is what YAML 1.2's core schema makes of it, and what
 * looks like a time is one. */
static uint32_t yaml_plain(struct sops_tree *t, uint32_t up, struct span key,
			   struct span s, struct err *err)
{
	static const char *const none[] = { "",	    "~",    "null",
					    "Null", "NULL", NULL };
	static const char *const yes[] = { "true", "True", "TRUE", NULL };
	static const char *const no[] = { "false", "False", "FALSE", NULL };
	char stamp[32];

	if (one_of(s, none))
		return sops_add(t, up, SOPS_NULL, key, SPAN_LIT(""), err);
	if (one_of(s, yes))
		return sops_add(t, up, SOPS_BOOL, key, SPAN_LIT("True"), err);
	if (one_of(s, no))
		return sops_add(t, up, SOPS_BOOL, key, SPAN_LIT("False"), err);
	if (is_int(s))
		return sops_add(t, up, SOPS_INT, key,
				s.p[0] == '+' ? span_of(s.p + 1, s.n - 1) : s,
				err);
	if (is_time(s)) {
		(void)str_printf(stamp, sizeof(stamp), "%.*s%s", (int)s.n,
				 (const char *)s.p,
				 s.n == 10 ? "T00:00:00Z" : "");
		return sops_add(t, up, SOPS_TIME, key, span_str(stamp), err);
	}
	if (is_float(s))
		return add_float(t, up, key, s, err);
	return sops_add(t, up, SOPS_STR, key, s, err);
}

static int yaml_node(struct sops_tree *t, uint32_t up, struct span key,
		     const struct yaml_node *n, struct err *err)
{
	const enum yaml_kind kind = yaml_kind(n);
	uint32_t i;
	size_t k;
	int r = 0;

	if (kind == YAML_SCALAR) {
		i = yaml_quoted(n) ? sops_add(t, up, SOPS_STR, key,
					      span_str(yaml_text(n)), err)
				   : yaml_plain(t, up, key,
						span_str(yaml_text(n)), err);
		return i == SOPS_ROOT ? -EINVAL : 0;
	}
	i = sops_add(t, up, kind == YAML_MAP ? SOPS_MAP : SOPS_LIST, key,
		     SPAN_LIT(""), err);
	if (i == SOPS_ROOT)
		return -EINVAL;
	for (k = 0; r == 0 && k < yaml_count(n); k++)
		r = yaml_node(t, i, span_str(yaml_key(n, k)), yaml_at(n, k),
			      err);
	return r;
}

/* Up to the next line that begins with "---", which no value can hold at its
 * first column. */
static size_t document_end(struct span s, size_t from)
{
	size_t i;

	for (i = from; i + 3 <= s.n; i++) {
		if ((i == 0 || s.p[i - 1] == '\n') &&
		    !memcmp(s.p + i, "---", 3) &&
		    (i + 3 == s.n || sops_among(s.p[i + 3], " \t\r\n")))
			return i;
	}
	return s.n;
}

static bool only_blanks(struct span s)
{
	bool comment = false;
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '#')
			comment = true;
		else if (s.p[i] == '\n')
			comment = false;
		else if (!comment && !sops_among(s.p[i], " \t\r"))
			return false;
	}
	return true;
}

static int yaml_document(struct sops_tree *t, struct span text, struct err *err)
{
	CLEAN_YAML struct yaml *y = NULL;
	CLEAN_BUF struct buf errs;
	int r;

	buf_init(&errs, 64 << 10);
	r = yaml_parse("the document", text, &y, &errs);
	if (r < 0)
		return err_set(err, r, "%.*s",
			       (int)strcspn(buf_cstr(&errs), "\n"),
			       buf_cstr(&errs));
	if (yaml_kind(yaml_root(y)) != YAML_MAP)
		return err_set(err, -EINVAL, "a document of it is no map");
	return yaml_node(t, SOPS_ROOT, SPAN_LIT(""), yaml_root(y), err);
}

/* A comment, or what may be one. */
static bool has_comment(struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] == '#' &&
		    (i == 0 || sops_among(s.p[i - 1], " \t\n")))
			return true;
	return false;
}

int sops_read_yaml(struct sops_tree *t, struct span file, struct err *err)
{
	size_t at = 0, end;
	int r = 0;

	t->comments_lost = has_comment(file);

	/* The mark at the head of the first document is that of no other. */
	if (document_end(file, 0) == 0)
		at = 3;
	for (; r == 0 && at < file.n; at = end == file.n ? end : end + 3) {
		struct span one;

		end = document_end(file, at);
		one = span_of(file.p + at, end - at);
		if (!only_blanks(one))
			r = yaml_document(t, one, err);
	}
	if (r == 0 && !t->n)
		return err_set(err, -EINVAL, "it is empty");
	if (r == 0)
		find_meta(t);
	return r;
}

/* --- which ---------------------------------------------------------------- */

/* Whether a line begins so. */
static bool has_line(struct span s, const char *begin)
{
	const size_t n = strlen(begin);
	size_t i;

	for (i = 0; i + n <= s.n; i++)
		if ((i == 0 || s.p[i - 1] == '\n') &&
		    !memcmp(s.p + i, begin, n))
			return true;
	return false;
}

enum sops_format sops_sniff(struct span file)
{
	static const char age[] = "age-encryption.org/";
	size_t i = 0;

	/* What is encrypted may have anything in it. */
	if (file.n >= sizeof(age) - 1 && !memcmp(file.p, age, sizeof(age) - 1))
		return SOPS_NONE;
	while (i < file.n && sops_among(file.p[i], " \t\r\n"))
		i++;
	if (i < file.n && file.p[i] == '{')
		return SOPS_JSON;
	if (has_line(file, "sops_lastmodified=") || has_line(file, "sops_mac="))
		return SOPS_ENV;
	if (has_line(file, "[sops]"))
		return SOPS_INI;
	if (has_line(file, "sops:"))
		return SOPS_YAML;
	return SOPS_NONE;
}
