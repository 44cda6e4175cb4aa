/*
 * transfer: content transfer encodings (RFC 2045, 6) back to bytes. What is
 * not encoded as it should be is decoded as mail programs do it, and noted.
 */
#ifndef READER_MAIL_TRANSFER_H
#define READER_MAIL_TRANSFER_H

#include "base/buf.h"

enum transfer {
	TRANSFER_NONE, /* 7bit, 8bit, binary, or nobody knows */
	TRANSFER_BASE64,
	TRANSFER_QUOTED,
	TRANSFER_UU,
};

/* Of a value of Content-Transfer-Encoding; flaws: see flaw.h. */
enum transfer transfer_of(struct span value, uint32_t *flaws);

/*
 * The decoded bytes: s itself, or what was appended to out, which is valid
 * until out changes. They are never more than the encoded ones.
 */
struct span transfer_decode(enum transfer t, struct span s, struct buf *out,
			    uint32_t *flaws);

/*
 * The two encodings by themselves; dst has room for s.n bytes. Return the
 * bytes written. In an encoded word ("Q") an underscore is a blank.
 */
size_t base64_decode(struct span s, uint8_t *dst, uint32_t *flaws);
size_t quoted_decode(struct span s, bool word, uint8_t *dst);

#endif
