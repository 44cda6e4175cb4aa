/*
 * bulkhead policy unused and suggest: the decisions of the audit log against a
 * policy. The arguments lie beside the log and are had from a bulkhead that
 * runs; without it, members of sets and suggestions are not told of, and that
 * is.
 *
 * SECURITY: what a record says may be an attacker's words. It is compared with
 * the policy; values of calls that go into a suggestion are shown rendered.
 */
#include "policy/seen.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "cli/aside.h"
#include "cli/audit.h"
#include "cli/logline.h"
#include "cli/policy.h"
#include "tlog/tlog.h"

enum { OUT_MAX = 16 << 20 };

struct reading {
	const struct cli *cli;
	struct seen *seen;
	char since[LOG_TIME]; /* "": from the beginning */
	bool values;	      /* they were to be had so far */
};

static struct span text_at(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return span_str(s ? s : "");
}

/* The arguments of a record; NULL where they are not to be had. They stay as
 * long as the call that borrows them. */
static json_t *arguments(struct reading *r, const json_t *record,
			 struct seen_call *c)
{
	const char *why = NULL;
	json_t *list, *row;
	size_t i;

	if (!json_integer_value(json_object_get(record, "args"))) {
		c->has_args = true;
		return NULL;
	}
	list = r->values ? aside_fetch(r->cli, record, &why) : NULL;
	c->has_args = list != NULL;
	json_array_foreach(list, i, row)
	{
		if (i == LIMIT_ARGS)
			break;
		c->args[i].name = text_at(row, "name");
		c->args[i].value = text_at(row, "value");
		c->n = i + 1;
	}
	return list;
}

static int decision(struct reading *r, const json_t *o)
{
	static struct seen_call c;
	struct span verdict = text_at(o, "verdict");
	static uint8_t hash[32];
	json_t *list;
	int rc;

	c = (struct seen_call){ .capability = text_at(o, "capability"),
				.clause = text_at(o, "clause") };
	c.has_session = json_is_boolean(json_object_get(o, "tainted"));
	c.session =
		(json_is_true(json_object_get(o, "tainted")) ? SESSION_TAINTED
							     : 0) |
		(json_is_true(json_object_get(o, "private")) ? SESSION_PRIVATE
							     : 0);
	if (hex_decode(hash, sizeof(hash), text_at(o, "policy")) == 0)
		c.policy = hash;
	c.refused = span_is(verdict, "deny");
	c.rehearsed = json_is_true(json_object_get(o, "rehearsed"));
	c.approved = span_is(verdict, "allow") &&
		     json_object_get(o, "ticket") != NULL;
	list = arguments(r, o, &c);
	rc = seen_add(r->seen, &c);
	json_decref(list);
	return rc;
}

static int take_record(void *arg, uint64_t, struct span record)
{
	struct reading *r = arg;
	json_t *o = json_loadb((const char *)record.p, record.n,
			       JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	const char *wall = json_string_value(json_object_get(o, "time"));
	int rc = 0;

	if (span_is(text_at(o, "kind"), "decision") &&
	    (!r->since[0] || (wall && strcmp(wall, r->since) >= 0)))
		rc = decision(r, o);
	json_decref(o);
	return rc;
}

static int read_log(struct reading *r)
{
	CLEAN_LOG struct audit_log log = { -1, -1, false };
	struct err err = { 0 };
	struct tlog_state s;
	int rc = audit_log_open(r->cli, &log);
	int n;

	if (rc != CLI_OK)
		return rc;
	r->values = log.live;
	n = tlog_walk(log.dir, take_record, r, &s, &err);
	if (n == 0)
		return CLI_OK;
	cli_error("the audit log cannot be read: %s",
		  err.code ? err.msg : strerror(-n));
	return CLI_NO;
}

typedef size_t (*seen_fn)(const struct seen *s, struct buf *out);

static int tell(struct reading *r, seen_fn fn)
{
	CLEAN_BUF struct buf out;
	json_t *j;
	size_t n;
	int rc;

	buf_init(&out, OUT_MAX);
	n = fn(r->seen, &out);
	if (!buf_ok(&out)) {
		cli_error("more than fits");
		return CLI_NO;
	}
	if (!r->cli->json) {
		cli_show_lines(stdout, buf_view(&out));
		return CLI_OK;
	}
	j = json_pack("{s:I, s:s}", "found", (json_int_t)n, "lines",
		      buf_cstr(&out));
	rc = cli_json(stdout, j);
	json_decref(j);
	return rc;
}

static int run(int argc, char **argv, const struct cli *cli, seen_fn fn)
{
	struct reading r = { .cli = cli };
	const char *since = NULL;
	const struct cli_opt opts[] = { { "--since", NULL, &since } };
	struct policy *p;
	int rc;

	if (cli_options(&argc, argv, opts, ARRAY_SIZE(opts)) != 0)
		return CLI_USAGE;
	if (argc > 2 ||
	    (since && logline_since(since, time(NULL), r.since) < 0))
		return cli_usage(argv[0],
				 "--since takes 10s, 5m, 2h or 30d, or a time "
				 "such as 2026-11-22T07:30:00Z; name one "
				 "policy, or none");
	p = argc < 2 ? policy_configured(cli) : policy_or_say(argv[1]);
	if (!p)
		return CLI_USAGE;
	r.seen = seen_new(p);
	rc = r.seen ? read_log(&r) : CLI_NO;
	if (rc == CLI_OK)
		rc = tell(&r, fn);
	seen_free(r.seen);
	policy_free(p);
	return rc;
}

int run_policy_unused(int argc, char **argv, const struct cli *cli)
{
	return run(argc, argv, cli, seen_unused);
}

int run_policy_suggest(int argc, char **argv, const struct cli *cli)
{
	return run(argc, argv, cli, seen_suggest);
}
