/*
 * restore: a backup becomes the state directory: unpacked beside it, checked,
 * then renamed, so that there is never half of one.
 *
 * SECURITY: the backup may have been in others' hands. It is read by archive.c,
 * which believes nothing; whatever is wrong with it leaves nothing behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/place.h"
#include "state/state.h"

/* The state directory must not be there, or hold nothing. */
static int check_target(const struct conf *conf)
{
	char parent[CONF_PATH_MAX];
	char *slash;
	int r;

	if (rmdir(conf->state) < 0 && errno != ENOENT) {
		cli_error("%s: %s: nothing is overwritten. Stop bulkhead, then "
			  "mv %s %s.old",
			  conf->state,
			  errno == ENOTEMPTY ? "is there already"
					     : strerror(errno),
			  conf->state, conf->state);
		return CLI_NO;
	}
	if (str_copy(parent, sizeof(parent), span_str(conf->state)) < 0)
		return CLI_NO;
	slash = strrchr(parent, '/');
	if (!slash || slash == parent)
		return CLI_OK;
	*slash = 0;
	r = place_make(parent);
	if (r < 0)
		cli_error("%s: %s: make it, or name another state directory in "
			  "bulkhead.yaml",
			  parent, strerror(-r));
	return r < 0 ? CLI_NO : CLI_OK;
}

static int open_in(const char *path)
{
	int fd = strcmp(path, "-") != 0
			 ? open(path, O_RDONLY | O_CLOEXEC)
			 : fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		cli_error("%s: %s: name a file that `bulkhead backup` made",
			  path, strerror(errno));
	return fd;
}

/* The directory's name, and that of its entry, are durable after this. */
static int put_in_place(const char *aside, const char *state)
{
	char parent[CONF_PATH_MAX];
	CLEAN_FD int fd = -1;
	char *slash;

	if (rename(aside, state) < 0 ||
	    str_copy(parent, sizeof(parent), span_str(state)) < 0)
		return -1;
	slash = strrchr(parent, '/');
	if (slash)
		slash[slash == parent ? 1 : 0] = 0;
	fd = open(slash ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -1 : fsync(fd);
}

static int unpack(const struct conf *conf, int in, const char *path)
{
	char aside[CONF_PATH_MAX + 32];
	struct state_sum sum = { 0 };
	struct err err = { 0 };
	CLEAN_FD int dir = -1;
	int r;

	if (str_printf(aside, sizeof(aside), "%s.restore-XXXXXX", conf->state) <
		    0 ||
	    !mkdtemp(aside)) {
		cli_error("%s: %s: check its owner", aside, strerror(errno));
		return CLI_NO;
	}
	dir = open(aside, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = dir < 0 ? -errno : state_restore(in, dir, &sum, &err);
	if (r == 0 && put_in_place(aside, conf->state) < 0)
		r = err_set(&err, -errno, "cannot become %s: %s", conf->state,
			    strerror(errno));
	if (r < 0) {
		cli_error("%s: nothing was restored: %s", path,
			  err.code ? err.msg : strerror(-r));
		if (dir >= 0 && state_clear(dir) == 0)
			(void)rmdir(aside);
		return CLI_NO;
	}
	(void)fprintf(stderr,
		      "Restored %s: version %u, %llu files, %llu records of "
		      "the audit log, verified.\nMessages that came in after "
		      "the backup are read again. Next: `bulkhead up`.\n",
		      conf->state, sum.version, (unsigned long long)sum.files,
		      (unsigned long long)sum.records);
	return CLI_OK;
}

int cmd_restore(int argc, char **argv, const struct cli *cli)
{
	CLEAN_FD int in = -1;
	struct conf conf;

	if (cli_options(&argc, argv, NULL, 0) != 0)
		return CLI_USAGE;
	if (argc != 2)
		return cli_usage("restore", "it takes one file, or - for "
					    "standard input");
	if (cli_conf(cli, &conf) != 0)
		return CLI_USAGE;
	in = open_in(argv[1]);
	if (in < 0 || check_target(&conf) != CLI_OK)
		return CLI_NO;
	return unpack(&conf, in, argv[1]);
}
