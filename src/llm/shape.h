/*
 * shape: the tables that rebuild.c reads: what a value may be, and what becomes
 * of each member of an object.
 */
#ifndef LLM_SHAPE_H
#define LLM_SHAPE_H

#include "llm.h"

/* What a value may be; several at once. null is as if it were not there. */
enum {
	SHAPE_BOOL = 1 << 0,
	SHAPE_INT = 1 << 1,    /* whole, low to high */
	SHAPE_NUMBER = 1 << 2, /* low to high */
	SHAPE_STRING = 1 << 3, /* of the words, where there are any */
	SHAPE_LIST = 1 << 4,   /* of `each` */
	SHAPE_OBJECT = 1 << 5, /* as `object` says */
	SHAPE_JSON = 1 << 6,   /* an object of anything */
};

/* What else a string or an object has to be. */
enum shape_check {
	CHECK_NONE,
	CHECK_IMAGE, /* {media_type, data}: base64 of what media_type says */
	CHECK_IMAGE_URL, /* "data:image/...;base64,...", and no address */
	CHECK_FILE_URL,	 /* "data:application/pdf;base64,..." */
	CHECK_AUDIO,	 /* {data, format}, likewise */
};

struct llm_object;

struct llm_shape {
	unsigned kinds;
	double low, high;
	const char *words; /* " one two ", NULL: any */
	const struct llm_shape *each;
	const struct llm_object *object;
	enum shape_check check;
};

enum llm_rule {
	RULE_KEEP = 1, /* as its shape says */
	RULE_NEED,     /* the same, and it has to be there */
	RULE_DROP,     /* known, and left out */
	RULE_REFUSE,   /* known, and the request is refused for it */
	RULE_FALSE,    /* refused unless false, and left out */
	/* Taken apart, and written anew at the request's head. */
	RULE_MODEL,
	RULE_STREAM,
	RULE_TOKENS,
};

struct llm_field {
	const char *name; /* NULL ends a table */
	enum llm_rule rule;
	const struct llm_shape *shape; /* of RULE_KEEP and RULE_NEED */
};

/* A form that an object has, by the value of one of its members. */
struct llm_case {
	const char *value;		 /* NULL ends a table */
	const struct llm_object *object; /* NULL: refused by its name */
};

struct llm_object {
	const struct llm_field *fields; /* NULL where there are cases */
	const char *by;			/* the member that tells cases apart */
	const char *otherwise;		/* the case when it is not there */
	const struct llm_case *cases;
	enum shape_check check;
};

/* The body of a format's requests. */
struct llm_format {
	const char *path;
	const struct llm_object *body;
	/* the member that has the number of tokens where none does */
	const char *tokens;
	/* What every request says, behind all else: ",\"a\":1", or "". */
	const char *always, *streaming;
};

extern const struct llm_format llm_messages, llm_count, llm_chat, llm_responses;

/* NULL of what is none. */
const struct llm_format *llm_format(enum llm_api api);

/* media.c: the words of shape_check. False: why says why not. */
[[nodiscard]] bool media_image(struct span type, struct span data,
			       const char **why);
[[nodiscard]] bool media_audio(struct span format, struct span data,
			       const char **why);
[[nodiscard]] bool media_url(struct span url, bool file, const char **why);

#endif
