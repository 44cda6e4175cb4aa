/*
 * bulkhead: the command line. Finds the command in the table, takes out the
 * options that all commands have, calls it.
 *
 * SECURITY: runs as the owner. Reads the owner's own files and what the
 * control process and the porter of a throwaway VM answer; whatever in there
 * was written by others reaches the terminal through render_text only.
 */
#include <string.h>

#include "cli/cli.h"

int cmd_version(int argc, char **argv, const struct cli *cli)
{
	json_t *json;
	int rc;

	if (argc > 1)
		return cli_usage(argv[0], "it takes no operand");
	if (!cli->json) {
		(void)printf("bulkhead %s\n", BULKHEAD_VERSION);
		return CLI_OK;
	}
	json = json_pack("{s:s}", "version", BULKHEAD_VERSION);
	rc = cli_json(stdout, json);
	json_decref(json);
	return rc;
}

static void list_commands(FILE *out)
{
	const struct cli_command *c;
	enum cli_exit code;

	(void)fprintf(out, "usage: bulkhead [--config FILE] COMMAND ...\n\n");
	for (c = cli_commands; c->name; c++)
		if (c->run)
			(void)fprintf(out, "  %-8s %s\n", c->name, c->brief);
	(void)fprintf(out, "\nbulkhead help COMMAND tells more. Exit codes:\n");
	for (code = CLI_OK; code < CLI_EXIT_MAX; code++)
		(void)fprintf(out, "  %d  %s\n", (int)code,
			      cli_exit_text(code));
}

int cmd_help(int argc, char **argv, const struct cli *)
{
	const struct cli_command *c;

	if (argc < 2) {
		list_commands(stdout);
		return CLI_OK;
	}
	c = cli_find(argv[1]);
	if (!c || argc > 2)
		return cli_usage(argv[0], "there is no such command");
	(void)printf("usage: bulkhead %s%s%s\n\n%s.\n%s", c->name,
		     c->usage[0] ? " " : "", c->usage, c->brief, c->help);
	return CLI_OK;
}

/* Takes --json, --config FILE and --help out of argv; 0 or CLI_USAGE. */
static int common_options(int *argc, char **argv, struct cli *cli, bool *help)
{
	int in = 1, out = 1;

	for (; in < *argc && strcmp(argv[in], "--") != 0; in++) {
		const char *a = argv[in];

		if (!strcmp(a, "--json")) {
			cli->json = true;
		} else if (!strcmp(a, "--help") || !strcmp(a, "-h")) {
			*help = true;
		} else if (!strcmp(a, "--config")) {
			if (in + 1 == *argc)
				return cli_usage(NULL, "--config needs a file");
			cli->config_path = argv[++in];
		} else if (!strncmp(a, "--config=", 9)) {
			cli->config_path = a + 9;
		} else {
			argv[out++] = argv[in];
		}
	}
	while (in < *argc)
		argv[out++] = argv[in++];
	argv[out] = NULL;
	*argc = out;
	return 0;
}

int main(int argc, char **argv)
{
	char *help_argv[] = { (char[]){ "help" }, NULL, NULL };
	const struct cli_command *c;
	struct cli cli = { 0 };
	bool help = false;

	if (argc < 1 || common_options(&argc, argv, &cli, &help) != 0)
		return CLI_USAGE;
	if (argc > 1 && !strcmp(argv[1], "--version"))
		return cmd_version(1, argv, &cli);
	if (argc < 2 || help) {
		help_argv[1] = argc < 2 ? NULL : argv[1];
		(void)cmd_help(argc < 2 ? 1 : 2, help_argv, &cli);
		return help ? CLI_OK : CLI_USAGE;
	}
	c = cli_find(argv[1]);
	if (!c || !c->run)
		return cli_usage(NULL, "there is no command of this name");
	return c->run(argc - 1, argv + 1, &cli);
}
