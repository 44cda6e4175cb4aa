/* qmp: see qmp.h. */
#include "qmp.h"

#include <assert.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/str.h"

#define SAVED "saved"

/*
 * x-ignore-shared: the memory is in its memfd and stays out of the stream.
 * events: the end of a migration is told, nobody has to ask for it.
 */
const char qmp_begin_text[] =
	"{\"execute\":\"qmp_capabilities\"}\n"
	"{\"execute\":\"migrate-set-capabilities\",\"arguments\":"
	"{\"capabilities\":["
	"{\"capability\":\"x-ignore-shared\",\"state\":true},"
	"{\"capability\":\"events\",\"state\":true}]}}\n";

const char qmp_getfd_text[] = "{\"execute\":\"getfd\",\"arguments\":"
			      "{\"fdname\":\"" SAVED "\"}}\n";

const char qmp_save_text[] = "{\"execute\":\"migrate\",\"arguments\":"
			     "{\"uri\":\"fd:" SAVED "\"}}\n";

enum { BEGIN_RETURNS = 2, SAVE_RETURNS = 2, LOAD_RETURNS = 1 };

void qmp_init(struct qmp *q, enum qmp_task task)
{
	*q = (struct qmp){ .task = task };
}

/* A number instead of a name is a descriptor that QEMU was started with. */
void qmp_put_load(struct buf *b, int fd)
{
	buf_printf(b,
		   "{\"execute\":\"migrate-incoming\",\"arguments\":"
		   "{\"uri\":\"fd:%d\"}}\n",
		   fd);
}

void qmp_began(struct qmp *q)
{
	q->returns += BEGIN_RETURNS;
}

void qmp_went(struct qmp *q)
{
	q->returns += q->task == QMP_SAVE ? SAVE_RETURNS : LOAD_RETURNS;
	q->going = true;
}

bool qmp_done(const struct qmp *q)
{
	return !q->fault && q->status == QMP_COMPLETED && q->moved &&
	       q->returns == 0;
}

/* --- what QEMU says ------------------------------------------------------ */

/* Foreign words in it are made printable; it goes into logs and audit. */
__attribute__((format(printf, 2, 3))) static int fault(struct qmp *q,
						       const char *fmt, ...)
{
	va_list ap;
	char *p;

	va_start(ap, fmt);
	(void)vsnprintf(q->detail, sizeof(q->detail), fmt, ap);
	va_end(ap);
	for (p = q->detail; *p; p++)
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
	q->fault = true;
	return -1;
}

static int on_greeting(struct qmp *q)
{
	if (q->greeted)
		return fault(q, "QEMU greets twice");
	q->greeted = true;
	return 0;
}

static int on_return(struct qmp *q)
{
	if (!q->greeted || q->returns == 0)
		return fault(q, "QEMU answers what was not asked");
	q->returns--;
	return 0;
}

static int on_error(struct qmp *q, json_t *v)
{
	const char *desc = json_string_value(json_object_get(v, "desc"));

	return fault(q, "QEMU refuses: %s", desc ? desc : "no reason");
}

static int on_migration(struct qmp *q, json_t *data)
{
	static const char *const names[] = {
		[QMP_NONE] = "none",	       [QMP_SETUP] = "setup",
		[QMP_ACTIVE] = "active",       [QMP_DEVICE] = "device",
		[QMP_COMPLETED] = "completed",
	};
	const char *s = json_string_value(json_object_get(data, "status"));
	int i;

	static_assert(ARRAY_SIZE(names) == QMP_STATUS_MAX, "a name each");
	for (i = (int)q->status + 1; s && i < QMP_STATUS_MAX; i++) {
		if (!span_is(span_str(s), names[i]))
			continue;
		q->status = (enum qmp_status)i;
		return 0;
	}
	return fault(q, "the state cannot be %s: %s",
		     q->task == QMP_SAVE ? "saved" : "loaded",
		     s ? s : "no status");
}

static int on_pass(struct qmp *q, json_t *data)
{
	(void)data;
	return q->task == QMP_SAVE ? 0 : fault(q, "QEMU saves a clone");
}

/* The machine stops to be saved and runs once it is loaded, each once. */
static int on_moved(struct qmp *q, enum qmp_task task)
{
	if (q->task != task || q->moved)
		return fault(q, "QEMU %s the machine unasked",
			     task == QMP_SAVE ? "stops" : "resumes");
	q->moved = true;
	return 0;
}

static int on_stop(struct qmp *q, json_t *data)
{
	(void)data;
	return on_moved(q, QMP_SAVE);
}

static int on_resume(struct qmp *q, json_t *data)
{
	(void)data;
	return on_moved(q, QMP_LOAD);
}

static const struct {
	const char *name;
	int (*fn)(struct qmp *q, json_t *data);
} events[] = {
	{ "MIGRATION", on_migration },
	{ "MIGRATION_PASS", on_pass },
	{ "STOP", on_stop },
	{ "RESUME", on_resume },
};

/*
 * A machine that ends says SHUTDOWN. Before its task is done that is a fault;
 * afterwards the wire says the same, and behind the machine's last words.
 */
static int on_event(struct qmp *q, const char *name, json_t *data)
{
	size_t i;

	if (qmp_done(q) && span_is(span_str(name), "SHUTDOWN"))
		return 0;
	for (i = 0; i < ARRAY_SIZE(events); i++)
		if (q->going && !qmp_done(q) &&
		    span_is(span_str(name), events[i].name))
			return events[i].fn(q, data);
	return fault(q, "an event out of turn: %s", name);
}

static int on_answer(struct qmp *q, json_t *v)
{
	json_t *event = json_object_get(v, "event");
	json_t *error = json_object_get(v, "error");

	if (json_is_string(event))
		return on_event(q, json_string_value(event),
				json_object_get(v, "data"));
	if (json_is_object(error))
		return on_error(q, error);
	if (json_object_get(v, "return"))
		return on_return(q);
	if (json_is_object(json_object_get(v, "QMP")))
		return on_greeting(q);
	return fault(q, "QEMU says what is no answer");
}

/* --- lines --------------------------------------------------------------- */

/* jansson recurses: the nesting is bounded before it sees the line. */
static bool is_flat(struct span line)
{
	bool string = false;
	size_t depth = 0;
	size_t i;

	for (i = 0; i < line.n; i++) {
		uint8_t c = line.p[i];

		if (string && c == '\\')
			i++;
		else if (c == '"')
			string = !string;
		else if (!string && (c == '{' || c == '['))
			depth++;
		else if (!string && (c == '}' || c == ']') && depth > 0)
			depth--;
		if (depth > QMP_DEPTH_MAX)
			return false;
	}
	return true;
}

static int on_line(struct qmp *q, struct span line)
{
	json_error_t why;
	json_t *v;
	int r;

	if (++q->lines > QMP_LINES_MAX)
		return fault(q, "QEMU says more than %d lines", QMP_LINES_MAX);
	if (!is_flat(line))
		return fault(q, "an answer nested deeper than %d",
			     QMP_DEPTH_MAX);
	v = json_loadb((const char *)line.p, line.n, JSON_REJECT_DUPLICATES,
		       &why);
	if (!json_is_object(v))
		r = fault(q, "QEMU says what is not JSON");
	else
		r = on_answer(q, v);
	json_decref(v);
	return r;
}

/* One byte on; its lines end with CR LF. */
static int add(struct qmp *q, uint8_t c)
{
	struct span line = span_of(q->line, q->line_n);

	if (c != '\n') {
		if (q->line_n == QMP_LINE_MAX)
			return fault(q, "an answer over %d bytes",
				     QMP_LINE_MAX);
		q->line[q->line_n++] = c;
		return 0;
	}
	q->line_n = 0;
	return on_line(q, line);
}

int qmp_feed(struct qmp *q, struct span bytes)
{
	size_t i;

	for (i = 0; i < bytes.n && !q->fault; i++)
		(void)add(q, bytes.p[i]);
	return q->fault ? -1 : 0;
}
