/*
 * ask: one question about one text, as a request to a model that sees nothing
 * else, and what of its answer is an answer.
 *
 * The text is somebody else's and may say anything, and so may the model that
 * has read it. The request gives the model no tool but the one that answers,
 * and makes it call that; question and text stand in its message as strings of
 * JSON, which end where they end. What comes back is taken only as the one
 * value of that one call; which values there are the caller knows
 * (label/answer.h), and what else is said is not looked at.
 */
#ifndef LLM_ASK_H
#define LLM_ASK_H

#include "answer.h"

enum {
	LLM_ASK_TEXT = 256 << 10, /* bytes of a text that can be asked about */
	LLM_ASK_QUESTION = 4096,  /* bytes of a question */
	LLM_ASK_TOKENS = 2048,	  /* the most that may be answered */
};

struct llm_ask {
	enum llm_api api; /* LLM_MESSAGES or LLM_CHAT */
	const char *model;
	uint32_t tokens;
	struct span question, text; /* well-formed UTF-8 */
	struct span schema;	    /* of the value, JSON, as it is rebuilt */
};

/* Appends the request; rebuilding it (llm.h) gives the very same. */
void llm_ask_put(struct buf *out, const struct llm_ask *a);

/*
 * The value of a whole answer to it: its characters where it is a string, else
 * as it is written. *ret borrows dst. False: it is none (there is no call, or
 * more than one, or of another tool, it is null, no scalar, not alone) or has
 * more than cap bytes.
 */
[[nodiscard]] bool llm_ask_value(const struct llm_answer *a, char *dst,
				 size_t cap, struct span *ret);

/* The same of the arguments of that call. */
[[nodiscard]] bool llm_ask_read(struct span args, char *dst, size_t cap,
				struct span *ret);

#endif
