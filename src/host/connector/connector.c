/*
 * connector: one account. Inbound it hands raw items over, outbound it carries
 * out effects that the broker has decided and put on record.
 *
 * SECURITY. Reads: names and bytes of mails that an attacker wrote, which it
 * moves and never parses; effects from the broker, typed and decided, whose
 * texts are a planner's words: they reach a header only encoded. Trusts: the
 * monitor and the broker. Keeps: its one directory, its own small state, the
 * two channels, the latches to look at; no network, no other path, no program
 * to run. It is the first that a kill ends, and looks for a narrower one right
 * before it acts.
 */
#include <errno.h>
#include <openssl/crypto.h>

#include "base/log.h"
#include "privsep/sandbox.h"
#include "run.h"

static struct connector state;

int main(void)
{
	int r;

	process_start(PROC_CONNECTOR);
	/* No configuration file: there is none to be found. */
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
		die("libcrypto cannot start");
	r = connector_run(&state, graph_fd(PROC_CONNECTOR, FD_MONITOR),
			  graph_fd(PROC_CONNECTOR, FD_BROKER),
			  graph_fd(PROC_CONNECTOR, FD_DIR),
			  graph_fd(PROC_CONNECTOR, FD_STATE),
			  graph_fd(PROC_CONNECTOR, FD_GATE));
	if (r < 0)
		log_error("stopped", "connector=%s error=%s", state.name,
			  strerrorname_np(-r));
	return r < 0 ? 1 : 0;
}
