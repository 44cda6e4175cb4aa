/*
 * approvals: requests that wait for the owner, as a list, as JSON and one with
 * its card; see approvals.c for the commands `approvals` and `outbox`.
 */
#ifndef CLI_APPROVALS_H
#define CLI_APPROVALS_H

#include <jansson.h>

#include "cli/show.h"
#include "proto/msg.h"

/* One line; a request that has not the card of the one before it (0: none)
 * begins with the card's own line. now_s: since 1970. */
void approvals_line(struct buf *b, const struct show *how,
		    const struct m_c_approval *a, uint64_t card_before,
		    uint64_t now_s);

/* What stands around the card of one, and the card itself, which the broker has
 * rendered: text that is not printable is not shown. */
void approvals_full(struct buf *b, const struct show *how,
		    const struct m_c_approval *a, uint64_t now_s);

/* A new reference, NULL if there is no memory. */
json_t *approvals_json(const struct m_c_approval *a);

#endif
