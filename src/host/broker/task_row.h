/*
 * task_row: a task of the owner's as the store keeps it, so that a restart
 * finds what he asked for and what became of it.
 */
#ifndef HOST_BROKER_TASK_ROW_H
#define HOST_BROKER_TASK_ROW_H

#include "proto/msg.h"

enum { TASK_KEY = 8 };

/* Rows lie in the order of their numbers. */
void task_row_key(uint8_t key[TASK_KEY], uint64_t task);

/* Appends the value. */
void task_row_encode(struct buf *b, const struct m_c_task *t);

/* 0, or -1 for bytes that task_row_encode does not write. *ret borrows. */
[[nodiscard]] int task_row_decode(struct span key, struct span value,
				  struct m_c_task *ret);

#endif
