/*
 * vault_new: the vault of a new configuration: a key, and a file that holds the
 * first secrets, each for its connector and that one's hosts alone.
 */
#ifndef CLI_VAULT_NEW_H
#define CLI_VAULT_NEW_H

#include "base/span.h"
#include "conf/conf.h"

/* Where they are, in the configuration's folder; and what it has to say so. */
#define VAULT_NEW_FILE	   "secrets.age"
#define VAULT_NEW_IDENTITY "identity.txt"
#define VAULT_NEW_CONF                                                         \
	"\nvault: {files: [" VAULT_NEW_FILE "], identity: " VAULT_NEW_IDENTITY \
	"}\n"

struct vault_new_secret {
	const char *name;
	const char *connector;
	const char *hosts; /* "name:port name:port"; NULL: those of the
			      connector of that name in the configuration */
	struct span value; /* borrowed */
};

/*
 * Makes both files, 0600, in a folder that has neither, after box_prepare.
 * CLI_OK, or an exit code after it said why, and then there is neither.
 */
[[nodiscard]] int vault_new(const char *dir, const struct conf *conf,
			    const struct vault_new_secret *secrets, size_t n);

/* Takes both away again: what stands beside them was not made. */
void vault_new_undo(const char *dir);

#endif
