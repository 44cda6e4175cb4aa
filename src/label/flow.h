/*
 * flow: may these bytes go to those people? The four rules that a content
 * argument can have, on the labels of all its parts. Every part has to pass on
 * its own: a recipient who is in order does not make the content so.
 */
#ifndef LABEL_FLOW_H
#define LABEL_FLOW_H

#include "label/label.h"

enum flow {
	FLOW_NONE,
	FLOW_THREAD,   /* same-thread: no bytes of another, nothing secret,
			  nothing for whom may not read it */
	FLOW_AUDIENCE, /* every recipient may read every part */
	FLOW_OWNER,    /* owner-only: he is the one recipient */
	FLOW_PUBLIC,   /* everyone may read every part */
	FLOW_MAX
};

const char *flow_name(enum flow f);

enum {
	FLOW_RECIPIENTS = 64,
	FLOW_THREAD_ITEMS = 256,
};

/* Where it would go. More than fits passes no rule. */
struct flow_to {
	/* Principals. Whoever has no number is ATOM_NONE, and in no audience
	 * but the public's. PRINCIPAL_OWNER only where the channel is the
	 * owner's own. */
	size_t n;
	const uint32_t *who;
	/* FLOW_THREAD: the items of the thread (atoms_item), which the
	 * broker knows from provider-side ids of one authenticated sender. */
	size_t n_items;
	const uint32_t *items;
	const struct atoms *atoms;
};

/*
 * NULL if a part with this label may go there, else why not: our own words,
 * which name neither the content nor where it came from. No recipient at all
 * is a refusal, too, but for FLOW_THREAD and FLOW_PUBLIC, which do not
 * ask for them.
 */
const char *flow_refuses(enum flow rule, const struct label *part,
			 const struct flow_to *to);

#endif
