/*
 * gateway_door: the gateway to models as a server at a Unix socket, as init of a
 * packaged agent's machine has it, for the providers' own client libraries: each
 * connection is the llm stream of a planner's VM of its own. Says that it is
 * ready and goes on until its input ends.
 *
 * usage: gateway_door LIBEXEC PROVIDER_PORT anthropic|openai SOCKET
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "gateway.h"
#include "tests/system/peers_rig.h"

enum { DOORS = 8 };

struct door {
	struct rig r;
	struct mux_stream *llm;
	int client;
};

/* What came of the porter goes out, all of it. */
static bool pass_on(struct door *d)
{
	const bool ok = guest_pump(&d->r) &&
			fd_write_all(d->client, buf_view(&d->r.got)) == 0;

	buf_reset(&d->r.got);
	return ok;
}

static void *relay(void *arg)
{
	struct door *d = arg;
	char b[16384];
	ssize_t n = 1;

	while (n > 0) {
		struct pollfd p[] = { { d->client, POLLIN, 0 },
				      { d->r.wire, POLLIN, 0 } };

		if (poll(p, 2, -1) < 0)
			break;
		if (p[1].revents && !pass_on(d))
			break;
		if (!p[0].revents)
			continue;
		n = read(d->client, b, sizeof(b));
		if (n > 0)
			guest_send(&d->r, d->llm, span_of(b, (size_t)n));
		/* What came while it was sent. */
		if (d->r.got.n &&
		    fd_write_all(d->client, buf_view(&d->r.got)) < 0)
			break;
		buf_reset(&d->r.got);
	}
	(void)shutdown(d->client, SHUT_RDWR);
	(void)close(d->client);
	return NULL;
}

static int listen_at(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 ||
	    str_copy(at.sun_path, sizeof(at.sun_path), span_str(path)) < 0 ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    listen(fd, DOORS) < 0)
		exit(1);
	(void)puts("ready");
	(void)fflush(stdout);
	return fd;
}

int main(int argc, char **argv)
{
	static struct door doors[DOORS];
	struct pollfd p[2] = { { STDIN_FILENO, POLLIN, 0 }, { 0 } };
	size_t n = 0;

	if (argc != 5 || setenv("BULKHEAD_LIBEXEC", argv[1], 1) < 0)
		return 2;
	libexec = argv[1];
	gateway_start((uint16_t)strtoul(argv[2], NULL, 10),
		      strcmp(argv[3], "anthropic") == 0);
	p[1] = (struct pollfd){ listen_at(argv[4]), POLLIN, 0 };
	while (poll(p, 2, -1) > 0 && !p[0].revents) {
		struct door *d = &doors[n];

		if (n == DOORS)
			break;
		n++;
		d->client = accept(p[1].fd, NULL, NULL);
		d->llm = gateway_planner(&d->r);
		gateway_thread(relay, d);
	}
	return world_stop(NULL);
}
