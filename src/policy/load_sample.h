/*
 * load_sample: a policy file in parts, for the tests of the loader.
 */
#ifndef POLICY_LOAD_SAMPLE_H
#define POLICY_LOAD_SAMPLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fd.h"
#include "policy/model.h"

#define TOP                                                                    \
	"bulkhead: 1\n"                                                        \
	"mode: enforce\n"                                                      \
	"sets: {fam: [a@x.org, b@x.org], none: [], ids: [k1, k2], big: "       \
	"[k9]}\n"                                                              \
	"sources: {mail: {reader: email, connector: i, integrity: external, "  \
	"audience: thread, reveal: text}}\n"                                   \
	"capabilities:\n"                                                      \
	"  c:\n"                                                               \
	"    connector: o\n"                                                   \
	"    effect: external\n"                                               \
	"    undo: none\n"
#define TAIL                                                                   \
	"timezone: UTC\n"                                                      \
	"owner: {email: me@x.org, approvals: {telegram_bot: cards, chat: "     \
	"77}}\n"                                                               \
	"principals: {mei: {telegram: 5}}\n"
#define TO	"to: {type: email, role: target, in: fam}"
#define BODY	"body: {type: text, max: 10, role: content}"
#define HANDLE	"h: {type: handle, of: mail.thread, role: selector, else: deny}"
#define REF	"r: {type: ref, role: target, from: [planner], under: agent/*}"
#define APPROVE "approve: {who: owner, via: [cli], ttl: 1h}"

/* Arguments stand in line 10 from column 12, rows in line 11 from 15, limits
 * in line 12 from 13, what else the capability has in line 13 from 5. */

static inline void expect(const char *text, const char *errors)
{
	struct policy *p = NULL;
	CLEAN_BUF struct buf errs;
	int r;

	buf_init(&errs, 1 << 16);
	r = policy_load("p", span_str(text), NULL, &p, &errs);
	if (strcmp(buf_cstr(&errs), errors) != 0)
		fail_msg("\n%s\n  got\n%s  want\n%s", text, buf_cstr(&errs),
			 errors);
	assert_int_equal(r, *errors ? -EINVAL : 0);
	if (*errors)
		assert_null(p);
	policy_free(p);
}

/* A file with one capability of these parts. */
static inline const char *file_of(struct buf *text, const char *args,
				  const char *rows, const char *limits,
				  const char *extra)
{
	buf_init(text, 1 << 16);
	buf_printf(text,
		   TOP "    args: {%s}\n    decide: [{%s}]\n"
		       "    limits: %s\n    %s\n" TAIL,
		   args, rows, limits, extra);
	return buf_cstr(text);
}

#endif
