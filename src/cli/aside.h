/*
 * aside: the arguments that lie beside a record, fetched from a bulkhead that
 * runs, each compared with its hash in the record.
 */
#ifndef CLI_ASIDE_H
#define CLI_ASIDE_H

#include "cli/cli.h"

/*
 * The arguments of a record: an object of name and text, or of hex where it is
 * no text. NULL and, in *why, a sentence, where there are none to be shown.
 */
json_t *aside_fetch(const struct cli *cli, const json_t *record,
		    const char **why);

#endif
