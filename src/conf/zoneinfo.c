/* zoneinfo: see zoneinfo.h. */
#include "conf/zoneinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/fd.h"
#include "base/str.h"

int conf_zone_read(void *, const char *name, struct buf *tzif)
{
	size_t room = tzif->max - tzif->n;
	CLEAN_FD int fd = -1;
	char path[128];
	uint8_t *p;
	ssize_t n;

	if (str_printf(path, sizeof(path), "/usr/share/zoneinfo/%s", name) < 0)
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -errno;
	p = buf_extend(tzif, room);
	if (!p)
		return -ENOMEM;
	n = fd_read_all(fd, p, room);
	buf_cut(tzif, tzif->n - room + (n > 0 ? (size_t)n : 0));
	return n < 0 ? (int)n : 0;
}
