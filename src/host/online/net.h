/*
 * net: TLS clients on sockets that netd has connected. An account can make no
 * socket and connect none: it asks netd for one by name and port, and libcurl
 * takes that for its own. Nothing here ever resolves a name, follows a
 * redirection, or uses a connection twice unless it is told to.
 *
 * Two forms:
 *	net_call   one request and its answer (https, http, smtp, smtps)
 *	net_link   bytes both ways, after TLS (imap; a WebSocket, whose upgrade
 *		   its user speaks itself)
 *
 * All of it runs from the loop, nothing waits. Each has limits of time: of the
 * dialing, of the connection until TLS stands, and of a call as a whole. A link
 * that is up is its user's to watch; the kernel probes an idle one.
 */
#ifndef ONLINE_NET_H
#define ONLINE_NET_H

#include <curl/curl.h>

#include "base/buf.h"
#include "base/loop.h"
#include "privsep/chan.h"

enum {
	NET_LINKS = 2,		  /* at the same time */
	NET_CALLS = 16,		  /* under way or waiting for their turn */
	NET_KEPT = 200,		  /* likewise, of those with `keep` */
	NET_DIAL_MS = 60000,	  /* until netd has an answer */
	NET_CONNECT_MS = 30000,	  /* TLS, and the greeting of IMAP */
	NET_CALL_MS = 60000,	  /* of a call that names no limit */
	NET_CALL_BYTES = 2 << 20, /* of an answer, likewise */
	NET_LINK_OUT = 1 << 20,	  /* waiting to be sent on a link */
	NET_LINK_CHUNK = 16 << 10,
	NET_HEADERS = 16,
	NET_CA_MAX = 2 << 20,
};

struct net_multi {
	struct net *net;
	CURLM *curl; /* owned */
	int timer;
};

struct net_job;

struct net {
	struct loop *loop; /* borrowed */
	struct chan netd;
	struct net_multi calls, links[NET_LINKS];
	struct buf ca;		 /* PEM */
	struct net_job *waiting; /* for their turn to be dialed, in order */
	struct net_job *dialing; /* whose answer is to come; NULL with
				    `asked`: nobody's any more */
	struct net_job *running; /* that have been dialed */
	size_t n_jobs;
	bool asked;
	int dial_timer;
	void (*broken)(void *arg, int error); /* netd is gone */
	void *broken_arg;
};

/* Before the sandbox: what libcurl opens files and sockets for. 0 or -errno. */
[[nodiscard]] int net_prepare(struct net *n);

/* Authorities that count in place of the system's: PEM. 0 or -errno. */
[[nodiscard]] int net_trust(struct net *n, int fd);

/* Takes the channel to netd over. 0 or -errno. */
[[nodiscard]] int net_start(struct net *n, struct loop *loop, int netd);

/* Ends all that is under way; nobody is told. */
void net_stop(struct net *n);

struct net_answer {
	/* NULL: the server answered. Else why not: our own words, or
	 * libcurl's. */
	const char *why;
	/* The request may have reached the server: true with `why` is an
	 * unknown end. */
	bool sent;
	bool denied;	  /* it did not take the credential */
	bool trusted;	  /* false: its certificate is not to be trusted */
	long status;	  /* of HTTP, or the last reply of SMTP; 0: none */
	struct span body; /* until the callback returns */
	uint64_t retry_after_s; /* that it asks to be left alone; 0: no word */
};

/* Tells libcurl one thing; the first failure sticks in r. */
#define NET_SET(r, easy, option, value)                                        \
	((r) = (r) != CURLE_OK ? (r) : curl_easy_setopt(easy, option, value))

struct net_call {
	const char *scheme; /* "https", "http", "smtp", "smtps" */
	const char *host;
	uint32_t port;
	/* http and https */
	const char *method;		  /* "GET" if NULL */
	const char *path;		  /* "/...", with its query */
	struct span body;		  /* copied */
	const char *headers[NET_HEADERS]; /* "Name: value", copied */
	size_t n_headers;
	/* limits; 0: as above */
	uint32_t limit_ms;
	size_t limit_bytes;
	/* Asked right before the request goes, with the connection standing:
	 * false, and it ends with nothing sent. May be NULL. */
	bool (*go)(void *arg);
	/* What else libcurl is to be told, at the end; may be NULL. */
	CURLcode (*set)(void *arg, CURL *easy);
	/* An answer of 200 to 299, piece by piece as it comes, in place of
	 * `body`; limit_bytes counts all the same. False: it was not taken, and
	 * comes again when net_resume was called. May be NULL. */
	bool (*piece)(void *arg, struct span bytes);
	/* A connection to the same server that stands idle may be used, and
	 * this one stays for the next. Only for what may be asked twice: where
	 * the server has ended it meanwhile, the request goes by a new one. */
	bool keep;
	uint32_t quiet_ms; /* without a byte it is given up; 0: limit_ms */
	void (*done)(void *arg, const struct net_answer *a); /* once */
	void *arg;
};

/* Begins. 0, and `done` will be called, never before this has returned; or
 * -errno. The strings are copied. *ret, if not NULL, is valid until done. */
[[nodiscard]] int net_call(struct net *n, const struct net_call *c,
			   struct net_job **ret);

/* A call whose `piece` was not taken goes on; may call `piece` and `done`. */
void net_resume(struct net_job *j);

/* Ends a call or a link: no callback of it comes any more. NULL is fine. */
void net_cancel(struct net_job *j);

struct net_link {
	/* "imaps": TLS, greeting and CAPABILITY are read by libcurl; "imap":
	 * the same after STARTTLS, without which it fails; "https": TLS alone;
	 * "http": nothing, the bare socket. */
	const char *scheme;
	const char *host;
	uint32_t port;
	void (*up)(void *arg);			     /* it stands */
	void (*bytes)(void *arg, struct span bytes); /* came */
	/* It is no more; the link is freed. trusted as above. */
	void (*down)(void *arg, const char *why, bool trusted);
	void *arg;
};

/* Begins. 0, and up or down will be called, never before this has returned; or
 * -errno: -EBUSY, there are NET_LINKS already. End it by net_cancel. */
[[nodiscard]] int net_link(struct net *n, const struct net_link *l,
			   struct net_job **ret);

/* Sends on a link that is up, as soon as it can. 0, or -ENOBUFS: more than
 * NET_LINK_OUT waits. What was sent is wiped. */
[[nodiscard]] int net_send(struct net_job *j, struct span bytes);

#endif
