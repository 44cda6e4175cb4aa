/*
 * llm: requests to models, as they leave a planner VM. What is in one is
 * rebuilt member by member from tables of what is known: nothing of the
 * request's own bytes goes on but values that a table keeps, in the order of
 * the table.
 *
 * A model's provider is a network: it searches the web, runs code, calls other
 * servers, fetches addresses and keeps files and conversations, if a request
 * says so. What says so is refused by its name; what is known and does no more
 * than describe the caller is left out by its name; what no table knows is left
 * out, too, and told. Tools are the client's own alone.
 *
 * Formats: Anthropic's Messages API and its count_tokens, OpenAI's Chat
 * Completions and Responses APIs, as their own client libraries declare them
 * (tests/servers/llm_fields.py holds the tables against those).
 *
 * Pure: bytes in, bytes out. The text is read in place (base/jcur.h), what is
 * called by the tables nests no deeper than they do.
 */
#ifndef LLM_LLM_H
#define LLM_LLM_H

#include "base/buf.h"

enum {
	LLM_BODY = 8 << 20, /* bytes of a request, and of what becomes of it */
	LLM_MODEL_NAME = 128,	/* bytes of a model's name */
	LLM_PATH = 192,		/* of where in a request something is */
	LLM_WHY = 256,		/* of why not */
	LLM_DROPPED = 2048,	/* of the names of what was left out */
	LLM_LIST = 4096,	/* elements of a list */
	LLM_MEMBERS = 96,	/* that a table has */
	LLM_JSON_MEMBERS = 512, /* of one object of a schema or of arguments */
	LLM_IMAGE = 5 << 20,	/* bytes of a medium, decoded */
	LLM_TOKENS_MAX = 1 << 20,
};

enum llm_api {
	LLM_MESSAGES = 1,
	LLM_COUNT, /* tokens of a request of Messages */
	LLM_CHAT,
	LLM_RESPONSES,
	LLM_API_MAX,
};

/* "/v1/messages" and its kin; "" of none. */
const char *llm_path(enum llm_api api);

/* What became of a request. Make it by llm_request_init. */
struct llm_request {
	struct buf body;    /* rebuilt; nothing where it is refused */
	struct buf dropped; /* names of what was left out, a blank between; the
			     last is "..." when there were more */
	char model[LLM_MODEL_NAME + 1];
	uint32_t tokens; /* the most that may be answered; 0 for LLM_COUNT */
	bool stream;
	/* Of a refused one: where, "messages[2].content[0]", and why. */
	char path[LLM_PATH];
	char why[LLM_WHY];
};

void llm_request_init(struct llm_request *r);
void llm_request_done(struct llm_request *r);

/*
 * Rebuilds one. `most` tokens (1 to LLM_TOKENS_MAX) may be answered at most: a
 * request that asks for more, or names no number, gets it. True, and ret has
 * all of it; or false, and ret says where and why. What was rebuilt is the same
 * when it is rebuilt again.
 */
[[nodiscard]] bool llm_rebuild(enum llm_api api, struct span body,
			       uint32_t most, struct llm_request *ret);

/*
 * Writes the tables of a format as JSON, for the test that holds them against
 * the client libraries: {"by", "otherwise", "fields": {name: {"rule",
 * "value"}}, "cases": {value: object or null}}.
 */
void llm_tables(enum llm_api api, struct buf *out);

#endif
