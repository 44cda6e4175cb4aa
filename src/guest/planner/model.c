/* model: see model.h. */
#include "model.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

enum { HEAD_BYTES = 8 << 10, READ_BYTES = 16 << 10, WAIT_LONGEST_S = 60 };

static int fail(struct model *m, const char *why)
{
	(void)str_printf(m->why, sizeof(m->why), "%s", why);
	return -1;
}

static int more(struct model *m)
{
	uint8_t chunk[READ_BYTES];
	ssize_t n;

	do
		n = read(m->fd, chunk, sizeof(chunk));
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return fail(m, "the host hung up");
	buf_put(&m->in, chunk, (size_t)n);
	return buf_ok(&m->in) ? 0 : fail(m, "the answer is too long");
}

/* The value of a field of the head, up to its line's end. */
static struct span field(struct span head, const char *name)
{
	const size_t n = strlen(name);
	size_t i;

	for (i = 0; i + n < head.n; i++)
		if (!memcmp(head.p + i, name, n)) {
			const uint8_t *p = head.p + i + n;
			const uint8_t *end = memchr(p, '\r', head.n - i - n);

			return span_of(p, end ? (size_t)(end - p) : 0);
		}
	return span_of(NULL, 0);
}

/* One answer: its status; *ret its body, a new reference or NULL, *wait_s how
 * long it asks to be left alone. -1: the stream is of no more use. */
static int read_answer(struct model *m, json_t **ret, uint64_t *wait_s)
{
	static const char final[] = "x-should-retry: false";
	struct span head, v;
	uint64_t status, length;
	size_t n;

	for (;;) {
		const uint8_t *end =
			m->in.n ? memmem(m->in.p, m->in.n, "\r\n\r\n", 4)
				: NULL;

		if (end) {
			n = (size_t)(end - m->in.p) + 4;
			break;
		}
		if (m->in.n > HEAD_BYTES || more(m) < 0)
			return fail(m, "no answer");
	}
	head = span_of(m->in.p, n);
	v = field(head, "Retry-After: ");
	if (num_parse(v, 0, 86400, wait_s) < 0)
		*wait_s = 0;
	m->final = memmem(head.p, head.n, final, sizeof(final) - 1) != NULL;
	v = field(head, "Content-Length: ");
	if (head.n < 12 ||
	    num_parse(span_of(head.p + 9, 3), 100, 599, &status) < 0 ||
	    num_parse(v, 0, MODEL_ANSWER, &length) < 0)
		return fail(m, "an answer without a length");
	while (m->in.n < n + length)
		if (more(m) < 0)
			return -1;
	*ret = json_loadb((const char *)m->in.p + n, length,
			  JSON_REJECT_DUPLICATES, NULL);
	buf_drop(&m->in, n + length);
	return (int)status;
}

static int send_request(struct model *m, const char *path, const json_t *body)
{
	CLEAN_BUF struct buf b;
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	int r;

	buf_init(&b, MODEL_ANSWER);
	if (body && !text)
		return fail(m, "out of memory");
	if (text)
		buf_printf(&b,
			   "POST %s HTTP/1.1\r\nContent-Type: "
			   "application/json\r\nContent-Length: %zu\r\n\r\n",
			   path, strlen(text));
	else
		buf_printf(&b, "GET %s HTTP/1.1\r\n\r\n", path);
	buf_str(&b, text ? text : "");
	free(text);
	if (!buf_ok(&b))
		return fail(m, "the request is too long");
	r = fd_write_all(m->fd, buf_view(&b));
	return r < 0 ? fail(m, "the host hung up") : 0;
}

int model_open(struct model *m, int fd)
{
	json_t *body = NULL, *row;
	const char *name, *api;
	uint64_t wait_s;
	int status;

	*m = (struct model){ .fd = fd };
	buf_init(&m->in, MODEL_ANSWER + HEAD_BYTES);
	if (send_request(m, "/v1/models", NULL) < 0)
		return -1;
	status = read_answer(m, &body, &wait_s);
	row = json_array_get(json_object_get(body, "data"), 0);
	name = json_string_value(json_object_get(row, "id"));
	api = json_string_value(json_object_get(row, "api"));
	if (status != 200 || !name || !api ||
	    str_copy(m->name, sizeof(m->name), span_str(name)) < 0) {
		json_decref(body);
		return fail(m, "the host names no model");
	}
	m->adapter =
		strcmp(api, "messages") ? &chat_adapter : &messages_adapter;
	json_decref(body);
	return 0;
}

void model_close(struct model *m)
{
	buf_done(&m->in);
}

static void wait_for(uint64_t s)
{
	const struct timespec t = {
		.tv_sec = (time_t)(s < WAIT_LONGEST_S ? s : WAIT_LONGEST_S)
	};

	(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
}

static void keep_why(struct model *m, int status, const json_t *body)
{
	const char *text = json_string_value(
		json_object_get(json_object_get(body, "error"), "message"));

	(void)str_printf(m->why, sizeof(m->why), "%d: %.200s", status,
			 text ? text : "no answer of a model");
}

json_t *model_ask(struct model *m, const char *system, const json_t *turns,
		  const json_t *tools)
{
	json_t *request = m->adapter->request(m->name, system, turns, tools);
	json_t *turn = NULL;
	int i, status = 0;

	for (i = 0; i < MODEL_TRIES && !turn && status >= 0; i++) {
		json_t *body = NULL;
		uint64_t wait_s = 0;

		status = send_request(m, m->adapter->path, request);
		if (status == 0)
			status = read_answer(m, &body, &wait_s);
		if (status == 200)
			turn = m->adapter->answer(body);
		if (!turn && status > 0)
			keep_why(m, status, body);
		json_decref(body);
		if (turn || m->final || (status != 429 && status < 500))
			break;
		wait_for(wait_s ? wait_s : 1UL << i);
	}
	json_decref(request);
	return turn;
}
