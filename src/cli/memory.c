/*
 * memory: what planners have kept for later tasks (memory.put): the owner reads
 * it, with where each note came from, and erases it.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "cli/client.h"
#include "cli/show.h"
#include "cli/story.h"

enum { INDENT = 12, TEXT_MAX = 4 << 20 };

struct view {
	struct show how;
	struct buf text;
	json_t *json; /* a list */
	size_t n;
	bool full;
};

static void put_time(struct buf *b, uint64_t s)
{
	const time_t t = (time_t)s;
	struct tm tm;
	char text[40];

	if (s && gmtime_r(&t, &tm) &&
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm) > 0)
		buf_str(b, text);
}

static void put_line(struct view *v, const struct m_c_note *n)
{
	put_time(&v->text, n->kept_s);
	buf_printf(&v->text, "  %5" PRIu64 " bytes  ", n->bytes);
	show_text(&v->text, &v->how, n->name, 38, INDENT);
	buf_printf(&v->text, "\n%*sfrom ", INDENT, "");
	show_text(&v->text, &v->how, n->from, INDENT + 5, INDENT);
	buf_u8(&v->text, '\n');
}

static void put_full(struct view *v, const struct m_c_note *n)
{
	put_line(v, n);
	buf_printf(&v->text, "%*sby task %" PRIu64 "\n%*s", INDENT, "", n->task,
		   INDENT, "");
	show_text(&v->text, &v->how, n->text, INDENT, INDENT);
	buf_u8(&v->text, '\n');
}

static json_t *note_json(const struct m_c_note *n, bool full)
{
	json_t *j = json_pack(
		"{s:o, s:I, s:I, s:I, s:o}", "name", story_foreign(n->name),
		"bytes", (json_int_t)n->bytes, "kept_s", (json_int_t)n->kept_s,
		"task", (json_int_t)n->task, "from", story_foreign(n->from));

	if (j && full)
		(void)json_object_set_new(j, "text", story_foreign(n->text));
	return j;
}

static int add(void *arg, struct chan *, const struct msg *m)
{
	struct view *v = arg;

	if (m->type != MSG_C_NOTE)
		return -1;
	v->n++;
	if (v->full)
		put_full(v, &m->c_note);
	else
		put_line(v, &m->c_note);
	return json_array_append_new(v->json, note_json(&m->c_note, v->full));
}

static int print(struct view *v, const struct cli *cli)
{
	json_t *all;
	int rc;

	if (cli->json) {
		all = json_pack("{s:O}", "notes", v->json);
		rc = cli_json(stdout, all);
		json_decref(all);
		return rc;
	}
	if (v->n == 0)
		buf_str(&v->text, "No note.\n");
	return buf_ok(&v->text) &&
			       fwrite(v->text.p, 1, v->text.n, stdout) ==
				       v->text.n &&
			       fflush(stdout) == 0
		       ? CLI_OK
		       : CLI_NO;
}

static int tell(const struct conf *conf, const struct cli *cli,
		const char *name)
{
	static struct msg m = { .type = MSG_C_MEMORY };
	struct view v = { .how = show_for(stdout), .full = name != NULL };
	int rc = CLI_NO;

	buf_init(&v.text, TEXT_MAX);
	v.json = json_array();
	if (name)
		m.c_memory.name = span_str(name);
	if (v.json)
		rc = client_ask(conf, &m, add, &v);
	if (rc == CLI_OK && name && !v.n) {
		cli_error("there is no note of that name: `bulkhead memory "
			  "list` has them");
		rc = CLI_NO;
	}
	if (rc == CLI_OK)
		rc = print(&v, cli);
	json_decref(v.json);
	buf_done(&v.text);
	return rc;
}

static int forget(const struct conf *conf, const char *name)
{
	static struct msg m = { .type = MSG_C_FORGET };
	int rc;

	if (name)
		m.c_memory.name = span_str(name);
	m.c_memory.all = !name;
	rc = client_ask(conf, &m, NULL, NULL);
	if (rc == CLI_OK)
		(void)puts(name ? "Forgotten." : "All of it is forgotten.");
	return rc;
}

int cmd_memory(int argc, char **argv, const struct cli *cli)
{
	bool all = false;
	const struct cli_opt opts[] = { { "--all", &all, NULL } };
	const char *what;
	struct conf conf;

	if (cli_options(&argc, argv, opts, ARRAY_SIZE(opts)) != 0)
		return CLI_USAGE;
	what = argc > 1 ? argv[1] : "list";
	if (!((!strcmp(what, "list") && argc <= 2 && !all) ||
	      (!strcmp(what, "show") && argc == 3 && *argv[2] && !all) ||
	      (!strcmp(what, "forget") && argc == 3 - all &&
	       (all || *argv[2]))))
		return cli_usage("memory", "it takes list, show NAME, forget "
					   "NAME, or forget --all");
	if (cli_conf(cli, &conf) != 0)
		return CLI_USAGE;
	if (!strcmp(what, "forget"))
		return forget(&conf, all ? NULL : argv[2]);
	return tell(&conf, cli, argc == 3 ? argv[2] : NULL);
}
