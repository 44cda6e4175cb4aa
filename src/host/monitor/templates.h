/*
 * templates: when the template of a kind of VM is built, copied, retired and
 * built again. Pure decisions on a clock that the caller gives; the machines
 * are build.c's.
 *
 * Theory of operation. A template is one VM of our own, booted to "ready" and
 * saved; it has never seen a foreign byte. Its clones share its address
 * layouts and canaries, so what one clone's guest learns of them by dying is
 * worth something against the next. Therefore a template is retired
 *
 *	- at once, when a clone of it dies abnormally: a fault on its wire,
 *	  silence past its deadline, a QEMU that is gone, a porter that is.
 *	  Silence counts although a slow honest guest is silent too: an attempt
 *	  that ends in a loop looks the same, and a template costs seconds.
 *	  One that dies parked has nothing of an outsider's in it, so that
 *	  only several in a row count (POOL_FAILURES_MAX);
 *	- after TEMPLATE_CLONES clones, or at the age of TEMPLATE_AGE_MS.
 *Shortly before, its successor is built beside it, so that nobody waits.
 *
 * It lives in memfds of the monitor alone, and the monitor loads images and
 * configuration once: no template outlives the image it was made of.
 *
 * A build that fails, and a crash of a clone, are answered with a back-off, so
 * that neither a machine that cannot build nor a mail that crashes its reader
 * each time makes a hot loop of builds. A first crash costs no wait. Meanwhile
 * VMs are cold-booted rather than kept waiting: a cold boot shares nothing
 * with any other VM and costs a second, while waiting would let one hostile
 * mail a minute hold up every honest one. Only a build that nothing speaks
 * against is waited for, and that not for ever.
 */
#ifndef HOST_MONITOR_TEMPLATES_H
#define HOST_MONITOR_TEMPLATES_H

#include <stdbool.h>
#include <stdint.h>

enum {
	TEMPLATE_CLONES = 1000,
	TEMPLATE_RENEW_CLONES = 900, /* then its successor is built */
	TEMPLATE_AGE_MS = 24 * 3600 * 1000,
	TEMPLATE_RENEW_MS = 23 * 3600 * 1000,
	/* One that served this long before a clone crashed starts the back-off
	 * anew. */
	TEMPLATE_CALM_MS = 10 * 60 * 1000,
	TEMPLATE_BUILD_MS = 30000, /* for a build, on an idle machine */
	/* From its begin on; by then a cold boot would have been the quicker
	 * way. */
	TEMPLATE_WAIT_MS = 10000,
	TEMPLATE_BUILD_LOAD = 10, /* at most so many times that on a busy one */
	BACKOFF_MAX_MS = 60000,
	TEMPLATE_WHY = 240,
};

struct template
{
	bool wanted;
	bool ready;
	bool building;		 /* the first one, or a successor */
	uint64_t number;	 /* of the ready one; its clones remember it */
	uint64_t clones;	 /* of the ready one */
	uint64_t ready_ms;	 /* when it became ready */
	uint64_t begun_ms;	 /* when the last build began */
	uint64_t build_ms;	 /* what the last good one took */
	uint64_t retry_ms;	 /* nothing is built before */
	uint32_t failures;	 /* builds that failed, in a row */
	uint32_t crashes;	 /* templates retired for a crash, in a row */
	uint64_t built, retired; /* in all */
	char why[TEMPLATE_WHY];	 /* what the last failure or retirement was */
};

/* How long a build may take; load1 is the machine's load for each core. */
uint64_t template_deadline_ms(double load1);

/* Whether a build is to begin now. */
bool template_due(const struct template *t, uint64_t now);

/* When the answer of template_due, template_expired or template_way may next
 * change without an event; UINT64_MAX: never. */
uint64_t template_next_ms(const struct template *t, uint64_t now);

void template_begin(struct template *t, uint64_t now);
void template_built(struct template *t, uint64_t now);
void template_failed(struct template *t, uint64_t now, const char *why);

/* A clone of the ready one was started. */
void template_cloned(struct template *t);

/* Why the ready one is to be retired, our own words; NULL: it is good. */
const char *template_expired(const struct template *t, uint64_t now);
void template_retire(struct template *t, const char *why);

/*
 * A clone of template `number` died abnormally. True: that is the ready one,
 * and it is now retired. False: it was already, or a newer one is there.
 */
bool template_crashed(struct template *t, uint64_t number, uint64_t now,
		      const char *why);

/* How a VM that is needed now starts. */
enum template_way { TEMPLATE_COLD = 0, TEMPLATE_WAIT, TEMPLATE_CLONE };

enum template_way template_way(const struct template *t, uint64_t now);

/* "off", "none", "building", "ready", "renewing", "broken", "resting". */
const char *template_state(const struct template *t, uint64_t now);

#endif
