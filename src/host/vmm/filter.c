/* filter: see filter.h. */
#include "host/vmm/filter.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>

static int add_names(scmp_filter_ctx ctx, const char *const *names)
{
	for (; *names; names++) {
		int nr = seccomp_syscall_resolve_name(*names);

		if (nr == __NR_SCMP_ERROR)
			return -EINVAL;
		if (nr >= 0 && seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 0) < 0)
			return -EINVAL;
	}
	return 0;
}

/* clone3 hides its flags behind a pointer: libc falls back to clone. */
static int add_threads(scmp_filter_ctx ctx)
{
	if (seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) <
		    0 ||
	    seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
			     SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD,
				     CLONE_THREAD)) < 0)
		return -EINVAL;
	return 0;
}

int filter_load(const char *const *names, struct err *err)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r = -ENOMEM;

	if (ctx) {
		r = add_names(ctx, names);
		if (r == 0)
			r = add_threads(ctx);
		if (r == 0)
			r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
		if (r == 0)
			r = seccomp_load(ctx);
		seccomp_release(ctx);
	}
	return r < 0 ? err_set(err, r, "jail: seccomp filter: errno %d", -r)
		     : 0;
}
