/*
 * memory: how much of the host's there is to be had, by what the kernel says of
 * the machine and of the cgroups that we are in, before a VM is started that
 * would have the OOM killer choose.
 */
#ifndef VM_MEMORY_H
#define VM_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

struct cgroup_source;

struct memory {
	const char *meminfo; /* borrowed */
	char group[512];     /* our own cgroup's directory; "": none is known */
	bool v1;	     /* of the first version */
};

/* meminfo: /proc/meminfo, but in a test. */
void memory_find(struct memory *ret, const char *meminfo,
		 const struct cgroup_source *from);

/* Bytes that can be had: the least of what the machine has and of what each
 * cgroup from ours up has left. UINT64_MAX where nothing says. */
uint64_t memory_left(const struct memory *m);

#endif
