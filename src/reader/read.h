/*
 * read: the whole way of one item, from its bytes to JSON.
 */
#ifndef READER_READ_H
#define READER_READ_H

#include "base/buf.h"
#include "proto/wire.h"
#include "reader/draft.h"

/* Once, before the first item: what a reader can do before it has one. */
void read_init(void);

/* Everything but JSON: the finished draft, with findings. 0 or -errno. */
[[nodiscard]] int read_item(enum wire_item what, struct span raw,
			    struct draft *d);

/*
 * Appends bulkhead.message/1 as JSON, at most LIMIT_READER_JSON bytes: what
 * does not fit is dropped from the end of the lists. Returns 0 or -errno.
 */
[[nodiscard]] int read_item_json(enum wire_item what, struct span raw,
				 struct buf *json);

#endif
