/*
 * bulkhead policy test and explain: calls as a file has them, decided by the
 * engine that decides in the broker. Nothing is executed, nothing is asked.
 *
 * SECURITY: as policy.c.
 */
#include "policy/vectors.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cli/policy.h"
#include "conf/conf.h"

enum { TRACE_MAX = 1 << 20 };

/* The file that is named there, beside the one that names it. */
static int beside(const char *path, const char *name, char *dst, size_t cap)
{
	const char *slash = strrchr(path, '/');
	int n = slash && *name != '/' ? (int)(slash + 1 - path) : 0;

	return str_printf(dst, cap, "%.*s%s", n, path, name);
}

static json_t *result_json(const struct vector_result *r)
{
	return json_pack("{s:s, s:i, s:b, s:s, s:s, s:s, s:s, s:s}", "name",
			 r->name, "line", (int)r->at.line, "ok", r->ok, "want",
			 r->want, "clause", r->clause, "verdict", r->verdict,
			 "by", r->got, "reason", r->reason);
}

static void tell(const char *path, const struct vector_result *r)
{
	CLEAN_BUF struct buf line;

	buf_init(&line, 4096);
	buf_printf(&line, "%s:%u:%u: %s: %s by %s, not %s by %s: %s\n", path,
		   r->at.line, r->at.column, r->name, r->verdict, r->got,
		   r->want, r->clause, r->reason);
	cli_show_lines(stdout, buf_view(&line));
}

/* All vectors of a file; how many are not as they say, or -1. */
static int run_file(const char *path, const struct vectors *v,
		    const struct policy *p, json_t *list, struct buf *errs)
{
	struct vector_result r;
	int bad = 0;
	size_t i;

	for (i = 0; i < vectors_count(v); i++) {
		int code = vectors_run(v, p, i, &r, errs);

		if (code == -ENOMEM)
			buf_str(errs, "out of memory\n");
		if (code < 0)
			return -1;
		if (list)
			(void)json_array_append_new(list, result_json(&r));
		else if (!r.ok)
			tell(path, &r);
		bad += !r.ok;
	}
	return bad;
}

static int load_vectors(const char *path, struct vectors **v, struct policy **p,
			struct buf *errs)
{
	CLEAN_BUF struct buf text;
	char policy[CONF_PATH_MAX];
	int r;

	buf_init(&text, YAML_FILE_MAX + 1);
	r = conf_read_file(path, &text, errs);
	if (r == 0)
		r = vectors_load(path, buf_view(&text), v, errs);
	if (r < 0)
		return r;
	if (beside(path, vectors_policy(*v), policy, sizeof(policy)) < 0) {
		buf_printf(errs, "%s: the policy's path is too long\n", path);
		return -EINVAL;
	}
	return policy_file(policy, p, errs);
}

static int test_one(const char *path, json_t *list)
{
	CLEAN_BUF struct buf errs;
	struct vectors *v = NULL;
	struct policy *p = NULL;
	int bad = -1;

	buf_init(&errs, 1 << 20);
	if (load_vectors(path, &v, &p, &errs) == 0)
		bad = run_file(path, v, p, list, &errs);
	if (bad < 0)
		cli_show_lines(stderr, buf_view(&errs));
	else if (!list)
		(void)printf("%s: %zu calls, %d not decided as they say\n",
			     path, vectors_count(v), bad);
	policy_free(p);
	vectors_free(v);
	return bad ? CLI_NO : CLI_OK;
}

int run_policy_test(int argc, char **argv, const struct cli *cli)
{
	json_t *list = NULL;
	int i, rc = CLI_OK;

	if (argc < 2)
		return cli_usage(argv[0], "name the files with the calls");
	if (cli->json)
		list = json_array();
	for (i = 1; i < argc; i++)
		if (test_one(argv[i], list) != CLI_OK)
			rc = CLI_NO;
	if (list && cli_json(stdout, list) != CLI_OK)
		rc = CLI_NO;
	json_decref(list);
	return rc;
}

/* explain */

static int read_request(const char *path, struct buf *text, struct buf *errs)
{
	ssize_t n;

	if (strcmp(path, "-") != 0)
		return conf_read_file(path, text, errs);
	if (!buf_extend(text, YAML_FILE_MAX + 1))
		return -ENOMEM;
	n = fd_read_all(STDIN_FILENO, text->p, YAML_FILE_MAX + 1);
	if (n >= 0)
		buf_cut(text, (size_t)n);
	return n < 0 ? (int)n : 0;
}

static int show_explained(const struct cli *cli, struct buf *trace,
			  const struct vector_result *r)
{
	int rc = CLI_OK;
	json_t *json;

	if (!cli->json) {
		cli_show_lines(stdout, buf_view(trace));
		return CLI_OK;
	}
	json = json_pack("{s:s, s:s, s:s, s:s}", "verdict", r->verdict, "by",
			 r->got, "reason", r->reason, "steps", buf_cstr(trace));
	rc = cli_json(stdout, json);
	json_decref(json);
	return rc;
}

int run_policy_explain(int argc, char **argv, const struct cli *cli)
{
	CLEAN_BUF struct buf text;
	CLEAN_BUF struct buf errs;
	CLEAN_BUF struct buf trace;
	struct vector_result r = { 0 };
	struct policy *p;
	int code;

	buf_init(&text, YAML_FILE_MAX + 1);
	buf_init(&errs, 1 << 20);
	buf_init(&trace, TRACE_MAX);
	if (argc != 3)
		return cli_usage(argv[0],
				 "name a policy and a request, or - for one "
				 "on standard input");
	p = policy_or_say(argv[1]);
	if (!p)
		return CLI_NO;
	code = read_request(argv[2], &text, &errs);
	if (code == 0)
		code = vectors_explain(argv[2], buf_view(&text), p, &trace, &r,
				       &errs);
	policy_free(p);
	if (code == 0)
		return show_explained(cli, &trace, &r);
	if (!errs.n)
		buf_printf(&errs, "%s: %s\n", argv[2], strerror(-code));
	cli_show_lines(stderr, buf_view(&errs));
	return CLI_NO;
}
