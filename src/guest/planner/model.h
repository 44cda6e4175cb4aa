/*
 * model: requests to the model, over the stream that init gives the planner: a
 * client of HTTP/1.1, blocking, one request at a time, every answer bounded.
 */
#ifndef PLANNER_MODEL_H
#define PLANNER_MODEL_H

#include "base/buf.h"
#include "turns.h"

enum {
	MODEL_FD = 4,
	MODEL_ANSWER = 16 << 20, /* bytes */
	MODEL_TRIES = 5,	 /* of one request */
	MODEL_NAME = 129,
};

struct model {
	int fd; /* borrowed */
	struct buf in;
	char name[MODEL_NAME];
	const struct adapter *adapter;
	bool final;    /* the last answer is not to be asked for again */
	char why[256]; /* the last failure */
};

/* Asks the host which model there is. 0 or -1. */
[[nodiscard]] int model_open(struct model *m, int fd);
void model_close(struct model *m);

/* The next turn of the model's, a new reference; NULL: m->why. */
json_t *model_ask(struct model *m, const char *system, const json_t *turns,
		  const json_t *tools);

#endif
