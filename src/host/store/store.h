/*
 * store: what must outlive every process: the queue of items and the state of
 * each effect. The contract of its messages, and the state of its process.
 *
 * With the monitor:
 *
 *	-> HELLO	arg "items=N bytes=N per_source=N reserve=N
 *			history=N [spare] last=ID/N|none": the queue's bounds;
 *			that no item at work was at fault for the last end;
 *			which database was here last
 *	<- S_STATE	what was opened; then READY
 *	-> Q_PUT	an item of a connector, its bytes in a sealed memfd
 *	<- Q_KEPT	it is on disk, and only now accepted. KNOWN: it was
 *			already, and waits or is at work. DONE: it has had its
 *			verdict. While the queue has no room, or the disk, the
 *			answer waits; Q_COUNT says so and why.
 *	-> Q_NEXT	"I have a place". Stands until it is answered
 *	<- Q_ITEM	by the next item, marked as at work before it is told;
 *			sources in turn, each one's oldest first
 *	<- Q_COUNT	of a source, whenever that has changed
 *	-> S_TIP	the audit log's size and root, told back at the next
 *			start: a second place against an older log
 *	-> PING		<- PONG
 *	-> STOP		items at work go back to the queue as if untouched,
 *			unless they have had effects
 *
 * With the broker, which waits for each answer:
 *
 *	-> I_DONE	an item's verdict; its bytes go. <- S_OK
 *	-> I_RECORDED	the verdict is in the log, too
 *	-> E_PLAN	an effect that the policy allows. <- S_OK: its number
 *	-> E_STARTED	intent and decision are in the log at this index; from
 *			now on the connector may be told. <- S_OK
 *	-> E_OUTCOME	what became of it. <- S_OK
 *	-> E_RECORDED	the outcome is in the log, too
 *	-> I_GET, E_GET <- the row, or S_NONE
 *	-> R_PUT	rows of its own, all of them at once; an empty value
 *			takes one away. <- S_OK
 *	-> R_NEXT	<- R_ROW, or S_NONE
 *	<- S_FAIL	instead of an S_OK: refused, or not written. Nothing has
 *			changed. After an error of the disk other than a full
 *			one, the process ends: what is on it must be read anew.
 *
 * An answer is given when what it says is durable. What has no answer is
 * written with what comes next, or within STORE_LAZY_MS; a crash may lose it,
 * and then it is said again.
 *
 * After a crash. An item that was at work waits again, unless one of its
 * effects went beyond `planned` (its row says ITEM_INTERRUPTED), or it has been
 * at work STORE_ATTEMPTS times (ITEM_GIVEN_UP). The broker, before it says
 * READY, goes through I_GET and E_GET with S_OPEN and ends what it finds: an
 * effect that is planned never ran (EFFECT_NOT_EXECUTED); of one that is
 * started nobody knows (EFFECT_UNKNOWN); such an item gets that verdict; an
 * outcome or a verdict that may not be in the log is recorded (again).
 */
#ifndef HOST_STORE_STORE_H
#define HOST_STORE_STORE_H

enum {
	STORE_ATTEMPTS = 3,
	STORE_LAZY_MS = 250,
	STORE_REST_MS = 200,   /* while there is no descriptor for a message */
	STORE_RETRY_MS = 1000, /* what the disk had no room for */
};

#endif
