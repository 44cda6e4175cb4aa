/*
 * head: HTTP/1.1 as an agent's client speaks it to the gateway (RFC 9112): the
 * head of a request, read strictly, and the heads and errors of our answers.
 *
 * Lines end with CRLF, no line is folded, a body has its length and nothing
 * else: what two readers could understand in two ways is refused. Of the
 * client's fields only those that say where the body ends are looked at; none
 * goes on.
 */
#ifndef LLM_HEAD_H
#define LLM_HEAD_H

#include "llm.h"

enum {
	HEAD_MAX = 16 << 10, /* bytes of a head */
	HEAD_PATH = 128,
	HEAD_FIELDS = 64,
};

struct llm_head {
	bool get;	      /* else it is POST */
	char path[HEAD_PATH]; /* without its query */
	size_t length;	      /* of the body */
	bool expects;	      /* the client waits for "100 Continue" */
	bool closes;	      /* this request is its last */
};

/*
 * All that has come so far: how many bytes the head has, with the empty line;
 * 0: it is not whole yet; negative: a status of HTTP, negated, of a request
 * that is none.
 */
int llm_head_read(struct span s, struct llm_head *ret);

/* Which API that path is of; 0: of none. */
enum llm_api llm_api_of(const char *path);

/* Appends an answer that is there whole, as JSON. retry_s: of a field
 * Retry-After, 0: none. */
void llm_head_answer(struct buf *b, int status, uint32_t retry_s,
		     struct span body);

/* Appends an error as that API shapes it, with its head. retry_s: likewise. 402
 * stands for a budget that is used up, which the provider of each API says in
 * its own way: 402 billing_error, or 429 insufficient_quota. */
void llm_head_error(struct buf *b, enum llm_api api, int status,
		    uint32_t retry_s, const char *path, const char *why);

/* The head of an answer whose body comes in chunks, a chunk, and the end. */
void llm_head_chunked(struct buf *b, int status, bool stream);
void llm_head_chunk(struct buf *b, struct span bytes);
void llm_head_last(struct buf *b);

/* Appends the list of models, which is this one, and by which API it is to be
 * asked. */
void llm_head_models(struct buf *b, const char *model, bool messages);

#endif
