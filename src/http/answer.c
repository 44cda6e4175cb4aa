/*
 * answer: the declared fields of an answer, each found by its pointer (RFC
 * 6901) and of its type, or none of them. Keys that stand twice refuse it, as
 * the reader of JSON does (json5.h, which also takes what JSON has not: that
 * changes nothing of what a value may be).
 */
#include <errno.h>

#include "base/str.h"
#include "http/model.h"
#include "json5/json5.h"

enum { KEY_MAX = 256, FIELDS_BYTES = 48 << 10 };

void http_fields_init(struct http_fields *f)
{
	f->n = 0;
	buf_init(&f->text, FIELDS_BYTES);
}

void http_fields_done(struct http_fields *f)
{
	f->n = 0;
	buf_done(&f->text);
}

/* One part of a pointer, ~1 and ~0 decoded; false if it does not fit. */
static bool pointer_part(const char **at, char *dst)
{
	size_t n = 0;

	for ((*at)++; **at && **at != '/'; (*at)++) {
		char c = **at;

		if (n + 1 == KEY_MAX)
			return false;
		if (c == '~') {
			(*at)++;
			c = **at == '1' ? '/' : '~';
		}
		dst[n++] = c;
	}
	dst[n] = 0;
	return true;
}

static const struct json5_node *
element(const struct json5 *j, const struct json5_node *n, const char *index)
{
	const struct json5_node *c = json5_first(j, n);
	uint64_t i;

	if (num_parse(span_str(index), 0, JSON5_NODES, &i) < 0)
		return NULL;
	for (; c && i; i--)
		c = json5_next(j, c);
	return c;
}

static const struct json5_node *find(const struct json5 *j, const char *pointer)
{
	const struct json5_node *n = json5_root(j);
	char part[KEY_MAX];

	while (n && *pointer) {
		if (!pointer_part(&pointer, part))
			return NULL;
		n = json5_kind(n) == JSON5_ARRAY ? element(j, n, part)
						 : json5_get(j, n, part);
	}
	return n;
}

/* The value as text, if it is of the JSON kind that the type has. */
static bool text_of(const struct http_typed *t, const struct json5 *j,
		    const struct json5_node *n, struct span *ret, uint8_t *json)
{
	enum json5_kind k = json5_kind(n);

	*ret = json5_text(j, n);
	*json = ARG_STRING;
	if (t->type == TYPE_BOOL) {
		*json = ARG_BOOL;
		*ret = k == JSON5_TRUE ? SPAN_LIT("true") : SPAN_LIT("false");
		return k == JSON5_TRUE || k == JSON5_FALSE;
	}
	if (t->type == TYPE_INT || t->type == TYPE_NUMBER) {
		*json = t->type == TYPE_INT ? ARG_INTEGER : ARG_NUMBER;
		return k == JSON5_NUMBER;
	}
	/* Numbers of things are ids. */
	return k == JSON5_STRING || (k == JSON5_NUMBER && t->type == TYPE_ID);
}

/* Texts as they are, without what no text of ours has. */
static const char *put_text(const struct http_typed *t, struct span v,
			    struct buf *out)
{
	size_t i, at = out->n;

	for (i = 0; i < v.n; i++)
		if ((v.p[i] >= 0x20 && v.p[i] != 0x7f) || v.p[i] == '\n' ||
		    v.p[i] == '\t')
			buf_u8(out, v.p[i]);
	return out->n - at > t->bytes ? "is too long" : NULL;
}

static int read_field(const struct http_typed *t, const struct json5 *j,
		      struct http_fields *ret, struct err *e)
{
	const struct json5_node *n = find(j, t->at);
	struct m_arg *row = &ret->rows[ret->n];
	size_t at = ret->text.n;
	const char *why;
	struct span v;
	uint8_t json;

	if (!n || json5_kind(n) == JSON5_NULL) {
		if (t->optional)
			return 0;
		return err_set(e, -EINVAL, "the answer has no %s", t->name);
	}
	if (!text_of(t, j, n, &v, &json))
		why = "is of another kind";
	else if (t->type == TYPE_TEXT)
		why = put_text(t, v, &ret->text);
	else
		why = http_canon(t, v, &ret->text);
	if (!why && !buf_ok(&ret->text))
		why = "is too long";
	if (why)
		return err_set(e, -EINVAL, "%s in the answer %s", t->name, why);
	*row = (struct m_arg){
		.name = span_str(t->name),
		.json = json,
		.shape = ARG_SCALAR,
		/* The buffer may move yet: the place is set at the end. */
		.value = span_of(NULL, ret->text.n - at),
	};
	ret->n++;
	return 0;
}

static void set_places(struct http_fields *f)
{
	size_t at = 0;
	uint32_t i;

	for (i = 0; i < f->n; i++) {
		f->rows[i].value = buf_part(&f->text, at, f->rows[i].value.n);
		at += f->rows[i].value.n;
	}
}

int http_answer(const struct http_request *q, struct span body,
		struct http_fields *ret, struct err *e)
{
	CLEAN_JSON5 struct json5 *j = NULL;
	struct err place = { 0 };
	uint32_t i;
	int rc = 0;

	buf_reset(&ret->text);
	ret->n = 0;
	if (body.n > q->answer_max)
		return err_set(e, -EINVAL, "the answer is too long");
	if (json5_parse("answer", body, &j, &place) < 0)
		return err_set(e, -EINVAL, "the answer is no JSON: %s",
			       place.msg);
	for (i = 0; i < q->n_fields && rc == 0; i++)
		rc = read_field(&q->fields[i], j, ret, e);
	if (rc < 0)
		ret->n = 0;
	set_places(ret);
	return rc;
}
