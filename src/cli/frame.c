/* frame: see frame.h. */
#include "cli/frame.h"

#include <stdlib.h>

#include "base/fd.h"
#include "base/str.h"
#include "proto/mux.h"
#include "proto/wire.h"
#include "render/render.h"

enum { INDENT = 6, SAYS = 64 };

static const char *const message_names[] = {
	[WIRE_HELLO] = "HELLO",
	[WIRE_ACK] = "ACK",
	[WIRE_READY] = "READY",
	[WIRE_EXIT] = "EXIT",
};

static const char *const mux_names[] = {
	[MUX_DATA] = "data",
	[MUX_UPDATE] = "window",
	[MUX_PING] = "ping",
	[MUX_GO_AWAY] = "go-away",
};

static const char *const flag_names[] = { "syn", "ack", "fin", "rst" };

static const char *type_name(const struct m_frame *f)
{
	const char *name = NULL;

	if (f->kind == FRAME_MESSAGE && f->type < ARRAY_SIZE(message_names))
		name = message_names[f->type];
	else if (f->kind == FRAME_MUX && f->type < ARRAY_SIZE(mux_names))
		name = mux_names[f->type];
	return name ? name : "unknown";
}

/* A new stream's first byte says it, before anybody knows. */
static uint8_t service_of(const struct m_frame *f)
{
	if (!f->service && f->kind == FRAME_MUX && f->type == MUX_DATA &&
	    f->flags & MUX_SYN && f->first.n)
		return f->first.p[0];
	return f->service;
}

static const char *service_name(const struct m_frame *f)
{
	const char *name = wire_service_name((enum wire_service)service_of(f));

	if (f->kind == FRAME_MESSAGE)
		return "handshake";
	return name ? name : "-";
}

/* Of data, without the byte that names a new stream's service. Nothing of a
 * handshake, even if somebody sent it. */
static struct span payload_of(const struct m_frame *f)
{
	struct span s = f->first;

	if (f->kind != FRAME_MUX || f->type != MUX_DATA)
		return span_of(NULL, 0);
	if (f->flags & MUX_SYN && s.n && s.p[0] == service_of(f))
		s = span_of(s.p + 1, s.n - 1);
	return s;
}

/* READY and EXIT travel as messages on the control stream. */
static void says_control(const struct m_frame *f, char *dst, size_t cap)
{
	struct span rest = payload_of(f);
	struct wire_in in = { 0 };
	struct wire_msg m;
	struct wire_exit e;

	if (wire_in_next(&in, &rest, &m) != 1)
		return;
	if (m.type == WIRE_READY)
		(void)str_printf(dst, cap, "READY");
	else if (m.type == WIRE_EXIT && wire_exit_get(m.payload, &e) == WIRE_OK)
		(void)str_printf(dst, cap, "EXIT, %s %u",
				 e.kind == WIRE_EXIT_CODE ? "code" : "signal",
				 e.status);
}

/* What a frame means, in own words; "" where its payload says it. */
static void says(const struct m_frame *f, char *dst, size_t cap)
{
	dst[0] = 0;
	if (f->kind == FRAME_MESSAGE)
		(void)str_printf(
			dst, cap, "%s",
			f->type == WIRE_HELLO ? "key and random bytes not shown"
			: f->type == WIRE_ACK ? "proof of the key not shown"
					      : "");
	else if (f->type == MUX_UPDATE)
		(void)str_printf(dst, cap, "%u bytes more may be sent",
				 f->length);
	else if (f->type == MUX_PING)
		(void)str_printf(dst, cap, "number %u", f->length);
	else if (f->type == MUX_GO_AWAY)
		(void)str_printf(dst, cap, "reason %u", f->length);
	else if (f->type == MUX_DATA && service_of(f) == WIRE_CONTROL)
		says_control(f, dst, cap);
}

/* As much of the payload as is shown: whole characters. */
static struct span shown(const struct m_frame *f, bool full)
{
	struct span s = payload_of(f);

	if (!full && s.n > FRAME_SHOWN) {
		size_t n = FRAME_SHOWN;

		while (n > FRAME_SHOWN - 3 && (s.p[n] & 0xc0) == 0x80)
			n--;
		s.n = n;
	}
	return s;
}

static void put_flags(struct buf *b, uint32_t flags)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flag_names); i++)
		if (flags & 1u << i)
			buf_printf(b, " %s", flag_names[i]);
	if (flags >> ARRAY_SIZE(flag_names))
		buf_str(b, " and unknown flags");
}

/* "    1.204 s  <-  #2   control   data syn": own words and numbers only. */
static void put_head(struct buf *b, const struct show *how,
		     const struct m_frame *f)
{
	CLEAN_BUF struct buf what;
	char text[64];

	buf_init(&what, 256);
	(void)str_printf(text, sizeof(text), "%5llu.%03llu s  ",
			 (unsigned long long)(f->at_us / 1000000),
			 (unsigned long long)(f->at_us / 1000 % 1000));
	show_put(b, how, SHOW_DIM, text);
	show_put(b, how, f->out ? SHOW_BOLD : SHOW_GOOD, f->out ? "->" : "<-");
	text[0] = 0;
	if (f->kind == FRAME_MUX)
		(void)str_printf(text, sizeof(text), "#%u", f->stream);
	buf_printf(b, "  %-5s%-10s", text, service_name(f));
	buf_str(&what, type_name(f));
	if (f->kind == FRAME_MUX)
		put_flags(&what, f->flags);
	if (f->kind == FRAME_MESSAGE || f->type == MUX_DATA)
		buf_printf(b, "%-14s  %u byte%s", buf_cstr(&what), f->length,
			   f->length == 1 ? "" : "s");
	else
		buf_span(b, buf_view(&what));
}

void frame_print(struct buf *b, const struct show *how, const struct m_frame *f,
		 bool full)
{
	struct span payload = shown(f, full);
	bool cut = payload.n < payload_of(f).n || f->first.n < f->length;
	char own[SAYS];

	if (f->missed) {
		char text[64];

		(void)str_printf(text, sizeof(text),
				 "%*s%u frames were too fast for this view\n",
				 INDENT, "", f->missed);
		show_put(b, how, SHOW_BAD, text);
	}
	says(f, own, sizeof(own));
	put_head(b, how, f);
	if (own[0])
		buf_printf(b, "  %s", own);
	buf_u8(b, '\n');
	while (payload.n && payload.p[payload.n - 1] == '\n')
		payload.n--;
	if (!payload.n || own[0])
		return;
	buf_printf(b, "%*s", INDENT, "");
	show_text(b, how, payload, INDENT, INDENT);
	if (cut)
		show_put(b, how, SHOW_DIM, " ...");
	buf_u8(b, '\n');
}

static json_t *flags_json(uint32_t flags)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flag_names); i++)
		if (flags & 1u << i)
			(void)json_array_append_new(list,
						    json_string(flag_names[i]));
	return list;
}

json_t *frame_json(const struct m_frame *f, bool full)
{
	static const struct render_opts ascii = { .ascii = true };
	struct span payload = shown(f, full);
	CLEAN_FREE char *hex = malloc(2 * payload.n + 1);
	CLEAN_BUF struct buf text = { 0 };
	char own[SAYS];

	if (!hex)
		return NULL;
	buf_init(&text, 64 << 10);
	render_text(&text, payload, &ascii, NULL);
	hex_encode(hex, payload.p, payload.n);
	says(f, own, sizeof(own));
	return json_pack("{s:I, s:I, s:b, s:s, s:s, s:o, s:I, s:s, s:I, s:s, "
			 "s:s, s:s}",
			 "at_us", (json_int_t)(f->at_us & INT64_MAX), "missed",
			 (json_int_t)f->missed, "out", (int)f->out, "kind",
			 f->kind == FRAME_MESSAGE ? "message" : "mux", "type",
			 type_name(f), "flags", flags_json(f->flags), "stream",
			 (json_int_t)f->stream, "service", service_name(f),
			 "length", (json_int_t)f->length, "says", own, "text",
			 buf_cstr(&text), "hex", hex);
}
