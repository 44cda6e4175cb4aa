/*
 * url: addresses of requests as they are written: a scheme, a host, a port,
 * all literal; parts of a path and values of a query, with parameters in them.
 */
#include <stdio.h>

#include "base/str.h"
#include "http/model.h"

bool http_unreserved(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
	       c == '~';
}

static bool name_byte(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
	       c == '-';
}

bool http_piece(struct span *rest, struct http_piece *ret, bool *bad)
{
	size_t n = 0;

	if (!rest->n || *bad)
		return false;
	if (rest->p[0] == '{' || rest->p[0] == '}') {
		bool twice = rest->n > 1 && rest->p[1] == rest->p[0];

		if (twice) {
			*ret = (struct http_piece){ false,
						    span_of(rest->p, 1) };
			*rest = span_of(rest->p + 2, rest->n - 2);
			return true;
		}
		for (n = 1; n < rest->n && name_byte(rest->p[n]); n++)
			;
		*bad = rest->p[0] == '}' || n == 1 || n == rest->n ||
		       rest->p[n] != '}';
		if (*bad)
			return false;
		*ret = (struct http_piece){ true, span_of(rest->p + 1, n - 1) };
		*rest = span_of(rest->p + n + 1, rest->n - n - 1);
		return true;
	}
	while (n < rest->n && rest->p[n] != '{' && rest->p[n] != '}')
		n++;
	*ret = (struct http_piece){ false, span_of(rest->p, n) };
	*rest = span_of(rest->p + n, rest->n - n);
	return true;
}

bool http_alone(struct span text, struct span *name)
{
	struct http_piece piece;
	bool bad = false;

	if (!http_piece(&text, &piece, &bad) || !piece.is_name || text.n)
		return false;
	*name = piece.text;
	return true;
}

int http_param(const struct http_request *q, struct span name)
{
	uint32_t i;

	for (i = 0; i < q->n_params; i++)
		if (span_is(name, q->params[i].name))
			return (int)i;
	return -1;
}

/* The host's bytes at the beginning of s, 0: there is none. */
static size_t host_length(struct span s)
{
	size_t n = 0;

	if (s.n && s.p[0] == '[') {
		for (n = 1; n < s.n && s.p[n] != ']'; n++)
			if (!strchr("0123456789abcdef:", s.p[n]) || !s.p[n])
				return 0;
		return n > 2 && n < s.n ? n + 1 : 0;
	}
	while (n < s.n && ((s.p[n] >= 'a' && s.p[n] <= 'z') ||
			   (s.p[n] >= '0' && s.p[n] <= '9') || s.p[n] == '-' ||
			   s.p[n] == '.'))
		n++;
	return n > HOST_MAX || (n && (s.p[0] == '.' || s.p[0] == '-')) ? 0 : n;
}

static const char *check_place(struct http_request *q, bool plain)
{
	struct span s = span_str(q->url);
	size_t n, digits = 0;
	uint64_t port;

	q->tls = !strncmp(q->url, "https://", 8);
	if (!q->tls && strncmp(q->url, "http://", 7) != 0)
		return "begins with https://";
	if (!q->tls && !plain)
		return "begins with https://; http:// is for accounts with "
		       "`private: true`";
	n = q->tls ? 8 : 7;
	s = span_of(s.p + n, s.n - n);
	n = host_length(s);
	if (!n)
		return "has a host in lower case behind the scheme, and no "
		       "parameter in it";
	q->host = span_of(s.p, n);
	s = span_of(s.p + n, s.n - n);
	port = q->tls ? 443 : 80;
	if (s.n && s.p[0] == ':') {
		while (digits + 1 < s.n && s.p[digits + 1] >= '0' &&
		       s.p[digits + 1] <= '9')
			digits++;
		if (num_parse(span_of(s.p + 1, digits), 1, 65535, &port) < 0)
			return "has a port from 1 to 65535 behind the colon";
		s = span_of(s.p + digits + 1, s.n - digits - 1);
	}
	q->port = (uint16_t)port;
	if (!s.n || s.p[0] != '/')
		return "has a path, / at least, behind host and port";
	q->path_at = (size_t)(s.p - (const uint8_t *)q->url);
	return NULL;
}

/* A literal part as it may stand there. What is encoded in it must not be what
 * a server may take for structure. */
static const char *check_literal(struct span s, bool query)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		uint8_t hex;

		if (s.p[i] == '%') {
			if (s.n - i < 3 ||
			    hex_decode(&hex, 1, span_of(s.p + i + 1, 2)) < 0)
				return "has % without two lower-case "
				       "hexadecimal digits behind it";
			if (hex < 0x20 || hex == 0x7f || hex == '.' ||
			    hex == '/' || hex == '\\' || hex == '%')
				return "has an encoded byte that can be taken "
				       "for something else: . / \\ % or a "
				       "control character";
			i += 2;
			continue;
		}
		if (!http_unreserved(s.p[i]) &&
		    (!s.p[i] ||
		     !strchr(query ? "!$'()*,;:@/?" : "!$&'()*+,;=:@", s.p[i])))
			return "has a character that is to be encoded";
	}
	return NULL;
}

/* A part of the path, or key or value of the query. */
static const char *check_part(struct http_request *q, struct span part,
			      bool query, bool optional)
{
	struct http_piece piece;
	const char *why = NULL;
	bool bad = false, named = false;
	struct span rest = part, name;
	bool alone = http_alone(part, &name);

	while (!why && http_piece(&rest, &piece, &bad)) {
		int i = piece.is_name ? http_param(q, piece.text) : -1;

		if (!piece.is_name) {
			why = check_literal(piece.text, query);
			continue;
		}
		named = true;
		if (i < 0)
			return "names a parameter that is not in `params`";
		q->params[i].used = true;
		if (q->params[i].many)
			why = "has a parameter that is a list: it may stand in "
			      "`body` alone";
		else if (q->params[i].optional && !(optional && alone))
			why = "has an optional parameter where it is no whole "
			      "value of the query";
		else if (!query && q->params[i].type == TYPE_REPO && !alone)
			why = "has a repo beside other text: it is two parts "
			      "of the path";
	}
	if (bad)
		return "has a brace that belongs to no {name}";
	if (!why && !named && !query &&
	    (span_is(part, ".") || span_is(part, "..")))
		return "has . or .. as a part of its path";
	return why;
}

static struct span until(struct span *s, char end)
{
	size_t n = 0;
	struct span ret;

	while (n < s->n && s->p[n] != (uint8_t)end)
		n++;
	ret = span_of(s->p, n);
	*s = n < s->n ? span_of(s->p + n + 1, s->n - n - 1)
		      : span_of(s->p + n, 0);
	return ret;
}

static const char *check_path(struct http_request *q, struct span path)
{
	const char *why = NULL;

	while (path.n && !why) {
		struct span part;
		bool last;

		path = span_of(path.p + 1, path.n - 1); /* the slash */
		part = until(&path, '/');
		last = part.p + part.n == path.p;
		if (!part.n && !last)
			return "has an empty part in its path";
		why = check_part(q, part, false, false);
		if (!last)
			path = span_of(path.p - 1, path.n + 1);
	}
	return why;
}

static const char *check_query(struct http_request *q, struct span query)
{
	const char *why = NULL;

	while (query.n && !why) {
		struct span value = until(&query, '&'), key;
		bool has = memchr(value.p, '=', value.n) != NULL;

		key = until(&value, '=');
		if (!has || !key.n || memchr(key.p, '{', key.n))
			return "has a query that is not name=value, the name "
			       "without a parameter";
		why = check_part(q, key, true, false);
		if (!why)
			why = check_part(q, value, true, true);
	}
	return why;
}

const char *http_check_url(struct http_request *q, bool plain)
{
	const char *why = strlen(q->url) > HTTP_URL_MAX ? "is too long" : NULL;
	struct span rest, path;
	size_t path_at;
	bool query;

	if (!why)
		why = check_place(q, plain);
	if (why)
		return why;
	path_at = q->path_at;
	rest = span_str(q->url + path_at);
	query = memchr(rest.p, '?', rest.n) != NULL;
	path = until(&rest, '?');
	why = check_path(q, path);
	if (!why && query && !rest.n)
		return "has a ? and nothing behind it";
	return why ? why : check_query(q, rest);
}
