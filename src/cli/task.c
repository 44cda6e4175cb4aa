/*
 * task: the owner's own words to a planner, and what became of them. See
 * task.h.
 */
#include "cli/task.h"

#include <endian.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/loop.h"
#include "base/str.h"
#include "cli/client.h"
#include "cli/story.h"

enum {
	INDENT = 12,
	WORDS_MAX = 60, /* of its text, in a list */
	TEXT_BYTES = 8 << 20,
	POLL_MS = 300,
	WAIT_MAX_S = 86400,
};

static enum show_style style_of(unsigned state)
{
	return state == TASK_DONE	? SHOW_GOOD
	       : state <= TASK_RUNNING	? SHOW_PLAIN
	       : state < TASK_STATE_MAX ? SHOW_BAD
					: SHOW_PLAIN;
}

static void put_for(struct buf *b, const struct m_c_task *t)
{
	if (t->own)
		buf_str(b, "yours");
	else
		buf_str(b, "standing");
	if (t->item)
		buf_printf(b, ", item %" PRIu64, t->item);
}

/* The beginning of a text, on one line. */
static void put_words(struct buf *b, const struct show *how, struct span text)
{
	const uint8_t *end = text.n ? memchr(text.p, '\n', text.n) : NULL;
	char words[WORDS_MAX + 1];
	size_t n = end ? (size_t)(end - text.p) : text.n;

	if (n > WORDS_MAX)
		n = WORDS_MAX;
	if (str_copy(words, sizeof(words), span_of(text.p, n)) < 0)
		return;
	utf8_trim(words);
	show_text(b, how, span_str(words), 40, 40);
	if (n < text.n)
		buf_str(b, " ...");
}

void task_line(struct buf *b, const struct show *how, const struct m_c_task *t)
{
	char text[32];

	buf_printf(b, "%6" PRIu64 "  ", t->task);
	(void)snprintf(text, sizeof(text), "%-12s", task_state_name(t->state));
	show_put(b, how, style_of(t->state), text);
	put_for(b, t);
	if (t->text.n) {
		buf_str(b, ": ");
		put_words(b, how, t->text);
	}
	buf_u8(b, '\n');
}

static void label(struct buf *b, const struct show *how, const char *own)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%-*s", INDENT, own);
	show_put(b, how, SHOW_DIM, text);
}

static void put_foreign(struct buf *b, const struct show *how, const char *own,
			struct span text)
{
	while (text.n && text.p[text.n - 1] == '\n')
		text.n--;
	if (!text.n)
		return;
	label(b, how, own);
	show_text(b, how, text, INDENT, INDENT);
	buf_u8(b, '\n');
}

static void put_time(struct buf *b, const struct show *how, const char *own,
		     uint64_t s)
{
	const time_t t = (time_t)s;
	struct tm tm;
	char text[40];

	if (s == 0 || !gmtime_r(&t, &tm) ||
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC\n", &tm) == 0)
		return;
	label(b, how, own);
	buf_str(b, text);
}

void task_full(struct buf *b, const struct show *how, const struct m_c_task *t)
{
	char text[40];

	(void)snprintf(text, sizeof(text), "Task %" PRIu64 ": ", t->task);
	show_put(b, how, SHOW_BOLD, text);
	show_put(b, how, style_of(t->state), task_state_name(t->state));
	buf_u8(b, '\n');
	label(b, how, "for");
	put_for(b, t);
	buf_u8(b, '\n');
	put_foreign(b, how, "text", t->text);
	put_time(b, how, "begun", t->created_s);
	put_time(b, how, "ended", t->ended_s);
	put_foreign(b, how, "seen", t->label);
	if (t->calls || t->forks || t->bits) {
		label(b, how, "requests");
		buf_printf(b, "%u, %u fork%s, %u bit%s of hidden text\n",
			   t->calls, t->forks, t->forks == 1 ? "" : "s",
			   t->bits, t->bits == 1 ? "" : "s");
	}
	put_foreign(b, how, "why", t->fault);
	put_foreign(b, how, "answer", t->answer);
}

json_t *task_json(const struct m_c_task *t)
{
	return json_pack(
		"{s:I,s:I,s:s,s:b,s:I,s:I,s:I,s:I,s:I,s:o,s:o,s:o,s:o}", "task",
		(json_int_t)t->task, "item", (json_int_t)t->item, "state",
		task_state_name(t->state), "own", (int)t->own, "begun_s",
		(json_int_t)t->created_s, "ended_s", (json_int_t)t->ended_s,
		"calls", (json_int_t)t->calls, "forks", (json_int_t)t->forks,
		"bits", (json_int_t)t->bits, "seen", story_foreign(t->label),
		"text", story_foreign(t->text), "answer",
		story_foreign(t->answer), "why", story_foreign(t->fault));
}

/* --- the command --------------------------------------------------------- */

struct view {
	struct show how;
	struct buf text;
	json_t *json; /* a list of tasks; NULL: out of memory */
	size_t n;
	uint64_t task; /* the last */
	unsigned state;
	bool full;
};

static int add_request(struct view *v, const struct m_c_request *r)
{
	json_t *task = json_array_get(v->json, v->n - 1);
	json_t *list = json_object_get(task, "requests");

	if (!list) {
		list = json_array();
		if (json_object_set_new(task, "requests", list) < 0)
			return -1;
	}
	story_request(&v->text, &v->how, r);
	return json_array_append_new(list, story_request_json(r));
}

static int add(void *arg, struct chan *, const struct msg *m)
{
	struct view *v = arg;

	if (m->type == MSG_C_REQUEST && v->n)
		return add_request(v, &m->c_request);
	if (m->type != MSG_C_TASK)
		return -1;
	v->n++;
	v->task = m->c_task.task;
	v->state = m->c_task.state;
	if (v->full)
		task_full(&v->text, &v->how, &m->c_task);
	else
		task_line(&v->text, &v->how, &m->c_task);
	return json_array_append_new(v->json, task_json(&m->c_task));
}

static void view_reset(struct view *v)
{
	buf_reset(&v->text);
	json_array_clear(v->json);
	v->n = 0;
}

static int print(struct view *v, const struct cli *cli)
{
	json_t *all;
	int rc;

	if (cli->json) {
		all = json_pack("{s:O}", "tasks", v->json);
		rc = cli_json(stdout, all);
		json_decref(all);
		return rc;
	}
	if (v->n == 0)
		buf_str(&v->text, "No task yet.\n");
	return buf_ok(&v->text) &&
			       fwrite(v->text.p, 1, v->text.n, stdout) ==
				       v->text.n &&
			       fflush(stdout) == 0
		       ? CLI_OK
		       : CLI_NO;
}

/* One task, or all; asked again until it is over. */
static int fetch(const struct conf *conf, struct view *v, uint64_t one,
		 uint64_t wait_s)
{
	const struct timespec pause = { .tv_nsec = POLL_MS * 1000000L };
	const uint64_t end = now_ms() + wait_s * 1000;
	static struct msg m;
	int rc;

	for (;;) {
		view_reset(v);
		m = (struct msg){ .type = MSG_C_TASKS };
		m.s_ref.id = one;
		rc = client_ask(conf, &m, add, v);
		if (rc != CLI_OK || !wait_s || v->state > TASK_RUNNING)
			return rc;
		if (now_ms() >= end)
			return CLI_TIMEOUT;
		(void)nanosleep(&pause, NULL);
	}
}

/* Shows it, or all; what became of it is the answer where it was waited for. */
static int show(const struct conf *conf, struct view *v, const struct cli *cli,
		uint64_t one, uint64_t wait_s)
{
	int rc = fetch(conf, v, one, wait_s);
	int shown;

	if (rc != CLI_OK && rc != CLI_TIMEOUT)
		return rc;
	shown = print(v, cli);
	if (rc == CLI_TIMEOUT)
		cli_error("task %" PRIu64 " is not over yet: `bulkhead task "
			  "show %" PRIu64 "` tells when it is",
			  one, one);
	if (rc == CLI_OK && wait_s && v->state != TASK_DONE)
		rc = CLI_NO;
	return rc == CLI_OK ? shown : rc;
}

static int run(const struct conf *conf, struct view *v, const struct cli *cli,
	       const struct m_task_run *what, uint64_t wait_s)
{
	static struct msg m;
	int rc;

	m = (struct msg){ .type = MSG_C_TASK_RUN };
	m.task_run = *what;
	rc = client_ask(conf, &m, add, v);
	if (rc != CLI_OK)
		return rc;
	if (v->n != 1) {
		cli_error("the broker's answer is none");
		return CLI_NO;
	}
	if (wait_s)
		return show(conf, v, cli, v->task, wait_s);
	if (cli->json)
		return print(v, cli);
	(void)printf("Task %" PRIu64 " is %s: bulkhead task show %" PRIu64 "\n",
		     v->task, task_state_name(v->state), v->task);
	return CLI_OK;
}

static int cancel(const struct conf *conf, uint64_t task)
{
	static struct msg m;
	int rc;

	m = (struct msg){ .type = MSG_C_TASK_CANCEL };
	m.s_ref.id = task;
	rc = client_ask(conf, &m, NULL, NULL);
	if (rc == CLI_OK)
		(void)printf("Task %" PRIu64 " is cancelled.\n", task);
	return rc;
}

struct orders {
	const char *what;
	uint64_t task, wait_s;
	struct m_task_run run;
	uint8_t others[8 * LIMIT_TASK_OTHERS];
};

/* "17" or "17,21,4": the first, and those beside it. */
static bool read_items(struct orders *o, const char *on)
{
	struct span rest = span_str(on);
	size_t n = 0;

	for (;;) {
		const uint8_t *comma = memchr(rest.p, ',', rest.n);
		size_t len = comma ? (size_t)(comma - rest.p) : rest.n;
		uint64_t item;

		if (num_parse(span_of(rest.p, len), 1, INT64_MAX, &item) < 0 ||
		    n > LIMIT_TASK_OTHERS)
			return false;
		if (n == 0)
			o->run.item = item;
		else
			memcpy(o->others + 8 * (n - 1),
			       &(uint64_t){ htole64(item) }, 8);
		o->run.others = span_of(o->others, 8 * n);
		n++;
		if (!comma)
			return true;
		rest = span_of(comma + 1, rest.n - len - 1);
	}
}

/* What the words ask for; CLI_USAGE, and it is told. */
static int read_orders(int argc, char **argv, struct orders *o)
{
	const char *on = NULL, *wait = NULL;
	const struct cli_opt opts[] = { { "--on", NULL, &on },
					{ "--wait", NULL, &wait } };
	bool one;

	if (cli_options(&argc, argv, opts, ARRAY_SIZE(opts)) != 0)
		return CLI_USAGE;
	o->what = argc > 1 ? argv[1] : "list";
	one = argc == 3 &&
	      num_parse(span_str(argv[2]), 1, INT64_MAX, &o->task) == 0;
	if (!strcmp(o->what, "run") ? argc != 3
	    : !strcmp(o->what, "list")
		    ? argc > 2
		    : !one || (strcmp(o->what, "show") != 0 &&
			       strcmp(o->what, "cancel") != 0))
		return cli_usage("task", "it takes run TEXT, list, show N, or "
					 "cancel N");
	if (on && !read_items(o, on))
		return cli_usage("task",
				 "--on takes the number of an item, or "
				 "of %d with commas between",
				 LIMIT_TASK_OTHERS + 1);
	if (wait && num_parse(span_str(wait), 1, WAIT_MAX_S, &o->wait_s) < 0)
		return cli_usage("task",
				 "--wait takes seconds, from 1 to at most %d",
				 (int)WAIT_MAX_S);
	if (!strcmp(o->what, "run"))
		o->run.text = span_str(argv[2]);
	if (o->run.text.n > LIMIT_INSTRUCTION)
		return cli_usage("task", "a text has at most %d bytes",
				 (int)LIMIT_INSTRUCTION);
	return CLI_OK;
}

int cmd_task(int argc, char **argv, const struct cli *cli)
{
	struct orders o = { 0 };
	struct view v = { .how = show_for(stdout) };
	struct conf conf;
	int rc = read_orders(argc, argv, &o);

	if (rc != CLI_OK)
		return rc;
	if (cli_conf(cli, &conf) != 0)
		return CLI_USAGE;
	buf_init(&v.text, TEXT_BYTES);
	v.json = json_array();
	v.full = o.task != 0 || o.wait_s;
	if (!v.json)
		rc = CLI_NO;
	else if (!strcmp(o.what, "run"))
		rc = run(&conf, &v, cli, &o.run, o.wait_s);
	else if (!strcmp(o.what, "cancel"))
		rc = cancel(&conf, o.task);
	else
		rc = show(&conf, &v, cli, o.task, o.wait_s);
	json_decref(v.json);
	buf_done(&v.text);
	return rc;
}
