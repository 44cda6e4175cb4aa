/* memory: notes that outlive the task which wrote them: see memory.c. */
#ifndef HOST_BROKER_MEMORY_H
#define HOST_BROKER_MEMORY_H

#include "host/broker/broker.h"
#include "policy/memory.h"

struct memory_result {
	bool done;
	const char *why; /* lives until the store is asked again */
	struct buf text; /* what the planner gets besides; to be released */
};

/* Carries out the call that b->decision allows and that is on record at index;
 * what becomes of it is, too, before it returns. */
void memory_do(struct broker *b, const struct task *t, enum memory_op op,
	       uint64_t index, struct memory_result *ret);

/* The owner's: MSG_C_MEMORY, MSG_C_FORGET. */
void memory_tell(struct broker *b, struct peer *control);
void memory_erase(struct broker *b, struct peer *control);

#endif
