/*
 * load: what a policy may say: the three examples as the model has them, the
 * default policy and the golden form of its tools, limits of the loader, and
 * what a broker does not run on yet.
 */
#include "policy/load_sample.h"
#include "policy/zone_sample.h"

/* What stands close to a refusal and is right. */
static void accepted(void **)
{
	static const struct {
		const char *args, *rows, *extra;
	} good[] = {
		{ "", "ask: {}", APPROVE },
		{ TO, "deny: {}", "" },
		{ TO, "allow: {to: {is: a@X.org}}}, {ask: {}", APPROVE },
		{ TO, "deny: {to: {is: a@x.org}}}, {allow: {to: {in: fam}}",
		  "" },
		{ TO, "allow: {to: {in: fam}}}, {deny: {to: {is: a@x.org}}",
		  "" },
		{ "to: {type: email, role: target}", "allow: {to: {in: fam}}",
		  APPROVE },
		{ "to: {type: email, role: target, many: 3, in: fam}",
		  "allow: {to: {in: fam}}}, {ask: {to: {in: fam}}", APPROVE },
		{ "x: {type: id, role: target}", "allow: {x: {is: 'owner'}}",
		  APPROVE },
		{ "x: {type: id, role: target, from: [planner], in: ids}",
		  "allow: {x: {in: [k1, k9]}}", "" },
		{ "n: {type: number, role: control, min: -1.5, max: 0}",
		  "deny: {n: {is: -0.50}}}, {allow: {}", "" },
		{ "x: {type: email, role: target, from: [envelope], "
		  "else: deny}",
		  "allow: {x: {is: envelope}}}, {allow: {x: {is: owner}}", "" },
		{ TO,
		  "allow: {session: {tainted: false}}}, "
		  "{allow: {session: {private: false}}}, {ask: {}",
		  APPROVE },
		{ TO,
		  "allow: {time: {between: \"08:00-12:00\"}}}, "
		  "{allow: {time: {between: \"11:00-13:00\"}}",
		  "" },
		{ TO, "allow: {time: {days: [sat-mon, wed]}}", "" },
		{ HANDLE,
		  "allow: {h: {sender_in: fam}}}, {allow: {h: {is: task}}",
		  "" },
		{ REF,
		  "allow: {r: {under: agent/a/*}}}, {allow: {r: {under: "
		  "agent/*}}",
		  "" },
		{ "m: {type: money, role: control, min: EUR 0, max: EUR 50}",
		  "deny: {m: {is: EUR 5}}}, {allow: {}", "" },
		{ "d: {type: datetime, role: control}, "
		  "u: {type: url, role: target, many: 2, in: ['http://a.org']}",
		  "allow: {}", "mode: rehearse" },
		{ "k: {type: id, role: credential}, " BODY, "allow: {}",
		  "flow: {body: public}" },
		{ TO, "ask: {}",
		  "approve: {who: [owner], quorum: 1, via: [telegram, cli], "
		  "ttl: 30d, remember: task, confirm: code, delay: 1d, "
		  "show: full}" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		CLEAN_BUF struct buf text;

		expect(file_of(&text, good[i].args, good[i].rows,
			       "{rate: 2/hour, total: 3/week, per: {}, "
			       "bytes: 1KiB/task, concurrent: 2}",
			       good[i].extra),
		       "");
	}
}

/* A broken file leaves the policy of before alone. */
static void reload(void **)
{
	struct policy *p = NULL, *before;
	CLEAN_BUF struct buf errs;
	int i;

	buf_init(&errs, 1 << 16);
	assert_int_equal(policy_load("p", span_str(policy_default_text()), NULL,
				     &p, &errs),
			 0);
	before = p;
	for (i = 0; i < 3; i++)
		assert_int_equal(policy_load("p", SPAN_LIT("bulkhead: 2\n"),
					     NULL, &p, &errs),
				 -EINVAL);
	assert_ptr_equal(p, before);
	assert_int_equal(policy_capabilities(p), 3);
	policy_free(p);
}

static struct policy *load_example(const char *name, struct buf *errs)
{
	static const struct policy_zones zones = { .read = sample_zone };
	struct policy *p = NULL;
	CLEAN_BUF struct buf text;
	char path[512];

	buf_init(&text, YAML_FILE_MAX);
	buf_init(errs, 1 << 16);
	(void)snprintf(path, sizeof(path), POLICIES "/%s", name);
	if (conf_read_file(path, &text, errs) < 0 ||
	    policy_load(name, buf_view(&text), &zones, &p, errs) < 0)
		fail_msg("%s", buf_cstr(errs));
	return p;
}

static const struct cap *cap_of(const struct policy *p, const char *name)
{
	size_t i;

	for (i = 0; i < p->n_caps; i++)
		if (!strcmp(p->caps[i]->name, name))
			return p->caps[i];
	fail_msg("no capability %s", name);
	return p->caps[0];
}

static const struct arg *arg_of(const struct policy *p, const char *cap,
				const char *name)
{
	const struct arg *a = cap_arg(cap_of(p, cap), span_str(name));

	assert_non_null(a);
	return a;
}

static void example_assistant(void **)
{
	CLEAN_BUF struct buf errs;
	struct policy *p = load_example("personal-assistant.yaml", &errs);
	const struct cap *reply = cap_of(p, "email.reply");
	const struct arg *body = arg_of(p, "email.reply", "body");
	const struct row *post = &cap_of(p, "slack.post")->rows[0];

	assert_int_equal(p->n_caps, 4);
	assert_string_equal(policy_timezone(p), "Europe/Paris");
	assert_int_equal(zone_offset(p->zone, 1795166040), 3600);
	assert_true(
		principal_is(&p->principals[0], TYPE_ID, SPAN_LIT("11122233")));
	assert_true(principal_is(&p->principals[0], TYPE_EMAIL,
				 SPAN_LIT("raoul@example.org")));
	assert_false(principal_is(&p->principals[0], TYPE_ID,
				  SPAN_LIT("raoul@example.org")));
	assert_true(p->sources[1].known);
	assert_int_equal(p->sources[0].reveal, REVEAL_HANDLES);
	assert_int_equal(p->sources[0].answer_bits, 96);
	assert_int_equal(reply->undo, UNDO_WINDOW);
	assert_int_equal(reply->undo_s, 60);
	assert_int_equal(reply->args[0].floor, OUTCOME_ALLOW);
	assert_int_equal(body->flow, FLOW_THREAD);
	assert_int_equal(body->links, LINKS_SOURCE);
	assert_int_equal(body->mentions, MENTIONS_ESCAPE);
	assert_int_equal(reply->rows[0].conds[0].kind, COND_SENDER_IN);
	assert_int_equal(reply->rows[0].conds[1].session, SESSION_PRIVATE);
	assert_int_equal(reply->rows[0].conds[1].want, 0);
	assert_int_equal(reply->limits.n_per, 1);
	assert_int_equal(reply->limits.bytes.most, 256 << 10);
	assert_int_equal(reply->approve.via, VIA_CLI | VIA_TELEGRAM);
	assert_int_equal(reply->approve.remember, REMEMBER_CONSTRAINED);
	assert_int_equal(arg_of(p, "email.send", "to")->floor, OUTCOME_ASK);
	assert_int_equal(arg_of(p, "email.send", "subject")->links,
			 LINKS_STRIP);
	assert_int_equal(arg_of(p, "telegram.send", "chat")->floor,
			 OUTCOME_DENY);
	assert_int_equal(post->conds[2].days, 0x1f);
	assert_true(cond_time_holds(&post->conds[2], 8 * 60));
	assert_false(cond_time_holds(&post->conds[2], 19 * 60));
	assert_false(cond_time_holds(&post->conds[2], 5 * 1440 + 600));
	assert_int_equal(p->budgets.llm_usd[BUDGET_DAY].most, 5000000);
	assert_int_equal(p->budgets.llm_tokens[BUDGET_DAY].most, 3000000);
	assert_int_equal(p->budgets.task_usd.most, 750000);
	assert_int_equal(p->budgets.denials.window, WINDOW_TASK);
	assert_int_equal(p->lease.on_expiry, OUTCOME_ASK);
	assert_int_equal(p->trip.denials, TRIP_FREEZE);
	assert_int_equal(p->trip.limits, TRIP_REFUSE);
	assert_int_equal(p->n_decoys, 2);
	policy_free(p);
}

static void example_coding(void **)
{
	CLEAN_BUF struct buf errs;
	struct policy *p = load_example("coding-agent.yaml", &errs);
	const struct approve *merge = &cap_of(p, "pr.merge")->approve;
	const struct arg *bundle = arg_of(p, "git.push", "bundle");
	const struct values *only = p->sources[2].only;
	const char *why;

	assert_int_equal(merge->who, 3);
	assert_int_equal(merge->quorum, 2);
	assert_int_equal(merge->delay_s, 10);
	assert_int_equal(merge->show, SHOW_DIFF);
	assert_int_equal(arg_of(p, "pr.merge", "pr")->floor, OUTCOME_ASK);
	assert_true(arg_path_denied(bundle, SPAN_LIT(".github/workflows/a")));
	assert_true(arg_path_denied(bundle, SPAN_LIT("a/.env.local")));
	assert_true(arg_path_denied(bundle, SPAN_LIT("../a")));
	assert_false(arg_path_denied(bundle, SPAN_LIT("src/main.c")));
	assert_true(values_has(only, SPAN_LIT("https://packages.example.org/"
					      "a/b")));
	assert_false(values_has(only, SPAN_LIT("https://packages.example.org."
					       "evil.io/a")));
	assert_false(values_has(only, SPAN_LIT("https://example.org/")));
	assert_true(arg_fits(arg_of(p, "git.push", "branch"),
			     SPAN_LIT("agent/x"), &why));
	assert_false(arg_fits(arg_of(p, "git.push", "branch"), SPAN_LIT("main"),
			      &why));
	assert_string_equal(why, "is not under the glob");
	assert_int_equal(cap_of(p, "issue.comment")->rows[0].conds[0].kind,
			 COND_TASK);
	policy_free(p);
}

static void example_home(void **)
{
	CLEAN_BUF struct buf errs;
	struct policy *p = load_example("home-automation.yaml", &errs);
	const struct arg *celsius = arg_of(p, "climate.set", "celsius");
	const struct cap *unlock = cap_of(p, "entry.unlock");

	assert_int_equal(celsius->max, 23500000000);
	assert_int_equal(celsius->step, 2 * (int64_t)NUMBER_ONE);
	assert_int_equal(unlock->limits.concurrent, 1);
	assert_true(unlock->approve.confirm);
	assert_int_equal(unlock->approve.ttl_s, 120);
	/* 23:00 to 06:00 is over midnight. */
	assert_true(cond_time_holds(&unlock->rows[1].conds[0], 1380));
	assert_true(cond_time_holds(&unlock->rows[1].conds[0], 359));
	assert_false(cond_time_holds(&unlock->rows[1].conds[0], 360));
	assert_int_equal(p->sources[1].audience, AUDIENCE_SECRET);
	policy_free(p);
}

/* What the broker does not enforce yet, it refuses to run on. */
static void not_yet(void **)
{
	static const char want[] =
		"p:6:15: \"file\" is known, but not enforced by this version: "
		"use another value\n";
	static const char text[] =
		"bulkhead: 1\nmode: rehearse\nsources: {}\ncapabilities:\n"
		"  c: {connector: o, effect: read, undo: {window: 5s}, args: "
		"{\n"
		"    b: {type: \"file\", role: content, from: [planner],\n"
		"      max: 9}, c: {type: id, role: target, in: [owner]}},\n"
		"    decide: [{allow: {c: {is: 'owner'}}}],\n"
		"    limits: {rate: 5/day}}\n";
	struct policy *p = NULL;
	CLEAN_BUF struct buf errs;
	CLEAN_BUF struct buf more;

	buf_init(&errs, 1 << 16);
	assert_int_equal(policy_load("p", span_str(text), NULL, &p, &errs), 0);
	assert_int_equal(policy_enforced(p, &errs), -EINVAL);
	assert_string_equal(buf_cstr(&errs), want);
	policy_free(p);
	p = load_example("home-automation.yaml", &more);
	assert_int_equal(policy_enforced(p, &more), -EINVAL);
	policy_free(p);
}

/* What every word of it is enforced of, and what is not, each by its place. */
static void enforced(void **)
{
	static const char rest[] =
		"sources: {}\ncapabilities:\n"
		"  c: {connector: o, effect: external, undo: none, args: {\n"
		"    to: {type: id, role: target, else: ask}},\n"
		"    decide: [{allow: {to: {is: owner}, time: {days: mon-fri,\n"
		"      between: '08:00-19:00'}}}, {ask: {}}],\n"
		"    limits: {rate: 5/day}, approve: {who: owner, via: [cli],\n"
		"    ttl: 1h}}\n";
	static const struct {
		const char *top;
		int r;
	} rows[] = {
		{ "owner: {telegram: 11122233, approvals: {cli: true}}\n"
		  "budgets: {denials: 5/task, calls: 9/task, wall: 10m,\n"
		  "  asks: [3/task, 9/day], targets: 4/day}\n",
		  0 },
		{ "owner: {telegram: 1}\nbudgets: {llm_usd: [1/hour, 5/day],\n"
		  "  llm_tokens: 5/week, task_usd: 0.5, task_tokens: 5K,\n"
		  "  call_usd: 0.1, call_tokens: 900}\n",
		  0 },
		{ "owner: {telegram: 1, approvals: {telegram_bot: b,\n"
		  "  chat: 1}}\n",
		  0 },
		{ "owner: {slack: U1, approvals: {slack_bot: b,\n"
		  "  channel: D1}}\n",
		  0 },
		{ "owner: {telegram: 1}\nprincipals: {mei: {github: mei}}\n",
		  0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct policy *p = NULL;
		CLEAN_BUF struct buf text = { .max = 4096 };
		CLEAN_BUF struct buf errs = { .max = 4096 };

		buf_printf(&text,
			   "bulkhead: 1\nmode: enforce\ntimezone: UTC\n%s%s",
			   rows[i].top, rest);
		if (policy_load("p", buf_view(&text), NULL, &p, &errs) < 0 ||
		    policy_enforced(p, &errs) != rows[i].r)
			fail_msg("row %zu: %s", i, buf_cstr(&errs));
		policy_free(p);
	}
}

static int load_counted(size_t n_caps, size_t n_args, size_t n_rows,
			const char *rate)
{
	struct policy *p = NULL;
	CLEAN_BUF struct buf text;
	CLEAN_BUF struct buf errs;
	size_t i, k;
	int r;

	buf_init(&errs, 1 << 20);
	buf_init(&text, 1 << 20);
	buf_str(&text, "bulkhead: 1\nmode: enforce\nsources: {}\n"
		       "capabilities:\n");
	for (i = 0; i < n_caps; i++) {
		buf_printf(&text,
			   "  c%zu: {connector: o, effect: read, undo: none, "
			   "limits: {rate: %s}, args: {",
			   i, rate);
		for (k = 0; k < n_args; k++)
			buf_printf(&text,
				   "a%zu: {type: int, role: control, min: 0, "
				   "max: 99},",
				   k);
		buf_str(&text, "}, decide: [");
		for (k = 1; k < n_rows; k++)
			buf_printf(&text, "{deny: {a0: {is: %zu}}},", k);
		buf_str(&text, "{allow: {}}]}\n");
	}
	r = policy_load("p", buf_view(&text), NULL, &p, &errs);
	policy_free(p);
	return r;
}

static void limits(void **)
{
	static const struct {
		size_t caps, args, rows;
		const char *rate;
		int want;
	} rows[] = {
		{ POLICY_CAPS - 1, 1, 1, "1/day", 0 },
		{ POLICY_CAPS, 1, 1, "1/day", 0 },
		{ POLICY_CAPS + 1, 1, 1, "1/day", -EINVAL },
		{ 1, POLICY_ARGS - 1, 1, "1/day", 0 },
		{ 1, POLICY_ARGS, 1, "1/day", 0 },
		{ 1, POLICY_ARGS + 1, 1, "1/day", -EINVAL },
		{ 1, 1, POLICY_ROWS - 1, "1/day", 0 },
		{ 1, 1, POLICY_ROWS, "1/day", 0 },
		{ 1, 1, POLICY_ROWS + 1, "1/day", -EINVAL },
		{ 1, 1, 1, "0/day", -EINVAL },
		{ 1, 1, 1, "9999/minute", 0 },
		{ 1, 1, 1, "10000/minute", 0 },
		{ 1, 1, 1, "10001/minute", -EINVAL },
		{ 1, 1, 1, "1/week", -EINVAL },
		{ 1, 1, 1, "/hour", -EINVAL },
		{ 1, 1, 1, "01/hour", -EINVAL },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(load_counted(rows[i].caps, rows[i].args,
					      rows[i].rows, rows[i].rate),
				 rows[i].want);
}

/* One call has at most LIMIT_ARGS values: 32 + 32 fit, one more does not. */
static void values_of_one_call(void **)
{
#define LIST(name) name ": {type: email, role: target, in: fam, many: 32}, "
	CLEAN_BUF struct buf fits;
	CLEAN_BUF struct buf more;

	expect(file_of(&fits, LIST("a") LIST("b"), "allow: {}",
		       "{rate: 2/hour}", ""),
	       "");
	expect(file_of(&more, LIST("a") LIST("b") BODY, "allow: {}",
		       "{rate: 2/hour}", ""),
	       "p:10:11: one call has at most 64 values in all: lower many\n");
}

/* n people, decoys, counted arguments and globs; the rest of the file holds. */
static int load_many(const char *head, char one, const char *after, size_t n,
		     const char *tail)
{
	struct policy *p = NULL;
	CLEAN_BUF struct buf text;
	CLEAN_BUF struct buf errs;
	size_t i;
	int r;

	buf_init(&errs, 1 << 20);
	buf_init(&text, 1 << 20);
	buf_str(&text, "bulkhead: 1\nmode: enforce\nsources: {}\n");
	buf_str(&text, head);
	for (i = 0; i < n; i++)
		buf_printf(&text, "%c%zu%s", one, i, after);
	buf_str(&text, tail);
	r = policy_load("p", buf_view(&text), NULL, &p, &errs);
	policy_free(p);
	return r;
}

static int people(size_t n)
{
	return load_many("capabilities: {}\nprincipals: {", 'p',
			 ": {github: a},", n, "}\n");
}

static int decoys(size_t n)
{
	return load_many("capabilities: {}\ndecoys: [", 'd', ",", n, "]\n");
}

static int globs(size_t n)
{
	return load_many("capabilities:\n  c: {connector: o, effect: read, "
			 "undo: none, decide: [{allow: {}}],\n"
			 "    limits: {rate: 1/day}, args: {f: {type: file, "
			 "max: 1, role: content, deny_paths: [",
			 'd', ",", n, "]}}}\n");
}

static int counted_by(size_t n)
{
#define BOOL(name) name ": {type: bool, role: control}, "
	return load_many(
		"capabilities:\n  c: {connector: o, effect: read, "
		"undo: none, decide: [{allow: {}}],\n    args: {" BOOL("a0")
			BOOL("a1") BOOL("a2") BOOL("a3") BOOL("a4") BOOL(
				"a5") BOOL("a6") BOOL("a7")
				BOOL("a8") "},\n"
					   "    limits: {rate: 1/day, per: {",
		'a', ": 1/day,", n, "}}}\n");
}

static void more_limits(void **)
{
	static const struct {
		int (*load)(size_t n);
		size_t most;
	} rows[] = {
		{ people, POLICY_PRINCIPALS - 1 },
		{ decoys, POLICY_DECOYS },
		{ globs, POLICY_GLOBS },
		{ counted_by, POLICY_PER },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(rows[i].load(rows[i].most - 1), 0);
		assert_int_equal(rows[i].load(rows[i].most), 0);
		assert_int_equal(rows[i].load(rows[i].most + 1), -EINVAL);
	}
}

/* An argument that takes handles says so: the value, or what stands for it. */
static void tools_of_handles(void **)
{
	CLEAN_BUF struct buf errs;
	struct policy *p = load_example("personal-assistant.yaml", &errs);
	struct m_tool t;
	bool seen = false;
	size_t i;

	for (i = 0; policy_tool(p, i, &t); i++) {
		if (!span_is(t.name, "email.reply"))
			continue;
		seen = true;
		assert_non_null(memmem(t.schema.p, t.schema.n, "\"anyOf\"", 7));
		assert_non_null(memmem(t.schema.p, t.schema.n, "\"$tmpl\"", 7));
		assert_non_null(memmem(t.schema.p, t.schema.n, "\"$ref\"", 6));
	}
	assert_true(seen);
	policy_free(p);
}

static void hash(void **)
{
	/* printf 'bulkhead: 1\nmode: enforce\nsources: {}\n
	 * capabilities: {}\n' | sha256sum */
	static const uint8_t want[4] = { 0x82, 0x81, 0x43, 0x85 };
	struct policy *p = NULL;
	CLEAN_BUF struct buf errs;

	buf_init(&errs, 1 << 16);
	assert_int_equal(policy_load("p",
				     SPAN_LIT("bulkhead: 1\nmode: enforce\n"
					      "sources: {}\n"
					      "capabilities: {}\n"),
				     NULL, &p, &errs),
			 0);
	assert_memory_equal(policy_hash(p), want, sizeof(want));
	policy_free(p);
}

static void default_policy(void **)
{
	CLEAN_FREE struct conf *c = calloc(1, sizeof(*c));
	struct policy *p = NULL;
	CLEAN_BUF struct buf errs;
	CLEAN_BUF struct buf got;
	CLEAN_BUF struct buf want;
	struct m_tool t;
	size_t i;

	buf_init(&errs, 1 << 16);
	buf_init(&got, 1 << 16);
	buf_init(&want, 1 << 16);
	assert_int_equal(policy_load("assistant.yaml",
				     span_str(policy_default_text()), NULL, &p,
				     &errs),
			 0);
	assert_string_equal(policy_profile(p), "personal-assistant");
	assert_string_equal(policy_source(p, SPAN_LIT("inbox"))->name, "mail");
	assert_string_equal(policy_source(p, SPAN_LIT("inbox"))->reader,
			    "email");
	assert_null(policy_source(p, SPAN_LIT("drafts")));
	for (i = 0; policy_tool(p, i, &t); i++) {
		buf_span(&got, t.name);
		buf_u8(&got, '\n');
		buf_span(&got, t.description);
		buf_u8(&got, '\n');
		buf_span(&got, t.schema);
		buf_u8(&got, '\n');
	}
	assert_int_equal(conf_read_file(GOLDEN_TOOLS, &want, &errs), 0);
	assert_string_equal(buf_cstr(&got), buf_cstr(&want));
	assert_int_equal(conf_load(NULL, "/h", c, &errs), 0);
	assert_int_equal(policy_check_conf(p, c, &errs), 0);
	assert_string_equal(buf_cstr(&errs), "");
	policy_free(p);
}

static void against_the_configuration(void **)
{
	static const char want[] =
		"assistant.yaml:22:16: the connector \"inbox\" is of the wrong "
		"direction: one that messages come in by (maildir, imap, "
		"telegram, slack) belongs here\n"
		"assistant.yaml:33:16: there is no connector \"drafts\" in the "
		"configuration: add it there, or name another\n"
		"assistant.yaml:46:16: there is no connector \"drafts\" in the "
		"configuration: add it there, or name another\n"
		"assistant.yaml:58:16: there is no connector \"drafts\" in the "
		"configuration: add it there, or name another\n"
		"assistant.yaml:6:1: the task of agent \"assistant\" waits for "
		"\"post\", but there is no such source: add it to sources, or "
		"change the task\n";
	CLEAN_FREE struct conf *c = calloc(1, sizeof(*c));
	struct policy *p = NULL;
	CLEAN_BUF struct buf errs;

	buf_init(&errs, 1 << 16);
	assert_int_equal(policy_load("assistant.yaml",
				     span_str(policy_default_text()), NULL, &p,
				     &errs),
			 0);
	assert_int_equal(conf_load(NULL, "/h", c, &errs), 0);
	memcpy(c->tasks[0].on, "post", 5);
	c->n_connectors = 1;
	c->connectors[0].kind = CONNECTOR_OUTBOX;
	assert_int_equal(policy_check_conf(p, c, &errs), -EINVAL);
	assert_string_equal(buf_cstr(&errs), want);
	/* Without a planner nothing waits for a source. */
	assert_int_equal(conf_load(NULL, "/h", c, &errs), 0);
	c->tasks[0].on[0] = 0;
	assert_int_equal(policy_check_conf(p, c, &errs), -EINVAL);
	c->n_tasks = 0;
	assert_int_equal(policy_check_conf(p, c, &errs), 0);
	policy_free(p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepted),
		cmocka_unit_test(reload),
		cmocka_unit_test(example_assistant),
		cmocka_unit_test(example_coding),
		cmocka_unit_test(example_home),
		cmocka_unit_test(not_yet),
		cmocka_unit_test(enforced),
		cmocka_unit_test(more_limits),
		cmocka_unit_test(limits),
		cmocka_unit_test(values_of_one_call),
		cmocka_unit_test(hash),
		cmocka_unit_test(tools_of_handles),
		cmocka_unit_test(default_policy),
		cmocka_unit_test(against_the_configuration),
	};

	return cmocka_run_group_tests_name("policy/load", tests, NULL, NULL);
}
