/* task_row: see task_row.h. */
#include "host/broker/task_row.h"

#include "base/rd.h"

enum { TASK_ROW_FORMAT = 1 };

void task_row_key(uint8_t key[TASK_KEY], uint64_t task)
{
	size_t i;

	for (i = 0; i < TASK_KEY; i++)
		key[i] = (uint8_t)(task >> (8 * (TASK_KEY - 1 - i)));
}

void task_row_encode(struct buf *b, const struct m_c_task *t)
{
	buf_u8(b, TASK_ROW_FORMAT);
	buf_u8(b, t->state);
	buf_u64(b, t->item);
	buf_u64(b, t->created_s);
	buf_u64(b, t->ended_s);
	buf_u32(b, t->calls);
	buf_u32(b, t->forks);
	buf_u32(b, t->bits);
	buf_blob(b, t->label);
	buf_blob(b, t->text);
	buf_blob(b, t->answer);
	buf_blob(b, t->fault);
}

int task_row_decode(struct span key, struct span value, struct m_c_task *ret)
{
	struct rd rd;
	size_t i;

	*ret = (struct m_c_task){ .own = 1 };
	for (i = 0; i < key.n && i < TASK_KEY; i++)
		ret->task = ret->task << 8 | key.p[i];
	rd_init(&rd, value);
	if (key.n != TASK_KEY || rd_u8(&rd) != TASK_ROW_FORMAT)
		return -1;
	ret->state = rd_u8(&rd);
	ret->item = rd_u64(&rd);
	ret->created_s = rd_u64(&rd);
	ret->ended_s = rd_u64(&rd);
	ret->calls = rd_u32(&rd);
	ret->forks = rd_u32(&rd);
	ret->bits = rd_u32(&rd);
	ret->label = rd_blob(&rd, LIMIT_TASK_LABEL);
	ret->text = rd_blob(&rd, LIMIT_INSTRUCTION);
	ret->answer = rd_blob(&rd, LIMIT_ANSWER);
	ret->fault = rd_blob(&rd, LIMIT_TASK_FAULT);
	return rd_end(&rd) && ret->task && ret->state >= TASK_QUEUED &&
			       ret->state < TASK_STATE_MAX
		       ? 0
		       : -1;
}
