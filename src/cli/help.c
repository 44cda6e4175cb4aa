/*
 * help: the list of commands, one command in full, the version, all from the
 * one table. The manual pages are made from it too, when bulkhead is built
 * (docs/manual/manual.c).
 */
#include <string.h>

#include "cli/cli.h"

enum { HELP_WIDTH = 78, HELP_MAX = 64 << 10 };

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

/* Paragraphs, wrapped, each line but the first begun with `indent` blanks;
 * column is where the first one begins. */
static void wrap(FILE *out, const char *text, size_t column, size_t indent)
{
	size_t at = column;
	bool fresh = true;

	while (*text) {
		size_t n = strcspn(text, " \n");

		if (!fresh && at + 1 + n > HELP_WIDTH) {
			(void)fprintf(out, "\n%*s", (int)indent, "");
			at = indent;
			fresh = true;
		}
		(void)fprintf(out, "%s%.*s", fresh ? "" : " ", (int)n, text);
		at += n + (fresh ? 0 : 1);
		fresh = false;
		text += n;
		if (*text == '\n') {
			(void)fprintf(out, "\n%*s", (int)indent, "");
			at = indent;
			fresh = true;
		}
		text += *text ? 1 : 0;
	}
	(void)fputc('\n', out);
}

static void print_flags(FILE *out, const struct cli_flag *f, size_t column)
{
	char head[64];

	for (; f && f->name; f++) {
		int n = snprintf(head, sizeof(head), "%s%s%s", f->name,
				 f->value ? " " : "", f->value ? f->value : "");

		(void)fprintf(out, "  %-*s  ", (int)column - 4, head);
		wrap(out, f->help,
		     (size_t)n + 4 > column ? (size_t)n + 4 : column, column);
	}
}

/* The column of the options' help: behind the longest of them. */
static size_t flags_column(const struct cli_command *c)
{
	const struct cli_command *part;
	const struct cli_flag *f;
	size_t column = 0;

	for (f = c->flags; f && f->name; f++) {
		size_t n = strlen(f->name) + 4 +
			   (f->value ? strlen(f->value) + 1 : 0);

		column = n > column ? n : column;
	}
	for (part = c->parts; part && part->name; part++) {
		size_t n = flags_column(part);

		column = n > column ? n : column;
	}
	return column;
}

static void print_usage(FILE *out, const char *parent,
			const struct cli_command *c)
{
	CLEAN_BUF struct buf b;

	buf_init(&b, HELP_MAX);
	cli_usage_of(&b, c);
	(void)fprintf(out, "usage: bulkhead %s%s%s%s%s\n", parent,
		      parent[0] ? " " : "", c->name, b.n ? " " : "",
		      buf_cstr(&b));
}

static void print_command(FILE *out, const struct cli_command *c)
{
	const struct cli_command *part;

	if (!c->parts)
		print_usage(out, "", c);
	for (part = c->parts; part && part->name; part++)
		print_usage(out, c->name, part);
	(void)fprintf(out, "\n%s.\n", c->brief);
	if (c->about)
		wrap(out, c->about, 0, 0);
	print_flags(out, c->flags, flags_column(c));
	for (part = c->parts; part && part->name; part++) {
		(void)fprintf(out, "\n%s %s: %s\n", c->name, part->name,
			      part->brief);
		print_flags(out, part->flags, flags_column(c));
	}
}

int cmd_help(int argc, char **argv, const struct cli *)
{
	const struct cli_command *c;

	if (argc < 2) {
		list_commands(stdout);
		return CLI_OK;
	}
	c = cli_find(argv[1]);
	if (argc > 2)
		return cli_usage(argv[0], "it takes one command");
	if (!c)
		return cli_usage(NULL, "there is no command \"%s\"", argv[1]);
	print_command(stdout, c);
	return CLI_OK;
}
