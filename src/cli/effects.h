/*
 * effects: what was done, from the messages that answer MSG_C_EFFECTS.
 */
#ifndef CLI_EFFECTS_H
#define CLI_EFFECTS_H

#include "cli/show.h"
#include "proto/msg.h"

/* One line of the list. */
void effects_line(struct buf *b, const struct show *how,
		  const struct m_e_row *e);

/* One in full, and what the owner can do about it. */
void effects_full(struct buf *b, const struct show *how,
		  const struct m_e_row *e);

/* A new reference, or NULL. */
json_t *effects_json(const struct m_e_row *e);

#endif
