/*
 * broker: the state of the broker process, private to its folder.
 *
 * Theory of operation. Items come from the monitor, each with a channel to its
 * envelope process; VMs come from the monitor too, each with a channel to its
 * porter, so the broker knows who speaks by the descriptor and never by what is
 * said. An item is read when both its record and its envelope facts are there;
 * then it gets a task, the task gets a planner VM, and the planner's calls are
 * decided, recorded, carried out, recorded again. Every peer may send only the
 * messages of its row in the table of peers.c; anything else closes it.
 *
 * What must outlive it the store keeps (keep.c). An effect goes through it so:
 * planned there, its intent and decision in the log, started there, sent to the
 * connector; its outcome there, and in the log. So whatever ends it wherever, a
 * restart knows whether the connector may have been told, and never tells it
 * again by itself.
 */
#ifndef HOST_BROKER_BROKER_H
#define HOST_BROKER_BROKER_H

#include "base/loop.h"
#include "base/sha256.h"
#include "host/broker/pace.h"
#include "label/canary.h"
#include "policy/decide.h"
#include "policy/spend.h"
#include "privsep/chan.h"
#include "privsep/gate.h"
#include "privsep/observe.h"
#include "privsep/rpc.h"
#include "proto/aside.h"

enum {
	BROKER_ITEMS = 128, /* in memory: the live ones and a history */
	BROKER_PEERS = 160, /* more than the monitor's items, VMs, connectors */
	BROKER_REQUESTS = 32,		  /* remembered for each item */
	BROKER_REQUEST_BYTES = 256 << 10, /* the same */
	BROKER_CALLS = 64,	/* a task: after that, all are refused */
	BROKER_OWN = 8,		/* tasks of the owner's own, at work at once */
	BROKER_OWN_ALL = 64,	/* and in memory, with those that wait */
	BROKER_OWN_KEPT = 1000, /* in the store */
	BROKER_TASKS = BROKER_ITEMS + BROKER_OWN_ALL,
	BROKER_MODEL_CALLS = 256, /* under way */
	BROKER_MODEL_OWN = 8,	  /* of one planner */
	BROKER_STANDING = 16,
	BROKER_CONNECTORS = 16,
	BROKER_HISTORY = 128,  /* items told of, with those in memory */
	BROKER_EFFECTS = 1000, /* told of at once */
	BROKER_SEND_MS = 10000,
	BROKER_OWED_MS = 1000, /* between attempts to keep a verdict */
	BROKER_REST_MS = 200,  /* while there is no descriptor for a message */
	/* How long one peer that an attacker may own can make the broker wait
	 * in all its life by not taking its messages. */
	BROKER_PATIENCE_MS = 1000,
	BROKER_FROZEN = 16,
	TRIP_CANARIES = 3 * (CANARY_LEN + 1), /* the text of a task's */
};

/* What a planner asked for, kept for the owner's questions. */
struct request {
	uint8_t *datagram; /* an encoded MSG_C_REQUEST, owned */
	size_t n;
};

struct item {
	uint64_t id;	      /* 0: free row */
	uint64_t task;	      /* 0: not begun */
	uint64_t task_number; /* that it gets; the store's */
	char source[LIMIT_NAME + 1];
	char key[513];
	uint64_t size;
	enum item_verdict verdict;
	char fault[513];
	bool owed; /* its verdict finds no room in the store yet */
	uint64_t start_us;
	uint64_t reader_us;
	bool have_envelope;
	char envelope_from[321];
	char sender[321]; /* the same, if it is vouched for; else "" */
	/* Of an update or an event, as its provider says; "" where it is none.
	 */
	uint8_t chat_flags; /* enum chat_flag */
	char chat[LIMIT_CHAT_ID + 1];
	char chat_thread[LIMIT_CHAT_ID + 1];
	/* For an answer's header; foreign text, owned, "" or NULL: none. */
	char *reply_id, *reply_refs, *reply_subject;
	char *chat_text; /* all that it says, owned; NULL: not all of it */
	uint64_t came_s; /* since 1970 */
	int record_fd;	 /* sealed memfd: message_encode; -1 */
};

/* What a planner is given to do: about an item that came in, by a standing
 * task, or what the owner wants, which has a row in the store. */
struct task {
	uint64_t id;			    /* 0: free row */
	uint64_t item;			    /* that it is about; 0: none */
	uint64_t others[LIMIT_TASK_OTHERS]; /* items beside it */
	uint32_t n_others;
	bool own; /* the owner's */
	enum task_state state;
	uint64_t created_s, ended_s;
	uint64_t start_ms; /* monotonic, when it began to run */
	char *text;	   /* the owner's words, owned */
	size_t text_n;
	struct session *session; /* while it runs */
	int shown_fd;		 /* its item as the planner sees it, once asked
				    for; -1 */
	char *answer;		 /* the planner's words, owned */
	size_t answer_n;
	char *label; /* of what its planner had seen at the end, owned */
	char fault[LIMIT_TASK_FAULT + 1];
	uint32_t n_requests;
	struct request requests[BROKER_REQUESTS];
	size_t request_bytes; /* of them all, at most BROKER_REQUEST_BYTES */
	uint32_t calls, forks, bits;
	/* Of what its model was asked and has answered, in the order of their
	 * ends: SHA-256 of this before, the request's and the answer's. */
	uint8_t transcript[SHA256_LEN];
	bool owed; /* its row finds no room in the store yet */
};

/* Whose word on senders counts, by connector; kept while one is restarted. */
struct authserv {
	char connector[LIMIT_NAME + 1]; /* "": free row */
	char name[254];			/* "": nobody's */
};

/* What is to be done with each item of a source, in the owner's words; or each
 * day at a time ("@450", the minute); or a digest is made then ("#450"). */
struct standing {
	char on[LIMIT_NAME + 1];
	char text[LIMIT_INSTRUCTION + 1];
};

enum peer_kind {
	PEER_NONE = 0,
	PEER_MONITOR,
	PEER_CONTROL,
	PEER_ENVELOPE,
	PEER_READER,
	PEER_PLANNER,
	PEER_CONNECTOR,
	PEER_KIND_MAX
};

struct peer {
	enum peer_kind kind;
	struct chan chan;
	uint64_t vm;
	uint64_t item;
	uint64_t task;		   /* planners */
	char name[LIMIT_NAME + 1]; /* connectors */
	bool outbound;
	uint8_t ways;	      /* connectors: WAY_ bits */
	unsigned via;	      /* of a chat: VIA_ bit; else 0 */
	uint64_t patience_ms; /* left, of those that have one */
	struct pace pace;     /* planners */
	struct refusals refusals;
	/* The effect that an outbound connector works on, one at a time. */
	uint64_t effect; /* 0: none */
	uint64_t effect_vm;
	uint64_t effect_call;
	uint64_t effect_item;
	uint64_t effect_task;
	uint64_t effect_ticket; /* of the approval that fired; 0: none */
	char effect_clause[200];
	uint64_t effect_index;
	struct observe_time effect_since;
	char effect_capability[LIMIT_NAME + 1];
	/* The ticket that a planner waits for, its call, and until when. */
	uint64_t wait_ticket; /* 0: none */
	uint64_t wait_call, wait_until_ms;
};

/* An argument as it goes on record; borrowed until it is there. */
struct record_arg {
	struct span name, value;
	struct span origin; /* how it came to its value; empty: unknown */
	struct span from;   /* its label; empty: unknown */
};

/* The arguments of the decision at hand; aside.c. */
struct aside {
	uint32_t n;
	bool kept; /* under this id */
	uint8_t id[ASIDE_ID];
	char id_hex[2 * ASIDE_ID + 1];
	struct buf bytes;
	struct {
		struct record_arg row;
		char hash[2 * SHA256_LEN + 1];
		char keys[5][16];
	} args[LIMIT_ARGS];
};

/* What refused a request; 0: nothing did. */
enum refused_by {
	BY_NOBODY = 0,
	BY_POLICY,
	BY_RATE,
	BY_LATCH,
	BY_NO_CONNECTOR,
	BY_BUSY,
	BY_STORE,
	BY_DISK,
	BY_TASK_LIMIT,
	BY_OWNER, /* he has said no */
	BY_ASK,	  /* not refused: he is asked */
	BY_MAX
};

/* A request to a model that is under way. */
struct model_call {
	uint64_t number;   /* ours; 0: a free row */
	uint64_t vm, call; /* whose, and its number there */
	uint64_t task;
	struct state_taken *taken; /* of the budgets, owned */
	struct spend_amount most;  /* the same */
	struct ask *ask; /* owned; NULL: a planner's own, as it came */
};

/* A tool that every planner has, besides those of its porter. */
#define TOOL_FORK "task.fork"
/* And one where there is a model to ask, and a source that is asked about. */
#define TOOL_ASK "reader.ask"

struct broker {
	struct loop loop;
	struct chan audit;
	struct chan store;
	struct msg ask, kept; /* what the store is asked, and answers */
	char keep_why[513];   /* why it refused, or we did */
	struct buf rows;      /* gathered: keys and values, one after another */
	struct m_r_put put;   /* their kinds and lengths */
	bool rows_bad;	      /* more than can be put at once */
	struct buf repeat;    /* what an effect to be repeated was */
	struct policy *policy;
	struct policy_state *limits;
	struct decision decision; /* on the call at hand */
	struct approvals *approvals;
	struct chats *chats;
	struct msg_ids ids; /* of this run */
	char planner[LIMIT_NAME + 1];
	struct model_call models[BROKER_MODEL_CALLS];
	uint64_t model_number; /* of the last */
	char model[LIMIT_NAME + 1]; /* the planner's; "": it asks none */
	uint8_t model_api;	    /* enum llm_api, of that */
	struct spend_price model_price;
	struct standing standing[BROKER_STANDING];
	struct buf documents; /* of the owner's, for planners with a model */
	struct authserv authservs[BROKER_CONNECTORS];
	size_t n_standing;
	uint8_t boot_id[16];
	bool up;     /* the monitor knows, and takes what is asked for */
	bool killed; /* a tripwire of ours says so before the monitor does */
	const struct gate *gate;
	/* Tasks that a tripwire of ours has frozen; the gate has them soon. */
	uint64_t frozen[BROKER_FROZEN];
	size_t next_frozen;
	struct canaries *canaries;
	uint8_t canary_key[SHA256_LEN]; /* of this run */
	struct state_clock owner_heard;
	bool owner_known, lease_over;
	int lease_timer;
	bool acting; /* an effect is under way: planners wait */
	struct peer peers[BROKER_PEERS];
	struct item items[BROKER_ITEMS];
	struct task tasks[BROKER_TASKS];
	uint32_t next_handle; /* number that no session has been given */
	int tasks_timer;
	struct observe observe; /* to telemetry */
	int observe_timer;
	uint64_t decisions[BY_MAX];
	uint64_t effects[EFFECT_STATE_MAX];
	struct msg in; /* the message at hand */
	struct msg out;
	struct audit_record record;
	struct aside aside;
	struct buf from; /* labels of its arguments, as text */
	int spare;	 /* descriptor, for what a message brings */
	int owed_timer, refusals_timer;
};

struct request_of;
struct approval;
struct approvals;
struct session;
struct message;

/* aside.c: what of a decision goes on record, and what lies beside. */
/* Begins with the arguments of a decision. */
void aside_begin(struct broker *b, const struct record_arg *args, uint32_t n);
/* Their bytes and salts into the store, once. False: b->keep_why. */
[[nodiscard]] bool aside_keep(struct broker *b);
/* Adds the arguments to b->record; each once it has been begun. */
void aside_record(struct broker *b);
enum { ASIDE_REASON = 400 };
/* A planner's word for a record, unless it is not of the alphabet of names. */
struct span aside_name(struct span name);
/* What a record has of a reason or clause: what it quotes of a call lies aside,
 * too, and can be erased there alone. */
const char *aside_reason(char dst[ASIDE_REASON], const char *reason);
void aside_tell(struct broker *b, struct peer *control);
void aside_erase(struct broker *b, struct peer *control);

/* peers.c */
struct peer *peer_add(struct broker *b, enum peer_kind kind, int fd);
void peer_close(struct broker *b, struct peer *p);
struct peer *peer_of_vm(struct broker *b, uint64_t vm);
struct peer *peer_of_connector(struct broker *b, const char *name);
/* Its planner. */
struct peer *peer_of_task(struct broker *b, uint64_t task);
struct peer *peer_of_kind(struct broker *b, enum peer_kind kind);
/* Whether planners are listened to. */
void planners_listen(struct broker *b, bool on);
/* Handles whatever the peer has sent so far, without waiting. */
void peer_drain(struct broker *b, struct peer *p);
/* Sends b->out with the given ids; a peer that does not take it is closed. */
void peer_send(struct broker *b, struct peer *p, const int *fds, size_t n);

/* items.c */
/* Seconds since 1970. */
uint64_t wall_s(void);
/* Forgets the oldest that has its verdict; false: there is none. */
bool item_forget(struct broker *b);
/* A memfd of ours; for want of descriptors at the cost of what ended. */
[[nodiscard]] int memfd_or_forget(struct broker *b, struct span bytes);
struct item *item_find(struct broker *b, uint64_t id);
/* Of this connector's items that server's word counts. */
void items_trust(struct broker *b, const struct m_connector *m);
void item_new(struct broker *b, const struct m_item_new *m, int envelope_fd);
void item_envelope(struct broker *b, struct item *it,
		   const struct m_envelope *m);
void item_record(struct broker *b, struct item *it, int memfd);
void item_finish(struct broker *b, struct item *it, enum item_verdict v,
		 const char *fault);
void items_tell(struct broker *b, struct peer *control);
struct msg_ids item_ids(const struct broker *b, const struct item *it);

/* Reads the item's record: *m borrows from *bytes, which the caller frees. */
void item_message(const struct item *it, uint8_t **bytes, struct message *m);

/* Begins b->record: an item's verdict. */
void verdict_record(struct broker *b, const struct msg_ids *ids, uint64_t item,
		    enum item_verdict v, const char *fault);

/* limits.c: what is used up of the policy's limits. Brings it out of the
 * store; behind the planner's kind stands the id of the boot. */
void limits_init(struct broker *b);
/* Before a decision: the time that it is decided at, seconds since 1970. */
struct state_clock limits_clock(const struct broker *b);
uint64_t limits_now(struct broker *b);
/* What has changed, into the store; false: refused, the reason in b->keep_why,
 * and it is owed. */
[[nodiscard]] bool limits_keep(struct broker *b);
/* The call that was decided last does not take place. */
void limits_give_back(struct broker *b);
/* A task is at work no more, or what of it waited waits no more; once neither
 * is so, what it has used up is forgotten. */
void limits_end_task(struct broker *b, uint64_t task);

/* keep.c: what the store keeps. False: refused, the reason in b->keep_why. */
void keep_init(struct broker *b, int fd);
/* The number of a new task; 0: refused. */
[[nodiscard]] uint64_t keep_task_number(struct broker *b);
/* The number of a new effect; 0: refused. */
[[nodiscard]] uint64_t keep_plan(struct broker *b, const struct m_e_plan *m);
[[nodiscard]] bool keep_started(struct broker *b, uint64_t effect,
				uint64_t index);
[[nodiscard]] bool keep_outcome(struct broker *b, uint64_t effect,
				enum effect_state s, struct span detail);
/* False: not while the disk is full. */
[[nodiscard]] bool keep_verdict(struct broker *b, const struct m_i_done *m);
/* The outcome or the verdict is in the log: MSG_E_ or MSG_I_RECORDED. */
void keep_recorded(struct broker *b, enum msg_type t, uint64_t id);
/* The row that is asked for, or NULL; lives until the store is asked again. */
const struct m_i_row *keep_item(struct broker *b, const struct m_s_get *m);
const struct m_e_row *keep_effect(struct broker *b, const struct m_s_get *m);
/*
 * Rows of the broker's own. With `more` a row is only gathered, in memory of
 * ours; the first one without makes them all durable, together or, when false,
 * none of them. An empty value takes the row away.
 */
[[nodiscard]] bool keep_row(struct broker *b, enum row_kind kind,
			    struct span key, struct span value, bool more);
[[nodiscard]] bool keep_row_forget(struct broker *b, enum row_kind kind,
				   struct span key);
/* Each row of a kind, in the order of their keys. fn may not ask the store;
 * false of it ends the walk, and is the result. */
bool keep_rows(struct broker *b, enum row_kind kind,
	       bool (*fn)(void *arg, struct span key, struct span value),
	       void *arg);
/* The first row behind this key, or NULL; lives as those above. */
const struct m_r_row *keep_row_after(struct broker *b, enum row_kind kind,
				     struct span key);
/* Ends what a crash left: each effect and each item that is open. */
void keep_recover(struct broker *b);

/* observe.c: what telemetry is told. */
void observed_start(struct broker *b);
/* The channel to it, taken over. */
void observed_to(struct broker *b, int fd);
/* index: of its record; 0: it has none of its own, being like those before. */
void observed_decision(struct broker *b, const struct request_of *q,
		       const struct decision *d, uint64_t index,
		       struct observe_time since);
/* The effect that a connector works on has come to that. */
void observed_effect(struct broker *b, const struct peer *c,
		     enum effect_state s);
/* An outcome is in the log. */
void observed_outcome(struct broker *b, enum effect_state s);

/* owner.c: the end of an answer; about effects. */
void answer_ok(struct broker *b, struct peer *control);
void answer_fail(struct broker *b, struct peer *control, const char *why);
void effects_tell(struct broker *b, struct peer *control);
void effect_settle(struct broker *b, struct peer *control);
void effect_repeat(struct broker *b, struct peer *control);

/* The outcome of an effect, as it goes into the log. */
#define OUTCOME_NO_INDEX UINT64_MAX

struct effect_outcome {
	uint64_t effect;
	uint64_t index; /* of its intent, or OUTCOME_NO_INDEX */
	char connector[LIMIT_NAME + 1];
	enum effect_state state;
	struct span detail;
	bool again; /* it may be in the log already */
	struct msg_ids ids;
};

struct effect_outcome outcome_of(const struct broker *b,
				 const struct m_e_row *e);
void outcome_audit(struct broker *b, const struct effect_outcome *o);

/* approvals.c: requests that wait; approvals.h */
void approvals_init(struct broker *b);
/* Before anything is at work: those that another policy has left. */
void approvals_recover(struct broker *b);
/*
 * The call that b->decision is about, decided on `in`, waits: for the owner if
 * the verdict is ask, else for its undo window. Its ticket; 0: it cannot, and
 * b->keep_why says why.
 */
[[nodiscard]] uint64_t approval_park(struct broker *b,
				     const struct request_of *q,
				     const struct decide_in *in);
/* Its effect is planned: it never fires again. */
[[nodiscard]] bool approval_fired(struct broker *b, struct approval *a,
				  uint64_t effect);
/* The owner has said yes, and its undo window begins. */
[[nodiscard]] bool approval_held(struct broker *b, struct approval *a,
				 uint64_t hold_s);
void approval_outcome(struct broker *b, uint64_t ticket, enum effect_state s);
/* Clauses that hold for that task, at most DECIDE_CLAUSES; they live until the
 * next message. */
size_t approval_clauses(struct broker *b, uint64_t task,
			struct decide_clause *ret);
/* One has decided: it counts. False: that cannot be kept. */
[[nodiscard]] bool approval_clause_used(struct broker *b, uint64_t id);
/* What may happen does, after the message at hand: it takes b->in and
 * b->decision for itself. */
void approvals_soon(struct broker *b);
/* Whether anything of a task waits. */
bool approvals_wait(const struct broker *b, uint64_t task);
/* It has set off a tripwire: what waits of it is done by what the policy says
 * of such a task. */
void approvals_tripped(struct broker *b, uint64_t task);
/* A latch may have been set: what it is for is not done any more. */
void approvals_killed(struct broker *b);
/* That one was, and may have been taken away again since. */
void approvals_latched(struct broker *b, const struct m_latch *l);
/* Nothing is left of the data of what was decided with these asides, neither on
 * a card nor in a clause. False: b->keep_why. */
[[nodiscard]] bool approvals_erase(struct broker *b, struct span ids);
void call_wait(struct broker *b, struct peer *p);
void approvals_tell(struct broker *b, struct peer *control);
void approval_yes(struct broker *b, struct peer *control);
void approval_no(struct broker *b, struct peer *control);
/* tasks.c */
void tasks_init(struct broker *b);
/* A task of the item, which has its number, from a clean planner VM. */
void task_of_item(struct broker *b, struct item *it,
		  const struct standing *what);
struct task *task_find(struct broker *b, uint64_t id);
/* The task that a planner works on; NULL: it has ended. */
struct task *task_at_work(struct broker *b, const struct peer *planner);
struct msg_ids task_ids(const struct broker *b, const struct task *t);
/* Its planner is gone. */
void task_failed(struct broker *b, struct task *t, const char *why);
/* The item has its verdict: its task is over. */
void task_item_over(struct broker *b, const struct item *it);
/* Forgets the task of an item, of which nothing is asked any more. */
void task_forget(struct broker *b, uint64_t id);
/* What a crash left: the owner's tasks that waited wait again. */
void tasks_recover(struct broker *b);
/* Starts those that wait, as far as there are places. */
void tasks_plan(struct broker *b);
/* The requests of a task, to the owner. */
void task_tell_requests(struct broker *b, struct peer *control,
			const struct task *t);
void tasks_tell(struct broker *b, struct peer *control);
/* A task of the owner's own, which waits or has begun. Right before it is
 * durable `with` (or NULL) gathers rows that are to be so with it; false of it
 * is a refusal, in b->keep_why. NULL: *why, in our words. */
struct task *task_begin(struct broker *b, const struct m_task_run *words,
			bool (*with)(void *arg, uint64_t task), void *arg,
			const char **why);
void task_run(struct broker *b, struct peer *control);
void task_cancel(struct broker *b, struct peer *control);
/* From a planner. */
/* Adds the items of a task to b->record. */
void task_audit_items(struct broker *b, const struct task *t);
void call_task_get(struct broker *b, struct peer *p);
void call_answer(struct broker *b, struct peer *p);
/* The planner's call of task.fork, in b->in. NULL: its machine is ended, and a
 * clean one is on its way; else why not, in our words. */
[[nodiscard]] const char *task_fork(struct broker *b, struct peer *p,
				    struct task *t);

/* latch.c: what is killed, and what kills. */
void latch_map(struct broker *b);
/* What stops a call now: "all", "agent", "task", "capability"; or NULL. */
const char *latch_why(const struct broker *b, struct span capability,
		      uint64_t task);
/* Sets one: LATCH_ALL, LATCH_TASK, or none, of which the monitor is told all
 * the same. It holds at once, and the monitor makes it durable. */
void latch_ask(struct broker *b, enum latch_level level, uint64_t task,
	       const char *by, const char *reason);
/* The same of any level. */
void latch_ask_of(struct broker *b, enum latch_level level, uint64_t task,
		  struct span capability, const char *by, const char *reason);
/* MSG_LATCH in b->in. */
void latch_told(struct broker *b);

/* chat.c: what is said in chats, and in which order. */
void chat_init(struct broker *b);
/* A chat's connector is there; is gone. */
void chat_connected(struct broker *b, struct peer *p);
void chat_lost(struct broker *b, struct peer *p);
/* MSG_SAID in b->in. */
void chat_said(struct broker *b, struct peer *p);
/* chat_cards.c: what waits is shown where its principals are asked, and what
 * waits no more has no buttons any more. */
void chat_cards(struct broker *b);
/* chat_heard.c: MSG_HEARD in b->in. */
void chat_heard(struct broker *b, struct peer *p);
/* talk.c: the owner's messages to the agent's bot. True: the item was one, and
 * is dealt with. */
bool talk_item(struct broker *b, struct item *it);
/* His task has come to its end: its answer goes where it came from. */
void talk_answer(struct broker *b, const struct task *t);
/* clock.c: what is done every day at a time. */
void clock_init(struct broker *b);

/* trips.c: tripwires, and what follows. */
void trips_init(struct broker *b);
/* The canaries of a task and its item (0: none), a blank between them; they are
 * looked for from now on. */
void trip_canaries(struct broker *b, uint64_t task, uint64_t item,
		   char ret[TRIP_CANARIES]);
/* What b->decision has tripped, once it is on record. */
void trip_decided(struct broker *b, const struct request_of *q);
/* True: a canary is in the call at hand, or in what would go out of it; or in
 * an answer. It is dealt with, and is to be refused like anything else. */
[[nodiscard]] bool trip_in_call(struct broker *b, const struct request_of *q);
/* A task's requests to models are over a budget. */
void trip_budget(struct broker *b, uint64_t task, uint64_t item);
/* The call at hand is not what the task's model asked for. */
void trip_unbound(struct broker *b, const struct request_of *q);
/* The task's model has said a canary. */
void trip_model(struct broker *b, const struct task *own,
		const struct m_l_done *d);
[[nodiscard]] bool trip_in_answer(struct broker *b, uint64_t task,
				  uint64_t item, struct span text);

/* lease.c: how long the owner has not been heard of. */
void lease_init(struct broker *b);
/* He has just done something. */
void lease_renew(struct broker *b);
bool lease_is_over(struct broker *b);

/* calls.c: what a planner's porter may ask. */
/* For whom a call is made: a task's planner, or the owner once more. */
struct request_of {
	uint64_t item;
	uint64_t task;
	uint64_t repeats; /* effect, or 0 */
	/* One that may fire, and what it was decided on; or NULL. */
	struct approval *fires;
	struct decide_in *again;
	uint64_t ticket;  /* that was given to it; 0: none */
	bool refused;	  /* by the policy, not for want of something */
	bool rehearsed;	  /* nothing leaves, and the planner is told it did */
	bool memory;	  /* the broker's own: memory.h */
	bool judged;	  /* by the policy, of a session as this: */
	unsigned session; /* SESSION_ bits */
	struct task *own; /* the planner's, or NULL */
	struct peer *vm;
};

/* The call in b->in, for the owner: decided and sent. Its effect; 0 and
 * b->keep_why: it was not. */
[[nodiscard]] uint64_t call_repeat(struct broker *b, struct request_of *q);
/* The call in b->in, which q->fires lets happen: decided again and sent. False:
 * it was not, and b->keep_why says why. */
[[nodiscard]] bool call_fire(struct broker *b, struct request_of *q);

void call_tools_get(struct broker *b, struct peer *p);
void call_capability(struct broker *b, struct peer *p);
/* What a call came to that was decided on as the record `index` has it. */
void call_answered(struct broker *b, struct peer *p, uint64_t call,
		   const char *clause, const char *text, uint64_t index);
/* Records the refusals of a VM that were only counted so far. */
void refusals_flush(struct broker *b, struct peer *p);
void effect_done(struct broker *b, struct peer *connector,
		 const struct m_effect_done *m);
/* The connector is gone: what it was doing has an unknown outcome. */
void effect_lost(struct broker *b, struct peer *connector);

/*
 * Appends b->record. False: the log cannot be written, and then nothing
 * executes any more; the broker ends itself and with it everything.
 */
bool broker_audit(struct broker *b, struct m_audit_ok *ret);

/* The same for what acts on nothing outside: durable a moment later, and
 * before anything that broker_audit makes so. */
void broker_audit_later(struct broker *b);

/* ---- ask.c: questions about texts, to a model that sees nothing else */

struct ask;

/* The tool, where a planner is told of it. */
bool ask_tool(const struct broker *b, struct m_tool *ret);
/*
 * The planner's call of reader.ask, in b->in: its bits are taken. NULL: *ret is
 * the question, the caller's; else why not, in our words.
 */
[[nodiscard]] const char *ask_read(struct broker *b, struct task *t,
				   struct ask **ret);
/* Sends it, for that call, which was decided on as the record `index` has it.
 * NULL: it is on its way; else why not. It is not the caller's any more. */
[[nodiscard]] const char *ask_send(struct broker *b, struct peer *p,
				   struct task *t, struct ask *a, uint64_t call,
				   uint64_t index);
/* What has come of the request of that number. */
void ask_done(struct broker *b, const struct model_call *m,
	      const struct m_l_done *d);
void ask_free(struct ask *a);

/* ---- model.c */

/* Why no request of that task can go now, however it is asked for; NULL: it
 * can. */
[[nodiscard]] const char *model_why(struct broker *b, const struct peer *p,
				    uint64_t task);
/* A request of the broker's own, a sealed memfd; in->call is the planner's call
 * that it is for. NULL: it goes, and `ask`, taken over, is told of its end;
 * else why not, until the next message. */
[[nodiscard]] const char *model_ask(struct broker *b, struct peer *p,
				    struct task *t, int body,
				    const struct m_l_call *in, struct ask *ask);
/* Handlers of MSG_L_CALL and MSG_L_DONE; the connector of models is there, as
 * b->in says; is no more. */
void model_connected(struct broker *b);
void model_call(struct broker *b, struct peer *p);
void model_done(struct broker *b, struct peer *p);
void model_lost(struct broker *b);

#endif
