/*
 * effects: the list of effects, one of them, and the owner's two words about
 * one: what became of it, and that it is to be repeated. See effects.h.
 */
#include "cli/effects.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/client.h"
#include "cli/story.h"

enum {
	INDENT = 12,
	LIST_NEWEST = 100,
	TEXT_MAX = 4 << 20,
	/* How long a repeated one is looked after. */
	LOOK_TIMES = 20,
	LOOK_MS = 250,
};

static enum show_style style_of(unsigned state)
{
	switch ((enum effect_state)state) {
	case EFFECT_DONE:
		return SHOW_GOOD;
	case EFFECT_UNKNOWN:
	case EFFECT_FAILED:
		return SHOW_BAD;
	case EFFECT_PLANNED:
	case EFFECT_STARTED:
	case EFFECT_NOT_EXECUTED:
	case EFFECT_SETTLED:
	case EFFECT_STATE_MAX:
		break;
	}
	return SHOW_PLAIN;
}

static void put_index(struct buf *b, const struct m_e_row *e)
{
	if (e->have_index)
		buf_printf(b, "audit record %" PRIu64, e->index);
	else
		buf_str(b, "no audit record: it was never started");
}

void effects_line(struct buf *b, const struct show *how,
		  const struct m_e_row *e)
{
	char text[32];

	buf_printf(b, "%6" PRIu64 "  ", e->effect);
	(void)snprintf(text, sizeof(text), "%-13s",
		       effect_state_name(e->state));
	show_put(b, how, style_of(e->state), text);
	show_text(b, how, e->capability, 21, 21);
	buf_str(b, " by ");
	show_text(b, how, e->connector, 50, 21);
	buf_printf(b, ", item %" PRIu64 ", ", e->item);
	put_index(b, e);
	buf_u8(b, '\n');
}

static void label(struct buf *b, const struct show *how, const char *own)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%-*s", INDENT, own);
	show_put(b, how, SHOW_DIM, text);
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

static void put_advice(struct buf *b, const struct m_e_row *e)
{
	if (e->state == EFFECT_UNKNOWN)
		buf_printf(b,
			   "It may have happened. Look where it would be; "
			   "then either\n"
			   "  bulkhead effects settle %" PRIu64 " done|failed\n"
			   "  bulkhead effects repeat %" PRIu64 "\n",
			   e->effect, e->effect);
	else if (e->state == EFFECT_FAILED || e->state == EFFECT_NOT_EXECUTED)
		buf_printf(b,
			   "It did not happen: bulkhead effects repeat %" PRIu64
			   "\n",
			   e->effect);
}

void effects_full(struct buf *b, const struct show *how,
		  const struct m_e_row *e)
{
	json_t *args = story_args(e->args, e->n);
	char text[40];

	(void)snprintf(text, sizeof(text), "Effect %" PRIu64, e->effect);
	show_put(b, how, SHOW_BOLD, text);
	buf_str(b, ": ");
	show_put(b, how, style_of(e->state), effect_state_name(e->state));
	if (e->repeats)
		buf_printf(b, ", repeats effect %" PRIu64, e->repeats);
	buf_u8(b, '\n');
	label(b, how, "what");
	show_text(b, how, e->capability, INDENT, INDENT);
	buf_str(b, " by ");
	show_text(b, how, e->connector, 50, INDENT);
	buf_printf(b, "\n%*s", INDENT, "");
	if (args)
		show_json_wide(b, how, args, INDENT, INDENT);
	json_decref(args);
	buf_u8(b, '\n');
	label(b, how, "for");
	buf_printf(b, "item %" PRIu64 ", task %" PRIu64 "\n", e->item, e->task);
	label(b, how, "log");
	put_index(b, e);
	buf_u8(b, '\n');
	if (e->detail.n) {
		label(b, how, "detail");
		show_text(b, how, e->detail, INDENT, INDENT);
		buf_u8(b, '\n');
	}
	put_time(b, how, "planned", e->planned_s);
	put_time(b, how, "ended", e->ended_s);
	put_advice(b, e);
}

json_t *effects_json(const struct m_e_row *e)
{
	json_t *j = json_pack(
		"{s:I,s:I,s:I,s:s,s:o,s:o,s:o,s:o,s:I,s:I,s:I}", "effect",
		(json_int_t)e->effect, "item", (json_int_t)e->item, "task",
		(json_int_t)e->task, "state", effect_state_name(e->state),
		"capability", story_foreign(e->capability), "connector",
		story_foreign(e->connector), "arguments",
		story_args(e->args, e->n), "detail", story_foreign(e->detail),
		"repeats", (json_int_t)e->repeats, "planned_s",
		(json_int_t)e->planned_s, "ended_s", (json_int_t)e->ended_s);

	if (j)
		(void)json_object_set_new(
			j, "audit_index",
			e->have_index ? json_integer((json_int_t)e->index)
				      : json_null());
	return j;
}

/* --- the command --------------------------------------------------------- */

struct view {
	struct show how;
	struct buf text;
	json_t *json; /* a list */
	size_t n, unknown;
	unsigned state; /* of the last */
	uint64_t effect;
	bool full;
};

static int add(void *arg, struct chan *, const struct msg *m)
{
	struct view *v = arg;
	const struct m_e_row *e = &m->e_row;

	if (m->type != MSG_C_EFFECT)
		return -1;
	v->n++;
	v->unknown += e->state == EFFECT_UNKNOWN;
	v->state = e->state;
	v->effect = e->effect;
	if (v->full)
		effects_full(&v->text, &v->how, e);
	else
		effects_line(&v->text, &v->how, e);
	return json_array_append_new(v->json, effects_json(e));
}

static int print(struct view *v, const struct cli *cli)
{
	json_t *all;
	int rc;

	if (cli->json) {
		all = json_pack("{s:O}", "effects", v->json);
		rc = cli_json(stdout, all);
		json_decref(all);
		return rc;
	}
	if (v->n == 0)
		buf_str(&v->text, "No effect yet.\n");
	else if (!v->full && v->unknown)
		buf_printf(&v->text,
			   "%zu of them unknown: `bulkhead effects show N` "
			   "says what to do.\n",
			   v->unknown);
	return buf_ok(&v->text) &&
			       fwrite(v->text.p, 1, v->text.n, stdout) ==
				       v->text.n &&
			       fflush(stdout) == 0
		       ? CLI_OK
		       : CLI_NO;
}

static int ask(const struct conf *conf, struct view *v, uint64_t one)
{
	static struct msg m;
	int rc;

	m = (struct msg){ .type = MSG_C_EFFECTS };
	m.s_get = (struct m_s_get){ .after = one ? one - 1 : 0,
				    .which = one ? S_ALL : S_NEWEST,
				    .newest = one ? 1 : LIST_NEWEST };
	rc = client_ask(conf, &m, add, v);
	if (rc == CLI_OK && one && (v->n != 1 || v->effect != one)) {
		cli_error("there is no effect %" PRIu64 ": `bulkhead effects` "
			  "lists the newest",
			  one);
		return CLI_NO;
	}
	return rc;
}

static int list(const struct conf *conf, const struct cli *cli, uint64_t one)
{
	struct view v = { .how = show_for(stdout), .full = one != 0 };
	int rc;

	buf_init(&v.text, TEXT_MAX);
	v.json = json_array();
	rc = v.json ? ask(conf, &v, one) : CLI_NO;
	if (rc == CLI_OK)
		rc = print(&v, cli);
	json_decref(v.json);
	buf_done(&v.text);
	return rc;
}

static int settle(const struct conf *conf, uint64_t effect, const char *as)
{
	static struct msg m;
	int rc;

	m = (struct msg){ .type = MSG_C_SETTLE };
	m.e_outcome.effect = effect;
	m.e_outcome.state = !strcmp(as, "done") ? EFFECT_DONE : EFFECT_FAILED;
	rc = client_ask(conf, &m, NULL, NULL);
	if (rc == CLI_OK)
		(void)printf("Effect %" PRIu64 " is settled as %s.\n", effect,
			     as);
	return rc;
}

static bool typed_word(void)
{
	char line[32];

	return fgets(line, sizeof(line), stdin) && !strcmp(line, "repeat\n");
}

/* Not by accident, and not by whatever merely runs as the owner. */
static int confirm(const struct conf *conf, uint64_t effect)
{
	const struct cli text = { 0 };
	int rc;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		cli_error("nothing is repeated: call it at a terminal, it asks "
			  "for a typed word");
		return CLI_NO;
	}
	rc = list(conf, &text, effect);
	if (rc != CLI_OK)
		return rc;
	(void)fputs("If it has happened, it happens twice. Type repeat to do "
		    "it once more: ",
		    stdout);
	(void)fflush(stdout);
	if (typed_word())
		return CLI_OK;
	(void)puts("Nothing changed.");
	return CLI_NO;
}

/* Until it has its outcome, or for a moment. */
static int look_after(const struct conf *conf, const struct cli *cli,
		      uint64_t effect)
{
	const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000L };
	struct view v = { .state = EFFECT_STARTED };
	int i, rc = CLI_OK;

	for (i = 0; i < LOOK_TIMES && rc == CLI_OK; i++) {
		buf_init(&v.text, TEXT_MAX);
		v.json = json_array();
		v.n = 0;
		rc = v.json ? ask(conf, &v, effect) : CLI_NO;
		json_decref(v.json);
		buf_done(&v.text);
		if (v.state != EFFECT_STARTED)
			break;
		(void)nanosleep(&pause, NULL);
	}
	return rc == CLI_OK ? list(conf, cli, effect) : rc;
}

static int repeat(const struct conf *conf, const struct cli *cli,
		  uint64_t effect)
{
	static struct msg m;
	struct view v = { 0 };
	int rc = confirm(conf, effect);

	if (rc != CLI_OK)
		return rc;
	m = (struct msg){ .type = MSG_C_REPEAT };
	m.s_ref.id = effect;
	buf_init(&v.text, TEXT_MAX);
	v.json = json_array();
	rc = v.json ? client_ask(conf, &m, add, &v) : CLI_NO;
	json_decref(v.json);
	buf_done(&v.text);
	return rc == CLI_OK ? look_after(conf, cli, v.effect) : rc;
}

int cmd_effects(int argc, char **argv, const struct cli *cli)
{
	const char *what;
	uint64_t n = 0;
	struct conf conf;
	bool one, ok;

	if (cli_options(&argc, argv, NULL, 0) != 0)
		return CLI_USAGE;
	what = argc > 1 ? argv[1] : "list";
	one = argc > 2 && num_parse(span_str(argv[2]), 1, INT64_MAX, &n) == 0;
	ok = (!strcmp(what, "list") && argc <= 2) ||
	     (!strcmp(what, "show") && one && argc == 3) ||
	     (!strcmp(what, "settle") && one && argc == 4 &&
	      (!strcmp(argv[3], "done") || !strcmp(argv[3], "failed"))) ||
	     (!strcmp(what, "repeat") && one && argc == 3);
	if (!ok)
		return cli_usage("effects", "it takes list, show N, settle N "
					    "done|failed, or repeat N");
	if (cli_conf(cli, &conf) != 0)
		return CLI_USAGE;
	if (!strcmp(what, "settle"))
		return settle(&conf, n, argv[3]);
	if (!strcmp(what, "repeat"))
		return repeat(&conf, cli, n);
	return list(&conf, cli, n);
}
