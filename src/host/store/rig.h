/*
 * rig: for the store's tests: a store on a directory of its own, with the test
 * in the place of the monitor and of the broker. Each call fails the test when
 * the answer is not what it says.
 */
#ifndef HOST_STORE_RIG_H
#define HOST_STORE_RIG_H

#include <sys/types.h>

#include "privsep/chan.h"

struct rig {
	char dir[32];
	const char *libexec; /* NULL: the store in a child, without sandbox */
	const char *bounds;
	pid_t pid;
	struct chan monitor, broker;
	struct m_s_state state;
	struct m_q_count count; /* the last, of any source */
	char why[513];		/* its, or of the last S_FAIL */
	struct msg in, out;
	/* Of what the monitor was told, not yet looked at. */
	struct m_q_item items[64];
	uint8_t first[64]; /* byte of each */
	char source[64][32], key[64][32];
	size_t n_items;
};

extern const char rig_bounds[]; /* wide ones */

void rig_dir(struct rig *r);  /* makes the directory */
void rig_done(struct rig *r); /* removes it */

/* Starts the store. False: it refused, r->why says why. */
bool rig_start(struct rig *r);
void rig_stop(struct rig *r); /* in order */
void rig_kill(struct rig *r); /* SIGKILL */
/* Waits for its end; its exit code, or the signal negated. */
int rig_wait(struct rig *r);

/* Sends without waiting. */
void rig_send_put(struct rig *r, const char *source, const char *key,
		  const void *bytes, size_t n);
void rig_next(struct rig *r, unsigned n);

/* Sends and waits for Q_KEPT: r->in.q_kept. */
void rig_put(struct rig *r, const char *source, const char *key,
	     const char *text);
/* The next of that type for the monitor; items and counts before are kept. */
void rig_hear(struct rig *r, enum msg_type t);
/* The next item handed out; its index in r->items. */
size_t rig_item(struct rig *r);

/* Asks as the broker, with r->out; the answer is in r->in. */
enum msg_type rig_ask(struct rig *r, enum msg_type t);
/* The same, and it must be S_OK: the number in it. */
uint64_t rig_ok(struct rig *r, enum msg_type t);
void rig_say(struct rig *r, enum msg_type t); /* no answer comes */

uint64_t rig_plan(struct rig *r, uint64_t item, uint64_t repeats);
void rig_started(struct rig *r, uint64_t effect, uint64_t index);
void rig_outcome(struct rig *r, uint64_t effect, enum effect_state s);
void rig_verdict(struct rig *r, uint64_t item, enum item_verdict v);
/* The first row after a number; false: none. In r->in. */
bool rig_row(struct rig *r, enum msg_type t, uint64_t after, enum s_which w);

#endif
