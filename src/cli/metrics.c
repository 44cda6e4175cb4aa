/* metrics: the metrics as telemetry has them, over its local socket. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cli/cli.h"

enum { ANSWER_MAX = 4 << 20, WAIT_S = 10 };

/* A connection, or -errno. */
static int connect_to(const char *path)
{
	const struct timeval limit = { .tv_sec = WAIT_S };
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	CLEAN_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (str_copy(to.sun_path, sizeof(to.sun_path), span_str(path)) < 0)
		return -ENAMETOOLONG;
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) <
		    0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) <
		    0 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	return take_fd(&fd);
}

/* The body of the answer, or an empty span: it was not 200, or not whole. */
static struct span body_of(const struct buf *b)
{
	static const char ok[] = "HTTP/1.1 200 ";
	const uint8_t *end = b->n ? memmem(b->p, b->n, "\r\n\r\n", 4) : NULL;

	if (!end || b->n < strlen(ok) || memcmp(b->p, ok, strlen(ok)) != 0)
		return span_of(NULL, 0);
	end += 4;
	return span_of(end, (size_t)(b->p + b->n - end));
}

/* Asks for a path; all that comes until the end is in b. 0 or -errno. */
static int fetch(const char *socket_path, const char *path, struct buf *b)
{
	CLEAN_FD int fd = connect_to(socket_path);
	char request[128];
	uint8_t *p;
	ssize_t n;
	int r;

	if (fd < 0)
		return fd;
	(void)str_printf(request, sizeof(request),
			 "GET %s HTTP/1.1\r\nHost: bulkhead\r\n\r\n", path);
	r = fd_write_all(fd, span_str(request));
	if (r < 0)
		return r;
	p = buf_extend(b, ANSWER_MAX);
	if (!p)
		return -ENOMEM;
	n = fd_read_all(fd, p, ANSWER_MAX);
	buf_cut(b, n > 0 ? (size_t)n : 0);
	return n < 0 ? (int)n : 0;
}

static int print_json(struct span body)
{
	json_t *json = json_loadb((const char *)body.p, body.n,
				  JSON_REJECT_DUPLICATES, NULL);
	int rc;

	if (!json) {
		cli_error("telemetry's answer is not JSON");
		return CLI_NO;
	}
	rc = cli_json(stdout, json);
	json_decref(json);
	return rc;
}

static int print(struct span body, const struct cli *cli)
{
	if (!body.n) {
		cli_error("telemetry gave no metrics; `bulkhead logs` may say "
			  "why");
		return CLI_NO;
	}
	if (cli->json)
		return print_json(body);
	cli_show_lines(stdout, body);
	return ferror(stdout) || fflush(stdout) != 0 ? CLI_NO : CLI_OK;
}

int cmd_metrics(int argc, char **argv, const struct cli *cli)
{
	CLEAN_BUF struct buf b = { 0 };
	struct conf conf;
	const char *path;
	int r;

	if (cli_options(&argc, argv, NULL, 0) != 0)
		return CLI_USAGE;
	if (argc > 1)
		return cli_usage("metrics", "it takes no operand");
	if (cli_conf(cli, &conf) != 0)
		return CLI_USAGE;
	path = conf.telemetry.metrics;
	if (!path[0]) {
		cli_error("telemetry.metrics is none in the configuration: "
			  "there is nobody to ask");
		return CLI_NO;
	}
	buf_init(&b, ANSWER_MAX + 1);
	r = fetch(path, cli->json ? "/metrics.json" : "/metrics", &b);
	if (r == -ENOENT || r == -ECONNREFUSED) {
		cli_error("bulkhead is not running (nobody at %s); `bulkhead "
			  "up` starts it",
			  path);
		return CLI_DOWN;
	}
	if (r < 0) {
		cli_error("%s: %s", path, strerror(-r));
		return CLI_NO;
	}
	return print(body_of(&b), cli);
}
