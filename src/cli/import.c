/*
 * import: bulkhead.yaml, a policy and a vault from what another program keeps.
 *
 * Both files are checked before they are written. Secrets go into the vault, or
 * leave by a pipe, one at a time and by name: nothing here writes them to a
 * disk in the clear, and none is an argument of a command.
 */
#include "cli/import.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/first.h"
#include "cli/newfile.h"
#include "cli/vault_box.h"
#include "policy/policy.h"

struct import {
	const char *from, *dir, *secret;
	bool dry, tasks;
};

static int check(const char *dir, const struct openclaw *o, struct conf *ret)
{
	CLEAN_BUF struct buf errs;
	struct policy *loaded = NULL;
	int rc;

	buf_init(&errs, 1 << 16);
	rc = conf_parse("bulkhead.yaml", buf_view(&o->conf), dir, cli_home(),
			ret, &errs);
	if (rc == 0)
		rc = policy_load("assistant.yaml", buf_view(&o->policy), NULL,
				 &loaded, &errs);
	policy_free(loaded);
	if (rc < 0) {
		cli_error("what was taken over makes no valid configuration:");
		cli_show_lines(stderr, buf_view(&errs));
		return CLI_NO;
	}
	return 0;
}

static void report(const struct openclaw *o, const struct import_dir *d)
{
	cli_show_lines(stdout, buf_view(&d->warnings));
	cli_show_lines(stdout, buf_view(&o->report));
}

static int give_secret(const struct import *i, const struct openclaw *o)
{
	size_t k;

	if (isatty(STDOUT_FILENO)) {
		cli_error("a secret is not shown on a terminal: pipe it into "
			  "`bulkhead vault set %s`",
			  i->secret);
		return CLI_USAGE;
	}
	for (k = 0; k < o->n_secrets; k++)
		if (!strcmp(o->secrets[k].name, i->secret))
			return fd_write_all(STDOUT_FILENO,
					    span_str(o->secrets[k].value)) < 0
				       ? CLI_NO
				       : CLI_OK;
	cli_error("there is no secret of that name to be taken over: see "
		  "--dry-run");
	return CLI_NO;
}

static int write_all(const char *dir, const struct openclaw *o,
		     const struct conf *c)
{
	struct vault_new_secret secrets[OPENCLAW_SECRETS];
	size_t k;
	int r = box_prepare();

	for (k = 0; k < o->n_secrets; k++) {
		const struct openclaw_secret *s = &o->secrets[k];

		secrets[k] = (struct vault_new_secret){
			.name = s->name,
			.connector = s->connector,
			.hosts = s->hosts,
			.value = span_str(s->value),
		};
	}
	return r != CLI_OK ? r
			   : first_write(dir, &o->conf, &o->policy, c,
					 c->vault.n_files ? secrets : NULL,
					 o->n_secrets);
}

/* A file of ours with words of others in it: indents as they are, the rest of
 * each line through the renderer. */
static void show_file(const char *name, const struct buf *text)
{
	struct span rest = buf_view(text);

	(void)printf("\n--- %s\n", name);
	while (rest.n) {
		const uint8_t *end = memchr(rest.p, '\n', rest.n);
		size_t n = end ? (size_t)(end - rest.p) : rest.n, indent = 0;

		while (indent < n && rest.p[indent] == ' ')
			indent++;
		(void)printf("%*s", (int)indent, "");
		cli_show(stdout, span_of(rest.p + indent, n - indent));
		(void)printf("\n");
		n += end != NULL;
		rest = span_of(rest.p + n, rest.n - n);
	}
}

static int finish(const struct import *i, const struct openclaw *o,
		  const struct import_dir *d)
{
	static struct conf conf; /* large */
	char dir[CONF_PATH_MAX];
	int rc;

	if (i->secret)
		return give_secret(i, o);
	if (newfile_dir(i->dir, dir, sizeof(dir)) < 0) {
		cli_error("the directory's path is too long: name another "
			  "with --dir");
		return CLI_USAGE;
	}
	rc = check(dir, o, &conf);
	report(o, d);
	if (rc != 0 || !i->dry)
		return rc != 0 ? rc : write_all(dir, o, &conf);
	show_file("bulkhead.yaml", &o->conf);
	show_file("assistant.yaml", &o->policy);
	return CLI_OK;
}

static int run(const struct import *i, struct openclaw *o)
{
	struct import_dir d;
	struct err e = { 0 };
	int rc = import_dir_read(i->from, &d, &e);

	if (rc == 0)
		rc = openclaw_read(o, d.files, d.n, i->tasks, &e);
	if (rc < 0) {
		cli_show_lines(stderr, buf_view(&d.warnings));
		cli_error("%s", e.msg);
		rc = CLI_NO;
	} else {
		rc = finish(i, o, &d);
	}
	import_dir_done(&d);
	return rc;
}

int cmd_import(int argc, char **argv, const struct cli *)
{
	struct import i = { 0 };
	const struct cli_opt opts[] = {
		{ "--dry-run", &i.dry, NULL },
		{ "--tasks", &i.tasks, NULL },
		{ "--dir", NULL, &i.dir },
		{ "--secret", NULL, &i.secret },
	};
	struct openclaw *o;
	int rc;

	if (argc < 2 || strcmp(argv[1], "openclaw") != 0)
		return cli_usage(argv[0], "say what of: openclaw");
	argc--;
	argv++;
	if (cli_options(&argc, argv, opts, ARRAY_SIZE(opts)) != 0)
		return CLI_USAGE;
	if (argc != 2)
		return cli_usage(argv[0], "name its directory, e.g. "
					  "~/.openclaw");
	i.from = argv[1];
	o = malloc(sizeof(*o));
	if (!o) {
		cli_error("out of memory");
		return CLI_NO;
	}
	openclaw_init(o);
	rc = run(&i, o);
	openclaw_done(o);
	free(o);
	return rc;
}
