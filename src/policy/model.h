/*
 * model: a loaded policy as the loader builds it and the decision reads it.
 *
 * Names and places are borrowed from the parsed file, which the policy owns.
 * Every closed list is kept as sorted canonical values, so that membership is
 * a binary search over bytes, however long the list is.
 */
#ifndef POLICY_MODEL_H
#define POLICY_MODEL_H

#include "conf/yaml.h"
#include "label/flow.h"
#include "label/links.h"
#include "label/origin.h"
#include "label/types.h"
#include "policy/policy.h"
#include "policy/zone.h"

enum {
	POLICY_CAPS = 256,
	POLICY_ARGS = 24, /* of one capability */
	POLICY_ROWS = 64, /* of one decide */
	POLICY_SETS = 256,
	POLICY_SOURCES = 32,
	POLICY_PRINCIPALS = 32, /* the owner among them */
	POLICY_DECOYS = 32,
	POLICY_PER = 8,	     /* rates by argument of one capability */
	POLICY_GLOBS = 64,   /* deny_paths of one argument */
	POLICY_MANY = 32,    /* elements of one list argument */
	POLICY_RATE = 10000, /* calls in one window */
	POLICY_NAME_MAX = 64,
	POLICY_HASH = 32,
	POLICY_FILE_BYTES = 64 << 20, /* largest max of a file argument */
	POLICY_BITS = 1 << 16,	      /* largest answer_bits */
	POLICY_TTL_S = 30 * 86400,    /* longest wait for an approval */
	POLICY_HOLD_S = 86400,	      /* longest undo window and delay */
	POLICY_LEASE_S = 366 * 86400,
};

/* A closed list of one type, sorted by bytes. */
struct values {
	struct values *next;	      /* every list of the policy */
	const struct yaml_node *from; /* the list it was made of */
	const char *set; /* its name, NULL for one written in place */
	enum arg_type type;
	bool lines;
	size_t n;
	struct span *v; /* borrowed from mem */
	struct buf mem;
};

enum arg_role {
	ROLE_TARGET = 1,
	ROLE_COMMAND,
	ROLE_CREDENTIAL,
	ROLE_CONTENT,
	ROLE_SELECTOR,
	ROLE_CONTROL,
	ROLE_MAX
};

enum {
	FROM_CONFIG = ORIGIN_CONFIG,
	FROM_OWNER = ORIGIN_OWNER,
	FROM_ENVELOPE = ORIGIN_ENVELOPE,
	FROM_HANDLE = ORIGIN_HANDLE,
	FROM_PLANNER = ORIGIN_PLANNER,
};

enum outcome { OUTCOME_ALLOW = 1, OUTCOME_ASK, OUTCOME_DENY };

enum mentions { MENTIONS_KEEP, MENTIONS_ESCAPE };

struct source;

struct arg {
	const char *name;
	struct yaml_place at;
	enum arg_type type;
	enum arg_role role;
	unsigned from; /* FROM_ bits; none: a credential */
	/* Of a value of another origin. OUTCOME_ALLOW: no floor, the rows
	 * decide alone. */
	enum outcome floor;
	bool from_written, floor_written;
	struct yaml_place floor_at;
	bool optional;
	bool lines;		     /* texts: more than one line */
	uint32_t many;		     /* most elements; 0: a scalar */
	uint32_t max_bytes;	     /* texts, files */
	struct span prefix;	     /* texts */
	int64_t min, max;	     /* int, number, money: type_number */
	struct span currency;	     /* money */
	int64_t step;		     /* int, number: largest change; 0: any */
	const struct values *closed; /* in or values; NULL: none */
	struct span under;	     /* refs: a glob; empty: none */
	const struct source *of;     /* handles: what they refer to */
	const char *of_kind;	     /* "thread" */
	enum flow flow;		     /* content */
	struct yaml_place flow_at;
	enum links links; /* content of type text */
	enum mentions mentions;
	const struct yaml_node *deny_paths; /* files: a list of globs */
};

enum cond_kind {
	COND_IN = 1,	/* one of the values; {is: V} is a list of one */
	COND_UNDER,	/* a ref under the glob */
	COND_OWNER,	/* an identity of the owner */
	COND_ENVELOPE,	/* what the provider says about the task's item */
	COND_TASK,	/* the item that the task was started for */
	COND_SENDER_IN, /* a handle of an item whose sender is in the list */
	COND_SESSION,
	COND_TIME,
};

enum { DAY_MINUTES = 1440, WEEK_MINUTES = 7 * DAY_MINUTES };

struct cond {
	enum cond_kind kind;
	const struct arg *arg; /* NULL for session and time */
	const struct values *in;
	struct span under;
	unsigned session, want; /* SESSION_ bits that count, and their values */
	/* Minutes of the local day, from <= t < to, over midnight if from is
	 * over to; 0 and 1440 for the whole day. Days: bit 0 is Monday. */
	uint32_t from, to, days;
	struct yaml_place at;
};

enum { ROW_CONDS = POLICY_ARGS + 2 };

struct row {
	enum outcome outcome;
	struct yaml_place at;
	size_t n; /* none: unconditional */
	struct cond conds[ROW_CONDS];
};

/* True at that minute of the local week, which begins on Monday. */
bool cond_time_holds(const struct cond *c, uint32_t minute);

enum window { WINDOW_NONE, WINDOW_SECONDS, WINDOW_TASK };

/* "20/day", "5/task", "64KiB/hour": at most so much in every such window. */
struct limit {
	struct yaml_place at;
	const char *text;
	uint64_t most; /* calls, bytes, tokens, or millionths of a dollar */
	enum window window; /* WINDOW_NONE: there is no such limit */
	uint32_t window_s;
};

struct per_limit {
	const struct arg *arg;
	struct limit limit;
};

struct limits {
	struct limit rate, total, bytes;
	uint32_t concurrent; /* 0: no limit */
	size_t n_per;
	struct per_limit per[POLICY_PER];
};

enum effect { EFFECT_READ = 1, EFFECT_INTERNAL, EFFECT_EXTERNAL };

enum undo { UNDO_NONE = 1, UNDO_REVERSIBLE, UNDO_WINDOW };

enum { VIA_CLI = 1, VIA_TELEGRAM = 2, VIA_SLACK = 4 };

enum remember { REMEMBER_NEVER = 1, REMEMBER_TASK, REMEMBER_CONSTRAINED };

enum show { SHOW_SUMMARY = 1, SHOW_FULL, SHOW_DIFF };

struct approve {
	struct yaml_place at; /* line 0: there is none */
	uint32_t who;	      /* bit i: principals[i] */
	uint32_t quorum;
	unsigned via;
	uint64_t ttl_s, delay_s;
	enum remember remember;
	enum show show;
	bool confirm; /* a code from the local console */
};

struct cap {
	const char *name;
	struct yaml_place at;
	const char *connector;
	struct yaml_place connector_at;
	enum effect effect;
	enum undo undo;
	uint64_t undo_s; /* of UNDO_WINDOW */
	bool rehearse;
	size_t n_args;
	struct arg args[POLICY_ARGS];
	size_t n_rows;
	struct row *rows;
	struct limits limits;
	struct approve approve;
	char *description; /* what the planner sees */
	char *schema;
};

enum audience {
	AUDIENCE_THREAD = 1,
	AUDIENCE_OWNER,
	AUDIENCE_PUBLIC,
	AUDIENCE_REPO,
	AUDIENCE_SECRET,
};

enum reveal { REVEAL_TEXT = 1, REVEAL_HANDLES, REVEAL_TYPED };

struct source {
	struct policy_source row;
	struct yaml_place connector_at;
	bool known; /* integrity: its items may be trusted so far */
	enum audience audience;
	enum reveal reveal;
	uint32_t answer_bits;
	const struct values *only; /* URLs; NULL: all */
};

/* Somebody by the numbers and names that providers vouch for. */
struct principal {
	const char *name; /* "owner", or as principals has it */
	struct yaml_place at;
	struct span telegram, slack, github, email; /* empty: none */
	const char *approvals_bot; /* NULL: no chat to ask in */
	struct span approvals_chat;
	struct yaml_place chat_at;
	const char *slack_bot; /* the same of Slack */
	struct span slack_channel;
	struct yaml_place channel_at;
	bool cli;
	struct buf mem; /* the canonical address */
};

struct set {
	const char *name;
	const struct yaml_node *list;
};

/* The windows of what a budget of models is for, one of each. */
enum { BUDGET_HOUR, BUDGET_DAY, BUDGET_WEEK, BUDGET_WINDOWS };

struct budgets {
	struct limit llm_usd[BUDGET_WINDOWS], llm_tokens[BUDGET_WINDOWS];
	struct limit task_usd, task_tokens; /* of models, in one task */
	struct limit call_usd, call_tokens; /* in one request; no window */
	struct limit denials, calls;
	struct limit asks_task, asks_day, targets;
	uint64_t wall_s; /* 0: no limit */
	struct yaml_place wall_at;
};

struct lease {
	uint64_t autonomy_s; /* 0: no lease */
	enum outcome on_expiry;
	struct yaml_place at;
};

struct decoy {
	const char *name;
	char *description;
};

struct policy {
	struct yaml *y;
	const char *profile;
	uint8_t hash[POLICY_HASH];
	bool rehearse;
	const char *zone_name; /* NULL: no timezone */
	struct zone *zone;
	size_t n_principals; /* principals[0] is the owner, always there */
	struct principal principals[POLICY_PRINCIPALS];
	size_t n_sets, n_sources, n_caps, n_decoys;
	struct set sets[POLICY_SETS];
	struct source sources[POLICY_SOURCES];
	struct cap *caps[POLICY_CAPS];
	struct decoy decoys[POLICY_DECOYS];
	struct budgets budgets;
	struct lease lease;
	struct trip trip;
	struct values *lists;
	struct buf later; /* what policy_enforced has to say */
};

/* By the type's matching rule: a URL of a list may be a whole tree. */
bool values_has(const struct values *in, struct span canonical);

/* True if a canonical value keeps to the argument's own bounds; else *why. */
bool arg_fits(const struct arg *a, struct span canonical, const char **why);

/* True if a path of a bundle is one that the argument forbids. */
bool arg_path_denied(const struct arg *a, struct span path);

/* The argument of that name, NULL if there is none. */
const struct arg *cap_arg(const struct cap *c, struct span name);

/* True if the value is an identity of the principal: an address for type
 * email, a provider's number or name for others. */
bool principal_is(const struct principal *p, enum arg_type t,
		  struct span canonical);

/* True if a message to this chat could be read as an approval card, or if it is
 * the name of a bot that shows some. */
bool policy_is_approval_chat(const struct policy *p, struct span chat);

/* Whose word counts in a chat of approvals: the provider's id of the principal;
 * empty: nobody's. via: VIA_TELEGRAM or VIA_SLACK. */
struct span principal_id(const struct principal *p, unsigned via);

/* Where he is asked on that way: the connector, NULL for nowhere, and the chat.
 */
const char *principal_asked(const struct principal *p, unsigned via,
			    struct span *chat);

/* The type of what a source's authenticated senders are. */
enum arg_type source_sender_type(const struct source *s);

/* Description and JSON Schema (tool.c). 0 or -ENOMEM. */
[[nodiscard]] int tool_make(struct cap *c);
[[nodiscard]] int tool_make_decoy(struct decoy *d);

#endif
