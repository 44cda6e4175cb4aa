/*
 * status: what a running bulkhead says of itself, asked for and told. The keys
 * are those in status.c.
 */
#ifndef CLI_STATUS_H
#define CLI_STATUS_H

#include "cli/cli.h"
#include "cli/show.h"

/* Asks monitor and broker; all is an object that their answers are added to.
 * CLI_OK, or what client_ask says. */
int status_fetch(const struct conf *conf, json_t *all);

/* For a person. */
void status_print(struct buf *b, const struct show *how, const json_t *all);

#endif
