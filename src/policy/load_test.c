/*
 * load: what a policy may not say, each with the exact line its author gets;
 * the default policy; the golden form of its tools.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "base/fd.h"
#include "policy/model.h"

#define LATER " is known, but not enforced by this version: "

#define TOP                                                                    \
	"bulkhead: 1\n"                                                        \
	"mode: enforce\n"                                                      \
	"sets: {fam: [a@x.org, b@x.org], none: [], ids: [k1, k2], big: [k9]}"  \
	"\n"                                                                   \
	"sources: {}\n"                                                        \
	"capabilities:\n"                                                      \
	"  c:\n"                                                               \
	"    connector: o\n"                                                   \
	"    effect: external\n"                                               \
	"    undo: none\n"

#define TO   "to: {type: email, role: target, in: fam}"
#define BODY "body: {type: text, max: 10, role: content}"

/* Arguments stand in line 10 from column 12, rows in line 11 from 15. */
static const struct {
	const char *args, *rows, *errors;
} caps[] = {
	/* properties of arguments */
	{ "x: {}", "allow: {}",
	  "p:10:15: \"type\" is missing: what its values are (text, email, id, "
	  "enum, int, number, bool)\n"
	  "p:10:15: \"role\" is missing: what it decides about the call "
	  "(target, command, content, selector, control)\n" },
	{ "x: {type: string, role: content}", "allow: {}",
	  "p:10:22: unknown value \"string\": use text, email, id, enum, int, "
	  "number, bool\n" },
	{ "x: {type: emial, role: content}", "allow: {}",
	  "p:10:22: unknown value \"emial\": did you mean \"email\"?\n" },
	{ "x: {type: url, role: credential}", "allow: {}",
	  "p:10:22: \"url\"" LATER "use \"text\"\n"
	  "p:10:33: \"credential\"" LATER "use \"target\"\n" },
	{ "x: {type: text, role: content, max: 9, from: [planner, handle]}",
	  "allow: {}", "p:10:67: \"handle\"" LATER "use \"config\"\n" },
	{ "x: {type: text, role: content, max: 9, from: [planner, planner]}",
	  "allow: {}", "p:10:67: this origin is listed twice: remove one\n" },
	{ "x: {type: text, role: content, max: 9, from: planner}", "allow: {}",
	  "p:10:57: a list of origins, e.g. [config] or [planner]\n" },
	{ "x: {type: text, role: content, max: 9, links: strip, flow: a}",
	  "allow: {}",
	  "p:10:51: \"links\"" LATER "remove it\n"
	  "p:10:65: \"flow\"" LATER "remove it\n" },
	{ "x: {type: text, role: content}", "allow: {}",
	  "p:10:15: \"max\" is missing: the most bytes of this text\n" },
	{ "x: {type: text, role: content, max: 33KiB}", "allow: {}",
	  "p:10:48: a size, 1 to 32KiB\n" },
	{ "x: {type: text, role: content, max: 0}", "allow: {}",
	  "p:10:48: a size, 1 to 32KiB\n" },
	{ "x: {type: text, role: content, max: 3, prefix: abc}", "allow: {}",
	  "p:10:59: this can never match: the prefix is as long as max: raise "
	  "max\n" },
	{ "x: {type: text, role: content, max: 9, prefix: \"a\\n\"}",
	  "allow: {}",
	  "p:10:59: this can never match: the prefix has line breaks or "
	  "control characters; mend it\n" },
	{ "x: {type: text, role: content, max: 9, many: 2, min: 1}",
	  "allow: {}",
	  "p:10:65: \"min\" has no meaning for type text: remove it\n"
	  "p:10:57: \"many\" has no meaning for type text: remove it\n" },
	{ "x: {type: email, role: target, in: fam, max: 9, prefix: a, values: "
	  "[b]}",
	  "allow: {}",
	  "p:10:68: \"prefix\" has no meaning for type email: remove it\n"
	  "p:10:57: \"max\" has no meaning for type email: remove it\n"
	  "p:10:79: \"values\" has no meaning for type email: remove it\n" },
	{ "x: {type: email, role: target, in: fam, many: 33}", "allow: {}",
	  "p:10:58: a number of elements, 1 to 32\n" },
	{ "x: {type: int, role: control}", "allow: {}",
	  "p:10:15: \"min\" is missing: numbers have bounds\n"
	  "p:10:15: \"max\" is missing: numbers have bounds\n" },
	{ "x: {type: int, role: control, min: 1.5, max: 2}", "allow: {}",
	  "p:10:47: \"1.5\" is not a whole number of at most 15 digits; mend "
	  "or remove it\n" },
	{ "x: {type: int, role: control, min: 3, max: 2}", "allow: {}",
	  "p:10:47: this can never match: min is over max: swap them\n" },
	{ "x: {type: number, role: control, min: 1, max: 2, step: 1}",
	  "allow: {}", "p:10:61: \"step\"" LATER "remove it\n" },
	{ "x: {type: enum, role: control}", "allow: {}",
	  "p:10:15: an enum has either \"values\" or \"in\"\n" },
	{ "x: {type: enum, role: control, values: [a], in: ids}", "allow: {}",
	  "p:10:15: an enum has either \"values\" or \"in\"\n" },
	{ "x: {type: enum, role: control, values: []}", "allow: {}",
	  "p:10:51: this can never match: the set is empty: add values to "
	  "it\n" },
	{ "x: {type: enum, role: control, values: [a, b, a]}", "allow: {}",
	  "p:10:51: \"a\" is in the list twice: remove one\n" },
	{ "x: {type: bool, role: control, optional: yes}", "allow: {}",
	  "p:10:53: unknown value \"yes\": use true, false\n" },
	{ "session: {type: bool, role: control}", "allow: {}",
	  "p:10:12: \"session\" is a condition: choose another name\n" },
	{ "X: {type: bool, role: control}", "allow: {}",
	  "p:10:12: a name has 1 to 64 of a-z 0-9 . _ - and begins with a "
	  "letter\n" },

	/* sets */
	{ "x: {type: email, role: target, in: family}", "allow: {}",
	  "p:10:47: there is no set \"family\": add it to sets\n" },
	{ "x: {type: email, role: target, in: fan}", "allow: {}",
	  "p:10:47: there is no set \"fan\": did you mean \"fam\"?\n" },
	{ "x: {type: email, role: target, in: none}", "allow: {}",
	  "p:10:47: this can never match: the set is empty: add values to "
	  "it\n" },
	{ "x: {type: email, role: target, in: big}", "allow: {}",
	  "p:3:64: \"k9\" is not a mail address; mend or remove it\n" },

	/* who chooses */
	{ "x: {type: email, role: target, from: [planner]}", "allow: {}",
	  "p:10:12: \"x\" is a target the planner chooses freely: give it a "
	  "closed list (in: SET), or from: [config]\n" },
	{ "x: {type: text, max: 9, role: command, from: [config, planner]}",
	  "allow: {}",
	  "p:10:12: \"x\" is a command the planner chooses freely: give it a "
	  "closed list (in: SET), or from: [config]\n" },
	{ "x: {type: id, role: control}", "allow: {}",
	  "p:10:12: \"x\" is a control the planner chooses freely: give it a "
	  "closed list (in: SET), or from: [config]\n" },
	{ "x: {type: id, role: selector}", "allow: {}",
	  "p:10:15: \"from\" is missing: the origins of a selector that this "
	  "version enforces are config and planner\n" },
	{ "x: {type: email, role: target}", "allow: {}",
	  "p:10:12: this can never match: \"x\" comes from config, but nothing "
	  "here names a value: add in: SET\n" },
	{ "x: {type: email, role: target}", "deny: {x: {in: fam}}",
	  "p:10:12: this can never match: \"x\" comes from config, but nothing "
	  "here names a value: add in: SET\n" },
	{ "x: {type: text, max: 9, role: content, else: ask}", "allow: {}",
	  "p:10:57: this can never match: every value is of a permitted "
	  "origin, so else is never reached: remove it\n" },

	/* rows */
	{ TO, "permit: {}", "p:11:15: unknown key \"permit\": remove it\n" },
	{ TO, "alow: {}",
	  "p:11:15: unknown key \"alow\": did you mean \"allow\"?\n" },
	{ TO, "allow: {tto: {in: fam}}",
	  "p:11:23: there is no argument \"tto\": did you mean \"to\"?\n" },
	{ TO, "allow: {cc: {in: fam}}",
	  "p:11:23: there is no argument \"cc\": add it to args\n" },
	{ TO, "allow: {session: {tainted: false}}",
	  "p:11:23: \"session\"" LATER "remove the row\n" },
	{ TO, "deny: {time: {between: \"23:00-06:00\"}}",
	  "p:11:22: \"time\"" LATER "remove the row\n" },
	{ TO, "allow: {to: {sender_in: fam}}",
	  "p:11:28: \"sender_in\"" LATER "remove it\n" },
	{ TO, "allow: {to: {is: owner}}",
	  "p:11:32: \"owner\"" LATER
	  "remove it, or quote it if it is a value\n" },
	{ TO, "allow: {to: {}}",
	  "p:11:27: one of {in: SET} and {is: VALUE}\n" },
	{ TO, "allow: {to: {in: fam, is: a@x.org}}",
	  "p:11:27: one of {in: SET} and {is: VALUE}\n" },
	{ TO, "allow: {}, deny: {}",
	  "p:11:14: a row is one of allow, deny, ask: {CONDITIONS}\n" },
	{ TO, "allow: [to]",
	  "p:11:22: a map of conditions, or {}, belongs here\n" },
	{ TO, "allow: {to: {is: lea}}",
	  "p:11:32: \"lea\" is not a mail address; mend or remove it\n" },
	{ TO, "allow: {to: {is: c@x.org}}",
	  "p:11:23: this can never match: \"c@x.org\" is not in the closed "
	  "list of this argument; remove it\n" },
	{ TO, "allow: {to: {in: none}}",
	  "p:11:32: this can never match: the set is empty: add values to "
	  "it\n" },
	{ TO, "allow: {to: {in: [c@x.org, d@x.org]}}",
	  "p:11:23: this can never match: every value is not in the closed "
	  "list of this argument; remove it\n" },
	{ "n: {type: int, role: control, min: 1, max: 5}", "deny: {n: {is: 6}}",
	  "p:11:22: this can never match: \"6\" is outside min and max; remove "
	  "it\n" },
	{ "n: {type: int, role: control, min: 1, max: 5}",
	  "deny: {n: {is: five}}",
	  "p:11:30: \"five\" is not a whole number of at most 15 digits; mend "
	  "or remove it\n" },
	{ BODY, "deny: {body: {is: 12345678901}}",
	  "p:11:22: this can never match: \"12345678901\" is longer than max; "
	  "remove it\n" },
	{ "t: {type: text, max: 9, prefix: \"[a] \", role: content}",
	  "deny: {t: {is: b}}",
	  "p:11:22: this can never match: \"b\" does not begin with the "
	  "prefix; remove it\n" },
	{ "b: {type: bool, role: control}", "deny: {b: {is: yes}}",
	  "p:11:30: \"yes\" is not true or false; mend or remove it\n" },

	/* rows against rows */
	{ TO, "allow: {}}, {ask: {}",
	  "p:11:28: a row after the unconditional "
	  "row of line 11: put it before that row, "
	  "or remove it\n" },
	{ TO, "allow: {}}, {deny: {to: {is: a@x.org}}",
	  "p:11:28: a row after the unconditional row of line 11: put it "
	  "before that row, or remove it\n" },
	{ TO, "allow: {to: {in: fam}}}, {allow: {to: {is: a@x.org}}",
	  "p:11:41: this can never match: the row of line 11 decides all of "
	  "it; remove it\n" },
	{ TO, "allow: {to: {is: a@x.org}}}, {deny: {to: {in: fam}}",
	  "p:11:15: this can never match: the row of line 11 decides all of "
	  "it; remove it\n" },
	{ TO, "allow: {}}, {deny: {}",
	  "p:11:15: this can never match: the row of line 11 decides all of "
	  "it; remove it\np:11:28: a row after the unconditional row of line "
	  "11: put it before that row, or remove it\n" },
};

static const struct {
	const char *text;
	const char *errors;
} files[] = {
	{ "bulkhead: 1\nmode: rehearse\nsources: {}\ncapabilities: {}\n",
	  "p:2:7: \"rehearse\"" LATER "use \"enforce\"\n" },
	{ "bulkhead: 1\nmode: enforce\nsources: {}\ncapabilities: {}\n"
	  "owner: {}\nprincipals: {}\ntimezone: UTC\ndecoys: []\nbudgets: {}\n"
	  "lease: {}\ntrip: {}\n",
	  "p:5:1: \"owner\"" LATER "remove it\n"
	  "p:6:1: \"principals\"" LATER "remove it\n"
	  "p:7:1: \"timezone\"" LATER "remove it\n"
	  "p:8:1: \"decoys\"" LATER "remove it\n"
	  "p:9:1: \"budgets\"" LATER "remove it\n"
	  "p:10:1: \"lease\"" LATER "remove it\n"
	  "p:11:1: \"trip\"" LATER "remove it\n" },
	{ "bulkhead: 1\nmode: enforce\ncapabilities: {}\nsources:\n"
	  "  mail: {reader: telegram, connector: inbox, integrity: known,\n"
	  "    audience: public, reveal: handles, answer_bits: 9}\n"
	  "  post: {reader: email, connector: inbox, integrity: external,\n"
	  "    audience: owner, reveal: text}\n",
	  "p:6:40: \"answer_bits\"" LATER "remove it\n"
	  "p:5:18: \"telegram\"" LATER "use \"email\"\n"
	  "p:5:57: \"known\"" LATER "use \"external\"\n"
	  "p:6:15: \"public\"" LATER "use \"thread\"\n"
	  "p:6:31: \"handles\"" LATER "use \"text\"\n"
	  "p:7:36: \"mail\" reads this connector already: one source each\n" },
	{ "bulkhead: 1\nmode: enforce\nsources: {}\ncapabilities:\n"
	  "  task.run: {connector: o, effect: magic, undo: {window: 5s},\n"
	  "    args: {}, decide: [], limits: {rate: 5/second, per: {}},\n"
	  "    approve: {}, flow: {}}\n",
	  "p:5:3: names that begin with \"task.\" or \"bulkhead\" are the "
	  "program's own: choose another\n"
	  "p:7:5: \"approve\"" LATER "remove it\n"
	  "p:7:18: \"flow\"" LATER "remove it\n"
	  "p:5:36: unknown value \"magic\": use read, internal, external\n"
	  "p:5:49: an undo window" LATER "use none\n"
	  "p:6:23: a list of 1 to 64 rows, e.g. - allow: {}\n"
	  "p:6:52: \"per\"" LATER "remove it\n"
	  "p:6:42: a rate is 1 to 10000/minute, /hour or /day\n" },
	{ "bulkhead: 1\nmode: enforce\nsources: {}\ncapabilities:\n"
	  "  a: {connector: o, effect: read, undo: reversible, args: {}}\n",
	  "p:5:6: \"decide\" is missing: rows of allow, deny, ask, in order "
	  "(a list of 1 to 64 rows)\n"
	  "p:5:6: \"limits\" is missing: at least a rate, e.g. {rate: 6/hour} "
	  "(a map)\n"
	  "p:5:41: \"reversible\"" LATER "use \"none\"\n" },
	{ "bulkhead: 1\nmode: enforce\nsources: {}\ncapabilities: {}\n"
	  "sets: {a: b, C: []}\n",
	  "p:5:11: a list of values, e.g. [a, b]\n"
	  "p:5:14: a name has 1 to 64 of a-z 0-9 . _ - and begins with a "
	  "letter\n" },
	{ "- a\n", "p:1:1: a map (key: value) belongs here\n" },
};

static void expect(const char *text, const char *errors)
{
	struct policy *p = NULL;
	CLEAN_BUF struct buf errs;
	int r;

	buf_init(&errs, 1 << 16);
	r = policy_load("p", span_str(text), &p, &errs);
	if (strcmp(buf_cstr(&errs), errors) != 0)
		fail_msg("\n%s\n  got\n%s  want\n%s", text, buf_cstr(&errs),
			 errors);
	assert_int_equal(r, *errors ? -EINVAL : 0);
	if (*errors)
		assert_null(p);
	policy_free(p);
}

static void refused_capabilities(void **)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(caps); i++) {
		CLEAN_BUF struct buf text;

		buf_init(&text, 1 << 16);
		buf_printf(&text,
			   TOP "    args: {%s}\n    decide: [{%s}]\n"
			       "    limits: {rate: 2/hour}\n",
			   caps[i].args, caps[i].rows);
		expect(buf_cstr(&text), caps[i].errors);
	}
}

static void refused_files(void **)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++)
		expect(files[i].text, files[i].errors);
}

/* What stands close to a refusal and is right. */
static void accepted(void **)
{
	static const struct {
		const char *args, *rows;
	} good[] = {
		{ "", "ask: {}" },
		{ TO, "deny: {}" },
		{ TO, "allow: {to: {is: a@X.org}}}, {ask: {}" },
		{ TO, "deny: {to: {is: a@x.org}}}, {allow: {to: {in: fam}}" },
		{ TO, "allow: {to: {in: fam}}}, {deny: {to: {is: a@x.org}}" },
		{ "to: {type: email, role: target}", "allow: {to: {in: fam}}" },
		{ "to: {type: email, role: target, many: 3, in: fam}",
		  "allow: {to: {in: fam}}}, {ask: {to: {in: fam}}" },
		{ "x: {type: id, role: target}", "allow: {x: {is: 'owner'}}" },
		{ "x: {type: id, role: target, from: [planner], in: ids}",
		  "allow: {x: {in: [k1, k9]}}" },
		{ "n: {type: number, role: control, min: -1.5, max: 0}",
		  "deny: {n: {is: -0.50}}}, {allow: {}" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		CLEAN_BUF struct buf text;

		buf_init(&text, 1 << 16);
		buf_printf(&text,
			   TOP "    args: {%s}\n    decide: [{%s}]\n"
			       "    limits: {rate: 2/hour}\n",
			   good[i].args, good[i].rows);
		expect(buf_cstr(&text), "");
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
	r = policy_load("p", buf_view(&text), &p, &errs);
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
	expect(TOP "    args: {" LIST("a")
		       LIST("b") "}\n"
				 "    decide: [{allow: {}}]\n    limits: "
				 "{rate: 2/hour}\n",
	       "");
	expect(TOP "    args: {" LIST("a") LIST("b") BODY
	       "}\n"
	       "    decide: [{allow: {}}]\n    limits: {rate: 2/hour}\n",
	       "p:10:11: one call has at most 64 values in all: lower many\n");
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
				     &p, &errs),
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
				     span_str(policy_default_text()), &p,
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
		"assistant.yaml:19:16: the connector \"inbox\" is of the wrong "
		"direction: one that mail comes in by (maildir) belongs here\n"
		"assistant.yaml:30:16: there is no connector \"drafts\" in the "
		"configuration: add it there, or name another\n"
		"assistant.yaml:43:16: there is no connector \"drafts\" in the "
		"configuration: add it there, or name another\n"
		"assistant.yaml:55:16: there is no connector \"drafts\" in the "
		"configuration: add it there, or name another\n"
		"assistant.yaml:6:1: the task of agent \"assistant\" waits for "
		"\"post\", but there is no such source: add it to sources, or "
		"change the task\n";
	CLEAN_FREE struct conf *c = calloc(1, sizeof(*c));
	struct policy *p = NULL;
	CLEAN_BUF struct buf errs;

	buf_init(&errs, 1 << 16);
	assert_int_equal(policy_load("assistant.yaml",
				     span_str(policy_default_text()), &p,
				     &errs),
			 0);
	assert_int_equal(conf_load(NULL, "/h", c, &errs), 0);
	memcpy(c->on, "post", 5);
	c->n_connectors = 1;
	c->connectors[0].kind = CONNECTOR_OUTBOX;
	assert_int_equal(policy_check_conf(p, c, &errs), -EINVAL);
	assert_string_equal(buf_cstr(&errs), want);
	/* Without a planner nothing waits for a source. */
	assert_int_equal(conf_load(NULL, "/h", c, &errs), 0);
	c->on[0] = 0;
	assert_int_equal(policy_check_conf(p, c, &errs), -EINVAL);
	c->planner = PLANNER_NONE;
	assert_int_equal(policy_check_conf(p, c, &errs), 0);
	policy_free(p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_capabilities),
		cmocka_unit_test(refused_files),
		cmocka_unit_test(accepted),
		cmocka_unit_test(limits),
		cmocka_unit_test(values_of_one_call),
		cmocka_unit_test(hash),
		cmocka_unit_test(default_policy),
		cmocka_unit_test(against_the_configuration),
	};

	return cmocka_run_group_tests_name("policy/load", tests, NULL, NULL);
}
