/*
 * forwarder: a port of the machine's own loopback that is a Unix socket: an
 * agent that knows its model's provider by a URL is given
 * http://127.0.0.1:8787, and init has the socket that is the way to the host.
 *
 * usage: forwarder PORT SOCKET
 *
 * PORT is one of 127.0.0.1 alone; 0: any, which it prints.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "guest/agent/forward.h"

/* As many as a machine may have streams to its model: more wait. */
enum { PAIRS = 8, BACKLOG = 64 };

static struct pair pairs[PAIRS];

static int listen_at(uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	CLEAN_FD int fd =
		socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int on = 1;
	socklen_t n = sizeof(at);

	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&at, n) < 0 ||
	    listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &n) < 0)
		return -errno;
	if (!port)
		(void)printf("%u\n", ntohs(at.sin_port));
	(void)fflush(stdout);
	return take_fd(&fd);
}

static struct pair *free_pair(void)
{
	size_t i;

	for (i = 0; i < PAIRS; i++)
		if (!pairs[i].used)
			return &pairs[i];
	return NULL;
}

static void take_client(int door, const char *path)
{
	struct pair *p = free_pair();
	CLEAN_FD int client = p ? accept4(door, NULL, NULL, SOCK_CLOEXEC) : -1;
	int server, ours;

	if (client < 0)
		return;
	server = forward_connect(path);
	if (server < 0) {
		(void)fprintf(stderr, "forwarder: %s: %s\n", path,
			      strerror(-server));
		return;
	}
	ours = take_fd(&client); /* the pair's from here on */
	if (pair_open(p, ours, ours, server) < 0)
		(void)fputs("forwarder: a connection that is none\n", stderr);
}

static int serve(int door, const char *path)
{
	struct pollfd set[1 + PAIRS * FORWARD_FDS];
	size_t i;

	for (;;) {
		set[0] = (struct pollfd){ .fd = free_pair() ? door : -1,
					  .events = POLLIN };
		for (i = 0; i < PAIRS; i++) {
			struct pollfd *of = set + 1 + i * FORWARD_FDS;

			memset(of, 0xff, FORWARD_FDS * sizeof(*of));
			if (pairs[i].used)
				pair_wants(&pairs[i], of);
		}
		if (poll(set, ARRAY_SIZE(set), -1) < 0 && errno != EINTR)
			return 1;
		for (i = 0; i < PAIRS; i++)
			if (pairs[i].used)
				(void)pair_serve(&pairs[i],
						 set + 1 + i * FORWARD_FDS);
		if (set[0].fd >= 0 && set[0].revents)
			take_client(door, path);
	}
}

int main(int argc, char **argv)
{
	uint64_t port;
	int door;

	if (argc != 3 ||
	    num_parse(span_str(argv[1]), 0, UINT16_MAX, &port) < 0) {
		(void)fputs("usage: forwarder PORT SOCKET\n", stderr);
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	door = listen_at((uint16_t)port);
	if (door < 0) {
		(void)fprintf(stderr, "forwarder: 127.0.0.1:%s: %s\n", argv[1],
			      strerror(-door));
		return 1;
	}
	return serve(door, argv[2]);
}
