/*
 * help: the list of commands, one command in full, the version, and the manual
 * page, all from the one table. docs/man/bulkhead.1 is what `bulkhead help
 * --man` prints; a test compares them.
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

/* Own text to troff: no line may begin with a request, no backslash. */
static void man_text(FILE *out, const char *text)
{
	bool start = true;

	for (; *text; text++) {
		if (start && (*text == '.' || *text == '\''))
			(void)fputs("\\&", out);
		if (*text == '\\')
			(void)fputs("\\e", out);
		else if (*text == '-')
			(void)fputs("\\-", out);
		else
			(void)fputc(*text, out);
		start = *text == '\n';
	}
}

static void man_command(FILE *out, const struct cli_command *c)
{
	(void)fprintf(out, ".SS %s\n.B bulkhead %s\n", c->name, c->name);
	man_text(out, c->usage);
	(void)fputs(c->usage[0] ? "\n.PP\n" : ".PP\n", out);
	man_text(out, c->brief);
	(void)fputs(".\n", out);
	if (!c->help[0])
		return;
	(void)fputs(".PP\n.nf\n", out);
	man_text(out, c->help);
	(void)fputs(".fi\n", out);
}

void help_man(FILE *out)
{
	const struct cli_command *c;
	int code;

	(void)fputs(
		".TH BULKHEAD 1 \"\" \"bulkhead\" \"User Commands\"\n"
		".SH NAME\n"
		"bulkhead \\- run AI agents between virtual machines\n"
		".SH SYNOPSIS\n"
		".B bulkhead\n[\\-\\-config FILE] COMMAND ...\n"
		".SH DESCRIPTION\n"
		"Each message from outside is read in a virtual machine of its "
		"own, the agent\n"
		"works in another one without network or keys, and whatever it "
		"asks for is\n"
		"decided by the owner's policy and recorded before it "
		"happens.\n"
		".PP\n"
		"Without \\-\\-config the configuration is $BULKHEAD_CONFIG, "
		"or\n"
		"~/.config/bulkhead/bulkhead.yaml ($XDG_CONFIG_HOME in the "
		"place of\n"
		"~/.config where it is set), or the built\\-in defaults.\n"
		"Text that others wrote is shown with everything invisible "
		"escaped as\n"
		"\\eu{HEX}, bytes that are not UTF\\-8 as \\ex{HH}, a "
		"backslash "
		"doubled.\n"
		"Colours only on a terminal, and not where NO_COLOR is set.\n"
		".PP\n"
		"\\-\\-json prints JSON instead of text, where a command "
		"shows something;\n"
		"audit tail and audit show print one record a line.\n"
		".SH COMMANDS\n",
		out);
	for (c = cli_commands; c->name; c++)
		man_command(out, c);
	(void)fputs(".SH EXIT STATUS\n", out);
	for (code = CLI_OK; code < CLI_EXIT_MAX; code++) {
		(void)fprintf(out, ".TP\n.B %d\n", code);
		man_text(out, cli_exit_text((enum cli_exit)code));
		(void)fputs("\n", out);
	}
	(void)fputs(".SH FILES\n.TP\n~/.config/bulkhead/bulkhead.yaml\n"
		    "where things are\n.TP\n"
		    "~/.local/state/bulkhead\n"
		    "state, unless the configuration says otherwise: "
		    "audit log,\n"
		    "log/bulkhead.log, kill latch, control socket\n",
		    out);
}

int cmd_help(int argc, char **argv, const struct cli *)
{
	const struct cli_command *c;

	if (argc < 2) {
		list_commands(stdout);
		return CLI_OK;
	}
	if (!strcmp(argv[1], "--man")) {
		help_man(stdout);
		return CLI_OK;
	}
	c = cli_find(argv[1]);
	if (argc > 2)
		return cli_usage(argv[0], "it takes one command");
	if (!c)
		return cli_usage(NULL, "there is no command \"%s\"", argv[1]);
	(void)printf("usage: bulkhead %s%s%s\n\n%s.\n%s", c->name,
		     c->usage[0] ? " " : "", c->usage, c->brief, c->help);
	return CLI_OK;
}
