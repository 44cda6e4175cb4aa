/*
 * err: an error for a person, owned by the caller: what happened and, where
 * there is one, the place (file:line:column) and what to do next.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

struct err {
	int code; /* negative errno, 0 while there is no error */
	char msg[512];
};

/* Sets code and message (cut if long) and returns code. */
int err_set(struct err *e, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
