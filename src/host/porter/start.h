/*
 * start: how a VM comes to the point where it can work: cold, as a template,
 * or as the clone of one (the words start= and park= of MSG_HELLO).
 *
 *	cold      HELLO .. READY, work
 *	template  HELLO .. READY, our mails through reader streams, GO AWAY
 *	          both ways, its state saved over QMP, MSG_VM_SAVED
 *	clone     its state loaded, over QMP or alone (alone=1), and HELLO at
 *	          the same time, READY, work
 *	jailed    MSG_VM_PARKED, all with MSG_WORK: QEMU, which waits in its
 *	          jail to be run, is run by the first word to it
 *	waiting   QMP made ready, MSG_VM_PARKED, the rest with MSG_WORK
 *	resumed   as a clone, then a few mails of ours, MSG_VM_PARKED, and
 *	          work with MSG_WORK
 *
 * A guest may own its QEMU: whatever QEMU says but what was asked for is
 * WIRE_BAD_MONITOR and the end of the VM, as is an answer to a mail of ours
 * that is no valid message. An item lies in QEMU before that has confirmed what
 * it loaded, but the porter takes no answer before it has heard QEMU out, and
 * from then on has no way to command it; to one that is alone it never had any.
 */
#ifndef PORTER_START_H
#define PORTER_START_H

#include "exchange.h"
#include "link.h"
#include "qmp.h"

struct session;

enum start_phase {
	START_IDLE = 0,
	START_HELD,    /* a clone whose QEMU does not run yet */
	START_WAITING, /* a clone that is not loaded yet */
	START_BOOTING, /* HELLO is out */
	START_WARMING, /* reads a mail of ours */
	START_LEAVING, /* a template: GO AWAY is out */
	START_SAVING,  /* a template: waits for MSG_SAVE, then for QEMU */
	START_OVER,    /* works, is parked, or is saved */
};

struct start {
	enum start_phase phase;
	bool ready;  /* the guest has said READY */
	bool parked; /* MSG_VM_PARKED went out */
	struct qmp qmp;
	bool watched; /* QMP is in the loop */
	int save_fd;  /* of MSG_SAVE, owned; -1: not there, or given to QEMU */
	struct exchange warm;
	size_t warmed; /* mails read */
};

/* HELLO was heard from the monitor, link and loop stand. */
void start_begin(struct session *s);

/* The process has joined its cgroups, and may read foreign bytes: what is to be
 * jailed is parked, an item that is there goes out behind HELLO. */
void start_joined(struct session *s);

/* The guest said READY. */
void start_ready(struct session *s);

/* MSG_WORK came (the session has it already). */
void start_work(struct session *s);

/* MSG_SAVE came; fd (taken over) is its memfd. */
void start_save(struct session *s, int fd);

/* The guest has gone away, as it was asked to. */
void start_gone(struct session *s);

/* True while QEMU has not confirmed what a clone is made from: a machine that
 * ends now was none. */
bool start_is_loading(const struct session *s);

/* Before the session ends. */
void start_done(struct session *s);

#endif
