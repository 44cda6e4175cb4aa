/*
 * mounts: the guest's file systems. The root is the initramfs, which the
 * kernel leaves writable. Its few device nodes are init's, which opens them and
 * then makes them nothing: before the workload starts no node opens any more,
 * root's neither. No devtmpfs: its thread and its mounts are a fifteenth of a
 * boot.
 */
#include "guest/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define HARMLESS (MS_NOSUID | MS_NOEXEC)

/* The host's end of the console is no business of anything in here. */
int mounts_early(void)
{
	int fd = open("/dev/null", O_RDWR);
	int i, err = 0;

	if (fd < 0)
		return -errno;
	for (i = 0; i < 3; i++) {
		if (fd != i && dup2(fd, i) < 0)
			err = -errno;
	}
	if (fd > 2)
		(void)close(fd);
	return err;
}

static int mount_bare(void)
{
	if (mount("proc", "/proc", "proc", MS_RDONLY | MS_NODEV | HARMLESS,
		  NULL) < 0 ||
	    mount("sys", "/sys", "sysfs", MS_RDONLY | MS_NODEV | HARMLESS,
		  NULL) < 0)
		return -errno;
	return 0;
}

/*
 * Twice read-only: the mount, and the file system itself, so that no other
 * mount of it could be written to either. nodev: the nodes open nothing from
 * here on.
 */
static int root_seal(void)
{
	unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV;

	if (mount(NULL, "/", NULL, MS_REMOUNT | flags, NULL) < 0 ||
	    mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | flags, NULL) < 0)
		return -errno;
	return 0;
}

int mounts_seal(bool bare)
{
	int r = bare ? mount_bare() : 0;

	return r < 0 ? r : root_seal();
}
