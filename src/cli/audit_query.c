/*
 * audit_query: what was done with data of one origin, found in the records; and
 * what lies beside them, shown, and erased for one origin. All that a record
 * says may be an attacker's words, so it is shown rendered.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cli/aside.h"
#include "cli/audit.h"
#include "cli/client.h"
#include "cli/origins.h"
#include "proto/aside.h"
#include "tlog/tlog.h"

static int take_record(void *arg, uint64_t index, struct span record)
{
	return origins_record(arg, index, record);
}

/* Reads the whole log. CLI_OK, or another code after it told why. */
static int walk(const struct cli *cli, struct origins *o)
{
	CLEAN_LOG struct audit_log log = { -1, -1, false };
	struct err err = { 0 };
	struct tlog_state s;
	int rc = audit_log_open(cli, &log);
	int r;

	if (rc != CLI_OK)
		return rc;
	r = tlog_walk(log.dir, take_record, o, &s, &err);
	if (r == 0)
		return CLI_OK;
	cli_error("the audit log cannot be read: %s",
		  err.code ? err.msg : strerror(-r));
	return CLI_NO;
}

static void print_word(const json_t *row, const char *key)
{
	const char *s = json_string_value(json_object_get(row, key));

	cli_show(stdout, span_str(s ? s : "-"));
	(void)fputs("  ", stdout);
}

static void print_names(const json_t *row, const char *key, const char *own)
{
	const json_t *v, *list = json_object_get(row, key);
	size_t i;

	json_array_foreach(list, i, v)
	{
		(void)printf("%s%s", i ? "," : own, i ? "" : " ");
		cli_show(stdout, span_str(json_string_value(v)));
	}
	if (json_array_size(list))
		(void)fputs("  ", stdout);
}

static void print_row(const json_t *row)
{
	(void)printf("%8lld  ", (long long)json_integer_value(
					json_object_get(row, "index")));
	print_word(row, "time");
	print_word(row, "verdict");
	print_word(row, "capability");
	print_word(row, "outcome");
	if (json_is_true(json_object_get(row, "task")))
		(void)fputs("in its task  ", stdout);
	print_names(row, "arguments", "with");
	print_names(row, "possible", "perhaps with");
	(void)fputc('\n', stdout);
}

static int print_found(const struct origins *o)
{
	const json_t *row;
	size_t i, effects = 0;

	json_array_foreach(o->found, i, row)
	{
		print_row(row);
		effects +=
			json_integer_value(json_object_get(row, "effect")) > 0;
	}
	(void)printf("%zu decisions, %zu effects.\n", json_array_size(o->found),
		     effects);
	return fflush(stdout) == 0 ? CLI_OK : CLI_NO;
}

int audit_query(int argc, char **argv, const struct cli *cli)
{
	const char *what = NULL;
	const char *since = NULL;
	const struct cli_opt opts[] = { { "--origin", NULL, &what },
					{ "--since", NULL, &since } };
	struct origins o = { 0 };
	int rc;

	if (cli_options(&argc, argv, opts, ARRAY_SIZE(opts)) != 0)
		return CLI_USAGE;
	if (argc != 1 || !what || origins_init(&o, what, since) < 0) {
		origins_done(&o);
		return cli_usage("audit",
				 "query takes --origin, an address or item:N, "
				 "and --since as 2026-11-22T18:00");
	}
	rc = walk(cli, &o);
	if (rc == CLI_OK && cli->json) {
		json_t *all = json_pack("{s:O}", "decisions", o.found);

		rc = cli_json(stdout, all);
		json_decref(all);
	} else if (rc == CLI_OK) {
		rc = print_found(&o);
	}
	origins_done(&o);
	return rc;
}

/* --- bulkhead audit erase ------------------------------------------------ */

struct erasure {
	const struct conf *conf;
	const struct origins *o;
	uint8_t ids[LIMIT_ASIDE_IDS];
	size_t n;
	uint64_t records;
};

static int send_ids(struct erasure *e)
{
	static struct msg m;

	if (e->n == 0)
		return CLI_OK;
	m = (struct msg){ .type = MSG_C_ERASE };
	m.c_aside = (struct m_c_aside){ .item = e->o->item,
					.sender = span_str(e->o->sender),
					.ids = span_of(e->ids, e->n) };
	e->records += e->n / ASIDE_ID;
	e->n = 0;
	return client_ask(e->conf, &m, NULL, NULL);
}

static int erase_all(struct erasure *e)
{
	const json_t *row;
	size_t i;
	int rc = CLI_OK;

	json_array_foreach(e->o->found, i, row)
	{
		const char *id =
			json_string_value(json_object_get(row, "aside"));

		if (!id ||
		    hex_decode(e->ids + e->n, ASIDE_ID, span_str(id)) < 0)
			continue;
		e->n += ASIDE_ID;
		if (e->n < sizeof(e->ids))
			continue;
		rc = send_ids(e);
		if (rc != CLI_OK)
			return rc;
	}
	return send_ids(e);
}

static int erase(const struct cli *cli, struct origins *o)
{
	static struct erasure e;
	struct conf conf;
	int rc = cli_conf(cli, &conf);

	if (rc == CLI_OK)
		rc = walk(cli, o);
	if (rc != CLI_OK)
		return rc;
	e = (struct erasure){ .conf = &conf, .o = o };
	rc = erase_all(&e);
	if (rc == CLI_OK)
		(void)printf("Erased the arguments of %llu records.\n",
			     (unsigned long long)e.records);
	return rc;
}

int audit_erase(int argc, char **argv, const struct cli *cli)
{
	const char *item = NULL;
	const char *sender = NULL;
	const struct cli_opt opts[] = { { "--item", NULL, &item },
					{ "--sender", NULL, &sender } };
	char what[ORIGINS_SENDER];
	struct origins o = { 0 };
	int rc;

	if (cli_options(&argc, argv, opts, ARRAY_SIZE(opts)) != 0)
		return CLI_USAGE;
	if (argc != 1 || !item == !sender ||
	    str_printf(what, sizeof(what), "%s%s", item ? "item:" : "",
		       item ? item : sender) < 0 ||
	    origins_init(&o, what, NULL) < 0 || !o.item != !item) {
		origins_done(&o);
		return cli_usage("audit", "erase takes --item and a number, or "
					  "--sender and an address");
	}
	rc = erase(cli, &o);
	origins_done(&o);
	return rc;
}
