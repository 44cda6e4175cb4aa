/* client: see client.h. */
#include "cli/client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cli/supervisor.h"

/* An answer is at most this many messages. */
enum { CLIENT_MESSAGES = 1 << 20 };

int client_connect(const char *path)
{
	struct timeval limit = { .tv_sec = CLIENT_TIMEOUT_S };
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	CLEAN_FD int fd = -1;

	if (str_copy(to.sun_path, sizeof(to.sun_path), span_str(path)) < 0)
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
		return -errno;
	return take_fd(&fd);
}

static int failed(const struct msg *m)
{
	(void)fputs("bulkhead: ", stderr);
	cli_show(stderr, m->text.text);
	(void)fputc('\n', stderr);
	return CLI_NO;
}

int client_exchange(struct chan *ch, const struct msg *request, client_fn each,
		    void *arg)
{
	const char *why = NULL;
	struct msg m;
	bool gone;
	int rc, i;

	rc = chan_send(ch, request, NULL, 0);
	/* Who hangs up may have said why, and nothing else that counts. */
	gone = rc == -EPIPE || rc == -ECONNRESET;
	if (rc < 0 && !gone) {
		cli_error("cannot ask the control process: %s", strerror(-rc));
		return CLI_NO;
	}
	for (i = 0; i < CLIENT_MESSAGES; i++) {
		rc = chan_recv(ch, &m, &why);
		if (rc <= 0) {
			cli_error(
				"no whole answer from the control process: %s",
				why	  ? why
				: rc == 0 ? "it closed the connection"
					  : strerror(-rc));
			return CLI_NO;
		}
		if (m.type == MSG_C_FAIL)
			return failed(&m);
		if (m.type == MSG_C_OK && !gone)
			return CLI_OK;
		if (gone || !each || each(arg, ch, &m) != 0)
			break;
	}
	cli_error("the control process gave an answer that was not asked for");
	return CLI_NO;
}

int client_open(const struct conf *conf, struct chan *ret)
{
	int fd = client_connect(conf->socket);

	if ((fd == -ENOENT || fd == -ECONNREFUSED) && supervisor_pid(conf)) {
		cli_error("bulkhead is not running just now: `up --supervise` "
			  "is about to start it again; `bulkhead logs` says "
			  "why");
		return CLI_DOWN;
	}
	if (fd == -ENOENT || fd == -ECONNREFUSED) {
		cli_error("bulkhead is not running (nobody at %s); "
			  "`bulkhead up` starts it",
			  conf->socket);
		return CLI_DOWN;
	}
	if (fd < 0) {
		cli_error("%s: %s", conf->socket, strerror(-fd));
		return CLI_NO;
	}
	if (chan_init(ret, fd) < 0) {
		(void)close(fd);
		cli_error("out of memory");
		return CLI_NO;
	}
	return CLI_OK;
}

int client_ask(const struct conf *conf, const struct msg *request,
	       client_fn each, void *arg)
{
	struct chan ch;
	int rc = client_open(conf, &ch);

	if (rc != CLI_OK)
		return rc;
	rc = client_exchange(&ch, request, each, arg);
	chan_done(&ch);
	return rc;
}
