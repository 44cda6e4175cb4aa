/*
 * stamp: the label that an item gets, by what the policy says of its source and
 * the provider of its sender, and by nothing that is in it.
 *
 * Integrity is the least of what the source may have and what the sender has:
 * known for one whom a set of the owner's names, or who is one of the policy's
 * principals; external for all others, and for a sender whom nobody vouches
 * for. Its readers are the owner and, where the source says thread, that
 * sender; whoever else a message names is a claim of who wrote it.
 */
#ifndef POLICY_STAMP_H
#define POLICY_STAMP_H

#include "label/label.h"
#include "label/types.h"
#include "policy/policy.h"

struct source;

/* The source row behind policy_source. */
const struct source *source_of(const struct policy *p,
			       const struct policy_source *row);

/* The name space in which its senders are principals: "email", "telegram". */
const char *source_space(const struct source *s);

/* The first set that has this canonical value as a member, as a value of that
 * type; NULL if none has. */
const char *policy_set_of(const struct policy *p, enum arg_type t,
			  struct span canonical);

/* The label of the item as a whole; sender canonical, empty: nobody is vouched
 * for. */
struct label stamp_item(const struct policy *p, const struct source *s,
			struct span sender, uint64_t item, struct atoms *a);

/* The same, of one of its fields. */
struct label stamp_field(const struct label *item, const struct source *s,
			 uint64_t number, const char *field, struct atoms *a);

/* The sender as a reader; ATOM_NONE for nobody. */
uint32_t stamp_sender(const struct source *s, struct span sender,
		      struct atoms *a);

#endif
