/*
 * gateway: the gateway to models for tests and benches: the real broker (with
 * auditd and store), porters and connector of a model, each in its sandbox,
 * with the caller as the monitor, as netd and as what is inside of the
 * planners' VMs. The provider is on loopback.
 */
#ifndef TESTS_LLM_GATEWAY_H
#define TESTS_LLM_GATEWAY_H

#include "host/porter/porter_rig.h"

/* Begins, with `libexec` (peers_rig.h) and BULKHEAD_LIBEXEC set; once. */
void gateway_start(uint16_t port, bool anthropic);

/* One more connector, of which the caller is the broker: that end. */
int gateway_connector(bool anthropic);

/* A planner's VM whose stream to its model is open; at most 8 at once. */
struct mux_stream *gateway_planner(struct rig *r);

/* A connection of the caller's own to the provider. */
int gateway_provider(void);

void gateway_thread(void *(*fn)(void *), void *arg);

#endif
