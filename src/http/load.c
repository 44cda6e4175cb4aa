/*
 * load: the file of requests. A table for each kind of map, as for
 * bulkhead.yaml (conf/load.h): keys, their help, a setter each.
 */
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "base/str.h"
#include "conf/value.h"
#include "http/model.h"

struct loader {
	struct load l;
	bool plain;
	struct http_requests *f;
	struct http_request *q; /* the one being read */
	struct http_typed *t;	/* likewise */
	bool field;		/* t is a field, no parameter */
};

#define fault(l, n, ...) load_fault(&(l)->l, yaml_place(n), __VA_ARGS__)

static bool name_ok(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n <= HTTP_NAME_MAX && s[0] >= 'a' && s[0] <= 'z' &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789._-") == n;
}

/* As in templates: without points. */
static bool param_name_ok(const char *s)
{
	return name_ok(s) && !strchr(s, '.') && strcmp(s, "secret") != 0;
}

/* types of values */

static const struct load_word type_words[] = {
	{ "text", TYPE_TEXT, false },
	{ "email", TYPE_EMAIL, false },
	{ "id", TYPE_ID, false },
	{ "enum", TYPE_ENUM, false },
	{ "int", TYPE_INT, false },
	{ "number", TYPE_NUMBER, false },
	{ "bool", TYPE_BOOL, false },
	{ "url", TYPE_URL, false },
	{ "repo", TYPE_REPO, false },
	{ "ref", TYPE_REF, false },
	{ "datetime", TYPE_DATETIME, false },
	{ "money", TYPE_MONEY, false },
};

static void set_type(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	int v = load_choose(&l->l, n, LOAD_TABLE(type_words));

	if (v > 0)
		l->t->type = (enum arg_type)v;
}

static void set_bytes(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const char *text = load_scalar(&l->l, n);
	uint64_t v, most = l->field ? HTTP_TEXT_MAX : LIMIT_ARG_BYTES;

	if (!text || l->t->type != TYPE_TEXT)
		return;
	if (value_size(text, &v) < 0 || v < 1 || v > most)
		fault(l, n, "a size from 1 to %u belongs here, e.g. 4KiB",
		      (unsigned)most);
	else
		l->t->bytes = (uint32_t)v;
}

static bool bound(struct loader *l, const struct yaml_node *n, int64_t *ret)
{
	CLEAN_BUF struct buf b;
	const char *text = load_scalar(&l->l, n);

	buf_init(&b, 64);
	if (!text || (l->t->type != TYPE_INT && l->t->type != TYPE_NUMBER))
		return false;
	if (type_canon(l->t->type, false, span_str(text), &b)) {
		fault(l, n, "a value of its own type belongs here");
		return false;
	}
	*ret = type_number(l->t->type, buf_view(&b));
	return true;
}

static void set_min(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->t->has_min = bound(l, n, &l->t->min);
}

/* Of numbers the largest, of texts the bytes. */
static void set_max(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	if (l->t->type == TYPE_TEXT)
		set_bytes(ctx, n);
	else
		l->t->has_max = bound(l, n, &l->t->max);
}

static void set_values(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	size_t i;

	if (yaml_kind(n) != YAML_LIST || !yaml_count(n) ||
	    yaml_count(n) > HTTP_VALUES) {
		fault(l, n, "a list of 1 to %d words belongs here",
		      (int)HTTP_VALUES);
		return;
	}
	for (i = 0; i < yaml_count(n); i++) {
		CLEAN_BUF struct buf b;
		const char *text = load_scalar(&l->l, yaml_at(n, i));
		const char *why = NULL;

		buf_init(&b, ID_MAX + 1);
		if (text)
			why = type_canon(TYPE_ENUM, false, span_str(text), &b);
		if (why)
			fault(l, yaml_at(n, i), "the word %s", why);
		else if (text)
			l->t->values[l->t->n_values++] = text;
	}
}

static bool truth(struct loader *l, const struct yaml_node *n)
{
	static const struct load_word words[] = {
		{ "true", 1, false },
		{ "false", 0, false },
	};

	return load_choose(&l->l, n, LOAD_TABLE(words)) == 1;
}

static void set_optional(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->t->optional = truth(l, n);
}

static void set_lines(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->t->lines = truth(l, n);
}

static void set_many(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const char *text = load_scalar(&l->l, n);
	uint64_t v;

	if (!text)
		return;
	if (num_parse(span_str(text), 1, HTTP_MANY, &v) < 0)
		fault(l, n, "how many values, 1 to %d, belongs here",
		      (int)HTTP_MANY);
	else
		l->t->many = (uint32_t)v;
}

/* RFC 6901: empty, or parts behind a slash each, ~ in them only as ~0, ~1. */
static bool pointer_ok(const char *s)
{
	const char *p;

	if (*s && *s != '/')
		return false;
	for (p = s; *p; p++)
		if (*p == '~' && p[1] != '0' && p[1] != '1')
			return false;
	return strlen(s) < 256;
}

static void set_at(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	if (yaml_kind(n) != YAML_SCALAR || !pointer_ok(yaml_text(n)))
		fault(l, n,
		      "where it stands in the answer, a JSON pointer as "
		      "/items/0/id");
	else
		l->t->at = yaml_text(n);
}

static const struct load_rule param_rules[] = {
	{ { "type", true, false, "what its values are" },
	  set_type,
	  LOAD_TABLE(type_words) },
	{ { "min", false, false, "int, number: the smallest", "a number",
	    NULL },
	  set_min },
	{ { "max", false, false,
	    "int, number: the largest; text: bytes, at most 32KiB",
	    "a number, a size", "1KiB for texts" },
	  set_max },
	{ { "values", false, false, "enum: its words", "a list of 1 to 64",
	    NULL },
	  set_values },
	{ { "lines", false, false, "text: line breaks and tabs may be in it",
	    "true, false", "false" },
	  set_lines },
	{ { "optional", false, false,
	    "it may be missing: the value of the query or of the body that is "
	    "it alone is left out then",
	    "true, false", "false" },
	  set_optional },
	{ { "many", false, false,
	    "it is a list of so many at most, a value of the body alone",
	    "1 to 32", NULL },
	  set_many },
};

static const struct load_rule field_rules[] = {
	{ { "type", true, false, "what it is" },
	  set_type,
	  LOAD_TABLE(type_words) },
	{ { "at", true, false, "where it stands in the answer",
	    "a JSON pointer, e.g. /items/0/id", NULL },
	  set_at },
	{ { "min", false, false, "int, number: the smallest", "a number",
	    NULL },
	  set_min },
	{ { "max", false, false,
	    "int, number: the largest; text: bytes, at most 4KiB",
	    "a number, a size", "1KiB for texts" },
	  set_max },
	{ { "values", false, false, "enum: its words", "a list of 1 to 64",
	    NULL },
	  set_values },
	{ { "optional", false, false,
	    "it may be missing or null; any other refuses the answer",
	    "true, false", "false" },
	  set_optional },
};

/* A key that belongs to other types than this one. */
static void check_keys(struct loader *l, const struct yaml_node *n)
{
	enum arg_type t = l->t->type;
	bool number = t == TYPE_INT || t == TYPE_NUMBER;
	size_t i;

	for (i = 0; yaml_kind(n) == YAML_MAP && i < yaml_count(n); i++) {
		const char *k = yaml_key(n, i);
		bool ok = true;

		if (!strcmp(k, "values"))
			ok = t == TYPE_ENUM;
		else if (!strcmp(k, "min"))
			ok = number;
		else if (!strcmp(k, "max"))
			ok = number || t == TYPE_TEXT;
		else if (!strcmp(k, "lines"))
			ok = t == TYPE_TEXT;
		if (t && !ok)
			load_fault(&l->l, yaml_key_place(n, i),
				   "\"%s\" is not for this type: remove it", k);
	}
	if (t == TYPE_ENUM && !l->t->n_values && !yaml_get(n, "values"))
		fault(l, n, "\"values\" is missing: the words of the enum");
	if (l->t->has_min && l->t->has_max && l->t->min > l->t->max)
		fault(l, n, "\"min\" is above \"max\"");
}

static void load_typed(struct loader *l, const struct yaml_node *n,
		       struct http_typed *rows, uint32_t *count, uint32_t most)
{
	size_t i;

	if (yaml_kind(n) != YAML_MAP || !yaml_count(n) ||
	    yaml_count(n) > most) {
		fault(l, n, "a map of 1 to %u, NAME: {type: ...}", most);
		return;
	}
	for (i = 0; i < yaml_count(n); i++) {
		const char *name = yaml_key(n, i);

		l->t = &rows[(*count)++];
		l->t->name = name;
		l->t->bytes = TEXT_LINE_MAX;
		if (!param_name_ok(name))
			load_fault(&l->l, yaml_key_place(n, i),
				   "a name has 1 to %d of a-z 0-9 _ -, begins "
				   "with a letter and is not secret",
				   (int)HTTP_NAME_MAX);
		if (l->field)
			load_map(&l->l, yaml_at(n, i), LOAD_TABLE(field_rules),
				 l);
		else
			load_map(&l->l, yaml_at(n, i), LOAD_TABLE(param_rules),
				 l);
		check_keys(l, yaml_at(n, i));
	}
}

/* one request */

static const struct load_word method_words[] = {
	{ "GET", 0, false },   { "POST", 1, false },   { "PUT", 2, false },
	{ "PATCH", 3, false }, { "DELETE", 4, false },
};

static void set_method(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	if (load_choose(&l->l, n, LOAD_TABLE(method_words)) >= 0)
		l->q->method = yaml_text(n);
}

static void set_params(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->field = false;
	load_typed(l, n, l->q->params, &l->q->n_params, HTTP_PARAMS);
}

static void set_url(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const char *why;

	if (!load_scalar(&l->l, n))
		return;
	l->q->url = yaml_text(n);
	why = http_check_url(l->q, l->plain);
	if (why)
		fault(l, n, "the address %s", why);
}

/* What the connection or the body decides, and what would let it decide more
 * than its file says. */
static bool header_is_ours(const char *name)
{
	static const char *const ours[] = {
		"host",
		"content-length",
		"content-type",
		"connection",
		"transfer-encoding",
		"expect",
		"te",
		"upgrade",
		"user-agent",
		"accept-encoding",
		"range",
		"trailer",
	};
	size_t i;

	if (!strncasecmp(name, "proxy-", 6))
		return true;
	for (i = 0; i < ARRAY_SIZE(ours); i++)
		if (!strcasecmp(name, ours[i]))
			return true;
	return false;
}

static const char *check_header(const char *name, const char *value)
{
	struct span rest = span_str(value);
	struct http_piece piece;
	bool bad = false;
	size_t n = strlen(name), i;

	if (!n || n > HTTP_NAME_MAX ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			 "0123456789-") != n)
		return "a header's name has 1 to 63 letters, digits and -";
	if (header_is_ours(name))
		return "this header is not for a file to set: remove it";
	if (rest.n > HTTP_HEADER_MAX)
		return "the header is too long";
	for (i = 0; i < rest.n; i++)
		if (rest.p[i] < 0x20 || rest.p[i] > 0x7e)
			return "a header is of visible ASCII and blanks";
	while (http_piece(&rest, &piece, &bad))
		if (piece.is_name && !span_is(piece.text, "secret"))
			return "a header has no parameter but {secret}";
	return bad ? "a brace that belongs to no {secret}: write it twice"
		   : NULL;
}

static void set_headers(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	size_t i;

	if (yaml_kind(n) != YAML_MAP || !yaml_count(n) ||
	    yaml_count(n) > HTTP_HEADERS) {
		fault(l, n, "a map of 1 to %d headers", (int)HTTP_HEADERS);
		return;
	}
	for (i = 0; i < yaml_count(n); i++) {
		struct http_head *h = &l->q->headers[l->q->n_headers];
		const char *why;

		h->name = yaml_key(n, i);
		h->value = load_scalar(&l->l, yaml_at(n, i));
		if (!h->value)
			continue;
		why = check_header(h->name, h->value);
		if (why)
			load_fault(&l->l, yaml_key_place(n, i), "%s", why);
		l->q->n_headers++;
	}
}

/* Texts of the body: each name is a parameter; lists and what is optional stand
 * alone. */
static const char *check_text(struct http_request *q, const char *text)
{
	struct span rest = span_str(text), name;
	bool alone = http_alone(rest, &name), bad = false;
	struct http_piece piece;

	while (http_piece(&rest, &piece, &bad)) {
		int i = piece.is_name ? http_param(q, piece.text) : -1;

		if (!piece.is_name)
			continue;
		if (i < 0)
			return "names a parameter that is not in `params`";
		q->params[i].used = true;
		if (!alone && (q->params[i].many || q->params[i].optional))
			return "has a list, or an optional parameter, beside "
			       "other text";
	}
	return bad ? "has a brace that belongs to no {name}: write it twice"
		   : NULL;
}

static void check_body(struct loader *l, const struct yaml_node *top)
{
	const struct yaml_node *open[YAML_DEPTH_MAX + 1] = { top };
	size_t next[YAML_DEPTH_MAX + 1] = { 0 }, depth = 1;

	while (depth) {
		const struct yaml_node *n = open[depth - 1];
		const char *why = NULL;

		if (yaml_kind(n) == YAML_SCALAR) {
			why = check_text(l->q, yaml_text(n));
			if (why)
				fault(l, n, "the body's value %s", why);
			depth--;
		} else if (next[depth - 1] == yaml_count(n)) {
			depth--;
		} else if (depth > YAML_DEPTH_MAX) {
			fault(l, n, "the body is too deep");
			return;
		} else {
			open[depth] = yaml_at(n, next[depth - 1]++);
			next[depth++] = 0;
		}
	}
}

static void set_body(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	check_body(l, n);
	l->q->body = n;
}

static void set_response(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->field = true;
	load_typed(l, n, l->q->fields, &l->q->n_fields, HTTP_FIELDS);
}

static void set_answer(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const char *text = load_scalar(&l->l, n);
	uint64_t v;

	if (!text)
		return;
	if (value_size(text, &v) < 0 || v < 1 || v > HTTP_ANSWER_MAX)
		fault(l, n, "a size from 1 to 1MiB belongs here");
	else
		l->q->answer_max = (uint32_t)v;
}

static void set_timeout(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const char *text = load_scalar(&l->l, n);
	uint64_t v;

	if (!text)
		return;
	if (value_duration(text, &v) < 0 || v < 1 || v > HTTP_TIMEOUT_MAX_S)
		fault(l, n, "a duration from 1s to 5m belongs here");
	else
		l->q->timeout_s = (uint32_t)v;
}

static const struct load_rule limit_rules[] = {
	{ { "answer", false, false, "most bytes of an answer", "1 to 1MiB",
	    "64KiB" },
	  set_answer },
	{ { "timeout", false, false, "for all of it", "1s to 5m", "30s" },
	  set_timeout },
};

static void set_limits(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	load_map(&l->l, n, LOAD_TABLE(limit_rules), l);
}

/* `params` stands before what names them, wherever it is written. */
static const struct load_rule request_rules[] = {
	{ { "method", true, false, "what is asked for" },
	  set_method,
	  LOAD_TABLE(method_words) },
	{ { "params", false, false, "what a planner may choose",
	    "a map of 1 to 16, NAME: {type: ...}", "none" },
	  set_params },
	{ { "url", true, false,
	    "where: {NAME} stands in parts of the path and in values of the "
	    "query",
	    "https://HOST[:PORT]/PATH[?NAME=VALUE&...]", NULL },
	  set_url },
	{ { "headers", false, false,
	    "what else the server is told; {secret} is the connector's secret",
	    "a map of 1 to 8", "none" },
	  set_headers },
	{ { "body", false, false,
	    "sent as JSON; a value that is \"{NAME}\" alone is that parameter, "
	    "a number or a word where it is one",
	    "a map, a list or a value", "none" },
	  set_body },
	{ { "response", false, false,
	    "what is read of the answer; all else is thrown away",
	    "a map of 1 to 16, NAME: {at: /..., type: ...}", "nothing" },
	  set_response },
	{ { "limits", false, false, "of the answer", "a map", NULL },
	  set_limits },
};

static void check_request(struct loader *l, const struct yaml_node *n)
{
	uint32_t i;

	for (i = 0; i < l->q->n_params; i++)
		if (!l->q->params[i].used)
			fault(l, n,
			      "the parameter \"%s\" stands nowhere: use or "
			      "remove it",
			      l->q->params[i].name);
	if (l->q->body && l->q->method && !strcmp(l->q->method, "GET"))
		fault(l, n, "GET has no body: remove it, or use POST");
}

static void set_requests(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	size_t i;

	if (yaml_kind(n) != YAML_MAP || !yaml_count(n) ||
	    yaml_count(n) > HTTP_REQUESTS) {
		fault(l, n, "a map of 1 to %d requests, by capability",
		      (int)HTTP_REQUESTS);
		return;
	}
	l->f->rows = calloc(yaml_count(n), sizeof(*l->f->rows));
	if (!l->f->rows) {
		fault(l, n, "out of memory");
		return;
	}
	for (i = 0; i < yaml_count(n); i++) {
		l->q = &l->f->rows[l->f->n++];
		l->q->name = yaml_key(n, i);
		l->q->answer_max = HTTP_ANSWER_DEFAULT;
		l->q->timeout_s = HTTP_TIMEOUT_S;
		if (!name_ok(l->q->name))
			load_fault(&l->l, yaml_key_place(n, i),
				   "a capability's name has 1 to %d of a-z 0-9 "
				   ". _ - and begins with a letter",
				   (int)HTTP_NAME_MAX);
		load_map(&l->l, yaml_at(n, i), LOAD_TABLE(request_rules), l);
		check_request(l, yaml_at(n, i));
	}
}

static void set_version(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const char *text = load_scalar(&l->l, n);

	if (text && strcmp(text, "1") != 0)
		fault(l, n,
		      "this program reads version 1 of the format: write "
		      "bulkhead: 1");
}

static const struct load_rule top_rules[] = {
	{ { "bulkhead", true, false, "the version of the format", "1", NULL },
	  set_version },
	{ { "requests", true, false, "what may be asked for, by capability",
	    "a map of 1 to 64", NULL },
	  set_requests },
};

int http_load(const char *name, struct span yaml, bool plain,
	      struct http_requests **ret, struct buf *errs)
{
	CLEAN_HTTP struct http_requests *f = calloc(1, sizeof(*f));
	struct loader l = { .plain = plain, .f = f };
	int rc;

	if (!f) {
		buf_printf(errs, "%s: out of memory\n", name);
		return -EINVAL;
	}
	rc = yaml_parse(name, yaml, &f->y, errs);
	if (rc < 0)
		return rc;
	l.l = (struct load){ .y = f->y, .errs = errs };
	load_map(&l.l, yaml_root(f->y), LOAD_TABLE(top_rules), &l);
	if (l.l.errors)
		return -EINVAL;
	*ret = f;
	f = NULL;
	return 0;
}

void http_free(struct http_requests *r)
{
	if (!r)
		return;
	yaml_free(r->y);
	free(r->rows);
	free(r);
}

void http_freep(struct http_requests **r)
{
	http_free(*r);
}

size_t http_count(const struct http_requests *r)
{
	return r->n;
}

const struct http_request *http_at(const struct http_requests *r, size_t i)
{
	return i < r->n ? &r->rows[i] : NULL;
}

const struct http_request *http_find(const struct http_requests *r,
				     struct span capability)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		if (span_is(capability, r->rows[i].name))
			return &r->rows[i];
	return NULL;
}

const char *http_name(const struct http_request *q)
{
	return q->name;
}

const char *http_method(const struct http_request *q)
{
	return q->method;
}

struct span http_host(const struct http_request *q)
{
	return q->host;
}

uint16_t http_port(const struct http_request *q)
{
	return q->port;
}

bool http_tls(const struct http_request *q)
{
	return q->tls;
}

uint32_t http_answer_max(const struct http_request *q)
{
	return q->answer_max;
}

uint32_t http_timeout_s(const struct http_request *q)
{
	return q->timeout_s;
}

bool http_has_fields(const struct http_request *q)
{
	return q->n_fields > 0;
}
