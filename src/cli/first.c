/* first: see first.h. */
#include "cli/first.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/cli.h"
#include "cli/newfile.h"
#include "cli/place.h"

/* The one that makes the others count comes last. */
static const char policy_name[] = "assistant.yaml";
static const char conf_name[] = "bulkhead.yaml";

static bool is_there(const char *dir, const char *name)
{
	char path[CONF_PATH_MAX];

	return str_printf(path, sizeof(path), "%s/%s", dir, name) < 0 ||
	       access(path, F_OK) == 0;
}

static void take_away(const char *dir, const char *name)
{
	char path[CONF_PATH_MAX];

	if (str_printf(path, sizeof(path), "%s/%s", dir, name) > 0)
		(void)unlink(path);
}

static int write_files(const char *dir, const struct buf *text,
		       const struct buf *policy)
{
	int rc = newfile_write(dir, policy_name, policy);

	if (rc == 0) {
		rc = newfile_write(dir, conf_name, text);
		if (rc != 0)
			take_away(dir, policy_name);
	}
	if (rc >= 0)
		return rc == 0 ? CLI_OK : CLI_NO;
	cli_error("%s: %s: name another directory with --dir", dir,
		  strerror(-rc));
	return CLI_NO;
}

static int write_all(const char *dir, const struct buf *text,
		     const struct buf *policy, const struct conf *conf,
		     const struct vault_new_secret *secrets, size_t n)
{
	int r = place_make(dir);

	if (r < 0) {
		cli_error("%s: %s: name another directory with --dir", dir,
			  strerror(-r));
		return CLI_NO;
	}
	if (!secrets)
		return write_files(dir, text, policy);
	r = vault_new(dir, conf, secrets, n);
	if (r != CLI_OK)
		return r;
	r = write_files(dir, text, policy);
	if (r != CLI_OK)
		vault_new_undo(dir);
	else
		(void)printf("wrote %s/" VAULT_NEW_FILE ", with %zu secrets\n"
			     "wrote %s/" VAULT_NEW_IDENTITY
			     ", which opens it: keep a copy somewhere safe\n",
			     dir, n, dir);
	return r;
}

int first_write(const char *dir, const struct buf *text,
		const struct buf *policy, const struct conf *conf,
		const struct vault_new_secret *secrets, size_t n)
{
	sigset_t all, was;
	int r;

	if (is_there(dir, conf_name) || is_there(dir, policy_name)) {
		(void)printf("%s has a configuration already; left as it is. "
			     "Move it away, or name another directory with "
			     "--dir.\n",
			     dir);
		return CLI_NO;
	}
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &was);
	r = write_all(dir, text, policy, conf, secrets, n);
	(void)sigprocmask(SIG_SETMASK, &was, NULL);
	return r;
}
