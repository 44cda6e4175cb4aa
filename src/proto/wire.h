/*
 * wire: what host and guest say to each other on a VM's one virtio-serial
 * port. Pure bytes; the same code runs in the guest's init and in the porter.
 *
 * A frame is a head of 8 bytes, little-endian, and its payload:
 *
 *	offset size
 *	0      4    payload length, at most LIMIT_WIRE_FRAME
 *	4      1    type    (enum wire_type)
 *	5      1    service (enum wire_service)
 *	6      2    zero
 *
 * The host speaks first: HELLO, always. The guest reseeds its random
 * generator, sets its clock and answers ACK: HMAC-SHA256 under the session key
 * over the label "bulkhead wire ack", the protocol version and the whole HELLO
 * payload. Until the host has checked it, the guest may send nothing else.
 *
 *	host                              guest (init)
 *	HELLO  control  struct wire_hello
 *	                                  ACK   control  version u16, mac[32]
 *	                                  READY control  workload started
 *	DATA   reader|mcp   bytes   <-->  DATA  reader|mcp  bytes
 *	END    reader|mcp   (no more)     END   reader|mcp
 *	                                  LOG   log      text, at most 1 KiB
 *	                                  EXIT  control  kind u8, status u32
 *
 * DATA and LOG are never empty; after EXIT nothing follows. Whatever else
 * arrives, or in another order, or larger: the porter ends that VM and reports
 * it (enum wire_fault).
 */
#ifndef PROTO_WIRE_H
#define PROTO_WIRE_H

#include "base/buf.h"
#include "base/span.h"
#include "proto/limits.h"

enum {
	WIRE_VERSION = 1,
	WIRE_HEAD = 8,
	WIRE_RANDOM = 32,
	WIRE_KEY = 32,
	WIRE_MAC = 32,
	WIRE_LOG_MAX = 1024,
	/* payload sizes */
	WIRE_HELLO_LEN = 12 + WIRE_RANDOM + WIRE_KEY,
	WIRE_ACK_LEN = 2 + WIRE_MAC,
	WIRE_EXIT_LEN = 5,
};

enum wire_type {
	WIRE_HELLO = 1,
	WIRE_ACK,
	WIRE_READY,
	WIRE_DATA,
	WIRE_END,
	WIRE_LOG,
	WIRE_EXIT,
	WIRE_TYPE_MAX
};

enum wire_service {
	WIRE_CONTROL = 0,
	WIRE_READER,
	WIRE_MCP,
	WIRE_LOGS,
	WIRE_SERVICE_MAX
};

/* What init starts; the image holds exactly the one program it needs. */
enum wire_workload {
	WIRE_READER_EMAIL = 1,
	WIRE_PLANNER_TRIAGE,
	WIRE_PLANNER_GULLIBLE,
	WIRE_PROBE, /* answers what the guest can and cannot do (tests) */
	WIRE_WORKLOAD_MAX
};

/* Why a VM's wire was cut. Numbers are stable: they are in audit records. */
enum wire_fault {
	WIRE_OK = 0,
	WIRE_BAD_LENGTH,  /* a frame over LIMIT_WIRE_FRAME */
	WIRE_BAD_TYPE,	  /* unknown type or service, a type on a service that
			     does not carry it, or reserved bits set */
	WIRE_BAD_ORDER,	  /* a known frame out of turn */
	WIRE_BAD_PAYLOAD, /* a payload that its type does not allow */
	WIRE_BAD_VERSION, /* the guest speaks another version */
	WIRE_BAD_MAC,	  /* wrong key, or a replay of another handshake */
	WIRE_TOO_MUCH,	  /* more bytes in all than this kind of VM may send */
	WIRE_HANGUP,	  /* the port closed before the work was done */
	WIRE_DEADLINE,	  /* silence past the deadline */
	WIRE_FAULT_MAX
};

/* A stable lower-case name, e.g. "bad-mac". */
const char *wire_fault_name(enum wire_fault f);

struct wire_hello {
	uint16_t version; /* WIRE_VERSION */
	uint8_t workload; /* enum wire_workload */
	uint8_t zero;
	uint64_t wall_ns; /* CLOCK_REALTIME, nanoseconds since the epoch */
	uint8_t random[WIRE_RANDOM]; /* for the guest's random generator */
	uint8_t key[WIRE_KEY];	     /* fresh for this VM */
};

struct wire_frame {
	enum wire_type type;
	enum wire_service service;
	struct span payload; /* borrowed from the parser until its next call */
};

/* Appends a whole frame. payload.n must be <= LIMIT_WIRE_FRAME, else b->bad. */
void wire_put(struct buf *b, enum wire_type t, enum wire_service s,
	      struct span payload);

void wire_hello_put(struct buf *b, const struct wire_hello *h);
[[nodiscard]] enum wire_fault wire_hello_get(struct span payload,
					     struct wire_hello *ret);

/*
 * The guest's answer to the HELLO with this payload, as an ACK frame; and its
 * check on the host, in constant time.
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
 * The incremental parser: bytes in as they come, whole frames out. Holds at
 * most one frame. A fault sticks.
 */
struct wire_in {
	uint8_t head[WIRE_HEAD];
	size_t head_n;
	uint8_t *payload; /* LIMIT_WIRE_FRAME bytes, allocated once, owned */
	size_t payload_n;
	size_t payload_len;
	enum wire_fault fault;
};

/* Returns 0 or -ENOMEM. */
[[nodiscard]] int wire_in_init(struct wire_in *in);
void wire_in_done(struct wire_in *in);

/*
 * Consumes from *bytes (advancing it) until a frame is whole. Returns 1 and
 * the frame, 0 when more bytes are needed, -1 on a fault (in->fault). The head
 * decides type, service and length of the payload before a byte of it is
 * stored; order, and the bytes of HELLO, ACK and EXIT, are the caller's.
 */
[[nodiscard]] int wire_in_next(struct wire_in *in, struct span *bytes,
			       struct wire_frame *ret);

#endif
