/*
 * Fuzzes grammar with whatever JSON for tools: what it makes is a grammar: each
 * literal is closed, each rule is defined once, and no rule is mentioned that
 * is not.
 *
 * #fuzz: -max_len=16384
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/span.h"
#include "grammar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Behind a literal or a class whose inside begins at p. */
static const char *closed(const char *p, char end)
{
	while (*p != end) {
		if (!*p || *p == '\n')
			abort();
		p += *p == '\\' ? 2 : 1;
	}
	return p + 1;
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Numbers of rules "v0", "v1" ...: how often they are defined, mentioned. */
static unsigned char defined[GRAMMAR_RULES], mentioned[GRAMMAR_RULES];

static const char *word(const char *p)
{
	const char *begin = p;
	unsigned long number;

	while (is_word(*p))
		p++;
	if (*begin != 'v' || p == begin + 1)
		return p;
	number = strtoul(begin + 1, NULL, 10);
	if (number >= GRAMMAR_RULES)
		abort();
	if (strncmp(p, " ::= ", 5) != 0)
		mentioned[number] = 1;
	else if (defined[number]++)
		abort();
	return p;
}

static void check(const char *p)
{
	size_t i;

	memset(defined, 0, sizeof(defined));
	memset(mentioned, 0, sizeof(mentioned));
	while (*p) {
		if (*p == '"' || *p == '[')
			p = closed(p + 1, *p == '"' ? '"' : ']');
		else if (is_word(*p))
			p = word(p);
		else if (strchr(" |()?*{,}:=-\n\t", *p))
			p++;
		else
			abort();
	}
	for (i = 0; i < GRAMMAR_RULES; i++)
		if (defined[i] != mentioned[i])
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *tools = json_loadb((const char *)data, size, 0, NULL);
	CLEAN_BUF struct buf b;

	buf_init(&b, GRAMMAR_BYTES);
	if (tools && grammar_make(tools, &b) == 0)
		check(buf_cstr(&b));
	json_decref(tools);
	return 0;
}
