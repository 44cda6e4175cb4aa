/*
 * decide: the verdict on one typed request.
 *
 * Order (the model's first rule): every argument is resolved (label/args.h),
 * brought into canonical form and checked; any matching deny row wins; else
 * the first row that matches; no row is a deny. An argument of an origin that
 * is not permitted sets a floor, a content argument whose flow rule does not
 * hold refuses, the strictest stands. Then limits, budgets and breakers. The
 * verdict is deny from the first line on: whatever goes wrong on the way
 * leaves a refusal.
 *
 * Pure: what the broker knows comes in as data. It is called again with a
 * grant when an approval has come or an undo window is due: then deny rows,
 * flows and limits decide anew, and only what the grant covers is not asked
 * again.
 */
#ifndef POLICY_DECIDE_H
#define POLICY_DECIDE_H

#include "label/args.h"
#include "label/links.h"
#include "policy/policy.h"
#include "policy/state.h"

enum {
	DECIDE_ITEMS = 256,  /* that one task has seen */
	DECIDE_CLAUSES = 64, /* remembered, in force for one call */
	DECIDE_CHIP = 200,
	/* Breakers, which no policy turns off. */
	BREAK_DENIALS = 20, /* of one task, without an allowed call between */
	BREAK_REPEATS = 10, /* of the very same call in one task */
	BREAK_TARGETS = 30, /* different ones of one task */
	/* Where the policy says nothing: an owner is not to be worn down. */
	ASKS_A_TASK = 10,
	ASKS_A_DAY = 50,
};

/* An item of the task, or one that a handle of it belongs to. */
struct decide_item {
	uint64_t item;
	const struct policy_source *source;
	struct span sender;  /* canonical (source_sender_type), whom the
				provider vouches for; empty: nobody */
	struct span chat;    /* where an answer to it goes, canonical */
	uint32_t sender_who; /* principal; ATOM_NONE: nobody */
	uint32_t atom;	     /* of the item as a whole */
	const struct link_set *links; /* of its texts; NULL: none */
};

/* What the owner has said yes to, bound to its bytes by the broker. */
struct decide_grant {
	bool floors; /* an ask, by row or floor, is not asked again */
	bool seen;   /* it was this very call that he has seen */
};

/* "Always, constrained": the owner's exact clause for one capability. */
struct decide_clause {
	uint64_t id;
	const char *capability;
	uint64_t expires_s; /* wall */
	/* Arguments with their values as decide_arg has them. What is not
	 * content has to be these, all of them and no others. */
	size_t n;
	struct {
		struct span name, value;
	} v[LIMIT_ARGS];
};

struct decide_in {
	const struct m_call *call;
	const struct arg_context *context;
	struct atoms *atoms;
	const struct decide_item *items; /* ascending by item */
	size_t n_items;
	uint64_t task, task_item; /* item 0: the owner's or a schedule's task */
	unsigned session;	  /* SESSION_ bits (model.h) */
	uint64_t wall_s;	  /* for `time` conditions */
	uint64_t task_s;	  /* how long the task has been running */
	/* Calls of this capability that have begun and are not over: those
	 * that wait for the owner or for their undo window, this one not. */
	size_t under_way;
	/* Those of the owner's text; those of the policy's sets need not be
	 * there. NULL: none. */
	const struct link_set *owner_links;
	const struct decide_grant *grant; /* NULL: none */
	const struct decide_clause *clauses;
	size_t n_clauses;
	bool lease_over; /* no authenticated act of the owner for too long */
	/* The call does not run now: nothing is taken (explain, vectors). */
	bool dry;
	struct buf *trace; /* gets a line for each step; NULL: none */
};

/* How an argument came to its value, for records and cards. */
struct decide_arg {
	/* Canonical; of a text behind the rules of links and mentions, where
	 * the parts of `resolved` count from, too; of a handle what it stands
	 * for. */
	struct span name, value;
	uint8_t role;	  /* enum arg_role */
	uint8_t type;	  /* enum arg_type */
	unsigned origins; /* enum origin bits it is a member of */
	bool permitted;
	char chip[DECIDE_CHIP]; /* "set family", "owner", "96 % your agent, 4 %
				   copied from ..."; printable */
	size_t value_index;	/* in args: its label and parts */
	uint16_t edits;		/* links and mentions that were broken up */
};

/* What it was that decided. */
enum decided_by {
	DECIDED_ERROR, /* something went wrong: deny */
	DECIDED_ROW,
	DECIDED_ARG,   /* its type, bounds or origin; no name: the call's */
	DECIDED_FLOW,  /* of an argument */
	DECIDED_LIMIT, /* of the capability, a budget or a breaker */
	DECIDED_LEASE,
	DECIDED_CLAUSE, /* that the owner had remembered */
	DECIDED_DECOY,
	DECIDED_DEFAULT, /* no capability, or no row */
};

enum decide_trip { TRIP_NONE, TRIP_DECOY, TRIP_DENIALS, TRIP_LIMITS };

/* What an ask asks; of verdict VERDICT_ASK. */
struct decide_ask {
	uint32_t who; /* bits of principals */
	uint32_t quorum;
	unsigned via;
	uint64_t ttl_s, delay_s;
	uint8_t remember, show; /* enum remember, enum show */
	bool confirm;
	uint8_t undo; /* enum undo */
};

struct decision {
	enum verdict verdict; /* allow, ask, deny */
	bool rehearsed; /* nothing may leave; a simulated result is given */
	bool limited;	/* a limit, budget or breaker refused */
	/* It depended on bytes that the planner has not seen: one bit of
	 * influence, and the session is tainted by them. */
	bool hidden;
	enum decide_trip trip;
	enum decided_by by;
	uint32_t row;	       /* DECIDED_ROW: from 0 on */
	const char *what;      /* the argument's, limit's name; NULL: none */
	uint64_t clause_id;    /* DECIDED_CLAUSE */
	char clause[200];      /* "assistant.yaml:31:9 allow" */
	char reason[400];      /* see m_call_result.reason */
	const char *connector; /* who executes it; NULL unless allow or ask */
	uint64_t hold_s;       /* undo window; 0: at once */
	struct decide_ask ask;
	uint32_t n;
	struct decide_arg args[LIMIT_ARGS]; /* in the order of the schema */
	struct m_arg rows[LIMIT_ARGS]; /* the same as a connector gets them */
	/* Whom an answer goes to, where no argument is a target: the sender of
	 * the item that the handle is of. Empty: it is not an answer. */
	struct span recipient;
	uint64_t answers; /* the item of that handle; 0: none */
	struct buf mem; /* what args and rows borrow besides `resolved` */
	struct args resolved;
	struct state_taken taken;
};

void decision_init(struct decision *d);
void decision_done(struct decision *d);

/*
 * Decides, into ret, which decision_init has made; what it held is gone.
 * An allowed call has taken its places in s, one that asks its place among the
 * questions alone: policy_state_give_back returns them. What counts calls and
 * refusals of a task counts them whatever becomes of the call. Any error while
 * evaluating is a deny. ret borrows from p, in and the handles' table.
 */
void policy_decide(const struct policy *p, struct policy_state *s,
		   const struct decide_in *in, struct decision *ret);

/* What "always, like this" would remember of this call: its values but for the
 * content. ret borrows from d. */
void decision_clause(const struct decision *d, const char *capability,
		     struct decide_clause *ret);

/*
 * What the owner's approval covers: SHA-256 over capability, canonical
 * arguments with their names, policy hash and expiry, each with its length.
 */
void decision_bind(const struct decision *d, struct span capability,
		   const uint8_t policy[32], uint64_t expires_s,
		   uint8_t ret[32]);

#endif
