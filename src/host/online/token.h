/*
 * token: access tokens of OAuth 2.0 (RFC 6749 section 6) for XOAUTH2, as Google
 * and Microsoft have it. The account's secret is a JSON object,
 *
 *	{"client_id": "...", "client_secret": "...", "refresh_token": "..."}
 *
 * client_secret may be missing. Nothing of it leaves this process but to the
 * token endpoint of the settings, whose host netd's table must have; the access
 * token is kept as the secret is, until a minute before its end. A new refresh
 * token that comes with it is used from then on, by this process: one that the
 * endpoint does not take is forgotten, and the secret's is the one again.
 */
#ifndef ONLINE_TOKEN_H
#define ONLINE_TOKEN_H

#include "run.h"

struct token {
	struct online *o;
	struct secret access;
	struct secret refresh; /* the newest; empty: the secret's */
	uint64_t until_ms;     /* CLOCK_MONOTONIC; 0: there is none */
	struct net_job *job;
	/* why NULL: `access` is good. denied: the endpoint does not take the
	 * refresh token. Once for each token_get that returned 0. */
	void (*done)(void *arg, const char *why, bool denied);
	void *arg;
};

void token_init(struct token *t, struct online *o,
		void (*done)(void *arg, const char *why, bool denied),
		void *arg);

/* Whether `access` is good for a minute. */
bool token_fresh(const struct token *t);

/* Fetches one. 0, and done will be called, never before this has returned; or
 * -EBADMSG: the secret is none, -errno. */
[[nodiscard]] int token_get(struct token *t);

/* It is not taken any more: the next one is fetched. */
void token_drop(struct token *t);

void token_done(struct token *t);

/* "https://host[:port]/path" of the settings. 0 or -1; *path borrows url. */
[[nodiscard]] int token_url(const char *url, struct settings_host *ret,
			    const char **path);

#endif
