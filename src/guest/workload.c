/*
 * workload: what init can start. The image holds exactly the one program that
 * its kind needs, so that a row whose program is absent just fails.
 */
#include "guest/guest.h"

#include <assert.h>

#include "guest/seccomp_filters.h"

#define MIB (1ULL << 20)
#define GIB (1ULL << 30)

#define FILTER(name)                                                           \
	{                                                                      \
		.len = ARRAY_SIZE(filter_##name), .filter = filter_##name      \
	}

static const char *const env_none[] = { "PATH=", NULL };

static const struct workload workloads[] = {
	[WIRE_READER_EMAIL] = {
		.path = "/bin/reader-email",
		.env = env_none,
		.filter = FILTER(reader),
		.service = WIRE_READER,
		.address_space = 1024 * MIB,
		.data = 512 * MIB,
		.cpu_s = 120,
		.processes = 1,
	},
	[WIRE_PLANNER_TRIAGE] = {
		.path = "/bin/planner-triage",
		.env = env_none,
		.filter = FILTER(planner),
		.service = WIRE_MCP,
		.address_space = 512 * MIB,
		.data = 256 * MIB,
		.cpu_s = 300,
		.processes = 1,
	},
	[WIRE_PLANNER_GULLIBLE] = {
		.path = "/bin/planner-gullible",
		.env = env_none,
		.filter = FILTER(planner),
		.service = WIRE_MCP,
		.address_space = 512 * MIB,
		.data = 256 * MIB,
		.cpu_s = 300,
		.processes = 1,
	},
	[WIRE_PLANNER_LLM] = {
		.path = "/bin/planner-llm",
		.env = env_none,
		.filter = FILTER(planner),
		.service = WIRE_MCP,
		.model = true,
		.address_space = 512 * MIB,
		.data = 256 * MIB,
		.cpu_s = 300,
		.processes = 1,
	},
	/* What it needs is its machine's, whose size is its bound. */
	[WIRE_PLANNER_LOCAL] = {
		.path = "/bin/planner-local",
		.env = env_none,
		.filter = FILTER(local),
		.service = WIRE_MCP,
		.disk = true,
		.dynamic = true,
		.address_space = 1024 * GIB,
		.data = 64 * GIB,
		.cpu_s = 16ULL * 86400,
		.processes = 64,
	},
	[WIRE_PROBE] = {
		.path = "/bin/probe",
		.env = env_none,
		.service = WIRE_READER,
		.bare = true,
		.address_space = 256 * MIB,
		.data = 64 * MIB,
		.cpu_s = 60,
		.processes = 16, /* it forks for what might kill it */
	},
};
static_assert(ARRAY_SIZE(workloads) == WIRE_WORKLOAD_MAX);

const struct workload *workload_find(unsigned int which)
{
	if (which >= ARRAY_SIZE(workloads) || !workloads[which].path)
		return NULL;
	return &workloads[which];
}
