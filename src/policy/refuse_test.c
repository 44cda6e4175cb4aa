/*
 * refuse: what a policy may not say, each with the exact lines its author gets:
 * unknown and misplaced keys, values without canonical form, and every rule
 * that could never work.
 */
#include "policy/load_sample.h"

static const struct {
	const char *args, *rows, *extra, *errors;
} caps[] = {
	/* properties of arguments */
	{ "x: {}", "allow: {}", "",
	  "p:10:15: \"type\" is missing: what its values are (text, email, id, "
	  "handle, enum, int, number, bool, url, repo, ref, file, datetime, "
	  "money)\n"
	  "p:10:15: \"role\" is missing: what it decides about the call "
	  "(target, command, credential, content, selector, control)\n" },
	{ "x: {type: string, role: content}", "allow: {}", "",
	  "p:10:22: unknown value \"string\": use text, email, id, handle, "
	  "enum, int, number, bool, url, repo, ref, file, datetime, money\n" },
	{ "x: {type: emial, role: content}", "allow: {}", "",
	  "p:10:22: unknown value \"emial\": did you mean \"email\"?\n" },
	{ "x: {type: text, role: content, max: 9, from: [planner, planner]}",
	  "allow: {}", "",
	  "p:10:67: this origin is listed twice: remove one\n" },
	{ "x: {type: text, role: content, max: 9, from: planner}", "allow: {}",
	  "", "p:10:57: a list of origins, e.g. [config] or [planner]\n" },
	{ "x: {type: text, role: content, max: 9, from: [reader]}", "allow: {}",
	  "",
	  "p:10:58: unknown value \"reader\": use config, owner, envelope, "
	  "handle, planner\n" },
	{ "x: {type: text, role: content}", "allow: {}", "",
	  "p:10:15: \"max\" is missing: the most bytes of this text\n" },
	{ "x: {type: text, role: content, max: 33KiB}", "allow: {}", "",
	  "p:10:48: a size, 1 to 32KiB\n" },
	{ "x: {type: text, role: content, max: 0}", "allow: {}", "",
	  "p:10:48: a size, 1 to 32KiB\n" },
	{ "x: {type: text, role: content, max: 3, prefix: abc}", "allow: {}",
	  "",
	  "p:10:59: this can never match: the prefix is as long as max: raise "
	  "max\n" },
	{ "x: {type: text, role: content, max: 9, prefix: \"a\\n\"}",
	  "allow: {}", "",
	  "p:10:59: this can never match: the prefix has line breaks or "
	  "control characters; mend it\n" },
	{ "x: {type: text, role: content, max: 9, many: 2, min: 1}",
	  "allow: {}", "",
	  "p:10:57: \"many\" has no meaning for type text: remove it\n"
	  "p:10:65: \"min\" has no meaning for type text: remove it\n" },
	{ "x: {type: text, role: content, max: 9, links: some, mentions: all}",
	  "allow: {}", "",
	  "p:10:58: unknown value \"some\": use strip, source, owner, any\n"
	  "p:10:74: unknown value \"all\": use escape, keep\n" },
	{ "x: {type: text, role: control, max: 9, in: [a], links: any}",
	  "allow: {}", "",
	  "p:10:67: \"links\" has a meaning for content alone: remove it\n" },
	{ "x: {type: email, role: target, in: fam, max: 9, prefix: a, values: "
	  "[b]}",
	  "allow: {}", "",
	  "p:10:79: \"values\" has no meaning for type email: remove it\n"
	  "p:10:57: \"max\" has no meaning for type email: remove it\n"
	  "p:10:68: \"prefix\" has no meaning for type email: remove it\n" },
	{ "x: {type: email, role: target, in: fam, many: 33}", "allow: {}", "",
	  "p:10:58: a number of elements, 1 to 32\n" },
	{ "x: {type: int, role: control}", "allow: {}", "",
	  "p:10:15: \"min\" is missing: numbers have bounds\n"
	  "p:10:15: \"max\" is missing: numbers have bounds\n" },
	{ "x: {type: int, role: control, min: 1.5, max: 2}", "allow: {}", "",
	  "p:10:47: \"1.5\" is not a whole number of at most 15 digits; mend "
	  "or remove it\n" },
	{ "x: {type: int, role: control, min: 3, max: 2}", "allow: {}", "",
	  "p:10:47: this can never match: min is over max: swap them\n" },
	{ "x: {type: number, role: control, min: 1, max: 2, step: 0}",
	  "allow: {}", "",
	  "p:10:67: this can never match: a step is more than 0: raise it, or "
	  "remove it\n" },
	{ "x: {type: number, role: control, min: 1, max: 2, step: -1}",
	  "allow: {}", "",
	  "p:10:67: this can never match: a step is more than 0: raise it, or "
	  "remove it\n" },
	{ "x: {type: money, role: control, min: EUR 1, max: USD 2}",
	  "allow: {}", "",
	  "p:10:49: this can never match: min and max are of two currencies: "
	  "write both in one\n" },
	{ "x: {type: money, role: control, min: 1, max: EUR 2.505}",
	  "allow: {}", "",
	  "p:10:49: \"1\" is not an amount of money as EUR 12.50; mend or "
	  "remove it\n"
	  "p:10:57: \"EUR 2.505\" is not an amount of money as EUR 12.50; mend "
	  "or remove it\n" },
	{ "x: {type: money, role: control, max: EUR 2}", "allow: {}", "",
	  "p:10:15: \"min\" is missing: numbers have bounds\n" },
	{ "x: {type: enum, role: control}", "allow: {}", "",
	  "p:10:15: an enum has either \"values\" or \"in\"\n" },
	{ "x: {type: enum, role: control, values: [a], in: ids}", "allow: {}",
	  "", "p:10:15: an enum has either \"values\" or \"in\"\n" },
	{ "x: {type: enum, role: control, values: []}", "allow: {}", "",
	  "p:10:51: this can never match: the set is empty: add values to "
	  "it\n" },
	{ "x: {type: enum, role: control, values: [a, b, a]}", "allow: {}", "",
	  "p:10:51: \"a\" is in the list twice: remove one\n" },
	{ "x: {type: bool, role: control, optional: yes}", "allow: {}", "",
	  "p:10:53: unknown value \"yes\": use true, false\n" },
	{ "x: {type: bool, role: control, in: [true]}", "allow: {}", "",
	  "p:10:47: \"in\" has no meaning for type bool: remove it\n" },
	{ "session: {type: bool, role: control}", "allow: {}", "",
	  "p:10:12: \"session\" is a condition: choose another name\n" },
	{ "X: {type: bool, role: control}", "allow: {}", "",
	  "p:10:12: a name has 1 to 64 of a-z 0-9 . _ - and begins with a "
	  "letter\n" },
	{ "x: {type: handle, role: selector, else: deny}", "allow: {}", "",
	  "p:10:15: \"of\" is missing: what the handle refers to, "
	  "SOURCE.KIND\n" },
	{ "x: {type: handle, of: mail, role: selector, else: deny}",
	  "allow: {}", "",
	  "p:10:34: there is no such source: write SOURCE.KIND, as sources has "
	  "it\n" },
	{ "x: {type: handle, of: post.thread, role: selector, else: deny}",
	  "allow: {}", "",
	  "p:10:34: there is no such source: write SOURCE.KIND, as sources has "
	  "it\n" },
	{ "x: {type: handle, of: mail.threat, role: selector, else: deny}",
	  "allow: {}", "",
	  "p:10:34: this can never match: reader email makes no such handles: "
	  "use one of thread message address link text attachment\n" },
	{ "x: {type: handle, of: mail.thread, role: selector, from: [planner], "
	  "else: deny}",
	  "allow: {}", "",
	  "p:10:12: this can never match: a handle comes from handle, owner or "
	  "envelope: write one of them in from\n" },
	{ "x: {type: handle, of: mail.thread, role: selector, in: [a]}",
	  "allow: {}", "",
	  "p:10:67: \"in\" has no meaning for type handle: remove it\n" },
	{ "x: {type: ref, role: target, from: [planner], under: agent*}",
	  "allow: {}", "",
	  "p:10:65: this can never match: the glob does not end in /*; write "
	  "it as agent/*\n" },
	{ "x: {type: ref, role: target, from: [planner], under: refs/heads/*}",
	  "allow: {}", "",
	  "p:10:65: this can never match: the glob is not a short branch or "
	  "tag name; write it as agent/*\n" },
	{ "x: {type: id, role: target, from: [planner], under: a/*}",
	  "allow: {}", "",
	  "p:10:64: \"under\" has no meaning for type id: remove it\n" },
	{ "x: {type: file, role: content}", "allow: {}", "",
	  "p:10:15: \"max\" is missing: the most bytes of this file\n" },
	{ "x: {type: file, role: content, max: 65MiB, deny_paths: [/etc/*, "
	  "a/]}",
	  "allow: {}", "",
	  "p:10:48: a size, 1 to 64MiB\n"
	  "p:10:68: this can never match: no path inside a bundle looks like "
	  "this; write it relative, without .. and without a slash at its end\n"
	  "p:10:76: this can never match: no path inside a bundle looks like "
	  "this; write it relative, without .. and without a slash at its "
	  "end\n" },
	{ "x: {type: file, role: content, max: 1MiB, deny_paths: []}",
	  "allow: {}", "", "p:10:66: a list of 1 to 64 globs belongs here\n" },
	{ "x: {type: url, role: target, in: ['https://a.org/', "
	  "'https://a@b.org/']}",
	  "allow: {}", "",
	  "p:10:64: \"https://a@b.org/\" has a user name; mend or remove "
	  "it\n" },
	{ "x: {type: repo, role: target, in: [a/b, c]}", "allow: {}", "",
	  "p:10:52: \"c\" is not a repository, owner/name; mend or remove "
	  "it\n" },
	{ "x: {type: datetime, role: control, in: [a], min: 1}", "allow: {}",
	  "",
	  "p:10:51: \"in\" has no meaning for type datetime: remove it\n"
	  "p:10:61: \"min\" has no meaning for type datetime: remove it\n" },
	{ "x: {type: id, role: credential, from: [config]}", "allow: {}", "",
	  "p:10:50: this can never match: the planner never names a "
	  "credential: remove it\n" },
	/* sets */
	{ "x: {type: email, role: target, in: family}", "allow: {}", "",
	  "p:10:47: there is no set \"family\": add it to sets\n" },
	{ "x: {type: email, role: target, in: fan}", "allow: {}", "",
	  "p:10:47: there is no set \"fan\": did you mean \"fam\"?\n" },
	{ "x: {type: email, role: target, in: none}", "allow: {}", "",
	  "p:10:47: this can never match: the set is empty: add values to "
	  "it\n" },
	{ "x: {type: email, role: target, in: big}", "allow: {}", "",
	  "p:3:64: \"k9\" is not a mail address; mend or remove it\n" },
	/* who chooses */
	{ "x: {type: email, role: target, from: [planner]}", "allow: {}", "",
	  "p:10:12: \"x\" is a target the planner chooses freely: give it a "
	  "closed list (in: SET), or from: [config]\n"
	  "p:10:12: this asks, but the capability has no \"approve\": add it, "
	  "e.g. approve: {who: owner, via: [cli], ttl: 12h}\n" },
	{ "x: {type: text, max: 9, role: command, from: [config, planner]}",
	  "allow: {}", "",
	  "p:10:12: \"x\" is a command the planner chooses freely: give it a "
	  "closed list (in: SET), or from: [config]\n" },
	{ "x: {type: id, role: control}", "allow: {}", "",
	  "p:10:12: \"x\" is a control the planner chooses freely: give it a "
	  "closed list (in: SET), or from: [config]\n" },
	{ "x: {type: url, role: target, from: [planner, owner], else: deny}",
	  "allow: {}", "",
	  "p:10:12: \"x\" is a target the planner chooses freely: give it a "
	  "closed list (in: SET), or from: [config]\n" },
	{ "x: {type: email, role: target, from: [config]}", "allow: {}",
	  APPROVE,
	  "p:10:12: this can never match: \"x\" comes from config, but nothing "
	  "here names a value: add in: SET\n" },
	{ "x: {type: email, role: target, from: [config]}",
	  "deny: {x: {in: fam}}", APPROVE,
	  "p:10:12: this can never match: \"x\" comes from config, but nothing "
	  "here names a value: add in: SET\n" },
	{ "x: {type: id, role: command}", "allow: {}", "",
	  "p:10:12: this can never match: \"x\" comes from config, but nothing "
	  "here names a value: add in: SET\n" },
	{ "x: {type: text, max: 9, role: content, else: ask}", "allow: {}", "",
	  "p:10:57: this can never match: every value is of a permitted "
	  "origin, so else is never reached: remove it\n"
	  "p:10:57: this asks, but the capability has no \"approve\": add it, "
	  "e.g. approve: {who: owner, via: [cli], ttl: 12h}\n" },
	/* rows */
	{ TO, "permit: {}", "",
	  "p:11:15: unknown key \"permit\": remove it\n" },
	{ TO, "alow: {}", "",
	  "p:11:15: unknown key \"alow\": did you mean \"allow\"?\n" },
	{ TO, "allow: {tto: {in: fam}}", "",
	  "p:11:23: there is no argument \"tto\": did you mean \"to\"?\n" },
	{ TO, "allow: {cc: {in: fam}}", "",
	  "p:11:23: there is no argument \"cc\": add it to args\n" },
	{ TO, "allow: {to: {}}", "",
	  "p:11:27: one of {in: SET} and {is: VALUE}\n" },
	{ TO, "allow: {to: {in: fam, is: a@x.org}}", "",
	  "p:11:27: one of {in: SET} and {is: VALUE}\n" },
	{ TO, "allow: {to: {domain: x.org}}", "",
	  "p:11:28: unknown key \"domain\": remove it\n" },
	{ TO, "allow: {}, deny: {}", "",
	  "p:11:14: a row is one of allow, deny, ask: {CONDITIONS}\n" },
	{ TO, "allow: [to]", "",
	  "p:11:22: a map of conditions, or {}, belongs here\n" },
	{ TO, "allow: {to: {is: lea}}", "",
	  "p:11:32: \"lea\" is not a mail address; mend or remove it\n" },
	{ TO, "allow: {to: {is: c@x.org}}", "",
	  "p:11:23: this can never match: \"c@x.org\" is not in the closed "
	  "list of this argument; remove it\n" },
	{ TO, "allow: {to: {in: none}}", "",
	  "p:11:32: this can never match: the set is empty: add values to "
	  "it\n" },
	{ TO, "allow: {to: {in: [c@x.org, d@x.org]}}", "",
	  "p:11:23: this can never match: every value is not in the closed "
	  "list of this argument; remove it\n" },
	{ "n: {type: int, role: control, min: 1, max: 5}", "deny: {n: {is: 6}}",
	  "",
	  "p:11:22: this can never match: \"6\" is outside min and max; remove "
	  "it\n" },
	{ "n: {type: int, role: control, min: 1, max: 5}",
	  "deny: {n: {is: five}}", "",
	  "p:11:30: \"five\" is not a whole number of at most 15 digits; mend "
	  "or remove it\n" },
	{ "n: {type: money, role: control, min: EUR 1, max: EUR 5}",
	  "deny: {n: {is: USD 2}}", "",
	  "p:11:22: this can never match: \"USD 2.00\" is of another currency "
	  "than min and max; remove it\n" },
	{ BODY, "deny: {body: {is: 12345678901}}", "",
	  "p:11:22: this can never match: \"12345678901\" is longer than max; "
	  "remove it\n" },
	{ "t: {type: text, max: 9, prefix: \"[a] \", role: content}",
	  "deny: {t: {is: b}}", "",
	  "p:11:22: this can never match: \"b\" does not begin with the "
	  "prefix; remove it\n" },
	{ "b: {type: bool, role: control}", "deny: {b: {is: yes}}", "",
	  "p:11:30: \"yes\" is not true or false; mend or remove it\n" },
	{ REF, "deny: {r: {is: main}}", "",
	  "p:11:22: this can never match: \"main\" is not under the glob; "
	  "remove it\n" },
	{ REF, "allow: {r: {under: main/*}}", "",
	  "p:11:23: this can never match: no value of this argument is under "
	  "the glob; remove it\n" },
	{ REF, "allow: {r: {under: agent}}", "",
	  "p:11:34: this can never match: the glob does not end in /*; write "
	  "it as agent/*\n" },
	{ TO, "allow: {to: {under: a/*}}", "",
	  "p:11:35: this can never match: the glob is for type ref alone; "
	  "write it as agent/*\n" },
	{ TO, "allow: {to: {sender_in: fam}}", "",
	  "p:11:39: this can never match: only what a handle refers to has a "
	  "sender: use in\n" },
	{ HANDLE, "allow: {h: {sender_in: [k1]}}", "",
	  "p:11:39: \"k1\" is not a mail address; mend or remove it\n" },
	{ HANDLE, "allow: {h: {is: '@12'}}", "",
	  "p:11:31: this can never match: a handle is made in a task, no "
	  "policy can name it: remove it\n" },
	{ HANDLE, "allow: {h: {in: ids}}", "",
	  "p:11:31: this can never match: a handle is made in a task, no "
	  "policy can name it: remove it\n" },
	{ "x: {type: id, role: target, from: [owner], else: deny}",
	  "allow: {x: {is: owner}}", "",
	  "p:11:31: this can never match: the policy has no id of the owner: "
	  "add it to owner, or quote the word if it is a value\n" },
	{ "x: {type: id, role: target, from: [owner], else: deny}",
	  "allow: {x: {is: envelope}}", "",
	  "p:11:31: this can never match: envelope is not among the origins of "
	  "\"x\": add it to from, or quote the word if it is a value\n" },
	{ "x: {type: id, role: target, from: [owner], else: deny}",
	  "allow: {x: {is: task}}", "",
	  "p:11:31: this can never match: only a handle is what a task was "
	  "started for: quote the word if it is a value\n" },
	{ "k: {type: id, role: credential}", "deny: {k: {in: ids}}", "",
	  "p:11:22: this can never match: the planner never names a "
	  "credential: remove it\n" },
	/* sessions and times */
	{ TO, "allow: {session: {}}", "",
	  "p:11:32: this decides nothing: add tainted, private or tripped\n" },
	{ TO, "allow: {session: {tainted: yes}}", "",
	  "p:11:42: unknown value \"yes\": use true, false\n" },
	{ TO, "allow: {session: {tanted: true}}", "",
	  "p:11:33: unknown key \"tanted\": did you mean \"tainted\"?\n" },
	{ TO, "allow: {time: {}}", "",
	  "p:11:29: this decides nothing: add between or days\n" },
	{ TO, "allow: {time: {between: \"7:00-23:00\"}}", "",
	  "p:11:39: times of day as \"07:00-23:00\" belong here\n" },
	{ TO, "allow: {time: {between: \"07:00-24:01\"}}", "",
	  "p:11:39: times of day as \"07:00-23:00\" belong here\n" },
	{ TO, "allow: {time: {between: \"24:00-07:00\"}}", "",
	  "p:11:39: times of day as \"07:00-23:00\" belong here\n" },
	{ TO, "allow: {time: {between: \"07:60-08:00\"}}", "",
	  "p:11:39: times of day as \"07:00-23:00\" belong here\n" },
	{ TO, "allow: {time: {between: \"07:00-07:00\"}}", "",
	  "p:11:39: this can never match: it ends when it begins\n" },
	{ TO, "allow: {time: {days: monday}}", "",
	  "p:11:36: days as mon, or mon-fri, belong here\n" },
	{ TO, "allow: {time: {days: [mon, mon-fri]}}", "",
	  "p:11:42: a day is listed twice: remove one\n" },
	{ TO, "allow: {time: {days: []}}", "",
	  "p:11:36: a list of 1 to 7 days belongs here\n" },
	/* rows against rows */
	{ TO, "allow: {}}, {ask: {}", "",
	  "p:11:28: a row after the unconditional row of line 11: put it "
	  "before that row, or remove it\n"
	  "p:11:28: this asks, but the capability has no \"approve\": add it, "
	  "e.g. approve: {who: owner, via: [cli], ttl: 12h}\n" },
	{ TO, "allow: {}}, {deny: {to: {is: a@x.org}}", "",
	  "p:11:28: a row after the unconditional row of line 11: put it "
	  "before that row, or remove it\n" },
	{ TO, "allow: {to: {in: fam}}}, {allow: {to: {is: a@x.org}}", "",
	  "p:11:41: this can never match: the row of line 11 decides all of "
	  "it; remove it\n" },
	{ TO, "allow: {to: {is: a@x.org}}}, {deny: {to: {in: fam}}", "",
	  "p:11:15: this can never match: the row of line 11 decides all of "
	  "it; remove it\n" },
	{ TO, "allow: {}}, {deny: {}", "",
	  "p:11:15: this can never match: the row of line 11 decides all of "
	  "it; remove it\n"
	  "p:11:28: a row after the unconditional row of line 11: put it "
	  "before that row, or remove it\n" },
	{ TO,
	  "allow: {session: {tainted: false}}}, {allow: {session: {tainted: "
	  "false, private: true}}",
	  "",
	  "p:11:53: this can never match: the row of line 11 decides all of "
	  "it; remove it\n" },
	{ TO,
	  "allow: {session: {tainted: false}}}, {allow: {session: {tainted: "
	  "true}}}, {deny: {to: {is: a@x.org}}}, {ask: {}",
	  "",
	  "p:11:119: this can never match: the rows of line 11 and others "
	  "decide all of it; remove it\n"
	  "p:11:119: this asks, but the capability has no \"approve\": add it, "
	  "e.g. approve: {who: owner, via: [cli], ttl: 12h}\n" },
	{ TO,
	  "allow: {time: {between: \"07:00-23:00\"}}}, {allow: {time: {days: "
	  "mon-fri, between: \"08:00-12:00\"}}",
	  "",
	  "p:11:58: this can never match: the row of line 11 decides all of "
	  "it; remove it\n" },
	{ TO,
	  "deny: {time: {between: \"22:00-06:00\"}}}, {allow: {time: {between: "
	  "\"23:00-05:00\"}}",
	  "",
	  "p:11:57: this can never match: the row of line 11 decides all of "
	  "it; remove it\n" },
	{ HANDLE,
	  "allow: {h: {sender_in: fam}}}, {allow: {h: {sender_in: [a@x.org]}}",
	  "",
	  "p:11:47: this can never match: the row of line 11 decides all of "
	  "it; remove it\n" },
	{ HANDLE,
	  "allow: {h: {is: task}}}, {allow: {h: {is: task}, session: {tripped: "
	  "false}}",
	  "",
	  "p:11:41: this can never match: the row of line 11 decides all of "
	  "it; remove it\n" },
	{ REF, "allow: {r: {under: agent/*}}}, {allow: {r: {under: agent/a/*}}",
	  "",
	  "p:11:47: this can never match: the row of line 11 decides all of "
	  "it; remove it\n" },
	{ REF, "allow: {r: {under: agent/*}}}, {allow: {r: {is: agent/x}}", "",
	  "p:11:47: this can never match: the row of line 11 decides all of "
	  "it; remove it\n" },
	/* who is asked */
	{ TO, "ask: {}", "",
	  "p:11:15: this asks, but the capability has no \"approve\": add it, "
	  "e.g. approve: {who: owner, via: [cli], ttl: 12h}\n" },
	{ "x: {type: email, role: target}", "allow: {}", "",
	  "p:10:12: this asks, but the capability has no \"approve\": add it, "
	  "e.g. approve: {who: owner, via: [cli], ttl: 12h}\n" },
	{ "x: {type: email, role: target, from: [owner], else: ask}",
	  "allow: {}", "",
	  "p:10:64: this asks, but the capability has no \"approve\": add it, "
	  "e.g. approve: {who: owner, via: [cli], ttl: 12h}\n" },
	{ "x: {type: handle, of: mail.thread, role: selector}", "allow: {}", "",
	  "p:10:12: this asks, but the capability has no \"approve\": add it, "
	  "e.g. approve: {who: owner, via: [cli], ttl: 12h}\n" },
	{ TO, "allow: {}", APPROVE,
	  "p:13:14: this can never match: nothing of this capability asks: "
	  "remove it\n" },
	{ TO, "ask: {}", "approve: {}",
	  "p:13:14: \"who\" is missing: who may approve (owner, or a list of "
	  "principals)\n"
	  "p:13:14: \"via\" is missing: how they are asked (a list of cli, "
	  "telegram, slack)\n"
	  "p:13:14: \"ttl\" is missing: how long the request waits (a "
	  "duration)\n" },
	{ TO, "ask: {}", "approve: {who: lea, via: cli, ttl: 31d}",
	  "p:13:20: there is no principal \"lea\": add it to principals\n"
	  "p:13:30: a list of 1 to 3 ways to ask belongs here\n"
	  "p:13:40: a duration, 1s to 30d, belongs here\n" },
	{ TO, "ask: {}",
	  "approve: {who: [owner, owner], via: [cli, cli], ttl: 0s}",
	  "p:13:28: \"owner\" is listed twice: remove one\n"
	  "p:13:47: this way is listed twice: remove one\n"
	  "p:13:58: a duration, 1s to 30d, belongs here\n" },
	{ TO, "ask: {}", "approve: {who: [mei], via: [cli, telegram], ttl: 1h}",
	  "p:13:32: this can never match: nobody here can be asked via cli: "
	  "add it to their approvals\n"
	  "p:13:32: this can never match: nobody here can be asked via "
	  "telegram: add it to their approvals\n"
	  "p:13:20: this can never match: \"mei\" can be asked in none of "
	  "these ways: add one to via, or to their approvals\n" },
	{ TO, "ask: {}", "approve: {who: [owner, mei], via: [cli], ttl: 1h}",
	  "p:13:20: this can never match: \"mei\" can be asked in none of "
	  "these ways: add one to via, or to their approvals\n" },
	{ TO, "ask: {}",
	  "approve: {who: owner, quorum: 2, via: [cli], ttl: 1h}",
	  "p:13:14: this can never match: the quorum is over the number of "
	  "approvers: name more, or lower it\n" },
	{ TO, "ask: {}",
	  "approve: {who: owner, via: [cli], ttl: 1h, delay: 1h}",
	  "p:13:14: this can never match: the request expires before delay is "
	  "over: raise ttl\n" },
	{ TO, "ask: {}",
	  "approve: {who: owner, via: [cli], ttl: 1h, remember: always, "
	  "confirm: yes, show: all}",
	  "p:13:58: unknown value \"always\": use never, task, constrained\n"
	  "p:13:75: unknown value \"yes\": use code\n"
	  "p:13:86: unknown value \"all\": use summary, full, diff\n" },
	/* flow, undo, mode */
	{ TO, "allow: {}", "flow: {to: audience}",
	  "p:13:12: \"to\" is no content argument: remove it\n" },
	{ BODY, "allow: {}", "flow: {body: everybody}",
	  "p:13:18: unknown value \"everybody\": use same-thread, audience, "
	  "owner-only, public\n" },
	{ BODY, "allow: {}", "flow: {text: audience}",
	  "p:13:12: \"text\" is no content argument: remove it\n" },
	{ BODY, "allow: {}", "flow: [body]",
	  "p:13:11: a map of content arguments belongs here\n" },
	{ BODY, "allow: {}", "mode: dry",
	  "p:13:11: unknown value \"dry\": use enforce, rehearse\n" },
};

static const struct {
	const char *limits, *errors;
} limits_of[] = {
	{ "{}",
	  "p:12:13: \"rate\" is missing: most calls in every window of that "
	  "length, e.g. 6/hour (1 to 10000/minute, /hour or /day)\n" },
	{ "{rate: 5}",
	  "p:12:20: a rate is 1 to 10000/minute, /hour or /day\n" },
	{ "{rate: 0/hour}",
	  "p:12:20: a rate is 1 to 10000/minute, /hour or /day\n" },
	{ "{rate: 1/week}",
	  "p:12:20: a rate is 1 to 10000/minute, /hour or /day\n" },
	{ "{rate: 5/hour, total: 20/month}",
	  "p:12:35: a total is 1 to 10000/hour, /day, /week or /task\n" },
	{ "{rate: 5/hour, per: {body: 1/day}}",
	  "p:12:34: there is no argument \"body\" to count by: name one that "
	  "is not content\n" },
	{ "{rate: 5/hour, per: {cc: 1/day}}",
	  "p:12:34: there is no argument \"cc\" to count by: name one that is "
	  "not content\n" },
	{ "{rate: 5/hour, per: {to: many}}",
	  "p:12:38: a rate is 1 to 10000/minute, /hour, /day or /task\n" },
	{ "{rate: 5/hour, per: [to]}",
	  "p:12:33: a map of rates by argument belongs here\n" },
	{ "{rate: 5/hour, bytes: 5/hour, concurrent: 0}",
	  "p:12:55: a number of calls, 1 to 10000\n" },
	{ "{rate: 5/hour, bytes: 0/hour}",
	  "p:12:35: bytes are a size up to 1024GiB /hour, /day, /week or "
	  "/task\n" },
	{ "{rate: 5/hour, bytes: 64KB/hour}",
	  "p:12:35: bytes are a size up to 1024GiB /hour, /day, /week or "
	  "/task\n" },
	{ "{rate: 5/hour, asks: 5}",
	  "p:12:28: unknown key \"asks\": remove it\n" },
};

static const struct {
	const char *text;
	const char *errors;
} files[] = {
	{ "bulkhead: 2\n"
	  "mode: dry\n"
	  "sources: {}\n"
	  "capabilities: {}\n",
	  "p:1:11: this program reads version 1 of the schema: write bulkhead: "
	  "1\n"
	  "p:2:7: unknown value \"dry\": use enforce, rehearse\n" },
	{ "bulkhead: 1\n"
	  "mode: enforce\n"
	  "capabilities: {}\n"
	  "sources:\n"
	  "  mail: {reader: mail, connector: inbox, integrity: owner,\n"
	  "    audience: all, reveal: html, answer_bits: 65537, only: all}\n"
	  "  post: {reader: email, connector: inbox, integrity: external,\n"
	  "    audience: owner, reveal: text, only: {in: [a]}}\n"
	  "  more: {reader: email, connector: inbox, integrity: external,\n"
	  "    audience: owner, reveal: text}\n",
	  "p:5:18: unknown value \"mail\": did you mean \"email\"?\n"
	  "p:5:53: unknown value \"owner\": use external, known\n"
	  "p:6:15: unknown value \"all\": use thread, owner, public, repo, "
	  "secret\n"
	  "p:6:28: unknown value \"html\": use text, handles, typed\n"
	  "p:6:47: a number of bits, 1 to 65536\n"
	  "p:6:60: {in: SET} of URLs belongs here\n"
	  "p:8:48: \"a\" is not an https or http URL; mend or remove it\n"
	  "p:9:36: \"post\" reads this connector already: one source each\n" },
	{ "bulkhead: 1\n"
	  "mode: enforce\n"
	  "sources: {}\n"
	  "capabilities:\n"
	  "  task.run: {connector: o, effect: magic, undo: {window: 2d},\n"
	  "    args: {}, decide: [], limits: {rate: 5/second, per: {}},\n"
	  "    approve: {}, flow: {}}\n",
	  "p:5:3: names that begin with \"task.\", \"reader.\" or \"bulkhead\" "
	  "are the "
	  "program's own: choose another\n"
	  "p:5:36: unknown value \"magic\": use read, internal, external\n"
	  "p:5:58: a duration, 1s to 1d, belongs here\n"
	  "p:6:23: a list of 1 to 64 rows, e.g. - allow: {}\n"
	  "p:6:42: a rate is 1 to 10000/minute, /hour or /day\n"
	  "p:7:14: \"who\" is missing: who may approve (owner, or a list of "
	  "principals)\n"
	  "p:7:14: \"via\" is missing: how they are asked (a list of cli, "
	  "telegram, slack)\n"
	  "p:7:14: \"ttl\" is missing: how long the request waits (a "
	  "duration)\n" },
	{ "bulkhead: 1\n"
	  "mode: enforce\n"
	  "sources: {}\n"
	  "capabilities:\n"
	  "  a: {connector: o, effect: read, undo: {for: 5s}, args: {}}\n",
	  "p:5:6: \"decide\" is missing: rows of allow, deny, ask, in order (a "
	  "list of 1 to 64 rows)\n"
	  "p:5:6: \"limits\" is missing: at least a rate, e.g. {rate: 6/hour} "
	  "(a map)\n"
	  "p:5:41: none, reversible or {window: 60s} belongs here\n" },
	{ "bulkhead: 1\n"
	  "mode: enforce\n"
	  "sources: {}\n"
	  "capabilities: {}\n"
	  "sets: {a: b, C: []}\n",
	  "p:5:11: a list of values, e.g. [a, b]\n"
	  "p:5:14: a name has 1 to 64 of a-z 0-9 . _ - and begins with a "
	  "letter\n" },
	{ "bulkhead: 1\n"
	  "mode: enforce\n"
	  "sources: {}\n"
	  "capabilities: {}\n"
	  "timezone: Europe/Atlantis\n",
	  "p:5:11: there is no time zone \"Europe/Atlantis\" here: write UTC, "
	  "or a name as Europe/Paris that is below /usr/share/zoneinfo\n" },
	{ "bulkhead: 1\n"
	  "mode: enforce\n"
	  "sources: {}\n"
	  "capabilities: {}\n"
	  "timezone: ../../etc/passwd\n",
	  "p:5:11: there is no time zone \"../../etc/passwd\" here: write UTC, "
	  "or a name as Europe/Paris that is below /usr/share/zoneinfo\n" },
	{ "bulkhead: 1\n"
	  "mode: enforce\n"
	  "sources: {}\n"
	  "capabilities: {}\n"
	  "owner: {telegram: raoul, slack: a b, github: '', email: me}\n",
	  "p:5:19: a number as the provider knows it belongs here, no name\n"
	  "p:5:33: \"a b\" has characters other than visible ASCII; mend or "
	  "remove it\n"
	  "p:5:46: the value is empty: write one, or remove the key\n"
	  "p:5:57: \"me\" is not a mail address; mend or remove it\n" },
	{ "bulkhead: 1\n"
	  "mode: enforce\n"
	  "sources: {}\n"
	  "capabilities: {}\n"
	  "owner: {phone: 1, approvals: {telegram_bot: cards}}\n"
	  "principals: {owner: {github: a}, B: {}}\n",
	  "p:5:9: unknown key \"phone\": remove it\n"
	  "p:5:30: \"telegram_bot\" and \"chat\" belong together: write both, "
	  "or neither\n"
	  "p:6:14: the owner stands under owner: choose another name\n"
	  "p:6:34: a name has 1 to 64 of a-z 0-9 . _ - and begins with a "
	  "letter\n"
	  "p:6:37: nothing says who this is: add telegram, slack, github or "
	  "email\n" },
	{ "bulkhead: 1\n"
	  "mode: enforce\n"
	  "sources: {}\n"
	  "capabilities: {}\n"
	  "owner: {approvals: {chat: x, cli: maybe}}\n"
	  "principals: []\n",
	  "p:5:27: a number as the provider knows it belongs here, no name\n"
	  "p:5:35: unknown value \"maybe\": use true, false\n"
	  "p:6:13: a map of principals belongs here\n" },
	{ "bulkhead: 1\n"
	  "mode: enforce\n"
	  "sources: {}\n"
	  "capabilities: {}\n"
	  "decoys: []\n",
	  "p:5:9: a list of 1 to 32 names belongs here\n" },
	{ "bulkhead: 1\n"
	  "mode: enforce\n"
	  "sources: {}\n"
	  "capabilities: {}\n"
	  "decoys: [a.b, a.b, C]\n",
	  "p:5:15: this decoy is listed twice: remove one\n"
	  "p:5:20: a name has 1 to 64 of a-z 0-9 . _ - and begins with a "
	  "letter\n" },
	{ "bulkhead: 1\n"
	  "mode: enforce\n"
	  "sources: {}\n"
	  "capabilities: {}\n"
	  "budgets: {llm_usd: 5, llm_tokens: 3G/day, task_usd: 0, denials: "
	  "5/day,\n"
	  "  calls: 10, wall: 5, asks: [1/task, 2/task], targets: 5/task}\n",
	  "p:5:20: dollars /hour, /day or /week, e.g. 5/day\n"
	  "p:5:35: tokens /hour, /day or /week, e.g. 3M/day\n"
	  "p:5:53: dollars, e.g. 0.75\n"
	  "p:5:65: 1 to 10000/task\n"
	  "p:6:10: 1 to 10000/task\n"
	  "p:6:20: a duration, 1s to 366d, belongs here\n"
	  "p:6:38: this window is listed twice: remove one\n"
	  "p:6:56: 1 to 10000/day\n" },
	{ "bulkhead: 1\n"
	  "mode: enforce\n"
	  "sources: {}\n"
	  "capabilities: {}\n"
	  "budgets: {llm_usd: 5.1234567/day, llm_tokens: 2000M/day, task_usd: "
	  "1000001, asks: [], tokens: 5}\n",
	  "p:5:87: unknown key \"tokens\": remove it\n"
	  "p:5:20: dollars /hour, /day or /week, e.g. 5/day\n"
	  "p:5:47: tokens /hour, /day or /week, e.g. 3M/day\n"
	  "p:5:68: dollars, e.g. 0.75\n"
	  "p:5:83: a list of 1 to 2 amounts belongs here\n" },
	{ "bulkhead: 1\n"
	  "mode: enforce\n"
	  "sources: {}\n"
	  "capabilities: {}\n"
	  "lease: {autonomy: 400d, on_expiry: allow}\n",
	  "p:5:19: a duration, 1s to 366d, belongs here\n"
	  "p:5:36: unknown value \"allow\": use ask, deny\n" },
	{ "bulkhead: 1\n"
	  "mode: enforce\n"
	  "sources: {}\n"
	  "capabilities: {}\n"
	  "lease: {}\n"
	  "trip: {canary: refuse, limits: stop, panic: kill}\n",
	  "p:5:8: \"autonomy\" is missing: how long it acts without a sign of "
	  "the owner (a duration)\n"
	  "p:5:8: \"on_expiry\" is missing: what becomes of effects then (ask, "
	  "deny)\n"
	  "p:6:38: unknown key \"panic\": remove it\n"
	  "p:6:16: unknown value \"refuse\": use kill, freeze\n"
	  "p:6:32: unknown value \"stop\": use kill, freeze, refuse\n" },
	{ "bulkhead: 1\n"
	  "mode: enforce\n"
	  "sources: {}\n"
	  "capabilities:\n"
	  "  c: {connector: o, effect: internal, undo: none, args: {},\n"
	  "    decide: [{allow: {}}], limits: {rate: 1/day}}\n"
	  "decoys: [c]\n",
	  "p:7:10: a capability has this name: a decoy does nothing\n" },
	{ "bulkhead: 1\n"
	  "mode: enforce\n"
	  "sources: {}\n"
	  "capabilities:\n"
	  "  c: {connector: cards, effect: internal, undo: none, args: {},\n"
	  "    decide: [{allow: {}}], limits: {rate: 1/day}}\n"
	  "owner: {approvals: {telegram_bot: cards, chat: 7}}\n",
	  "p:5:18: \"cards\" shows approvals: the approval chat must not be "
	  "reachable: use another connector\n" },
	/* The channel of Slack, and the name of a bot, as targets. */
	{ "bulkhead: 1\n"
	  "mode: enforce\n"
	  "sources: {}\n"
	  "capabilities:\n"
	  "  c: {connector: o, effect: external, undo: none, args: {to: {type: "
	  "id, role: target, in: [D0ME, cards, 'slack:D0ME']}},\n"
	  "    decide: [{allow: {}}], limits: {rate: 1/day}}\n"
	  "owner: {slack: U0ME, approvals: {slack_bot: cards, channel: "
	  "D0ME}}\n",
	  "p:5:58: the approval chat \"D0ME\" can be reached as \"to\": "
	  "nothing else may be written there; remove it from the list\n"
	  "p:5:58: the approval chat \"cards\" can be reached as \"to\": "
	  "nothing else may be written there; remove it from the list\n"
	  "p:5:58: the approval chat \"slack:D0ME\" can be reached as \"to\": "
	  "nothing else may be written there; remove it from the list\n" },
	/* Whose word counts has to be known, and be one person's. */
	{ "bulkhead: 1\nmode: enforce\nsources: {}\ncapabilities: {}\n"
	  "owner: {approvals: {telegram_bot: cards, chat: -7}}\n",
	  "p:5:8: the approval chat is a group: add telegram, the number of "
	  "who answers there\n" },
	{ "bulkhead: 1\nmode: enforce\nsources: {}\ncapabilities: {}\n"
	  "owner: {telegram: 8, approvals: {telegram_bot: cards, chat: 7}}\n",
	  "p:5:61: this can never match: a private chat has the number of who "
	  "it is with, which is not this one\n" },
	{ "bulkhead: 1\nmode: enforce\nsources: {}\ncapabilities: {}\n"
	  "owner: {email: a@x.org, approvals: {slack_bot: cards, channel: "
	  "D0ME}}\n",
	  "p:5:8: slack_bot: add slack, the member id of who answers "
	  "there\n" },
	{ "bulkhead: 1\nmode: enforce\nsources: {}\ncapabilities: {}\n"
	  "owner: {telegram: 7}\n"
	  "principals: {mei: {approvals: {telegram_bot: cards, chat: 7}}}\n",
	  "p:6:14: \"mei\" is the same person as \"owner\": one of them has to "
	  "go\n" },
	{ "bulkhead: 1\n"
	  "mode: enforce\n"
	  "capabilities: {}\n"
	  "sources:\n"
	  "  chat: {reader: telegram, connector: cards, integrity: known,\n"
	  "    audience: owner, reveal: text}\n"
	  "owner: {approvals: {telegram_bot: cards, chat: 7}}\n",
	  "p:5:39: \"cards\" shows approvals: answers to them are read by "
	  "nobody else: use another connector\n" },
	{ "bulkhead: 1\n"
	  "mode: enforce\n"
	  "sources: {}\n"
	  "capabilities:\n"
	  "  c: {connector: o, effect: external, undo: none, args: {to: {type: "
	  "id, role: target, in: [\"-7\", k]}},\n"
	  "    decide: [{allow: {}}], limits: {rate: 1/day}}\n"
	  "owner: {telegram: 7, approvals: {telegram_bot: cards, "
	  "chat: -7}}\n",
	  "p:5:58: the approval chat \"-7\" can be reached as \"to\": nothing "
	  "else may be written there; remove it from the list\n" },
	{ "bulkhead: 1\n"
	  "mode: enforce\n"
	  "sources: {}\n"
	  "capabilities:\n"
	  "  c: {connector: o, effect: external, undo: none, args: {to: {type: "
	  "id, role: target, from: [config], else: deny}},\n"
	  "    decide: [{ask: {to: {in: [\"-7\", k]}}}], limits: {rate: "
	  "1/day}, approve: {who: owner, via: [cli], ttl: 1h}}\n"
	  "owner: {telegram: 7, approvals: {telegram_bot: cards, "
	  "chat: -7}}\n",
	  "p:5:58: the approval chat \"-7\" can be reached as \"to\": nothing "
	  "else may be written there; remove it from the list\n" },
	{ "bulkhead: 1\n"
	  "mode: enforce\n"
	  "sources:\n"
	  "  cam: {reader: ha-camera-events, connector: h, integrity: "
	  "external,\n"
	  "    audience: secret, reveal: typed}\n"
	  "capabilities:\n"
	  "  c: {connector: o, effect: external, undo: none, args: {t: {type: "
	  "text, max: 9, role: content}},\n"
	  "    decide: [{allow: {}}], limits: {rate: 1/day}, flow: {t: "
	  "public}}\n",
	  "p:8:61: source \"cam\" is secret, and what it says could leave "
	  "here: use audience or owner-only\n" },
	{ "bulkhead: 1\n"
	  "mode: enforce\n"
	  "sources:\n"
	  "  cam: {reader: ha-camera-events, connector: h, integrity: "
	  "external,\n"
	  "    audience: secret, reveal: typed}\n"
	  "capabilities:\n"
	  "  c: {connector: o, effect: external, undo: none, args: {e: {type: "
	  "handle, of: cam.event, role: selector, else: deny}},\n"
	  "    decide: [{allow: {}}], limits: {rate: 1/day}}\n",
	  "p:7:58: source \"cam\" is secret, and this would send about its "
	  "items: make the effect internal, or remove the argument\n" },
	{ "bulkhead: 1\n"
	  "mode: enforce\n"
	  "sources: {}\n"
	  "capabilities:\n"
	  "  c: {connector: o, effect: internal, undo: none, args: {},\n"
	  "    decide: [{allow: {}}], limits: {rate: 1/day}}\n"
	  "lease: {autonomy: 1h, on_expiry: ask}\n",
	  "p:5:3: this asks when the lease of line 7 has expired, but has no "
	  "\"approve\": add it, or let on_expiry deny\n" },
	{ "bulkhead: 1\n"
	  "mode: enforce\n"
	  "sources: {}\n"
	  "capabilities:\n"
	  "  c: {connector: o, effect: internal, undo: none, args: {},\n"
	  "    decide: [{allow: {}}], limits: {rate: 1/day}, approve: {who: "
	  "owner, via: [cli], ttl: 1h}}\n"
	  "lease: {autonomy: 1h, on_expiry: deny}\n",
	  "p:6:60: this can never match: nothing of this capability asks: "
	  "remove it\n" },
	/* What was wrong with the source is said once, and harms nobody. */
	{ "bulkhead: 1\n"
	  "mode: enforce\n"
	  "sources:\n"
	  "  m: {reader: mail, connector: i, integrity: external,\n"
	  "    audience: thread, reveal: text}\n"
	  "capabilities:\n"
	  "  c: {connector: o, effect: internal, undo: reversible, args: {\n"
	  "    h: {type: handle, of: m.thread, role: selector}},\n"
	  "    decide: [{allow: {h: {sender_in: [a]}}}], limits: {rate: "
	  "1/day}}\n",
	  "p:4:15: unknown value \"mail\": did you mean \"email\"?\n"
	  "p:8:27: there is no such source: write SOURCE.KIND, as sources has "
	  "it\n"
	  "p:9:38: this can never match: only what a handle refers to has a "
	  "sender: use in\n" },
	{ "- a\n", "p:1:1: a map (key: value) belongs here\n" },
};

static void refused_capabilities(void **)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(caps); i++) {
		CLEAN_BUF struct buf text;

		expect(file_of(&text, caps[i].args, caps[i].rows,
			       "{rate: 2/hour}", caps[i].extra),
		       caps[i].errors);
	}
}

static void refused_limits(void **)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(limits_of); i++) {
		CLEAN_BUF struct buf text;

		expect(file_of(&text, TO ", " BODY, "allow: {}",
			       limits_of[i].limits, ""),
		       limits_of[i].errors);
	}
}

static void refused_files(void **)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++)
		expect(files[i].text, files[i].errors);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_capabilities),
		cmocka_unit_test(refused_limits),
		cmocka_unit_test(refused_files),
	};

	return cmocka_run_group_tests_name("policy/refuse", tests, NULL, NULL);
}
