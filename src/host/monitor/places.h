/*
 * places: how many VMs may work at once, and when the pool is refilled. Pure.
 *
 * Theory of operation. A VM that works holds a place; there are two a core,
 * for one that waits for its disk, its wire or its owner costs no processor.
 * Two rules keep hostile VMs, which hold on to all they have until their
 * deadline, from holding all places:
 *
 *	- while there are planners, each kind leaves one place to the other: no
 *	  number of mails keeps a task from running, and no number of tasks
 *	  keeps mails from being read;
 *	- a VM that has been at work for PLACE_SLOW_MS gives its place up and
 *	  goes on without one (the kernel shares the processors fairly). There
 *	  is room for as many of these as there are places; only those beyond
 *	  it hold a place again. So two endless loops cost a mail that comes
 *	  after them nothing but processor time.
 *
 * The clock of the second rule starts when the VM is ready: what goes before
 * is our own code, and slow only where the machine is busy, when more at once
 * would be worse.
 *
 * Parked VMs hold no place, for they do not work; the pool is refilled one at
 * a time, when nothing waits and a place is free, and a moment after the last
 * VM was given its work, so that it never competes with what it is there for.
 */
#ifndef HOST_MONITOR_PLACES_H
#define HOST_MONITOR_PLACES_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/msg.h"

enum {
	PLACES_MIN = 2,
	PLACES_MAX = 16,
	PLACES_PER_CORE = 2,
	PLACE_SLOW_MS = 3000,
	POOL_REFILL_MS = 50, /* after the last VM was given its work */
	/* Where there is no pool: jails whose QEMU is started on demand. One
	 * is for the next, one for the next while another is made. */
	POOL_JAILS = 2,
	/* A parked VM is ended after this and another parked in its stead: its
	 * keys and its random numbers do not get old, and a leak does not grow.
	 */
	POOL_PARKED_S = 3600,
	/* Clones that die while they park say this often that the template is
	 * not good. */
	POOL_FAILURES_MAX = 3,
};

/* Places on a machine with so many online cores. */
uint32_t places_of(long cores);

/* VMs at work, by kind, and those of them that are slow. */
struct places {
	uint32_t all;
	uint32_t working[VM_KIND_MAX];
	uint32_t slow[VM_KIND_MAX];
	bool planners; /* there are any */
};

/* Whether one more of that kind may start to work. */
bool place_free(const struct places *p, enum vm_kind kind);

struct pool {
	uint32_t want;
	uint32_t failures; /* in a row */
	uint64_t retry_ms; /* nothing is parked before */
	uint64_t served;   /* in all: given their work, */
	uint64_t died;	   /* dead before they were, */
	uint64_t recycled; /* ended for their age or their template's */
};

/* What else counts when the pool is to be refilled. */
struct pool_need {
	uint32_t have;	    /* parked, or on their way */
	bool parking;	    /* one is on its way */
	bool waiting;	    /* a request waits */
	bool place;	    /* a place is free */
	bool template;	    /* there is one to copy */
	uint64_t worked_ms; /* when the last VM was given its work */
};

bool pool_due(const struct pool *p, const struct pool_need *n, uint64_t now);

/* When pool_due may next change without an event; UINT64_MAX: never. */
uint64_t pool_next_ms(const struct pool *p, const struct pool_need *n,
		      uint64_t now);

void pool_parked(struct pool *p);

/* One died before it was given work. True: so many did that their template is
 * not to be trusted. */
bool pool_failed(struct pool *p, uint64_t now);

#endif
