/* notify: see notify.h. */
#include "base/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

enum { STATUS_MAX = 512 };

/* The address of $NOTIFY_SOCKET; an abstract one ends with its name. */
static int address_of(const char *name, struct sockaddr_un *a, socklen_t *len)
{
	size_t n = strlen(name);

	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if ((name[0] != '/' && name[0] != '@') || n < 2)
		return -EINVAL;
	if (n >= sizeof(a->sun_path))
		return -ENAMETOOLONG;
	memcpy(a->sun_path, name, n);
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	if (name[0] == '@')
		a->sun_path[0] = 0;
	else
		(*len)++;
	return 0;
}

static int connect_to(const char *name)
{
	struct sockaddr_un a;
	CLEAN_FD int fd = -1;
	socklen_t len;
	int r = address_of(name, &a, &len);

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&a, len) < 0)
		return -errno;
	return take_fd(&fd);
}

/* Only for the process that it names, if it names one. */
static uint64_t watchdog_ms(void)
{
	const char *pid = getenv("WATCHDOG_PID"), *us = getenv("WATCHDOG_USEC");
	uint64_t v;

	if (pid && (num_parse(span_str(pid), 1, INT32_MAX, &v) < 0 ||
		    v != (uint64_t)getpid()))
		return 0;
	if (!us || num_parse(span_str(us), 1000, UINT64_MAX, &v) < 0)
		return 0;
	return v / 1000;
}

int notify_open(struct notify *n)
{
	const char *name = getenv("NOTIFY_SOCKET");
	int r = name ? connect_to(name) : -1;

	n->fd = r < 0 ? -1 : r;
	n->watchdog_ms = n->fd < 0 ? 0 : watchdog_ms();
	r = name && r < 0 ? r : 0;
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unsetenv("WATCHDOG_USEC");
	(void)unsetenv("WATCHDOG_PID");
	return r;
}

void notify_close(struct notify *n)
{
	fd_close(&n->fd);
	n->watchdog_ms = 0;
}

void notify_say(const struct notify *n, const char *line)
{
	if (n->fd >= 0)
		(void)send(n->fd, line, strlen(line), MSG_NOSIGNAL);
}

void notify_status(const struct notify *n, const char *fmt, ...)
{
	char text[STATUS_MAX] = "STATUS=";
	size_t head = strlen(text);
	va_list ap;
	char *p;

	va_start(ap, fmt);
	(void)vsnprintf(text + head, sizeof(text) - head, fmt, ap);
	va_end(ap);
	for (p = text + head; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
	utf8_trim(text);
	notify_say(n, text);
}
