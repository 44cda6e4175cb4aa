/*
 * bulkhead config: checks bulkhead.yaml, and the policy it names against it.
 *
 * SECURITY: as policy.c.
 */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "cli/cli.h"
#include "conf/yaml.h"
#include "conf/zoneinfo.h"
#include "http/request.h"
#include "policy/policy.h"

/* The agent's policy: the file, or the embedded default. */
static int load_policy(const struct conf *c, struct policy **ret,
		       struct buf *errs)
{
	static const struct policy_zones zones = { .read = conf_zone_read };
	CLEAN_BUF struct buf text = { 0 };
	int r;

	if (!*c->policy)
		return policy_load("assistant.yaml",
				   span_str(policy_default_text()), &zones, ret,
				   errs);
	buf_init(&text, YAML_FILE_MAX + 1);
	r = conf_read_file(c->policy, &text, errs);
	if (r < 0)
		return r;
	return policy_load(c->policy, buf_view(&text), &zones, ret, errs);
}

/* The files of requests that its accounts have. */
static int check_requests(const struct conf *c, struct buf *errs)
{
	uint32_t i;
	int rc = 0;

	for (i = 0; i < c->n_connectors; i++) {
		const struct conf_connector *cc = &c->connectors[i];
		CLEAN_HTTP struct http_requests *file = NULL;
		CLEAN_BUF struct buf text = { 0 };

		if (cc->kind != CONNECTOR_HTTP)
			continue;
		buf_init(&text, YAML_FILE_MAX + 1);
		if (conf_read_file(cc->requests, &text, errs) < 0 ||
		    http_load(cc->requests, buf_view(&text), cc->private, &file,
			      errs) < 0)
			rc = -EINVAL;
	}
	return rc;
}

static int check(const char *path, struct conf *c, struct buf *errs)
{
	struct policy *p = NULL;
	int r = conf_load(path, cli_home(), c, errs);

	if (r < 0)
		return r;
	r = load_policy(c, &p, errs);
	if (r < 0)
		return r;
	r = policy_check_conf(p, c, errs);
	policy_free(p);
	if (check_requests(c, errs) < 0)
		r = -EINVAL;
	return r;
}

static int show(const char *name, int r, struct buf *errs,
		const struct cli *cli)
{
	json_t *json;

	if (!cli->json) {
		if (r == 0)
			(void)printf("%s: in order\n", name);
		else if (errs->n)
			cli_show_lines(stdout, buf_view(errs));
		else
			cli_error("%s: %s", name, strerror(-r));
		return r < 0 ? CLI_NO : CLI_OK;
	}
	json = json_pack("{s:s, s:b, s:s}", "file", name, "ok", r == 0,
			 "errors", buf_cstr(errs));
	if (cli_json(stdout, json) != CLI_OK)
		r = -1;
	json_decref(json);
	return r < 0 ? CLI_NO : CLI_OK;
}

int cmd_config(int argc, char **argv, const struct cli *cli)
{
	char path[CONF_PATH_MAX];
	CLEAN_BUF struct buf errs = { 0 };
	struct conf c;
	int r;

	if (cli_options(&argc, argv, NULL, 0) != 0)
		return CLI_USAGE;
	if (argc < 2 || argc > 3 || strcmp(argv[1], "check") != 0)
		return cli_usage(argv[0], "say check, and at most one file");
	r = argc == 3 ? str_copy(path, sizeof(path), span_str(argv[2]))
		      : cli_conf_path(cli, path, sizeof(path));
	if (r < 0)
		return cli_usage(argv[0], "the path is too long");
	buf_init(&errs, 1 << 20);
	r = check(path, &c, &errs);
	return show(*path ? path : "embedded defaults", r, &errs, cli);
}
