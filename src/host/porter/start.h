/*
 * start: how a VM comes to the point where it can work: cold, as a template,
 * or as the clone of one.
 */
#ifndef PORTER_START_H
#define PORTER_START_H

#include "link.h"

struct session;

struct start {
	bool ready; /* the guest has said READY */
};

/* HELLO was heard from the monitor, link and loop stand. */
void start_begin(struct session *s);

/* The guest said READY. */
void start_ready(struct session *s);

/* MSG_WORK came (the session has it already). */
void start_work(struct session *s);

/* MSG_SAVE came; fd (taken over) is its memfd. */
void start_save(struct session *s, int fd);

/* The guest has gone away, as it was asked to. */
void start_gone(struct session *s);

/* Before the session ends. */
void start_done(struct session *s);

#endif
