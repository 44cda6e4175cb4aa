/*
 * bulkhead-mcp: a server of MCP by stdio, as agents start them: what it is told
 * goes to the host's server, and what that says comes back.
 *
 * usage: bulkhead-mcp [SOCKET]		/run/bulkhead/mcp.sock
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "guest/agent/forward.h"

#define SOCKET "/run/bulkhead/mcp.sock"

int main(int argc, char **argv)
{
	static struct pair p;
	const char *path = argc > 1 ? argv[1] : SOCKET;
	struct pollfd set[FORWARD_FDS];
	int server, r;

	if (argc > 2) {
		(void)fputs("usage: bulkhead-mcp [SOCKET]\n", stderr);
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	server = forward_connect(path);
	r = server < 0 ? server
		       : pair_open(&p, STDIN_FILENO, STDOUT_FILENO, server);
	if (r < 0) {
		(void)fprintf(stderr, "bulkhead-mcp: %s: %s\n", path,
			      strerror(-r));
		return 1;
	}
	do {
		pair_wants(&p, set);
		if (poll(set, FORWARD_FDS, -1) < 0 && errno != EINTR)
			return 1;
	} while (pair_serve(&p, set));
	return 0;
}
