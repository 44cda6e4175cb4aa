/*
 * diff: what a new policy permits that the old one does not, and the other way
 * round, clause by clause, in words.
 *
 * Every difference of the two models has a line. It begins with + where the
 * new policy permits more, or guards less; with - where it permits less; with
 * ~ where that depends on what is called: whoever counts added authority counts
 * those, too. The place is that of the file which has the clause. Comments,
 * order of keys and descriptions make no line.
 */
#ifndef POLICY_DIFF_H
#define POLICY_DIFF_H

#include "policy/policy.h"

struct policy_diff {
	size_t added, removed, unclear;
};

/* Appends the lines to out. */
void policy_diff(const struct policy *was, const struct policy *is,
		 struct buf *out, struct policy_diff *ret);

#endif
