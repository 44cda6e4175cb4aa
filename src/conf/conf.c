/*
 * conf: see conf.h.
 *
 * One table for each kind of map in the file: its keys, their help lines, and
 * the setter of each (load.h). The result is handed out only if there were no
 * errors at all.
 */
#include "conf/conf.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "conf/loader.h"
#include "conf/value.h"
#include "proto/limits.h"
#include "vm/vm.h"

enum {
	MEMORY_MIB_MIN = 64,
	MEMORY_MIB_MAX = 65536,
	CPUS_MAX = 1, /* the guests' kernel is for one */
	/* but that of the planner local, see images/kernel/sealed-blk.config */
	LOCAL_CPUS_MAX = 16,
	LOCAL_CPUS = 2,
	LOCAL_MEMORY_MIB = 4096,
	DEADLINE_S_MAX = 86400,
	SUPERVISION_S_MAX = 3600,
	QUEUE_ITEMS_MAX = 1000000,
	SPANS_MIN = 64,
	SPANS_MAX = 65536,
};

#define AUDIT_RESERVE_MIN (1ULL << 20)
#define AUDIT_RESERVE_MAX (64ULL << 30)
#define QUEUE_BYTES_MAX	  (1024ULL << 30)

static const uint8_t default_text[] = {
#include "default_conf.h"
};

const char *conf_default_text(void)
{
	return (const char *)default_text;
}

static const char *const planner_names[] = {
	[PLANNER_TRIAGE] = "triage", [PLANNER_GULLIBLE] = "gullible",
	[PLANNER_NONE] = "none",     [PLANNER_LLM] = "llm",
	[PLANNER_LOCAL] = "local",
};

static_assert(ARRAY_SIZE(planner_names) == PLANNER_MAX, "a name each");

const char *conf_planner_name(enum conf_planner p)
{
	return (unsigned)p < PLANNER_MAX ? planner_names[p] : NULL;
}

void conf_fault(struct loader *l, const struct yaml_node *n, const char *fmt,
		...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	load_fault(&l->load, yaml_place(n), "%s", text);
}

void conf_walk(struct loader *l, const struct yaml_node *map,
	       const struct load_rule *rules, size_t n)
{
	load_map(&l->load, map, rules, n, l);
}

const char *conf_scalar(struct loader *l, const struct yaml_node *n)
{
	return load_scalar(&l->load, n);
}

static void set_version(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const char *text = conf_scalar(l, n);

	if (text && strcmp(text, "1") != 0)
		conf_fault(l, n,
			   "this program reads version 1 of the format: write "
			   "bulkhead: 1");
}

static bool has_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	return false;
}

void conf_path(struct loader *l, const struct yaml_node *n, char *dst)
{
	const char *text = conf_scalar(l, n);
	int len;

	dst[0] = 0;
	if (!text)
		return;
	if (has_control(text)) {
		conf_fault(l, n,
			   "a path with control characters: name another");
		return;
	}
	if (text[0] == '~' && text[1] != 0 && text[1] != '/') {
		conf_fault(l, n, "only ~/ is understood: write the path out");
		return;
	}
	if (text[0] == '~')
		len = str_printf(dst, CONF_PATH_MAX, "%s%s", l->home, text + 1);
	else if (text[0] == '/')
		len = str_printf(dst, CONF_PATH_MAX, "%s", text);
	else
		len = str_printf(dst, CONF_PATH_MAX, "%s/%s", l->base, text);
	if (len < 0) {
		conf_fault(
			l, n,
			"the path is longer than %d bytes: name a shorter one",
			CONF_PATH_MAX - 1);
		dst[0] = 0;
	}
}

bool conf_bool(struct loader *l, const struct yaml_node *n)
{
	static const struct load_word words[] = {
		{ "false", 0, false },
		{ "true", 1, false },
	};

	return load_choose(&l->load, n, words, ARRAY_SIZE(words)) > 0;
}

bool conf_name_ok(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n < CONF_NAME_MAX && s[0] != '.' && s[0] != '-' &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789._-") == n;
}

bool conf_secret_ok(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n < CONF_NAME_MAX && s[0] != '.' && s[0] != '-' &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			 "0123456789._-/") == n;
}

static void set_state(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	conf_path(l, n, l->c.state);
}

static const struct load_word backend_words[] = {
	{ "auto", VM_AUTO, false },
	{ "qemu-kvm", VM_QEMU_KVM, false },
	{ "qemu-tcg", VM_QEMU_TCG, false },
	{ "native", 0, true },
};

static void set_backend(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	int v = load_choose(&l->load, n, backend_words,
			    ARRAY_SIZE(backend_words));

	if (v >= 0)
		l->c.backend = v;
}

/* control */

static void set_users(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	size_t i, k;

	if (yaml_kind(n) != YAML_LIST || !yaml_count(n) ||
	    yaml_count(n) > CONF_USERS) {
		conf_fault(l, n, "a list of 1 to %d uids, e.g. [1000]",
			   CONF_USERS);
		return;
	}
	l->c.n_users = 0;
	for (i = 0; i < yaml_count(n); i++) {
		const struct yaml_node *e = yaml_at(n, i);
		const char *text = conf_scalar(l, e);
		uint64_t v;

		if (!text)
			continue;
		/* (uid_t)-1 means "no change" to the kernel: nobody's */
		if (num_parse(span_str(text), 0, UINT32_MAX - 1, &v) < 0) {
			conf_fault(l, e,
				   "a numeric uid belongs here (see `id -u`)");
			continue;
		}
		for (k = 0; k < l->c.n_users; k++)
			if (l->c.users[k] == v)
				conf_fault(l, e,
					   "uid %u is listed twice: remove one",
					   l->c.users[k]);
		l->c.users[l->c.n_users++] = (uint32_t)v;
	}
}

static void set_socket(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	if (yaml_kind(n) == YAML_SCALAR && !strcmp(yaml_text(n), "default"))
		return;
	conf_path(l, n, l->c.socket);
	if (strlen(l->c.socket) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		conf_fault(
			l, n,
			"a socket's path has at most 107 bytes: name a shorter "
			"one");
}

static const struct load_rule control_rules[] = {
	{ { "users", false, false,
	    "uids that may give orders, of those that can open the "
	    "sockets: their mode is 0600, so the uid that starts bulkhead, and "
	    "0, root, where it is named",
	    "1 to 16 numeric uids", "the uid that starts bulkhead" },
	  set_users },
	{ { "socket", false, false, "the owner's socket",
	    "a path of at most 107 bytes, or default", "STATE/control.sock" },
	  set_socket },
};

static void set_control(void *ctx, const struct yaml_node *n)
{
	conf_walk(ctx, n, control_rules, ARRAY_SIZE(control_rules));
}

/* of VMs, and of the planner that has a model in its own */

static void set_memory(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const char *text = conf_scalar(l, n);
	uint64_t v;

	if (!text)
		return;
	if (value_size(text, &v) < 0 || v & ((1 << 20) - 1) ||
	    v >> 20 < MEMORY_MIB_MIN || v >> 20 > MEMORY_MIB_MAX)
		conf_fault(l, n, "a size in whole MiB, 64MiB to 64GiB");
	else
		l->vm->memory_mib = (uint32_t)(v >> 20);
}

/* agents */

static void set_policy(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	conf_path(l, n, l->c.policy);
}

static const struct load_word planner_words[] = {
	{ "triage", PLANNER_TRIAGE, false },
	{ "gullible", PLANNER_GULLIBLE, false },
	{ "none", PLANNER_NONE, false },
	{ "llm", PLANNER_LLM, false },
	{ "local", PLANNER_LOCAL, false },
	{ "image", 0, true },
};

static void set_planner_kind(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	int v = load_choose(&l->load, n, planner_words,
			    ARRAY_SIZE(planner_words));

	if (v > 0)
		l->c.planner = (enum conf_planner)v;
}

static void set_upstream(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const char *text = conf_scalar(l, n);

	if (text &&
	    str_copy(l->c.upstream, sizeof(l->c.upstream), span_str(text)) < 0)
		conf_fault(l, n, "the name of one of \"upstreams\"");
}

static void set_model(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const char *text;

	if (l->c.planner == PLANNER_LOCAL) {
		conf_path(l, n, l->c.gguf);
		return;
	}
	text = conf_scalar(l, n);
	if (text &&
	    str_copy(l->c.model, sizeof(l->c.model), span_str(text)) < 0)
		conf_fault(l, n, "the name of one of its upstream's models");
}

static void set_documents(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	size_t i;

	if (yaml_kind(n) != YAML_LIST || !yaml_count(n) ||
	    yaml_count(n) > CONF_DOCUMENTS) {
		conf_fault(l, n, "a list of 1 to %d paths", CONF_DOCUMENTS);
		return;
	}
	for (i = 0; i < yaml_count(n); i++)
		conf_path(l, yaml_at(n, i), l->c.documents[i]);
	l->c.n_documents = (uint32_t)yaml_count(n);
}

static const struct load_word binding_words[] = {
	{ "enforce", 0, false },
	{ "observe", 1, false },
};

static void set_binding(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->c.binding_observed =
		load_choose(&l->load, n, LOAD_TABLE(binding_words)) > 0;
}

static void set_local_memory(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->vm = &l->local;
	set_memory(ctx, n);
}

static void set_local_cpus(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const char *text = conf_scalar(l, n);
	uint64_t v;

	if (!text)
		return;
	if (num_parse(span_str(text), 1, LOCAL_CPUS_MAX, &v) < 0)
		conf_fault(l, n, "a number of processors, 1 to %d",
			   LOCAL_CPUS_MAX);
	else
		l->local.cpus = (uint32_t)v;
}

static const struct load_rule planner_rules[] = {
	{ { "kind", true, false,
	    "what reasons: triage and gullible need no model; llm asks one of "
	    "upstreams; local has one in its VM; with none, "
	    "messages are read and recorded, and no task is started" },
	  set_planner_kind,
	  LOAD_TABLE(planner_words) },
	{ { "upstream", false, false, "llm: the model's row in upstreams",
	    "a name", NULL },
	  set_upstream },
	{ { "model", false, false,
	    "llm: the model's name there; local: the model's file, GGUF",
	    "a name, or a path", NULL },
	  set_model },
	{ { "binding", false, false,
	    "llm: what becomes of a call that its model did not ask for: the "
	    "task is frozen, or it is put on record",
	    NULL, "enforce" },
	  set_binding,
	  LOAD_TABLE(binding_words) },
	{ { "documents", false, false,
	    "llm, local: texts of yours that the planner begins with, 16 KiB "
	    "in "
	    "all; they go to the model",
	    "1 to 8 paths", NULL },
	  set_documents },
	{ { "image", false, true, "an OCI image" }, NULL },
	{ { "command", false, true, "what runs in the image" }, NULL },
	{ { "memory", false, false,
	    "local: memory of its VM; the others' is that of vms.planner",
	    "64MiB to 64GiB", "4GiB" },
	  set_local_memory },
	{ { "cpus", false, false, "local: processors of its VM", "1 to 16",
	    "2" },
	  set_local_cpus },
};

static void set_planner(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->planner = n;
	conf_walk(ctx, n, planner_rules, ARRAY_SIZE(planner_rules));
}

static void set_on(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const char *text = conf_scalar(l, n);

	if (text &&
	    (!conf_name_ok(text) ||
	     str_copy(l->task->on, sizeof(l->task->on), span_str(text)) < 0))
		conf_fault(l, n,
			   "the name of a source in the policy, e.g. mail");
}

static void set_say(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const char *text = conf_scalar(l, n);

	if (!text)
		return;
	/* With these the broker is told where one task ends. */
	if (strpbrk(text, "\x1e\x1f"))
		conf_fault(l, n,
			   "the instruction has control characters: "
			   "remove them");
	else if (str_copy(l->task->say, sizeof(l->task->say), span_str(text)) <
		 0)
		conf_fault(
			l, n,
			"the instruction is longer than %zu bytes: shorten it",
			sizeof(l->task->say) - 1);
}

static int two_digits(const char *s, uint32_t most, uint32_t *ret)
{
	if (s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9')
		return -1;
	*ret = (uint32_t)(s[0] - '0') * 10 + (uint32_t)(s[1] - '0');
	return *ret <= most ? 0 : -1;
}

/* "07:30", as minutes of the day; false after a fault. */
static bool time_of_day(struct loader *l, const struct yaml_node *n,
			uint32_t *ret)
{
	const char *text = conf_scalar(l, n);
	uint32_t h, m;

	if (!text)
		return false;
	if (strlen(text) != 5 || text[2] != ':' ||
	    two_digits(text, 23, &h) < 0 || two_digits(text + 3, 59, &m) < 0) {
		conf_fault(l, n, "a time of day, \"00:00\" to \"23:59\"");
		return false;
	}
	*ret = h * 60 + m;
	return true;
}

static void set_every(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->task->timed = true;
	(void)time_of_day(l, n, &l->task->minute);
}

static const struct load_rule task_rules[] = {
	{ { "on", false, false,
	    "the source of the policy whose items start the task; or `every`",
	    "a name", NULL },
	  set_on },
	{ { "every", false, false,
	    "when it is started each day, in the policy's time zone; or "
	    "`on`",
	    "a time of day, 00:00 to 23:59", NULL },
	  set_every },
	{ { "say", true, false, "the instruction, in your words",
	    "at most 1023 bytes", NULL },
	  set_say },
};

/* What starts the task: one thing, and no other task's. */
static void check_start(struct loader *l, const struct yaml_node *row,
			size_t before)
{
	size_t i;

	if (yaml_kind(row) != YAML_MAP)
		return;
	if (!yaml_get(row, "on") == !yaml_get(row, "every"))
		conf_fault(l, row,
			   "a task has one of \"on\", a source, and \"every\", "
			   "a time of day");
	for (i = 0; i < before; i++)
		if (l->task->on[0] && !strcmp(l->c.tasks[i].on, l->task->on))
			conf_fault(l, row,
				   "a second task waits for \"%s\": write "
				   "one for each source",
				   l->task->on);
}

static void set_tasks(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	size_t i;

	if (yaml_kind(n) != YAML_LIST || !yaml_count(n) ||
	    yaml_count(n) > CONF_TASKS) {
		conf_fault(l, n,
			   "a list of 1 to %d tasks, - {on: mail, say: "
			   "\"...\"}",
			   CONF_TASKS);
		return;
	}
	for (i = 0; i < yaml_count(n); i++) {
		l->task = &l->c.tasks[i];
		conf_walk(l, yaml_at(n, i), task_rules, ARRAY_SIZE(task_rules));
		check_start(l, yaml_at(n, i), i);
	}
	l->c.n_tasks = (uint32_t)yaml_count(n);
}

static void set_digest(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->c.digest = time_of_day(l, n, &l->c.digest_minute);
}

static const struct load_rule agent_rules[] = {
	{ { "policy", true, false, "the policy file", "a path", NULL },
	  set_policy },
	{ { "planner", true, false, "what reasons, e.g. {kind: triage}",
	    "a map", NULL },
	  set_planner },
	/* Required with a planner, refused without one: see check_tasks. */
	{ { "tasks", false, false,
	    "what it does when an item comes in, or at a time of day; "
	    "required, but not with the planner none",
	    "a list of 1 to 8 maps, one for each source", NULL },
	  set_tasks },
	{ { "digest", false, false,
	    "when the owner is told each day, in the chat of approvals, what "
	    "was done, with size and root of the audit log",
	    "a time of day, 00:00 to 23:59", "never" },
	  set_digest },
};

/* A task needs a planner, and a planner a task. */
static void check_tasks(struct loader *l, const struct yaml_node *agent)
{
	const struct yaml_node *tasks =
		yaml_kind(agent) == YAML_MAP ? yaml_get(agent, "tasks") : NULL;

	if (yaml_kind(agent) != YAML_MAP)
		return;
	if (tasks && l->c.planner == PLANNER_NONE)
		conf_fault(l, tasks,
			   "without a planner no task is started: remove "
			   "\"tasks\"");
	if (!tasks && l->c.planner != PLANNER_NONE)
		conf_fault(
			l, agent,
			"\"tasks\" is missing: what it does when an item comes "
			"in");
}

static void set_agents(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	size_t i;

	if (yaml_kind(n) != YAML_MAP || !yaml_count(n)) {
		conf_fault(l, n, "a map with one agent, NAME: {policy: ...}");
		return;
	}
	for (i = 1; i < yaml_count(n); i++)
		conf_fault(l, yaml_at(n, i),
			   "several agents are known, but not enforced by this "
			   "version: remove \"%.64s\"",
			   yaml_key(n, i));
	if (!conf_name_ok(yaml_key(n, 0)) ||
	    str_copy(l->c.agent, sizeof(l->c.agent), span_str(yaml_key(n, 0))) <
		    0)
		conf_fault(l, n, "an agent's name has 1 to %d of a-z 0-9 . _ -",
			   CONF_NAME_MAX - 1);
	conf_walk(l, yaml_at(n, 0), agent_rules, ARRAY_SIZE(agent_rules));
	check_tasks(l, yaml_at(n, 0));
}

/* vms */

static void set_cpus(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const char *text = conf_scalar(l, n);
	uint64_t v;

	if (!text)
		return;
	if (num_parse(span_str(text), 1, CPUS_MAX, &v) < 0)
		conf_fault(l, n, "cpus is 1: the guests' kernel is for one");
	else
		l->vm->cpus = (uint32_t)v;
}

static void set_deadline(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const char *text = conf_scalar(l, n);
	uint64_t v;

	if (!text)
		return;
	if (value_duration(text, &v) < 0 || v < 1 || v > DEADLINE_S_MAX)
		conf_fault(l, n, "a duration, 1s to 24h, e.g. 10s or 30m");
	else
		l->vm->deadline_s = (uint32_t)v;
}

static void set_pool(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const char *text = conf_scalar(l, n);
	uint64_t v;

	if (!text)
		return;
	if (num_parse(span_str(text), 0, CONF_POOL_MAX, &v) < 0)
		conf_fault(l, n, "a number of VMs kept ready, 0 to %d",
			   CONF_POOL_MAX);
	else
		l->vm->pool = (uint32_t)v;
}

static const struct load_word parked_words[] = {
	{ "waiting", VM_PARK_WAITING, false },
	{ "resumed", VM_PARK_RESUMED, false },
};

static void set_parked(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	int v = load_choose(&l->load, n, parked_words,
			    ARRAY_SIZE(parked_words));

	if (v >= 0)
		l->vm->parked = v;
}

static const struct load_rule vm_rules[] = {
	{ { "memory", false, false, "memory of each VM", "64MiB to 64GiB",
	    "reader 128MiB, planner 256MiB" },
	  set_memory },
	{ { "cpus", false, false,
	    "processors of each VM; the guests' kernel is for one", "1", "1" },
	  set_cpus },
	{ { "deadline", false, false, "how long it may work, then it is ended",
	    "1s to 24h", "reader 10s, planner 30m" },
	  set_deadline },
	{ { "pool", false, false,
	    "VMs of the kind kept ready for what comes next, each a copy of "
	    "the kind's template. 0: copies are made on demand, in jails that "
	    "stand ready, without a QEMU, for the next two",
	    "0 to 16", "reader 1, planner 0" },
	  set_pool },
	{ { "parked", false, false,
	    "how they are kept. waiting: started, and stopped before its state "
	    "is loaded; no processor time, about 20 MiB each. resumed: "
	    "running, and warmed with mails of ours; the fastest answer, for "
	    "about 1 % of a core and 45 MiB each",
	    NULL, "waiting" },
	  set_parked,
	  LOAD_TABLE(parked_words) },
};

static void set_vm_reader(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->vm = &l->c.reader;
	conf_walk(l, n, vm_rules, ARRAY_SIZE(vm_rules));
}

static void set_vm_planner(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->vm = &l->c.planner_vm;
	conf_walk(l, n, vm_rules, ARRAY_SIZE(vm_rules));
}

static const struct load_rule vms_rules[] = {
	{ { "reader", false, false, "the VM each message gets", "a map", NULL },
	  set_vm_reader },
	{ { "planner", false, false, "the VM each task gets", "a map", NULL },
	  set_vm_planner },
};

static void set_vms(void *ctx, const struct yaml_node *n)
{
	conf_walk(ctx, n, vms_rules, ARRAY_SIZE(vms_rules));
}

/* queue */

static void set_count(void *ctx, const struct yaml_node *n, uint32_t *ret)
{
	struct loader *l = ctx;
	const char *text = conf_scalar(l, n);
	uint64_t v;

	if (!text)
		return;
	if (num_parse(span_str(text), 1, QUEUE_ITEMS_MAX, &v) < 0)
		conf_fault(l, n, "a number, 1 to %d", QUEUE_ITEMS_MAX);
	else
		*ret = (uint32_t)v;
}

static void set_queue_items(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	set_count(ctx, n, &l->c.queue.items);
}

static void set_per_source(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	set_count(ctx, n, &l->c.queue.per_source);
}

static void set_history(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	set_count(ctx, n, &l->c.queue.history);
}

static void set_queue_bytes(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const char *text = conf_scalar(l, n);
	uint64_t v;

	if (!text)
		return;
	if (value_size(text, &v) < 0 || v < LIMIT_ITEM || v > QUEUE_BYTES_MAX)
		conf_fault(l, n, "a size, 16MiB to 1024GiB");
	else
		l->c.queue.bytes = v;
}

static void set_reserve(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const char *text = conf_scalar(l, n);
	uint64_t v;

	if (!text)
		return;
	if (value_size(text, &v) < 0 || v > QUEUE_BYTES_MAX)
		conf_fault(l, n, "a size, 0 to 1024GiB");
	else
		l->c.queue.reserve = v;
}

static const struct load_rule queue_rules[] = {
	{ { "items", false, false,
	    "mails that may be in the queue, waiting or at work. What finds no "
	    "room waits where it is, and `status` says why",
	    "1 to 1000000", "10000" },
	  set_queue_items },
	{ { "per_source", false, false,
	    "of them, those of one connector; of the bytes it has the same "
	    "share",
	    "1 to `items`", "5000" },
	  set_per_source },
	{ { "bytes", false, false, "of all mails in the queue",
	    "16MiB to 1024GiB", "1GiB" },
	  set_queue_bytes },
	{ { "reserve", false, false,
	    "of the disk; a mail that would take from it waits", "0 to 1024GiB",
	    "64MiB" },
	  set_reserve },
	{ { "history", false, false,
	    "verdicts kept, with their effects; unknown effects are kept until "
	    "they are settled. As many as `items` at least: a connector that "
	    "comes back asks by them what it need not give again",
	    "`items` to 1000000", "100000" },
	  set_history },
};

static void set_queue(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	conf_walk(ctx, n, queue_rules, ARRAY_SIZE(queue_rules));
	if (l->c.queue.per_source > l->c.queue.items)
		conf_fault(l, n, "per_source is %u, more than items, %u",
			   l->c.queue.per_source, l->c.queue.items);
	if (l->c.queue.history < l->c.queue.items)
		conf_fault(l, n, "history is %u, less than items, %u",
			   l->c.queue.history, l->c.queue.items);
}

/* supervision */

static void set_seconds(void *ctx, const struct yaml_node *n, uint32_t least,
			uint32_t *ret)
{
	struct loader *l = ctx;
	const char *text = conf_scalar(l, n);
	uint64_t v;

	if (!text)
		return;
	if (value_duration(text, &v) < 0 || v < least || v > SUPERVISION_S_MAX)
		conf_fault(l, n, "a duration, %us to 1h, e.g. 15s or 2m",
			   least);
	else
		*ret = (uint32_t)v;
}

static void set_watchdog(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	set_seconds(ctx, n, 2, &l->c.supervision.watchdog_s);
}

static void set_backoff(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	set_seconds(ctx, n, 1, &l->c.supervision.backoff_s);
}

static void set_healthy(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	set_seconds(ctx, n, 1, &l->c.supervision.healthy_s);
}

static void set_restarts(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const char *text = conf_scalar(l, n);
	uint64_t v;

	if (!text)
		return;
	if (num_parse(span_str(text), 0, CONF_RESTARTS_MAX, &v) < 0)
		conf_fault(l, n, "a number of restarts, 0 to %d",
			   CONF_RESTARTS_MAX);
	else
		l->c.supervision.restarts = (uint32_t)v;
}

static const struct load_rule supervision_rules[] = {
	{ { "watchdog", false, false,
	    "how long a process may give no sign of life until it is killed "
	    "and started again; those that wait for a disk (auditd, store, "
	    "connectors) four times as long",
	    "2s to 1h", "15s" },
	  set_watchdog },
	{ { "backoff", false, false,
	    "the longest wait before one that failed is started again; it "
	    "begins with a second and doubles",
	    "1s to 1h", "60s" },
	  set_backoff },
	{ { "healthy", false, false,
	    "how long it has to be up until earlier failures are forgotten",
	    "1s to 1h", "60s" },
	  set_healthy },
	{ { "restarts", false, false,
	    "how often auditd, store and broker are started again within ten "
	    "minutes; then bulkhead ends, with an error",
	    "0 to 100", "8" },
	  set_restarts },
};

static void set_supervision(void *ctx, const struct yaml_node *n)
{
	conf_walk(ctx, n, supervision_rules, ARRAY_SIZE(supervision_rules));
}

/* kill */

enum { KILL_DESTROY, KILL_FREEZE };

static const struct load_word machines_words[] = {
	{ "destroy", KILL_DESTROY, false },
	{ "freeze", KILL_FREEZE, false },
};

static void set_kill_file(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	conf_path(l, n, l->c.kill.file);
}

static void set_machines(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	int v = load_choose(&l->load, n, LOAD_TABLE(machines_words));

	if (v >= 0)
		l->c.kill.freeze = v == KILL_FREEZE;
}

static void set_keep(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const char *text = conf_scalar(l, n);
	uint64_t v;

	if (!text)
		return;
	if (num_parse(span_str(text), 1, CONF_FROZEN_MAX, &v) < 0)
		conf_fault(l, n, "a number of machines, 1 to %d",
			   CONF_FROZEN_MAX);
	else
		l->c.kill.keep = (uint32_t)v;
}

static const struct load_rule kill_rules[] = {
	{ { "file", false, false,
	    "a kill as soon as there is a file of this name, whoever makes it; "
	    "its folder has to be there",
	    "a path", "none" },
	  set_kill_file },
	{ { "machines", false, false,
	    "what becomes of a VM at work: it is ended, or stopped as it is "
	    "and kept until bulkhead ends, for whoever wants to look into it",
	    NULL, "destroy" },
	  set_machines,
	  LOAD_TABLE(machines_words) },
	{ { "keep", false, false,
	    "frozen VMs that are kept; the oldest goes first", "1 to 16", "4" },
	  set_keep },
};

static void set_kill(void *ctx, const struct yaml_node *n)
{
	conf_walk(ctx, n, kill_rules, ARRAY_SIZE(kill_rules));
}

/* telemetry */

static const char *const logs_names[] = {
	[LOGS_NONE] = "none",
	[LOGS_KINDS] = "kinds",
	[LOGS_FULL] = "full",
};

static_assert(ARRAY_SIZE(logs_names) == LOGS_MAX, "a name each");

const char *conf_logs_name(enum conf_logs l)
{
	return (unsigned)l < LOGS_MAX ? logs_names[l] : NULL;
}

static void set_metrics(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	if (yaml_kind(n) == YAML_SCALAR && !strcmp(yaml_text(n), "default"))
		return;
	l->no_metrics = true;
	if (yaml_kind(n) == YAML_SCALAR && !strcmp(yaml_text(n), "none"))
		return;
	conf_path(l, n, l->c.telemetry.metrics);
	if (strlen(l->c.telemetry.metrics) >=
	    sizeof(((struct sockaddr_un *)0)->sun_path))
		conf_fault(
			l, n,
			"a socket's path has at most 107 bytes: name a shorter "
			"one");
}

/* An address and a port, nothing behind them: "127.0.0.1:4318". */
static int parse_address(const char *text, struct conf_address *ret)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN];
	size_t n = colon ? (size_t)(colon - text) : 0;
	bool v6 = n > 2 && text[0] == '[' && text[n - 1] == ']';
	uint64_t port;

	*ret = (struct conf_address){ .v6 = v6 };
	if (!colon ||
	    str_copy(host, sizeof(host),
		     v6 ? span_of(text + 1, n - 2) : span_of(text, n)) < 0 ||
	    inet_pton(v6 ? AF_INET6 : AF_INET, host, ret->ip) != 1 ||
	    num_parse(span_str(colon + 1), 1, 65535, &port) < 0 ||
	    str_copy(ret->text, sizeof(ret->text), span_str(text)) < 0)
		return -1;
	ret->port = (uint16_t)port;
	return 0;
}

static void set_otlp(void *ctx, const struct yaml_node *n)
{
	static const char scheme[] = "http://";
	struct loader *l = ctx;
	const char *text = conf_scalar(l, n);
	struct conf_address a;

	if (!text || !strcmp(text, "none"))
		return;
	if (strncmp(text, scheme, strlen(scheme)) != 0 ||
	    parse_address(text + strlen(scheme), &a) < 0)
		conf_fault(
			l, n,
			"http://ADDRESS:PORT, the address in numbers, e.g. "
			"http://127.0.0.1:4318 or http://[::1]:4318; or none");
	else
		l->c.telemetry.otlp = a;
}

static const struct load_word logs_words[] = {
	{ "none", LOGS_NONE, false },
	{ "kinds", LOGS_KINDS, false },
	{ "full", LOGS_FULL, false },
};

static void set_logs(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	int v = load_choose(&l->load, n, logs_words, ARRAY_SIZE(logs_words));

	if (v >= 0)
		l->c.telemetry.logs = (enum conf_logs)v;
}

static void set_spans(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const char *text = conf_scalar(l, n);
	uint64_t v;

	if (!text)
		return;
	if (num_parse(span_str(text), SPANS_MIN, SPANS_MAX, &v) < 0)
		conf_fault(l, n, "a number of spans, %d to %d", SPANS_MIN,
			   SPANS_MAX);
	else
		l->c.telemetry.queue = (uint32_t)v;
}

static const struct load_rule telemetry_rules[] = {
	{ { "metrics", false, false,
	    "the socket on which metrics are read, as Prometheus has them",
	    "a path of at most 107 bytes, default, or none",
	    "STATE/metrics.sock" },
	  set_metrics },
	{ { "otlp", false, false,
	    "the collector that traces, metrics and logs are sent to, by "
	    "OTLP/HTTP with JSON",
	    "http://ADDRESS:PORT, the address in numbers, or none", "none" },
	  set_otlp },
	{ { "logs", false, false,
	    "what of the audit log is sent there. kinds: kinds, ids, numbers "
	    "and words of ours. full: all of it, addresses of senders and "
	    "origins of arguments, too",
	    NULL, "none" },
	  set_logs,
	  LOAD_TABLE(logs_words) },
	{ { "queue", false, false,
	    "spans that may wait for the collector; what finds no room is "
	    "dropped and counted",
	    "64 to 65536", "2048" },
	  set_spans },
};

static void set_telemetry(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	conf_walk(ctx, n, telemetry_rules, ARRAY_SIZE(telemetry_rules));
	if (l->c.telemetry.logs != LOGS_NONE && !l->c.telemetry.otlp.port)
		conf_fault(
			l, n,
			"logs go to a collector: set otlp, or remove \"logs\"");
}

/* audit */

static void set_audit_reserve(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const char *text = conf_scalar(l, n);
	uint64_t v;

	if (!text)
		return;
	if (value_size(text, &v) < 0 || v > AUDIT_RESERVE_MAX ||
	    (v && v < AUDIT_RESERVE_MIN))
		conf_fault(l, n, "a size, 1MiB to 64GiB, or 0");
	else
		l->c.audit_reserve = v;
}

static const struct load_rule audit_rules[] = {
	{ { "reserve", false, false,
	    "of the disk, set aside for the audit log, as a file beside it. "
	    "When the disk is full the log goes on in it: what was begun is "
	    "recorded, nothing new is executed",
	    "1MiB to 64GiB, or 0: none", "64MiB" },
	  set_audit_reserve },
	{ { "retention", false, true, "how long records are kept" }, NULL },
	{ { "witness", false, true, "who signs checkpoints, too" }, NULL },
};

static void set_audit(void *ctx, const struct yaml_node *n)
{
	conf_walk(ctx, n, audit_rules, ARRAY_SIZE(audit_rules));
}

static const struct load_rule top_rules[] = {
	{ { "bulkhead", true, false, "the version of the format", "1", NULL },
	  set_version },
	{ { "state", false, false,
	    "the directory of the audit log, kill latch, control socket and "
	    "log: all that bulkhead keeps",
	    "a path", "~/.local/state/bulkhead" },
	  set_state },
	{ { "control", false, false, "who may give orders, and where", "a map",
	    NULL },
	  set_control },
	{ { "agents", true, false,
	    "the agent by its name: policy, planner, tasks", "a map of one map",
	    NULL },
	  set_agents },
	{ { "vms", false, false, "sizes and deadlines of the VMs", "a map",
	    NULL },
	  set_vms },
	{ { "backend", false, false, "what runs the VMs", NULL, "auto" },
	  set_backend,
	  LOAD_TABLE(backend_words) },
	{ { "queue", false, false, "how much may wait, and what is kept of it",
	    "a map", NULL },
	  set_queue },
	{ { "supervision", false, false,
	    "when a process is started again, and how often", "a map", NULL },
	  set_supervision },
	{ { "kill", false, false,
	    "what sets the kill latch, and what it leaves", "a map", NULL },
	  set_kill },
	{ { "telemetry", false, false, "what is told of the work, and to whom",
	    "a map", NULL },
	  set_telemetry },
	{ { "connectors", true, false, "accounts and folders, by name",
	    "a map of 1 to 16 maps", NULL },
	  conf_set_connectors },
	{ { "audit", false, false, "what the audit log has", "a map", NULL },
	  set_audit },
	{ { "vault", false, false,
	    "the encrypted files of the accounts' secrets, and what opens them",
	    "a map", NULL },
	  conf_set_vault },
	{ { "upstreams", false, false, "servers of models, by name",
	    "a map of maps", NULL },
	  conf_set_upstreams },
};

/* What every part starts from before the file has its say. */
static void set_defaults(struct loader *l)
{
	struct conf *c = &l->c;

	c->reader = (struct conf_vm){ .memory_mib = 128,
				      .cpus = 1,
				      .deadline_s = 10,
				      .pool = 1,
				      .parked = VM_PARK_WAITING };
	l->local = (struct conf_vm){ .memory_mib = LOCAL_MEMORY_MIB,
				     .cpus = LOCAL_CPUS };
	c->planner_vm = (struct conf_vm){ .memory_mib = 256,
					  .cpus = 1,
					  .deadline_s = 30 * 60,
					  .parked = VM_PARK_WAITING };
	c->backend = VM_AUTO;
	c->queue = (struct conf_queue){ .items = 10000,
					.per_source = 5000,
					.bytes = 1 << 30,
					.reserve = 64 << 20,
					.history = 100000 };
	c->audit_reserve = UINT64_C(64) << 20;
	c->supervision = (struct conf_supervision){ .watchdog_s = 15,
						    .backoff_s = 60,
						    .healthy_s = 60,
						    .restarts = 8 };
	c->kill.keep = 4;
	c->telemetry.queue = 2048;
	c->users[0] = geteuid();
	c->n_users = 1;
}

/* What depends on other keys: where the state and its socket are. */
static void settle(struct loader *l)
{
	const struct yaml_node *root = yaml_root(l->load.y);
	struct conf *c = &l->c;

	if (!*c->state && str_printf(c->state, sizeof(c->state),
				     "%s/.local/state/bulkhead", l->home) < 0)
		conf_fault(l, root,
			   "the home directory's path is too long: set state");
	if (!*c->socket &&
	    str_printf(c->socket, sizeof(((struct sockaddr_un *)0)->sun_path),
		       "%s/control.sock", c->state) < 0)
		conf_fault(
			l, root,
			"the path of state is too long for a socket in it: set "
			"control.socket");
	if (!l->no_metrics &&
	    str_printf(c->telemetry.metrics,
		       sizeof(((struct sockaddr_un *)0)->sun_path),
		       "%s/metrics.sock", c->state) < 0)
		conf_fault(
			l, root,
			"the path of state is too long for a socket in it: set "
			"telemetry.metrics");
}

static int parse(struct loader *l, const char *name, struct span text,
		 struct buf *errs)
{
	CLEAN_YAML struct yaml *y = NULL;
	int r = yaml_parse(name, text, &y, errs);

	if (r < 0)
		return r;
	l->load.y = y;
	l->load.errs = errs;
	set_defaults(l);
	conf_walk(l, yaml_root(y), top_rules, ARRAY_SIZE(top_rules));
	settle(l);
	conf_check_vault(l);
	conf_check_planner(l);
	return l->load.errors ? -EINVAL : 0;
}

int conf_parse(const char *name, struct span text, const char *base,
	       const char *home, struct conf *ret, struct buf *errs)
{
	struct loader *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->base = base;
	l->home = home;
	r = parse(l, name, text, errs);
	if (r == 0)
		*ret = l->c;
	free(l);
	return r;
}

int conf_read_file(const char *path, struct buf *ret, struct buf *errs)
{
	CLEAN_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n = -1;
	uint8_t *p;

	if (fd < 0) {
		n = -errno;
		buf_printf(errs,
			   "%s: cannot open: %s: check the path and its owner; "
			   "`bulkhead init` writes one\n",
			   path, strerror(errno));
		return (int)n;
	}
	p = buf_extend(ret, ret->max - ret->n);
	if (!p)
		return -ENOMEM;
	n = fd_read_all(fd, p, ret->max);
	if (n < 0) {
		buf_printf(errs, "%s: cannot read: %s\n", path,
			   strerror((int)-n));
		return (int)n;
	}
	buf_cut(ret, (size_t)n);
	return 0;
}

/* Where relative paths begin: the directory of the file, absolute. */
static int base_of(const char *path, char *ret)
{
	char *slash;

	if (!realpath(path, ret))
		return -errno;
	slash = strrchr(ret, '/');
	if (slash)
		*slash = 0;
	return 0;
}

int conf_load(const char *path, const char *home, struct conf *ret,
	      struct buf *errs)
{
	CLEAN_BUF struct buf text;
	char base[PATH_MAX];
	struct conf c;
	uint32_t i;
	int r;

	buf_init(&text, YAML_FILE_MAX + 1);
	if (!path || !*path) {
		r = conf_parse("embedded defaults",
			       span_str(conf_default_text()), home, home, &c,
			       errs);
		if (r < 0)
			return r;
		c.policy[0] = 0;
		*ret = c;
		return 0;
	}
	r = conf_read_file(path, &text, errs);
	if (r < 0)
		return r;
	r = base_of(path, base);
	if (r < 0)
		return r;
	r = conf_parse(path, buf_view(&text), base, home, &c, errs);
	if (r < 0)
		return r;
	for (i = 0; i < c.n_connectors && r == 0; i++)
		if (c.connectors[i].prices[0])
			r = conf_prices(&c, &c.connectors[i], errs);
	if (r < 0)
		return r;
	if (str_printf(c.file, sizeof(c.file), "%s/%s", base,
		       strrchr(path, '/') ? strrchr(path, '/') + 1 : path) < 0)
		return -ENAMETOOLONG;
	*ret = c;
	return 0;
}

/* The tables once more, as the manual lists them. */
static const struct load_schema schema[] = {
	{ "", LOAD_TABLE(top_rules) },
	{ "control.", LOAD_TABLE(control_rules) },
	{ "agents.NAME.", LOAD_TABLE(agent_rules) },
	{ "agents.NAME.planner.", LOAD_TABLE(planner_rules) },
	{ "agents.NAME.tasks[].", LOAD_TABLE(task_rules) },
	{ "vms.", LOAD_TABLE(vms_rules) },
	{ "vms.KIND.", LOAD_TABLE(vm_rules) },
	{ "queue.", LOAD_TABLE(queue_rules) },
	{ "audit.", LOAD_TABLE(audit_rules) },
	{ "supervision.", LOAD_TABLE(supervision_rules) },
	{ "kill.", LOAD_TABLE(kill_rules) },
	{ "telemetry.", LOAD_TABLE(telemetry_rules) },
	{ "vault.", conf_vault_rules, CONF_VAULT_RULES },
	{ "connectors.NAME.", conf_connector_rules, CONF_CONNECTOR_RULES },
	{ "upstreams.NAME.", conf_upstream_rules, CONF_UPSTREAM_RULES },
	{ "(file of prices) MODEL.", conf_prices_rules, CONF_PRICES_RULES },
};

const struct load_schema *conf_schema(size_t *n)
{
	*n = ARRAY_SIZE(schema);
	return schema;
}
