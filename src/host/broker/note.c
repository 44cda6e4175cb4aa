/* note: see note.h. */
#include "host/broker/note.h"

#include "base/rd.h"
#include "base/str.h"

enum { VERSION = 1 };

void note_encode(struct buf *out, const struct note *n)
{
	buf_u8(out, VERSION);
	buf_u8(out, n->integrity);
	buf_u32(out, n->bits);
	buf_u64(out, n->kept_s);
	buf_u64(out, n->task);
	buf_blob(out, n->label);
	buf_blob(out, n->text);
}

int note_decode(struct span bytes, struct note *ret)
{
	struct rd rd;
	uint8_t version;

	rd_init(&rd, bytes);
	version = rd_u8(&rd);
	ret->integrity = rd_u8(&rd);
	ret->bits = rd_u32(&rd);
	ret->kept_s = rd_u64(&rd);
	ret->task = rd_u64(&rd);
	ret->label = rd_blob(&rd, NOTE_LABEL_MAX);
	ret->text = rd_blob(&rd, MEMORY_TEXT_MAX);
	return rd_end(&rd) && version == VERSION &&
			       ret->integrity < INTEGRITY_MAX &&
			       utf8_valid(ret->text)
		       ? 0
		       : -1;
}
