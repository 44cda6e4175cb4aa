/*
 * backup: the state directory into one file, which is whole or not there.
 *
 * SECURITY: the file holds the signing key of the audit log. It is made with
 * mode 0600 and under a new name only.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cli/cli.h"
#include "state/state.h"

static int open_state(const struct conf *conf)
{
	int fd = open(conf->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		cli_error("%s: there is no state yet: `bulkhead up` makes it",
			  conf->state);
	else if (fd < 0)
		cli_error("%s: %s: check its owner", conf->state,
			  strerror(errno));
	return fd;
}

static int open_out(const char *path)
{
	int fd;

	if (strcmp(path, "-") != 0) {
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0)
			cli_error("%s: %s: name another file", path,
				  strerror(errno));
		return fd;
	}
	if (isatty(STDOUT_FILENO)) {
		cli_error("a backup is no text for a terminal: name a file, or "
			  "redirect it");
		return -1;
	}
	return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
}

static int write_out(const struct conf *conf, int dir, int out,
		     const char *path)
{
	struct state_sum sum = { 0 };
	struct err err = { 0 };
	int r = state_backup(dir, out, &sum, &err);

	if (r == 0 && strcmp(path, "-") != 0 && fsync(out) < 0)
		r = err_set(&err, -errno, "%s: %s", path, strerror(errno));
	if (r < 0) {
		cli_error("no backup was made: %s/%s", conf->state, err.msg);
		return CLI_NO;
	}
	(void)fprintf(stderr,
		      "Backed up %s: %llu files, %llu bytes, %llu records of "
		      "the audit log.\nIt holds the log's signing key: keep it "
		      "where only you can read it.\n",
		      conf->state, (unsigned long long)sum.files,
		      (unsigned long long)sum.bytes,
		      (unsigned long long)sum.records);
	return CLI_OK;
}

int cmd_backup(int argc, char **argv, const struct cli *cli)
{
	CLEAN_FD int dir = -1, out = -1;
	struct conf conf;
	int rc;

	if (cli_options(&argc, argv, NULL, 0) != 0)
		return CLI_USAGE;
	if (argc != 2)
		return cli_usage("backup", "it takes one file, or - for "
					   "standard output");
	if (cli_conf(cli, &conf) != 0)
		return CLI_USAGE;
	dir = open_state(&conf);
	out = dir < 0 ? -1 : open_out(argv[1]);
	if (out < 0)
		return CLI_NO;
	rc = write_out(&conf, dir, out, argv[1]);
	if (rc != CLI_OK && strcmp(argv[1], "-") != 0)
		(void)unlink(argv[1]);
	return rc;
}
