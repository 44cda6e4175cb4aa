/*
 * head: the lines of a mail's header, and its fields.
 */
#ifndef READER_MAIL_HEAD_H
#define READER_MAIL_HEAD_H

#include "base/span.h"

enum {
	HEAD_VALUE_MAX = 32 << 10, /* of a field; the rest is not looked at */
	HEAD_NAME_MAX = 1000,
};

/* The fields that a reader looks at. */
enum head_id {
	HEAD_OTHER,
	HEAD_SUBJECT,
	HEAD_FROM,
	HEAD_SENDER,
	HEAD_REPLY_TO,
	HEAD_TO,
	HEAD_CC,
	HEAD_BCC,
	HEAD_DATE,
	HEAD_MESSAGE_ID,
	HEAD_IN_REPLY_TO,
	HEAD_REFERENCES,
	HEAD_MIME_VERSION,
	HEAD_TYPE,
	HEAD_ENCODING,
	HEAD_DISPOSITION,
	HEAD_CONTENT_ID,
	HEAD_ID_MAX
};

enum head_line {
	HEAD_LINE_FIELD,
	HEAD_LINE_MORE, /* goes on with the field before */
	HEAD_LINE_BAD,	/* nothing of the kind: skipped */
	HEAD_LINE_END,	/* empty: the body is behind it */
};

/* What a line is, given without its line feed; a CR at its end is none. */
enum head_line head_line(struct span line);

/* The line at *pos, without LF, and moves behind it; *pos < s.n. */
struct span head_next_line(struct span s, size_t *pos);

struct head_field {
	enum head_id id;
	struct span value; /* still folded, trimmed, cut */
};

/* The field at or behind *pos; moves behind it. False at the end. */
[[nodiscard]] bool head_next(struct span head, size_t *pos,
			     struct head_field *ret);

/*
 * The last field of each kind: what counts where there are several. Appends
 * to flaws if there are, or lines that are none.
 */
struct head {
	struct span value[HEAD_ID_MAX];
	uint32_t seen; /* bits */
};

void head_read(struct span s, struct head *ret, uint32_t *flaws);

#endif
