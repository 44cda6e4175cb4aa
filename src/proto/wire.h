/*
 * wire: what host and guest say to each other on a VM's one virtio-serial
 * port. Pure bytes; the same code runs in the guest's init and in the porter.
 *
 * It begins with a handshake, always the host first; then the port carries the
 * frames of a multiplexer (proto/mux.h) and nothing else:
 *
 *	host                              guest (init)
 *	HELLO  struct wire_hello
 *	                                  ACK  version u16, mac[32]
 *	---------------- frames of the multiplexer ----------------
 *	                                  opens control: READY once the workload
 *	                                  stands, EXIT when it has ended
 *	opens reader: what the item is    on it: the JSON, FIN, after READY
 *	(enum wire_item), raw bytes, FIN
 *	                                  opens mcp: JSON-RPC lines, both ways
 *	                                  opens log: the workload's stderr
 *
 * HELLO, ACK, READY and EXIT are messages: a head of 8 bytes, little-endian,
 * and a payload.
 *
 *	offset size
 *	0      4    payload length, at most WIRE_MSG_MAX
 *	4      1    type (enum wire_type)
 *	5      3    zero
 *
 * HELLO makes the guest reseed its random generator and set its clock; ACK is
 * HMAC-SHA256 under the session key over the label "bulkhead wire ack", the
 * protocol version and the whole HELLO payload. Until the host has checked it,
 * the guest may send nothing else. The host may send frames right behind HELLO:
 * they wait until the guest has answered it and said READY.
 *
 * The guest of a template (WIRE_HELLO_TEMPLATE) goes through all of this, may
 * be warmed over reader streams with mails of ours, and when the host says GO
 * AWAY, answers with GO AWAY, drops every stream and waits for HELLO again:
 * that is the state that is copied, and each copy has a handshake of its own.
 *
 * Whatever else arrives, or in another order, or larger: the porter ends that
 * VM and reports it (enum wire_fault).
 */
#ifndef PROTO_WIRE_H
#define PROTO_WIRE_H

#include "base/buf.h"
#include "base/span.h"
#include "proto/limits.h"

enum {
	WIRE_VERSION = 3,
	WIRE_HEAD = 8,
	WIRE_MSG_MAX = 256, /* payload of any message */
	WIRE_RANDOM = 32,
	WIRE_KEY = 32,
	WIRE_MAC = 32,
	/* payload sizes */
	WIRE_HELLO_LEN = 12 + WIRE_RANDOM + WIRE_KEY,
	WIRE_ACK_LEN = 2 + WIRE_MAC,
	WIRE_EXIT_LEN = 5,
};

enum wire_type {
	WIRE_HELLO = 1,
	WIRE_ACK,
	WIRE_READY, /* on the control stream, as is EXIT */
	WIRE_EXIT,
	WIRE_TYPE_MAX
};

/* What a stream is for: the first byte that its opener sends on it. */
enum wire_service {
	WIRE_CONTROL = 1,
	WIRE_READER,
	WIRE_MCP,
	WIRE_LLM,
	WIRE_EGRESS,
	WIRE_LOG,
	WIRE_SERVICE_MAX
};

/* "control", "reader", "mcp", "llm", "egress", "log"; NULL for another. */
const char *wire_service_name(enum wire_service s);

/* Who opens a service, and how many of it may be open at once. */
struct wire_rule {
	bool host; /* the host opens it; else the guest */
	uint32_t streams;
};

/* What init starts; the image holds exactly the one program it needs. */
enum wire_workload {
	WIRE_READER_EMAIL = 1,
	WIRE_PLANNER_TRIAGE,
	WIRE_PLANNER_GULLIBLE,
	WIRE_PROBE, /* answers what the guest can and cannot do (tests) */
	WIRE_PLANNER_LLM,
	WIRE_PLANNER_LOCAL,
	WIRE_WORKLOAD_MAX
};

/*
 * What a reader is to read: the first byte on a reader stream, behind which the
 * item begins. The numbers are those of enum item_sort.
 */
enum wire_item {
	WIRE_ITEM_EMAIL = 1, /* RFC 5322 */
	WIRE_ITEM_TELEGRAM,  /* an update of the Bot API */
	WIRE_ITEM_SLACK,     /* an event of the Events API */
	WIRE_ITEM_MAX
};

/*
 * The rule of a service in a guest with that workload; NULL: it has no such
 * service, and opening one is a fault. Readers (and the probe): control,
 * reader, log. Planners: control, mcp, log, and planner-llm: llm.
 */
const struct wire_rule *wire_rule(enum wire_workload w, enum wire_service s);

/* Why a VM's wire was cut. Numbers are stable: they are in audit records. */
enum wire_fault {
	WIRE_OK = 0,
	WIRE_BAD_LENGTH,  /* a message or frame over its limit */
	WIRE_BAD_TYPE,	  /* unknown type, flag or service, or reserved bits */
	WIRE_BAD_ORDER,	  /* a known message out of turn */
	WIRE_BAD_PAYLOAD, /* a payload that its type does not allow */
	WIRE_BAD_VERSION, /* the guest speaks another version */
	WIRE_BAD_MAC,	  /* wrong key, or a replay of another handshake */
	WIRE_TOO_MUCH,	 /* more bytes, frames or streams in all than allowed */
	WIRE_HANGUP,	 /* the port closed before the work was done */
	WIRE_DEADLINE,	 /* silence past the deadline */
	WIRE_BAD_WINDOW, /* more bytes than the window allows, or a window that
			    cannot be */
	WIRE_BAD_STREAM, /* a stream that is not there, not the guest's to
			    open, or has ended */
	WIRE_BAD_MONITOR, /* the virtual machine monitor said no, or nonsense */
	WIRE_BROKER_GONE, /* no doing of the guest's: nobody to work for */
	WIRE_FAULT_MAX
};

/* A stable lower-case name, e.g. "bad-mac". */
const char *wire_fault_name(enum wire_fault f);

enum { WIRE_HELLO_TEMPLATE = 1 }; /* a flag of HELLO: see above */

struct wire_hello {
	uint16_t version; /* WIRE_VERSION */
	uint8_t workload; /* enum wire_workload */
	uint8_t flags;
	uint64_t wall_ns; /* CLOCK_REALTIME, nanoseconds since the epoch */
	uint8_t random[WIRE_RANDOM]; /* for the guest's random generator */
	uint8_t key[WIRE_KEY];	     /* fresh for this VM */
};

struct wire_msg {
	enum wire_type type;
	struct span payload; /* borrowed from the parser until its next call */
};

/* Appends a whole message. payload.n must be <= WIRE_MSG_MAX, else b->bad. */
void wire_put(struct buf *b, enum wire_type t, struct span payload);

void wire_hello_put(struct buf *b, const struct wire_hello *h);
[[nodiscard]] enum wire_fault wire_hello_get(struct span payload,
					     struct wire_hello *ret);

/*
 * The guest's answer to the HELLO with this payload, as an ACK message; and
 * its check on the host, in constant time.
 */
void wire_ack_put(struct buf *b, const uint8_t key[WIRE_KEY],
		  struct span hello_payload);
[[nodiscard]] enum wire_fault wire_ack_check(struct span ack_payload,
					     const uint8_t key[WIRE_KEY],
					     struct span hello_payload);

/* How the workload ended; status is its exit code or the signal, <= 255. */
enum { WIRE_EXIT_CODE = 0, WIRE_EXIT_SIGNALLED = 1 };

struct wire_exit {
	uint8_t kind;
	uint32_t status;
};

void wire_exit_put(struct buf *b, const struct wire_exit *e);
[[nodiscard]] enum wire_fault wire_exit_get(struct span payload,
					    struct wire_exit *ret);

/*
 * The incremental parser: bytes in as they come, whole messages out. Holds at
 * most one. A fault sticks. Start with zeroes; wipe it where a HELLO passed.
 */
struct wire_in {
	uint8_t head[WIRE_HEAD];
	size_t head_n;
	uint8_t payload[WIRE_MSG_MAX];
	size_t payload_n;
	size_t payload_len;
	enum wire_fault fault;
};

/*
 * Consumes from *bytes (advancing it) until a message is whole, and not a
 * byte more. Returns 1 and the message, 0 when more bytes are needed, -1 on a
 * fault (in->fault). Order, and the bytes of HELLO, ACK and EXIT, are the
 * caller's.
 */
[[nodiscard]] int wire_in_next(struct wire_in *in, struct span *bytes,
			       struct wire_msg *ret);

#endif
