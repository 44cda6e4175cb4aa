/*
 * message_write: bulkhead.message/1 to JSON without a library: readers write
 * it in a VM where each line of code not run yet costs time.
 */
#ifndef PROTO_MESSAGE_WRITE_H
#define PROTO_MESSAGE_WRITE_H

#include "base/buf.h"
#include "proto/message.h"

/*
 * Appends m, which message_check() has passed, as one compact JSON object
 * without `sanitized`: the bytes that jansson makes of message_to_json(). The
 * caller asks buf_ok() whether it fitted.
 */
void message_write(const struct message *m, struct buf *out);

#endif
