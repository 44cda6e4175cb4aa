/*
 * conf: the embedded defaults, every key once, and every refusal with the
 * exact line a person gets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf/conf.h"
#include "base/fd.h"
#include "base/str.h"
#include "conf/yaml.h"
#include "proto/limits.h"
#include "vm/vm.h"
#include "conf/load.h"

static void defaults(void **)
{
	CLEAN_FREE struct conf *c = calloc(1, sizeof(*c));
	CLEAN_BUF struct buf errs;

	buf_init(&errs, 1 << 16);
	assert_int_equal(conf_load(NULL, "/home/lea", c, &errs), 0);
	assert_string_equal(buf_cstr(&errs), "");
	assert_string_equal(c->file, "");
	assert_string_equal(c->state, "/home/lea/.local/state/bulkhead");
	assert_string_equal(c->socket,
			    "/home/lea/.local/state/bulkhead/control.sock");
	assert_int_equal(c->n_users, 1);
	assert_int_equal(c->users[0], geteuid());
	assert_string_equal(c->agent, "assistant");
	assert_string_equal(c->policy, "");
	assert_int_equal(c->planner, PLANNER_TRIAGE);
	assert_int_equal(c->n_tasks, 1);
	assert_string_equal(c->tasks[0].on, "mail");
	assert_string_equal(c->tasks[0].say,
			    "Tell me what is new and what needs an answer.");
	assert_int_equal(c->reader.memory_mib, 128);
	assert_int_equal(c->reader.deadline_s, 10);
	assert_int_equal(c->planner_vm.memory_mib, 256);
	assert_int_equal(c->planner_vm.deadline_s, 1800);
	assert_int_equal(c->reader.pool, 1);
	assert_int_equal(c->reader.parked, VM_PARK_WAITING);
	assert_int_equal(c->planner_vm.pool, 0);
	assert_int_equal(c->planner_vm.parked, VM_PARK_WAITING);
	assert_int_equal(c->backend, VM_AUTO);
	assert_string_equal(c->telemetry.metrics,
			    "/home/lea/.local/state/bulkhead/metrics.sock");
	assert_int_equal(c->telemetry.otlp.port, 0);
	assert_int_equal(c->telemetry.logs, LOGS_NONE);
	assert_int_equal(c->telemetry.queue, 2048);
	assert_int_equal(c->n_connectors, 2);
	assert_string_equal(c->connectors[0].name, "inbox");
	assert_int_equal(c->connectors[0].kind, CONNECTOR_MAILDIR);
	assert_string_equal(c->connectors[0].path, "/home/lea/Maildir");
	assert_int_equal(c->connectors[1].kind, CONNECTOR_OUTBOX);
	assert_string_equal(c->connectors[1].path, "/home/lea/bulkhead-outbox");
}

static const char every_key[] =
	"bulkhead: 1\n"
	"state: /var/lib/b\n"
	"control: {users: [1000, 0], socket: /run/b.sock}\n"
	"agents:\n"
	"  helper:\n"
	"    policy: p/q.yaml\n"
	"    planner: {kind: gullible}\n"
	"    tasks: [{on: post, say: \"do\"}, {on: chat, say: talk},\n"
	"      {every: \"07:30\", say: now}]\n"
	"    digest: \"23:59\"\n"
	"vms:\n"
	"  reader: {memory: 64MiB, cpus: 1, deadline: 1s, pool: 0}\n"
	"  planner: {memory: 64GiB, cpus: 1, deadline: 24h, pool: 16,\n"
	"    parked: resumed}\n"
	"backend: qemu-tcg\n"
	"telemetry: {metrics: m.sock, otlp: \"http://[::1]:4318\", logs: "
	"kinds,\n"
	"  queue: 64}\n"
	"connectors:\n"
	"  in: {kind: maildir, path: ./m}\n"
	"  out: {path: ~/o, kind: outbox}\n"
	"  mail: {kind: imap, hosts: [\"IMAP.example.org:993\",\n"
	"    \"login.example.org:443\"], user: me@example.org, secret: imap,\n"
	"    auth: xoauth2, token: \"https://login.example.org/t?x\",\n"
	"    folder: All Mail, authserv: MX.example.org, ca: ca.pem,\n"
	"    first: all, poll: 5m}\n"
	"  post: {kind: smtp, hosts: [\"10.0.0.9:587\", \"[fd00::9]:465\"],\n"
	"    private: true, user: me, secret: mail/smtp, from: "
	"me@example.org}\n"
	"  bot: {kind: telegram, hosts: [\"api.telegram.org:443\"],\n"
	"    secret: tg, role: approvals}\n"
	"  team: {kind: slack, hosts: [\"slack.com:443\"], secret: s}\n"
	"  git: {kind: http, hosts: [\"api.github.com:443\"], secret: key,\n"
	"    auth: github-app, user: 12/34, requests: git.yaml}\n"
	"vault: {files: [a.yaml, /b.age], identity: ~/id}\n";

static void reads_accounts(const struct conf *c)
{
	const struct conf_connector *cc = &c->connectors[2];

	assert_int_equal(c->n_connectors, 7);
	assert_int_equal(cc->kind, CONNECTOR_IMAP);
	assert_int_equal(cc->n_hosts, 2);
	assert_string_equal(cc->hosts[0].name, "imap.example.org");
	assert_int_equal(cc->hosts[0].port, 993);
	assert_int_equal(cc->auth, AUTH_XOAUTH2);
	assert_string_equal(cc->token, "https://login.example.org/t?x");
	assert_string_equal(cc->user, "me@example.org");
	assert_string_equal(cc->secret, "imap");
	assert_string_equal(cc->folder, "All Mail");
	assert_string_equal(cc->authserv, "mx.example.org");
	assert_string_equal(cc->ca, "/etc/b/ca.pem");
	assert_true(cc->all);
	assert_int_equal(cc->poll_s, 300);
	assert_false(cc->private);
	cc++;
	assert_true(cc->private);
	assert_string_equal(cc->hosts[1].name, "fd00::9");
	assert_string_equal(cc->from, "me@example.org");
	assert_string_equal(cc->folder, "");
	cc++;
	assert_true(cc->approvals);
	cc++;
	assert_int_equal(cc->kind, CONNECTOR_SLACK);
	assert_false(cc->approvals);
	cc++;
	assert_int_equal(cc->auth, AUTH_GITHUB_APP);
	assert_string_equal(cc->requests, "/etc/b/git.yaml");
	assert_int_equal(c->vault.n_files, 2);
	assert_string_equal(c->vault.files[0], "/etc/b/a.yaml");
	assert_string_equal(c->vault.files[1], "/b.age");
	assert_string_equal(c->vault.identity, "/root/id");
}

static void reads_every_key(void **)
{
	CLEAN_FREE struct conf *c = calloc(1, sizeof(*c));
	CLEAN_BUF struct buf errs;

	buf_init(&errs, 1 << 16);
	assert_int_equal(conf_parse("c", span_str(every_key), "/etc/b", "/root",
				    c, &errs),
			 0);
	assert_string_equal(c->state, "/var/lib/b");
	assert_string_equal(c->socket, "/run/b.sock");
	assert_int_equal(c->n_users, 2);
	assert_int_equal(c->users[0], 1000);
	assert_string_equal(c->agent, "helper");
	assert_string_equal(c->policy, "/etc/b/p/q.yaml");
	assert_int_equal(c->planner, PLANNER_GULLIBLE);
	assert_int_equal(c->n_tasks, 3);
	assert_true(c->tasks[2].timed && !c->tasks[1].timed);
	assert_int_equal(c->tasks[2].minute, 7 * 60 + 30);
	assert_true(c->digest);
	assert_int_equal(c->digest_minute, 23 * 60 + 59);
	assert_string_equal(c->tasks[0].on, "post");
	assert_string_equal(c->tasks[1].on, "chat");
	assert_string_equal(c->tasks[1].say, "talk");
	assert_int_equal(c->reader.memory_mib, 64);
	assert_int_equal(c->reader.cpus, 1);
	assert_int_equal(c->reader.deadline_s, 1);
	assert_int_equal(c->planner_vm.memory_mib, 65536);
	assert_int_equal(c->planner_vm.deadline_s, 86400);
	assert_int_equal(c->reader.pool, 0);
	assert_int_equal(c->planner_vm.pool, CONF_POOL_MAX);
	assert_int_equal(c->planner_vm.parked, VM_PARK_RESUMED);
	assert_int_equal(c->backend, VM_QEMU_TCG);
	assert_string_equal(c->telemetry.metrics, "/etc/b/m.sock");
	assert_string_equal(c->telemetry.otlp.text, "[::1]:4318");
	assert_int_equal(c->telemetry.logs, LOGS_KINDS);
	assert_int_equal(c->telemetry.queue, 64);
	assert_string_equal(c->connectors[0].path, "/etc/b/./m");
	assert_string_equal(c->connectors[1].path, "/root/o");
	reads_accounts(c);
}

#define HEAD "bulkhead: 1\n"
#define AGENTS                                                                 \
	"agents: {a: {policy: p, planner: {kind: triage}, tasks: [{on: mail, " \
	"say: x}]}}\n"
#define CONNECTORS "connectors: {in: {kind: maildir, path: /m}}\n"
#define VAULT	   "vault: {files: [s], passphrase: ask}\n"
#define LATER	   " is known, but not enforced by this version: "

static const struct {
	const char *text;
	const char *errors;
} bad[] = {
	{ "{}",
	  "c:1:1: \"bulkhead\" is missing: the version of the format (1)\n"
	  "c:1:1: \"agents\" is missing: the agent by its name: policy, "
	  "planner, "
	  "tasks (a map of one map)\n"
	  "c:1:1: \"connectors\" is missing: accounts and folders, by name "
	  "(a map of 1 to 16 maps)\n" },
	{ "bulkhead: 2\n" AGENTS CONNECTORS,
	  "c:1:11: this program reads version 1 of the format: write bulkhead: "
	  "1\n" },
	{ HEAD AGENTS CONNECTORS "stat: /x\n",
	  "c:4:1: unknown key \"stat\": did you mean \"state\"?\n" },
	{ HEAD AGENTS CONNECTORS "audit: {reserve: 1023KiB}\n",
	  "c:4:18: a size, 1MiB to 64GiB, or 0\n" },
	{ HEAD AGENTS CONNECTORS "audit: {reserve: 65GiB}\n",
	  "c:4:18: a size, 1MiB to 64GiB, or 0\n" },
	{ HEAD AGENTS CONNECTORS "audit: {retention: 400d}\nvault: {}\n"
				 "upstreams: {}\n",
	  "c:4:9: \"retention\"" LATER "remove it\n"
	  "c:5:8: \"files\" is missing: files of age or sops that the secrets "
	  "are in (a list of 1 to 8 paths)\n"
	  "c:5:8: one of \"identity\", \"passphrase\" and \"credential\" "
	  "opens the files\n"
	  "c:6:12: a map of upstreams; with connectors they are 16 at most\n" },
	{ HEAD AGENTS CONNECTORS
	  "upstreams:\n"
	  "  a: {kind: openai, hosts: [\"127.0.0.1:80\"], models: [any]}\n"
	  "  b: {kind: openai, hosts: [\"x.example:80\", \"y.example:80\"], "
	  "models: [\"a b\"], tls: false}\n"
	  "  in: {kind: x, hosts: [\"x.example:80\"], models: []}\n",
	  "c:5:28: 127.0.0.1 is an address of this machine: set private: true, "
	  "or name another\n"
	  "c:6:71: a model's name has 1 to 128 characters of ASCII, and no "
	  "blanks\n"
	  "c:6:84: a server that is not private is spoken to by TLS: remove "
	  "this, or set private: true\n"
	  "c:6:28: an upstream has one host: use two upstreams\n"
	  "c:7:7: \"in\" is a connector already: name it otherwise\n"
	  "c:7:14: unknown value \"x\": use openai, anthropic\n"
	  "c:7:50: a list of the models that may be asked, e.g. "
	  "[claude-sonnet]; any: whichever\n" },
	{ HEAD CONNECTORS "agents: {a: {policy: p, planner: {kind: llm, "
			  "upstream: u}, tasks: [{on: mail, say: x}]}}\n",
	  "c:3:34: the planner llm needs \"upstream\", one of "
	  "\"upstreams\"\n" },
	{ HEAD CONNECTORS "agents: {a: {policy: p, planner: {kind: local, "
			  "upstream: u, memory: 3, cpus: 17}, tasks: [{on: "
			  "mail, say: x}]}}\nvms: {planner: {pool: 1}}\n",
	  "c:3:69: a size in whole MiB, 64MiB to 64GiB\n"
	  "c:3:78: a number of processors, 1 to 16\n"
	  "c:3:34: the planner local needs \"model\", the path of a GGUF "
	  "file\n"
	  "c:3:58: the planner local asks no upstream: remove this\n"
	  "c:3:34: the planner local is not kept ready: remove \"pool\" of "
	  "vms.planner\n" },
	{ HEAD CONNECTORS "agents: {a: {policy: p, planner: {kind: triage, "
			  "memory: 4GiB, cpus: 2}, tasks: [{on: mail, say: "
			  "x}]}}\n",
	  "c:3:57: \"memory\" is of the planner local: that of others is in "
	  "vms.planner\n"
	  "c:3:69: \"cpus\" is of the planner local: that of others is in "
	  "vms.planner\n" },
	{ HEAD AGENTS CONNECTORS "backend: native\n",
	  "c:4:10: \"native\"" LATER "use \"auto\"\n" },
	{ HEAD AGENTS CONNECTORS "backend: qemu-kwm\n",
	  "c:4:10: unknown value \"qemu-kwm\": did you mean \"qemu-kvm\"?\n" },
	{ HEAD AGENTS CONNECTORS "backend: xen\n",
	  "c:4:10: unknown value \"xen\": use auto, qemu-kvm, qemu-tcg\n" },
	{ HEAD AGENTS CONNECTORS "backend: [auto]\n",
	  "c:4:10: a single value belongs here, not a list or map\n" },
	{ HEAD AGENTS CONNECTORS "backend:\n",
	  "c:4:1: the value is empty: write one, or remove the key\n" },
	{ HEAD AGENTS CONNECTORS "control: {users: [root, 1, 1, 4294967295]}\n",
	  "c:4:19: a numeric uid belongs here (see `id -u`)\n"
	  "c:4:28: uid 1 is listed twice: remove one\n"
	  "c:4:31: a numeric uid belongs here (see `id -u`)\n" },
	{ HEAD AGENTS CONNECTORS "control: {users: []}\n",
	  "c:4:18: a list of 1 to 16 uids, e.g. [1000]\n" },
	{ HEAD AGENTS CONNECTORS "telemetry: {otlp: \"http://collector:4318\", "
				 "queue: 63, logs: some}\n",
	  "c:4:19: http://ADDRESS:PORT, the address in numbers, e.g. "
	  "http://127.0.0.1:4318 or http://[::1]:4318; or none\n"
	  "c:4:61: unknown value \"some\": use none, kinds, full\n"
	  "c:4:51: a number of spans, 64 to 65536\n" },
	{ HEAD AGENTS CONNECTORS "telemetry: {logs: kinds}\n",
	  "c:4:12: logs go to a collector: set otlp, or remove \"logs\"\n" },
	{ HEAD AGENTS CONNECTORS "state: ~lea/x\n",
	  "c:4:8: only ~/ is understood: write the path out\n" },
	{ HEAD AGENTS CONNECTORS "state: \"/a\\nb\"\n",
	  "c:4:8: a path with control characters: name another\n" },
	{ HEAD AGENTS CONNECTORS
	  "vms: {reader: {memory: 63MiB, cpus: 0, deadline: 0s},\n"
	  "  planner: {memory: 1.5GiB, cpus: 2, deadline: 25h}, x: {}}\n",
	  "c:5:54: unknown key \"x\": remove it\n"
	  "c:4:24: a size in whole MiB, 64MiB to 64GiB\n"
	  "c:4:37: cpus is 1: the guests' kernel is for one\n"
	  "c:4:50: a duration, 1s to 24h, e.g. 10s or 30m\n"
	  "c:5:21: a size in whole MiB, 64MiB to 64GiB\n"
	  "c:5:35: cpus is 1: the guests' kernel is for one\n"
	  "c:5:48: a duration, 1s to 24h, e.g. 10s or 30m\n" },
	{ HEAD AGENTS CONNECTORS
	  "vms: {reader: {pool: 17, parked: resume},\n"
	  "  planner: {pool: -1, parked: running, park: 1}}\n",
	  "c:4:22: a number of VMs kept ready, 0 to 16\n"
	  "c:4:34: unknown value \"resume\": did you mean \"resumed\"?\n"
	  "c:5:40: unknown key \"park\": remove it\n"
	  "c:5:19: a number of VMs kept ready, 0 to 16\n"
	  "c:5:31: unknown value \"running\": use waiting, resumed\n" },
	{ HEAD CONNECTORS "agents: {a: {policy: p, planner: {kind: none}, "
			  "tasks: [{on: mail, say: x}]}}\n",
	  "c:3:55: without a planner no task is started: remove \"tasks\"\n" },
	{ HEAD CONNECTORS "agents: {a: {policy: p, planner: {kind: triage}}}\n",
	  "c:3:13: \"tasks\" is missing: what it does when an item comes "
	  "in\n" },
	{ HEAD CONNECTORS
	  "agents: {A: {policy: p, planner: {kind: image, "
	  "image: m}, tasks: [{every: x}, {on: mail, say: y}]},\n"
	  "  b: {}}\n",
	  "c:4:6: several agents are known, but not enforced by this version: "
	  "remove \"b\"\n"
	  "c:3:9: an agent's name has 1 to 63 of a-z 0-9 . _ -\n"
	  "c:3:48: \"image\"" LATER "remove it\n"
	  "c:3:41: \"image\"" LATER "use \"triage\"\n"
	  "c:3:67: \"say\" is missing: the instruction, in your words (at most "
	  "1023 bytes)\n"
	  "c:3:75: a time of day, \"00:00\" to \"23:59\"\n" },
	{ HEAD CONNECTORS
	  "agents: {a: {policy: p, planner: {kind: triage}, digest: "
	  "\"24:00\",\n"
	  "  tasks: [{say: x}, {on: m, every: \"00:60\", say: x}, {on: m, say: "
	  "x}]}}\n",
	  "c:4:11: a task has one of \"on\", a source, and \"every\", a time "
	  "of day\n"
	  "c:4:36: a time of day, \"00:00\" to \"23:59\"\n"
	  "c:4:21: a task has one of \"on\", a source, and \"every\", a time "
	  "of day\n"
	  "c:4:54: a second task waits for \"m\": write one for each source\n"
	  "c:3:58: a time of day, \"00:00\" to \"23:59\"\n" },
	{ HEAD AGENTS
	  "connectors:\n"
	  "  i: {kind: imap, hosts: [\"a:993\"], user: u, secret: s}\n"
	  "  m: {kind: maildir, path: /m, secret: s}\n"
	  "  o: {kind: outbox, path: /m}\n"
	  "  ../x: {kind: outbox}\n",
	  "c:5:40: maildir has no \"secret\": remove it\n"
	  "c:6:27: \"m\" has this path already: mail that goes out would come "
	  "in again; name another\n"
	  "c:7:9: a connector's name has 1 to 63 of a-z 0-9 . _ -\n"
	  "c:7:9: \"path\" is missing: maildir, outbox: the Maildir; no two "
	  "connectors share one\n"
	  "c:4:54: a secret, and no vault that it is in: set vault (`bulkhead "
	  "vault init`)\n" },
	{ HEAD AGENTS VAULT
	  "connectors:\n"
	  "  a: {kind: imap}\n"
	  "  b: {kind: smtp, hosts: [a, \"a:0\", \"a:65536\", \"a.:25\"],\n"
	  "    user: u, secret: \"a b\"}\n"
	  "  c: {kind: telegram, hosts: [\"a:1\", \"A:1\"], secret: s, user: "
	  "u,\n"
	  "    role: approval}\n"
	  "  d: {kind: http, hosts: [\"a:1\"], auth: xoauth2}\n"
	  "  e: {kind: http, hosts: [], auth: github-app, requests: r}\n",
	  "c:5:6: \"hosts\" is missing: accounts: all that it may be connected "
	  "to\n"
	  "c:5:6: \"user\" is missing: imap, smtp: what it logs in as; http "
	  "with github-app: the app and its installation, APP/INSTALLATION\n"
	  "c:5:6: \"secret\" is missing: accounts: the secret's name in the "
	  "vault\n"
	  "c:6:27: NAME:PORT belongs here, e.g. imap.example.org:993; or an "
	  "address as usual, 192.0.2.1:993 or [2001:db8::1]:993\n"
	  "c:6:30: NAME:PORT belongs here, e.g. imap.example.org:993; or an "
	  "address as usual, 192.0.2.1:993 or [2001:db8::1]:993\n"
	  "c:6:37: NAME:PORT belongs here, e.g. imap.example.org:993; or an "
	  "address as usual, 192.0.2.1:993 or [2001:db8::1]:993\n"
	  "c:6:48: NAME:PORT belongs here, e.g. imap.example.org:993; or an "
	  "address as usual, 192.0.2.1:993 or [2001:db8::1]:993\n"
	  "c:7:22: a secret's name has 1 to 63 of a-z A-Z 0-9 . _ - /\n"
	  "c:6:6: \"from\" is missing: \"user\" is no address\n"
	  "c:8:38: it is listed twice: remove one\n"
	  "c:9:11: unknown value \"approval\": did you mean \"approvals\"?\n"
	  "c:8:63: telegram has no \"user\": remove it\n"
	  "c:10:6: \"requests\" is missing: http: the file of the requests "
	  "that it may make\n"
	  "c:10:41: http has no \"xoauth2\": use password or github-app\n"
	  "c:11:26: a list of 1 to 8, e.g. [\"imap.example.org:993\"]\n"
	  "c:11:36: github-app needs \"user\", APP/INSTALLATION, and "
	  "\"secret\", the app's key\n" },
	{ HEAD AGENTS VAULT
	  "connectors:\n"
	  "  a: {kind: imap, hosts: [\"a:993\"], user: u, secret: s,\n"
	  "    auth: xoauth2, folder: \"\\u00e9\", first: last, poll: 9s}\n"
	  "  b: {kind: imap, hosts: [\"a:993\"], user: u, secret: s,\n"
	  "    auth: xoauth2, token: \"https://a/t\"}\n"
	  "  c: {kind: smtp, hosts: [\"a:465\"], user: u, secret: s,\n"
	  "    token: \"https://a:465/t\"}\n"
	  "  d: {kind: smtp, hosts: [\"a:465\"], user: u, secret: s,\n"
	  "    auth: github-app, from: \"<u@a>\"}\n"
	  "  e: {kind: imap, hosts: [\"a:993\"], user: u, secret: s,\n"
	  "    auth: xoauth2, token: \"http://a:993/t\", private: 1}\n",
	  "c:6:28: a mailbox as the server writes it (other than ASCII in "
	  "modified UTF-7), at most 255 bytes\n"
	  "c:6:45: unknown value \"last\": use next, all\n"
	  "c:6:57: a duration, 10s to 24h, e.g. 30s or 5m\n"
	  "c:5:6: \"token\" is missing: with xoauth2: where a token is had for "
	  "the secret; its host is one of `hosts`, too\n"
	  "c:8:27: its host is not in \"hosts\": add NAME:443 there\n"
	  "c:10:12: a token is for auth: xoauth2; set that, or remove it\n"
	  "c:9:6: \"from\" is missing: \"user\" is no address\n"
	  "c:12:29: one mail address, e.g. me@example.org\n"
	  "c:12:11: smtp has no \"github-app\": use password or xoauth2\n"
	  "c:14:54: unknown value \"1\": use false, true\n"
	  "c:14:27: https://NAME/PATH, e.g. "
	  "https://oauth2.googleapis.com/token\n" },
	{ HEAD AGENTS VAULT
	  "connectors:\n"
	  "  a: {kind: telegram, secret: s, hosts: [\"10.0.0.1:1\",\n"
	  "    \"127.0.0.1:1\", \"[::1]:1\", \"[::ffff:10.0.0.1]:1\",\n"
	  "    \"169.254.169.254:1\", \"0.0.0.0:1\", \"[fe80::1]:1\"]}\n"
	  "  b: {kind: telegram, secret: s, private: true, hosts: "
	  "[\"10.0.0.1:1\",\n"
	  "    \"127.0.0.1:1\", \"[::1]:1\", \"[::ffff:10.0.0.1]:1\",\n"
	  "    \"169.254.169.254:1\", \"0.0.0.0:1\", \"[fe80::1]:1\"]}\n"
	  "  c: {kind: telegram, secret: s, hosts: [\"127.1:1\",\n"
	  "    \"0x7f.0.0.1:1\", \"2130706433:1\", \"::1:1\", "
	  "\"[1.2.3.4]:1\",\n"
	  "    \"1.2.3.04:1\", \"a@b:1\", \"[::1%lo]:1\"]}\n",
	  "c:5:41: 10.0.0.1 is a private address: set private: true, or name "
	  "another\n"
	  "c:5:41: 127.0.0.1 is an address of this machine: set private: true, "
	  "or name another\n"
	  "c:5:41: ::1 is an address of this machine: set private: true, or "
	  "name another\n"
	  "c:5:41: ::ffff:10.0.0.1 is an IPv4 address in an IPv6 one, which "
	  "nothing is connected to: name another\n"
	  "c:5:41: 169.254.169.254 is a cloud's metadata service, which "
	  "nothing is connected to: name another\n"
	  "c:5:41: 0.0.0.0 is no address, which nothing is connected to: name "
	  "another\n"
	  "c:5:41: fe80::1 is a link-local address, which nothing is connected "
	  "to: name another\n"
	  "c:8:56: ::ffff:10.0.0.1 is an IPv4 address in an IPv6 one, which "
	  "nothing is connected to: name another\n"
	  "c:8:56: 169.254.169.254 is a cloud's metadata service, which "
	  "nothing is connected to: name another\n"
	  "c:8:56: 0.0.0.0 is no address, which nothing is connected to: name "
	  "another\n"
	  "c:8:56: fe80::1 is a link-local address, which nothing is connected "
	  "to: name another\n"
	  "c:11:42: NAME:PORT belongs here, e.g. imap.example.org:993; or an "
	  "address as usual, 192.0.2.1:993 or [2001:db8::1]:993\n"
	  "c:12:5: NAME:PORT belongs here, e.g. imap.example.org:993; or an "
	  "address as usual, 192.0.2.1:993 or [2001:db8::1]:993\n"
	  "c:12:21: NAME:PORT belongs here, e.g. imap.example.org:993; or an "
	  "address as usual, 192.0.2.1:993 or [2001:db8::1]:993\n"
	  "c:12:37: NAME:PORT belongs here, e.g. imap.example.org:993; or an "
	  "address as usual, 192.0.2.1:993 or [2001:db8::1]:993\n"
	  "c:12:46: NAME:PORT belongs here, e.g. imap.example.org:993; or an "
	  "address as usual, 192.0.2.1:993 or [2001:db8::1]:993\n"
	  "c:13:5: NAME:PORT belongs here, e.g. imap.example.org:993; or an "
	  "address as usual, 192.0.2.1:993 or [2001:db8::1]:993\n"
	  "c:13:19: NAME:PORT belongs here, e.g. imap.example.org:993; or an "
	  "address as usual, 192.0.2.1:993 or [2001:db8::1]:993\n"
	  "c:13:28: NAME:PORT belongs here, e.g. imap.example.org:993; or an "
	  "address as usual, 192.0.2.1:993 or [2001:db8::1]:993\n" },
	{ HEAD AGENTS "connectors: {m: {kind: maildir, path: /m}}\n"
		      "vault: {files: [], identity: /i, credential: \"a b\"}\n",
	  "c:4:16: a list of 1 to 8 files, e.g. [secrets.age]\n"
	  "c:4:46: a credential's name has 1 to 63 of a-z 0-9 . _ -\n"
	  "c:4:8: one of \"identity\", \"passphrase\" and \"credential\" opens "
	  "the files\n" },
	{ HEAD AGENTS "connectors: {m: {kind: maildir, path: /m}}\n"
		      "vault: {files: [a], passphrase: secret}\n",
	  "c:4:33: unknown value \"secret\": use ask\n" },
};

static void collectors(void **)
{
	static const struct {
		const char *otlp;
		bool v6;
		uint8_t first, last; /* bytes of the address */
		uint16_t port;	     /* 0: refused */
	} rows[] = {
		{ "http://127.0.0.1:4318", false, 127, 1, 4318 },
		{ "http://10.0.0.9:1", false, 10, 9, 1 },
		{ "http://10.0.0.9:65535", false, 10, 9, 65535 },
		{ "http://[::1]:4318", true, 0, 1, 4318 },
		{ "http://[fd00::9]:80", true, 0xfd, 9, 80 },
		{ "http://10.0.0.9:0", false, 0, 0, 0 },
		{ "http://10.0.0.9:65536", false, 0, 0, 0 },
		{ "http://10.0.0.9", false, 0, 0, 0 },
		{ "http://10.0.0.9:", false, 0, 0, 0 },
		{ "http://10.0.0.9:080", false, 0, 0, 0 },
		{ "http://10.0.0.9:80/", false, 0, 0, 0 },
		{ "http://010.0.0.9:80", false, 0, 0, 0 },
		{ "http://10.9:80", false, 0, 0, 0 },
		{ "http://localhost:80", false, 0, 0, 0 },
		{ "http://::1:80", false, 0, 0, 0 },
		{ "http://[::1%lo]:80", false, 0, 0, 0 },
		{ "http://[10.0.0.9]:80", false, 0, 0, 0 },
		{ "http://a@10.0.0.9:80", false, 0, 0, 0 },
		{ "https://10.0.0.9:80", false, 0, 0, 0 },
		{ "10.0.0.9:80", false, 0, 0, 0 },
	};
	CLEAN_FREE struct conf *c = calloc(1, sizeof(*c));
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct conf_address *a = &c->telemetry.otlp;
		CLEAN_BUF struct buf errs;
		char text[512];
		int r;

		(void)str_printf(text, sizeof(text),
				 HEAD AGENTS CONNECTORS
				 "telemetry: {otlp: \"%s\", logs: full}\n",
				 rows[i].otlp);
		buf_init(&errs, 1 << 16);
		r = conf_parse("c", span_str(text), "/b", "/h", c, &errs);
		assert_int_equal(r, rows[i].port ? 0 : -EINVAL);
		if (r < 0)
			continue;
		assert_int_equal(a->v6, rows[i].v6);
		assert_int_equal(a->ip[0], rows[i].first);
		assert_int_equal(a->ip[rows[i].v6 ? 15 : 3], rows[i].last);
		assert_int_equal(a->port, rows[i].port);
		assert_string_equal(a->text, rows[i].otlp + strlen("http://"));
		assert_int_equal(c->telemetry.logs, LOGS_FULL);
	}
}

static void refuses(void **)
{
	CLEAN_FREE struct conf *c = calloc(1, sizeof(*c));
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		CLEAN_BUF struct buf errs;

		buf_init(&errs, 1 << 16);
		assert_int_equal(conf_parse("c", span_str(bad[i].text), "/b",
					    "/h", c, &errs),
				 -EINVAL);
		assert_string_equal(buf_cstr(&errs), bad[i].errors);
		assert_string_equal(c->state, ""); /* untouched */
	}
}

static void local_planner(void **)
{
	static const char text[] = HEAD CONNECTORS
		"agents: {a: {policy: p, planner: {kind: local, "
		"model: m.gguf%s}, tasks: [{on: mail, say: "
		"x}]}}";
	static struct conf c;
	CLEAN_BUF struct buf errs;
	char all[400];

	buf_init(&errs, 4096);
	(void)str_printf(all, sizeof(all), text, "");
	assert_int_equal(
		conf_parse("c", span_str(all), "/etc/bh", "/root", &c, &errs),
		0);
	assert_int_equal(c.planner, PLANNER_LOCAL);
	assert_string_equal(c.gguf, "/etc/bh/m.gguf");
	assert_string_equal(c.model, "");
	assert_int_equal(c.planner_vm.memory_mib, 4096);
	assert_int_equal(c.planner_vm.cpus, 2);
	assert_int_equal(c.planner_vm.deadline_s, 1800);
	assert_int_equal(c.n_documents, 0);
	(void)str_printf(all, sizeof(all), text, ", documents: [me.md, /b]");
	assert_int_equal(
		conf_parse("c", span_str(all), "/etc/bh", "/root", &c, &errs),
		0);
	assert_int_equal(c.n_documents, 2);
	assert_string_equal(c.documents[0], "/etc/bh/me.md");
	assert_string_equal(c.documents[1], "/b");
	(void)str_printf(all, sizeof(all), text, ", memory: 8GiB, cpus: 16");
	assert_int_equal(
		conf_parse("c", span_str(all), "/etc/bh", "/root", &c, &errs),
		0);
	assert_int_equal(c.planner_vm.memory_mib, 8192);
	assert_int_equal(c.planner_vm.cpus, 16);
}

static void no_planner(void **)
{
	static const char text[] = HEAD CONNECTORS
		"agents: {a: {policy: p, planner: {kind: none}}}";
	CLEAN_FREE struct conf *c = calloc(1, sizeof(*c));
	CLEAN_BUF struct buf errs;

	buf_init(&errs, 1 << 16);
	assert_int_equal(conf_parse("c", span_str(text), "/b", "/h", c, &errs),
			 0);
	assert_int_equal(c->planner, PLANNER_NONE);
	assert_int_equal(c->n_tasks, 0);
}

static void names(void **)
{
	assert_string_equal(conf_planner_name(PLANNER_TRIAGE), "triage");
	assert_string_equal(conf_planner_name(PLANNER_GULLIBLE), "gullible");
	assert_string_equal(conf_planner_name(PLANNER_NONE), "none");
	assert_null(conf_planner_name(PLANNER_MAX));
}

/* n characters of text in the value that fmt frames. */
static int parse_long(const char *before, size_t n, const char *after)
{
	CLEAN_FREE struct conf *c = calloc(1, sizeof(*c));
	CLEAN_BUF struct buf text;
	CLEAN_BUF struct buf errs;

	buf_init(&errs, 1 << 16);
	buf_init(&text, 1 << 16);
	buf_str(&text, before);
	while (n--)
		buf_u8(&text, 'a');
	buf_str(&text, after);
	return conf_parse("c", buf_view(&text), "/b", "/h", c, &errs);
}

static void limits(void **)
{
	static const struct {
		const char *before, *after;
		size_t most;
	} rows[] = {
		{ HEAD AGENTS CONNECTORS "control: {socket: /", "}\n", 106 },
		/* "/" and "/control.sock" */
		{ HEAD AGENTS CONNECTORS "state: /", "\n", 107 - 1 - 13 },
		{ HEAD AGENTS CONNECTORS "control: {socket: /s}\n"
					 "telemetry: {metrics: none}\nstate: /",
		  "\n", CONF_PATH_MAX - 2 },
		{ HEAD AGENTS CONNECTORS "control: {socket: /s}\nstate: /",
		  "\n", 107 - 1 - 13 },
		{ HEAD AGENTS CONNECTORS "telemetry: {metrics: /", "}\n", 106 },
		{ HEAD AGENTS "connectors: {", ": {kind: outbox, path: /m}}\n",
		  CONF_NAME_MAX - 1 },
		{ HEAD CONNECTORS
		  "agents: {a: {policy: p, planner: {kind: triage}, tasks: "
		  "[{on: mail, say: ",
		  "}]}}\n", 1023 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t most = rows[i].most;

		assert_int_equal(
			parse_long(rows[i].before, most - 1, rows[i].after), 0);
		assert_int_equal(
			parse_long(rows[i].before, most, rows[i].after), 0);
		assert_int_equal(
			parse_long(rows[i].before, most + 1, rows[i].after),
			-EINVAL);
	}
}

/* Loads fmt with n connectors, or n users. */
static int parse_counted(size_t connectors, size_t users)
{
	CLEAN_FREE struct conf *c = calloc(1, sizeof(*c));
	CLEAN_BUF struct buf text;
	CLEAN_BUF struct buf errs;
	size_t i;

	buf_init(&errs, 1 << 16);
	buf_init(&text, 1 << 16);
	buf_str(&text, HEAD AGENTS "control: {users: [");
	for (i = 0; i < users; i++)
		buf_printf(&text, "%zu,", i);
	buf_str(&text, "]}\nconnectors:\n");
	for (i = 0; i < connectors; i++)
		buf_printf(&text, "  c%zu: {kind: maildir, path: /m%zu}\n", i,
			   i);
	return conf_parse("c", buf_view(&text), "/b", "/h", c, &errs);
}

static void counts(void **)
{
	assert_int_equal(parse_counted(CONF_CONNECTORS - 1, CONF_USERS - 1), 0);
	assert_int_equal(parse_counted(CONF_CONNECTORS, CONF_USERS), 0);
	assert_int_equal(parse_counted(CONF_CONNECTORS + 1, 1), -EINVAL);
	assert_int_equal(parse_counted(1, CONF_USERS + 1), -EINVAL);
}

/* Eight names of n bytes each, which fit into messages or not. */
static int parse_hosts(size_t n)
{
	CLEAN_FREE struct conf *c = calloc(1, sizeof(*c));
	CLEAN_BUF struct buf text;
	CLEAN_BUF struct buf errs;
	size_t i, k;

	buf_init(&errs, 1 << 16);
	buf_init(&text, 1 << 16);
	buf_str(&text, HEAD AGENTS VAULT
		"connectors: {t: {kind: telegram, secret: s, hosts: [");
	for (i = 0; i < CONF_HOSTS; i++) {
		buf_printf(&text, "\"%c", (char)('a' + i));
		for (k = 1; k < n; k++)
			buf_u8(&text, k % 2 && k + 1 < n ? '.' : 'a');
		buf_str(&text, ":65535\", ");
	}
	buf_str(&text, "]}}\n");
	return conf_parse("c", buf_view(&text), "/b", "/h", c, &errs);
}

static void table_fits_messages(void **)
{
	assert_int_equal(parse_hosts(LIMIT_HOSTS / CONF_HOSTS - 10), 0);
	assert_int_equal(parse_hosts(LIMIT_HOSTS / CONF_HOSTS - 9), 0);
	assert_int_equal(parse_hosts(LIMIT_HOSTS / CONF_HOSTS - 8), -EINVAL);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void from_a_file(void **)
{
	char dir[] = "/tmp/conf_test.XXXXXX", path[64], want[256];
	CLEAN_FREE struct conf *c = calloc(1, sizeof(*c));
	CLEAN_BUF struct buf errs;

	buf_init(&errs, 1 << 16);
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/b.yaml", dir);
	write_file(path, conf_default_text());
	assert_int_equal(conf_load(path, "/h", c, &errs), 0);
	assert_string_equal(c->file, path);
	(void)snprintf(want, sizeof(want), "%s/assistant.yaml", dir);
	assert_string_equal(c->policy, want);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(conf_load(path, "/h", c, &errs), -ENOENT);
	(void)snprintf(
		want, sizeof(want),
		"%s: cannot open: No such file or directory: check the path "
		"and its owner; `bulkhead init` writes one\n",
		path);
	assert_string_equal(buf_cstr(&errs), want);
	assert_int_equal(rmdir(dir), 0);
}

/* What is in the file of prices of an upstream. 0, or what was said of it. */
static int with_prices(const char *prices, struct conf *c, struct buf *errs)
{
	static const char conf[] =
		"bulkhead: 1\nconnectors: {m: {kind: maildir, path: M}}\n"
		"agents:\n  assistant:\n    policy: p.yaml\n"
		"    tasks: [{on: mail, say: x}]\n"
		"    planner: {kind: llm, upstream: up, model: small}\n"
		"upstreams:\n"
		"  up: {kind: openai, hosts: ['a.example:443'], models: "
		"[any],\n"
		"    tokens: 77, prices: prices.yaml}\n";
	char dir[] = "/tmp/conf_test.XXXXXX", path[64], file[64];
	int r;

	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/b.yaml", dir);
	(void)snprintf(file, sizeof(file), "%s/prices.yaml", dir);
	write_file(path, conf);
	write_file(file, prices);
	r = conf_load(path, "/h", c, errs);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(rmdir(dir), 0);
	return r;
}

static void prices(void **)
{
	static const struct {
		const char *file, *error;
	} rows[] = {
		{ "small: {input: 3}\n", ":1:8: \"output\" is missing: tokens "
					 "of an answer (dollars)\n" },
		{ "small: {input: 10001, output: 1}\n",
		  ":1:16: dollars for a million tokens, 0 to 10000, e.g. 3 or "
		  "0.25\n" },
		{ "small: {input: 1.0000001, output: .5}\n",
		  ":1:16: dollars for a million tokens, 0 to 10000, e.g. 3 or "
		  "0.25\n" },
		{ "small: {input: 10000.1, output: 1, cash: 3}\n",
		  ":1:36: unknown key \"cash\"" },
		{ "- 3\n", ":1:1: a map of models and their prices belongs "
			   "here" },
	};
	CLEAN_FREE struct conf *c = calloc(1, sizeof(*c));
	const struct conf_connector *up = &c->connectors[1];
	CLEAN_BUF struct buf errs;
	size_t i;

	buf_init(&errs, 1 << 16);
	if (with_prices("other: {input: 9, output: 9}\n"
			"small: {input: 3, output: 15.25, cache_read: 0.3}\n",
			c, &errs) < 0)
		fail_msg("%s", buf_cstr(&errs));
	assert_int_equal(up->tokens, 77);
	assert_true(up->price.known);
	assert_int_equal(up->price.input, 3000000);
	assert_int_equal(up->price.output, 15250000);
	assert_int_equal(up->price.cache_read, 300000);
	assert_int_equal(up->price.cache_write, 3750000);
	assert_int_equal(
		with_prices("other: {input: 9, output: 9}\n", c, &errs), 0);
	assert_false(up->price.known);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		buf_reset(&errs);
		assert_int_equal(with_prices(rows[i].file, c, &errs), -EINVAL);
		if (!strstr(buf_cstr(&errs), rows[i].error))
			fail_msg("%s", buf_cstr(&errs));
	}
}

static void schema(void **)
{
	const struct load_schema *map;
	size_t maps, keys = 0, i, k;

	map = conf_schema(&maps);
	for (i = 0; i < maps; i++) {
		for (k = 0; k < map[i].n; k++, keys++) {
			const struct load_rule *r = &map[i].rules[k];
			const struct yaml_field *f = &r->field;

			assert_true(*f->name && *f->help);
			assert_false(f->required && f->later);
			assert_true(!r->set == f->later);
			/* What a key may be, the manual must be able to say. */
			assert_true(f->later || r->words || f->value);
		}
	}
	assert_true(keys > 30);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(reads_every_key),
		cmocka_unit_test(refuses),
		cmocka_unit_test(limits),
		cmocka_unit_test(counts),
		cmocka_unit_test(table_fits_messages),
		cmocka_unit_test(from_a_file),
		cmocka_unit_test(prices),
		cmocka_unit_test(schema),
		cmocka_unit_test(no_planner),
		cmocka_unit_test(local_planner),
		cmocka_unit_test(names),
		cmocka_unit_test(collectors),
	};

	return cmocka_run_group_tests_name("conf/conf", tests, NULL, NULL);
}
