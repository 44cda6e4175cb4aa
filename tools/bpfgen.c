/*
 * bpfgen: turns lists of system calls into seccomp filters, as a C header on
 * stdout, at build time: no process of ours links a library for it, spends
 * time on it while it starts, or can be surprised by it.
 *
 *	bpfgen NAME=FILE[,FILE...] ...   ->  struct bpf_insn filter_NAME[]
 *
 * A line of a list, and only what stands on some line is allowed:
 *
 *	name                 allowed as it is
 *	name COND...         allowed if all conditions hold; several lines of
 *	                     one name are alternatives
 *	name !ERRNO          refused with that number, where no line allows it
 *	default !ERRNO       all that is on no line is refused so; without this
 *	                     line it kills the process
 *
 * A condition looks at one argument, 0 to 5:
 *
 *	argN=V   argN&M=V    all 64 bits of it, or those of the mask M
 *	intN=V   intN&M=V    its low 32 bits: where the kernel takes an int, and
 *	                     the upper half may be anything
 *
 * M and V are numbers as in C, names of constants.h, SELF (the process's id,
 * put in when the filter is loaded), or several of them joined by '|'. '#'
 * starts a comment. Another architecture's system calls and x32's always kill
 * the process. A name that is not known, and a call that is allowed both with
 * conditions and without, are errors: the latter means that somebody's
 * conditions do not count.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "privsep/bpfgen_constants.h"

enum { CONDS = 5, RULES = 1024, INSNS = 4096, X32_BIT = 0x40000000 };

struct cond {
	uint32_t arg;
	bool low; /* the low half alone */
	uint64_t mask, value;
};

struct rule {
	long nr;
	size_t order; /* of its line: sorting keeps it */
	uint32_t action;
	size_t n;
	struct cond conds[CONDS];
};

/* The system calls first to last with the rules from .. from + n; more than
 * one call only where all of them are allowed as they are. */
struct leaf {
	long first, last;
	size_t from, n;
	bool plain;
};

static const char *file = "bpfgen";
static struct rule rules[RULES];
static size_t n_rules;
static struct leaf leaves[RULES];
static size_t n_leaves;
static struct sock_filter prog[INSNS];
static size_t n_prog;
static uint32_t refuse;

static _Noreturn void fail(const char *what, const char *why)
{
	(void)fprintf(stderr, "bpfgen: %s: %s: %s\n", file, what, why);
	exit(1);
}

/* --- reading a list ------------------------------------------------------ */

static uint64_t number(const char *s, const char **end)
{
	char *e;
	unsigned long long v;

	errno = 0;
	v = strtoull(s, &e, 0);
	if (errno || e == s)
		fail(s, "neither a number nor a known constant");
	*end = e;
	return v;
}

static uint64_t term(const char *s, const char **end)
{
	size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789abcdef");
	size_t i;

	for (i = 0; i < sizeof(constants) / sizeof(constants[0]); i++)
		if (strlen(constants[i].name) == n &&
		    memcmp(constants[i].name, s, n) == 0) {
			*end = s + n;
			return constants[i].value;
		}
	return number(s, end);
}

static uint64_t terms(const char *s, const char **end)
{
	uint64_t v = term(s, end);

	while (**end == '|')
		v |= term(*end + 1, end);
	return v;
}

static struct cond cond_parse(const char *word)
{
	struct cond c = { .low = word[0] == 'i', .mask = UINT64_MAX };
	const char *p = word + strlen("arg") + 1;

	if (c.low)
		c.mask = UINT32_MAX;
	c.arg = (uint32_t)(word[3] - '0');
	if (c.arg > 5)
		fail(word, "there are arguments 0 to 5");
	if (*p == '&')
		c.mask = terms(p + 1, &p);
	if (*p != '=')
		fail(word, "'=' is missing");
	c.value = terms(p + 1, &p);
	if (*p)
		fail(word, "ends with something that was not understood");
	if (c.low && (c.mask > UINT32_MAX || c.value > UINT32_MAX))
		fail(word, "an int has 32 bits");
	if (c.value & ~c.mask)
		fail(word,
		     "never true: its value has bits that its mask hides");
	return c;
}

static uint32_t errno_parse(const char *word)
{
	const char *end;
	uint64_t e = number(word + 1, &end);

	if (*end || e == 0 || e > 4095)
		fail(word, "not a number of an error");
	return SECCOMP_RET_ERRNO | (uint32_t)e;
}

static const struct {
	const char *name;
	long nr;
} syscalls[] = {
#include "syscall_names.h"
};

enum { SYSCALLS = sizeof(syscalls) / sizeof(syscalls[0]) };

static long nr_of(const char *name)
{
	size_t i;

	for (i = 0; i < SYSCALLS; i++)
		if (strcmp(syscalls[i].name, name) == 0)
			return syscalls[i].nr;
	fail(name, "no system call of this architecture");
}

static const char *name_of(long nr)
{
	size_t i = 0;

	while (i < SYSCALLS - 1 && syscalls[i].nr != nr)
		i++;
	return syscalls[i].name;
}

static void rule_word(struct rule *r, const char *word)
{
	bool is_cond =
		strncmp(word, "arg", 3) == 0 || strncmp(word, "int", 3) == 0;

	if (r->action != SECCOMP_RET_ALLOW)
		fail(word, "follows an error number");
	if (word[0] == '!' && r->n == 0)
		r->action = errno_parse(word);
	else if (is_cond && r->n < CONDS)
		r->conds[r->n++] = cond_parse(word);
	else
		fail(word, "neither a condition nor an error number, or too "
			   "many");
}

/* Cuts the next word off *s; NULL if there is none. */
static char *word_next(char **s, const char *between)
{
	char *word = *s + strspn(*s, between);

	if (!*word)
		return NULL;
	*s = word + strcspn(word, between);
	if (**s)
		*(*s)++ = 0;
	return word;
}

static void line_read(char *line)
{
	struct rule r = { .action = SECCOMP_RET_ALLOW, .order = n_rules };
	char *name, *word;

	line[strcspn(line, "#\n")] = 0;
	name = word_next(&line, " \t");
	if (!name)
		return;
	while ((word = word_next(&line, " \t")))
		rule_word(&r, word);
	if (strcmp(name, "default") == 0) {
		if (r.action == SECCOMP_RET_ALLOW)
			fail(name, "an error number is missing");
		refuse = r.action;
		return;
	}
	r.nr = nr_of(name);
	if (n_rules == RULES)
		fail(name, "too many rules");
	rules[n_rules++] = r;
}

static void list_read(const char *path)
{
	char line[512];
	FILE *f = fopen(path, "re");

	file = path;
	if (!f)
		fail("open", strerror(errno));
	while (fgets(line, sizeof(line), f))
		line_read(line);
	(void)fclose(f);
}

/* --- sorting it ---------------------------------------------------------- */

/* By number; of one number, the refusal last, for it is what remains. */
static int by_number(const void *a, const void *b)
{
	const struct rule *x = a, *y = b;
	bool rx = x->action != SECCOMP_RET_ALLOW;
	bool ry = y->action != SECCOMP_RET_ALLOW;

	if (x->nr != y->nr)
		return x->nr < y->nr ? -1 : 1;
	if (rx != ry)
		return rx ? 1 : -1;
	return x->order < y->order ? -1 : 1;
}

static void leaf_check(const struct leaf *l)
{
	size_t i, bare = 0, conds = 0, refusals = 0;

	for (i = l->from; i < l->from + l->n; i++) {
		refusals += rules[i].action != SECCOMP_RET_ALLOW;
		bare += rules[i].action == SECCOMP_RET_ALLOW && !rules[i].n;
		conds += rules[i].n > 0;
	}
	if (bare && (conds || refusals))
		fail(name_of(l->first),
		     "allowed as it is, so its other lines do not count");
	if (refusals > 1)
		fail(name_of(l->first), "two error numbers");
}

static void leaves_make(void)
{
	size_t i = 0;

	qsort(rules, n_rules, sizeof(rules[0]), by_number);
	n_leaves = 0;
	while (i < n_rules) {
		struct leaf l = { rules[i].nr, rules[i].nr, i, 0, false };
		struct leaf *before = n_leaves ? &leaves[n_leaves - 1] : NULL;

		for (; i < n_rules && rules[i].nr == l.first; i++)
			l.n++;
		leaf_check(&l);
		l.plain = rules[l.from].n == 0 &&
			  rules[l.from].action == SECCOMP_RET_ALLOW;
		if (before && before->plain && l.plain &&
		    before->last + 1 == l.first)
			before->last = l.last;
		else
			leaves[n_leaves++] = l;
	}
}

/* --- writing the program ------------------------------------------------- */

static void emit(unsigned code, uint32_t k, unsigned jt, unsigned jf)
{
	if (n_prog == INSNS)
		fail("filter", "too long");
	prog[n_prog++] = (struct sock_filter){ (uint16_t)code, (uint8_t)jt,
					       (uint8_t)jf, k };
}

static void emit_load(size_t offset)
{
	emit(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void emit_return(uint32_t action)
{
	emit(BPF_RET | BPF_K, action, 0, 0);
}

/* One half of an argument against its mask and value. The jump where it does
 * not hold is left as the program's length, for rule_emit to set. */
static void half_emit(size_t offset, uint32_t mask, uint32_t value)
{
	if (!mask)
		return;
	emit_load(offset);
	if (mask != UINT32_MAX)
		emit(BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
	emit(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 0xff);
}

static void rule_emit(const struct rule *r)
{
	size_t from = n_prog;
	size_t i;

	for (i = 0; i < r->n; i++) {
		const struct cond *c = &r->conds[i];
		size_t at = offsetof(struct seccomp_data, args[c->arg]);

		if (!c->low)
			half_emit(at + 4, (uint32_t)(c->mask >> 32),
				  (uint32_t)(c->value >> 32));
		half_emit(at, (uint32_t)c->mask, (uint32_t)c->value);
	}
	emit_return(r->action);
	for (i = from; i < n_prog; i++)
		if (BPF_CLASS(prog[i].code) == BPF_JMP)
			prog[i].jf = (uint8_t)(n_prog - i - 1);
}

static void leaf_emit(const struct leaf *l)
{
	size_t i;

	if (l->first == l->last) {
		emit(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)l->first, 1, 0);
		emit_return(refuse);
	} else {
		emit(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)l->first, 0, 1);
		emit(BPF_JMP | BPF_JGT | BPF_K, (uint32_t)l->last, 0, 1);
		emit_return(refuse);
	}
	for (i = l->from; i < l->from + l->n; i++)
		rule_emit(&rules[i]);
	if (rules[i - 1].n)
		emit_return(refuse);
}

/* A binary tree over the numbers, for the filter runs at every call. */
static void tree_emit(size_t lo, size_t hi)
{
	size_t mid = lo + (hi - lo) / 2;
	size_t jump;

	if (hi - lo == 1) {
		leaf_emit(&leaves[lo]);
		return;
	}
	emit(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)leaves[mid].first, 0, 1);
	jump = n_prog;
	emit(BPF_JMP | BPF_JA, 0, 0, 0);
	tree_emit(lo, mid);
	prog[jump].k = (uint32_t)(n_prog - jump - 1);
	tree_emit(mid, hi);
}

static void filter_emit(void)
{
	n_prog = 0;
	emit_load(offsetof(struct seccomp_data, arch));
	emit(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
	emit_return(SECCOMP_RET_KILL_PROCESS);
	emit_load(offsetof(struct seccomp_data, nr));
	emit(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
	emit_return(SECCOMP_RET_KILL_PROCESS);
	tree_emit(0, n_leaves);
}

static void print_filter(const char *name)
{
	size_t i;

	printf("[[maybe_unused]] static const struct bpf_insn filter_%s[] = "
	       "{\n",
	       name);
	for (i = 0; i < n_prog; i++)
		printf("\t{ 0x%02x, %u, %u, 0x%08x },\n", prog[i].code,
		       prog[i].jt, prog[i].jf, prog[i].k);
	printf("};\n");
}

static void filter(const char *name, char *files)
{
	char *path;

	n_rules = 0;
	refuse = SECCOMP_RET_KILL_PROCESS;
	while ((path = word_next(&files, ",")))
		list_read(path);
	if (!n_rules)
		fail(name, "an empty list");
	leaves_make();
	filter_emit();
	print_filter(name);
}

int main(int argc, char **argv)
{
	int i;

	printf("/* Generated by tools/bpfgen.c. */\n");
	for (i = 1; i < argc; i++) {
		char *eq = strchr(argv[i], '=');

		if (!eq)
			fail(argv[i], "not NAME=FILE");
		*eq = 0;
		filter(argv[i], eq + 1);
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
