/*
 * notify: what a service manager is told of a service (sd_notify(3)): a
 * datagram of NAME=value lines to the socket in $NOTIFY_SOCKET, a path or, with
 * a leading @, an abstract name. Where there is none, nothing is said.
 */
#ifndef BASE_NOTIFY_H
#define BASE_NOTIFY_H

#include <stdint.h>

struct notify {
	int fd;		      /* -1: nobody listens */
	uint64_t watchdog_ms; /* it wants a sign of life that often; 0: not */
};

/*
 * Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment.
 * 0, or -errno where there is a socket that cannot be used; then and where
 * there is none, fd is -1.
 */
[[nodiscard]] int notify_open(struct notify *n);
void notify_close(struct notify *n);

/* "READY=1"; never blocks, and nobody who does not read is waited for. */
void notify_say(const struct notify *n, const char *line);

/* "STATUS=..." in one line, whatever the text has. */
void notify_status(const struct notify *n, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
