/*
 * manual: a program of the build that writes what documents bulkhead, from the
 * tables that bulkhead itself works from: the manual pages (mdoc), the
 * completions of bash and zsh, and the key tables of docs/config.md and
 * docs/policy.md. What no table knows is prose, in docs/man/PAGE.mdoc.
 *
 * A prose file begins with its .Dd line. What stands before its first .Sh ends
 * the DESCRIPTION; the line `.\" EXIT STATUS` is replaced by that section, and
 * `.\" KEYS` by the keys of the file that the page is about.
 */
#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "conf/load.h"
#include "conf/yaml.h"
#include "policy/policy.h"

enum { LINE_BYTES = 4096 };

struct page {
	FILE *out;
	char name[64]; /* "bulkhead-up", "bulkhead.yaml" */
	char section;
	const struct cli_command *c;   /* NULL: bulkhead itself, or a file */
	const struct load_schema *map; /* of a file's page */
	size_t maps;
};

static const struct load_schema *policy_maps(size_t *n)
{
	static struct load_schema maps[POLICY_MAPS];

	*n = policy_schema(maps, POLICY_MAPS);
	return maps;
}

/* own words to mdoc */

/* A word in back-quotes is bold; no line may begin with a request. */
static void man_text(FILE *out, const char *text)
{
	bool start = true, quoted = false;

	for (; *text; text++) {
		if (start && (*text == '.' || *text == '\''))
			(void)fputs("\\&", out);
		start = *text == '\n';
		if (*text == '`') {
			quoted = !quoted;
			(void)fputs(quoted ? "\\fB" : "\\fP", out);
		} else if (*text == '\\') {
			(void)fputs("\\e", out);
		} else if (*text == '-') {
			(void)fputs("\\-", out);
		} else if (*text == '~') {
			(void)fputs("\\(ti", out);
		} else if (*text == '\n') {
			(void)fputs("\n.Pp\n", out);
		} else if (!strncmp(text, ". ", 2)) {
			(void)fputs(".\n", out);
			start = true;
			text++;
		} else {
			(void)fputc(*text, out);
		}
	}
	(void)fputc('\n', out);
}

/* One argument of a macro: blanks do not part it, dashes stay dashes. */
static void man_word(FILE *out, const char *word)
{
	for (; *word; word++) {
		if (*word == ' ')
			(void)fputs("\\ ", out);
		else if (*word == '-')
			(void)fputs("\\-", out);
		else if (*word == '|')
			(void)fputs("\\*(Ba", out);
		else
			(void)fputc(*word, out);
	}
}

/* "Fl \-wait Ar SECONDS" */
static void man_flag(FILE *out, const struct cli_flag *f)
{
	(void)fputs("Fl ", out);
	man_word(out, f->name + 1);
	if (f->value) {
		(void)fputs(" Ar ", out);
		man_word(out, f->value);
	}
}

static void man_operands(FILE *out, const char *operands)
{
	char word[64];
	size_t n = strlen(operands);
	bool optional = operands[0] == '[';

	if (optional)
		n -= 2;
	(void)snprintf(word, sizeof(word), "%.*s", (int)n,
		       operands + (optional ? 1 : 0));
	(void)fputs(optional ? ".Op Ar " : ".Ar ", out);
	man_word(out, word);
	(void)fputc('\n', out);
}

/* One line of the synopsis. */
static void man_usage(FILE *out, const char *parent,
		      const struct cli_command *c)
{
	const struct cli_flag *f;

	(void)fprintf(out, ".Nm bulkhead %s", parent);
	(void)fprintf(out, "%s%s\n", parent[0] ? " " : "", c->name);
	for (f = c->flags; f && f->name; f++) {
		(void)fputs(".Op ", out);
		man_flag(out, f);
		(void)fputc('\n', out);
	}
	if (c->operands)
		man_operands(out, c->operands);
}

static void man_flags(FILE *out, const struct cli_flag *f)
{
	if (!f || !f->name)
		return;
	(void)fputs(".Bl -tag -width Ds\n", out);
	for (; f->name; f++) {
		(void)fputs(".It ", out);
		man_flag(out, f);
		(void)fputc('\n', out);
		man_text(out, f->help);
	}
	(void)fputs(".El\n", out);
}

/* the parts of a page */

static void exit_status(FILE *out)
{
	int code;

	(void)fputs(".Sh EXIT STATUS\n.Bl -tag -width Ds\n", out);
	for (code = CLI_OK; code < CLI_EXIT_MAX; code++) {
		(void)fprintf(out, ".It %d\n", code);
		man_text(out, cli_exit_text((enum cli_exit)code));
	}
	(void)fputs(".El\n", out);
}

static void command_head(const struct page *p)
{
	const struct cli_command *c = p->c, *part = c->parts;

	(void)fprintf(p->out, ".Sh NAME\n.Nm bulkhead-%s\n.Nd ", c->name);
	man_text(p->out, c->brief);
	(void)fputs(".Sh SYNOPSIS\n", p->out);
	if (!part)
		man_usage(p->out, "", c);
	for (; part && part->name; part++)
		man_usage(p->out, c->name, part);
	(void)fputs(".Sh DESCRIPTION\n", p->out);
	if (c->about)
		man_text(p->out, c->about);
	man_flags(p->out, c->flags);
	for (part = c->parts; part && part->name; part++) {
		(void)fprintf(p->out, ".Ss %s\n", part->name);
		man_text(p->out, part->brief);
		man_flags(p->out, part->flags);
	}
}

static void main_head(const struct page *p)
{
	const struct cli_command *c;

	(void)fputs(".Sh NAME\n.Nm bulkhead\n"
		    ".Nd run AI agents between virtual machines\n"
		    ".Sh SYNOPSIS\n.Nm\n.Op Fl \\-config Ar FILE\n"
		    ".Ar COMMAND ...\n.Sh DESCRIPTION\n",
		    p->out);
	(void)fputs("The commands, each with a page of its own:\n"
		    ".Bl -tag -width Ds\n",
		    p->out);
	for (c = cli_commands; c->name; c++) {
		if (c->run == cmd_help || c->run == cmd_version)
			(void)fprintf(p->out, ".It Cm %s\n", c->name);
		else
			(void)fprintf(p->out, ".It Xr bulkhead-%s 1\n",
				      c->name);
		man_text(p->out, c->brief);
	}
	(void)fputs(".El\n.Pp\nOptions of every command:\n", p->out);
	man_flags(p->out, cli_common);
}

static void man_key(FILE *out, const char *prefix, const struct load_rule *r)
{
	const struct yaml_field *f = &r->field;
	char words[LOAD_WORDS_TEXT];

	if (f->later)
		return;
	(void)fputs(".It Cm ", out);
	man_word(out, prefix);
	man_word(out, f->name);
	(void)fputc('\n', out);
	man_text(out, f->help);
	load_words(r, false, words, sizeof(words));
	(void)fputs(".br\n", out);
	man_text(out, words[0] ? words : f->value);
	if (f->required)
		(void)fputs(".br\nRequired.\n", out);
	if (!f->def)
		return;
	(void)fputs(".br\nDefault:\n", out);
	man_text(out, f->def);
}

/* The known keys and words that this version refuses, in one paragraph. */
static void man_later(const struct page *p, const struct load_schema *map)
{
	const char *gap = "Known, and refused by this version: ";
	char words[LOAD_WORDS_TEXT];
	bool any = false;
	size_t i;

	for (i = 0; i < map->n; i++) {
		const struct load_rule *r = &map->rules[i];

		load_words(r, true, words, sizeof(words));
		if (!r->field.later && !words[0])
			continue;
		(void)fprintf(p->out, "%s%s%s%s%s", any ? "" : ".Pp\n", gap,
			      r->field.name, words[0] ? ": " : "", words);
		any = true;
		gap = r->field.later && !words[0] ? ", " : "; ";
	}
	if (any)
		(void)fputs(".\n", p->out);
}

static void man_keys(const struct page *p)
{
	size_t i, k;

	(void)fputs(".Sh KEYS\n", p->out);
	for (i = 0; i < p->maps; i++) {
		if (p->map[i].prefix[0])
			(void)fprintf(p->out, ".Ss %s\n", p->map[i].prefix);
		else
			(void)fputs(".Ss Top level\n", p->out);
		(void)fputs(".Bl -tag -width Ds\n", p->out);
		for (k = 0; k < p->map[i].n; k++)
			man_key(p->out, p->map[i].prefix, &p->map[i].rules[k]);
		(void)fputs(".El\n", p->out);
		man_later(p, &p->map[i]);
	}
}

/* a page */

/* "bulkhead-up.1", "bulkhead.yaml.5": what it is about. 0 or -1. */
static int page_init(struct page *p, const char *file)
{
	size_t n = strlen(file);

	if (n < 3 || file[n - 2] != '.')
		return -1;
	(void)snprintf(p->name, sizeof(p->name), "%.*s", (int)n - 2, file);
	p->section = file[n - 1];
	if (!strcmp(file, "bulkhead.yaml.5"))
		p->map = conf_schema(&p->maps);
	else if (!strcmp(file, "bulkhead-policy.5"))
		p->map = policy_maps(&p->maps);
	else if (!strncmp(p->name, "bulkhead-", 9) && p->section == '1')
		p->c = cli_find(p->name + 9);
	return p->map || p->c || !strcmp(file, "bulkhead.1") ? 0 : -1;
}

static void page_title(const struct page *p)
{
	const char *s;

	(void)fputs(".Dt ", p->out);
	for (s = p->name; *s; s++)
		(void)fputc(*s >= 'a' && *s <= 'z' ? *s - 0x20 : *s, p->out);
	(void)fprintf(p->out, " %c\n.Os bulkhead %s\n", p->section,
		      BULKHEAD_VERSION);
}

static void prose_line(const struct page *p, const char *line)
{
	if (!strcmp(line, ".\\\" EXIT STATUS\n"))
		exit_status(p->out);
	else if (!strcmp(line, ".\\\" KEYS\n"))
		man_keys(p);
	else
		(void)fputs(line, p->out);
}

/* The page: the prose's date, what the tables say, the rest of the prose. */
static int write_page(struct page *p, FILE *prose)
{
	char line[LINE_BYTES];

	if (!fgets(line, sizeof(line), prose) ||
	    strncmp(line, ".Dd ", 4) != 0) {
		(void)fprintf(stderr, "%s: the prose begins with .Dd\n",
			      p->name);
		return 1;
	}
	(void)fputs(line, p->out);
	page_title(p);
	if (p->c)
		command_head(p);
	else if (!p->map)
		main_head(p);
	while (fgets(line, sizeof(line), prose))
		prose_line(p, line);
	return ferror(prose) || ferror(p->out) ? 1 : 0;
}

static int man(const char *file, const char *prose_path)
{
	FILE *prose = fopen(prose_path, "re");
	struct page p = { .out = stdout };
	int rc = 1;

	if (!prose)
		(void)fprintf(stderr, "%s: %s\n", prose_path, strerror(errno));
	else if (page_init(&p, file) < 0)
		(void)fprintf(stderr, "%s: no such command or file\n", file);
	else
		rc = write_page(&p, prose);
	if (prose)
		(void)fclose(prose);
	return rc;
}

/* the key tables of the pages in docs */

/* A cell: no bar, no newline; the words are our own. */
static void md_key(FILE *out, const char *prefix, const struct load_rule *r)
{
	const struct yaml_field *f = &r->field;
	char words[LOAD_WORDS_TEXT], later[LOAD_WORDS_TEXT];

	load_words(r, false, words, sizeof(words));
	load_words(r, true, later, sizeof(later));
	(void)fprintf(out, "| `%s%s` | %s%s%s | %s | %s |\n", prefix, f->name,
		      words[0] ? words : f->value, later[0] ? "; *later* " : "",
		      later,
		      f->required ? "required"
		      : f->def	  ? f->def
				  : "",
		      f->help);
}

static void md_later(FILE *out, const struct load_schema *map)
{
	bool any = false;
	size_t i;

	for (i = 0; i < map->n; i++) {
		if (!map->rules[i].field.later)
			continue;
		if (any)
			(void)fputc(' ', out);
		else if (map->prefix[0])
			(void)fprintf(out, "| `%s` ", map->prefix);
		else
			(void)fputs("| ", out);
		(void)fprintf(out, "`%s`", map->rules[i].field.name);
		any = true;
	}
	if (any)
		(void)fputs(" | *later* | | |\n", out);
}

static int markdown(const char *which)
{
	const struct load_schema *map;
	size_t maps, i, k;

	map = !strcmp(which, "config") ? conf_schema(&maps)
				       : policy_maps(&maps);
	(void)fputs("| key | value | default | meaning |\n|---|---|---|---|\n",
		    stdout);
	for (i = 0; i < maps; i++) {
		for (k = 0; k < map[i].n; k++)
			if (!map[i].rules[k].field.later)
				md_key(stdout, map[i].prefix, &map[i].rules[k]);
		md_later(stdout, &map[i]);
	}
	return 0;
}

/* completion */

static void flag_names(FILE *out, const struct cli_flag *f)
{
	const char *gap = "";

	for (; f && f->name; f++, gap = " ")
		(void)fprintf(out, "%s%s", gap, f->name);
}

static void bash_values(FILE *out, const char *path, const struct cli_flag *f)
{
	for (; f && f->name; f++) {
		if (!f->value)
			continue;
		(void)fprintf(out, "\t'%s %s') ", path, f->name);
		if (f->choices)
			(void)fprintf(out, "words='%s'", f->choices);
		else if (f->word == WORD_FILE)
			(void)fputs("kind=file", out);
		else if (f->word == WORD_DIR)
			(void)fputs("kind=directory", out);
		else
			(void)fputs("kind=none", out);
		(void)fputs(" ;;\n", out);
	}
}

static void bash_command(FILE *out, const char *path,
			 const struct cli_command *c)
{
	const struct cli_command *part;
	const char *gap = "";

	(void)fprintf(out, "\t'%s') flags='", path);
	flag_names(out, c->flags);
	(void)fputs("' words='", out);
	for (part = c->parts; part && part->name; part++, gap = " ")
		(void)fprintf(out, "%s%s", gap, part->name);
	(void)fprintf(out, "%s'", c->choices ? c->choices : "");
	if (c->word == WORD_COMMAND)
		(void)fputs(" words=$commands", out);
	else if (c->word == WORD_FILE)
		(void)fputs(" kind=file", out);
	(void)fputs(" ;;\n", out);
}

/* Calls each for every command ("items") and part ("audit tail"). */
static void each_path(FILE *out, void (*each)(FILE *, const char *,
					      const struct cli_command *))
{
	const struct cli_command *c, *part;
	char path[64];

	for (c = cli_commands; c->name; c++) {
		each(out, c->name, c);
		for (part = c->parts; part && part->name; part++) {
			(void)snprintf(path, sizeof(path), "%s %s", c->name,
				       part->name);
			each(out, path, part);
		}
	}
}

static void bash_flags(FILE *out, const char *path, const struct cli_command *c)
{
	bash_values(out, path, c->flags);
}

static void command_names(FILE *out)
{
	const struct cli_command *c;

	for (c = cli_commands; c->name; c++)
		(void)fprintf(out, "%s%s", c == cli_commands ? "" : " ",
			      c->name);
}

static void with_parts(FILE *out)
{
	const struct cli_command *c;
	const char *gap = "";

	for (c = cli_commands; c->name; c++) {
		if (!c->parts)
			continue;
		(void)fprintf(out, "%s%s", gap, c->name);
		gap = "|";
	}
}

static int bash(void)
{
	FILE *out = stdout;

	(void)fputs("# bash completion of bulkhead, made from its tables.\n"
		    "_bulkhead()\n{\n"
		    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev= path= i w\n"
		    "\tlocal flags= words= kind= commands='",
		    out);
	command_names(out);
	(void)fputs(
		"'\n\tCOMPREPLY=()\n"
		"\t((COMP_CWORD > 0)) && prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
		"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
		"\t\tw=${COMP_WORDS[i]}\n"
		"\t\tcase $w in\n"
		"\t\t--config) ((i++)) ;;\n"
		"\t\t-*) ;;\n"
		"\t\t*)\tif [[ -z $path ]]; then path=$w\n"
		"\t\t\telse case $path in ",
		out);
	with_parts(out);
	(void)fputs(") path+=\" $w\" ;; esac; fi ;;\n\t\tesac\n\tdone\n"
		    "\tcase \"$path\" in\n"
		    "\t'') words=$commands flags=--version ;;\n",
		    out);
	each_path(out, bash_command);
	(void)fputs("\tesac\n\tcase \"$path $prev\" in\n"
		    "\t*' --config') kind=file words= flags= ;;\n",
		    out);
	each_path(out, bash_flags);
	(void)fputs(
		"\tesac\n"
		"\tcase \"$path $prev\" in *' '-*) [[ $kind ]] && words= ;; "
		"esac\n"
		"\tif [[ $cur == -* && $kind != none ]]; then\n"
		"\t\tCOMPREPLY=($(compgen -W \"$flags --config --help\" -- "
		"\"$cur\"))\n"
		"\telif [[ $kind == file || $kind == directory ]]; then\n"
		"\t\tcompopt -o filenames 2>/dev/null\n"
		"\t\tmapfile -t COMPREPLY < <(compgen -A $kind -- \"$cur\")\n"
		"\telif [[ $kind != none ]]; then\n"
		"\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
		"\tfi\n}\ncomplete -F _bulkhead bulkhead\n",
		out);
	return 0;
}

/* Inside of single quotes, in the notation of _arguments. */
static void zsh_text(FILE *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '\'')
			(void)fputs("'\\''", out);
		else if (strchr("[]:\\", *s))
			(void)fprintf(out, "\\%c", *s);
		else
			(void)fputc(*s, out);
	}
}

static void zsh_action(FILE *out, const char *choices, enum cli_word word)
{
	if (choices)
		(void)fprintf(out, "(%s)", choices);
	else if (word == WORD_FILE)
		(void)fputs("_files", out);
	else if (word == WORD_DIR)
		(void)fputs("_files -/", out);
	else if (word == WORD_COMMAND)
		(void)fputs("_bulkhead_commands", out);
}

static void zsh_flags(FILE *out, const struct cli_flag *f)
{
	for (; f && f->name; f++) {
		(void)fprintf(out, " \\\n\t\t'%s[", f->name);
		zsh_text(out, f->help);
		(void)fputc(']', out);
		if (f->value) {
			(void)fprintf(out, ":%s:", f->value);
			zsh_action(out, f->choices, f->word);
		}
		(void)fputc('\'', out);
	}
}

static void zsh_command(FILE *out, const char *path,
			const struct cli_command *c)
{
	const struct cli_command *part;

	if (c->parts) {
		(void)fprintf(out, "\t'%s') part=1; _values part", path);
		for (part = c->parts; part->name; part++) {
			(void)fprintf(out, " '%s[", part->name);
			zsh_text(out, part->brief);
			(void)fputs("]'", out);
		}
		(void)fputs(" ;;\n", out);
		return;
	}
	(void)fprintf(out, "\t'%s') _arguments", path);
	zsh_flags(out, c->flags);
	if (c->operands) {
		(void)fprintf(out, " \\\n\t\t'%s:",
			      strstr(c->operands, "...") ? "*" : "1");
		zsh_text(out, c->operands);
		(void)fputc(':', out);
		zsh_action(out, c->choices, c->word);
		(void)fputc('\'', out);
	}
	(void)fputs(" ;;\n", out);
}

static int zsh(void)
{
	const struct cli_command *c;
	FILE *out = stdout;

	(void)fputs("#compdef bulkhead\n"
		    "# zsh completion of bulkhead, made from its tables.\n"
		    "_bulkhead_commands()\n{\n\tlocal -a commands\n"
		    "\tcommands=(",
		    out);
	for (c = cli_commands; c->name; c++) {
		(void)fprintf(out, "\n\t\t'%s:", c->name);
		zsh_text(out, c->brief);
		(void)fputc('\'', out);
	}
	(void)fputs(")\n\t_describe -t commands command commands\n}\n\n"
		    "_bulkhead_command()\n{\n\tcase $1 in\n",
		    out);
	each_path(out, zsh_command);
	(void)fputs("\tesac\n}\n\n_bulkhead()\n{\n"
		    "\tlocal curcontext=$curcontext state line part\n"
		    "\t_arguments -C",
		    out);
	zsh_flags(out, cli_common);
	(void)fputs(" \\\n\t\t'1:command:_bulkhead_commands' "
		    "'*::word:->words'\n"
		    "\t[[ $state == words ]] || return\n"
		    "\tcase $words[1] in\n\t",
		    out);
	with_parts(out);
	(void)fputs(
		")\n\t\tif ((CURRENT > 2)); then\n"
		"\t\t\tpart=\"$words[1] $words[2]\"\n"
		"\t\t\tshift words\n\t\t\t((CURRENT--))\n"
		"\t\t\t_bulkhead_command \"$part\"\n"
		"\t\telse\n\t\t\t_bulkhead_command $words[1]\n\t\tfi ;;\n"
		"\t*) _bulkhead_command $words[1] ;;\n\tesac\n}\n\n"
		"if [[ $funcstack[1] == _bulkhead ]]; then _bulkhead \"$@\"\n"
		"else compdef _bulkhead bulkhead\nfi\n",
		out);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "man"))
		return man(argv[2], argv[3]);
	if (argc == 3 && !strcmp(argv[1], "markdown"))
		return markdown(argv[2]);
	if (argc == 2 && !strcmp(argv[1], "bash"))
		return bash();
	if (argc == 2 && !strcmp(argv[1], "zsh"))
		return zsh();
	(void)fputs("usage: manual man PAGE PROSE | markdown config|policy | "
		    "bash | zsh\n",
		    stderr);
	return 2;
}
