/*
 * otlp: OTLP's JSON (opentelemetry-proto in proto3's JSON mapping: names in
 * lowerCamelCase, 64-bit integers as strings, ids in hex, enums as numbers).
 */
#ifndef TELEMETRY_OTLP_H
#define TELEMETRY_OTLP_H

#include "conf/conf.h"
#include "metrics.h"
#include "spans.h"

/* Who speaks. */
struct otlp_resource {
	uint8_t run[MSG_RUN];
	uint64_t start_ns; /* counters are counted from here */
};

/* The n oldest spans, as the body of /v1/traces. */
void otlp_traces(struct buf *b, const struct otlp_resource *r,
		 const struct spans *s, size_t n);

/* All metrics, as the body of /v1/metrics. */
void otlp_metrics(struct buf *b, const struct otlp_resource *r,
		  const struct metrics *m, uint64_t now_ns);

/* Records of the audit log, as the body of /v1/logs: begun, one after another,
 * ended. What is told of a record depends on `how`. */
void otlp_logs_begin(struct buf *b, const struct otlp_resource *r);
void otlp_logs_add(struct buf *b, bool first, uint64_t index,
		   struct span record, enum conf_logs how, uint64_t now_ns);
void otlp_logs_end(struct buf *b);

/* "2026-11-22T07:30:00.123456789Z" since 1970; 0 for what is no such time. */
uint64_t otlp_time_ns(const char *text);

#endif
