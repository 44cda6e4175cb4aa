/* clause: see clause.h. */
#include "approval/clause.h"

#include <errno.h>

#include "base/rd.h"
#include "base/str.h"
#include "policy/model.h"
#include "render/render.h"

enum { CLAUSE_VERSION = 1, CLAUSE_BYTES = 16 << 10 };

void clause_init(struct kept_clause *c)
{
	*c = (struct kept_clause){ 0 };
	buf_init(&c->args, CLAUSE_BYTES);
}

void clause_done(struct kept_clause *c)
{
	buf_done(&c->args);
}

bool clause_may_be(const struct approval *a)
{
	return a->remember == REMEMBER_CONSTRAINED && a->quorum <= 1;
}

void clause_of(struct kept_clause *c, const struct approval *a, uint64_t now_s)
{
	struct approval_arg arg;
	size_t at = 0;

	c->id = a->ticket;
	c->created_s = now_s;
	c->expires_s = now_s + APPROVAL_CLAUSE_S;
	(void)str_printf(c->capability, sizeof(c->capability), "%s",
			 a->capability);
	buf_reset(&c->args);
	while (approval_arg(a, &at, &arg)) {
		/* What the policy derives is no argument of the call. */
		if (arg.role == ROLE_CONTENT || span_is(arg.name, APPROVAL_TO))
			continue;
		buf_blob(&c->args, arg.name);
		buf_blob(&c->args, arg.value);
	}
}

bool clause_view(const struct kept_clause *c, struct decide_clause *ret)
{
	struct rd rd;

	*ret = (struct decide_clause){ .id = c->id,
				       .capability = c->capability,
				       .expires_s = c->expires_s };
	rd_init(&rd, buf_view(&c->args));
	while (rd_left(&rd)) {
		if (ret->n == LIMIT_ARGS)
			return false;
		ret->v[ret->n].name = rd_blob(&rd, LIMIT_NAME);
		ret->v[ret->n].value = rd_blob(&rd, CLAUSE_BYTES);
		if (rd.bad)
			return false;
		ret->n++;
	}
	return buf_ok(&c->args);
}

void clause_text(struct buf *out, const struct kept_clause *c)
{
	const struct render_opts opts = { .json = true };
	struct decide_clause v;
	size_t i;

	if (!clause_view(c, &v)) {
		out->bad = true;
		return;
	}
	buf_printf(out, "%s: allow: {", c->capability);
	for (i = 0; i < v.n; i++) {
		buf_str(out, i ? ", " : "");
		render_text(out, v.v[i].name, NULL, NULL);
		buf_str(out, ": {is: \"");
		render_text(out, v.v[i].value, &opts, NULL);
		buf_str(out, "\"}");
	}
	buf_u8(out, '}');
}

void clause_encode(struct buf *b, const struct kept_clause *c)
{
	buf_u8(b, CLAUSE_VERSION);
	buf_u64(b, c->id);
	buf_u64(b, c->created_s);
	buf_u64(b, c->expires_s);
	buf_u64(b, c->task);
	buf_u32(b, c->left);
	buf_blob(b, span_str(c->capability));
	buf_blob(b, buf_view(&c->args));
	if (!buf_ok(&c->args))
		b->bad = true;
}

int clause_decode(struct span bytes, struct kept_clause *ret)
{
	struct decide_clause v;
	struct span name;
	struct rd rd;
	bool ok;

	rd_init(&rd, bytes);
	ok = rd_u8(&rd) == CLAUSE_VERSION;
	ret->id = rd_u64(&rd);
	ret->created_s = rd_u64(&rd);
	ret->expires_s = rd_u64(&rd);
	ret->task = rd_u64(&rd);
	ret->left = rd_u32(&rd);
	name = rd_blob(&rd, LIMIT_NAME);
	buf_reset(&ret->args);
	buf_span(&ret->args, rd_blob(&rd, CLAUSE_BYTES));
	if (!ok || !rd_end(&rd) || !ret->id || !name.n || !utf8_valid(name) ||
	    str_copy(ret->capability, sizeof(ret->capability), name) < 0 ||
	    !clause_view(ret, &v))
		return -EPROTO;
	return 0;
}
