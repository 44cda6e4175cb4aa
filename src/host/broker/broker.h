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
 */
#ifndef HOST_BROKER_BROKER_H
#define HOST_BROKER_BROKER_H

#include "base/loop.h"
#include "policy/policy.h"
#include "privsep/chan.h"
#include "privsep/rpc.h"

enum {
	BROKER_ITEMS = 128, /* in memory: the live ones and a history */
	BROKER_PEERS = 160, /* more than the monitor's items, VMs, connectors */
	BROKER_REQUESTS = 32,		  /* remembered for each item */
	BROKER_REQUEST_BYTES = 256 << 10, /* the same */
	BROKER_CALLS = 64, /* a task: after that, refused unrecorded */
	BROKER_SEND_MS = 10000,
	/* How long one peer that an attacker may own can make the broker wait
	 * in all its life by not taking its messages. */
	BROKER_PATIENCE_MS = 1000,
};

/* What a planner asked for, kept for the owner's questions. */
struct request {
	uint8_t *datagram; /* an encoded MSG_C_REQUEST, owned */
	size_t n;
};

struct item {
	uint64_t id; /* 0: free row */
	uint64_t task;
	char source[LIMIT_NAME + 1];
	char key[513];
	uint64_t size;
	enum item_verdict verdict;
	char fault[513];
	uint64_t start_us;
	uint64_t reader_us;
	bool have_envelope;
	char envelope_from[321];
	int record_fd; /* sealed memfd: message_encode; -1 */
	int shown_fd;  /* what the planner sees of it, once asked for; -1 */
	char *answer;  /* the planner's words, owned */
	size_t answer_n;
	uint32_t n_requests;
	struct request requests[BROKER_REQUESTS];
	size_t request_bytes; /* of them all, at most BROKER_REQUEST_BYTES */
	uint32_t calls;
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
	char name[LIMIT_NAME + 1]; /* connectors */
	bool outbound;
	uint64_t patience_ms; /* left, of those that have one */
	/* The effect that an outbound connector works on, one at a time. */
	uint64_t effect; /* 0: none */
	uint64_t effect_vm;
	uint64_t effect_call;
	uint64_t effect_item;
	struct policy_decision *effect_decision; /* owned */
	uint64_t effect_index;
};

struct broker {
	struct loop loop;
	struct chan audit;
	struct policy *policy;
	struct msg_ids ids; /* of this run */
	char planner[LIMIT_NAME + 1];
	char instruction[4097]; /* "": no planner, so no tasks */
	uint64_t next_task;
	uint64_t next_effect;
	bool killed;
	bool acting; /* an effect is under way: planners wait */
	struct peer peers[BROKER_PEERS];
	struct item items[BROKER_ITEMS];
	struct msg in; /* the message at hand */
	struct msg out;
	struct audit_record record;
};

/* peers.c */
struct peer *peer_add(struct broker *b, enum peer_kind kind, int fd);
void peer_close(struct broker *b, struct peer *p);
struct peer *peer_of_vm(struct broker *b, uint64_t vm);
struct peer *peer_of_connector(struct broker *b, const char *name);
struct peer *peer_of_kind(struct broker *b, enum peer_kind kind);
/* Whether planners are listened to. */
void planners_listen(struct broker *b, bool on);
/* Handles whatever the peer has sent so far, without waiting. */
void peer_drain(struct broker *b, struct peer *p);
/* Sends b->out with the given ids; a peer that does not take it is closed. */
void peer_send(struct broker *b, struct peer *p, const int *fds, size_t n);

/* items.c */
struct item *item_find(struct broker *b, uint64_t id);
void item_new(struct broker *b, const struct m_item_new *m, int envelope_fd);
void item_envelope(struct broker *b, struct item *it,
		   const struct m_envelope *m);
void item_record(struct broker *b, struct item *it, int memfd);
void item_finish(struct broker *b, struct item *it, enum item_verdict v,
		 const char *fault);
void items_tell(struct broker *b, struct peer *control);
struct msg_ids item_ids(const struct broker *b, const struct item *it);

/* calls.c: what a planner's porter may ask. */
void call_task_get(struct broker *b, struct peer *p);
void call_tools_get(struct broker *b, struct peer *p);
void call_capability(struct broker *b, struct peer *p);
void call_answer(struct broker *b, struct peer *p);
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

#endif
