/*
 * frozen: what a call was decided on, kept with the request that waits, so that
 * it can be decided again when everything else of its task is gone: the call as
 * it was made, each handle that it names, and of the owner's words, the
 * envelopes and the items those that it is about.
 *
 * What is not kept is the matcher's store: it only ever lowers trust, and what
 * it had to say was said when the owner was asked.
 */
#ifndef APPROVAL_FROZEN_H
#define APPROVAL_FROZEN_H

#include "policy/decide.h"

enum {
	FROZEN_HANDLES = 64,
	FROZEN_ITEMS = 64,
	FROZEN_FACTS = 64,
	FROZEN_TOKENS = 64,
	FROZEN_LINKS = 64,
};

struct frozen {
	struct m_call call;
	struct arg_context context;
	struct decide_item items[FROZEN_ITEMS];
	struct decide_in in; /* of the moment when it was asked */
	/* What the above borrow. */
	struct buf mem;
	struct atoms *atoms;
	struct handles *handles;
	struct tokens owner;
	struct link_set owner_links, item_links[FROZEN_ITEMS];
	struct label owner_label, pc;
	struct label labels[FROZEN_FACTS];
	struct arg_fact facts[FROZEN_FACTS];
};

/* Appends it. d is the decision on in->call, of it. More than fits makes
 * b->bad: such a call cannot be asked about. */
void frozen_encode(struct buf *b, const struct decide_in *in,
		   const struct decision *d);

/* Its session has become that, too: SESSION_ bits. */
void frozen_session(struct buf *b, unsigned bits);

/* Thaws it. NULL: not what frozen_encode writes, or the policy has no such
 * source, or there is no memory. */
struct frozen *frozen_decode(struct span bytes, const struct policy *p);
void frozen_free(struct frozen *f);

#endif
