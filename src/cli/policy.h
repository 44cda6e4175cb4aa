/*
 * policy: what the parts of `bulkhead policy` share.
 */
#ifndef CLI_POLICY_H
#define CLI_POLICY_H

#include "cli/cli.h"
#include "policy/policy.h"

/* Loads one policy file; errors are in errs. 0 or -errno. */
[[nodiscard]] int policy_file(const char *path, struct policy **ret,
			      struct buf *errs);

/* The same; NULL after the errors were told on stderr. */
struct policy *policy_or_say(const char *path);

/* The policy of the configuration, or the embedded one; the same. */
struct policy *policy_configured(const struct cli *cli);

/* Options are taken out, but of the last two; argv[0] is the name of the part.
 */
int run_policy_diff(int argc, char **argv, const struct cli *cli);
int run_policy_blast(int argc, char **argv, const struct cli *cli);
int run_policy_unused(int argc, char **argv, const struct cli *cli);
int run_policy_suggest(int argc, char **argv, const struct cli *cli);
int run_policy_test(int argc, char **argv, const struct cli *cli);
int run_policy_explain(int argc, char **argv, const struct cli *cli);

#endif
