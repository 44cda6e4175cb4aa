/* mcp_client: see mcp_client.h. */
#include "mcp_client.h"

#include <errno.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

enum { READ_BYTES = 32 << 10 };

static enum client_status broken(struct client *c, const char *why)
{
	(void)err_set(&c->err, -EPROTO, "%s", why);
	return CLIENT_BROKEN;
}

static int dump_to_buf(const char *text, size_t n, void *arg)
{
	struct buf *b = arg;

	buf_put(b, text, n);
	return buf_ok(b) ? 0 : -1;
}

/* Takes line over. */
static enum client_status send_line(struct client *c, json_t *line)
{
	CLEAN_BUF struct buf b;
	int r;

	buf_init(&b, LIMIT_MCP_LINE + 1);
	r = line ? json_dump_callback(line, dump_to_buf, &b, JSON_COMPACT) : -1;
	json_decref(line);
	if (r < 0 || b.n > LIMIT_MCP_LINE) {
		(void)err_set(&c->err, -EMSGSIZE, "the request is too large");
		return CLIENT_REFUSED;
	}
	buf_u8(&b, '\n');
	if (fd_write_all(c->fd, buf_view(&b)) < 0)
		return broken(c, "cannot write");
	return CLIENT_OK;
}

/* Reads until in holds a whole line; its length without the newline. */
static enum client_status read_line(struct client *c, size_t *ret)
{
	size_t seen = 0;

	for (;;) {
		uint8_t chunk[READ_BYTES];
		const uint8_t *newline = NULL;
		ssize_t n;

		if (c->in.n > seen)
			newline = memchr(c->in.p + seen, '\n', c->in.n - seen);
		if (newline) {
			*ret = (size_t)(newline - c->in.p);
			return CLIENT_OK;
		}
		seen = c->in.n;
		n = read(c->fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return broken(c, "the host hung up");
		buf_put(&c->in, chunk, (size_t)n);
		if (!buf_ok(&c->in))
			return broken(c, "a line over the limit");
	}
}

/* The reply to request id; *ret is its result, a new reference. */
static enum client_status read_reply(struct client *c, json_int_t id,
				     json_t **ret)
{
	enum client_status st;
	json_t *error;
	json_t *doc;
	size_t n = 0;

	st = read_line(c, &n);
	if (st != CLIENT_OK)
		return st;
	doc = json_loadb((const char *)c->in.p, n, JSON_REJECT_DUPLICATES,
			 NULL);
	buf_drop(&c->in, n + 1);
	if (!doc || json_integer_value(json_object_get(doc, "id")) != id) {
		json_decref(doc);
		return broken(c, "no reply to the request");
	}
	error = json_object_get(doc, "error");
	*ret = json_incref(json_object_get(doc, "result"));
	if (error) {
		const char *text =
			json_string_value(json_object_get(error, "message"));

		(void)err_set(&c->err, -EPERM, "%s", text ? text : "an error");
		st = CLIENT_REFUSED;
	} else if (!*ret) {
		st = broken(c, "a reply without a result");
	}
	json_decref(doc);
	return st;
}

/* Takes params over. */
static enum client_status request(struct client *c, const char *method,
				  json_t *params, json_t **ret)
{
	json_int_t id = c->next_id++;
	enum client_status st;

	*ret = NULL;
	if (!params) {
		(void)err_set(&c->err, -ENOMEM, "out of memory");
		return CLIENT_REFUSED;
	}
	st = send_line(c,
		       json_pack("{s:s, s:I, s:s, s:o}", "jsonrpc", "2.0", "id",
				 id, "method", method, "params", params));
	return st == CLIENT_OK ? read_reply(c, id, ret) : st;
}

/* Left to itself, jansson would open a file for its random seed. */
static void seed_json(void)
{
	size_t seed = 0;

	(void)!getrandom(&seed, sizeof(seed), 0);
	json_object_seed(seed | 1);
}

enum client_status client_open(struct client *c, int fd)
{
	enum client_status st;
	json_t *result;

	*c = (struct client){ .fd = fd, .next_id = 1 };
	buf_init(&c->in, CLIENT_LINE_MAX);
	seed_json();
	st = request(c, "initialize",
		     json_pack("{s:s, s:{}, s:{s:s, s:s}}", "protocolVersion",
			       "2025-06-18", "capabilities", "clientInfo",
			       "name", "bulkhead-planner", "version",
			       BULKHEAD_VERSION),
		     &result);
	json_decref(result);
	if (st != CLIENT_OK)
		return st;
	return send_line(c, json_pack("{s:s, s:s}", "jsonrpc", "2.0", "method",
				      "notifications/initialized"));
}

void client_close(struct client *c)
{
	buf_done(&c->in);
}

enum client_status client_tools(struct client *c, json_t **ret)
{
	json_t *result;
	enum client_status st =
		request(c, "tools/list", json_object(), &result);

	*ret = json_incref(json_object_get(result, "tools"));
	json_decref(result);
	if (st == CLIENT_OK && !json_is_array(*ret))
		st = broken(c, "no list of tools");
	return st;
}

enum client_status client_call(struct client *c, const char *tool,
			       json_t *arguments, json_t **ret)
{
	return request(
		c, "tools/call",
		json_pack("{s:s, s:o}", "name", tool, "arguments", arguments),
		ret);
}

enum client_status client_task(struct client *c, json_t **ret)
{
	json_t *result;
	enum client_status st =
		client_call(c, "task.get", json_object(), &result);

	*ret = json_incref(json_object_get(result, "structuredContent"));
	json_decref(result);
	if (st == CLIENT_OK && !json_is_object(*ret))
		st = broken(c, "no task");
	return st;
}

struct span utf8_cut(struct span s, size_t max)
{
	if (s.n <= max)
		return s;
	while (max && (s.p[max] & 0xc0) == 0x80)
		max--;
	return span_of(s.p, max);
}

enum client_status client_answer(struct client *c, struct span text)
{
	enum client_status st;
	json_t *result;

	text = utf8_cut(text, LIMIT_ANSWER);
	st = client_call(c, "task.answer",
			 json_pack("{s:o}", "text",
				   json_stringn((const char *)text.p, text.n)),
			 &result);
	json_decref(result);
	return st;
}
