/*
 * online: one account at a provider.
 *
 * SECURITY. Reads: what a server says, of which libcurl and OpenSSL read TLS,
 * HTTP and the replies of SMTP, and the readers of this folder the rest of the
 * protocol; contents they move and never look into. Effects come from the
 * broker, typed and decided. Trusts: the monitor, the broker, netd's sockets;
 * of the server its certificate alone. Keeps: one credential in locked memory,
 * its own small state, its channels, the latches to look at. It can make no
 * socket and connect none, and no path leads anywhere. It is the first that a
 * kill ends, and looks for a narrower one right before it acts.
 */
#include <errno.h>

#include "base/log.h"
#include "privsep/sandbox.h"
#include "run.h"

static struct online state;

int main(void)
{
	const struct online_fds fds = {
		.monitor = graph_fd(PROC_ONLINE, FD_MONITOR),
		.broker = graph_fd(PROC_ONLINE, FD_BROKER),
		.netd = graph_fd(PROC_ONLINE, FD_NETD),
		.vault = graph_fd(PROC_ONLINE, FD_VAULT),
		.state = graph_fd(PROC_ONLINE, FD_STATE),
		.gate = graph_fd(PROC_ONLINE, FD_GATE),
	};
	/* What opens files and makes sockets, before nothing can. */
	int r = net_prepare(&state.net);

	process_start(PROC_ONLINE);
	if (r < 0)
		die("libcurl cannot start: %s", strerrorname_np(-r));
	r = online_run(&state, &fds);
	if (r < 0)
		log_error("stopped", "account=%s error=%s", state.name,
			  strerrorname_np(-r));
	return r < 0 ? 1 : 0;
}
