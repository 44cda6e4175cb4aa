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
	int rc;

	if (argc < 1 || common_options(&argc, argv, &cli, &help) != 0)
		return CLI_USAGE;
	if (argc > 1 && !strcmp(argv[1], "--version"))
		return cmd_version(1, argv, &cli);
	if (argc < 2 || help) {
		help_argv[1] = argc < 2 ? NULL : argv[1];
		rc = cmd_help(argc < 2 ? 1 : 2, help_argv, &cli);
		return help ? rc : CLI_USAGE;
	}
	c = cli_find(argv[1]);
	if (!c || !c->run)
		return cli_usage(NULL, "there is no command \"%s\"", argv[1]);
	return c->run(argc - 1, argv + 1, &cli);
}
