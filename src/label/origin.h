/*
 * origin: the ways in which a value can be proved to come from somewhere. A
 * value may have several; an argument names those it takes (`from`).
 */
#ifndef LABEL_ORIGIN_H
#define LABEL_ORIGIN_H

enum origin {
	ORIGIN_CONFIG = 1,	  /* in the policy file */
	ORIGIN_OWNER = 1 << 1,	  /* a token of the owner's text of this task */
	ORIGIN_ENVELOPE = 1 << 2, /* what a provider told the executor */
	ORIGIN_HANDLE = 1 << 3,	  /* a reader's value, by reference */
	ORIGIN_PLANNER = 1 << 4,  /* composed by the planner: proves nothing */
};

/* The name of one origin: "config", "owner", ... */
const char *origin_name(enum origin o);

#endif
