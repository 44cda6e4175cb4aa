/* newfile: see newfile.h. */
#include "cli/newfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cli/cli.h"

int newfile_write(const char *dir, const char *name, const struct buf *text)
{
	char path[CONF_PATH_MAX];
	CLEAN_FD int fd = -1;
	int rc;

	if (str_printf(path, sizeof(path), "%s/%s", dir, name) < 0)
		return -ENAMETOOLONG;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		  0600);
	if (fd < 0 && errno == EEXIST) {
		(void)printf(
			"%s is there already; left as it is. Move it away, "
			"or name another directory with --dir.\n",
			path);
		return 1;
	}
	if (fd < 0)
		return -errno;
	rc = fd_write_all(fd, buf_view(text));
	if (rc == 0 && fsync(fd) < 0)
		rc = -errno;
	if (rc < 0) {
		(void)unlink(path);
		return rc;
	}
	(void)printf("wrote %s\n", path);
	return 0;
}

int newfile_dir(const char *given, char *dst, size_t cap)
{
	const char *xdg = getenv("XDG_CONFIG_HOME");
	char here[CONF_PATH_MAX];

	if (given && given[0] == '/')
		return str_copy(dst, cap, span_str(given));
	if (given)
		return getcwd(here, sizeof(here)) &&
				       str_printf(dst, cap, "%s/%s", here,
						  given) > 0
			       ? 0
			       : -1;
	if (xdg && xdg[0] == '/')
		return str_printf(dst, cap, "%s/bulkhead", xdg) > 0 ? 0 : -1;
	return str_printf(dst, cap, "%s/.config/bulkhead", cli_home()) > 0 ? 0
									   : -1;
}
