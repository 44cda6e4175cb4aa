/*
 * audit: reads and verifies the audit log, proves records of it, and looks for
 * what is missing in it. Everything a record says may be an
 * attacker's words, so it is shown rendered, or as JSON in ASCII.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cli/aside.h"
#include "cli/audit.h"
#include "cli/gaps.h"
#include "cli/show.h"
#include "tlog/anchor.h"

enum {
	TAIL_DEFAULT = 20,
	OUT_MAX = 16 << 20,
	NOTE_BYTES = 4096,
	PROOF_BYTES = 1 << 20,
};

void audit_log_done(struct audit_log *o)
{
	fd_close(&o->dir);
	fd_close(&o->tip);
}

/* STATE/tip, -1 where there is none: then nothing is known of it. */
static int open_tip(const struct conf *conf)
{
	char path[CONF_PATH_MAX + 16];

	if (str_printf(path, sizeof(path), "%s/tip", conf->state) < 0)
		return -1;
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* STATE/audit, or -1 after it told why not. */
static int open_audit(const struct conf *conf)
{
	char path[CONF_PATH_MAX + 16];
	int fd;

	if (str_printf(path, sizeof(path), "%s/audit", conf->state) < 0) {
		cli_error("the path of the state directory is too long");
		return -1;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		cli_error("there is no audit log in %s: bulkhead has not run, "
			  "or it was removed",
			  conf->state);
	else if (fd < 0)
		cli_error("%s: %s", path, strerror(errno));
	return fd;
}

int audit_log_open(const struct cli *cli, struct audit_log *ret)
{
	struct conf conf;
	int rc = cli_conf(cli, &conf);

	*ret = (struct audit_log){ .dir = -1, .tip = -1 };
	if (rc != CLI_OK)
		return rc;
	ret->dir = open_audit(&conf);
	if (ret->dir < 0)
		return CLI_NO;
	ret->tip = open_tip(&conf);
	ret->live = tlog_settle(ret->dir);
	return CLI_OK;
}

/* Compact JSON in ASCII, one line; NULL if the record is none. */
static char *ascii_line(struct span record)
{
	json_t *json =
		json_loadb((const char *)record.p, record.n,
			   JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	char *text = NULL;

	if (json)
		text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS |
						JSON_ENSURE_ASCII);
	json_decref(json);
	return text;
}

static void print_json(struct span record)
{
	CLEAN_FREE char *line = ascii_line(record);
	const char *p;

	if (!line) {
		cli_show(stdout, record);
		(void)fputc('\n', stdout);
		return;
	}
	/* The one control character that JSON_ENSURE_ASCII lets through. */
	for (p = line; *p; p++) {
		if (*p == 0x7f)
			(void)fputs("\\u007f", stdout);
		else
			(void)fputc(*p, stdout);
	}
	(void)fputc('\n', stdout);
}

/* One record as a line: its index, then what it says. */
static void print_line(uint64_t index, struct span record)
{
	(void)printf("%8llu  ", (unsigned long long)index);
	cli_show(stdout, record);
	(void)fputc('\n', stdout);
}

/* One record for a person, over as many lines as it takes. */
static void print_wide(struct span record)
{
	const struct show how = show_for(stdout);
	json_t *json =
		json_loadb((const char *)record.p, record.n,
			   JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	CLEAN_BUF struct buf b;

	buf_init(&b, OUT_MAX);
	if (json) {
		show_json_wide(&b, &how, json, 0, 0);
		(void)fwrite(b.p, 1, b.n, stdout);
	} else {
		cli_show(stdout, record);
	}
	(void)fputc('\n', stdout);
	json_decref(json);
}

static int print_record(int dir, uint64_t index, bool json)
{
	CLEAN_FREE uint8_t *p = NULL;
	struct err err = { 0 };
	size_t n = 0;

	if (tlog_read(dir, index, &p, &n, &err) < 0) {
		cli_error("record %llu: %s", (unsigned long long)index,
			  err.msg);
		return CLI_NO;
	}
	if (json)
		print_json(span_of(p, n));
	else
		print_line(index, span_of(p, n));
	return CLI_OK;
}

static int audit_tail(int argc, char **argv, const struct cli *cli)
{
	const char *count = NULL;
	const struct cli_opt opts[] = { { "-n", NULL, &count } };
	uint64_t n = TAIL_DEFAULT;
	struct tlog_state s;
	struct err err = { 0 };
	CLEAN_LOG struct audit_log log = { -1, -1, false };
	uint64_t i;
	int rc;

	if (cli_options(&argc, argv, opts, ARRAY_SIZE(opts)) != 0)
		return CLI_USAGE;
	if (argc > 1 ||
	    (count && num_parse(span_str(count), 1, UINT32_MAX, &n) < 0))
		return cli_usage("audit", "tail takes -n and a number");
	rc = audit_log_open(cli, &log);
	if (rc != CLI_OK)
		return rc;
	if (tlog_head(log.dir, &s, &err) < 0) {
		cli_error("%s", err.msg);
		return CLI_NO;
	}
	for (i = s.size > n ? s.size - n : 0; i < s.size; i++) {
		rc = print_record(log.dir, i, cli->json);
		if (rc != CLI_OK)
			return rc;
	}
	return CLI_OK;
}

/* One record with what lies aside of it. */
static int show_record(const struct cli *cli, struct span record)
{
	json_t *json =
		json_loadb((const char *)record.p, record.n,
			   JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	const char *why = NULL;
	json_t *args = json ? aside_fetch(cli, json, &why) : NULL;
	CLEAN_FREE char *text = NULL;

	if (args)
		(void)json_object_set_new(json, "arguments", args);
	text = args ? json_dumps(json, JSON_COMPACT) : NULL;
	if (text)
		record = span_str(text);
	if (cli->json)
		print_json(record);
	else
		print_wide(record);
	if (why && !args && !cli->json)
		(void)puts(why);
	json_decref(json);
	return CLI_OK;
}

static int audit_show(int argc, char **argv, const struct cli *cli)
{
	CLEAN_LOG struct audit_log log = { -1, -1, false };
	CLEAN_FREE uint8_t *p = NULL;
	struct err err = { 0 };
	uint64_t index;
	size_t n = 0;
	int rc;

	if (cli_options(&argc, argv, NULL, 0) != 0)
		return CLI_USAGE;
	if (argc != 2 || num_parse(span_str(argv[1]), 0, INT64_MAX, &index) < 0)
		return cli_usage("audit", "show takes the index of a record");
	rc = audit_log_open(cli, &log);
	if (rc != CLI_OK)
		return rc;
	if (tlog_read(log.dir, index, &p, &n, &err) < 0) {
		cli_error("record %s: %s", argv[1], err.msg);
		return CLI_NO;
	}
	return show_record(cli, span_of(p, n));
}

/* What a verification found. */
struct verified {
	struct tlog_state log, tip, given;
	bool has_tip, has_given, has_root;
	int r;
	struct err err;
};

/* A checkpoint that the owner kept elsewhere. 0 or -errno. */
static int verify_given(int dir, const char *file, struct verified *v)
{
	CLEAN_FD int fd = open(file, O_RDONLY | O_CLOEXEC);
	static uint8_t note[NOTE_BYTES];
	ssize_t n = fd < 0 ? -errno : fd_read_all(fd, note, sizeof(note));

	if (n < 0)
		return err_set(&v->err, (int)n, "%s: %s", file,
			       strerror((int)-n));
	return tlog_verify_note(dir, span_of(note, (size_t)n), file, &v->given,
				&v->err);
}

static void verify_all(const struct audit_log *log, const char *file,
		       struct verified *v)
{
	*v = (struct verified){ 0 };
	v->r = tlog_verify(log->dir, &v->log, &v->err);
	if (v->r == 0 && log->tip >= 0) {
		v->r = tlog_verify_tip(log->dir, log->tip, &v->tip, &v->err);
		v->has_tip = v->r == 0;
		if (v->r == -ENOENT)
			v->r = 0;
	}
	if (v->r == 0 && file) {
		v->r = verify_given(log->dir, file, v);
		v->has_given = v->r == 0;
	}
}

static int verify_json(const struct verified *v, const char *root)
{
	json_t *json;
	int rc;

	if (v->r == 0)
		json = json_pack("{s:b, s:I, s:s, s:s, s:I}", "verified", 1,
				 "size", (json_int_t)v->log.size, "root", root,
				 "key", v->log.vkey, "epoch",
				 (json_int_t)v->log.epoch);
	else
		json = json_pack("{s:b, s:s}", "verified", 0, "error",
				 v->err.msg);
	if (json && v->has_tip)
		(void)json_object_set_new(
			json, "tip", json_integer((json_int_t)v->tip.size));
	if (json && v->has_given)
		(void)json_object_set_new(
			json, "checkpoint",
			json_integer((json_int_t)v->given.size));
	if (json && v->has_root)
		(void)json_object_set_new(json, "rooted", json_true());
	rc = cli_json(stdout, json);
	json_decref(json);
	return v->r == 0 ? rc : CLI_NO;
}

static int audit_verify(int argc, char **argv, const struct cli *cli)
{
	const char *file = NULL;
	const char *root_key = NULL;
	const struct cli_opt opts[] = { { "--checkpoint", NULL, &file },
					{ "--root", NULL, &root_key } };
	CLEAN_LOG struct audit_log log = { -1, -1, false };
	char root[2 * TLOG_HASH + 1];
	static struct verified v;
	int rc;

	if (cli_options(&argc, argv, opts, ARRAY_SIZE(opts)) != 0)
		return CLI_USAGE;
	if (argc > 1)
		return cli_usage("audit", "verify takes no operand");
	rc = audit_log_open(cli, &log);
	if (rc != CLI_OK)
		return rc;
	verify_all(&log, file, &v);
	if (v.r == 0 && root_key) {
		v.r = anchor_check(log.dir, span_str(root_key), &v.err);
		v.has_root = v.r == 0;
	}
	hex_encode(root, v.log.root, TLOG_HASH);
	if (cli->json)
		return verify_json(&v, root);
	if (v.r < 0) {
		cli_error("the audit log does not verify: %s\n"
			  "  Next: copy the state directory as it is, then see "
			  "\"When it does not verify\"\n"
			  "  in docs/audit.md.",
			  v.err.msg);
		return CLI_NO;
	}
	(void)printf("Verified: %llu records, every hash and the signature.\n"
		     "  root  %s\n  key   %s\n",
		     (unsigned long long)v.log.size, root, v.log.vkey);
	if (v.log.epoch)
		(void)printf("  keys  each signed by the one before, %llu "
			     "changes, as the records say\n",
			     (unsigned long long)v.log.epoch);
	if (v.has_root)
		(void)puts("  first key signed by the root given");
	if (v.has_tip)
		(void)printf("  tip   goes on from its %llu records\n",
			     (unsigned long long)v.tip.size);
	if (v.has_given)
		(void)printf("  kept  goes on from the %llu records of the "
			     "checkpoint given\n",
			     (unsigned long long)v.given.size);
	return CLI_OK;
}

static int print_proof(const struct cli *cli, uint64_t index, uint64_t old,
		       bool growth)
{
	CLEAN_LOG struct audit_log log = { -1, -1, false };
	struct err err = { 0 };
	CLEAN_BUF struct buf b;
	int rc = audit_log_open(cli, &log);
	int r;

	buf_init(&b, PROOF_BYTES);
	if (rc != CLI_OK)
		return rc;
	r = growth ? tlog_prove_growth(log.dir, old, &b, &err)
		   : tlog_prove(log.dir, index, &b, &err);
	if (r < 0) {
		cli_error("there is no such proof: %s",
			  err.code ? err.msg : strerror(-r));
		return CLI_NO;
	}
	(void)fwrite(b.p, 1, b.n, stdout);
	return CLI_OK;
}

static int audit_prove(int argc, char **argv, const struct cli *cli)
{
	const char *since = NULL;
	const struct cli_opt opts[] = { { "--consistency", NULL, &since } };
	uint64_t index = 0;
	uint64_t old = 0;

	if (cli_options(&argc, argv, opts, ARRAY_SIZE(opts)) != 0)
		return CLI_USAGE;
	if (argc != (since ? 1 : 2) ||
	    (since && num_parse(span_str(since), 0, INT64_MAX, &old) < 0) ||
	    (!since && num_parse(span_str(argv[1]), 0, INT64_MAX, &index) < 0))
		return cli_usage("audit", "prove takes the index of a record, "
					  "or --consistency and a size");
	return print_proof(cli, index, old, since);
}

/* The last checkpoint, to be kept elsewhere. */
static int audit_checkpoint(int argc, char **argv, const struct cli *cli)
{
	CLEAN_LOG struct audit_log log = { -1, -1, false };
	static uint8_t note[NOTE_BYTES];
	CLEAN_FD int fd = -1;
	ssize_t n;
	int rc;

	if (cli_options(&argc, argv, NULL, 0) != 0)
		return CLI_USAGE;
	if (argc != 1)
		return cli_usage("audit", "checkpoint takes no operand");
	rc = audit_log_open(cli, &log);
	if (rc != CLI_OK)
		return rc;
	fd = openat(log.dir, "checkpoint", O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -errno : fd_read_all(fd, note, sizeof(note));
	if (n < 0) {
		cli_error("checkpoint: %s", strerror((int)-n));
		return CLI_NO;
	}
	(void)fwrite(note, 1, (size_t)n, stdout);
	return CLI_OK;
}

static int take_record(void *arg, uint64_t index, struct span record)
{
	return gaps_record(arg, index, record);
}

static int gaps_json(const struct gaps *g, uint64_t size)
{
	json_t *json =
		json_pack("{s:I, s:I, s:O}", "size", (json_int_t)size, "gaps",
			  (json_int_t)gaps_count(g), "found", g->found);
	int rc = cli_json(stdout, json);

	json_decref(json);
	return rc != CLI_OK || gaps_count(g) ? CLI_NO : CLI_OK;
}

static int gaps_text(const struct gaps *g, uint64_t size)
{
	const json_t *row, *also;
	size_t i;

	json_array_foreach(g->found, i, row)
	{
		also = json_object_get(row, "also");
		(void)printf("%8lld  %-15s %s",
			     (long long)json_integer_value(
				     json_object_get(row, "index")),
			     json_string_value(json_object_get(row, "gap")),
			     json_string_value(json_object_get(row, "what")));
		if (also)
			(void)printf(" (record %lld)",
				     (long long)json_integer_value(also));
		(void)fputc('\n', stdout);
	}
	(void)printf("%llu records, %llu gaps, %zu notes.\n",
		     (unsigned long long)size,
		     (unsigned long long)gaps_count(g),
		     json_array_size(g->found) - (size_t)gaps_count(g));
	return gaps_count(g) ? CLI_NO : CLI_OK;
}

static int audit_gaps(int argc, char **argv, const struct cli *cli)
{
	CLEAN_LOG struct audit_log log = { -1, -1, false };
	struct err err = { 0 };
	struct tlog_state s;
	struct gaps g;
	int rc, r;

	if (cli_options(&argc, argv, NULL, 0) != 0)
		return CLI_USAGE;
	if (argc != 1)
		return cli_usage("audit", "gaps takes no operand");
	rc = audit_log_open(cli, &log);
	if (rc != CLI_OK)
		return rc;
	gaps_init(&g);
	r = tlog_walk(log.dir, take_record, &g, &s, &err);
	if (r == 0)
		r = gaps_end(&g, log.live);
	if (r < 0) {
		cli_error("the audit log cannot be read: %s",
			  err.code ? err.msg : strerror(-r));
		rc = CLI_NO;
	} else {
		rc = cli->json ? gaps_json(&g, s.size) : gaps_text(&g, s.size);
	}
	gaps_done(&g);
	return rc;
}

int cmd_audit(int argc, char **argv, const struct cli *cli)
{
	static const struct {
		const char *name;
		cli_fn run;
	} parts[] = {
		{ "tail", audit_tail },	    { "show", audit_show },
		{ "verify", audit_verify }, { "checkpoint", audit_checkpoint },
		{ "prove", audit_prove },   { "gaps", audit_gaps },
		{ "keys", audit_keys },	    { "root", audit_root },
		{ "query", audit_query },   { "erase", audit_erase },
	};
	size_t i;

	for (i = 0; argc > 1 && i < ARRAY_SIZE(parts); i++)
		if (!strcmp(argv[1], parts[i].name))
			return parts[i].run(argc - 1, argv + 1, cli);
	return cli_usage("audit",
			 "say tail, show, verify, checkpoint, prove, gaps, "
			 "keys, root, query or erase");
}
