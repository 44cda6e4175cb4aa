/*
 * read: the whole way of one mail, from its bytes to JSON.
 */
#ifndef READER_READ_H
#define READER_READ_H

#include "base/buf.h"
#include "reader/draft.h"

/* Once, before the first mail: what a reader can do before it has one. */
void read_init(void);

/* Everything but JSON: the finished draft, with findings. 0 or -errno. */
[[nodiscard]] int read_mail(struct span raw, struct draft *d);

/*
 * Appends bulkhead.message/1 as JSON, at most LIMIT_READER_JSON bytes: what
 * does not fit is dropped from the end of the lists. Returns 0 or -errno.
 */
[[nodiscard]] int read_mail_json(struct span raw, struct buf *json);

#endif
