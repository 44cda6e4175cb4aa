/*
 * status: what is running and how it is. The monitor and the broker each
 * answer with JSON objects (MSG_C_TEXT), merged here by key:
 *
 *	version run uptime_s
 *	backend   {name, why, boot_ms}
 *	latch     {set, reason}
 *	processes [{name, instance, pid}]
 *	vms       [{name, kind, age_ms}]
 *	backlog   items that wait for a reader
 *	items     {pending, read, refused, task-failed}
 *	audit     {size, root, failed}
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
			  const json_t *j)
{
	const char *name = json_string_value(json_object_get(j, "name"));

	label(b, how, "back-end");
	if (name && !strcmp(name, "qemu-tcg"))
		show_put(b, how, SHOW_BAD,
			 "EMULATION (TCG): works, but slow; every VM is ");
	put_string(b, how, json_object_get(j, "name"), 58);
	if (json_is_string(json_object_get(j, "why"))) {
		buf_str(b, "\n            ");
		put_string(b, how, json_object_get(j, "why"), 12);
	}
	buf_u8(b, '\n');
}

static void latch_line(struct buf *b, const struct show *how, const json_t *j)
{
	label(b, how, "kill latch");
	if (json_is_true(json_object_get(j, "set"))) {
		show_put(b, how, SHOW_BAD, "SET");
		buf_str(b, ": ");
		put_string(b, how, json_object_get(j, "reason"), 17);
		buf_str(b, "\n            nothing has any effect; `bulkhead "
			   "rearm` clears it\n");
	} else if (json_is_false(json_object_get(j, "set"))) {
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
			buf_str(b, i % 5 == 0 ? ",\n            " : ", ");
		put_string(b, how, json_object_get(p, "name"), 12);
		if (json_string_length(json_object_get(p, "instance"))) {
			buf_u8(b, ' ');
			put_string(b, how, json_object_get(p, "instance"), 12);
		}
	}
	buf_u8(b, '\n');
}

static void items_line(struct buf *b, const struct show *how, const json_t *all)
{
	static const struct {
		const char *key, *text;
	} rows[] = { { "read", "read" },
		     { "refused", "refused" },
		     { "task-failed", "task failed" },
		     { "pending", "in work" } };
	const json_t *items = json_object_get(all, "items");
	size_t i;

	label(b, how, "items");
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		buf_str(b, i ? ", " : "");
		put_number(b, json_object_get(items, rows[i].key));
		buf_printf(b, " %s", rows[i].text);
	}
	buf_str(b, "; backlog ");
	put_number(b, json_object_get(all, "backlog"));
	buf_u8(b, '\n');
}

static void audit_lines(struct buf *b, const struct show *how, const json_t *j)
{
	label(b, how, "audit log");
	put_number(b, json_object_get(j, "size"));
	buf_str(b, " records, root ");
	put_string(b, how, json_object_get(j, "root"), 34);
	buf_u8(b, '\n');
	if (json_is_true(json_object_get(j, "failed"))) {
		buf_str(b, "            ");
		show_put(b, how, SHOW_BAD, "CANNOT BE WRITTEN: no effects\n");
	}
}

static void print(struct buf *b, const struct show *how, const json_t *all)
{
	const json_t *up = json_object_get(all, "uptime_s");

	show_put(b, how, SHOW_BOLD, "bulkhead");
	buf_u8(b, ' ');
	put_string(b, how, json_object_get(all, "version"), 9);
	buf_str(b, " is running");
	if (json_is_integer(up))
		buf_printf(b, ", for %lld s",
			   (long long)json_integer_value(up));
	buf_u8(b, '\n');
	backend_lines(b, how, json_object_get(all, "backend"));
	latch_line(b, how, json_object_get(all, "latch"));
	processes_lines(b, how, json_object_get(all, "processes"));
	label(b, how, "VMs now");
	if (json_is_array(json_object_get(all, "vms")))
		buf_printf(b, "%zu\n",
			   json_array_size(json_object_get(all, "vms")));
	else
		buf_str(b, "unknown\n");
	items_line(b, how, all);
	audit_lines(b, how, json_object_get(all, "audit"));
}

static int show_status(const struct conf *conf, const struct cli *cli,
		       json_t *all)
{
	struct msg ask = { .type = MSG_C_STATUS };
	struct show how = show_for(stdout);
	CLEAN_BUF struct buf b;
	int rc;

	rc = client_ask(conf, &ask, add, all);
	if (rc != CLI_OK)
		return rc;
	if (cli->json)
		return cli_json(stdout, all);
	buf_init(&b, STATUS_PRINT_MAX);
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
