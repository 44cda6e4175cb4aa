/*
 * bulkhead-store: keeps the queue and the state of effects.
 *
 * SECURITY. Reads: typed messages of the monitor and the broker, both trusted;
 * raw items, which an attacker wrote, as bytes that go into a blob and come out
 * of it again, and are looked into by nobody here; its own database, which
 * somebody may have written to while it was not running: every page of it is
 * checked before it is used, it holds no code, and what is not ours or damaged
 * is refused by name. Trusts: monitor, broker, and SQLite. Keeps: one directory
 * and nothing else; SQLite opens its files relative to that (files.h). Holds no
 * policy and no key.
 */
#include <errno.h>
#include <sqlite3.h>

#include "base/log.h"
#include "privsep/sandbox.h"
#include "serve.h"

static struct serve state;

int main(void)
{
	int r;

	process_start(PROC_STORE);
	if (sqlite3_config(SQLITE_CONFIG_SINGLETHREAD) != SQLITE_OK ||
	    sqlite3_initialize() != SQLITE_OK)
		die("SQLite cannot start");
	r = serve_run(&state, graph_fd(PROC_STORE, FD_MONITOR),
		      graph_fd(PROC_STORE, FD_BROKER),
		      graph_fd(PROC_STORE, FD_DIR));
	if (r < 0)
		log_error("stopped", "error=%s", strerrorname_np(-r));
	return r < 0 ? 1 : 0;
}
