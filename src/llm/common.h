/* common: what the tables of all formats are made of. */
#ifndef LLM_COMMON_H
#define LLM_COMMON_H

#include "shape.h"

#define KEEP(name, shape)                                                      \
	{                                                                      \
		name, RULE_KEEP, &(shape)                                      \
	}
#define NEED(name, shape)                                                      \
	{                                                                      \
		name, RULE_NEED, &(shape)                                      \
	}
#define DROP(name)                                                             \
	{                                                                      \
		name, RULE_DROP, NULL                                          \
	}
#define REFUSE(name)                                                           \
	{                                                                      \
		name, RULE_REFUSE, NULL                                        \
	}
#define FALSE_ONLY(name)                                                       \
	{                                                                      \
		name, RULE_FALSE, NULL                                         \
	}
#define END_FIELDS                                                             \
	{                                                                      \
		NULL, RULE_DROP, NULL                                          \
	}

#define CASE(word, object)                                                     \
	{                                                                      \
		word, &(object)                                                \
	}
#define CASE_NOT(word)                                                         \
	{                                                                      \
		word, NULL                                                     \
	}
#define END_CASES                                                              \
	{                                                                      \
		NULL, NULL                                                     \
	}

/* A shape of one kind. */
#define WORDS(list)                                                            \
	{                                                                      \
		.kinds = SHAPE_STRING, .words = " " list " "                   \
	}
#define WHOLE(from, to)                                                        \
	{                                                                      \
		.kinds = SHAPE_INT, .low = (from), .high = (to)                \
	}
#define REAL(from, to)                                                         \
	{                                                                      \
		.kinds = SHAPE_INT | SHAPE_NUMBER, .low = (from), .high = (to) \
	}
#define OBJECT(o)                                                              \
	{                                                                      \
		.kinds = SHAPE_OBJECT, .object = &(o)                          \
	}
#define LIST(s)                                                                \
	{                                                                      \
		.kinds = SHAPE_LIST, .each = &(s)                              \
	}
#define STRING_OR_LIST(s)                                                      \
	{                                                                      \
		.kinds = SHAPE_STRING | SHAPE_LIST, .each = &(s)               \
	}

extern const struct llm_shape llm_bool, llm_string, llm_strings, llm_json,
	llm_jsons;

#endif
