/* cli: see cli.h. */
#include "cli/cli.h"

#include <assert.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "render/render.h"

enum { SHOW_MAX = 16 << 20 };

const struct cli_command *cli_find(const char *name)
{
	const struct cli_command *c;

	for (c = cli_commands; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

const struct cli_command *cli_find_any(const char *name)
{
	const struct cli_command *c = cli_find(name), *part;

	if (c)
		return c;
	for (c = cli_commands; c->name; c++)
		for (part = c->parts; part && part->name; part++)
			if (!strcmp(part->name, name))
				return part;
	return NULL;
}

static const struct cli_flag *find_flag(const struct cli_flag *flags,
					const char *name)
{
	for (; flags && flags->name; flags++)
		if (!strcmp(flags->name, name))
			return flags;
	return NULL;
}

/* Whether the table has the option: of the command, or of a part of it. */
static bool listed(const char *command, const char *option)
{
	const struct cli_command *c = cli_find(command), *part;

	if (c && find_flag(c->flags, option))
		return true;
	for (part = c ? c->parts : NULL; part && part->name; part++)
		if (find_flag(part->flags, option))
			return true;
	for (c = cli_commands; c->name; c++)
		for (part = c->parts; part && part->name; part++)
			if (!strcmp(part->name, command) &&
			    find_flag(part->flags, option))
				return true;
	return false;
}

void cli_usage_of(struct buf *b, const struct cli_command *c)
{
	const char *gap = "";
	const struct cli_flag *f;

	for (f = c->flags; f && f->name; f++, gap = " ")
		buf_printf(b, "%s[%s%s%s]", gap, f->name, f->value ? " " : "",
			   f->value ? f->value : "");
	if (c->operands)
		buf_printf(b, "%s%s", gap, c->operands);
}

const char *cli_exit_text(enum cli_exit code)
{
	static const char *const text[] = {
		[CLI_OK] = "done",
		[CLI_NO] = "the answer is no: refused, failed, not in order",
		[CLI_USAGE] = "wrong options, or errors in the configuration",
		[CLI_TIMEOUT] = "--wait ran out",
		[CLI_VM] = "a virtual machine could not do its work",
		[CLI_DOWN] = "bulkhead is not running",
	};

	static_assert(ARRAY_SIZE(text) == CLI_EXIT_MAX, "a text per code");
	return (unsigned)code < CLI_EXIT_MAX ? text[code] : NULL;
}

void cli_error(const char *fmt, ...)
{
	va_list ap;

	(void)fputs("bulkhead: ", stderr);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
}

/* "usage: bulkhead audit tail [-n N]", a line for each part. */
static void print_usage(FILE *out, const struct cli_command *c)
{
	const struct cli_command *part = c->parts;

	do {
		CLEAN_BUF struct buf b;

		buf_init(&b, 4096);
		buf_printf(&b, "usage: bulkhead %s ", c->name);
		if (part)
			buf_printf(&b, "%s ", part->name);
		cli_usage_of(&b, part ? part : c);
		if (b.n && b.p[b.n - 1] == ' ')
			buf_cut(&b, b.n - 1);
		(void)fprintf(out, "%s\n", buf_cstr(&b));
	} while (part && (++part)->name);
}

int cli_usage(const char *command, const char *fmt, ...)
{
	const struct cli_command *c = command ? cli_find(command) : NULL;
	va_list ap;

	(void)fputs("bulkhead: ", stderr);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	if (c)
		print_usage(stderr, c);
	else
		(void)fputs("`bulkhead help` lists what there is\n", stderr);
	return CLI_USAGE;
}

/* Sets the option at argv[i]; returns the words it used, 0 if unknown, -1. */
static int take_option(int argc, char **argv, int i, const struct cli_opt *o,
		       size_t n)
{
	size_t k, len;

	for (k = 0; k < n; k++) {
		len = strlen(o[k].name);
		if (strncmp(argv[i], o[k].name, len) != 0 ||
		    (argv[i][len] && argv[i][len] != '=') ||
		    !listed(argv[0], o[k].name))
			continue;
		if (o[k].flag && !argv[i][len]) {
			*o[k].flag = true;
			return 1;
		}
		if (o[k].value && argv[i][len] == '=') {
			*o[k].value = argv[i] + len + 1;
			return 1;
		}
		if (!o[k].value || i + 1 >= argc)
			return -1;
		*o[k].value = argv[i + 1];
		return 2;
	}
	return 0;
}

int cli_options(int *argc, char **argv, const struct cli_opt *opts, size_t n)
{
	int in = 1, out = 1;

	while (in < *argc) {
		int used;

		if (argv[in][0] != '-' || !argv[in][1]) {
			argv[out++] = argv[in++];
			continue;
		}
		if (!strcmp(argv[in], "--")) {
			in++;
			break;
		}
		used = take_option(*argc, argv, in, opts, n);
		if (used == 0)
			return cli_usage(argv[0], "unknown option %s",
					 argv[in]);
		if (used < 0)
			return cli_usage(argv[0],
					 "%s: a value is missing, or "
					 "one too many",
					 argv[in]);
		in += used;
	}
	while (in < *argc)
		argv[out++] = argv[in++];
	argv[out] = NULL;
	*argc = out;
	return 0;
}

const char *cli_home(void)
{
	const char *home = getenv("HOME");
	const struct passwd *pw;

	if (home && home[0] == '/')
		return home;
	pw = getpwuid(getuid());
	return pw && pw->pw_dir[0] == '/' ? pw->pw_dir : "/";
}

int cli_conf_path(const struct cli *cli, char *dst, size_t cap)
{
	const char *p = cli->config_path;

	if (!p)
		p = getenv("BULKHEAD_CONFIG");
	if (p)
		return str_copy(dst, cap, span_str(p));
	p = getenv("XDG_CONFIG_HOME");
	if (p && p[0] == '/') {
		if (str_printf(dst, cap, "%s/bulkhead/bulkhead.yaml", p) < 0)
			return -1;
	} else if (str_printf(dst, cap, "%s/.config/bulkhead/bulkhead.yaml",
			      cli_home()) < 0) {
		return -1;
	}
	if (access(dst, F_OK) != 0)
		dst[0] = 0;
	return 0;
}

int cli_conf(const struct cli *cli, struct conf *ret)
{
	CLEAN_BUF struct buf errs;
	char path[CONF_PATH_MAX];
	int rc;

	buf_init(&errs, 1 << 20);
	if (cli_conf_path(cli, path, sizeof(path)) < 0) {
		cli_error("the path of the configuration is too long: name a "
			  "shorter one");
		return CLI_USAGE;
	}
	rc = conf_load(path, cli_home(), ret, &errs);
	if (rc == 0)
		return 0;
	if (errs.n)
		(void)fputs(buf_cstr(&errs), stderr);
	else
		cli_error("%s: %s", path[0] ? path : "embedded defaults",
			  strerror(-rc));
	return CLI_USAGE;
}

void cli_show(FILE *out, struct span foreign)
{
	CLEAN_BUF struct buf b;

	buf_init(&b, SHOW_MAX);
	render_text(&b, foreign, NULL, NULL);
	if (b.n)
		(void)fwrite(b.p, 1, b.n, out);
}

void cli_show_lines(FILE *out, struct span text)
{
	size_t from = 0, i;

	for (i = 0; i <= text.n; i++) {
		if (i < text.n && text.p[i] != '\n')
			continue;
		if (i > from) {
			cli_show(out, span_of(text.p + from, i - from));
			(void)fputc('\n', out);
		}
		from = i + 1;
	}
}
