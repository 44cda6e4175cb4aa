/*
 * policy: the owner's policy as the broker will get it, read and checked before
 * anything slow is begun. Every broker of this run gets the same sealed bytes,
 * so that a file that is edited meanwhile changes nothing until the next `up`.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "conf/zoneinfo.h"
#include "host/monitor/monitor.h"
#include "policy/bundle.h"

/* The owner's file, or the embedded one, as a sealed memfd. */
static int policy_memfd(const char *path, struct err *err)
{
	CLEAN_FD int file = -1;
	int fd;

	if (!path[0]) {
		fd = memfd_sealed("policy", span_str(policy_default_text()));
		return fd < 0 ? err_set(err, fd, "the built-in policy: %s",
					strerror(-fd))
			      : fd;
	}
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return err_set(err, -errno,
			       "%s: the policy cannot be read: %s: `bulkhead "
			       "init` writes one",
			       path, strerror(errno));
	fd = memfd_from_fd("policy", file, POLICY_TEXT_MAX);
	if (fd < 0)
		return err_set(err, fd,
			       "%s: over %d bytes or unreadable: shorten it, "
			       "or name another in bulkhead.yaml",
			       path, POLICY_TEXT_MAX);
	return fd;
}

/* All of them do not fit, and half a line would help nobody. */
static int first_of(const struct buf *errs, int code, struct err *err)
{
	struct span all = buf_view(errs);
	const uint8_t *end = all.n ? memchr(all.p, '\n', all.n) : NULL;
	size_t first = end ? (size_t)(end - all.p) : all.n;

	return err_set(err, code, "%.*s%s", (int)first, (const char *)all.p,
		       first + 1 < all.n ? "\nthere is more: `bulkhead config "
					   "check` tells it line by line"
					 : "");
}

/*
 * Loads the policy here first, for the owner's sake: what is wrong with it, and
 * with it beside the configuration, is told at once. The broker loads the same
 * bytes again and trusts nobody's word for them. out: the bundle.
 */
static int check_policy(struct monitor *m, int fd, struct buf *out,
			struct err *err)
{
	static const struct policy_zones zones = { .read = conf_zone_read };
	const char *path = m->conf.policy[0] ? m->conf.policy : policy_name(m);
	CLEAN_FREE uint8_t *text = NULL;
	struct policy *p = NULL;
	CLEAN_BUF struct buf errs;
	ssize_t n = memfd_sealed_size(fd, POLICY_TEXT_MAX);
	int r;

	buf_init(&errs, 64 << 10);
	if (n >= 0)
		text = malloc((size_t)n + 1);
	if (!text || fd_pread_all(fd, text, (size_t)n, 0) != n)
		return err_set(err, -EIO, "%s: cannot be read", path);
	r = policy_pack(path, span_of(text, (size_t)n), &zones, out, &p, &errs);
	if (r == -ENOMEM)
		return err_set(err, r, "out of memory");
	if (r == 0)
		r = policy_check_conf(p, &m->conf, &errs);
	if (r == 0)
		m->trip_audit = policy_trip(p)->written
					? (uint8_t)policy_trip(p)->audit
					: TRIP_REFUSE;
	policy_free(p);
	return r == 0 ? 0 : first_of(&errs, r, err);
}

const char *policy_name(const struct monitor *m)
{
	const char *base = strrchr(m->conf.policy, '/');

	if (!m->conf.policy[0])
		return "assistant.yaml";
	return base ? base + 1 : m->conf.policy;
}

int policy_open(struct monitor *m, struct err *err)
{
	CLEAN_FD int text = policy_memfd(m->conf.policy, err);
	CLEAN_BUF struct buf bundle = { 0 };
	int r;

	if (text < 0)
		return text;
	buf_init(&bundle, POLICY_BUNDLE_MAX);
	r = check_policy(m, text, &bundle, err);
	if (r < 0)
		return r;
	m->policy_fd = memfd_sealed("policy", buf_view(&bundle));
	return m->policy_fd < 0 ? err_set(err, m->policy_fd, "the policy: %s",
					  strerror(-m->policy_fd))
				: 0;
}
