/*
 * netd_rig: talks to a real bulkhead-netd, for tests in network namespaces of
 * their own: it is monitor and connector at once. usage: netd_rig LIBEXEC
 * NAMESERVERS. Each line on stdin is HOSTS, a tab, 0 or 1 for private, a tab,
 * HOST, a tab, PORT, where HOSTS is the table of a new account, and HOST and
 * PORT what it asks for. The answer is a line: "table", where HOSTS is none
 * that the configuration would take; or "dialed ADDRESS", "failed WHY",
 * "refused WHY". A line "connector MODE" instead starts LIBEXEC/bulkhead-online
 * with a channel to netd and HELLO's argument, and answers with what its status
 * was.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/netaddr.h"
#include "base/str.h"
#include "privsep/chan.h"
#include "privsep/spawn.h"

static const char *libexec;
static struct chan monitor, account;
static struct msg out, in;

static void need(bool good, const char *what)
{
	if (!good)
		die("%s", what);
}

static void start_netd(const char *servers)
{
	struct spawn s = { .proc = PROC_NETD, .libexec = libexec };
	struct err err = { 0 };
	int pair[2], pidfd;
	const char *why;

	need(chan_pair(pair) == 0, "no channel");
	s.fds[0] = pair[1];
	need(spawn_process(&s, &pidfd, &err) > 0, err.msg);
	fd_close(&pair[1]);
	need(chan_init(&monitor, pair[0]) == 0, "out of memory");
	out.type = MSG_HELLO;
	out.hello = (struct m_hello){ SPAN_LIT("netd"), span_str(servers) };
	need(chan_send(&monitor, &out, NULL, 0) == 0, "netd is gone");
	need(chan_recv(&monitor, &in, &why) == 1 && in.type == MSG_READY,
	     "netd is not ready");
}

/* A new account of netd's, in the place of the one before; our end, or its
 * connector's. */
static int new_account(const char *hosts, bool private)
{
	int pair[2];

	need(chan_pair(pair) == 0, "no channel");
	out.type = MSG_N_ACCOUNT;
	out.n_account = (struct m_n_account){ .account = SPAN_LIT("rig"),
					      .hosts = span_str(hosts),
					      .private_ok = private };
	need(chan_send(&monitor, &out, &pair[0], 1) == 0, "netd is gone");
	fd_close(&pair[0]);
	return pair[1];
}

/* As the configuration judges it: src/conf/connectors.c. */
static bool table_ok(const char *hosts)
{
	const char *colon = strrchr(hosts, ':');
	char host[NETADDR_NAME_MAX + 1];
	size_t n = colon ? (size_t)(colon - hosts) : 0;
	struct netaddr a;
	uint64_t port;

	return colon &&
	       num_parse(span_str(colon + 1), 1, UINT16_MAX, &port) == 0 &&
	       str_copy(host, sizeof(host), span_of(hosts, n)) == 0 &&
	       (netaddr_parse(host, &a) == 0 || netaddr_name_ok(host));
}

static bool was_refused(void)
{
	const char *why;

	return chan_recv(&monitor, &in, &why) == 1 && in.type == MSG_N_REFUSED;
}

static void ask(const char *host, uint32_t port)
{
	const char *why;

	out.type = MSG_DIAL;
	out.dial = (struct m_dial){ .host = span_str(host), .port = port };
	need(chan_send(&account, &out, NULL, 0) == 0 &&
		     chan_recv(&account, &in, &why) == 1,
	     "netd does not answer");
	if (in.type == MSG_DIALED) {
		need(account.n_fds == 1, "no socket came");
		printf("dialed %.*s\n", (int)in.text.text.n,
		       (const char *)in.text.text.p);
		return;
	}
	need(in.type == MSG_DIAL_FAIL && !account.n_fds, "no answer");
	printf("%.*s\n", (int)in.text.text.n, (const char *)in.text.text.p);
}

static void dial(char *line)
{
	const char *hosts = strsep(&line, "\t");
	const char *private = strsep(&line, "\t");
	const char *host = strsep(&line, "\t");
	const char *port = strsep(&line, "\t");
	uint64_t number = 0;

	need(port && num_parse(span_str(port), 0, UINT32_MAX, &number) == 0,
	     "a line that is none");
	if (!table_ok(hosts)) {
		printf("table\n");
		return;
	}
	need(chan_init(&account, new_account(hosts, *private == '1')) == 0,
	     "out of memory");
	ask(host, (uint32_t)number);
	chan_done(&account);
	/* What netd refuses it tells the monitor before it answers. */
	monitor.no_wait = true;
	if (was_refused())
		printf("+refused\n");
	monitor.no_wait = false;
}

/* A connector that an attacker owns; the table is what the mode ends with. */
static void connector(char *mode)
{
	const char *hosts = strrchr(mode, ' ') + 1;
	struct spawn s = { .proc = PROC_ONLINE, .libexec = libexec };
	CLEAN_FD int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	CLEAN_FD int dir = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN_FD int net = new_account(hosts, false);
	struct err err = { 0 };
	struct chan to = { .fd = -1 };
	int pair[2], pidfd, status = 0;
	unsigned refused = 0;
	pid_t pid;

	need(null >= 0 && dir >= 0 && chan_pair(pair) == 0, "no descriptors");
	memcpy(s.fds, (int[]){ pair[1], null, net, null, dir, null },
	       6 * sizeof(int));
	pid = spawn_process(&s, &pidfd, &err);
	need(pid > 0, err.msg);
	fd_close(&pair[1]);
	fd_close(&net);
	need(chan_init(&to, pair[0]) == 0, "out of memory");
	out.type = MSG_HELLO;
	out.hello = (struct m_hello){ SPAN_LIT("hostile"), span_str(mode) };
	(void)!chan_send(&to, &out, NULL, 0);
	need(waitpid(pid, &status, 0) == pid, "no such process");
	monitor.no_wait = true;
	while (was_refused())
		refused++;
	monitor.no_wait = false;
	printf("%s %d refused %u\n", WIFSIGNALED(status) ? "signal" : "code",
	       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
	       refused);
	chan_done(&to);
	(void)close(pidfd);
}

int main(int argc, char **argv)
{
	static const char word[] = "connector ";
	char line[4096];

	need(argc == 3, "usage: netd_rig LIBEXEC NAMESERVERS");
	log_init("netd_rig", LOG_LV_INFO);
	libexec = argv[1];
	start_netd(argv[2]);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		if (!strncmp(line, word, strlen(word)))
			connector(line + strlen(word));
		else
			dial(line);
		printf(".\n");
		(void)fflush(stdout);
	}
	return 0;
}
