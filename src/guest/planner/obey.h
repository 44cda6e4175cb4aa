/*
 * obey: turns an order found in a text into a request of a capability: which
 * tool, with which arguments, after the list of tools.
 */
#ifndef PLANNER_OBEY_H
#define PLANNER_OBEY_H

#include <jansson.h>

#include "imperative.h"

enum { OBEY_SUBJECT_MAX = 100 };

/*
 * The tool that fits an order which names none: its name says the verb (or
 * mail, if the target is an address), and it takes a target. NULL if none.
 */
const json_t *obey_pick(const json_t *tools, const struct imperative *o);

/* The tool of this name in tools, NULL if there is none. */
const json_t *obey_find(const json_t *tools, struct span name);

/*
 * The arguments: for a known tool by the names and types of its schema, for an
 * unknown one (tool NULL) {"target", "data"}, or the order's own pairs. sender
 * is the target of a reply. A new reference, NULL when out of memory.
 */
json_t *obey_arguments(const json_t *tool, const struct imperative *o,
		       struct span sender);

#endif
