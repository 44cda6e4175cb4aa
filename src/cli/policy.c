/*
 * bulkhead policy: checks policy files.
 *
 * SECURITY: reads the owner's own files; what it prints of them went through
 * the loader, which refuses control and hidden characters, or is escaped.
 */
#include "policy/policy.h"

#include <string.h>

#include "cli/cli.h"
#include "conf/yaml.h"
#include "conf/zoneinfo.h"

/* Loads one policy file; errors are in errs. 0 or -errno. */
static int load(const char *path, struct policy **ret, struct buf *errs)
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
	r = load(path, &p, &errs);
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

int cmd_policy(int argc, char **argv, const struct cli *cli)
{
	json_t *list = NULL;
	int i, rc = CLI_OK;

	if (cli_options(&argc, argv, NULL, 0) != 0)
		return CLI_USAGE;
	if (argc < 3 || strcmp(argv[1], "check") != 0)
		return cli_usage(argv[0], "say check, and the files to check");
	if (cli->json)
		list = json_array();
	for (i = 2; i < argc; i++)
		if (check_one(argv[i], cli, list) != CLI_OK)
			rc = CLI_NO;
	if (list && cli_json(stdout, list) != CLI_OK)
		rc = CLI_NO;
	json_decref(list);
	return rc;
}
