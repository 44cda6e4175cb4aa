/* request: see request.h. */
#include "request.h"

enum {
	HTTP_OK = 200,
	HTTP_BAD = 400,
	HTTP_NOT_FOUND = 404,
	HTTP_METHOD = 405,
	HTTP_LARGE = 431,
	HTTP_VERSION = 505,
};

/* The empty line that ends a head is there. */
static bool has_end(struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] != '\n')
			continue;
		if (i + 1 < s.n && s.p[i + 1] == '\n')
			return true;
		if (i + 2 < s.n && s.p[i + 1] == '\r' && s.p[i + 2] == '\n')
			return true;
	}
	return false;
}

/* Up to the next blank, which is taken too. */
static struct span word(struct span *line)
{
	const uint8_t *blank = line->n ? memchr(line->p, ' ', line->n) : NULL;
	struct span w = *line;

	if (!blank) {
		*line = span_of(line->p + line->n, 0);
		return w;
	}
	w.n = (size_t)(blank - line->p);
	*line = span_of(blank + 1, line->n - w.n - 1);
	return w;
}

static enum request_target target_of(struct span path)
{
	const uint8_t *query = path.n ? memchr(path.p, '?', path.n) : NULL;

	if (query)
		path.n = (size_t)(query - path.p);
	if (span_is(path, "/metrics") || span_is(path, "/"))
		return TARGET_TEXT;
	return span_is(path, "/metrics.json") ? TARGET_JSON : TARGET_NONE;
}

int request_read(struct span s, enum request_target *ret)
{
	const uint8_t *nl = s.n ? memchr(s.p, '\n', s.n) : NULL;
	struct span line, method, path;

	*ret = TARGET_NONE;
	if (s.n > REQUEST_MAX)
		return HTTP_LARGE;
	if (!nl || !has_end(s))
		return 0;
	line = span_of(s.p, (size_t)(nl - s.p));
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	method = word(&line);
	path = word(&line);
	if (!method.n || !path.n || path.p[0] != '/')
		return HTTP_BAD;
	if (!span_is(line, "HTTP/1.1") && !span_is(line, "HTTP/1.0"))
		return HTTP_VERSION;
	if (!span_is(method, "GET"))
		return HTTP_METHOD;
	*ret = target_of(path);
	return *ret == TARGET_NONE ? HTTP_NOT_FOUND : HTTP_OK;
}

const char *request_reason(int status)
{
	return status == HTTP_OK	  ? "OK"
	       : status == HTTP_BAD	  ? "Bad Request"
	       : status == HTTP_NOT_FOUND ? "Not Found"
	       : status == HTTP_METHOD	  ? "Method Not Allowed"
	       : status == HTTP_LARGE	  ? "Request Header Fields Too Large"
	       : status == HTTP_VERSION	  ? "HTTP Version Not Supported"
					  : "Internal Server Error";
}
