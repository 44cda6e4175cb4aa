/*
 * bulkhead policy: checks policy files; the other parts are policy_*.c.
 *
 * SECURITY: reads the owner's own files; what it prints of them went through
 * the loader, which refuses control and hidden characters, or is escaped.
 */
#include "policy/policy.h"

#include <string.h>

#include "cli/policy.h"
#include "conf/yaml.h"
#include "conf/zoneinfo.h"

int policy_file(const char *path, struct policy **ret, struct buf *errs)
{
	static const struct policy_zones zones = { .read = conf_zone_read };
	CLEAN_BUF struct buf text;
	int r;

	buf_init(&text, YAML_FILE_MAX + 1);
	r = conf_read_file(path, &text, errs);
	if (r < 0)
		return r;
	return policy_load(path, buf_view(&text), &zones, ret, errs);
}

/* Appends one file's result to the list of --json. */
static void add_result(json_t *list, const char *path, const struct policy *p,
		       struct buf *errs)
{
	json_t *row = json_pack("{s:s, s:b, s:s}", "file", path, "ok",
				p != NULL, "errors", buf_cstr(errs));

	if (row && p)
		(void)json_object_set_new(
			row, "capabilities",
			json_integer((json_int_t)policy_capabilities(p)));
	(void)json_array_append_new(list, row);
}

static int check_one(const char *path, const struct cli *cli, json_t *list)
{
	struct policy *p = NULL;
	CLEAN_BUF struct buf errs;
	int r;

	buf_init(&errs, 1 << 20);
	r = policy_file(path, &p, &errs);
	if (r < 0)
		p = NULL;
	if (cli->json)
		add_result(list, path, p, &errs);
	else if (p)
		(void)printf("%s: in order, capabilities: %zu\n", path,
			     policy_capabilities(p));
	else
		cli_show_lines(stdout, buf_view(&errs));
	policy_free(p);
	return r < 0 ? CLI_NO : CLI_OK;
}

struct policy *policy_or_say(const char *path)
{
	struct policy *p = NULL;
	CLEAN_BUF struct buf errs;

	buf_init(&errs, 1 << 20);
	if (policy_file(path, &p, &errs) == 0)
		return p;
	cli_show_lines(stderr, buf_view(&errs));
	return NULL;
}

struct policy *policy_configured(const struct cli *cli)
{
	static const struct policy_zones zones = { .read = conf_zone_read };
	CLEAN_BUF struct buf errs = { 0 };
	struct policy *p = NULL;
	struct conf conf;

	if (cli_conf(cli, &conf) != 0)
		return NULL;
	if (*conf.policy)
		return policy_or_say(conf.policy);
	buf_init(&errs, 1 << 16);
	if (policy_load("assistant.yaml", span_str(policy_default_text()),
			&zones, &p, &errs) == 0)
		return p;
	cli_show_lines(stderr, buf_view(&errs));
	return NULL;
}

static int run_check(int argc, char **argv, const struct cli *cli)
{
	json_t *list = NULL;
	int i, rc = CLI_OK;

	if (argc < 2)
		return cli_usage("check", "name the files to check");
	if (cli->json)
		list = json_array();
	for (i = 1; i < argc; i++)
		if (check_one(argv[i], cli, list) != CLI_OK)
			rc = CLI_NO;
	if (list && cli_json(stdout, list) != CLI_OK)
		rc = CLI_NO;
	json_decref(list);
	return rc;
}

int cmd_policy(int argc, char **argv, const struct cli *cli)
{
	static const struct {
		const char *name;
		cli_fn run;
		bool own; /* it has options of its own */
	} parts[] = {
		{ "check", run_check, false },
		{ "diff", run_policy_diff, false },
		{ "blast", run_policy_blast, false },
		{ "unused", run_policy_unused, true },
		{ "suggest", run_policy_suggest, true },
		{ "test", run_policy_test, false },
		{ "explain", run_policy_explain, false },
	};
	size_t i;

	for (i = 0; argc > 1 && i < ARRAY_SIZE(parts); i++) {
		if (strcmp(argv[1], parts[i].name) != 0)
			continue;
		argc--;
		argv++;
		if (!parts[i].own && cli_options(&argc, argv, NULL, 0) != 0)
			return CLI_USAGE;
		return parts[i].run(argc, argv, cli);
	}
	return cli_usage(argv[0],
			 "say check, test, explain, diff, blast, unused or "
			 "suggest, and the files");
}
