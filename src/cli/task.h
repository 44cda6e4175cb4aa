/*
 * task: what planners are given to do, as the owner sees it.
 */
#ifndef CLI_TASK_H
#define CLI_TASK_H

#include <jansson.h>

#include "cli/show.h"
#include "proto/msg.h"

/* One task in a line; in full, with its answer. */
void task_line(struct buf *b, const struct show *how, const struct m_c_task *t);
void task_full(struct buf *b, const struct show *how, const struct m_c_task *t);

/* A new reference; NULL without memory. */
json_t *task_json(const struct m_c_task *t);

#endif
