/*
 * doors: the sockets of a packaged agent's machine that are the ways to the
 * host: whoever in it connects to one has a stream. Nobody in there is trusted
 * with less than another: they are open to all.
 */
#include "guest/guest.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

enum { BACKLOG = 64 };

static const struct {
	const char *name;
	enum wire_service service;
} doors[GUEST_DOORS] = {
	{ "mcp.sock", WIRE_MCP },
	{ "llm.sock", WIRE_LLM },
};

enum wire_service doors_service(size_t i)
{
	return doors[i].service;
}

static int door_make(const char *dir, const char *name)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	CLEAN_FD int fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (str_printf(at.sun_path, sizeof(at.sun_path), "%s/%s", dir, name) <
	    0)
		return -ENAMETOOLONG;
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    chmod(at.sun_path, 0666) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	return take_fd(&fd);
}

int doors_open(const char *dir, int ret[GUEST_DOORS])
{
	size_t i;

	for (i = 0; i < GUEST_DOORS; i++)
		ret[i] = -1;
	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return -errno;
	for (i = 0; i < GUEST_DOORS; i++) {
		ret[i] = door_make(dir, doors[i].name);
		if (ret[i] < 0)
			return ret[i];
	}
	return 0;
}
