/*
 * loader: what the files of the loader share; nobody else includes it. Each
 * file has the tables and setters of one part of the schema; load.c begins.
 */
#ifndef POLICY_LOADER_H
#define POLICY_LOADER_H

#include "conf/load.h"
#include "policy/model.h"

struct loader {
	struct load l;
	struct policy *p;
	const struct policy_zones *zones;
	struct cap *cap;
	struct arg *arg;
	struct row *row;
	struct cond *cond;
	struct source *source;
	struct principal *principal;
	bool oom;
};

#define fault(l, n, ...) load_fault(&(l)->l, yaml_place(n), __VA_ARGS__)

/* The tables of the schema, a map of the file each. */
extern const struct load_schema top_schema, person_schema, approvals_schema,
	source_schema, cap_schema, arg_schema, test_schema, session_schema,
	time_schema, limits_schema, approve_schema, budgets_schema,
	lease_schema, trip_schema;

/* load_map by a table of the schema; ctx of its setters is l. Notes what this
 * version does not enforce (later.c). */
void load_section(struct loader *l, const struct yaml_node *n,
		  const struct load_schema *s);
void note_later(struct loader *l, const struct yaml_node *n,
		const struct load_schema *s);

/* Each says what is wrong, if anything is. */
bool is_map(struct loader *l, const struct yaml_node *n, const char *what);
bool is_list(struct loader *l, const struct yaml_node *n, size_t most,
	     const char *what);
bool check_name(struct loader *l, struct yaml_place at, const char *name);
const char *name_of(struct loader *l, const struct yaml_node *n);
bool duration_of(struct loader *l, const struct yaml_node *n, uint64_t most_s,
		 uint64_t *ret);
bool count_of(struct loader *l, const struct yaml_node *n, uint64_t most,
	      const char *what, uint32_t *ret);

/* Closed lists (load_sets.c). The canonical values of a list, or of one
 * scalar; what `in:` names. NULL after a fault. */
struct wanted {
	enum arg_type type;
	bool lines;
};

const struct values *values_of(struct loader *l, struct wanted w,
			       const struct yaml_node *from, const char *set);
const struct values *values_in(struct loader *l, struct wanted w,
			       const struct yaml_node *n);

/* False, after a fault, if no text of a policy is a value of that type. */
bool literal_ok(struct loader *l, enum arg_type t, const struct yaml_node *n);

/* Setters of keys, each for the table of the map above it. */
void set_sets(void *ctx, const struct yaml_node *n);
void set_owner(void *ctx, const struct yaml_node *n);
void set_principals(void *ctx, const struct yaml_node *n);
void set_sources(void *ctx, const struct yaml_node *n);
void set_capabilities(void *ctx, const struct yaml_node *n);
void set_args(void *ctx, const struct yaml_node *n);
void set_flow(void *ctx, const struct yaml_node *n);
void set_decide(void *ctx, const struct yaml_node *n);
void set_limits(void *ctx, const struct yaml_node *n);
void set_approve(void *ctx, const struct yaml_node *n);
void set_decoys(void *ctx, const struct yaml_node *n);
void set_budgets(void *ctx, const struct yaml_node *n);
void set_lease(void *ctx, const struct yaml_node *n);
void set_trip(void *ctx, const struct yaml_node *n);

/* "thread" of a reader's handles: true if that reader makes such. */
bool reader_makes(const char *reader, const char *kind, char *list, size_t cap);

/* What can never work: of one capability (lint.c, lint_rows.c), and of the
 * whole (lint_policy.c). */
void lint_cap(struct loader *l, const struct cap *c);
void lint_rows(struct loader *l, const struct cap *c);
void lint_policy(struct loader *l);
/* Of memory.*: memory.h. */
void lint_memory(struct loader *l, const struct cap *c);

/* Two principals who are one person. */
void check_twins(struct loader *l);

/* True if a row or an argument of it can ask. */
bool cap_asks(const struct cap *c);

#endif
