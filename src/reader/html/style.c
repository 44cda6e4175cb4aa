/*
 * style: see style.h. The window is 1024 by 768 and white, remote images are
 * not loaded, so text stands on the colour behind them.
 */
#include "reader/html/style.h"

#define WINDOW_W    1024.0
#define WINDOW_H    768.0
#define FONT_PX_MIN 3.0 /* smaller letters are dots */
#define OPACITY_MIN 0.1
#define BOX_PX_MAX  1.0 /* a clipped box this small shows nothing */
#define AWAY_PX	    100.0
#define FAR_PX	    5000.0
/* of 255: channels closer than this cannot be told apart */
#define CHANNEL_NEAR 24

const struct style style_initial = {
	.box = BOX_BLOCK,
	.opacity = 1,
	.font_px = 16,
	.line_px = 19,
	.color = 0x000000ff,
	.back = 0xffffffff,
};

static bool is_set(const struct css_value *v)
{
	return v->weight && v->unit != CSS_INITIAL && v->unit != CSS_INHERIT;
}

static bool is_keyword(const struct css_value *v, enum css_keyword k)
{
	return is_set(v) && v->unit == CSS_KEYWORD && (int)v->num == (int)k;
}

/* The length in pixels; false if there is none. base: what 100 % are. */
static bool px_of(const struct css_value *v, double font_px, double base,
		  double *ret)
{
	if (!is_set(v))
		return false;
	switch (v->unit) {
	case CSS_PX:
		*ret = v->num;
		return true;
	case CSS_EM:
		*ret = v->num * font_px;
		return true;
	case CSS_REM:
		*ret = v->num * 16;
		return true;
	case CSS_PERCENT:
		*ret = v->num * base / 100;
		return true;
	case CSS_VW:
		*ret = v->num * WINDOW_W / 100;
		return true;
	case CSS_VH:
		*ret = v->num * WINDOW_H / 100;
		return true;
	case CSS_KEYWORD:
	case CSS_RGBA:
	case CSS_INHERIT:
	case CSS_INITIAL:
		break;
	}
	return false;
}

static uint32_t channel(uint32_t rgba, unsigned int i)
{
	return rgba >> (24 - 8 * i) & 0xff;
}

/* top over bottom, which is opaque. */
static uint32_t blend(uint32_t top, uint32_t bottom)
{
	uint32_t a = top & 0xff;
	uint32_t out = 0xff;

	for (unsigned int i = 0; i < 3; i++) {
		uint32_t c =
			(channel(top, i) * a + channel(bottom, i) * (255 - a)) /
			255;

		out |= c << (24 - 8 * i);
	}
	return out;
}

static bool near_color(uint32_t a, uint32_t b)
{
	for (unsigned int i = 0; i < 3; i++) {
		int d = (int)channel(a, i) - (int)channel(b, i);

		if (d > CHANNEL_NEAR || d < -CHANNEL_NEAR)
			return false;
	}
	return true;
}

static void compute_font(struct style *s, const struct style *parent,
			 const struct css_value *v)
{
	double px;

	if (is_keyword(&v[CSS_FONT_SIZE], CSS_K_UNKNOWN))
		s->font_px = 0;
	else if (px_of(&v[CSS_FONT_SIZE], parent->font_px, parent->font_px,
		       &px))
		s->font_px = px;
	else if (v[CSS_FONT_SIZE].weight &&
		 v[CSS_FONT_SIZE].unit == CSS_INITIAL)
		s->font_px = 16;
}

static void compute_ink(struct style *s, const struct css_value *v)
{
	if (v->weight && v->unit != CSS_INHERIT)
		s->has_ink = is_set(v) && !is_keyword(v, CSS_K_SAME);
	if (is_keyword(v, CSS_K_UNKNOWN))
		s->ink = 0;
	else if (is_set(v) && v->unit == CSS_RGBA)
		s->ink = v->rgba;
}

/* A colour that is not known is one that cannot be seen. */
static void compute_color(struct style *s, const struct css_value *v)
{
	const struct css_value *c = &v[CSS_COLOR];
	const struct css_value *b = &v[CSS_BACKGROUND];

	if (is_keyword(c, CSS_K_UNKNOWN))
		s->color = 0;
	else if (is_set(c) && c->unit == CSS_RGBA)
		s->color = c->rgba;
	else if (c->weight && c->unit == CSS_INITIAL)
		s->color = 0x000000ff;
	compute_ink(s, &v[CSS_INK]);
	if (is_keyword(b, CSS_K_UNKNOWN) || is_keyword(b, CSS_K_SAME))
		s->back = blend(s->color, s->back);
	else if (is_set(b))
		s->back = blend(b->rgba, s->back);
}

/* Lines of no height in a box that cuts them off and grows with them. */
static void compute_line(struct style *s, bool shrinks,
			 const struct css_value *v)
{
	double px;

	if (px_of(&v[CSS_LINE_HEIGHT], s->font_px, s->font_px, &px))
		s->line_px = px;
	if (shrinks && s->box != BOX_INLINE &&
	    is_keyword(&v[CSS_OVERFLOW], CSS_K_HIDDEN) &&
	    !px_of(&v[CSS_HEIGHT], s->font_px, WINDOW_H, &px))
		s->clips = true;
}

static void compute_box(struct style *s, enum style_box box,
			const struct css_value *v)
{
	s->box = box;
	if (is_keyword(&v[CSS_DISPLAY], CSS_K_BLOCK))
		s->box = BOX_BLOCK;
	else if (is_keyword(&v[CSS_DISPLAY], CSS_K_INLINE))
		s->box = BOX_INLINE;
	else if (is_set(&v[CSS_DISPLAY]))
		s->box = BOX_OTHER;
	if (is_set(&v[CSS_WHITE_SPACE]))
		s->pre = is_keyword(&v[CSS_WHITE_SPACE], CSS_K_PRE);
}

static bool px_at_most(const struct css_value *v, const struct style *s,
		       double max)
{
	double px;

	return px_of(v, s->font_px, WINDOW_W, &px) && px <= max;
}

static bool zero_size(const struct style *s, bool shrinks,
		      const struct css_value *v)
{
	bool positioned = is_keyword(&v[CSS_POSITION], CSS_K_ABSOLUTE);

	if (is_keyword(&v[CSS_TRICK], CSS_K_ZERO) ||
	    is_keyword(&v[CSS_CLIP], CSS_K_ZERO) ||
	    is_keyword(&v[CSS_TRANSFORM], CSS_K_ZERO))
		return true;
	if (!shrinks || (s->box == BOX_INLINE && !positioned))
		return false;
	if (!is_keyword(&v[CSS_OVERFLOW], CSS_K_HIDDEN))
		return false;
	return px_at_most(&v[CSS_WIDTH], s, BOX_PX_MAX) ||
	       px_at_most(&v[CSS_HEIGHT], s, BOX_PX_MAX) ||
	       px_at_most(&v[CSS_MAX_WIDTH], s, BOX_PX_MAX) ||
	       px_at_most(&v[CSS_MAX_HEIGHT], s, BOX_PX_MAX);
}

/* The edge at which a box starts lies outside of the window. */
static bool edge_away(const struct css_value *v, const struct style *s,
		      double base)
{
	double px;

	return px_of(v, s->font_px, base, &px) &&
	       (px <= -AWAY_PX || px >= FAR_PX);
}

static bool off_screen(const struct style *s, const struct css_value *v)
{
	bool moved = is_keyword(&v[CSS_POSITION], CSS_K_ABSOLUTE) ||
		     is_keyword(&v[CSS_POSITION], CSS_K_RELATIVE);

	if (is_keyword(&v[CSS_TRANSFORM], CSS_K_AWAY))
		return true;
	if (moved && (edge_away(&v[CSS_LEFT], s, WINDOW_W) ||
		      edge_away(&v[CSS_RIGHT], s, WINDOW_W) ||
		      edge_away(&v[CSS_TOP], s, WINDOW_H) ||
		      edge_away(&v[CSS_BOTTOM], s, WINDOW_H)))
		return true;
	/* margins pull boxes over each other; only far is hidden */
	return px_at_most(&v[CSS_MARGIN_LEFT], s, -10 * AWAY_PX) ||
	       px_at_most(&v[CSS_MARGIN_TOP], s, -10 * AWAY_PX);
}

static enum message_removed_kind
subtree_hides(const struct style *s, bool shrinks, const struct css_value *v)
{
	if (is_keyword(&v[CSS_DISPLAY], CSS_K_NONE) ||
	    is_keyword(&v[CSS_DISPLAY], CSS_K_UNKNOWN))
		return REMOVED_DISPLAY_NONE;
	if (s->opacity < OPACITY_MIN)
		return REMOVED_OPACITY;
	if (zero_size(s, shrinks, v))
		return REMOVED_ZERO_SIZE;
	if (off_screen(s, v))
		return REMOVED_OFF_SCREEN;
	return 0;
}

static void compute_inherited(struct style *s, const struct css_value *v)
{
	const struct css_value *vis = &v[CSS_VISIBILITY];
	double px;

	if (is_set(vis))
		s->invisible = !is_keyword(vis, CSS_K_VISIBLE);
	else if (vis->weight && vis->unit == CSS_INITIAL)
		s->invisible = false;
	if (is_keyword(&v[CSS_OPACITY], CSS_K_UNKNOWN))
		s->opacity = 0;
	else if (is_set(&v[CSS_OPACITY]))
		s->opacity *= v[CSS_OPACITY].num;
	if (px_of(&v[CSS_TEXT_INDENT], s->font_px, WINDOW_W, &px))
		s->away = px < -AWAY_PX || px > FAR_PX ||
			  (px > WINDOW_W * 0.9 &&
			   is_keyword(&v[CSS_OVERFLOW], CSS_K_HIDDEN));
}

struct style style_compute(const struct style *parent, enum style_box box,
			   bool shrinks, const struct css_value *v)
{
	struct style s = *parent;

	s.box = box;
	if (!v)
		return s;
	compute_font(&s, parent, v);
	compute_color(&s, v);
	compute_box(&s, box, v);
	compute_line(&s, shrinks, v);
	compute_inherited(&s, v);
	if (!s.hide)
		s.hide = subtree_hides(&s, shrinks, v);
	return s;
}

enum message_removed_kind style_hides(const struct style *s)
{
	uint32_t ink;

	if (s->hide)
		return s->hide;
	if (s->invisible)
		return REMOVED_VISIBILITY;
	if (s->font_px < FONT_PX_MIN || (s->clips && s->line_px <= BOX_PX_MAX))
		return REMOVED_ZERO_SIZE;
	if (s->away)
		return REMOVED_OFF_SCREEN;
	ink = s->has_ink ? s->ink : s->color;
	if ((ink & 0xff) < OPACITY_MIN * 255 ||
	    near_color(blend(ink, s->back), s->back))
		return REMOVED_COLOUR;
	return 0;
}
