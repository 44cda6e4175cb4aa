/*
 * status: what is running and how it is. The monitor and the broker each
 * answer with JSON objects (MSG_C_TEXT), merged here by key:
 *
 *	version run uptime_s planner killed
 *	backend backend_why emulated own_qemu
 *	cgroups limits
 *	core      {state, restarts, failures, since_ms, again_ms, cause,
 *		   records_held, advice}
 *	processes [{name, pid, running, state, restarts, failures, since_ms,
 *		    again_ms, cause}]
 *	vms       {places, running, slow, waiting, started, failed}
 *	templates [{kind, state, age_ms, clones, build_ms, mib, built, retired,
 *		    why}]
 *	pools     [{kind, depth, parked, jails, how, served, died, recycled}]
 *	starts    {cold, clone, pool, cold_why}
 *	items     {pending, read, refused, task_failed, interrupted, given_up}
 *	queue     [{source, waiting, at_work, bytes, blocked, why}]
 *	accounts  [{name, kind, state, detail, since_ms, again_ms, skipped}]
 *	room      {why, waits, fds, fds_most, vms, clock_jumps}
 *	kills     {set, latches [{level, capability, task, reason}], trips,
 *		   frozen, revoked [{connector, result, detail}],
 *		   lease {autonomy_s, left_s}}
 *	audit     {size, root, reserve, reserve_left, full, reserve_why}
 *
 * A key that is not there is shown as unknown, never guessed.
 */
#include <string.h>

#include "cli/client.h"
#include "cli/status.h"

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
	if (json_is_false(json_object_get(all, "own_qemu"))) {
		buf_str(b, "\n            ");
		show_put(b, how, SHOW_BAD,
			 "THE HOST'S QEMU: more to attack, slower; 'bulkhead "
			 "doctor' says why");
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

/* "task 17: decoy: vault.export_all" */
static void latch_row(struct buf *b, const struct show *how, const json_t *row)
{
	const json_t *reason = json_object_get(row, "reason");
	const json_t *task = json_object_get(row, "task");

	label(b, how, "");
	show_put(b, how, SHOW_BAD, "KILLED: ");
	put_string(b, how, json_object_get(row, "level"), 20);
	if (task) {
		buf_u8(b, ' ');
		put_number(b, task);
	}
	if (json_object_get(row, "capability")) {
		buf_u8(b, ' ');
		put_string(b, how, json_object_get(row, "capability"), 20);
	}
	if (json_string_length(reason)) {
		buf_str(b, ": ");
		put_string(b, how, reason, 20);
	}
	buf_u8(b, '\n');
}

/* How long the agent acts without a word of its owner, if that has an end. */
static void lease_line(struct buf *b, const struct show *how, const json_t *j)
{
	const json_int_t left =
		json_integer_value(json_object_get(j, "left_s"));

	if (json_integer_value(json_object_get(j, "autonomy_s")) <= 0)
		return;
	label(b, how, "lease");
	if (left > 0)
		buf_printf(b, "%lld s left without the owner\n",
			   (long long)left);
	else
		show_put(b, how, SHOW_BAD,
			 "OVER: `bulkhead rearm --lease` begins it again\n");
}

/* What is stopped and is not all; what connectors said of their credentials;
 * machines that were kept. */
static void kills_lines(struct buf *b, const struct show *how, const json_t *j)
{
	const json_t *latches = json_object_get(j, "latches");
	const json_t *row;
	size_t i;

	json_array_foreach(latches, i, row) latch_row(b, how, row);
	json_array_foreach(json_object_get(j, "revoked"), i, row)
	{
		label(b, how, i ? "" : "revocation");
		put_string(b, how, json_object_get(row, "connector"), 12);
		buf_str(b, ": ");
		put_string(b, how, json_object_get(row, "result"), 12);
		buf_str(b, ": ");
		put_string(b, how, json_object_get(row, "detail"), 12);
		buf_u8(b, '\n');
	}
	lease_line(b, how, json_object_get(j, "lease"));
	if (json_integer_value(json_object_get(j, "trips")) > 0) {
		label(b, how, "tripwires");
		put_number(b, json_object_get(j, "trips"));
		buf_str(b, " tripped since the start\n");
	}
	if (json_integer_value(json_object_get(j, "frozen")) > 0) {
		label(b, how, "frozen");
		put_number(b, json_object_get(j, "frozen"));
		buf_str(b, " VMs, kept as they were killed\n");
	}
}

static bool state_is(const json_t *j, const char *state);
static void put_seconds(struct buf *b, const json_t *ms);

/* "down for 3.2 s, again in 4.8 s: auditd: ..." */
static void put_standing(struct buf *b, const struct show *how, const json_t *j)
{
	const json_t *cause = json_object_get(j, "cause");

	put_string(b, how, json_object_get(j, "state"), 12);
	buf_str(b, " for ");
	put_seconds(b, json_object_get(j, "since_ms"));
	if (json_integer_value(json_object_get(j, "again_ms")) > 0) {
		buf_str(b, ", started again in ");
		put_seconds(b, json_object_get(j, "again_ms"));
	}
	if (json_integer_value(json_object_get(j, "restarts")) > 0) {
		buf_str(b, ", restarts ");
		put_number(b, json_object_get(j, "restarts"));
	}
	if (!json_is_string(cause) || !*json_string_value(cause))
		return;
	buf_str(b, ", last cause: ");
	put_string(b, how, cause, 60);
}

/* auditd, store and broker as one; and each process that is not well, or was
 * not. */
static void core_lines(struct buf *b, const struct show *how, const json_t *all)
{
	const json_t *core = json_object_get(all, "core");
	const json_t *list = json_object_get(all, "processes");
	const json_t *advice = json_object_get(core, "advice");
	const json_t *p;
	size_t i;

	label(b, how, "core");
	if (json_is_object(core) && !state_is(core, "up"))
		show_put(b, how, SHOW_BAD, "NOTHING EXECUTES: ");
	put_standing(b, how, core);
	if (json_is_string(advice)) {
		buf_str(b, "\n            ");
		put_string(b, how, advice, 12);
	}
	json_array_foreach(list, i, p)
	{
		/* Those that end with another are told of there. */
		if (state_is(p, "up") &&
		    json_integer_value(json_object_get(p, "failures")) == 0)
			continue;
		buf_str(b, "\n            ");
		put_string(b, how, json_object_get(p, "name"), 12);
		buf_str(b, ": ");
		put_standing(b, how, p);
	}
	buf_u8(b, '\n');
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

/* "imap-personal (imap): waiting for 3.2 s, again in 4.8 s: ..." */
static void accounts_lines(struct buf *b, const struct show *how,
			   const json_t *list)
{
	const json_t *a;
	size_t i;

	json_array_foreach(list, i, a)
	{
		const json_t *detail = json_object_get(a, "detail");
		const json_t *skipped = json_object_get(a, "skipped");

		if (i == 0)
			label(b, how, "accounts");
		else
			buf_printf(b, "%12s", "");
		put_string(b, how, json_object_get(a, "name"), 12);
		buf_str(b, " (");
		put_string(b, how, json_object_get(a, "kind"), 12);
		buf_str(b, "): ");
		if (state_is(a, "none"))
			show_put(b, how, SHOW_BAD, "not running");
		else if (state_is(a, "refused"))
			show_put(b, how, SHOW_BAD, "REFUSED");
		else
			put_string(b, how, json_object_get(a, "state"), 12);
		buf_str(b, " for ");
		put_seconds(b, json_object_get(a, "since_ms"));
		if (json_integer_value(json_object_get(a, "again_ms")) > 0) {
			buf_str(b, ", again in ");
			put_seconds(b, json_object_get(a, "again_ms"));
		}
		if (json_integer_value(skipped) > 0) {
			buf_str(b, ", skipped ");
			put_number(b, skipped);
		}
		if (json_is_string(detail) && *json_string_value(detail)) {
			buf_str(b, ": ");
			put_string(b, how, detail, 60);
		}
		buf_u8(b, '\n');
	}
}

struct number {
	const char *key, *text;
};

/* "3 running, 0 waiting": the numbers of one object. */
static void put_numbers(struct buf *b, const json_t *object,
			const struct number *rows, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		buf_str(b, i ? ", " : "");
		put_number(b, json_object_get(object, rows[i].key));
		buf_printf(b, " %s", rows[i].text);
	}
}

static void numbers_line(struct buf *b, const struct show *how, const char *own,
			 const json_t *object, const struct number *rows,
			 size_t n)
{
	label(b, how, own);
	put_numbers(b, object, rows, n);
	buf_u8(b, '\n');
}

/* What the log has to itself of the disk, where that is not all it should. */
static void reserve_line(struct buf *b, const struct show *how, const json_t *j)
{
	const json_t *why = json_object_get(j, "reserve_why");

	if (!json_is_true(json_object_get(j, "full")) &&
	    (!json_is_string(why) || !*json_string_value(why)))
		return;
	buf_printf(b, "%12s", "");
	if (json_is_true(json_object_get(j, "full")))
		show_put(b, how, SHOW_BAD,
			 "RESERVE: nothing new is executed, no new work is "
			 "taken: ");
	else
		buf_str(b, "no reserve: ");
	put_number(b, json_object_get(j, "reserve_left"));
	buf_str(b, " of ");
	put_number(b, json_object_get(j, "reserve"));
	buf_str(b, " bytes: ");
	put_string(b, how, why, 60);
	buf_u8(b, '\n');
}

static void audit_line(struct buf *b, const struct show *how, const json_t *j)
{
	label(b, how, "audit log");
	put_number(b, json_object_get(j, "size"));
	buf_str(b, " records, root ");
	put_string(b, how, json_object_get(j, "root"), 34);
	buf_u8(b, '\n');
	reserve_line(b, how, j);
}

/* Only where work waits for something of the host's. */
static void room_line(struct buf *b, const struct show *how, const json_t *j)
{
	const json_t *why = json_object_get(j, "why");

	if (!json_is_string(why) || !*json_string_value(why))
		return;
	label(b, how, "room");
	show_put(b, how, SHOW_BAD, "WORK WAITS");
	buf_str(b, ": ");
	put_string(b, how, why, 24);
	buf_u8(b, '\n');
}

/* "1.2 s", of milliseconds. */
static void put_seconds(struct buf *b, const json_t *ms)
{
	json_int_t v = json_integer_value(ms);

	if (!json_is_integer(ms) || v < 0)
		buf_str(b, "unknown");
	else if (v < 600000)
		buf_printf(b, "%lld.%lld s", v / 1000, v % 1000 / 100);
	else
		buf_printf(b, "%lld min", v / 60000);
}

static bool state_is(const json_t *j, const char *state)
{
	const char *s = json_string_value(json_object_get(j, "state"));

	return s && !strcmp(s, state);
}

static void template_words(struct buf *b, const struct show *how,
			   const json_t *t)
{
	bool broken = state_is(t, "broken");

	put_string(b, how, json_object_get(t, "kind"), 12);
	buf_str(b, ": ");
	if (broken || state_is(t, "resting")) {
		show_put(b, how, SHOW_BAD,
			 broken ? "NONE CAN BE BUILT, its VMs boot cold: "
				: "RESTS, its VMs boot cold: ");
		put_string(b, how, json_object_get(t, "why"), 60);
		return;
	}
	put_string(b, how, json_object_get(t, "state"), 24);
	if (!state_is(t, "ready") && !state_is(t, "renewing"))
		return;
	buf_str(b, " for ");
	put_seconds(b, json_object_get(t, "age_ms"));
	buf_str(b, ", ");
	put_number(b, json_object_get(t, "clones"));
	buf_str(b, " clones, ");
	put_number(b, json_object_get(t, "mib"));
	buf_str(b, " MiB, built in ");
	put_seconds(b, json_object_get(t, "build_ms"));
}

static void templates_lines(struct buf *b, const struct show *how,
			    const json_t *list)
{
	const json_t *t;
	size_t i;

	label(b, how, "templates");
	if (!json_is_array(list))
		buf_str(b, "unknown");
	json_array_foreach(list, i, t)
	{
		buf_str(b, i ? "\n            " : "");
		template_words(b, how, t);
	}
	buf_u8(b, '\n');
}

static void pools_line(struct buf *b, const struct show *how,
		       const json_t *list)
{
	const json_t *p;
	size_t i;

	label(b, how, "pool");
	if (!json_is_array(list))
		buf_str(b, "unknown");
	json_array_foreach(list, i, p)
	{
		buf_str(b, i ? "; " : "");
		put_string(b, how, json_object_get(p, "kind"), 12);
		buf_str(b, ": ");
		put_number(b, json_object_get(p, "parked"));
		buf_str(b, " of ");
		put_number(b, json_object_get(p, "depth"));
		buf_str(b, " parked, ");
		put_string(b, how, json_object_get(p, "how"), 40);
		if (json_integer_value(json_object_get(p, "died")) == 0)
			continue;
		buf_str(b, ", ");
		put_number(b, json_object_get(p, "died"));
		buf_str(b, " died");
	}
	buf_u8(b, '\n');
}

/* How the VMs came to life, and why the last one did not by a copy. */
static void starts_lines(struct buf *b, const struct show *how,
			 const json_t *starts)
{
	static const struct number rows[] = { { "clone", "copied on demand" },
					      { "pool", "from the pool" },
					      { "cold", "booted cold" } };
	const json_t *why = json_object_get(starts, "cold_why");

	numbers_line(b, how, "VM starts", starts, rows, ARRAY_SIZE(rows));
	if (!json_is_string(why) || !*json_string_value(why))
		return;
	buf_str(b, "            the last cold one: ");
	put_string(b, how, why, 31);
	buf_u8(b, '\n');
}

/* What waits, by source; and what finds no room, with the reason. */
static void queue_lines(struct buf *b, const struct show *how,
			const json_t *queue)
{
	static const struct number rows[] = { { "waiting", "waiting" },
					      { "at_work", "in work" },
					      { "bytes", "bytes" } };
	const json_t *row, *blocked;
	size_t i;

	json_array_foreach(queue, i, row)
	{
		if (i == 0)
			label(b, how, "queue");
		else
			buf_printf(b, "%12s", "");
		put_string(b, how, json_object_get(row, "source"), 12);
		buf_str(b, ": ");
		put_numbers(b, row, rows, ARRAY_SIZE(rows));
		blocked = json_object_get(row, "blocked");
		if (json_integer_value(blocked) > 0) {
			buf_printf(b, "\n%12s", "");
			show_put(b, how, SHOW_BAD, "full");
			buf_str(b, ": ");
			put_number(b, blocked);
			buf_str(b, " more find no room, and wait where they "
				   "are: ");
			put_string(b, how, json_object_get(row, "why"), 60);
		}
		buf_u8(b, '\n');
	}
}

void status_print(struct buf *b, const struct show *how, const json_t *all)
{
	static const struct number vms[] = {
		{ "running", "at work" },	 { "slow", "of them slow" },
		{ "waiting", "waiting" },	 { "places", "places" },
		{ "started", "started in all" }, { "failed", "failed" }
	};
	static const struct number items[] = { { "read", "read" },
					       { "refused", "refused" },
					       { "task_failed", "task failed" },
					       { "interrupted", "interrupted" },
					       { "given_up", "given up" },
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
	kills_lines(b, how, json_object_get(all, "kills"));
	core_lines(b, how, all);
	processes_lines(b, how, json_object_get(all, "processes"));
	accounts_lines(b, how, json_object_get(all, "accounts"));
	numbers_line(b, how, "VMs", json_object_get(all, "vms"), vms,
		     ARRAY_SIZE(vms));
	starts_lines(b, how, json_object_get(all, "starts"));
	templates_lines(b, how, json_object_get(all, "templates"));
	pools_line(b, how, json_object_get(all, "pools"));
	numbers_line(b, how, "items", json_object_get(all, "items"), items,
		     ARRAY_SIZE(items));
	queue_lines(b, how, json_object_get(all, "queue"));
	room_line(b, how, json_object_get(all, "room"));
	audit_line(b, how, json_object_get(all, "audit"));
}

int status_fetch(const struct conf *conf, json_t *all)
{
	struct msg ask = { .type = MSG_C_STATUS };

	return client_ask(conf, &ask, add, all);
}

static int show_status(const struct conf *conf, const struct cli *cli,
		       json_t *all)
{
	struct show how = show_for(stdout);
	CLEAN_BUF struct buf b;
	int rc;

	buf_init(&b, STATUS_PRINT_MAX);
	rc = status_fetch(conf, all);
	if (rc != CLI_OK)
		return rc;
	if (cli->json)
		return cli_json(stdout, all);
	status_print(&b, &how, all);
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
