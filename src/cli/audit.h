/*
 * audit: what the parts of `bulkhead audit` share.
 */
#ifndef CLI_AUDIT_H
#define CLI_AUDIT_H

#include "cli/cli.h"

/* The log, and its tip; -1: none. */
struct audit_log {
	int dir;
	int tip;
	bool live; /* auditd writes it */
};

void audit_log_done(struct audit_log *o);

#define CLEAN_LOG __attribute__((cleanup(audit_log_done)))

/* Opens the log and waits for what is on its way. CLI_OK, or another code after
 * it told why. */
int audit_log_open(const struct cli *cli, struct audit_log *ret);

/* The parts that are in files of their own; as cli_fn. */
int audit_keys(int argc, char **argv, const struct cli *cli);
int audit_root(int argc, char **argv, const struct cli *cli);
int audit_query(int argc, char **argv, const struct cli *cli);
int audit_erase(int argc, char **argv, const struct cli *cli);

#endif
