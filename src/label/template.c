/* template: see template.h. */
#include "label/template.h"

static struct span take(struct span *rest, size_t n)
{
	struct span s = span_of(rest->p, n);

	*rest = span_of(rest->p + n, rest->n - n);
	return s;
}

static struct template_piece bad(void)
{
	return (struct template_piece){ .kind = TEMPLATE_BAD };
}

/* {N}: one or two digits, without a leading zero. */
static struct template_piece place(struct span *rest)
{
	unsigned arg = 0;
	size_t i = 1;

	while (i < rest->n && i < 4 && rest->p[i] >= '0' && rest->p[i] <= '9')
		arg = arg * 10 + (rest->p[i++] - '0');
	if (i == 1 || i == rest->n || rest->p[i] != '}' ||
	    arg >= TEMPLATE_ARGS || (i > 2 && rest->p[1] == '0'))
		return bad();
	(void)take(rest, i + 1);
	return (struct template_piece){ .kind = TEMPLATE_ARG, .arg = arg };
}

struct template_piece template_next(struct span *rest)
{
	size_t i = 0;

	if (!rest->n)
		return (struct template_piece){ .kind = TEMPLATE_END };
	while (i < rest->n && rest->p[i] != '{' && rest->p[i] != '}')
		i++;
	if (i)
		return (struct template_piece){ .kind = TEMPLATE_TEXT,
						.text = take(rest, i) };
	if (rest->n > 1 && rest->p[1] == rest->p[0]) {
		struct span brace = take(rest, 1);

		(void)take(rest, 1);
		return (struct template_piece){ .kind = TEMPLATE_TEXT,
						.text = brace };
	}
	return rest->p[0] == '{' ? place(rest) : bad();
}
