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

enum { MSG_VERSION = 2, MSG_HEAD = 36, MSG_RUN = 16 };

enum msg_type {
	MSG_NONE = 0,

	/* monitor -> any */
	MSG_HELLO, /* m_hello: who you are, the run id in the head */
	MSG_STOP,  /* m_empty: finish and exit */
	MSG_KILL,  /* m_text: the latch is set, the reason */

	/* any -> auditd, and its answer */
	MSG_AUDIT,	 /* m_audit */
	MSG_AUDIT_LATER, /* m_audit: durable in a moment, no answer if it is */
	MSG_AUDIT_OK,	 /* m_audit_ok: durable, with all before it */
	MSG_AUDIT_FAIL,	 /* m_text: nothing may execute */

	/* inbound connector <-> monitor */
	MSG_ITEM,      /* m_item + sealed memfd of the raw bytes */
	MSG_ITEM_DONE, /* m_item_done: monitor -> connector, may forget it */

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
	MSG_ANSWER,	 /* m_text: the task's final answer to the owner */
	MSG_ANSWER_OK,	 /* m_empty */

	/* broker <-> outbound connector */
	MSG_EFFECT,	 /* m_effect */
	MSG_EFFECT_DONE, /* m_effect_done */

	/* cli -> control -> monitor or broker, and the answers */
	MSG_C_STATUS,  /* m_empty -> MSG_C_TEXT (JSON of m_status, own text) */
	MSG_C_DOWN,    /* m_empty -> MSG_C_OK */
	MSG_C_KILL,    /* m_text: reason -> MSG_C_OK */
	MSG_C_ITEMS,   /* m_empty -> MSG_C_ITEM ..., MSG_C_OK */
	MSG_C_ITEM,    /* m_c_item + sealed memfd, message_encode, if any */
	MSG_C_REQUEST, /* m_c_request: what a planner asked for */
	MSG_C_WIRE,    /* m_c_wire -> MSG_C_OK + channel of MSG_FRAMEs */
	MSG_C_OK,      /* m_empty */
	MSG_C_FAIL,    /* m_text */
	MSG_C_TEXT,    /* m_text: a JSON object, part of an answer */

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

struct m_item {
	struct span key; /* the connector's own name for it, opaque */
	uint64_t size;
	uint8_t sha256[32];
};

struct m_item_done {
	struct span key;
	uint8_t verdict; /* enum item_verdict */
};

struct m_connector {
	struct span name;
	uint8_t direction; /* 1 inbound, 2 outbound */
};

struct m_item_new {
	uint64_t item;
	struct span source; /* connector name */
	struct span key;
	uint64_t size;
	uint8_t sha256[32];
	uint64_t since_us; /* CLOCK_MONOTONIC when it was handed over */
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
	ITEM_VERDICT_MAX
};

struct m_item_verdict {
	uint64_t item;
	uint8_t verdict; /* enum item_verdict */
};

struct m_vm_ready {
	uint64_t boot_us; /* from spawn to authenticated ready */
};

struct m_work {
	uint64_t item;	      /* 0: none */
	uint64_t deadline_ms; /* from now on; 0: as HELLO said */
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
	struct span date; /* as written */
};

struct m_task {
	struct span instruction; /* the owner's, from the configuration */
	uint8_t has_item;
};

struct m_tool {
	struct span name;
	struct span description;
	struct span schema; /* JSON Schema of the arguments, made by us */
};

enum arg_json { ARG_STRING = 1, ARG_INTEGER, ARG_NUMBER, ARG_BOOL };
enum arg_shape { ARG_SCALAR = 0, ARG_ELEMENT, ARG_EMPTY_LIST };

/* A list ["a","b"] is two rows of one name with shape ARG_ELEMENT. */
struct m_arg {
	struct span name;
	uint8_t json;	   /* enum arg_json */
	uint8_t shape;	   /* enum arg_shape */
	struct span value; /* text; numbers in JSON spelling; true|false */
};

struct m_call {
	uint64_t call; /* the porter's number for it */
	struct span capability;
	uint32_t n;
	struct m_arg args[LIMIT_ARGS];
};

enum verdict { VERDICT_ALLOW = 1, VERDICT_DENY, VERDICT_MAX };

struct m_call_result {
	uint64_t call;
	uint8_t verdict;    /* enum verdict */
	uint8_t executed;   /* 1: the effect was carried out */
	struct span clause; /* e.g. "assistant.yaml:31:9 deny" */
	struct span reason; /* for the planner; depends on the policy and
			       its own arguments only */
	uint64_t audit_index;
};

struct m_effect {
	uint64_t effect;
	struct span capability;
	uint32_t n;
	struct m_arg args[LIMIT_ARGS];
};

struct m_effect_done {
	uint64_t effect;
	uint8_t ok;
	struct span detail; /* the connector's id for it, or why not */
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
		struct m_item item;
		struct m_item_done item_done;
		struct m_connector connector;
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
		struct m_tool tool;
		struct m_call call;
		struct m_call_result call_result;
		struct m_effect effect;
		struct m_effect_done effect_done;
		struct m_c_item c_item;
		struct m_c_request c_request;
		struct m_c_wire c_wire;
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
