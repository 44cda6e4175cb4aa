/*
 * porter_rig: for tests: a porter's session in a child, and the test as its
 * monitor, its broker and its VM.
 *
 * With BULKHEAD_LIBEXEC the child is the real bulkhead-porter in its sandbox:
 * a system call that is not on its list kills it, and the test with it.
 *
 * Where the other side may have cut the wire already, writing to it is no
 * failure.
 */
#ifndef PORTER_RIG_H
#define PORTER_RIG_H

#include "base/testing.h"
#include "session.h"

enum { RIG_PATIENCE_S = 20, RIG_TASK = 5 };

struct rig {
	pid_t pid;
	struct chan monitor, broker;
	int wire;
	struct wire_in in; /* of the handshake */
	struct wire_hello hello;
	uint8_t hello_raw[WIRE_HELLO_LEN];
	struct mux mux;
	struct mux_stream *control, *log, *mcp;
	struct mux_stream *reader; /* what the host opened; NULL once over */
	struct buf got;		   /* what came on reader or mcp */
	bool got_end, got_reset, gone;
	bool hold; /* does not give back the windows of what comes */
};

/* Where the porter's log goes from its start on; -1: nowhere. */
extern int rig_log;

/* Starts it, with MSG_HELLO of these words; qmp -1: /dev/null. */
void rig_start(struct rig *r, const char *words, int qmp);
/* The same with a channel to a broker that there is: broker[1] becomes the
 * porter's, [0] is of no use. */
void rig_start_between(struct rig *r, const char *words, int qmp,
		       int broker[2]);

/* MSG_WORK with the rig's task; item -1: none, else a mail. */
void rig_work(struct rig *r, int item, uint64_t deadline_ms);
/* The same of an item of this sort, whatever it is. */
void rig_work_sort(struct rig *r, int item, uint64_t deadline_ms, uint8_t sort);

/* Both, with an item of these bytes. */
void rig_start_item(struct rig *r, const char *words, struct span item);

/* Ends the rig; the child's exit code. */
int rig_stop(struct rig *r);

/* --- the guest's side --- */

void guest_write(struct rig *r, struct span raw);
/* A frame as given, and its payload, whatever the mux thinks of it. */
void guest_frame(struct rig *r, enum mux_type t, uint16_t flags,
		 uint32_t stream, uint32_t length, struct span payload);
void guest_message(struct rig *r, enum wire_type t, struct span payload);

void guest_hello(struct rig *r); /* waits for it */
void guest_ack(struct rig *r);
void guest_ready(struct rig *r);
void guest_open(struct rig *r); /* all three */
void guest_exit(struct rig *r, uint8_t kind, uint32_t status);

/* Writes what the mux has queued. */
void guest_flush(struct rig *r);
/* Reads once; false at the end of the wire. */
bool guest_pump(struct rig *r);
/* Waits until the porter has dealt with all that was sent: a ping. */
void guest_sync(struct rig *r);
/* All bytes on s, as the window lets them. */
void guest_send(struct rig *r, struct mux_stream *s, struct span bytes);
void guest_end(struct rig *r, struct mux_stream *s);
void guest_log(struct rig *r, struct span text);
/* Opens mcp if it is not yet, and speaks. */
void guest_say(struct rig *r, struct span text);
/* Waits for the host's reader stream and reads it to its end into got. */
void guest_take_item(struct rig *r);

/* --- what monitor and broker hear --- */

void rig_hear(struct chan *c, enum msg_type want, struct msg *ret);
void hear_end(struct chan *c);
/* The monitor's last message is this fault, and the broker heard nothing. */
void hear_fault(struct rig *r, const char *name, enum wire_fault want);

#endif
