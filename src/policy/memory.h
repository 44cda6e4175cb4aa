/*
 * memory: the capabilities memory.put, memory.get, memory.list and
 * memory.forget, which the broker carries out itself: notes that outlive the
 * task which wrote them. What they are called, what they take, their bounds.
 */
#ifndef POLICY_MEMORY_H
#define POLICY_MEMORY_H

#include "base/span.h"

enum {
	MEMORY_NAME_MAX = 128,	/* bytes of a note's name, a value of type id */
	MEMORY_TEXT_MAX = 8192, /* bytes of a note */
	MEMORY_NOTES = 256,
	/* Of those; the rest is kept for what nobody else had a hand in. */
	MEMORY_OTHERS = 128,
};

/* Who carries them out, in the place of a connector's name. */
#define MEMORY_CONNECTOR "memory"

enum memory_op {
	MEMORY_NONE,
	MEMORY_PUT,    /* name, text */
	MEMORY_GET,    /* name; optional: as, "text" or "handle" */
	MEMORY_LIST,   /* optional: all, a bool */
	MEMORY_FORGET, /* name */
};

/* MEMORY_NONE: the capability is another. */
enum memory_op memory_op(struct span capability);

#endif
