/* head: see head.h. */
#include "head.h"

#include <strings.h>

#include "base/jcur.h"
#include "base/str.h"

enum {
	BAD = 400,
	NOT_FOUND = 404,
	METHOD = 405,
	NO_LENGTH = 411,
	LARGE = 413,
	HEAD_LARGE = 431,
	VERSION = 505,
	OVER_BUDGET = 402,
	TOO_MANY = 429,
};

/* A line up to CRLF, which is taken too. False: there is a bare CR or LF, or
 * another control character. */
static bool take_line(struct span *s, struct span *ret)
{
	size_t i;

	for (i = 0; i < s->n && s->p[i] != '\r'; i++)
		if ((s->p[i] < 0x20 && s->p[i] != '\t') || s->p[i] == 0x7f)
			return false;
	if (i + 1 >= s->n || s->p[i + 1] != '\n')
		return false;
	*ret = span_of(s->p, i);
	*s = span_of(s->p + i + 2, s->n - i - 2);
	return true;
}

/* "POST /v1/messages?beta=true HTTP/1.1" */
static int read_request_line(struct span line, struct llm_head *h)
{
	static const char version[] = " HTTP/1.1";
	const size_t v = sizeof(version) - 1;
	const uint8_t *query;
	struct span path;

	if (line.n < v || memcmp(line.p + line.n - v, version, v) != 0)
		return -VERSION;
	line.n -= v;
	if (line.n > 4 && !memcmp(line.p, "GET ", 4)) {
		h->get = true;
		path = span_of(line.p + 4, line.n - 4);
	} else if (line.n > 5 && !memcmp(line.p, "POST ", 5)) {
		path = span_of(line.p + 5, line.n - 5);
	} else {
		return -METHOD;
	}
	if (path.p[0] != '/' || memchr(path.p, ' ', path.n))
		return -BAD;
	query = memchr(path.p, '?', path.n);
	if (query)
		path.n = (size_t)(query - path.p);
	return str_copy(h->path, sizeof(h->path), path) < 0 ? -NOT_FOUND : 0;
}

static bool is_token(struct span s)
{
	static const char others[] = "!#$%&'*+-.^_`|~";
	size_t i;

	for (i = 0; i < s.n; i++) {
		const uint8_t c = s.p[i], lower = c | 0x20;

		if (!(c >= '0' && c <= '9') &&
		    !(lower >= 'a' && lower <= 'z') &&
		    (!c || !strchr(others, c)))
			return false;
	}
	return s.n != 0;
}

static bool is_name(struct span s, const char *name)
{
	return s.n == strlen(name) &&
	       !strncasecmp((const char *)s.p, name, s.n);
}

static struct span trim(struct span v)
{
	while (v.n && (v.p[0] == ' ' || v.p[0] == '\t'))
		v = span_of(v.p + 1, v.n - 1);
	while (v.n && (v.p[v.n - 1] == ' ' || v.p[v.n - 1] == '\t'))
		v.n--;
	return v;
}

static int read_field(struct span line, struct llm_head *h, bool *has_length)
{
	const uint8_t *colon = line.n ? memchr(line.p, ':', line.n) : NULL;
	struct span name, v;
	uint64_t n;

	if (!colon)
		return -BAD;
	name = span_of(line.p, (size_t)(colon - line.p));
	v = trim(span_of(colon + 1, line.n - name.n - 1));
	if (!is_token(name))
		return -BAD;
	if (is_name(name, "transfer-encoding"))
		return -NO_LENGTH;
	if (is_name(name, "expect"))
		h->expects = is_name(v, "100-continue");
	if (is_name(name, "connection"))
		h->closes = is_name(v, "close");
	if (!is_name(name, "content-length"))
		return 0;
	if (*has_length || num_parse(v, 0, UINT32_MAX, &n) < 0)
		return -BAD;
	*has_length = true;
	h->length = n;
	return n > LLM_BODY ? -LARGE : 0;
}

static int read_lines(struct span s, struct llm_head *h)
{
	bool has_length = false;
	struct span line;
	int i, r;

	if (!take_line(&s, &line))
		return -BAD;
	r = read_request_line(line, h);
	for (i = 0; r == 0; i++) {
		if (!take_line(&s, &line))
			return -BAD;
		if (!line.n)
			return h->get ? (h->length ? -BAD : 0)
				      : (has_length ? 0 : -NO_LENGTH);
		r = i < HEAD_FIELDS ? read_field(line, h, &has_length)
				    : -HEAD_LARGE;
	}
	return r;
}

int llm_head_read(struct span s, struct llm_head *ret)
{
	static const char end[] = "\r\n\r\n";
	const struct span some = span_of(s.p, s.n < HEAD_MAX ? s.n : HEAD_MAX);
	const uint8_t *at = some.n ? memmem(some.p, some.n, end, 4) : NULL;
	size_t n;
	int r;

	*ret = (struct llm_head){ 0 };
	if (!at)
		return s.n < HEAD_MAX ? 0 : -HEAD_LARGE;
	n = (size_t)(at - s.p) + 4;
	r = read_lines(span_of(s.p, n), ret);
	return r < 0 ? r : (int)n;
}

enum llm_api llm_api_of(const char *path)
{
	int i;

	for (i = 1; i < LLM_API_MAX; i++)
		if (!strcmp(path, llm_path((enum llm_api)i)))
			return (enum llm_api)i;
	return (enum llm_api)0;
}

/* --- answers ------------------------------------------------------------- */

/* The names that both APIs give to what went wrong. */
static const struct {
	int status;
	const char *reason, *type;
} kinds[] = {
	{ 200, "OK", "" },
	{ 400, "Bad Request", "invalid_request_error" },
	{ 401, "Unauthorized", "authentication_error" },
	{ OVER_BUDGET, "Payment Required", "billing_error" },
	{ 403, "Forbidden", "permission_error" },
	{ 404, "Not Found", "not_found_error" },
	{ 405, "Method Not Allowed", "invalid_request_error" },
	{ 411, "Length Required", "invalid_request_error" },
	{ 413, "Content Too Large", "request_too_large" },
	{ TOO_MANY, "Too Many Requests", "rate_limit_error" },
	{ 431, "Request Header Fields Too Large", "invalid_request_error" },
	{ 505, "HTTP Version Not Supported", "invalid_request_error" },
	{ 502, "Bad Gateway", "api_error" },
	{ 529, "Overloaded", "overloaded_error" },
};

static size_t kind_of(int status)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].status == status)
			break;
	return i;
}

static const char *reason_of(int status)
{
	const size_t i = kind_of(status);

	return i < ARRAY_SIZE(kinds) ? kinds[i].reason : "Error";
}

static void put_head(struct buf *b, int status, const char *type)
{
	buf_printf(b, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\n", status,
		   reason_of(status), type);
}

static void put_retry(struct buf *b, uint32_t retry_s)
{
	if (retry_s)
		buf_printf(b, "Retry-After: %u\r\n", retry_s);
}

void llm_head_answer(struct buf *b, int status, uint32_t retry_s,
		     struct span body)
{
	put_head(b, status, "application/json");
	put_retry(b, retry_s);
	buf_printf(b, "Content-Length: %zu\r\n\r\n", body.n);
	buf_span(b, body);
}

void llm_head_error(struct buf *b, enum llm_api api, int status,
		    uint32_t retry_s, const char *path, const char *why)
{
	const bool messages = api == LLM_MESSAGES || api == LLM_COUNT;
	const bool quota = status == OVER_BUDGET && !messages;
	const size_t i = kind_of(status);
	const char *type = i < ARRAY_SIZE(kinds) ? kinds[i].type : "api_error";
	char text[LLM_PATH + LLM_WHY + 32];
	CLEAN_BUF struct buf body;

	buf_init(&body, 4096);
	(void)str_printf(text, sizeof(text), "bulkhead: %s%s%s", path,
			 *path ? " " : "", why);
	if (messages)
		buf_str(&body, "{\"type\":\"error\",\"error\":{\"message\":");
	else
		buf_printf(
			&body,
			"{\"error\":{\"param\":null,\"code\":%s,\"message\":",
			quota ? "\"insufficient_quota\"" : "null");
	json_quote(&body, span_str(text));
	buf_printf(&body, ",\"type\":\"%s\"}}",
		   quota ? "insufficient_quota" : type);
	put_head(b, quota ? TOO_MANY : status, "application/json");
	/* Clients know it as a word on whether to try again by themselves. */
	if (status == OVER_BUDGET)
		buf_str(b, "x-should-retry: false\r\n");
	put_retry(b, retry_s);
	/* What the request was is not known to the end, where it is none. */
	if (status != NOT_FOUND && status != TOO_MANY && status < 500 && !api)
		buf_str(b, "Connection: close\r\n");
	buf_printf(b, "Content-Length: %zu\r\n\r\n", body.n);
	buf_span(b, buf_view(&body));
}

void llm_head_chunked(struct buf *b, int status, bool stream)
{
	put_head(b, status,
		 stream ? "text/event-stream; charset=utf-8"
			: "application/json");
	buf_str(b, "Cache-Control: no-cache\r\n"
		   "Transfer-Encoding: chunked\r\n\r\n");
}

void llm_head_chunk(struct buf *b, struct span bytes)
{
	if (!bytes.n)
		return;
	buf_printf(b, "%zx\r\n", bytes.n);
	buf_span(b, bytes);
	buf_str(b, "\r\n");
}

void llm_head_last(struct buf *b)
{
	buf_str(b, "0\r\n\r\n");
}

void llm_head_models(struct buf *b, const char *model, bool messages)
{
	CLEAN_BUF struct buf body;

	buf_init(&body, 2048);
	buf_str(&body, "{\"object\":\"list\",\"data\":[{\"id\":");
	json_quote(&body, span_str(model));
	buf_str(&body, ",\"object\":\"model\",\"type\":\"model\",\"created\":0,"
		       "\"created_at\":\"1970-01-01T00:00:00Z\",\"owned_by\":"
		       "\"bulkhead\"");
	buf_printf(&body, ",\"api\":\"%s\",\"display_name\":",
		   messages ? "messages" : "chat");
	json_quote(&body, span_str(model));
	buf_str(&body, "}],\"has_more\":false,\"first_id\":");
	json_quote(&body, span_str(model));
	buf_str(&body, ",\"last_id\":");
	json_quote(&body, span_str(model));
	buf_u8(&body, '}');
	llm_head_answer(b, 200, 0, buf_view(&body));
}
