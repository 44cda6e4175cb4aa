/*
 * frame: one frame of a VM's wire as a person or a program sees it. All of a
 * frame is foreign: the guest made it, and the porter that tells of it may be
 * owned by the guest. Numbers are checked, bytes go through the renderer.
 */
#ifndef CLI_FRAME_H
#define CLI_FRAME_H

#include <jansson.h>

#include "cli/show.h"
#include "proto/msg.h"

/* Bytes of a payload that are shown, if not all are asked for. */
enum { FRAME_SHOWN = 64 };

/*
 * One line, with its newline (more, if the payload is long):
 *
 *	    1.204 s  <-  #2   control  data syn  9 bytes  READY
 */
void frame_print(struct buf *b, const struct show *how, const struct m_frame *f,
		 bool full);

/* The same as an object: at_us missed out kind type flags stream service
 * length, and of the payload `says`, `text` (rendered, ASCII) and `hex`. NULL:
 * out of memory. */
json_t *frame_json(const struct m_frame *f, bool full);

#endif
