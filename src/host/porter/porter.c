/*
 * porter: stands between one VM and the rest. It speaks the wire with the
 * guest, carries an item into a reader and its JSON out as a typed record, or
 * serves MCP to a planner and carries its requests to the broker.
 *
 * SECURITY. Reads: everything a VM says (hostile: frames, JSON, MCP), typed
 * messages of monitor and broker (trusted), the raw item (only copied, never
 * parsed). Keeps: its two channels, the VM's wire, the machine monitor's QMP
 * socket (/dev/null for a VM that boots cold), the sealed item from MSG_WORK
 * on, and a channel for each watcher of the wire, who sees what is on it but
 * not the handshake's payloads. Holds no secret but the wire's session key
 * until the handshake; no network, no files.
 * A VM that breaks a rule ends its own porter and nothing else.
 */
#include <jansson.h>
#include <sys/random.h>

#include "base/log.h"
#include "privsep/sandbox.h"
#include "session.h"

/* Left to itself, jansson would open /dev/urandom for its hash tables. */
static void seed_json(void)
{
	size_t seed = 0;

	if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		die("no random bytes");
	json_object_seed(seed | 1);
}

int main(void)
{
	const struct session_fds fds = {
		.monitor = graph_fd(PROC_PORTER, FD_MONITOR),
		.broker = graph_fd(PROC_PORTER, FD_BROKER),
		.wire = graph_fd(PROC_PORTER, FD_WIRE),
		.qmp = graph_fd(PROC_PORTER, FD_QMP),
	};

	process_start(PROC_PORTER);
	seed_json();
	session_run(&fds);
	return 0;
}
