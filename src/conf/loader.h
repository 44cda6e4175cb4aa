/*
 * loader: what the files that read bulkhead.yaml share (conf.c, connectors.c,
 * vault.c): the configuration as far as it is read, and the setters' tools.
 */
#ifndef CONF_LOADER_H
#define CONF_LOADER_H

#include "conf/conf.h"
#include "conf/load.h"

struct loader {
	struct load load;
	const char *base;
	const char *home;
	struct conf c;
	struct conf_vm *vm;		  /* the one being read */
	struct conf_task *task;		  /* the one being read */
	struct conf_connector *connector; /* the one being read */
	const struct yaml_node *planner;  /* of the agent */
	struct conf_vm local;		  /* of PLANNER_LOCAL: size alone */
	bool no_metrics;		  /* no socket, not even the default */
};

void conf_fault(struct loader *l, const struct yaml_node *n, const char *fmt,
		...) __attribute__((format(printf, 3, 4)));

/* load_map and load_scalar, with l as what setters get. */
void conf_walk(struct loader *l, const struct yaml_node *map,
	       const struct load_rule *rules, size_t n);
const char *conf_scalar(struct loader *l, const struct yaml_node *n);

/* ~ and relative paths made absolute, into CONF_PATH_MAX bytes; a fault leaves
 * dst "". */
void conf_path(struct loader *l, const struct yaml_node *n, char *dst);

/* Whether it is "true"; false after a fault, too. */
bool conf_bool(struct loader *l, const struct yaml_node *n);

/* Whether it is a name: they go into file names, records and messages. */
bool conf_name_ok(const char *s);

/* Whether it is the name of a secret: as those of keys in a vault. */
bool conf_secret_ok(const char *s);

/* The map `connectors`, and the rules of one. */
void conf_set_connectors(void *ctx, const struct yaml_node *n);
enum { CONF_CONNECTOR_RULES = 16, CONF_VAULT_RULES = 4 };
extern const struct load_rule conf_connector_rules[CONF_CONNECTOR_RULES];

/* Setters of keys that upstreams have as well; the hosts of both. */
void conf_set_hosts(void *ctx, const struct yaml_node *n);
void conf_set_private(void *ctx, const struct yaml_node *n);
void conf_set_secret(void *ctx, const struct yaml_node *n);
void conf_set_ca(void *ctx, const struct yaml_node *n);
void conf_check_hosts(struct loader *l, const struct yaml_node *hosts);

/* The map `upstreams`; then, what a planner needs of it once all is read. */
void conf_set_upstreams(void *ctx, const struct yaml_node *n);
void conf_check_planner(struct loader *l);
enum { CONF_UPSTREAM_RULES = 9, CONF_PRICES_RULES = 4 };
extern const struct load_rule conf_upstream_rules[CONF_UPSTREAM_RULES];

/* Reads the file of prices that an upstream has; what its chosen model costs
 * into cc. 0, or -EINVAL / -errno with a line an error in errs. */
extern const struct load_rule conf_prices_rules[CONF_PRICES_RULES];
[[nodiscard]] int conf_prices(const struct conf *c, struct conf_connector *cc,
			      struct buf *errs);

/* The map `vault`; then, what it needs to be there once all is read. */
void conf_set_vault(void *ctx, const struct yaml_node *n);
void conf_check_vault(struct loader *l);
extern const struct load_rule conf_vault_rules[CONF_VAULT_RULES];

#endif
