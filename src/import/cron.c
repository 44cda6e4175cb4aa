/*
 * cron: the schedule. Its agent may write it, so what it says is nobody's word
 * until the owner has read it.
 */
#include "base/str.h"
#include "conf/yaml.h"
#include "import/inner.h"

/* "30 7 * * *": every day at one time. */
static bool daily(struct span s, char ret[8])
{
	struct span part[5];
	size_t n = 0, i = 0;
	uint64_t minute, hour;

	while (i < s.n) {
		size_t at;

		while (i < s.n && s.p[i] == ' ')
			i++;
		for (at = i; i < s.n && s.p[i] != ' '; i++)
			;
		if (i == at)
			break;
		if (n == ARRAY_SIZE(part))
			return false;
		part[n++] = span_of(s.p + at, i - at);
	}
	if (n != ARRAY_SIZE(part) || !span_is(part[2], "*") ||
	    !span_is(part[3], "*") || !span_is(part[4], "*"))
		return false;
	for (i = 0; i < 2; i++)
		if (part[i].n == 2 && part[i].p[0] == '0')
			part[i] = span_of(part[i].p + 1, 1);
	if (num_parse(part[0], 0, 59, &minute) < 0 ||
	    num_parse(part[1], 0, 23, &hour) < 0)
		return false;
	return str_printf(ret, 8, "%02u:%02u", (unsigned)hour,
			  (unsigned)minute) > 0;
}

static const char *why_not(const struct json5 *j, const struct json5_node *job,
			   struct task *ret)
{
	const struct json5_node *schedule = json5_get(j, job, "schedule");
	const struct json5_node *payload = json5_get(j, job, "payload");
	struct span kind = json5_text(j, json5_get(j, schedule, "kind"));
	struct span say = json5_text(j, json5_get(j, payload, "message"));

	if (!say.n)
		say = json5_text(j, json5_get(j, payload, "text"));
	if (!span_is(kind, "cron") ||
	    !daily(json5_text(j, json5_get(j, schedule, "expr")), ret->every))
		return "only what is due once a day is taken";
	if (json5_get(j, schedule, "tz"))
		return "it has a time zone of its own: write the time of this "
		       "machine";
	if (!say.n || str_copy(ret->say, sizeof(ret->say), say) < 0)
		return "it has no words, or more than 1023 bytes of them";
	if (yaml_hides(say) || memchr(say.p, '\r', say.n) ||
	    memchr(say.p, '\t', say.n))
		return "characters in its words that cannot be seen";
	return NULL;
}

static void take_job(struct taking *t, const struct json5 *j,
		     const struct json5_node *job)
{
	struct task task;
	const char *why;
	char q[256];

	if (json5_kind(json5_get(j, job, "enabled")) == JSON5_FALSE)
		return;
	why = why_not(j, job, &task);
	if (!why && t->n_tasks == OPENCLAW_TASKS)
		why = "there are more than bulkhead has";
	if (why) {
		take_warn(
			t, "%s:%u: the job %s is left out: %s", json5_name(j),
			json5_line(job),
			take_quote(q, json5_text(j, json5_get(j, job, "name"))),
			why);
		return;
	}
	t->tasks[t->n_tasks++] = task;
	if (t->take_tasks)
		take_note(
			t, "the job %s, every day at %s",
			take_quote(q, json5_text(j, json5_get(j, job, "name"))),
			task.every);
	else
		take_warn(t,
			  "%s:%u: the job %s may be its agent's own words: "
			  "read it "
			  "in bulkhead.yaml, and take the # away",
			  json5_name(j), json5_line(job),
			  take_quote(q,
				     json5_text(j, json5_get(j, job, "name"))));
}

void take_cron(struct taking *t)
{
	const struct openclaw_file *f = take_file(t, "cron/jobs.json");
	CLEAN_JSON5 struct json5 *j = NULL;
	const struct json5_node *c;
	struct err e = { 0 };

	if (!f || json5_parse(f->name, f->bytes, &j, &e) < 0)
		return;
	c = json5_first(j, json5_get(j, json5_root(j), "jobs"));
	for (; c; c = json5_next(j, c))
		take_job(t, j, c);
}
