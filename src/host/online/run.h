/*
 * run: what every account has, whatever its kind: the channels, the settings,
 * its secret, the network, and a row of `online_kinds` for what is its own.
 *
 * Start: net_prepare, sandbox, HELLO (settings.h), READY, the secret, then the
 * kind's `start`. Without its secret an account says that it is refused, fails
 * effects by those words, and waits to be stopped.
 */
#ifndef ONLINE_RUN_H
#define ONLINE_RUN_H

#include "base/loop.h"
#include "net.h"
#include "privsep/chan.h"
#include "privsep/gate.h"
#include "retry.h"
#include "secret.h"
#include "settings.h"

struct online;

/*
 * One kind of account. Of the functions `start` and `stop` must be there; a
 * message for which there is none is the sender's fault, and ends the process.
 * o->in holds the message until the function returns.
 */
struct online_kind {
	const char *name;
	/* With settings and secret there. 0 or -errno, which ends it. */
	int (*start)(struct online *o);
	void (*stop)(struct online *o); /* after a failed start, too */
	/* The broker's: o->in.effect, o->in.l_call, o->in.say, o->in.heard_ok.
	 */
	void (*effect)(struct online *o);
	void (*model)(struct online *o);
	void (*say)(struct online *o);
	void (*heard_ok)(struct online *o);
	/* The monitor's, of an item that was given. */
	void (*item_kept)(struct online *o, struct span key);
	void (*item_done)(struct online *o, struct span key);
	/* Gives the credential up at its provider and calls online_revoked
	 * once; NULL: there is nothing that could be. */
	void (*revoke)(struct online *o);
};

struct online {
	struct loop loop;
	struct chan monitor, broker, vault;
	struct net net;
	const struct gate *gate;
	const struct online_kind *kind;
	void *own; /* the kind's */
	int state; /* directory for places, borrowed */
	char name[LIMIT_NAME + 1];
	struct settings set;
	int requests; /* the file of that setting, owned; -1: none */
	struct secret secret;
	struct msg in;	/* of the monitor or the broker, being handled */
	struct msg msg; /* to be sent; its ids are of HELLO */
	bool started;	/* the kind is */
	bool held;	/* nothing is read of the broker */
	int vault_timer;
	int result; /* what online_run returns */
};

/*
 * Runs until it is stopped or killed, or the monitor is gone. o->net is
 * prepared; takes the four channels over, borrows directory and gate. Returns
 * 0 or -errno.
 */
struct online_fds {
	int monitor, broker, netd, vault, state, gate;
};
[[nodiscard]] int online_run(struct online *o, const struct online_fds *fds);

/* Ends the run with a result. */
void online_end(struct online *o, int result);

/* Sends o->msg to the monitor, or to the broker, with a descriptor if fd is not
 * -1. A failure ends the run. */
void online_tell(struct online *o, struct chan *to, int fd);

/* Tells the monitor how it stands. */
void online_link(struct online *o, enum account_state state, const char *detail,
		 uint64_t retry_ms);

/* Gives an item: bytes of a sealed memfd made of s. 0, or -errno: -EMFILE,
 * -ENOMEM and their kin: the host is short of something, try again later. */
[[nodiscard]] int online_item(struct online *o, const char *key, struct span s);

/* Says that it will not give one, for the record. */
void online_skipped(struct online *o, const char *key, const char *why);

/* Reads nothing of the broker while held: an effect at a time. */
void online_hold(struct online *o, bool on);

/* Whether a latch stops this effect: asked right before it happens. */
bool online_killed(const struct online *o, struct span capability,
		   uint64_t task);

/* The answer to an effect; detail is our own words or the provider's id. A kind
 * with fields fills o->msg itself. */
void online_effect_done(struct online *o, const struct msg_ids *ids,
			uint64_t effect, enum effect_state state,
			const char *detail);

/* The answer to MSG_REVOKE. */
void online_revoked(struct online *o, enum revoked r, const char *detail);

/* The rows, NULL at their end. */
extern const struct online_kind *const online_kinds[];

extern const struct online_kind imap_kind;
extern const struct online_kind smtp_kind;
extern const struct online_kind telegram_kind;
extern const struct online_kind slack_kind;
extern const struct online_kind http_kind;
extern const struct online_kind model_kind;

#endif
