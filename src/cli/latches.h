/*
 * latches: what `kill` and `rearm` share: which latch is meant, and where it
 * is.
 */
#ifndef CLI_LATCHES_H
#define CLI_LATCHES_H

#include "cli/cli.h"
#include "state/latch.h"

/*
 * Takes the options out of argv: --capability NAME, --task N, --agent,
 * --revoke; without one of them, all. CLI_OK, or CLI_USAGE after it told what
 * is wrong.
 */
[[nodiscard]] int latch_asked(const char *command, int *argc, char **argv,
			      struct latch *ret);

/* The latches of the state directory, which is made if it is not there. 0 or
 * -errno. */
[[nodiscard]] int latches_at(const struct conf *conf, struct latches *ret);
void latches_left(struct latches *d);

#endif
