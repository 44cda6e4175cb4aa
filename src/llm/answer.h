/*
 * answer: what a model's provider answers, read as it passes: how much was
 * used, which tools the model asks for, what it says, and whether it came to
 * its end. The bytes themselves go on as they are; here is what is known of
 * them.
 *
 * What is read is the provider's, and most of it the model's own words, so it
 * is as hostile as what the model has read: whole events within bounds, in
 * place, and nothing of it is trusted beyond its number or its text.
 */
#ifndef LLM_ANSWER_H
#define LLM_ANSWER_H

#include "llm.h"
#include "sse.h"

enum {
	LLM_ANSWER = 16 << 20,	 /* bytes of an answer, stream or not */
	LLM_CALLS = 64,		 /* tools asked for in one answer */
	LLM_CALL_ID = 128,	 /* bytes */
	LLM_TOOL_NAME = 128,	 /* bytes */
	LLM_CALL_ARGS = 1 << 20, /* bytes of all their arguments */
	LLM_USED_MAX = 1 << 28,	 /* tokens, of one number */
};

/* Tokens, as far as the provider has told: of each number the largest; what is
 * more than LLM_USED_MAX is that. */
struct llm_used {
	uint32_t input; /* that were read anew */
	uint32_t cache_read, cache_write;
	uint32_t output;
	bool told; /* the number for the output is the last one */
};

/* A tool that the model asks for. */
struct llm_call {
	char id[LLM_CALL_ID + 1], name[LLM_TOOL_NAME + 1];
	int64_t index;	 /* the provider's, while it is made */
	struct buf args; /* JSON, as the model wrote it */
	bool done;
};

struct llm_answer {
	enum llm_api api;
	bool stream;
	struct sse sse;
	struct buf whole; /* of an answer that is no stream */
	uint64_t bytes;
	struct llm_used used;
	struct llm_call calls[LLM_CALLS];
	size_t n_calls;
	uint64_t said;	 /* bytes of text, thoughts and arguments */
	size_t shown;	 /* of the text that came last */
	bool counted;	 /* Chat: the output's number was there once */
	bool ended;	 /* its last event was there */
	bool failed;	 /* it tells an error instead */
	const char *why; /* of a false return */
	/* What the model says, piece by piece. May be NULL. */
	void (*text)(void *arg, struct span text);
	void *arg;
};

/* For an answer with a status of success. */
void llm_answer_init(struct llm_answer *a, enum llm_api api, bool stream);
void llm_answer_done(struct llm_answer *a);

/* Bytes of it. False: it is out of bounds or no answer of its format, `why`
 * says which; nothing more may be fed. */
[[nodiscard]] bool llm_answer_feed(struct llm_answer *a, struct span bytes);

/* There is no more of it. False: it was cut short, or is no answer. What is
 * known of it holds in either case. */
[[nodiscard]] bool llm_answer_end(struct llm_answer *a);

#endif
