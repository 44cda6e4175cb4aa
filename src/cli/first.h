/*
 * first: what a first configuration consists of, written as a whole or not at
 * all: bulkhead.yaml, its policy, and the vault of its secrets.
 */
#ifndef CLI_FIRST_H
#define CLI_FIRST_H

#include "base/buf.h"
#include "cli/vault_new.h"

/*
 * Writes them into a folder that has none of them, and says so; the folder is
 * made. secrets NULL: without a vault; else box_prepare came before. CLI_OK, or
 * an exit code after it said why, and then nothing was written. A signal waits
 * for the end of it.
 */
[[nodiscard]] int first_write(const char *dir, const struct buf *text,
			      const struct buf *policy, const struct conf *conf,
			      const struct vault_new_secret *secrets, size_t n);

#endif
