/*
 * filter: the system calls of the program in the jail. Debian's microvm QEMU
 * is built without -sandbox, so the list must come from outside; it holds for
 * every thread, from before the first instruction of the program.
 */
#ifndef VMM_FILTER_H
#define VMM_FILTER_H

#include "base/err.h"

/*
 * Installs the list (NULL-terminated names): anything else fails with EPERM,
 * so that a library that merely tries goes on without. Threads can be made,
 * processes cannot. execve stays, for the start; what it could run is what
 * the jail's root holds. 0 or -errno.
 */
[[nodiscard]] int filter_load(const char *const *names, struct err *err);

#endif
