/*
 * bulkhead policy diff: the authority that a new policy adds and takes away.
 */
#include "policy/diff.h"

#include "cli/policy.h"

static int print_json(const struct policy_diff *d, struct buf *lines)
{
	json_t *j =
		json_pack("{s:I, s:I, s:I, s:s}", "added", (json_int_t)d->added,
			  "removed", (json_int_t)d->removed, "unclear",
			  (json_int_t)d->unclear, "lines", buf_cstr(lines));
	int rc = cli_json(stdout, j);

	json_decref(j);
	return rc;
}

static int print(const struct policy *was, const struct policy *is,
		 const struct cli *cli)
{
	CLEAN_BUF struct buf lines;
	struct policy_diff d;

	buf_init(&lines, 16 << 20);
	policy_diff(was, is, &lines, &d);
	if (!buf_ok(&lines)) {
		cli_error("more differences than fit");
		return CLI_NO;
	}
	if (cli->json && print_json(&d, &lines) != CLI_OK)
		return CLI_NO;
	if (!cli->json) {
		cli_show_lines(stdout, buf_view(&lines));
		(void)printf("authority added: %zu, removed: %zu, unclear: "
			     "%zu\n",
			     d.added, d.removed, d.unclear);
	}
	return d.added + d.unclear ? CLI_NO : CLI_OK;
}

int run_policy_diff(int argc, char **argv, const struct cli *cli)
{
	struct policy *was, *is;
	int rc = CLI_USAGE;

	if (argc != 3)
		return cli_usage("diff", "name the old file and the new one");
	was = policy_or_say(argv[1]);
	is = policy_or_say(argv[2]);
	if (was && is)
		rc = print(was, is, cli);
	policy_free(was);
	policy_free(is);
	return rc;
}
