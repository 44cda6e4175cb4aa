/*
 * peers_rig: the real broker, auditd and store in their sandboxes, for tests
 * that play everybody else: the monitor, control, porters and envelopes.
 */
#ifndef TESTS_PEERS_RIG_H
#define TESTS_PEERS_RIG_H

#include <sys/types.h>

#include "base/testing.h"
#include "privsep/chan.h"
#include "privsep/gate.h"
#include "privsep/graph.h"

/* The folder of the bulkhead-* binaries. */
extern const char *libexec;

extern struct world {
	char dir[32];
	const char *policy; /* NULL: the built-in one */
	struct span bundle; /* or this one, with its time zone */
	const char *tasks;  /* the broker's, as it is told; NULL: one of mail */
	pid_t auditd, broker, store;
	struct chan auditd_monitor, store_monitor, monitor, control;
	struct gate *gate;
	uint64_t next;
} w;

/* What is said next, and what was heard last. */
extern struct msg out, in;

/* Set-up and tear-down of a test; *state may be a policy. */
int world_start(void **state);
int world_stop(void **);
/* The three processes alone; the folder stays. */
void world_begin(void);
void world_end(void);

/* One of the processes, in its sandbox, with these descriptors. */
pid_t start_process(enum proc p, const int *fds, size_t n);

/* A channel on which nobody is waited for without end. */
void chan_limited(struct chan *c, int fd);
void say(struct chan *c, enum msg_type t, int fd);
/* The next message of that type; those before it are passed over. */
void hear(struct chan *c, enum msg_type t);
/* Whether the other end has been closed. */
bool closed(struct chan *c);
/* The owner asks, and is answered soon: nobody has been harmed. */
void alive(void);

/* What the monitor does with a new item; the envelope's end in *envelope. */
uint64_t new_item(const char *key, struct chan *envelope);
uint64_t new_vm(enum vm_kind kind, uint64_t item, struct chan *porter);
void vm_gone(uint64_t vm, const char *reason);
int record_memfd(void);
/* An item whose record and envelope are there, and its planner's porter. */
uint64_t planner_of_item(struct chan *planner, uint64_t *vm);
/* The same of a raw mail, read by an envelope process. */
uint64_t planner_of_mail(const char *mail, struct chan *planner, uint64_t *vm);
void call(struct chan *planner, const char *capability, uint32_t n);
/* The same of a planner whose model has or has not asked for it. */
void call_bound(struct chan *planner, const char *capability, uint32_t n,
		enum call_bound bound);

#endif
