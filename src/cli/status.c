/*
 * status: what is running and how it is. The monitor and the broker each
 * answer with JSON objects (MSG_C_TEXT), merged here by key:
 *
 *	version run uptime_s planner killed
 *	backend backend_why emulated
 *	cgroups limits
 *	processes [{name, pid, running}]
 *	vms       {running, waiting, started, failed}
 *	items     {pending, read, refused, task_failed}
 *	audit     {size, root}
 *
 * A key that is not there is shown as unknown, never guessed.
 */
#include <string.h>

#include "cli/client.h"
#include "cli/show.h"

enum { STATUS_KEYS = 64, STATUS_PRINT_MAX = 4 << 20 };

static int add(void *arg, struct chan *, const struct msg *m)
{
	json_t *all = arg, *part;
	int rc;

	if (m->type != MSG_C_TEXT)
		return -1;
	part = json_loadb((const char *)m->text.text.p, m->text.text.n,
			  JSON_REJECT_DUPLICATES, NULL);
	rc = json_is_object(part) && json_object_size(part) <= STATUS_KEYS
		     ? json_object_update(all, part)
		     : -1;
	json_decref(part);
	return rc;
}

static void label(struct buf *b, const struct show *how, const char *own)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%-12s", own);
	show_put(b, how, SHOW_DIM, text);
}

static void put_string(struct buf *b, const struct show *how, const json_t *j,
		       size_t column)
{
	if (json_is_string(j))
		show_text(b, how,
			  span_of(json_string_value(j), json_string_length(j)),
			  column, 12);
	else
		buf_str(b, "unknown");
}

static void put_number(struct buf *b, const json_t *j)
{
	if (json_is_integer(j) && json_integer_value(j) >= 0)
		show_count(b, (uint64_t)json_integer_value(j));
	else
		buf_str(b, "unknown");
}

static void backend_lines(struct buf *b, const struct show *how,
			  const json_t *all)
{
	label(b, how, "back-end");
	put_string(b, how, json_object_get(all, "backend"), 12);
	if (json_is_true(json_object_get(all, "emulated"))) {
		buf_str(b, "  ");
		show_put(b, how, SHOW_BAD,
			 "EMULATION: every VM works, but slowly");
	}
	if (json_is_string(json_object_get(all, "backend_why"))) {
		buf_str(b, "\n            ");
		put_string(b, how, json_object_get(all, "backend_why"), 12);
	}
	buf_u8(b, '\n');
}

static void limits_line(struct buf *b, const struct show *how,
			const json_t *all)
{
	const json_t *kind = json_object_get(all, "cgroups");

	label(b, how, "VM limits");
	if (json_is_string(kind) && !strcmp(json_string_value(kind), "none"))
		show_put(b, how, SHOW_BAD, "NO CGROUPS: ");
	put_string(b, how, json_object_get(all, "limits"), 24);
	buf_u8(b, '\n');
}

static void latch_line(struct buf *b, const struct show *how, const json_t *set)
{
	label(b, how, "kill latch");
	if (json_is_true(set)) {
		show_put(b, how, SHOW_BAD, "SET");
		buf_str(b, ": nothing has any effect; `bulkhead down`, then "
			   "`bulkhead rearm` clears it\n");
	} else if (json_is_false(set)) {
		show_put(b, how, SHOW_GOOD, "clear\n");
	} else {
		buf_str(b, "unknown\n");
	}
}

static void processes_lines(struct buf *b, const struct show *how,
			    const json_t *list)
{
	const json_t *p;
	size_t i;

	label(b, how, "processes");
	if (!json_is_array(list))
		buf_str(b, "unknown");
	json_array_foreach(list, i, p)
	{
		if (i)
			buf_str(b, i % 4 == 0 ? ",\n            " : ", ");
		put_string(b, how, json_object_get(p, "name"), 12);
		if (!json_is_true(json_object_get(p, "running"))) {
			buf_u8(b, ' ');
			show_put(b, how, SHOW_BAD, "(not running)");
		}
	}
	buf_u8(b, '\n');
}

struct number {
	const char *key, *text;
};

/* "3 running, 0 waiting": the numbers of one object. */
static void numbers_line(struct buf *b, const struct show *how, const char *own,
			 const json_t *object, const struct number *rows,
			 size_t n)
{
	size_t i;

	label(b, how, own);
	for (i = 0; i < n; i++) {
		buf_str(b, i ? ", " : "");
		put_number(b, json_object_get(object, rows[i].key));
		buf_printf(b, " %s", rows[i].text);
	}
	buf_u8(b, '\n');
}

static void audit_line(struct buf *b, const struct show *how, const json_t *j)
{
	label(b, how, "audit log");
	put_number(b, json_object_get(j, "size"));
	buf_str(b, " records, root ");
	put_string(b, how, json_object_get(j, "root"), 34);
	buf_u8(b, '\n');
}

static void print(struct buf *b, const struct show *how, const json_t *all)
{
	static const struct number vms[] = { { "running", "running" },
					     { "waiting", "waiting" },
					     { "started", "started in all" },
					     { "failed", "failed" } };
	static const struct number items[] = { { "read", "read" },
					       { "refused", "refused" },
					       { "task_failed", "task failed" },
					       { "pending", "in work" } };
	const json_t *up = json_object_get(all, "uptime_s");

	show_put(b, how, SHOW_BOLD, "bulkhead");
	buf_u8(b, ' ');
	put_string(b, how, json_object_get(all, "version"), 9);
	if (json_is_integer(up))
		buf_printf(b, " is up for %lld s",
			   (long long)json_integer_value(up));
	buf_str(b, ", planner ");
	put_string(b, how, json_object_get(all, "planner"), 40);
	buf_u8(b, '\n');
	backend_lines(b, how, all);
	limits_line(b, how, all);
	latch_line(b, how, json_object_get(all, "killed"));
	processes_lines(b, how, json_object_get(all, "processes"));
	numbers_line(b, how, "VMs", json_object_get(all, "vms"), vms,
		     ARRAY_SIZE(vms));
	numbers_line(b, how, "items", json_object_get(all, "items"), items,
		     ARRAY_SIZE(items));
	audit_line(b, how, json_object_get(all, "audit"));
}

static int show_status(const struct conf *conf, const struct cli *cli,
		       json_t *all)
{
	struct msg ask = { .type = MSG_C_STATUS };
	struct show how = show_for(stdout);
	CLEAN_BUF struct buf b;
	int rc;

	buf_init(&b, STATUS_PRINT_MAX);
	rc = client_ask(conf, &ask, add, all);
	if (rc != CLI_OK)
		return rc;
	if (cli->json)
		return cli_json(stdout, all);
	print(&b, &how, all);
	return buf_ok(&b) && fwrite(b.p, 1, b.n, stdout) == b.n ? CLI_OK
								: CLI_NO;
}

int cmd_status(int argc, char **argv, const struct cli *cli)
{
	struct conf conf;
	json_t *all;
	int rc;

	if (cli_options(&argc, argv, NULL, 0) != 0)
		return CLI_USAGE;
	if (argc > 1)
		return cli_usage("status", "it takes no operand");
	if (cli_conf(cli, &conf) != 0)
		return CLI_USAGE;
	all = json_object();
	rc = all ? show_status(&conf, cli, all) : CLI_NO;
	json_decref(all);
	return rc;
}
