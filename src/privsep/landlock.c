/* landlock: see landlock.h; kernel documentation, userspace-api/landlock. */
#include "privsep/landlock.h"

#include <errno.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

/* struct landlock_ruleset_attr as of ABI 6. */
struct ruleset {
	uint64_t fs;
	uint64_t net;	 /* ABI 4 */
	uint64_t scoped; /* ABI 6 */
};

enum {
	FS_ABI1 = (1 << 13) - 1,
	FS_REFER = 1 << 13,	/* ABI 2 */
	FS_TRUNCATE = 1 << 14,	/* ABI 3 */
	FS_IOCTL_DEV = 1 << 15, /* ABI 5 */
	NET_TCP = 3,		/* ABI 4: bind, connect */
	SCOPE_ALL = 3,		/* ABI 6: abstract sockets, signals */
};

int landlock_abi(void)
{
	long r = syscall(SYS_landlock_create_ruleset, NULL, 0,
			 LANDLOCK_CREATE_RULESET_VERSION);

	return r < 0 ? 0 : (int)r;
}

static struct ruleset everything(int abi)
{
	struct ruleset r = { .fs = FS_ABI1 };

	if (abi >= 2)
		r.fs |= FS_REFER;
	if (abi >= 3)
		r.fs |= FS_TRUNCATE;
	if (abi >= 4)
		r.net = NET_TCP;
	if (abi >= 5)
		r.fs |= FS_IOCTL_DEV;
	if (abi >= 6)
		r.scoped = SCOPE_ALL;
	return r;
}

static int restrict_to(struct ruleset set, uint64_t allowed, const int *dir_fds,
		       size_t n)
{
	CLEAN_FD int fd = -1;
	int abi = landlock_abi();
	size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
	size_t i;

	fd = (int)syscall(SYS_landlock_create_ruleset, &set, size, 0);
	if (fd < 0)
		return -errno;
	for (i = 0; i < n; i++) {
		struct landlock_path_beneath_attr rule = {
			.allowed_access = set.fs & allowed,
			.parent_fd = dir_fds[i],
		};

		if (syscall(SYS_landlock_add_rule, fd,
			    LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
			return -errno;
	}
	if (syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		return -errno;
	return 0;
}

int landlock_only_beneath(const int *dir_fds, size_t n)
{
	int abi = landlock_abi();

	if (abi < 1)
		return 0;
	/* Files are read, written and made, never executed. */
	return restrict_to(everything(abi),
			   ~(uint64_t)LANDLOCK_ACCESS_FS_EXECUTE, dir_fds, n);
}

int landlock_run_beneath(int dir_fd)
{
	int abi = landlock_abi();

	if (abi < 1)
		return 0;
	return restrict_to(everything(abi),
			   LANDLOCK_ACCESS_FS_EXECUTE |
				   LANDLOCK_ACCESS_FS_READ_FILE |
				   LANDLOCK_ACCESS_FS_READ_DIR |
				   LANDLOCK_ACCESS_FS_WRITE_FILE | FS_IOCTL_DEV,
			   &dir_fd, 1);
}
