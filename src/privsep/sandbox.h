/*
 * sandbox: how a process gives up its rights, in stages, before it reads the
 * first foreign byte.
 */
#ifndef PRIVSEP_SANDBOX_H
#define PRIVSEP_SANDBOX_H

#include "base/err.h"
#include "privsep/graph.h"

/*
 * Enters the sandbox of row p; everything is fail closed (negative errno and
 * err). In this order:
 *  1. not dumpable, no core, no_new_privs, umask 077;
 *  2. as root and without RIGHT_FILES: become an unprivileged uid that no
 *     other process has;
 *  3. own user, mount, network, ipc, uts and cgroup namespaces, pivot to an
 *     empty read-only root (a row with RIGHT_SOCKETS stays in the network
 *     namespace that it was started in); descriptors given before stay usable. As root, a
 *     row with RIGHT_PEERS stays in the user namespace and changes its uid
 *     after this stage;
 *  4. no capabilities, bounding set empty, securebits locked;
 *  5. Landlock: nothing but beneath the directories of the row's fds;
 *  6. seccomp on the row's list; anything else kills the process.
 */
[[nodiscard]] int sandbox_enter(enum proc p, struct err *err);

/* Stages 1 to 5, and stage 6, alone: for tests that look at each. */
[[nodiscard]] int sandbox_namespaces(enum proc p, struct err *err);
[[nodiscard]] int sandbox_seccomp(enum proc p, struct err *err);

/* Stage 1 alone: for the processes that must spawn others (monitor, vmm). */
[[nodiscard]] int sandbox_basic(struct err *err);

/* Stage 4 alone: for the programs in a VM's jail. */
[[nodiscard]] int sandbox_drop_capabilities(struct err *err);

/*
 * The start of every process but the CLI: log name, argv check, stage order;
 * returns when the sandbox is entered, dies otherwise. Before it returns
 * nothing foreign may be read.
 */
void process_start(enum proc p);

#endif
