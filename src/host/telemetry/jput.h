/*
 * jput: JSON texts into a buffer; whoever writes knows what comes next.
 */
#ifndef TELEMETRY_JPUT_H
#define TELEMETRY_JPUT_H

#include "base/buf.h"

/* A string with its quotes; what is not UTF-8 becomes '?', a byte each. */
void jput_text(struct buf *b, struct span s);

/* 64-bit integers are strings in OTLP, as in proto3's JSON. */
void jput_u64(struct buf *b, uint64_t v);

/* Nanoseconds as seconds, a number. */
void jput_seconds(struct buf *b, uint64_t ns);

#endif
