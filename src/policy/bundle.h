/*
 * bundle: a policy as the monitor hands it to the broker, which has no files:
 * the owner's text as it is, and, where it names a time zone other than UTC, a
 * NUL and the system's file of that zone. No policy that loads has a NUL, so
 * the text is what stands before the first one.
 */
#ifndef POLICY_BUNDLE_H
#define POLICY_BUNDLE_H

#include "policy/policy.h"

enum {
	POLICY_TEXT_MAX = 1 << 20,
	POLICY_BUNDLE_MAX = POLICY_TEXT_MAX + 1 + (64 << 10),
};

/* Loads the text as policy_load does, and writes its bundle to out, which has
 * room for POLICY_BUNDLE_MAX. What policy_load returns, or -ENOMEM. */
[[nodiscard]] int policy_pack(const char *name, struct span yaml,
			      const struct policy_zones *zones, struct buf *out,
			      struct policy **ret, struct buf *errs);

/* Loads the policy out of a bundle; its hash is that of the text. As
 * policy_load. */
[[nodiscard]] int policy_unpack(const char *name, struct span bundle,
				struct policy **ret, struct buf *errs);

#endif
