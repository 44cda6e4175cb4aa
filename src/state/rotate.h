/*
 * rotate: keeps STATE/log/bulkhead.log bounded. Every process writes to it by a
 * descriptor of its own making, so it stays the same file: when it is too
 * large, it is copied to bulkhead.log.1, the one before to .2, and emptied. A
 * line that is written in the moment between is lost; the audit log is another
 * thing.
 */
#ifndef STATE_ROTATE_H
#define STATE_ROTATE_H

enum { ROTATE_BYTES = 4 << 20, ROTATE_OLD = 2 };

/* Rotates if log_fd, open with O_APPEND, is STATE/log/bulkhead.log and too
 * large. 1 if it did, 0 if not, or -errno. */
[[nodiscard]] int rotate_log(int state_dir, int log_fd);

#endif
