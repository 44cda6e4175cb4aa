/*
 * engine: a model in this machine: llama.cpp, which reads it from a descriptor,
 * is told a conversation and says what comes next, as far as a grammar lets it
 * (grammar.h). Only engine.c knows llama.cpp.
 */
#ifndef PLANNER_ENGINE_H
#define PLANNER_ENGINE_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

enum {
	ENGINE_CONTEXT = 8192, /* tokens: a conversation with its answer */
	ENGINE_ANSWER = 1024, /* of one answer; then it is brought to its end */
	ENGINE_END = 1024,    /* more, until it has to be there */
	ENGINE_BATCH = 512,   /* read at once */
};

struct engine;

struct engine_options {
	int fd;		      /* of a GGUF file or a disk that holds one */
	const char *backends; /* the folder of libggml-cpu-NAME.so */
	uint32_t answer;      /* tokens of one; 0: ENGINE_ANSWER */
	uint32_t threads;     /* 0: one for each processor */
	float temperature;    /* 0: always what is likeliest, else by chance */
	uint32_t seed;	      /* of that chance */
};

/* NULL: err says why. The descriptor is borrowed until engine_close. */
[[nodiscard]] struct engine *engine_open(const struct engine_options *o,
					 struct err *err);
void engine_close(struct engine *e);

/*
 * What the model says to messages, an array of {"role": "system", "user" or
 * "assistant", "text"}, in the words of the grammar, appended to out. Nothing
 * in a text counts as a mark of the conversation, whatever it looks like. 0,
 * -1, or -E2BIG: there is no room for an answer to all of that.
 */
[[nodiscard]] int engine_say(struct engine *e, const json_t *messages,
			     const char *grammar, struct buf *out,
			     struct err *err);

#endif
