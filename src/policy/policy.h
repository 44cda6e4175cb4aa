/*
 * policy: what is allowed. The owner's policy file, loaded strictly; what it
 * decides is in decide.h. No I/O, no clock of its own, no foreign parser: the
 * broker feeds it, tests replay it. A loaded policy never changes.
 *
 * The schema is version 1 of docs/policy.md; an unknown key is a load error.
 * What the broker does not enforce yet loads, and policy_enforced refuses it.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "base/err.h"
#include "conf/conf.h"
#include "proto/msg.h"

struct policy;

/* Bits of a session, as conditions and decisions have them. */
enum {
	SESSION_TAINTED = 1, /* external text was seen */
	SESSION_PRIVATE = 2, /* what was seen is not public */
	SESSION_TRIPPED = 4,
	SESSION_BITS = 3,
};

/*
 * Where the bytes of a time zone's file come from: read appends the TZif file
 * of a name as "Europe/Paris" (zone_name_ok holds) to tzif; 0 or -errno. The
 * command and the monitor read files (conf/zoneinfo.h); the broker, which has
 * none, is given the bytes of the one that its policy names.
 */
struct policy_zones {
	int (*read)(void *ctx, const char *name, struct buf *tzif);
	void *ctx;
};

/*
 * Loads a policy from the bytes of a file. name stands before line:column in
 * messages and clauses. All errors of the file are reported in one pass: errs
 * gets one line each ("assistant.yaml:12:5: unknown key ..."). zones NULL:
 * UTC is the only time zone. 0 or -EINVAL; *ret is set on success alone, so
 * that whoever reloads keeps what he had.
 */
[[nodiscard]] int policy_load(const char *name, struct span yaml,
			      const struct policy_zones *zones,
			      struct policy **ret, struct buf *errs);

/* What the schema knows and the broker does not enforce: a line each in errs.
 * 0 if there is nothing, else -EINVAL: then no broker runs on it. */
[[nodiscard]] int policy_enforced(const struct policy *p, struct buf *errs);

/* The name that `timezone` has; NULL if the policy has none. */
const char *policy_timezone(const struct policy *p);

void policy_free(struct policy *p);

/* The profile's name, "" if the file has none. */
const char *policy_profile(const struct policy *p);

/* The embedded default policy as the text that `bulkhead init` writes. */
const char *policy_default_text(void);

/* The maps of the file, in the order of the manual (conf/load.h), at most
 * `most`; returns how many. */
enum { POLICY_MAPS = 24 };

struct load_schema;
size_t policy_schema(struct load_schema *ret, size_t most);

/* SHA-256 of the file's bytes: which policy decided, in every record. */
const uint8_t *policy_hash(const struct policy *p);

size_t policy_capabilities(const struct policy *p);

/* The capabilities as the planner sees them, and decoys behind them: name,
 * description and JSON Schema of the arguments. Index from 0; false past the
 * last. Spans live as long as the policy. */
bool policy_tool(const struct policy *p, size_t i, struct m_tool *ret);

/* The source row that a connector's items come under; NULL if none reads it. */
struct policy_source {
	const char *name;
	const char *reader; /* "email" */
	const char *connector;
};

const struct policy_source *policy_source(const struct policy *p,
					  struct span connector);

/*
 * Checks the policy against the configuration: connectors that are missing or
 * of the wrong direction, a task that waits for a source that is not there.
 * 0, or -EINVAL with a line an error in errs. Asks policy_enforced, too: the
 * two files together are what a broker runs on.
 */
[[nodiscard]] int policy_check_conf(const struct policy *p,
				    const struct conf *c, struct buf *errs);

#endif
