/*
 * settings: what one account is told at its start. HELLO's arg is lines
 * "key=value\n", each key at most once, none that is not known:
 *
 *	kind	  imap, smtp, telegram, slack, http, model
 *	hosts	  "name:port name:port": the table that netd connects by; the
 *		  account itself speaks with the first, or with those that its
 *		  kind needs
 *	secret	  yes: the vault gives one, on FD_VAULT
 *	user	  whom it logs in as
 *	auth	  password, xoauth2, github-app
 *	token	  xoauth2: https://host[:port]/path of the token endpoint
 *	folder	  imap
 *	first	  imap: next, all
 *	poll	  imap: seconds between looks, where the server cannot tell
 *	from	  smtp: the sender's address
 *	role	  approvals
 *	ca	  fd: certificates of authorities, PEM, are the next descriptor
 *		  beside HELLO; without it the system's count
 *	requests  fd: the file of declared requests is the next one after that
 *	private	  yes: its servers are of this network; http: a request may go
 *		  without TLS
 *	api	  model: anthropic, openai
 *	models	  model: the names of those that may be asked, a blank between;
 *		  "any" of them: whichever
 *	plain	  yes: model: without TLS, to a server of this network
 *	revoke	  yes: it has no broker and does nothing but answer MSG_REVOKE
 */
#ifndef ONLINE_SETTINGS_H
#define ONLINE_SETTINGS_H

#include "base/span.h"
#include "proto/limits.h"

enum {
	SETTINGS_HOSTS = 16,
	SETTINGS_HOST = 254, /* a name, with its NUL */
	SETTINGS_TEXT = 512, /* any other value, with its NUL */
	SETTINGS_MODELS = 4096,
	SETTINGS_POLL_S = 60,
	SETTINGS_POLL_MAX_S = 86400,
};

enum settings_auth { AUTH_PASSWORD = 0, AUTH_XOAUTH2, AUTH_GITHUB_APP };

struct settings_host {
	char name[SETTINGS_HOST];
	uint32_t port;
};

struct settings {
	char kind[LIMIT_NAME + 1];
	struct settings_host hosts[SETTINGS_HOSTS];
	size_t n_hosts; /* at least 1 */
	char user[SETTINGS_TEXT];
	char token[SETTINGS_TEXT];
	char folder[SETTINGS_TEXT]; /* "INBOX" if there is no word of it */
	char from[SETTINGS_TEXT];
	enum settings_auth auth;
	uint32_t poll_s;
	char models[SETTINGS_MODELS];
	bool secret, all, approvals, ca, requests, private, revoke;
	bool anthropic, plain;
};

/* Reads arg. Returns 0, or -1 with *why, a static text. */
[[nodiscard]] int settings_parse(struct span arg, struct settings *ret,
				 const char **why);

/* "name:port" or "[v6]:port". Returns 0 or -1. */
[[nodiscard]] int settings_host_parse(struct span s, struct settings_host *ret);

#endif
