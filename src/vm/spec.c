/* spec: struct vm_spec as one argument string and back; see vm.h. */
#include "base/span.h"
#include "base/str.h"
#include "privsep/groups.h"
#include "vm/vm.h"

#include <assert.h>

enum {
	MEMORY_MIN_MIB = 64,
	MEMORY_MAX_MIB = 65536,
	CPUS_MAX = 16,
};

static const char *const backend_names[] = {
	[VM_AUTO] = "auto",
	[VM_QEMU_KVM] = "qemu-kvm",
	[VM_QEMU_TCG] = "qemu-tcg",
};

static_assert(ARRAY_SIZE(backend_names) == VM_BACKEND_MAX, "a name each");

const char *vm_backend_name(enum vm_backend b)
{
	return (unsigned)b < VM_BACKEND_MAX ? backend_names[b] : NULL;
}

const char *vm_backend_program(enum vm_backend b)
{
	static const char *const programs[] = {
		[VM_QEMU_KVM] = "/usr/bin/qemu-system-x86_64-microvm",
		[VM_QEMU_TCG] = "/usr/bin/qemu-system-x86_64",
	};

	static_assert(ARRAY_SIZE(programs) == VM_BACKEND_MAX, "a row each");
	return (unsigned)b < VM_BACKEND_MAX ? programs[b] : NULL;
}

static const char *const start_names[] = {
	[VM_COLD] = "cold",
	[VM_TEMPLATE] = "template",
	[VM_CLONE] = "clone",
};

static_assert(ARRAY_SIZE(start_names) == VM_START_MAX, "a name each");

const char *vm_start_name(enum vm_start s)
{
	return (unsigned)s < VM_START_MAX ? start_names[s] : NULL;
}

enum vm_start vm_start_parse(struct span name)
{
	int s;

	for (s = 0; s < VM_START_MAX; s++)
		if (span_is(name, start_names[s]))
			return (enum vm_start)s;
	return VM_START_MAX;
}

static const char *const park_names[] = {
	[VM_PARK_NONE] = "none",
	[VM_PARK_JAILED] = "jailed",
	[VM_PARK_WAITING] = "waiting",
	[VM_PARK_RESUMED] = "resumed",
};

static_assert(ARRAY_SIZE(park_names) == VM_PARK_MAX, "a name each");

const char *vm_park_name(enum vm_park p)
{
	return (unsigned)p < VM_PARK_MAX ? park_names[p] : NULL;
}

enum vm_park vm_park_parse(struct span name)
{
	int p;

	for (p = 0; p < VM_PARK_MAX; p++)
		if (span_is(name, park_names[p]))
			return (enum vm_park)p;
	return VM_PARK_MAX;
}

enum vm_backend vm_backend_parse(struct span name)
{
	int b;

	for (b = 0; b < VM_BACKEND_MAX; b++)
		if (span_is(name, backend_names[b]))
			return (enum vm_backend)b;
	return VM_BACKEND_MAX;
}

static bool spec_ok(const struct vm_spec *s)
{
	return s->backend > VM_AUTO && s->backend < VM_BACKEND_MAX &&
	       (unsigned)s->start < VM_START_MAX &&
	       s->memory_mib >= MEMORY_MIN_MIB &&
	       s->memory_mib <= MEMORY_MAX_MIB && s->cpus >= 1 &&
	       s->cpus <= CPUS_MAX && s->deadline_s >= 1 &&
	       s->groups <= GROUPS_MAX &&
	       (s->held_s == 0 || s->start == VM_CLONE) &&
	       (!s->disk || s->start == VM_COLD) &&
	       (!s->alone || (s->start == VM_CLONE && s->own_qemu));
}

int vm_spec_format(char *dst, size_t cap, const struct vm_spec *spec)
{
	if (!spec_ok(spec))
		return -1;
	return str_printf(dst, cap,
			  "backend=%s start=%s memory_mib=%u cpus=%u "
			  "deadline_s=%u tsc_khz=%u console=%u own_qemu=%u "
			  "alone=%u disk=%u groups=%u held_s=%u",
			  backend_names[spec->backend],
			  start_names[spec->start], spec->memory_mib,
			  spec->cpus, spec->deadline_s, spec->tsc_khz,
			  (unsigned)spec->console, (unsigned)spec->own_qemu,
			  (unsigned)spec->alone, (unsigned)spec->disk,
			  spec->groups, spec->held_s) < 0
		       ? -1
		       : 0;
}

/* The next word, which must be "key=VALUE"; the empty span if it is not. */
static struct span word_value(struct span *rest, const char *key)
{
	size_t k = strlen(key);
	struct span w = *rest;
	const uint8_t *end;

	end = w.n ? memchr(w.p, ' ', w.n) : NULL;
	if (end)
		w.n = (size_t)(end - w.p);
	rest->p += w.n + (end ? 1 : 0);
	rest->n -= w.n + (end ? 1 : 0);
	if (w.n <= k || memcmp(w.p, key, k) != 0 || w.p[k] != '=')
		return span_of(NULL, 0);
	return span_of(w.p + k + 1, w.n - k - 1);
}

int vm_spec_parse(struct span arg, struct vm_spec *ret)
{
	static const char *const keys[] = {
		"memory_mib", "cpus",  "deadline_s", "tsc_khz", "console",
		"own_qemu",   "alone", "disk",	     "groups",	"held_s"
	};
	uint64_t v[ARRAY_SIZE(keys)];
	struct vm_spec s;
	size_t i;

	s = (struct vm_spec){ .backend = vm_backend_parse(
				      word_value(&arg, "backend")) };
	s.start = vm_start_parse(word_value(&arg, "start"));
	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (num_parse(word_value(&arg, keys[i]), 0, UINT32_MAX, &v[i]) <
		    0)
			return -1;
	if (arg.n != 0 || v[4] > 1 || v[5] > 1 || v[6] > 1 || v[7] > 1)
		return -1;
	s.memory_mib = (uint32_t)v[0];
	s.cpus = (uint32_t)v[1];
	s.deadline_s = (uint32_t)v[2];
	s.tsc_khz = (uint32_t)v[3];
	s.console = v[4] == 1;
	s.own_qemu = v[5] == 1;
	s.alone = v[6] == 1;
	s.disk = v[7] == 1;
	s.groups = (uint32_t)v[8];
	s.held_s = (uint32_t)v[9];
	if (!spec_ok(&s))
		return -1;
	*ret = s;
	return 0;
}
