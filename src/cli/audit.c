/*
 * audit: reads and verifies the audit log. Everything a record says may be an
 * attacker's words, so it is shown rendered, or as JSON in ASCII.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/show.h"
#include "tlog/tlog.h"

enum { TAIL_DEFAULT = 20, OUT_MAX = 16 << 20 };

/* STATE/audit, or -1 after it told why not. */
static int open_log(const struct cli *cli, int *rc)
{
	char path[CONF_PATH_MAX + 16];
	struct conf conf;
	int fd;

	*rc = cli_conf(cli, &conf);
	if (*rc != CLI_OK)
		return -1;
	*rc = CLI_NO;
	if (str_printf(path, sizeof(path), "%s/audit", conf.state) < 0) {
		cli_error("the path of the state directory is too long");
		return -1;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		cli_error("there is no audit log in %s: bulkhead has not run",
			  conf.state);
	else if (fd < 0)
		cli_error("%s: %s", path, strerror(errno));
	return fd;
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

enum form { FORM_LINE, FORM_WIDE, FORM_JSON };

static int print_record(int dir, uint64_t index, enum form form)
{
	CLEAN_FREE uint8_t *p = NULL;
	struct err err = { 0 };
	size_t n = 0;

	if (tlog_read(dir, index, &p, &n, &err) < 0) {
		cli_error("record %llu: %s", (unsigned long long)index,
			  err.msg);
		return CLI_NO;
	}
	switch (form) {
	case FORM_LINE:
		print_line(index, span_of(p, n));
		break;
	case FORM_WIDE:
		print_wide(span_of(p, n));
		break;
	case FORM_JSON:
		print_json(span_of(p, n));
		break;
	}
	return CLI_OK;
}

static int audit_tail(int argc, char **argv, const struct cli *cli)
{
	const char *count = NULL;
	const struct cli_opt opts[] = { { "-n", NULL, &count } };
	uint64_t n = TAIL_DEFAULT;
	struct tlog_state s;
	struct err err = { 0 };
	CLEAN_FD int dir = -1;
	uint64_t i;
	int rc;

	if (cli_options(&argc, argv, opts, ARRAY_SIZE(opts)) != 0)
		return CLI_USAGE;
	if (argc > 1 ||
	    (count && num_parse(span_str(count), 1, UINT32_MAX, &n) < 0))
		return cli_usage("audit", "tail takes -n and a number");
	dir = open_log(cli, &rc);
	if (dir < 0)
		return rc;
	if (tlog_head(dir, &s, &err) < 0) {
		cli_error("%s", err.msg);
		return CLI_NO;
	}
	for (i = s.size > n ? s.size - n : 0; i < s.size; i++) {
		rc = print_record(dir, i, cli->json ? FORM_JSON : FORM_LINE);
		if (rc != CLI_OK)
			return rc;
	}
	return CLI_OK;
}

static int audit_show(int argc, char **argv, const struct cli *cli)
{
	CLEAN_FD int dir = -1;
	uint64_t index;
	int rc;

	if (cli_options(&argc, argv, NULL, 0) != 0)
		return CLI_USAGE;
	if (argc != 2 || num_parse(span_str(argv[1]), 0, INT64_MAX, &index) < 0)
		return cli_usage("audit", "show takes the index of a record");
	dir = open_log(cli, &rc);
	if (dir < 0)
		return rc;
	return print_record(dir, index, cli->json ? FORM_JSON : FORM_WIDE);
}

static int verify_json(int r, const struct tlog_state *s, const char *root,
		       const char *why)
{
	json_t *json;
	int rc;

	if (r == 0)
		json = json_pack("{s:b, s:I, s:s, s:s}", "verified", 1, "size",
				 (json_int_t)s->size, "root", root, "key",
				 s->vkey);
	else
		json = json_pack("{s:b, s:s}", "verified", 0, "error", why);
	rc = cli_json(stdout, json);
	json_decref(json);
	return r == 0 ? rc : CLI_NO;
}

static int audit_verify(int argc, char **argv, const struct cli *cli)
{
	char root[2 * TLOG_HASH + 1];
	struct tlog_state s = { 0 };
	struct err err = { 0 };
	CLEAN_FD int dir = -1;
	int rc, r;

	if (cli_options(&argc, argv, NULL, 0) != 0)
		return CLI_USAGE;
	if (argc > 1)
		return cli_usage("audit", "verify takes no operand");
	dir = open_log(cli, &rc);
	if (dir < 0)
		return rc;
	r = tlog_verify(dir, &s, &err);
	hex_encode(root, s.root, TLOG_HASH);
	if (cli->json)
		return verify_json(r, &s, root, err.msg);
	if (r < 0) {
		cli_error("the audit log does not verify: %s", err.msg);
		return CLI_NO;
	}
	(void)printf("Verified: %llu records, every hash and the signature.\n"
		     "  root  %s\n  key   %s\n",
		     (unsigned long long)s.size, root, s.vkey);
	return CLI_OK;
}

int cmd_audit(int argc, char **argv, const struct cli *cli)
{
	static const struct {
		const char *name;
		cli_fn run;
	} parts[] = {
		{ "tail", audit_tail },
		{ "show", audit_show },
		{ "verify", audit_verify },
	};
	size_t i;

	for (i = 0; argc > 1 && i < ARRAY_SIZE(parts); i++)
		if (!strcmp(argv[1], parts[i].name))
			return parts[i].run(argc - 1, argv + 1, cli);
	return cli_usage("audit", "say tail, show or verify");
}
