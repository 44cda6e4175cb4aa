/*
 * github: tokens of a GitHub App's installation. The secret of such an account
 * is the App's private key; with it a token is had for one call, for one
 * repository where the call names one, and ended behind it. The key itself is
 * never sent. https://docs.github.com/rest/apps
 */
#ifndef ONLINE_GITHUB_H
#define ONLINE_GITHUB_H

#include "net.h"
#include "secret.h"
#include "settings.h"

enum {
	GITHUB_JWT_PAST_S = 60,	 /* clocks differ */
	GITHUB_JWT_LIFE_S = 540, /* GitHub takes 600 at most */
	GITHUB_JWT_MAX = 4096,
	GITHUB_TOKEN_MAX = 512,
	GITHUB_ANSWER_MAX = 256 << 10,
};

struct github {
	struct net *net;	    /* borrowed */
	const struct settings *set; /* borrowed: hosts, user */
	const struct secret *key;   /* borrowed: PEM */
	struct secret token;	    /* "": none is alive */
	struct net_job *job;
	/* The end of github_mint or github_revoke; why NULL: it is done. */
	void (*done)(void *arg, const char *why);
	void *arg;
};

/* "APP/INSTALLATION", the App's id or client id and a number. Returns 0 or -1;
 * both borrow from user. */
[[nodiscard]] int github_user(const char *user, struct span *app,
			      struct span *installation);

/*
 * The token by which an App says who it is (RFC 7519, RS256): appends it to
 * jwt. 0; -EINVAL: the key is no RSA key in PEM, of 2048 bits at least;
 * -ENOMEM.
 */
[[nodiscard]] int github_jwt(struct span pem, struct span app, uint64_t now_s,
			     struct buf *jwt);

/* Begins to get a token; repo "owner/name" or empty: for all that the
 * installation has. 0, and done will be called, never before this has
 * returned; or -errno. */
[[nodiscard]] int github_mint(struct github *g, struct span repo);

/* The same to end the token; it is wiped here whatever the server says. */
[[nodiscard]] int github_revoke(struct github *g);

/* Ends what is under way and wipes; nobody is told. */
void github_stop(struct github *g);

#endif
