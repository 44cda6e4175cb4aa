/*
 * qmp: QEMU's monitor protocol, as much of it as a porter needs to save a
 * template and to load a clone. Pure: commands as texts, answers in as bytes.
 *
 * A guest may own its QEMU, so what QEMU says is foreign: lines, their number,
 * their length and the nesting in them are bounded, and only those answers and
 * events are taken that belong to what was asked, in their order. All else,
 * an error of QEMU's included, is a fault, which sticks:
 *
 *	saving                          loading
 *	QMP_BEGIN      -> 2 returns     QMP_BEGIN -> 2 returns
 *	QMP_GETFD,
 *	QMP_SAVE       -> 2 returns,    qmp_load  -> 1 return,
 *	setup, active, STOP, completed  setup, active, RESUME, completed
 *
 * QEMU takes commands that are sent before it has greeted, and all of them at
 * once; it answers in order.
 */
#ifndef PORTER_QMP_H
#define PORTER_QMP_H

#include "base/buf.h"
#include "base/span.h"

enum {
	QMP_LINE_MAX = 4096, /* bytes of one answer */
	QMP_LINES_MAX = 64,  /* answers and events of one machine, in all */
	QMP_DEPTH_MAX = 8,   /* nesting of brackets in one answer */
	QMP_DETAIL_MAX = 160,
};

/* The name of the descriptor that goes with the text QMP_GETFD. */
extern const char qmp_begin_text[];
extern const char qmp_getfd_text[];
extern const char qmp_save_text[];

enum qmp_task { QMP_SAVE, QMP_LOAD };

/* Where a migration stands; it only goes forward. */
enum qmp_status {
	QMP_NONE = 0,
	QMP_SETUP,
	QMP_ACTIVE,
	QMP_DEVICE,
	QMP_COMPLETED,
	QMP_STATUS_MAX
};

struct qmp {
	enum qmp_task task;
	bool greeted;
	bool going; /* qmp_went */
	bool moved; /* STOP or RESUME came */
	bool fault;
	uint32_t returns; /* that are still to come */
	uint32_t lines;
	enum qmp_status status;
	char detail[QMP_DETAIL_MAX]; /* of the fault, printable ASCII */
	uint8_t line[QMP_LINE_MAX];
	size_t line_n;
};

void qmp_init(struct qmp *q, enum qmp_task task);

/* Appends the command that loads the state from a descriptor of QEMU's own. */
void qmp_put_load(struct buf *b, int fd);

/* To be called when the first commands were sent, and those that start the
 * migration. */
void qmp_began(struct qmp *q);
void qmp_went(struct qmp *q);

/* Bytes from QEMU, at any split. 0, or -1 for a fault: q->detail. */
[[nodiscard]] int qmp_feed(struct qmp *q, struct span bytes);

/* True when the task is done and nothing is missing. */
bool qmp_done(const struct qmp *q);

#endif
