/*
 * hostile_online: stands in a test's program folder in the place of
 * bulkhead-online and does what one does that an attacker owns, behind its real
 * sandbox: asks netd for what its table does not have, or reaches for a network
 * by itself. HELLO's argument is "MODE HOST:PORT", the one row of its table.
 * Its exit code is how many sockets it was given.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "privsep/chan.h"
#include "privsep/sandbox.h"

static struct chan netd;
static struct msg out, in;

/* A connected socket, or -1. */
static int dial(struct span host, uint32_t port)
{
	const char *why;

	out.type = MSG_DIAL;
	out.dial = (struct m_dial){ .host = host, .port = port };
	if (chan_send(&netd, &out, NULL, 0) < 0 ||
	    chan_recv(&netd, &in, &why) != 1)
		_exit(200);
	return in.type == MSG_DIALED ? chan_take_fd(&netd, 0) : -1;
}

/* Names that are nearly the one of the table, and others. */
static int ask_around(const char *host, uint32_t port)
{
	static const char *const forms[] = {
		"%s.",	 "%s.test", "www.%s", " %s",  "%s ",	"%s#",	"%s/",
		"%s:80", "[%s]",    "a@%s",   "%s\t", "%s%%00", "x.%s",
	};
	static const char *const others[] = {
		"",
		"127.0.0.1",
		"localhost",
		"10.200.0.1",
		"[::1]",
		"::1",
		"0.0.0.0",
		"169.254.169.254",
		"2130706433",
		"0x7f.1",
		"8.8.8.8",
		"other.test",
		"::ffff:127.0.0.1",
		"metadata.google.internal",
	};
	static const uint32_t ports[] = { 0,  1,     22,	   53,
					  80, 65535, 65536 + 4433, UINT32_MAX };
	char name[600];
	int got = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(forms); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		(void)snprintf(name, sizeof(name), forms[i], host);
#pragma GCC diagnostic pop
		got += dial(span_str(name), port) >= 0;
	}
	for (i = 0; i < ARRAY_SIZE(others); i++)
		got += dial(span_str(others[i]), port) >= 0;
	for (i = 0; i < ARRAY_SIZE(ports); i++)
		got += dial(span_str(host), ports[i]) >= 0;
	/* With its NUL, and with what a table has between rows. */
	got += dial(span_of(host, strlen(host) + 1), port) >= 0;
	(void)snprintf(name, sizeof(name), "%s:%u %s", host, port, host);
	got += dial(span_str(name), port) >= 0;
	return got;
}

/* Every one of them ends us. */
static void reach(const char *mode, int fd)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(4433),
				 .sin_addr = { htonl(0x08080404) } };

	if (!strcmp(mode, "socket"))
		(void)socket(AF_INET, SOCK_STREAM, 0);
	if (!strcmp(mode, "connect"))
		(void)connect(fd, (struct sockaddr *)&a, sizeof(a));
	if (!strcmp(mode, "unconnect")) {
		a.sin_family = AF_UNSPEC;
		(void)connect(fd, (struct sockaddr *)&a, sizeof(a));
	}
	if (!strcmp(mode, "sendto"))
		(void)sendto(fd, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&a,
			     sizeof(a));
	if (!strcmp(mode, "bind"))
		(void)bind(fd, (struct sockaddr *)&a, sizeof(a));
	if (!strcmp(mode, "uring"))
		(void)syscall(SYS_io_uring_setup, 8, NULL);
}

int main(void)
{
	struct chan monitor;
	char mode[16], host[256];
	const char *why;
	uint64_t port = 0;
	int fd;

	process_start(PROC_ONLINE);
	if (chan_init(&monitor, graph_fd(PROC_ONLINE, FD_MONITOR)) < 0 ||
	    chan_init(&netd, graph_fd(PROC_ONLINE, FD_NETD)) < 0 ||
	    chan_recv(&monitor, &in, &why) != 1 || in.type != MSG_HELLO)
		_exit(201);
	if (str_copy(host, sizeof(host), in.hello.arg) < 0)
		_exit(202);
	{
		char *blank = strchr(host, ' ');
		char *colon = blank ? strrchr(blank, ':') : NULL;

		if (!colon ||
		    str_copy(mode, sizeof(mode),
			     span_of(host, (size_t)(blank - host))) < 0 ||
		    num_parse(span_str(colon + 1), 1, 65535, &port) < 0)
			_exit(203);
		*colon = 0;
		memmove(host, blank + 1, strlen(blank + 1) + 1);
	}
	if (!strcmp(mode, "ask"))
		_exit(ask_around(host, (uint32_t)port));
	/* What its table has it is given. */
	fd = dial(span_str(host), (uint32_t)port);
	if (fd >= 0)
		reach(mode, fd);
	_exit(fd >= 0 ? 1 : 0);
}
