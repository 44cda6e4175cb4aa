/* flow: see flow.h. */
#include "label/flow.h"

#include <assert.h>

const char *flow_name(enum flow f)
{
	static const char *const names[] = {
		[FLOW_THREAD] = "same-thread",
		[FLOW_AUDIENCE] = "audience",
		[FLOW_OWNER] = "owner-only",
		[FLOW_PUBLIC] = "public",
	};

	static_assert(ARRAY_SIZE(names) == FLOW_MAX, "a name for each");
	return f < ARRAY_SIZE(names) && names[f] ? names[f] : "?";
}

/* The policy's and the owner's own words belong to every thread. */
static bool in_thread(uint32_t atom, const struct flow_to *to)
{
	uint32_t item;
	size_t i;

	if (atom == ATOM_CONFIG || atom == ATOM_OWNER)
		return true;
	item = to->atoms ? atoms_item(to->atoms, atom) : ATOM_NONE;
	for (i = 0; item && i < to->n_items; i++)
		if (to->items[i] == item)
			return true;
	return false;
}

static const char *audience(const struct label *l, const struct flow_to *to)
{
	size_t i;

	if (!to->n || to->n > FLOW_RECIPIENTS)
		return "its recipients are not known";
	for (i = 0; i < to->n; i++)
		if (!label_may_read(l, to->who[i]))
			return "a recipient may not read all of it";
	return NULL;
}

static const char *same_thread(const struct label *l, const struct flow_to *to)
{
	size_t i;

	if (to->n_items > FLOW_THREAD_ITEMS)
		return "the thread has too many items";
	if (l->audience == READ_BY_OWNER)
		return "part of it is for the owner alone";
	if (l->many)
		return "it comes from more places than are kept apart";
	for (i = 0; i < l->n_atoms; i++)
		if (!in_thread(l->atoms[i], to))
			return "part of it comes from outside of the thread";
	/* whoever is written to beside those of the thread */
	return to->n ? audience(l, to) : NULL;
}

static const char *owner_only(const struct flow_to *to)
{
	size_t i;

	if (!to->n || to->n > FLOW_RECIPIENTS)
		return "its recipients are not known";
	for (i = 0; i < to->n; i++)
		if (to->who[i] != PRINCIPAL_OWNER)
			return "it may go to the owner alone";
	return NULL;
}

const char *flow_refuses(enum flow rule, const struct label *part,
			 const struct flow_to *to)
{
	switch (rule) {
	case FLOW_THREAD:
		return same_thread(part, to);
	case FLOW_AUDIENCE:
		return audience(part, to);
	case FLOW_OWNER:
		return owner_only(to);
	case FLOW_PUBLIC:
		return part->audience == READ_BY_ALL
			       ? NULL
			       : "not everyone may read all of it";
	case FLOW_NONE:
	case FLOW_MAX:
		break;
	}
	return "it has no known flow rule";
}
