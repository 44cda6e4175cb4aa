/*
 * confusables: the tables of src/render/skeleton.c, as C: what each code point
 * looks like (the prototypes of UTS 39), and which scripts it is written in.
 * Run at build time alone; the library that knows it, ICU, is in no process of
 * ours.
 *
 * usage: confusables > confusables.h
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/uspoof.h>

enum { POINTS = 0x110000, LONG = 64, SETS = 1024, SCRIPTS = 256 };

static void must(UErrorCode e, const char *what)
{
	if (U_SUCCESS(e))
		return;
	(void)fprintf(stderr, "confusables: %s: %s\n", what, u_errorName(e));
	exit(1);
}

/* One code point as UTF-16. */
static int32_t utf16(uint32_t c, UChar *ret)
{
	int32_t n = 0;

	U16_APPEND_UNSAFE(ret, n, c);
	return n;
}

static bool is_letter_like(uint32_t c)
{
	return !U_IS_SURROGATE(c) && u_isdefined((UChar32)c);
}

/* { point, first of its prototype, length } and all prototypes in a row. */
static void prototypes(void)
{
	static uint32_t all[1 << 18];
	size_t n_all = 0, n = 0;
	UErrorCode e = U_ZERO_ERROR;
	USpoofChecker *sc = uspoof_open(&e);
	const UNormalizer2 *nfd = unorm2_getNFDInstance(&e);
	uint32_t c;

	must(e, "opening");
	(void)puts("static const struct prototype prototypes[] = {");
	for (c = 0; c < POINTS; c++) {
		UChar in[2], skeleton[LONG], plain[LONG];
		int32_t k, m, i, from = utf16(c, in);
		size_t start = n_all;

		if (!is_letter_like(c))
			continue;
		e = U_ZERO_ERROR;
		k = uspoof_getSkeleton(sc, 0, in, from, skeleton, LONG, &e);
		m = unorm2_normalize(nfd, in, from, plain, LONG, &e);
		must(e, "skeleton");
		/* What is taken apart before is looked up by its parts. */
		if (m != from || memcmp(plain, in, (size_t)m * 2) != 0 ||
		    (k == m && memcmp(skeleton, in, (size_t)k * 2) == 0))
			continue;
		for (i = 0; i < k;) {
			UChar32 one;

			U16_NEXT(skeleton, i, k, one);
			all[n_all++] = (uint32_t)one;
		}
		(void)printf("\t{ 0x%x, %zu, %zu },\n", c, start,
			     n_all - start);
		n++;
	}
	uspoof_close(sc);
	(void)puts("};\nstatic const uint32_t prototype_points[] = {");
	for (n = 0; n < n_all; n++)
		(void)printf("0x%x,%s", all[n], n % 12 == 11 ? "\n" : "");
	(void)puts("\n};");
}

/* The scripts of a code point as a set of bits, in text. UTS 39, 5.1: with the
 * writing systems that mix scripts; all of them where it is common to all. */
static void set_of(uint32_t c, char ret[2 * SCRIPTS / 8 + 1])
{
	static const UScriptCode jpan[] = { USCRIPT_HAN, USCRIPT_HIRAGANA,
					    USCRIPT_KATAKANA };
	uint8_t bits[SCRIPTS / 8] = { 0 };
	UScriptCode codes[64];
	UErrorCode e = U_ZERO_ERROR;
	int32_t n = uscript_getScriptExtensions((UChar32)c, codes, 64, &e), i;
	size_t k;

	must(e, "scripts");
	for (i = 0; i < n; i++) {
		unsigned s = (unsigned)codes[i];

		if (s == USCRIPT_COMMON || s == USCRIPT_INHERITED)
			memset(bits, 0xff, sizeof(bits));
		bits[s / 8] |= (uint8_t)(1 << s % 8);
		for (k = 0; k < 3; k++)
			if (codes[i] == jpan[k])
				bits[USCRIPT_JAPANESE / 8] |=
					1 << USCRIPT_JAPANESE % 8;
		if (s == USCRIPT_HAN || s == USCRIPT_BOPOMOFO)
			bits[USCRIPT_HAN_WITH_BOPOMOFO / 8] |=
				1 << USCRIPT_HAN_WITH_BOPOMOFO % 8;
		if (s == USCRIPT_HAN || s == USCRIPT_HANGUL)
			bits[USCRIPT_KOREAN / 8] |= 1 << USCRIPT_KOREAN % 8;
	}
	for (k = 0; k < sizeof(bits); k++)
		(void)snprintf(ret + 2 * k, 3, "%02x", bits[k]);
}

/* Runs of code points with the same set: { first, number of the set }. */
static void scripts(void)
{
	static char sets[SETS][2 * SCRIPTS / 8 + 1];
	char now[2 * SCRIPTS / 8 + 1];
	size_t n_sets = 0, at = SETS, i, k;
	uint32_t c;

	(void)puts("static const struct script_run script_runs[] = {");
	for (c = 0; c < POINTS; c++) {
		set_of(c, now);
		if (at < SETS && strcmp(sets[at], now) == 0)
			continue;
		for (at = 0; at < n_sets && strcmp(sets[at], now) != 0; at++)
			;
		if (at == n_sets && ++n_sets == SETS)
			exit(1);
		memcpy(sets[at], now, sizeof(now));
		(void)printf("\t{ 0x%x, %zu },\n", c, at);
	}
	(void)printf("};\nstatic const uint8_t script_sets[][%d] = {\n",
		     SCRIPTS / 8);
	for (i = 0; i < n_sets; i++) {
		(void)fputs("\t{ ", stdout);
		for (k = 0; k < SCRIPTS / 8; k++)
			(void)printf("0x%.2s, ", sets[i] + 2 * k);
		(void)puts("},");
	}
	(void)puts("};");
}

int main(void)
{
	(void)puts("/* Made by tools/confusables.c. */");
	prototypes();
	scripts();
	return fflush(stdout) == 0 ? 0 : 1;
}
