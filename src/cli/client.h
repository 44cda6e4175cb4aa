/*
 * client: one request to the control process on the owner's socket, and the
 * messages that answer it.
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include "cli/cli.h"
#include "privsep/chan.h"

/* A silent control process is given up after this. */
enum { CLIENT_TIMEOUT_S = 30 };

/* Called for each message before MSG_C_OK; returns 0, or -1 to give up. */
typedef int (*client_fn)(void *arg, struct chan *ch, const struct msg *m);

/*
 * Connects to path. Returns the fd, the caller's, or -errno; -ECONNREFUSED and
 * -ENOENT mean that bulkhead is not running.
 */
[[nodiscard]] int client_connect(const char *path);

/*
 * One request over a channel. Returns CLI_OK after MSG_C_OK, CLI_NO after
 * MSG_C_FAIL or a broken answer, both told on stderr.
 */
int client_exchange(struct chan *ch, const struct msg *request, client_fn each,
		    void *arg);

/* Connects: CLI_OK and the channel, or CLI_DOWN or CLI_NO, told on stderr. */
int client_open(const struct conf *conf, struct chan *ret);

/* Connects, asks, closes; CLI_DOWN, told on stderr, if nobody is there. */
int client_ask(const struct conf *conf, const struct msg *request,
	       client_fn each, void *arg);

#endif
