/*
 * build: a request of a template and values. Each value is brought into the
 * canonical form of its type, checked against its bounds, and encoded for the
 * one place where it stands; then the path is looked at once more, as a server
 * will.
 */
#include <errno.h>

#include "base/jcur.h"
#include "base/str.h"
#include "http/model.h"

enum { VALUES_BYTES = 2 * LIMIT_MSG };

struct value {
	size_t at, n;
};

struct build {
	const struct http_request *q;
	struct buf bytes; /* canonical values */
	bool given[HTTP_PARAMS];
	uint32_t count[HTTP_PARAMS];
	struct value values[HTTP_PARAMS][HTTP_MANY];
	struct err *e;
};

static struct span value_of(const struct build *b, int param, uint32_t i)
{
	const struct value *v = &b->values[param][i];

	return buf_part(&b->bytes, v->at, v->n);
}

const char *http_canon(const struct http_typed *t, struct span value,
		       struct buf *out)
{
	size_t at = out->n;
	const char *why = type_canon(t->type, t->lines, value, out);
	struct span c;
	uint32_t i;

	if (why)
		return why;
	if (!buf_ok(out))
		return "is too long";
	c = buf_part(out, at, out->n - at);
	if (t->type == TYPE_TEXT && c.n > t->bytes)
		return "is too long";
	if ((t->has_min && type_number(t->type, c) < t->min) ||
	    (t->has_max && type_number(t->type, c) > t->max))
		return "is out of its bounds";
	if (t->type != TYPE_ENUM)
		return NULL;
	for (i = 0; i < t->n_values; i++)
		if (span_is(c, t->values[i]))
			return NULL;
	return "is none of its words";
}

static int take_value(struct build *b, int param, struct span value)
{
	const struct http_typed *t = &b->q->params[param];
	struct value *v = &b->values[param][b->count[param]];
	const char *why;

	v->at = b->bytes.n;
	why = http_canon(t, value, &b->bytes);
	if (why)
		return err_set(b->e, -EINVAL, "the parameter %s %s", t->name,
			       why);
	v->n = b->bytes.n - v->at;
	b->count[param]++;
	return 0;
}

static int take_row(struct build *b, const struct m_arg *a)
{
	int param = http_param(b->q, a->name);
	const struct http_typed *t;

	if (param < 0)
		return err_set(b->e, -EINVAL,
			       "the request has no parameter for an argument "
			       "that the policy has");
	t = &b->q->params[param];
	if ((a->shape == ARG_SCALAR) != !t->many)
		return err_set(b->e, -EINVAL, "the parameter %s is %s", t->name,
			       t->many ? "a list" : "no list");
	if (a->shape != ARG_ELEMENT && b->given[param])
		return err_set(b->e, -EINVAL, "the parameter %s comes twice",
			       t->name);
	b->given[param] = true;
	if (a->shape == ARG_EMPTY_LIST)
		return 0;
	if (t->many && b->count[param] == t->many)
		return err_set(b->e, -EINVAL,
			       "the parameter %s has too many values", t->name);
	return take_value(b, param, a->value);
}

static int take(struct build *b, const struct m_arg *args, size_t n)
{
	size_t i;
	int rc;

	for (i = 0; i < n; i++) {
		rc = take_row(b, &args[i]);
		if (rc < 0)
			return rc;
	}
	for (i = 0; i < b->q->n_params; i++)
		if (!b->given[i] && !b->q->params[i].optional)
			return err_set(b->e, -EINVAL,
				       "the parameter %s is missing",
				       b->q->params[i].name);
	return 0;
}

/* the address */

static void percent(struct buf *b, struct span s, bool slash)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (http_unreserved(s.p[i]) || (slash && s.p[i] == '/')) {
			buf_u8(b, s.p[i]);
			continue;
		}
		buf_u8(b, '%');
		buf_u8(b, (uint8_t)hex[s.p[i] >> 4]);
		buf_u8(b, (uint8_t)hex[s.p[i] & 15]);
	}
}

/* The literal and named pieces of one part. */
static void put_part(struct build *b, struct span part, bool path,
		     struct buf *out)
{
	struct http_piece piece;
	bool bad = false;

	while (http_piece(&part, &piece, &bad)) {
		int i = piece.is_name ? http_param(b->q, piece.text) : -1;

		if (i < 0)
			buf_span(out, piece.text);
		else
			percent(out, value_of(b, i, 0),
				path && b->q->params[i].type == TYPE_REPO);
	}
}

/* What a value must not have made of a part of the path. */
static bool part_ok(struct span part)
{
	return part.n && !span_is(part, ".") && !span_is(part, "..");
}

static int put_path(struct build *b, struct span path, struct buf *url)
{
	size_t i = 0, at;

	while (i < path.n) {
		size_t end = i + 1;

		while (end < path.n && path.p[end] != '/')
			end++;
		buf_u8(url, '/');
		at = url->n;
		put_part(b, span_of(path.p + i + 1, end - i - 1), true, url);
		if (end - i > 1 && buf_ok(url)) {
			struct span s = buf_part(url, at, url->n - at);
			const uint8_t *slash =
				s.n ? memchr(s.p, '/', s.n) : NULL;
			size_t n = slash ? (size_t)(slash - s.p) : s.n;

			if (!part_ok(span_of(s.p, n)) ||
			    (slash &&
			     !part_ok(span_of(s.p + n + 1, s.n - n - 1))))
				return err_set(b->e, -EINVAL,
					       "a parameter in the path is "
					       "empty, or . or ..");
		}
		i = end;
	}
	return 0;
}

static void put_query(struct build *b, struct span query, struct buf *url)
{
	char mark = '?';

	while (query.n) {
		const uint8_t *end = memchr(query.p, '&', query.n);
		struct span pair = span_of(
			query.p, end ? (size_t)(end - query.p) : query.n);
		size_t key =
			(size_t)((const uint8_t *)memchr(pair.p, '=', pair.n) -
				 pair.p) +
			1;
		struct span value = span_of(pair.p + key, pair.n - key), name;
		int i = http_alone(value, &name) ? http_param(b->q, name) : -1;

		query = end ? span_of(end + 1, query.n - pair.n - 1)
			    : span_of(query.p + query.n, 0);
		if (i >= 0 && !b->given[i])
			continue;
		buf_u8(url, (uint8_t)mark);
		mark = '&';
		buf_put(url, pair.p, key);
		put_part(b, value, false, url);
	}
}

static int put_url(struct build *b, struct buf *url)
{
	struct span rest = span_str(b->q->url + b->q->path_at);
	const uint8_t *mark = memchr(rest.p, '?', rest.n);
	size_t path = mark ? (size_t)(mark - rest.p) : rest.n;
	int rc;

	buf_put(url, b->q->url, b->q->path_at);
	rc = put_path(b, span_of(rest.p, path), url);
	if (rc < 0)
		return rc;
	if (mark)
		put_query(b, span_of(rest.p + path + 1, rest.n - path - 1),
			  url);
	return buf_ok(url) ? 0
			   : err_set(b->e, -EINVAL,
				     "the address is longer than %d bytes",
				     (int)HTTP_URL_MAX);
}

/* the body */

static void put_value(struct build *b, int param, uint32_t i, struct buf *out)
{
	enum arg_type t = b->q->params[param].type;
	struct span v = value_of(b, param, i);

	if (t == TYPE_INT || t == TYPE_NUMBER || t == TYPE_BOOL)
		buf_span(out, v);
	else
		json_quote(out, v);
}

static void put_whole(struct build *b, int param, struct buf *out)
{
	uint32_t i;

	if (!b->q->params[param].many) {
		put_value(b, param, 0, out);
		return;
	}
	buf_str(out, "[");
	for (i = 0; i < b->count[param]; i++) {
		if (i)
			buf_str(out, ",");
		put_value(b, param, i, out);
	}
	buf_str(out, "]");
}

bool http_is_literal(const struct yaml_node *n)
{
	CLEAN_BUF struct buf b;
	const char *s = yaml_text(n);

	buf_init(&b, 64);
	return !yaml_quoted(n) &&
	       (!strcmp(s, "null") || !strcmp(s, "true") ||
		!strcmp(s, "false") ||
		type_canon(TYPE_NUMBER, false, span_str(s), &b) == NULL);
}

static int whole_param(const struct build *b, const struct yaml_node *n)
{
	struct span name;

	return yaml_kind(n) == YAML_SCALAR &&
			       http_alone(span_str(yaml_text(n)), &name)
		       ? http_param(b->q, name)
		       : -1;
}

static void put_scalar(struct build *b, const struct yaml_node *n,
		       struct buf *out)
{
	CLEAN_BUF struct buf text = { 0 };
	struct span rest = span_str(yaml_text(n));
	struct http_piece piece;
	bool bad = false;
	int param = whole_param(b, n);

	if (param >= 0) {
		put_whole(b, param, out);
		return;
	}
	if (http_is_literal(n)) {
		buf_str(out, yaml_text(n));
		return;
	}
	buf_init(&text, HTTP_BODY_MAX);
	while (http_piece(&rest, &piece, &bad)) {
		param = piece.is_name ? http_param(b->q, piece.text) : -1;
		buf_span(&text, param < 0 ? piece.text : value_of(b, param, 0));
	}
	if (!buf_ok(&text))
		out->bad = true;
	json_quote(out, buf_view(&text));
}

/* True for a value that is left out: the optional parameter is not there. */
static bool left_out(const struct build *b, const struct yaml_node *n)
{
	int param = whole_param(b, n);

	return param >= 0 && !b->given[param];
}

/* One more list or map that is open: its node and what comes next of it. */
struct open_node {
	const struct yaml_node *n;
	size_t next;
	bool any;
};

static bool put_open(struct build *b, const struct yaml_node *n,
		     struct open_node *open, struct buf *out)
{
	if (yaml_kind(n) == YAML_SCALAR) {
		put_scalar(b, n, out);
		return false;
	}
	buf_str(out, yaml_kind(n) == YAML_MAP ? "{" : "[");
	*open = (struct open_node){ .n = n };
	return true;
}

static int put_body(struct build *b, struct buf *out)
{
	struct open_node open[YAML_DEPTH_MAX + 1];
	size_t depth = 0;

	if (put_open(b, b->q->body, &open[0], out))
		depth = 1;
	while (depth) {
		struct open_node *o = &open[depth - 1];
		bool map = yaml_kind(o->n) == YAML_MAP;
		const struct yaml_node *child;

		if (o->next == yaml_count(o->n)) {
			buf_str(out, map ? "}" : "]");
			depth--;
			continue;
		}
		child = yaml_at(o->n, o->next++);
		if (left_out(b, child))
			continue;
		if (o->any)
			buf_str(out, ",");
		o->any = true;
		if (map) {
			json_quote(out, span_str(yaml_key(o->n, o->next - 1)));
			buf_str(out, ":");
		}
		if (depth > YAML_DEPTH_MAX)
			return err_set(b->e, -EINVAL, "the body is too deep");
		if (put_open(b, child, &open[depth], out))
			depth++;
	}
	return buf_ok(out) ? 0
			   : err_set(b->e, -EINVAL,
				     "the body is longer than %d bytes",
				     (int)HTTP_BODY_MAX);
}

int http_build(const struct http_request *q, const struct m_arg *args, size_t n,
	       struct buf *url, struct buf *body, struct err *e)
{
	struct build b = { .q = q, .e = e };
	int rc;

	buf_reset(url);
	buf_reset(body);
	buf_init(&b.bytes, VALUES_BYTES);
	rc = take(&b, args, n);
	if (rc == 0)
		rc = put_url(&b, url);
	if (rc == 0 && q->body)
		rc = put_body(&b, body);
	buf_done(&b.bytes);
	return rc;
}

void http_repo(const struct http_request *q, const struct m_arg *args, size_t n,
	       struct buf *repo)
{
	size_t i;

	for (i = 0; i < n; i++) {
		int param = http_param(q, args[i].name);

		if (param < 0 || q->params[param].type != TYPE_REPO)
			continue;
		if (http_canon(&q->params[param], args[i].value, repo))
			buf_reset(repo);
		return;
	}
}

bool http_header(const struct http_request *q, size_t i, struct span secret,
		 struct buf *line, int *rc)
{
	struct http_piece piece;
	struct span rest;
	bool bad = false;
	size_t k;

	if (i >= q->n_headers)
		return false;
	*rc = 0;
	buf_reset(line);
	buf_printf(line, "%s: ", q->headers[i].name);
	rest = span_str(q->headers[i].value);
	while (http_piece(&rest, &piece, &bad))
		buf_span(line, piece.is_name ? secret : piece.text);
	for (k = 0; k < line->n; k++)
		if (line->p[k] < 0x20 || line->p[k] > 0x7e)
			*rc = -EINVAL;
	if (!buf_ok(line))
		*rc = -EINVAL;
	return true;
}
