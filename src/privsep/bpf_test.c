/*
 * bpf_test: the filters that tools/bpfgen.c makes answer as their lists
 * say. The lists are read here a second time, by other means (libseccomp knows
 * the numbers of the names), and each system call is put to both with the
 * arguments at, beside and far from every value that a list names.
 * $BULKHEAD_LISTS is the folder of the lists.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include <linux/audit.h>
#include <seccomp.h>

#include "privsep/bpfgen_constants.h"
#include "base/str.h"
#include "base/testing.h"
#include "privsep/bpf_sim.h"
#include "privsep/filters.h"

enum {
	PID = 4711,
	SYSCALLS = 520,
	RULES = 512,
	CONDS = 5,
	VALUES = 512,
	X32 = 0x40000000,
};

struct cond {
	unsigned arg;
	uint64_t mask, value;
};

struct rule {
	int nr;
	uint32_t action;
	size_t n;
	struct cond c[CONDS];
};

struct list {
	struct rule rules[RULES];
	size_t n;
	uint32_t other; /* what is on no line */
};

#define ROW(name, file)                                                        \
	{                                                                      \
		file, filter_##name, ARRAY_SIZE(filter_##name)                 \
	}

static const struct {
	const char *file;
	const struct bpf_insn *insns;
	size_t n;
} filters[] = {
	ROW(control, "control"),   ROW(broker, "broker"),
	ROW(auditd, "auditd"),	   ROW(telemetry, "telemetry"),
	ROW(envelope, "envelope"), ROW(connector, "connector"),
	ROW(porter, "porter"),	   ROW(vmm, "vmm"),
	ROW(qemu_tcg, "qemu-tcg"), ROW(qemu_tcg_cold, "qemu-tcg-cold"),
	ROW(qemu_kvm, "qemu-kvm"), ROW(qemu_kvm_cold, "qemu-kvm-cold"),
};

static struct list list;

/* A|B|0x3: numbers and constants. */
static uint64_t value_of(const char *s, size_t n)
{
	uint64_t v = 0;

	while (n) {
		size_t len = 0, i;
		char *end = NULL;

		while (len < n && s[len] != '|')
			len++;
		for (i = 0; i < ARRAY_SIZE(constants); i++)
			if (span_is(span_of(s, len), constants[i].name))
				break;
		if (i < ARRAY_SIZE(constants))
			v |= constants[i].value;
		else
			v |= strtoull(s, &end, 0);
		if (len < n)
			len++;
		s += len;
		n -= len;
	}
	return v;
}

static struct cond cond_of(const char *w)
{
	bool low = strncmp(w, "int", 3) == 0;
	const char *eq = strchr(w, '=');
	struct cond c = { .arg = (unsigned)(w[3] - '0'),
			  .mask = low ? UINT32_MAX : UINT64_MAX };

	assert_non_null(eq);
	if (w[4] == '&')
		c.mask = value_of(w + 5, (size_t)(eq - w) - 5);
	c.value = value_of(eq + 1, strlen(eq + 1));
	/* Where the list says so, the process itself. */
	if (c.value == BPFGEN_SELF)
		c.value = PID;
	return c;
}

static void line_of(struct list *l, const char *line)
{
	char name[64], w[CONDS][96] = { 0 };
	struct rule r = { .action = SECCOMP_RET_ALLOW };
	int n = sscanf(line, "%63s %95s %95s %95s %95s %95s", name, w[0], w[1],
		       w[2], w[3], w[4]);
	int i;

	if (n < 1 || name[0] == '#')
		return;
	for (i = 0; i < n - 1; i++)
		if (w[i][0] == '!')
			r.action = SECCOMP_RET_ERRNO |
				   (uint32_t)strtoul(w[i] + 1, NULL, 10);
		else
			r.c[r.n++] = cond_of(w[i]);
	if (strcmp(name, "default") == 0) {
		l->other = r.action;
		return;
	}
	r.nr = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, name);
	assert_true(r.nr >= 0 && l->n < RULES);
	l->rules[l->n++] = r;
}

static void list_load(struct list *l, const char *name)
{
	const char *dir = getenv("BULKHEAD_LISTS");
	char path[4096], line[512];
	FILE *f;

	assert_non_null(dir);
	(void)str_printf(path, sizeof(path), "%s/%s.list", dir, name);
	f = fopen(path, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		line_of(l, line);
	(void)fclose(f);
}

static bool holds(const struct rule *r, const struct seccomp_data *d)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		if ((d->args[r->c[i].arg] & r->c[i].mask) != r->c[i].value)
			return false;
	return true;
}

static uint32_t want(const struct list *l, const struct seccomp_data *d)
{
	uint32_t refused = l->other;
	size_t i;

	if (d->arch != AUDIT_ARCH_X86_64 || (uint32_t)d->nr >= X32)
		return SECCOMP_RET_KILL_PROCESS;
	for (i = 0; i < l->n; i++) {
		const struct rule *r = &l->rules[i];

		if (r->nr != d->nr || !holds(r, d))
			continue;
		if (r->action == SECCOMP_RET_ALLOW)
			return SECCOMP_RET_ALLOW;
		refused = r->action;
	}
	return refused;
}

/* Values worth trying for an argument of a call: at, beside and far from those
 * of its rules, and each with something in the other half. */
static size_t values(const struct list *l, int nr, unsigned arg,
		     uint64_t ret[VALUES])
{
	size_t n = 0, i, j;

	ret[n++] = 0;
	ret[n++] = UINT64_MAX;
	for (i = 0; i < l->n; i++)
		for (j = 0; l->rules[i].nr == nr && j < l->rules[i].n; j++) {
			const struct cond *c = &l->rules[i].c[j];
			uint64_t low = c->mask & -c->mask;

			if (c->arg != arg || n + 5 > VALUES)
				continue;
			ret[n++] = c->value;
			ret[n++] = c->value ^ low;
			ret[n++] = c->value | ~c->mask;
			ret[n++] = c->value ^ (1ull << 32);
			ret[n++] = c->value ^ (1ull << 63);
		}
	return n;
}

static const char *filter_name;
static const struct bpf_insn *program;
static size_t program_n;

static void compare(const struct seccomp_data *d)
{
	uint32_t got = bpf_run(program, program_n, d);
	uint32_t w = want(&list, d);

	if (got != w)
		fail_msg(
			"%s: call %d (%llx, %llx, %llx, %llx): got %x, want %x",
			filter_name, d->nr, (unsigned long long)d->args[0],
			(unsigned long long)d->args[1],
			(unsigned long long)d->args[2],
			(unsigned long long)d->args[3], got, w);
}

/* Two arguments at a time: no rule has conditions on more than two. */
static void compare_pairs(struct seccomp_data *d, unsigned a, unsigned b)
{
	static uint64_t va[VALUES], vb[VALUES];
	size_t na = values(&list, d->nr, a, va);
	size_t nb = values(&list, d->nr, b, vb);
	size_t i, j;

	for (i = 0; i < na; i++)
		for (j = 0; j < nb; j++) {
			d->args[a] = va[i];
			d->args[b] = vb[j];
			compare(d);
		}
	d->args[a] = d->args[b] = 0;
}

static void compare_call(int nr)
{
	struct seccomp_data d = { .nr = nr, .arch = AUDIT_ARCH_X86_64 };
	unsigned a, b;

	for (a = 0; a < 6; a++)
		for (b = a + 1; b < 6; b++)
			compare_pairs(&d, a, b);
}

static void compare_filter(size_t f)
{
	static struct bpf_insn insns[BPF_MAX];
	const struct bpf_filter filter = { filters[f].insns, filters[f].n };
	struct seccomp_data d = { .arch = AUDIT_ARCH_X86_64 };
	int nr, n;

	list = (struct list){ .other = SECCOMP_RET_KILL_PROCESS };
	list_load(&list, filters[f].file);
#ifdef BULKHEAD_SANITIZED
	if (strncmp(filters[f].file, "qemu", 4) != 0)
		list_load(&list, strcmp(filters[f].file, "telemetry") == 0
					 ? "sanitizer-reads"
					 : "sanitizer");
#endif
	n = bpf_fill(&filter, PID, insns);
	assert_int_equal(n, filters[f].n);
	filter_name = filters[f].file;
	program = insns;
	program_n = (size_t)n;
	for (nr = -1; nr < SYSCALLS; nr++)
		compare_call(nr);
	for (nr = 0; nr < SYSCALLS; nr++) {
		d.nr = X32 | nr;
		compare(&d);
	}
	d.arch = AUDIT_ARCH_I386;
	for (d.nr = 0; d.nr < SYSCALLS; d.nr++)
		compare(&d);
	print_message("%s: %zu rules, %d instructions\n", filter_name, list.n,
		      n);
}

static void filters_do_as_lists_say(void **)
{
	size_t f;

	for (f = 0; f < ARRAY_SIZE(filters); f++)
		compare_filter(f);
}

/* SELF is the process that loads the filter, and no other. */
static void self_is_filled_in(void **)
{
	static struct bpf_insn insns[BPF_MAX];
	const struct bpf_filter filter = BPF_FILTER(filter_envelope);
	int n = bpf_fill(&filter, PID + 1, insns);
	struct seccomp_data d = { .nr = SYS_tgkill,
				  .arch = AUDIT_ARCH_X86_64,
				  .args = { PID } };

	assert_true(n > 0);
	assert_int_equal(bpf_run(insns, (size_t)n, &d),
			 SECCOMP_RET_KILL_PROCESS);
	d.args[0] = PID + 1;
	assert_int_equal(bpf_run(insns, (size_t)n, &d), SECCOMP_RET_ALLOW);
	d.args[0] = (1ull << 32) | (PID + 1); /* an int: the kernel cuts it */
	assert_int_equal(bpf_run(insns, (size_t)n, &d), SECCOMP_RET_ALLOW);
}

static void too_long(void **)
{
	static struct bpf_insn insns[BPF_MAX];
	struct bpf_filter f = { insns, BPF_MAX + 1 };

	assert_int_equal(bpf_fill(&f, 1, insns), -E2BIG);
	assert_int_equal(bpf_load(&f), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filters_do_as_lists_say),
		cmocka_unit_test(self_is_filled_in),
		cmocka_unit_test(too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
