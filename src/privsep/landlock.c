/* landlock: see landlock.h; kernel documentation, userspace-api/landlock. */
#include "privsep/landlock.h"

#include <errno.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

enum {
	FS_ABI1 = (1 << 13) - 1,
	FS_REFER = 1 << 13,	/* ABI 2 */
	FS_TRUNCATE = 1 << 14,	/* ABI 3 */
	FS_IOCTL_DEV = 1 << 15, /* ABI 5 */
	NET_CONNECT = 2,
	NET_TCP = 3,   /* ABI 4: bind, connect */
	SCOPE_ALL = 3, /* ABI 6: abstract sockets, signals */
};

int landlock_abi(void)
{
	long r = syscall(SYS_landlock_create_ruleset, NULL, 0,
			 LANDLOCK_CREATE_RULESET_VERSION);

	return r < 0 ? 0 : (int)r;
}

struct landlock_rights landlock_rights(int abi)
{
	struct landlock_rights r = { .size = 8 };

	if (abi >= 1)
		r.fs = FS_ABI1;
	if (abi >= 2)
		r.fs |= FS_REFER;
	if (abi >= 3)
		r.fs |= FS_TRUNCATE;
	if (abi >= 4) {
		r.net = NET_TCP;
		r.size = 16;
	}
	if (abi >= 5)
		r.fs |= FS_IOCTL_DEV;
	if (abi >= 6) {
		r.scoped = SCOPE_ALL;
		r.size = 24;
	}
	return r;
}

/* struct landlock_ruleset_attr is the first three members, or fewer. */
static int rules_open(const struct landlock_rights *r)
{
	const uint64_t attr[] = { r->fs, r->net, r->scoped };
	long fd = syscall(SYS_landlock_create_ruleset, attr, r->size, 0);

	return fd < 0 ? -errno : (int)fd;
}

static int rules_allow(int rules, int beneath, uint64_t access)
{
	const struct landlock_path_beneath_attr rule = {
		.allowed_access = access,
		.parent_fd = beneath,
	};

	return syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH,
		       &rule, 0) < 0
		       ? -errno
		       : 0;
}

static int rules_enter(int rules)
{
	return syscall(SYS_landlock_restrict_self, rules, 0) < 0 ? -errno : 0;
}

int landlock_only_beneath(const int *dir_fds, size_t n, bool connects)
{
	struct landlock_rights all = landlock_rights(landlock_abi());
	CLEAN_FD int fd = -1;
	size_t i;
	int r = 0;

	if (!all.fs)
		return 0;
	if (connects)
		all.net &= ~(uint64_t)NET_CONNECT;
	fd = rules_open(&all);
	if (fd < 0)
		return fd;
	/* Files are read, written and made, never executed. */
	for (i = 0; i < n && r == 0; i++)
		r = rules_allow(fd, dir_fds[i],
				all.fs & ~(uint64_t)LANDLOCK_ACCESS_FS_EXECUTE);
	return r < 0 ? r : rules_enter(fd);
}

int landlock_jail(const struct landlock_jail *j)
{
	const uint64_t look =
		LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
	struct landlock_rights all = landlock_rights(landlock_abi());
	CLEAN_FD int fd = -1;
	size_t i;
	int r;

	if (!all.fs)
		return 0;
	fd = rules_open(&all);
	if (fd < 0)
		return fd;
	r = rules_allow(fd, j->root, look);
	if (r == 0 && j->dev >= 0)
		r = rules_allow(fd, j->dev,
				all.fs & (look | FS_IOCTL_DEV |
					  LANDLOCK_ACCESS_FS_WRITE_FILE));
	for (i = 0; i < j->n_programs && r == 0; i++)
		r = rules_allow(fd, j->programs[i],
				LANDLOCK_ACCESS_FS_EXECUTE |
					LANDLOCK_ACCESS_FS_READ_FILE);
	return r < 0 ? r : rules_enter(fd);
}
