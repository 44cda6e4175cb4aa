/*
 * small_online: stands in a test's program folder in the place of
 * bulkhead-online: an account that asks netd for the first host of its table,
 * once for one that is not in it, says to the monitor what became of the first,
 * and answers pings.
 */
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "privsep/chan.h"
#include "privsep/sandbox.h"

static struct chan monitor, netd;
static struct msg in, out;

static void say(struct chan *c, enum msg_type t)
{
	out.type = t;
	if (chan_send(c, &out, NULL, 0) < 0)
		_exit(0);
}

static void hear(struct chan *c)
{
	const char *why;

	if (chan_recv(c, &in, &why) != 1)
		_exit(0);
}

/* The first of the line "hosts=NAME:PORT ...". */
static uint64_t first_host(char *name, size_t cap)
{
	static const char key[] = "\nhosts=";
	char text[4096];
	uint64_t port = 0;
	char *at, *colon;

	if (str_copy(text, sizeof(text), in.hello.arg) < 0)
		_exit(2);
	at = strstr(text, key);
	if (!at)
		_exit(3);
	at += strlen(key);
	at[strcspn(at, " \n")] = 0;
	colon = strrchr(at, ':');
	if (!colon || num_parse(span_str(colon + 1), 1, 65535, &port) < 0 ||
	    str_copy(name, cap, span_of(at, (size_t)(colon - at))) < 0)
		_exit(4);
	return port;
}

static void dial(const char *host, uint64_t port)
{
	out.dial = (struct m_dial){ span_str(host), (uint32_t)port };
	say(&netd, MSG_DIAL);
	hear(&netd);
}

int main(void)
{
	char host[256], text[256];
	uint64_t port;

	process_start(PROC_ONLINE);
	if (chan_init(&monitor, graph_fd(PROC_ONLINE, FD_MONITOR)) < 0 ||
	    chan_init(&netd, graph_fd(PROC_ONLINE, FD_NETD)) < 0)
		_exit(1);
	hear(&monitor);
	port = first_host(host, sizeof(host));
	out.ids = in.ids;
	say(&monitor, MSG_READY);
	dial("outside.test", 25);
	dial(host, port);
	(void)str_copy(text, sizeof(text), in.text.text);
	out.link = (struct m_link){ .state = in.type == MSG_DIALED
						     ? ACCOUNT_UP
						     : ACCOUNT_WAITING,
				    .detail = span_str(text),
				    .retry_s = 100 };
	say(&monitor, MSG_LINK);
	for (;;) {
		hear(&monitor);
		if (in.type == MSG_STOP)
			return 0;
		out.ping = in.ping;
		if (in.type == MSG_PING)
			say(&monitor, MSG_PONG);
	}
}
