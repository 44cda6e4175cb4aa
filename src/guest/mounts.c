/*
 * mounts: the guest's file systems. The root is the initramfs, which the
 * kernel leaves writable; init alone needs /dev, and only to open the port and
 * the random device, so that it is gone before the workload starts.
 */
#include "guest/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define HARMLESS (MS_NOSUID | MS_NOEXEC)

/* The host's end of the console is no business of anything in here. */
static int null_stdio(void)
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

int mounts_early(void)
{
	if (mount("dev", "/dev", "devtmpfs", HARMLESS, "mode=0755") < 0 &&
	    errno != EBUSY)
		return -errno;
	return null_stdio();
}

static int mount_bare(void)
{
	if (mount(NULL, "/dev", NULL,
		  MS_REMOUNT | MS_BIND | MS_RDONLY | HARMLESS, NULL) < 0 ||
	    mount("proc", "/proc", "proc", MS_RDONLY | MS_NODEV | HARMLESS,
		  NULL) < 0 ||
	    mount("sys", "/sys", "sysfs", MS_RDONLY | MS_NODEV | HARMLESS,
		  NULL) < 0)
		return -errno;
	return 0;
}

/*
 * Twice read-only: the mount, and the file system itself, so that no other
 * mount of it could be written to either. nodev covers the console node that
 * the kernel's built-in initramfs leaves under /dev.
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
	int r;

	if (bare) {
		r = mount_bare();
		return r < 0 ? r : root_seal();
	}
	/* lazily: init keeps the port and /dev/null open */
	if (umount2("/dev", MNT_DETACH) < 0)
		return -errno;
	if (unlink("/dev/console") < 0 && errno != ENOENT)
		return -errno;
	return root_seal();
}
