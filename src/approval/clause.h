/*
 * clause: "always, constrained": what the owner has said yes to, as a clause
 * that allows exactly that again, for a while: the same capability, each
 * argument that is no content byte for byte, no argument that was not there.
 * "N times in this task" is the same with a count, for that task alone.
 */
#ifndef APPROVAL_CLAUSE_H
#define APPROVAL_CLAUSE_H

#include "approval/approval.h"

struct kept_clause {
	uint64_t id; /* the ticket it came of */
	uint64_t created_s, expires_s;
	uint64_t task; /* that it is good for; 0: any */
	uint32_t left; /* how often; 0: as often as it is asked for */
	char capability[LIMIT_NAME + 1];
	struct buf args; /* names and values, encoded */
};

void clause_init(struct kept_clause *c);
void clause_done(struct kept_clause *c);

/* One word may be remembered for it: the policy says so, and no other principal
 * has to say it, too. */
bool clause_may_be(const struct approval *a);

/* Of an approval, for APPROVAL_CLAUSE_S. */
void clause_of(struct kept_clause *c, const struct approval *a, uint64_t now_s);

/* As a decision takes it; borrows from c. False: too many arguments. */
bool clause_view(const struct kept_clause *c, struct decide_clause *ret);

/* As a line of a policy: "allow: {to: {is: "lea@example.org"}}", printable. */
void clause_text(struct buf *out, const struct kept_clause *c);

void clause_encode(struct buf *b, const struct kept_clause *c);

/* Into an initialised one. 0, or -EPROTO. */
[[nodiscard]] int clause_decode(struct span bytes, struct kept_clause *ret);

#endif
