/*
 * msg: the typed messages between host processes, and between the CLI and the
 * control process. Pure bytes <-> struct; sending is privsep/chan.
 *
 * A message is one datagram:
 *
 *	offset size
 *	0      2    MSG_VERSION
 *	2      2    type (enum msg_type)
 *	4      16   run id, the same in every record of one `up`
 *	20     8    task id, 0 if none
 *	28     8    span id, 0 if none
 *	36     ..   the fields of the type in the order of its layout
 *
 * Each type has one payload struct and one row in the layout table of msg.c,
 * from which encoder and decoder work: adding a message is a struct, a row and
 * a line in the golden test. Bump MSG_VERSION on any change.
 *
 * Strings are spans: borrowed from the datagram after decoding. Larger bodies
 * travel as a sealed memfd beside the message.
 */
#ifndef PROTO_MSG_H
#define PROTO_MSG_H

#include "base/buf.h"
#include "base/span.h"
#include "proto/limits.h"

enum { MSG_VERSION = 11, MSG_HEAD = 36, MSG_RUN = 16 };

enum msg_type {
	MSG_NONE = 0,

	/* monitor -> any */
	MSG_HELLO, /* m_hello: who you are, the run id in the head */
	MSG_STOP,  /* m_empty: finish and exit */
	MSG_KILL,  /* m_text: the latch is set, the reason */
	MSG_LEASE, /* m_lease: from the broker, when it changes */
	MSG_LATCH, /* m_latch: to the broker, set or taken away. From the broker
		      to the monitor: to be set */
	MSG_DOCUMENTS, /* m_documents: to the broker, what planners begin with
			*/
	MSG_PING,      /* m_ping: say that you work */

	/* monitor -> control, and -> broker */
	MSG_PEER, /* m_empty + channel: to the broker, to control; the one of
		     before is no more */

	/* a process that lives as long as bulkhead -> monitor */
	MSG_READY, /* m_empty: it can work from now on */
	MSG_PONG,  /* m_ping: what the ping said */

	/* any -> auditd, and its answer */
	MSG_AUDIT,	 /* m_audit */
	MSG_AUDIT_LATER, /* m_audit: durable in a moment, no answer if it is */
	MSG_AUDIT_OK,	 /* m_audit_ok: durable, with all before it */
	MSG_AUDIT_ROOM,	 /* m_audit_room: unasked, when it changes */
	MSG_AUDIT_FAIL,	 /* m_text: nothing may execute */

	/* monitor -> auditd */
	MSG_AUDIT_KEY, /* m_empty: sign with a new key from now on */

	/* inbound connector <-> monitor */
	MSG_ITEM,      /* m_item + sealed memfd of the raw bytes */
	MSG_ITEM_KEPT, /* m_item_done: it is in the queue, the next may come */
	MSG_ITEM_DONE, /* m_item_done: monitor -> connector, may forget it */

	/* monitor <-> store: the queue; see host/store/store.h */
	MSG_S_STATE, /* m_s_state: store -> monitor, what it has opened */
	MSG_S_TIP,   /* m_s_tip: keep this; no answer. To auditd: go on from
			this; no answer, or AUDIT_FAIL */
	MSG_Q_PUT,   /* m_q_put + sealed memfd of the raw bytes */
	MSG_Q_KEPT,  /* m_q_kept: durable; not before there is room */
	MSG_Q_NEXT,  /* m_empty: there is a place for one more */
	MSG_Q_ITEM,  /* m_q_item + sealed memfd: for a MSG_Q_NEXT, when there is
			one */
	MSG_Q_COUNT, /* m_q_count: of a source, when it has changed */

	/* broker <-> store; an answer is durable when it is given */
	MSG_S_OK,	/* m_s_ok */
	MSG_S_NONE,	/* m_empty: no such row */
	MSG_S_FAIL,	/* m_text: not done, nothing has changed */
	MSG_I_DONE,	/* m_i_done -> S_OK, S_FAIL */
	MSG_I_RECORDED, /* m_s_ref: its verdict is in the log; no answer */
	MSG_I_GET,	/* m_s_get -> MSG_I_ROW, S_NONE */
	MSG_I_ROW,	/* m_i_row */
	MSG_E_PLAN,	/* m_e_plan -> S_OK with its number, S_FAIL */
	MSG_E_STARTED,	/* m_e_started -> S_OK, S_FAIL */
	MSG_E_OUTCOME,	/* m_e_outcome -> S_OK, S_FAIL */
	MSG_E_RECORDED, /* m_s_ref: its outcome is in the log; no answer */
	MSG_E_GET,	/* m_s_get -> MSG_E_ROW, S_NONE */
	MSG_E_ROW,	/* m_e_row */
	MSG_T_NUMBER,	/* m_empty -> S_OK with the number of a new task */
	MSG_R_PUT,	/* m_r_put -> S_OK, S_FAIL: all of them or none */
	MSG_R_NEXT,	/* m_r_next -> MSG_R_ROW, S_NONE */
	MSG_R_ROW,	/* m_r_row */

	/* monitor -> broker */
	MSG_CONNECTOR, /* m_connector + channel to it */
	MSG_ITEM_NEW,  /* m_item_new + channel to its envelope process */
	MSG_VM_NEW,    /* m_vm_new + channel to its porter */
	MSG_VM_GONE,   /* m_vm_gone */

	/* broker -> monitor */
	MSG_TASK_START,	  /* m_task_start: give this task a planner VM */
	MSG_TASK_END,	  /* m_empty; task in the head */
	MSG_ITEM_VERDICT, /* m_item_verdict: the broker is done with it */

	/* monitor -> porter, after HELLO */
	MSG_WORK, /* m_work + the item, a sealed memfd, if it is a reader's; the
		     ids in the head are from now on those of all it says */
	MSG_SAVE, /* m_empty + memfd: a template's; its state goes there */
	MSG_TAP,  /* m_empty + channel: send a copy of each frame there; before
		     HELLO too, for there is no frame before it */

	/* porter -> monitor */
	MSG_VM_READY,  /* m_vm_ready: authenticated, and its workload stands */
	MSG_VM_PARKED, /* m_empty: waits for WORK, as far as HELLO said */
	MSG_VM_SAVED,  /* m_empty: a template's state is saved, end it */
	MSG_VM_FAIL,   /* m_vm_fail: end it */
	MSG_VM_DONE,   /* m_empty: its work is done, end it */

	/* porter -> whoever watches its wire */
	MSG_FRAME, /* m_frame */

	/* envelope -> broker */
	MSG_ENVELOPE, /* m_envelope */

	/* porter of a reader -> broker */
	MSG_RECORD,  /* m_empty + sealed memfd, message_encode */
	MSG_REFUSED, /* m_text: why the reader's answer was refused */

	/* porter of a planner <-> broker */
	MSG_TASK_GET,  /* m_empty */
	MSG_TASK,      /* m_task + sealed memfd, message_encode, if has_item */
	MSG_TOOLS_GET, /* m_empty */
	MSG_TOOL,      /* m_tool, one a capability */
	MSG_TOOLS_END, /* m_empty */
	MSG_CALL,      /* m_call */
	MSG_CALL_RESULT, /* m_call_result */
	MSG_WAIT,      /* m_wait -> MSG_CALL_RESULT: what became of a ticket */
	MSG_ANSWER,    /* m_text: the task's final answer to the owner */
	MSG_ANSWER_OK, /* m_empty */

	/* monitor <-> connector that was started for it alone */
	MSG_REVOKE,  /* m_empty: give up the credential, at its provider */
	MSG_REVOKED, /* m_revoked */

	/* broker <-> outbound connector */
	MSG_EFFECT,	 /* m_effect */
	MSG_EFFECT_DONE, /* m_effect_done */

	/* cli -> control -> monitor or broker, and the answers */
	MSG_C_STATUS,	/* m_empty -> MSG_C_TEXT (JSON of m_status, own text) */
	MSG_C_DOWN,	/* m_empty -> MSG_C_OK */
	MSG_C_KILL,	/* m_latch -> MSG_C_OK, or MSG_C_TEXT before it: what
			   each connector said to MSG_REVOKE */
	MSG_C_LEASE,	/* m_empty: the owner is there -> MSG_C_OK */
	MSG_C_REARM,	/* m_latch -> MSG_C_OK */
	MSG_C_ITEMS,	/* m_empty -> MSG_C_ITEM ..., MSG_C_OK */
	MSG_C_ITEM,	/* m_c_item + sealed memfd, message_encode, if any */
	MSG_C_REQUEST,	/* m_c_request: what a planner asked for */
	MSG_C_WIRE,	/* m_c_wire -> MSG_C_OK + channel of MSG_FRAMEs */
	MSG_C_EFFECTS,	/* m_s_get -> MSG_C_EFFECT ..., MSG_C_OK */
	MSG_C_EFFECT,	/* m_e_row */
	MSG_C_SETTLE,	/* m_e_outcome: the owner's word -> MSG_C_OK */
	MSG_C_REPEAT,	/* m_s_ref -> MSG_C_EFFECT, the new one, MSG_C_OK */
	MSG_C_TASK_RUN, /* m_task_run -> MSG_C_TASK, MSG_C_OK */
	MSG_C_TASKS,	/* m_s_ref: of one; 0: of all -> MSG_C_TASK ..., of one
			   MSG_C_REQUEST ..., MSG_C_OK */
	MSG_C_TASK_CANCEL, /* m_s_ref -> MSG_C_OK */
	MSG_C_TASK,	   /* m_c_task */
	MSG_C_APPROVALS,   /* m_c_approvals -> MSG_C_APPROVAL ..., MSG_C_OK */
	MSG_C_APPROVAL,	   /* m_c_approval */
	MSG_C_APPROVE,	   /* m_c_approve -> MSG_C_TEXT, MSG_C_OK */
	MSG_C_DECLINE,	   /* m_c_decline -> MSG_C_OK */
	MSG_C_KEY,	   /* m_empty: a new key for the log -> MSG_C_OK */
	MSG_C_ASIDE,	   /* m_c_aside: what lies aside for these records ->
			      MSG_C_ASIDE_ROW ..., MSG_C_OK */
	MSG_C_ASIDE_ROW,   /* m_r_row */
	MSG_C_ERASE,	   /* m_c_aside: erase that, on record -> MSG_C_OK */
	MSG_C_MEMORY,	   /* m_c_memory: what planners have kept ->
			      MSG_C_NOTE ..., MSG_C_OK */
	MSG_C_NOTE,	   /* m_c_note */
	MSG_C_FORGET,	   /* m_c_memory: forget that -> MSG_C_OK */
	MSG_C_OK,	   /* m_empty */
	MSG_C_FAIL,	   /* m_text */
	MSG_C_TEXT,	   /* m_text: a JSON object, part of an answer */

	/* whoever has the channel -> telemetry; never waited for, see
	 * privsep/observe.h */
	MSG_SPAN,    /* m_span */
	MSG_SAMPLES, /* m_samples */

	/* monitor -> broker */
	MSG_TELEMETRY, /* m_empty + channel to telemetry */

	/* telemetry <-> monitor: a socket that is being connected to the
	 * collector, which the configuration names; none where it cannot be
	 * made */
	MSG_CONNECT, /* m_empty; the answer with the socket */

	/* monitor <-> vault */
	MSG_V_FILE,  /* m_v_file + descriptor of it, for reading */
	MSG_V_GIVE,  /* m_v_give + channel to the connector -> MSG_V_GIVEN */
	MSG_V_GIVEN, /* m_v_given */

	/* vault -> connector, once; then the channel is closed */
	MSG_SECRET, /* m_secret */

	/* monitor <-> netd */
	MSG_N_ACCOUNT, /* m_n_account + channel to the connector; the one of
			  before is no more */
	MSG_N_REFUSED, /* m_n_refused: what an account asked for and may not
			  have */

	/* connector <-> netd */
	MSG_DIAL,      /* m_dial -> MSG_DIALED, MSG_DIAL_FAIL */
	MSG_DIALED,    /* m_text: the address, + the connected socket */
	MSG_DIAL_FAIL, /* m_text: why not, our own words */

	/* connector -> monitor */
	MSG_LINK,    /* m_link: how it stands with its server */
	MSG_SKIPPED, /* m_skipped: what it will not give, for the record */

	/* broker -> connector of a chat, and the answer */
	MSG_SAY,  /* m_say */
	MSG_SAID, /* m_said */

	/* connector of approvals -> broker, and the answer */
	MSG_HEARD,    /* m_heard */
	MSG_HEARD_OK, /* m_heard_ok: what it says is durable */

	/* porter of a planner -> broker -> connector of a model, and the answer
	 * on the same way back: a request, rebuilt (llm/llm.h), as a sealed
	 * memfd; and a socket on which the provider's answer goes to the porter
	 * as it comes: its status, two bytes, then its body, then the end. */
	MSG_L_CALL, /* m_l_call + memfd (+ socket) -> MSG_L_DONE */
	MSG_L_DONE, /* m_l_done: all of it is on the socket */

	MSG_TYPE_MAX
};

/* The ids that every message and every audit record carries. */
struct msg_ids {
	uint8_t run[MSG_RUN];
	uint64_t task;
	uint64_t span;
};

struct m_empty {
	uint8_t zero;
};

struct m_text {
	struct span text; /* at most LIMIT_ANSWER */
};

struct m_hello {
	struct span name; /* instance, e.g. the connector's name */
	struct span arg;  /* what else it needs to know, see its own header */
};

/* One audit record: kind and flat typed fields; auditd adds seq and times. */
enum audit_value { AUDIT_STR = 1, AUDIT_INT, AUDIT_BOOL };

struct m_audit_field {
	struct span key;  /* [a-z0-9_.-], unique in the record */
	uint8_t type;	  /* enum audit_value */
	uint64_t number;  /* AUDIT_INT (at most 2^53 - 1), AUDIT_BOOL */
	struct span text; /* AUDIT_STR, UTF-8 */
};

struct m_audit {
	struct span kind; /* e.g. "decision"; [a-z0-9_.-] */
	uint32_t n;
	struct m_audit_field fields[LIMIT_AUDIT_FIELDS];
};

struct m_audit_ok {
	uint64_t index; /* of the record in the log */
	uint64_t size;	/* of the log after it */
	uint8_t root[32];
};

/* What is set aside of the disk for the log. */
struct m_audit_room {
	uint8_t full;	  /* nothing new may be executed */
	uint64_t reserve; /* bytes that are wanted, 0: none */
	uint64_t left;	  /* that are there */
	struct span why;  /* not all of them are, in our words */
};

struct m_item {
	struct span key; /* the connector's own name for it, opaque */
	uint64_t size;
	uint8_t sha256[32];
};

struct m_item_done {
	struct span key;
	uint8_t verdict; /* enum item_verdict */
};

struct m_ping {
	uint64_t number;
};

/* MSG_S_FAIL of what may be tried again when there is room. */
#define STORE_FULL "the disk is full"

/* How far the audit log has come, kept in a second place. */
struct m_s_tip {
	uint64_t size;
	uint8_t root[32];
};

struct m_s_state {
	uint8_t id[16];	   /* drawn when the database was made */
	uint64_t opened;   /* how often, this time included */
	uint64_t tip_size; /* the last MSG_S_TIP; 0: none */
	uint8_t tip_root[32];
	uint64_t waiting;   /* items in the queue */
	uint64_t recovered; /* of them, those that were at work at its end */
	/* Items that have ever ended with each enum item_verdict. */
	uint64_t ended[6];
};

struct m_q_put {
	struct span source; /* connector name */
	struct span key;
	uint64_t size;
	uint8_t sha256[32];
};

enum kept { KEPT_NEW = 1, KEPT_KNOWN, KEPT_DONE, KEPT_MAX };

struct m_q_kept {
	struct span source;
	struct span key;
	uint64_t item;
	uint8_t kept;	 /* enum kept */
	uint8_t verdict; /* enum item_verdict, of KEPT_DONE */
};

struct m_q_item {
	uint64_t item; /* never given twice, over restarts too */
	uint64_t task; /* the number for its task, if it gets one; likewise */
	uint32_t attempt; /* from 1 */
	struct span source;
	struct span key;
	uint64_t size;
	uint8_t sha256[32];
};

struct m_q_count {
	struct span source;
	uint64_t waiting; /* and not at work */
	uint64_t taken;	  /* at work */
	uint64_t bytes;	  /* of them all */
	uint64_t blocked; /* given to the store, which has no room for them */
	struct span why;  /* they are blocked, in our words */
};

struct m_s_ok {
	uint64_t id; /* of what was made, or changed */
};

struct m_s_ref {
	uint64_t id;
};

/* Which rows: the first after a number, of those that there are. */
enum s_which {
	S_ALL = 0,
	S_NEWEST, /* the same, but skips all but the newest `newest`; an effect
		     that is unknown it never skips */
	S_OPEN,	  /* what a restart has to bring to its end */
	S_WHICH_MAX
};

struct m_s_get {
	uint64_t after;
	uint8_t which; /* enum s_which */
	uint32_t newest;
	uint64_t item; /* effects: of this item alone; 0: of all */
};

/* How much a kill stops; each of them has everything before it in it, but that
 * a capability and a task are two things. */
enum latch_level {
	LATCH_CAPABILITY = 1,
	LATCH_TASK,
	LATCH_AGENT,
	LATCH_ALL,
	LATCH_REVOKE, /* all, and credentials are given up */
	LATCH_LEVEL_MAX
};

/* "capability", "task", "agent", "all", "all+revoke"; "none". */
const char *latch_level_name(unsigned l);

struct m_latch {
	uint8_t level;		/* enum latch_level; 0: a tripwire that does
				   not stop anything, to be counted */
	uint8_t set;		/* 0: taken away */
	struct span capability; /* LATCH_CAPABILITY */
	uint64_t task;		/* LATCH_TASK */
	struct span by;		/* what set it, a word of ours: "decoy" */
	struct span reason;
};

/* How long the agent still acts without a word of its owner. */
struct m_lease {
	uint64_t autonomy_s;
	uint64_t until_ms; /* CLOCK_BOOTTIME; 0: it is over */
};

enum revoked { REVOKED_NOTHING = 1, REVOKED_DONE, REVOKED_FAILED, REVOKED_MAX };

/* "nothing-to-revoke", "revoked", "failed"; "none". */
const char *revoked_name(unsigned r);

struct m_revoked {
	uint8_t result; /* enum revoked */
	struct span detail;
};

/* Rows of the broker's own, which the store keeps without reading them. */
enum row_kind {
	ROW_STATE = 1, /* what is used up of the policy's limits */
	ROW_APPROVAL,
	ROW_TASK,
	ROW_CLAUSE, /* that the owner had remembered */
	ROW_SECRET, /* keys, salts */
	ROW_KILL,
	ROW_ASIDE,  /* arguments that the log has a hash of; proto/aside.h */
	ROW_CHAT,   /* what is to be said in a chat, and was */
	ROW_MEMORY, /* what planners have kept */
	ROW_KIND_MAX
};

struct m_r_row {
	uint8_t kind;	   /* enum row_kind */
	struct span key;   /* 1 to LIMIT_ROW_KEY bytes */
	struct span value; /* empty, to be put: there is no such row any more */
};

struct m_r_put {
	uint32_t n;
	struct m_r_row rows[LIMIT_ROWS];
};

/* The first row of a kind behind a key, in the order of their bytes. */
struct m_r_next {
	uint8_t kind;
	struct span after; /* empty: the first of all */
};

/* One note by its name, or, with none, all: to tell of, or, with all, to
 * forget.
 */
struct m_c_memory {
	struct span name;
	uint8_t all;
};

struct m_c_note {
	struct span name;
	uint64_t kept_s, task, bytes;
	struct span from; /* its label, in words */
	struct span text; /* of the one that was asked for */
};

/* What lies beside the log, by its ids, ASIDE_ID bytes each; and for the record
 * of an erasure why: all of an item, or of a sender. */
struct m_c_aside {
	uint64_t item;	    /* 0: none */
	struct span sender; /* empty: none */
	struct span ids;
};

/* What an item is, and so which reader reads it. */
enum item_sort {
	SORT_EMAIL = 1, /* RFC 5322 */
	SORT_TELEGRAM,	/* one update of the Bot API */
	SORT_SLACK,	/* one event of the Events API */
	SORT_MAX
};

/* "email", "telegram", "slack"; "unknown" for what is none. */
const char *item_sort_name(unsigned s);

/* The ways of a connector: bits of m_connector.ways. */
enum {
	WAY_IN = 1 << 0,	/* brings items */
	WAY_OUT = 1 << 1,	/* carries out effects */
	WAY_APPROVALS = 1 << 2, /* a chat of approvals: MSG_SAY, MSG_HEARD;
				   no items, no effects */
	WAY_CHAT = 1 << 3,	/* answers the owner: MSG_SAY */
	WAY_MODEL = 1 << 4,	/* asks models: MSG_L_CALL */
};

struct m_connector {
	struct span name;
	uint8_t ways;	      /* WAY_ bits */
	struct span authserv; /* whose Authentication-Results count; empty:
				 nobody's */
	struct span kind;     /* "maildir", "imap", "telegram", ... */
	uint8_t sort;	      /* enum item_sort of what it brings; else 0 */
	/* Of one that asks models: what tokens cost, in millionths of a dollar
	 * for a million, at most SPEND_PRICE_MAX. */
	uint8_t priced;
	uint64_t input, output, cache_read, cache_write;
	/* Of the one that the planner asks: which model, and in which format.
	 */
	struct span model; /* empty: none */
	uint8_t api;	   /* enum llm_api */
};

struct m_item_new {
	uint64_t item;
	struct span source; /* connector name */
	struct span key;
	uint64_t size;
	uint8_t sha256[32];
	uint64_t since_us; /* CLOCK_MONOTONIC when it was handed over */
	uint64_t task;	   /* its task's number, if it gets one */
	uint32_t attempt;  /* from 1 */
	uint8_t sort;	   /* enum item_sort */
};

enum vm_kind { VM_READER = 1, VM_PLANNER, VM_KIND_MAX };

struct m_vm_new {
	uint64_t vm;
	uint8_t kind;  /* enum vm_kind */
	uint64_t item; /* readers */
};

struct m_vm_gone {
	uint64_t vm;
	struct span reason; /* "done", or why it was ended */
};

struct m_task_start {
	uint64_t task;
	uint64_t item;
};

enum item_verdict {
	ITEM_PENDING = 0,
	ITEM_READ,	  /* read, and its task came to its end */
	ITEM_REFUSED,	  /* no valid JSON came out of its reader VM */
	ITEM_TASK_FAILED, /* read, but its planner VM failed */
	ITEM_INTERRUPTED, /* a restart came between; it had effects */
	ITEM_GIVEN_UP,	  /* bulkhead ended at each attempt */
	ITEM_VERDICT_MAX
};

/* "read", "task-failed", ...; "unknown" for what is none. */
const char *item_verdict_name(unsigned v);

struct m_item_verdict {
	uint64_t item;
	uint8_t verdict; /* enum item_verdict */
};

struct m_i_done {
	uint64_t item;
	uint64_t task;	 /* 0: it had none */
	uint8_t verdict; /* enum item_verdict */
	struct span fault;
	uint64_t reader_us;
	struct span envelope_from;
};

enum item_state { ITEM_WAITING = 1, ITEM_TAKEN, ITEM_ENDED, ITEM_STATE_MAX };

/* What the store knows of an item; of an ended one no bytes are left. */
struct m_i_row {
	uint64_t item;
	uint64_t task;
	struct span source;
	struct span key;
	uint64_t size;
	uint8_t state; /* enum item_state */
	uint32_t attempts;
	uint8_t verdict; /* enum item_verdict; of one that is not ended: which
			    one a restart has to give it, or ITEM_PENDING */
	struct span fault;
	uint64_t reader_us;
	struct span envelope_from;
	uint64_t came_s; /* since 1970 */
	uint64_t ended_s;
};

struct m_vm_ready {
	uint64_t boot_us; /* from spawn to authenticated ready */
};

struct m_work {
	uint64_t item;	      /* 0: none */
	uint64_t deadline_ms; /* from now on; 0: as HELLO said */
	uint8_t sort;	      /* enum item_sort, of an item; else 0 */
};

/* One frame of a VM's wire, as it is watched. No key is ever in it. */
enum frame_kind { FRAME_MESSAGE = 1, FRAME_MUX, FRAME_KIND_MAX };

enum { FRAME_FIRST_MAX = 512 };

struct m_frame {
	uint64_t at_us;	 /* since its porter's start */
	uint32_t missed; /* frames before this that the watcher was too slow
			    for */
	uint8_t out;	 /* 1: from the host */
	uint8_t kind;	 /* enum frame_kind */
	uint8_t type;	 /* enum wire_type or enum mux_type */
	uint32_t flags;	 /* enum mux_flag */
	uint32_t stream;
	uint8_t service;   /* enum wire_service, 0: none or not known yet */
	uint32_t length;   /* as its head says */
	struct span first; /* of the payload, at most FRAME_FIRST_MAX bytes */
};

/* Which VM to watch: by number, or (0) the next to start of that kind. */
struct m_c_wire {
	uint64_t vm;
	uint8_t kind; /* enum vm_kind; 0: of any */
};

struct m_vm_fail {
	uint8_t fault;	    /* enum wire_fault */
	struct span detail; /* our own words, ASCII */
};

/* Facts of the item's own header; the sender's claims unless proved. */
struct m_envelope {
	uint8_t ok;	   /* 0: no strict parse, see fault */
	struct span fault; /* our own words */
	struct span from;  /* addr-spec of the one From, or empty */
	struct span message_id;
	struct span date;	 /* as written */
	struct span auth_id;	 /* whose results its topmost
				    Authentication-Results has, or empty */
	struct span auth_domain; /* of From, if DMARC passed for it there */
	/* For an answer's header; as they stand there, foreign text. */
	struct span references; /* ids, the last of them at most */
	struct span subject;
	/* Of an update or event: who, as its provider says, and where. */
	uint8_t chat_flags;   /* enum chat_flag */
	struct span sender;   /* the provider's id: "11122233", "U0ABC" */
	struct span chat;     /* "-100123", "C0ENG" */
	struct span chat_ref; /* of the message itself, there */
	struct span thread;   /* of the thread that it is in, or empty */
	struct span text;     /* all of a plain message's own text, or empty */
};

enum chat_flag {
	CHAT_BOT = 1 << 0,     /* a bot says it */
	CHAT_EDITED = 1 << 1,  /* a message that was said before, changed */
	CHAT_DIRECT = 1 << 2,  /* between the two alone */
	CHAT_FORWARD = 1 << 3, /* words of somebody else */
	CHAT_MORE = 1 << 4,    /* more in it than its text: quotes, files */
};

struct m_task {
	struct span instruction; /* the owner's, or a fork's goal */
	uint8_t has_item;
	struct span items;     /* a JSON array of what stands for its parts */
	struct span canaries;  /* that stand beside them; label/canary.h */
	struct span documents; /* the owner's own texts; empty: none */
};

struct m_documents {
	struct span text;
};

enum task_state {
	TASK_QUEUED = 1, /* waits for a place */
	TASK_RUNNING,
	TASK_DONE, /* it has its answer */
	TASK_FAILED,
	TASK_CANCELLED,	  /* by the owner */
	TASK_INTERRUPTED, /* a restart came between */
	TASK_STATE_MAX
};

/* "queued", "running", ...; "unknown" for what is none. */
const char *task_state_name(unsigned s);

/* The owner's own words, to a planner. */
struct m_task_run {
	uint64_t item; /* that they are about; 0: none */
	struct span text;
	struct span others; /* items beside it, 8 bytes each, as in a message */
};

struct m_c_task {
	uint64_t task;
	uint64_t item; /* 0: none */
	uint8_t state; /* enum task_state */
	uint8_t own;   /* 1: the owner's; 0: a standing task's, of its item */
	uint64_t created_s; /* since 1970; 0: not known any more */
	uint64_t ended_s;
	uint32_t calls;
	uint32_t forks;
	uint32_t bits;	   /* of influence, beside what it was shown */
	struct span label; /* of all that its planner has seen */
	struct span text;
	struct span answer; /* the planner's words: foreign text */
	struct span fault;  /* why it failed, our own words */
};

struct m_tool {
	struct span name;
	struct span description;
	struct span schema; /* JSON Schema of the arguments, made by us */
};

enum arg_json {
	ARG_STRING = 1,
	ARG_INTEGER,
	ARG_NUMBER,
	ARG_BOOL,
	ARG_REF,      /* {"$ref": "@15"}: the @15 */
	ARG_TEMPLATE, /* {"$tmpl": "Hi {0}", "args": [...]}: the text; */
	ARG_FILL,     /* and a row behind it, of its name and shape, for each
			 of its args, all of which are references */
};
enum arg_shape { ARG_SCALAR = 0, ARG_ELEMENT, ARG_EMPTY_LIST };

/* A list ["a","b"] is two rows of one name with shape ARG_ELEMENT. */
struct m_arg {
	struct span name;
	uint8_t json;	   /* enum arg_json */
	uint8_t shape;	   /* enum arg_shape */
	struct span value; /* text; numbers in JSON spelling; true|false */
};

/* Whether the model has asked for a call, where one is asked at all. */
enum call_bound {
	CALL_BOUND = 0,	  /* it has, or there is none */
	CALL_UNBOUND_LOG, /* it has not: that is put on record */
	CALL_UNBOUND,	  /* it has not: the task is frozen */
	CALL_BOUND_MAX
};

struct m_call {
	uint64_t call; /* the porter's number for it */
	uint8_t bound; /* enum call_bound */
	struct span capability;
	uint32_t n;
	struct m_arg args[LIMIT_ARGS];
};

enum verdict {
	VERDICT_ALLOW = 1,
	VERDICT_DENY,
	VERDICT_ASK, /* the owner is asked */
	VERDICT_MAX
};

/* How the clause of a call begins that names no capability of the policy. */
#define CLAUSE_NO_CAPABILITY "default deny: no capability "

struct m_call_result {
	uint64_t call;
	uint8_t verdict;    /* enum verdict */
	uint8_t executed;   /* 1: the effect was carried out */
	struct span clause; /* e.g. "assistant.yaml:31:9 deny" */
	struct span reason; /* for the planner; depends on the policy and
			       its own arguments only */
	uint64_t audit_index;
	uint64_t ticket;  /* of VERDICT_ASK, and of what is held; else 0 */
	struct span text; /* what came of it; empty: nothing but the above */
};

/* "q7"; and the number in it, 0 if it is none. */
enum { TICKET_TEXT = 24 };
void ticket_text(char ret[TICKET_TEXT], uint64_t ticket);
uint64_t ticket_read(struct span text);

enum { WAIT_SECONDS = 60 }; /* most of one MSG_WAIT */

struct m_wait {
	uint64_t call; /* the porter's number for it */
	uint64_t ticket;
	uint32_t seconds; /* at most; 0: as things are now */
};

struct m_effect {
	uint64_t effect;
	struct span capability;
	/* What it answers, of that item's own envelope; else empty. */
	struct span reply_id;	/* its Message-ID, or chat_ref */
	struct span reply_refs; /* its References */
	struct span reply_subject;
	struct span reply_thread;
	uint32_t n;
	struct m_arg args[LIMIT_ARGS];
};

enum effect_state {
	EFFECT_PLANNED = 1,  /* nothing has been sent to its connector */
	EFFECT_STARTED,	     /* from here on it may have happened */
	EFFECT_DONE,	     /* the connector said so */
	EFFECT_FAILED,	     /* likewise */
	EFFECT_UNKNOWN,	     /* nobody will say */
	EFFECT_NOT_EXECUTED, /* a restart came before it was started */
	EFFECT_SETTLED,	     /* the owner said what became of it */
	EFFECT_STATE_MAX
};

/* "planned", "not-executed", ...; "none" for what is none. */
const char *effect_state_name(unsigned s);

struct m_effect_done {
	uint64_t effect;
	uint8_t state;	    /* EFFECT_DONE, EFFECT_FAILED, EFFECT_UNKNOWN */
	struct span detail; /* the connector's id for it, or why not */
	uint32_t n;	    /* fields of the answer, of those declared */
	struct m_arg args[LIMIT_ARGS];
};

struct m_e_plan {
	uint64_t item;
	uint64_t task;
	uint64_t repeats; /* effect that this one is the repetition of, 0 */
	uint64_t ticket;  /* of the approval that it comes of, 0 */
	struct span capability;
	struct span connector;
	uint32_t n;
	struct m_arg args[LIMIT_ARGS]; /* canonical */
};

struct m_e_started {
	uint64_t effect;
	uint64_t index; /* of its intent in the log */
};

struct m_e_outcome {
	uint64_t effect;
	uint8_t state; /* enum effect_state */
	struct span detail;
};

struct m_e_row {
	uint64_t effect;
	uint64_t item;
	uint64_t task;
	uint64_t repeats;
	uint64_t ticket;    /* of the approval that it came of, 0 */
	uint8_t state;	    /* enum effect_state */
	uint8_t recorded;   /* its outcome is in the log */
	uint8_t have_index; /* it was started: index is that of its intent */
	uint64_t index;
	uint64_t planned_s; /* since 1970 */
	uint64_t ended_s;
	struct span capability;
	struct span connector;
	struct span detail;
	uint32_t n;
	struct m_arg args[LIMIT_ARGS];
};

/* Which approvals: one, with its card; or all that wait (0). */
struct m_c_approvals {
	uint64_t ticket;
	uint8_t held;	 /* those that wait for their undo window instead */
	uint8_t history; /* those that are over as well */
	uint8_t full;	 /* the card with all of each content */
	uint8_t code;	 /* the confirm code, too: for the console's eyes */
};

struct m_c_approval {
	uint64_t ticket;
	uint64_t card;	 /* the first ticket on the same card, */
	uint64_t button; /* and the first that one word may count for, too */
	uint64_t task;
	uint64_t item;
	uint64_t created_s; /* since 1970 */
	uint64_t expires_s;
	uint64_t ready_s; /* no word counts before */
	uint64_t due_s;	  /* it is held until then; 0: it is not */
	uint64_t ended_s;
	uint64_t effect;
	uint64_t audit_index;
	uint8_t state; /* enum approval_state */
	uint8_t undo;  /* enum undo */
	uint8_t remember;
	uint8_t show; /* 1: all of it is to be seen before a word counts */
	uint32_t quorum;
	uint32_t votes; /* how many have said yes */
	uint32_t times; /* that it may still fire */
	struct span capability;
	struct span clause;
	struct span why;
	struct span code; /* asked for with `code`, and there is one */
	struct span text; /* the card: lines, printable */
	uint8_t hash[32]; /* of the card that is not full */
};

struct m_c_approve {
	uint64_t ticket;
	uint32_t uid;	  /* who says so; control's to fill in */
	uint32_t times;	  /* in this task; 1: once */
	uint8_t always;	  /* remembers the clause that its card shows */
	struct span code; /* empty: none */
	uint8_t hash[32]; /* of the card that he saw */
};

struct m_c_decline {
	uint64_t ticket;
	uint32_t uid;
	uint8_t freeze; /* and whatever else its task asks for */
};

struct m_c_item {
	uint64_t item;
	uint64_t task;
	struct span source;
	struct span key;
	uint64_t size;
	uint8_t verdict;     /* enum item_verdict */
	struct span fault;   /* why it was refused, our own words */
	uint64_t reader_us;  /* item handed over to valid record */
	struct span planner; /* planner kind */
	struct span answer;  /* the planner's words: foreign text */
	struct span envelope_from;
};

struct m_c_request {
	uint64_t item;
	uint64_t task;
	struct span capability; /* the planner's words: foreign text */
	uint32_t n;
	struct m_arg args[LIMIT_ARGS];
	uint8_t verdict; /* enum verdict */
	uint8_t executed;
	struct span clause;
	struct span reason;
	uint64_t audit_index;
};

/* A stage of an item's way that has ended; proto/telemetry.h. */
struct m_span {
	uint8_t from;	      /* enum observer */
	uint64_t dropped;     /* by it so far, for want of room */
	uint8_t stage;	      /* enum stage */
	uint64_t number;      /* which one of its stage, in the item */
	uint8_t parent_stage; /* STAGE_NONE: it is a root */
	uint64_t parent_number;
	uint64_t start_ns; /* since 1970 */
	uint64_t took_ns;  /* of CLOCK_MONOTONIC */
	uint8_t outcome;   /* enum span_outcome */
	uint64_t vm;	   /* 0: none */
	uint8_t start;	   /* enum vm_origin, of a VM */
	struct span name;  /* capability, source: of the owner's files */
	struct span what;  /* verdict, state, fault: a word of ours */
};

/* The value of a metric now; counters since the sender's start. */
struct m_sample {
	uint8_t metric;	   /* enum metric */
	struct span first; /* the value of its first label, or empty */
	struct span second;
	uint64_t value;
};

struct m_samples {
	uint8_t from;	  /* enum observer */
	uint64_t dropped; /* as in m_span */
	uint32_t n;
	struct m_sample rows[LIMIT_SAMPLES];
};

/* A file of the vault's, as the monitor opened it. */
enum v_file { V_IDENTITY = 1, V_SECRETS, V_PASSPHRASE, V_FILE_MAX };

struct m_v_file {
	uint8_t what;	  /* enum v_file */
	struct span name; /* as in the configuration, for messages */
};

struct m_v_give {
	struct span connector;
	struct span secret; /* its name in the vault */
	struct span hosts;  /* "name:port name:port", as configured */
};

struct m_v_given {
	struct span connector;
	struct span secret;
	uint8_t ok;
	struct span why; /* not, our own words: no byte of a secret */
};

struct m_secret {
	struct span value;
};

struct m_n_account {
	struct span account;
	struct span hosts;  /* "name:port name:port" */
	uint8_t private_ok; /* addresses of private networks, too */
};

struct m_n_refused {
	struct span account;
	struct span host; /* foreign text */
	uint32_t port;
	struct span why;
};

struct m_dial {
	struct span host;
	uint32_t port;
};

enum account_state {
	ACCOUNT_CONNECTING = 1,
	ACCOUNT_UP,
	ACCOUNT_WAITING, /* after a failure, to try again */
	ACCOUNT_REFUSED, /* the server does not take its credential */
	ACCOUNT_STATE_MAX
};

/* "connecting", "up", "waiting", "refused"; "none". */
const char *account_state_name(unsigned s);

struct m_link {
	uint8_t state;	    /* enum account_state */
	struct span detail; /* our own words */
	uint64_t retry_s;   /* of ACCOUNT_WAITING: until then */
};

struct m_skipped {
	struct span key;
	struct span why;
};

/* One request to a model. */
struct m_l_call {
	uint64_t call; /* the sender's number for it, given back */
	uint8_t api;   /* enum llm_api */
	uint8_t stream;
	uint32_t tokens; /* the most that may be answered */
	uint32_t size;	 /* of the request */
	struct span model;
	/* What it has no reason to say, as m_task has them; of the broker. */
	struct span canaries;
	/* The most bytes of a value that the end brings; then nobody gets the
	 * answer itself, and no socket comes with this. 0: as any. */
	uint32_t value;
};

enum l_state {
	L_ANSWERED = 1, /* wholly */
	L_REFUSED,	/* the provider answers with an error: status */
	L_CUT,		/* what came of its answer is no whole one: why */
	L_FAILED,	/* there is no answer: why */
	L_STATE_MAX
};

/* Tokens are as far as the provider has told. */
struct m_l_done {
	uint64_t call;
	uint8_t state; /* enum l_state */
	uint32_t status;
	uint32_t retry_s; /* that it asks to be left alone; 0: no word */
	struct span why;  /* our own words */
	uint8_t went;	  /* the request may have reached the provider */
	uint8_t told;	  /* the numbers are its last */
	uint32_t input, cache_read, cache_write, output;
	uint32_t said;		    /* bytes of text and arguments that came */
	uint8_t asked[32], got[32]; /* SHA-256 of the request, of the answer */
	/* A canary that the model has said: enum canary_zone, 0: none; and as
	 * what, enum gram_form; which task and item it is of. */
	uint8_t canary, form;
	uint64_t canary_task, canary_item;
	/* Of a question: what was answered, if it was anything (llm/ask.h). It
	 * is the model's word. */
	uint8_t has_value;
	struct span value;
};

/* A button under a message: what is on it, and what comes back of it. */
struct m_button {
	struct span label;
	struct span data; /* at most 64 bytes */
};

enum say_kind {
	SAY_TEXT = 1, /* a message */
	SAY_CARD,     /* the same as preformatted text, with buttons */
	SAY_CHANGE,   /* `message` is this from now on, without buttons */
	SAY_TOAST,    /* the answer to the press `message` */
	SAY_KIND_MAX
};

struct m_say {
	uint64_t number; /* the broker's for it */
	uint8_t kind;	 /* enum say_kind */
	struct span chat;
	struct span thread;  /* or empty */
	struct span message; /* SAY_CHANGE, SAY_TOAST: which one */
	struct span text;    /* UTF-8, what render made */
	uint32_t n;
	struct m_button buttons[LIMIT_BUTTONS];
};

struct m_said {
	uint64_t number;
	uint8_t state;	     /* EFFECT_DONE, EFFECT_FAILED, EFFECT_UNKNOWN */
	struct span message; /* the provider's id for it */
	struct span detail;  /* why not */
};

enum heard_kind { HEARD_TEXT = 1, HEARD_BUTTON, HEARD_KIND_MAX };

/* A word in a chat of approvals; all of it foreign but for the ids, which are
 * the provider's. */
struct m_heard {
	uint64_t number; /* the connector's for it */
	uint8_t kind;	 /* enum heard_kind */
	uint8_t flags;	 /* enum chat_flag */
	struct span id;	 /* the provider's for this word: once only */
	struct span sender;
	struct span chat;
	struct span message; /* of a button: that it is under */
	struct span press;   /* of a button: what SAY_TOAST answers */
	struct span data;    /* of a button */
	struct span text;
};

struct m_heard_ok {
	uint64_t number;
};

/* One message, decoded. The union member is the one its type names above. */
struct msg {
	enum msg_type type;
	struct msg_ids ids;
	union {
		struct m_empty empty;
		struct m_text text;
		struct m_hello hello;
		struct m_audit audit;
		struct m_audit_ok audit_ok;
		struct m_audit_room audit_room;
		struct m_item item;
		struct m_item_done item_done;
		struct m_ping ping;
		struct m_s_state s_state;
		struct m_s_tip s_tip;
		struct m_q_put q_put;
		struct m_q_kept q_kept;
		struct m_q_item q_item;
		struct m_q_count q_count;
		struct m_s_ok s_ok;
		struct m_s_ref s_ref;
		struct m_s_get s_get;
		struct m_i_done i_done;
		struct m_i_row i_row;
		struct m_e_plan e_plan;
		struct m_e_started e_started;
		struct m_e_outcome e_outcome;
		struct m_e_row e_row;
		struct m_r_put r_put;
		struct m_r_next r_next;
		struct m_r_row r_row;
		struct m_c_aside c_aside;
		struct m_c_memory c_memory;
		struct m_c_note c_note;
		struct m_connector connector;
		struct m_latch latch;
		struct m_lease lease;
		struct m_revoked revoked;
		struct m_item_new item_new;
		struct m_vm_new vm_new;
		struct m_vm_gone vm_gone;
		struct m_task_start task_start;
		struct m_item_verdict item_verdict;
		struct m_vm_ready vm_ready;
		struct m_vm_fail vm_fail;
		struct m_work work;
		struct m_frame frame;
		struct m_envelope envelope;
		struct m_task task;
		struct m_documents documents;
		struct m_task_run task_run;
		struct m_c_task c_task;
		struct m_tool tool;
		struct m_call call;
		struct m_call_result call_result;
		struct m_wait wait;
		struct m_effect effect;
		struct m_effect_done effect_done;
		struct m_c_approvals c_approvals;
		struct m_c_approval c_approval;
		struct m_c_approve c_approve;
		struct m_c_decline c_decline;
		struct m_c_item c_item;
		struct m_c_request c_request;
		struct m_c_wire c_wire;
		struct m_span span;
		struct m_samples samples;
		struct m_v_file v_file;
		struct m_v_give v_give;
		struct m_v_given v_given;
		struct m_l_call l_call;
		struct m_l_done l_done;
		struct m_secret secret;
		struct m_n_account n_account;
		struct m_n_refused n_refused;
		struct m_dial dial;
		struct m_link link;
		struct m_skipped skipped;
		struct m_say say;
		struct m_said said;
		struct m_heard heard;
		struct m_heard_ok heard_ok;
	};
};

/* A stable name, e.g. "call-result". */
const char *msg_type_name(enum msg_type t);

/* Appends the whole datagram; b->bad if it is over LIMIT_MSG. */
void msg_encode(struct buf *b, const struct msg *m);

/*
 * Decodes one datagram: version, known type, every bound, all bytes consumed.
 * Returns 0, or -1 with *why a static text. *ret borrows from bytes.
 */
[[nodiscard]] int msg_decode(struct span bytes, struct msg *ret,
			     const char **why);

#endif
