/*
 * check: the two files against each other: every connector that the policy
 * names is there and goes the right way, and the task waits for a source that
 * exists.
 */
#include "policy/policy.h"

#include <errno.h>

#include "policy/memory.h"
#include "policy/model.h"
#include "policy/spend.h"

static const struct conf_connector *find(const struct conf *c, const char *name)
{
	uint32_t i;

	for (i = 0; i < c->n_connectors; i++)
		if (!strcmp(c->connectors[i].name, name))
			return &c->connectors[i];
	return NULL;
}

static size_t check_one(const struct policy *p, const struct conf *c,
			const char *name, struct yaml_place at, bool in,
			struct buf *errs)
{
	const struct conf_connector *found = find(c, name);
	bool good = found && (in ? conf_goes_in(found) : conf_goes_out(found));

	if (!found)
		yaml_error(p->y, errs, at,
			   "there is no connector \"%s\" in the configuration: "
			   "add it there, or name another",
			   name);
	else if (!good)
		yaml_error(p->y, errs, at,
			   "the connector \"%s\" is of the wrong direction: "
			   "%s belongs here",
			   name,
			   in ? "one that messages come in by (maildir, imap, "
				"telegram, slack)"
			      : "one that sends (outbox, smtp, telegram, "
				"slack, http)");
	return !good;
}

/* Memory is the program's own: a connector of that name would be meant by
 * nothing. */
static size_t check_cap(const struct policy *p, const struct conf *c,
			const struct cap *cap, struct buf *errs)
{
	if (memory_op(span_str(cap->name)) == MEMORY_NONE)
		return check_one(p, c, cap->connector, cap->connector_at, false,
				 errs);
	if (!find(c, cap->connector))
		return 0;
	yaml_error(p->y, errs, cap->connector_at,
		   "there is a connector \"memory\" in the configuration, but "
		   "%s is the program's own: give that one another name",
		   cap->name);
	return 1;
}

/* A task waits for a source that there is. */
static size_t check_task(const struct policy *p, const struct conf *c,
			 const char *on, struct buf *errs)
{
	size_t i;

	for (i = 0; i < p->n_sources; i++)
		if (!strcmp(p->sources[i].row.name, on))
			return 0;
	yaml_error(p->y, errs, yaml_place(yaml_root(p->y)),
		   "the task of agent \"%s\" waits for \"%s\", but there is no "
		   "such source: add it to sources, or change the task",
		   c->agent, on);
	return 1;
}

/* A chat that approvals are asked for in. */
static size_t check_chat(const struct policy *p, const struct conf *c,
			 const char *name, struct yaml_place at,
			 enum conf_connector_kind kind, struct buf *errs)
{
	const struct conf_connector *found = name ? find(c, name) : NULL;

	if (!name || (found && found->kind == kind && found->approvals))
		return 0;
	yaml_error(p->y, errs, at,
		   "\"%s\" is no connector of kind %s with role: approvals in "
		   "the configuration: add it there, or name another",
		   name, conf_connector_name(kind));
	return 1;
}

static size_t check_person(const struct policy *p, const struct conf *c,
			   const struct principal *who, struct buf *errs)
{
	return check_chat(p, c, who->approvals_bot, who->chat_at,
			  CONNECTOR_TELEGRAM, errs) +
	       check_chat(p, c, who->slack_bot, who->channel_at,
			  CONNECTOR_SLACK, errs);
}

/* What a connector brings is read by the reader that is for it. */
static size_t check_reader(const struct policy *p, const struct conf *c,
			   const struct source *s, struct buf *errs)
{
	const struct conf_connector *found = find(c, s->row.connector);
	const char *reader = "email";

	if (!found || !conf_goes_in(found))
		return 0;
	if (found->kind == CONNECTOR_TELEGRAM || found->kind == CONNECTOR_SLACK)
		reader = conf_connector_name(found->kind);
	if (!strcmp(reader, s->row.reader))
		return 0;
	yaml_error(p->y, errs, s->connector_at,
		   "what \"%s\" brings is read by reader: %s", found->name,
		   reader);
	return 1;
}

/* A budget of money needs to know what the model costs. */
static size_t check_price(const struct policy *p, const struct conf *c,
			  struct buf *errs)
{
	uint32_t i;

	for (i = 0; i < c->n_connectors; i++)
		if (c->connectors[i].chosen && !c->connectors[i].price.known &&
		    policy_has_usd(p)) {
			yaml_error(
				p->y, errs, yaml_place(yaml_root(p->y)),
				"there is a budget of money, and no price of "
				"the model \"%s\": name a file with one in "
				"\"prices\" of the upstream \"%s\"",
				c->model, c->connectors[i].name);
			return 1;
		}
	return 0;
}

int policy_check_conf(const struct policy *p, const struct conf *c,
		      struct buf *errs)
{
	size_t errors = check_price(p, c, errs), i;

	if (policy_enforced(p, errs) < 0)
		errors++;
	for (i = 0; i < p->n_sources; i++) {
		const struct source *s = &p->sources[i];

		errors += check_one(p, c, s->row.connector, s->connector_at,
				    true, errs);
		errors += check_reader(p, c, s, errs);
	}
	for (i = 0; i < p->n_principals; i++)
		errors += check_person(p, c, &p->principals[i], errs);
	for (i = 0; i < p->n_caps; i++)
		errors += check_cap(p, c, p->caps[i], errs);
	for (i = 0; i < c->n_tasks; i++)
		errors += c->tasks[i].timed
				  ? 0
				  : check_task(p, c, c->tasks[i].on, errs);
	return errors ? -EINVAL : 0;
}
