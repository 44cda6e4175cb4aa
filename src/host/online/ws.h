/*
 * ws: a WebSocket (RFC 6455) as a client, over a net_link of TLS that is its
 * own: the upgrade by hand, frames by libwslay. Texts come whole and bounded;
 * pings are answered; nothing else than text is taken.
 */
#ifndef ONLINE_WS_H
#define ONLINE_WS_H

#include <wslay/wslay.h>

#include "net.h"

enum {
	WS_MESSAGE = 1 << 20, /* one text that comes */
	WS_HEAD = 8 << 10,    /* the server's head of the upgrade */
	WS_QUIET_MS = 120000, /* without a byte it is taken for dead */
	WS_UP_MS = 30000,     /* until the first text, which tells it is up */
};

struct ws {
	struct loop *loop;
	struct net_job *link; /* NULL: there is none */
	wslay_event_context_ptr ctx;
	struct buf in;	 /* bytes that came and wslay has not taken */
	struct buf head; /* our request, until the link is up */
	char accept[32]; /* what the server has to answer */
	bool open;	 /* it has */
	bool heard;	 /* its first text */
	int timer;
	void (*text)(void *arg, struct span text);
	/* It is no more, by no word of ours. */
	void (*down)(void *arg, const char *why);
	void *arg;
};

/* Embedded, begins as none. */
void ws_init(struct ws *w);

/* Begins; text, down and arg are set. 0, or -errno and it is none. path is
 * what may stand in a line of HTTP. */
[[nodiscard]] int ws_open(struct ws *w, struct net *n, const char *host,
			  uint32_t port, struct span path);

/* 0 or -errno. */
[[nodiscard]] int ws_send(struct ws *w, struct span text);

/* Ends it without a word; safe where there is none, and in `down`; not in
 * `text`. */
void ws_close(struct ws *w);

/* The head of the answer to the upgrade, up to its empty line. True: the server
 * speaks WebSocket, and knows our key. */
[[nodiscard]] bool ws_head_ok(struct span head, const char *accept);

#endif
