/*
 * supervisor: `bulkhead up --supervise`: starts the monitor again when it dies,
 * until somebody has asked it to stop or the kill latch is set.
 */
#ifndef CLI_SUPERVISOR_H
#define CLI_SUPERVISOR_H

#include <sys/types.h>

#include "conf/conf.h"

/* Becomes the monitor, in a child; ready_fd is where it says that it is. */
typedef void (*supervisor_fn)(void *arg, int ready_fd);

/*
 * Runs until the end of it all, with what the first monitor says before it is
 * ready, and "ready", passed on to ready_fd, which is closed then. Returns
 * CLI_OK after a stop that was asked for; else CLI_NO: the first start failed,
 * another one supervises here, or the latch is set.
 */
int supervisor_run(const struct conf *conf, supervisor_fn start, void *arg,
		   int ready_fd);

/* The process that supervises in this state directory; 0: none does. */
pid_t supervisor_pid(const struct conf *conf);

#endif
