/* imperative: see imperative.h. */
#include "imperative.h"

/* One word without the punctuation around it. */
struct word {
	struct span s;
	bool pause;	 /* a comma, colon, dash or bracket follows */
	bool line_start; /* first of its line */
};

struct sentence {
	struct word words[IMPERATIVE_WORDS];
	size_t n;
	bool mood; /* an order was found in it, so "and" may bring another */
};

struct text {
	struct span all;
	size_t pos;
};

/* --- words ------------------------------------------------------------- */

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 'a' - 'A') : c;
}

bool span_same(struct span a, const char *b)
{
	size_t i;

	for (i = 0; i < a.n; i++)
		if (!b[i] || lower(a.p[i]) != lower((uint8_t)b[i]))
			return false;
	return b[a.n] == 0;
}

static bool one_of(struct span s, const char *const *list)
{
	for (; *list; list++)
		if (span_same(s, *list))
			return true;
	return false;
}

/* Punctuation of more than one byte that people's programs write. */
static const struct {
	const char *bytes;
	char as; /* the ASCII sign it counts as */
} signs[] = {
	{ "\xe2\x80\x98", '"' }, { "\xe2\x80\x99", '"' },
	{ "\xe2\x80\x9c", '"' }, { "\xe2\x80\x9d", '"' },
	{ "\xe2\x80\x9e", '"' }, { "\xc2\xab", '"' },
	{ "\xc2\xbb", '"' },	 { "\xe2\x80\x93", ',' },
	{ "\xe2\x80\x94", ',' }, { "\xe2\x80\xa6", '.' },
	{ "\xe2\x80\xa2", '*' },
};

static const char opening[] = "\"'`([{<*-";
static const char closing[] = "\"'`)]}>*,;:.!?-";

/* The sign s begins (or ends, if at_end) with, and its length; 0 if none. */
static char sign_of(struct span s, bool at_end, size_t *len)
{
	const char *set = at_end ? closing : opening;
	const char *hit;
	size_t i;
	uint8_t c;

	if (!s.n)
		return 0;
	for (i = 0; i < ARRAY_SIZE(signs); i++) {
		size_t n = strlen(signs[i].bytes);

		*len = n;
		if (s.n >= n && memcmp(at_end ? s.p + s.n - n : s.p,
				       signs[i].bytes, n) == 0)
			return signs[i].as;
	}
	*len = 1;
	c = at_end ? s.p[s.n - 1] : s.p[0];
	hit = c ? strchr(set, c) : NULL;
	if (!hit)
		return 0;
	return *hit;
}

/* Bytes of white space at p, 0 if there is none. */
static size_t space_len(struct span s)
{
	if (s.n && (s.p[0] == ' ' || (s.p[0] >= '\t' && s.p[0] <= '\r')))
		return 1;
	if (s.n >= 2 && s.p[0] == 0xc2 && s.p[1] == 0xa0)
		return 2;
	return 0;
}

static struct span rest(const struct text *t)
{
	return span_of(t->all.p + t->pos, t->all.n - t->pos);
}

/* Skips white space; returns how many newlines were in it. */
static size_t skip_space(struct text *t)
{
	size_t newlines = 0;
	size_t n;

	while ((n = space_len(rest(t))) > 0) {
		newlines += t->all.p[t->pos] == '\n';
		t->pos += n;
	}
	return newlines;
}

/* The bytes up to the next white space; a quoted NAME="a b" is one word. */
static struct span raw_word(struct text *t)
{
	size_t start = t->pos;
	bool quoted = false;

	while (t->pos < t->all.n) {
		uint8_t c = t->all.p[t->pos];

		if (c == '\n' || (!quoted && space_len(rest(t))))
			break;
		if (c == '"' && t->pos > start)
			quoted = quoted ? false : t->all.p[t->pos - 1] == '=';
		t->pos++;
	}
	return span_of(t->all.p + start, t->pos - start);
}

/* Strips punctuation; true if it ended a sentence. */
static bool trim(struct word *w)
{
	bool stop = false;
	size_t len;
	char c;

	while (sign_of(w->s, false, &len))
		w->s = span_of(w->s.p + len, w->s.n - len);
	while ((c = sign_of(w->s, true, &len))) {
		w->s.n -= len;
		stop |= c == '.' || c == '!' || c == '?';
		w->pause |= c == ',' || c == ';' || c == ':' || c == ')' ||
			    c == '-';
	}
	return stop;
}

/* Reads the next sentence; false at the end of the text. */
static bool next_sentence(struct text *t, struct sentence *s)
{
	bool stop = false;

	s->n = 0;
	s->mood = false;
	while (!stop && s->n < IMPERATIVE_WORDS) {
		struct word *w = &s->words[s->n];
		size_t before = t->pos;
		size_t newlines = skip_space(t);

		if (t->pos == t->all.n)
			break;
		if (newlines > 1 && s->n) {
			t->pos = before;
			break;
		}
		*w = (struct word){ .s = raw_word(t),
				    .line_start = newlines > 0 };
		stop = trim(w);
		if (w->s.n)
			s->n++;
		else if (s->n)
			s->words[s->n - 1].pause = true;
	}
	return s->n > 0 || t->pos < t->all.n;
}

/* --- what words are ---------------------------------------------------- */

#define WORDS(name, ...) static const char *const name[] = { __VA_ARGS__, NULL }

WORDS(send_verbs, "send", "forward", "post", "upload", "transmit", "deliver",
      "mail", "email", "e-mail", "submit", "share", "transfer", "leak",
      "exfiltrate", "dispatch", "copy");
WORDS(use_verbs, "use", "invoke", "run", "employ", "utilize", "utilise");
WORDS(call_verbs, "call", "invoke", "run", "execute");
WORDS(delete_verbs, "delete", "erase", "wipe", "remove");
WORDS(reply_verbs, "reply", "respond", "answer");
WORDS(openers, "ignore", "disregard", "forget", "override", "stop", "open",
      "read", "please", "kindly");
WORDS(articles, "the", "a", "an", "your", "our", "my", "this", "that", "these",
      "their", "his", "her", "its");
WORDS(no_names, "it", "them", "one", "any", "all", "me", "us", "him", "to");
WORDS(nouns, "tool", "capability", "function", "command", "api", "action",
      "method");
WORDS(means, "using", "via", "through", "with");
WORDS(fillers, "the", "a", "an", "address", "channel", "server", "url", "site",
      "host", "account", "endpoint", "at", "my", "our", "email", "e-mail",
      "mail");
WORDS(reporters, "we", "i", "they", "he", "she", "it");
WORDS(conditions, "if", "when", "unless", "to", "once", "after", "before",
      "for");
WORDS(lead_ins, "please", "kindly", "now", "immediately", "just", "simply");
WORDS(joins, "and", "then", "also", "or");
WORDS(modals, "must", "should", "shall", "will");
WORDS(obliged, "need", "have", "required", "you", "instructed");
WORDS(asks, "can", "could", "would", "will");

/* Written like a name in a program, so that nobody takes it for prose. */
static bool looks_named(struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (c == '_' || c == '/' || (c >= '0' && c <= '9') ||
		    (i && i + 1 < s.n && (c == '.' || c == ':')) ||
		    (i && c >= 'A' && c <= 'Z' && s.p[i - 1] >= 'a' &&
		     s.p[i - 1] <= 'z'))
			return true;
	}
	return false;
}

/* An address, host, URL, channel or path. */
static bool looks_like_target(struct span s)
{
	size_t i;

	if (s.n > 1 && (s.p[0] == '#' || s.p[0] == '@'))
		return true;
	for (i = 1; i + 1 < s.n; i++)
		if (s.p[i] == '@' || s.p[i] == '.' || s.p[i] == '/' ||
		    s.p[i] == ':')
			return true;
	return false;
}

/* The word at i, the empty span behind the end. */
static struct span at(const struct sentence *s, size_t i)
{
	return i < s->n ? s->words[i].s : (struct span){ 0 };
}

/* From the first byte of word a to the last byte before word b. */
static struct span between(const struct sentence *s, size_t a, size_t b)
{
	const uint8_t *from, *to;

	if (a >= b || b > s->n)
		return (struct span){ 0 };
	from = s->words[a].s.p;
	to = s->words[b - 1].s.p + s->words[b - 1].s.n;
	return span_of(from, (size_t)(to - from));
}

static bool is_upper(struct span s)
{
	return s.n && s.p[0] >= 'A' && s.p[0] <= 'Z';
}

/* May an order begin at word i? See imperative.h. */
static bool may_start(const struct sentence *s, size_t i)
{
	struct span last, second;

	if (i == 0 || (s->words[i].line_start && is_upper(at(s, i))))
		return true;
	last = at(s, i - 1);
	second = i > 1 ? at(s, i - 2) : (struct span){ 0 };
	if (one_of(last, lead_ins))
		return true;
	if (one_of(last, joins) && (s->mood || one_of(at(s, 0), openers)))
		return true;
	if (s->words[i - 1].pause && !one_of(at(s, 0), reporters))
		return true;
	if (one_of(last, modals) && span_same(second, "you"))
		return true;
	if (span_same(last, "to") && one_of(second, obliged))
		return !one_of(at(s, 0), reporters) || span_same(second, "you");
	return span_same(last, "you") && one_of(second, asks);
}

/* --- the grammar: each rule returns the word behind it, 0 if it is none -- */

/*
 * [the] CAPABILITY [tool]. Strict: the name must look like one, or a noun
 * says that it is one.
 */
static size_t rule_capability(const struct sentence *s, size_t i, bool strict,
			      struct span *ret)
{
	bool article = one_of(at(s, i), articles);
	bool noun_first;
	bool noun;

	if (article)
		i++;
	noun_first = one_of(at(s, i), nouns) && looks_named(at(s, i + 1));
	if (noun_first)
		i++;
	if (i >= s->n || one_of(at(s, i), no_names) ||
	    one_of(at(s, i), articles))
		return 0;
	noun = one_of(at(s, i + 1), nouns);
	if ((strict || article) && !noun && !noun_first &&
	    !looks_named(at(s, i)))
		return 0;
	*ret = at(s, i);
	return i + 1 + (noun ? 1 : 0);
}

/* "to" [the server] TARGET; must: the target has to look like one. */
static size_t rule_target(const struct sentence *s, size_t i, bool must,
			  struct span *ret)
{
	if (!span_same(at(s, i), "to") && !span_same(at(s, i), "at"))
		return 0;
	for (i++; i < s->n && one_of(at(s, i), fillers); i++)
		continue;
	if (i >= s->n || (must && !looks_like_target(at(s, i))))
		return 0;
	*ret = at(s, i);
	return i + 1;
}

/* WHAT to TARGET, from word i; a likely target first, else any. */
static size_t rule_what_target(const struct sentence *s, size_t i, bool must,
			       struct imperative *o)
{
	size_t k, end;

	if (looks_like_target(at(s, i)) && i + 1 < s->n && !s->words[i].pause &&
	    !span_same(at(s, i + 1), "to")) {
		o->target = at(s, i);
		o->what = between(s, i + 1, s->n);
		return s->n;
	}
	for (k = i; k < s->n; k++) {
		end = rule_target(s, k, true, &o->target);
		if (end) {
			o->what = between(s, i, k);
			return end;
		}
	}
	for (k = i + 1; k < s->n && !must; k++) {
		end = rule_target(s, k, false, &o->target);
		if (end) {
			o->what = between(s, i, k);
			return end;
		}
	}
	return 0;
}

/* use CAPABILITY to VERB WHAT [to TARGET] */
static size_t rule_use(const struct sentence *s, size_t i, struct imperative *o)
{
	size_t end;

	if (!one_of(at(s, i), use_verbs))
		return 0;
	i = rule_capability(s, i + 1, false, &o->capability);
	if (!i || (!span_same(at(s, i), "to") && !span_same(at(s, i), "and")) ||
	    i + 2 >= s->n)
		return 0;
	o->verb = at(s, i + 1);
	end = rule_what_target(s, i + 2, false, o);
	if (end)
		return end;
	o->what = between(s, i + 2, s->n);
	return s->n;
}

/* using CAPABILITY, VERB ... */
static size_t rule_using(const struct sentence *s, size_t i,
			 struct imperative *o)
{
	if (!one_of(at(s, i), means))
		return 0;
	i = rule_capability(s, i + 1, true, &o->capability);
	if (!i || !one_of(at(s, i), send_verbs))
		return 0;
	o->verb = at(s, i);
	return rule_what_target(s, i + 1, false, o);
}

/* send WHAT to TARGET [using CAPABILITY] */
static size_t rule_send(const struct sentence *s, size_t i,
			struct imperative *o)
{
	struct imperative other = { 0 };
	size_t end, k, behind;

	if (!one_of(at(s, i), send_verbs))
		return 0;
	o->verb = at(s, i);
	end = rule_what_target(s, i + 1, true, o);
	if (end && one_of(at(s, end), means)) {
		behind = rule_capability(s, end + 1, true, &o->capability);
		return behind ? behind : end;
	}
	if (end)
		return end;
	/* With a named capability anything can be the target. */
	for (k = i + 2; k < s->n; k++) {
		if (!one_of(at(s, k), means) ||
		    !rule_capability(s, k + 1, true, &o->capability))
			continue;
		end = rule_what_target(s, i + 1, false, &other);
		if (!end || end > k)
			return 0;
		o->what = other.what;
		o->target = other.target;
		return rule_capability(s, k + 1, true, &o->capability);
	}
	return 0;
}

static bool split_pair(struct span word, struct imperative_pair *ret)
{
	const uint8_t *eq = memchr(word.p, '=', word.n);
	size_t n;
	size_t len;

	if (!eq || eq == word.p)
		return false;
	n = (size_t)(eq - word.p);
	ret->name = span_of(word.p, n);
	ret->value = span_of(eq + 1, word.n - n - 1);
	while (sign_of(ret->value, false, &len))
		ret->value = span_of(ret->value.p + len, ret->value.n - len);
	return true;
}

/* call CAPABILITY with NAME=VALUE, NAME=VALUE and NAME=VALUE */
static size_t rule_call(const struct sentence *s, size_t i,
			struct imperative *o)
{
	if (!one_of(at(s, i), call_verbs))
		return 0;
	o->verb = at(s, i);
	i = rule_capability(s, i + 1, false, &o->capability);
	if (!i || !span_same(at(s, i), "with"))
		return 0;
	for (i++; i < s->n && o->n_pairs < IMPERATIVE_PAIRS; i++) {
		if (split_pair(at(s, i), &o->pairs[o->n_pairs]))
			o->n_pairs++;
		else if (!span_same(at(s, i), "and"))
			break;
	}
	return o->n_pairs ? i : 0;
}

/* reply [to TARGET] with WHAT */
static size_t rule_reply(const struct sentence *s, size_t i,
			 struct imperative *o)
{
	size_t k;

	if (!one_of(at(s, i), reply_verbs))
		return 0;
	o->verb = at(s, i);
	for (k = i + 1; k < s->n && k < i + 6; k++) {
		(void)rule_target(s, k, true, &o->target);
		if (!span_same(at(s, k), "with") &&
		    !span_same(at(s, k), "saying"))
			continue;
		o->what = between(s, k + 1, s->n);
		return o->what.n ? s->n : 0;
	}
	return 0;
}

/* delete WHAT */
static size_t rule_delete(const struct sentence *s, size_t i,
			  struct imperative *o)
{
	size_t end;

	if (!one_of(at(s, i), delete_verbs) || i + 1 >= s->n)
		return 0;
	o->verb = at(s, i);
	for (end = i + 1; end < s->n; end++)
		if (one_of(at(s, end), joins) || s->words[end].pause)
			break;
	if (end < s->n && s->words[end].pause)
		end++;
	o->what = between(s, i + 1, end);
	return o->what.n ? end : 0;
}

static const struct {
	size_t (*fn)(const struct sentence *s, size_t i, struct imperative *o);
	bool named; /* it names its capability: taken even in a condition */
} rules[] = {
	{ rule_use, true },   { rule_using, true },  { rule_call, true },
	{ rule_send, false }, { rule_reply, false }, { rule_delete, false },
};

/* The order that begins at word i; the word behind it, 0 if there is none. */
static size_t match(const struct sentence *s, size_t i, struct imperative *ret)
{
	bool conditional = i > 0 && one_of(at(s, 0), conditions);
	size_t r, end;

	for (r = 0; r < ARRAY_SIZE(rules); r++) {
		*ret = (struct imperative){ 0 };
		end = rules[r].fn(s, i, ret);
		if (end &&
		    (!conditional || rules[r].named || ret->capability.n))
			return end;
	}
	return 0;
}

size_t imperative_find(struct span text, struct imperative *ret)
{
	static struct sentence s;
	struct text t = { text, 0 };
	size_t n = 0;

	if (t.all.n > IMPERATIVE_TEXT)
		t.all.n = IMPERATIVE_TEXT;
	while (n < IMPERATIVE_MAX && next_sentence(&t, &s)) {
		size_t i = 0;

		while (i < s.n && n < IMPERATIVE_MAX) {
			size_t end =
				may_start(&s, i) ? match(&s, i, &ret[n]) : 0;

			s.mood |= end > 0;
			n += end > 0;
			i = end > i ? end : i + 1;
		}
	}
	return n;
}
