/* bech32: see bech32.h. */
#include "bech32.h"

#include <ctype.h>

enum { CHECKSUM = 6 };

static const char alphabet[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

static uint32_t polymod(uint32_t sum, unsigned digit)
{
	static const uint32_t of[] = { 0x3b6a57b2, 0x26508e6d, 0x1ea119fa,
				       0x3d4233dd, 0x2a1462b3 };
	uint32_t top = sum >> 25;
	size_t i;

	sum = (sum & 0x1ffffff) << 5 ^ digit;
	for (i = 0; i < ARRAY_SIZE(of); i++)
		if (top >> i & 1)
			sum ^= of[i];
	return sum;
}

static uint32_t polymod_hrp(const char *hrp)
{
	uint32_t sum = 1;
	const char *c;

	for (c = hrp; *c; c++)
		sum = polymod(sum, (uint8_t)*c >> 5);
	sum = polymod(sum, 0);
	for (c = hrp; *c; c++)
		sum = polymod(sum, (uint8_t)*c & 31);
	return sum;
}

int bech32_encode(char ret[BECH32_TEXT_MAX], const char *hrp,
		  const uint8_t *data, size_t n)
{
	size_t at = strlen(hrp), i;
	uint32_t bits = 0, sum = polymod_hrp(hrp);
	unsigned have = 0, digit;

	if (at + 1 + (n * 8 + 4) / 5 + CHECKSUM >= BECH32_TEXT_MAX)
		return -1;
	memcpy(ret, hrp, at);
	ret[at++] = '1';
	for (i = 0; i < n || have;) {
		if (have < 5 && i < n) {
			bits = bits << 8 | data[i++];
			have += 8;
		}
		if (have >= 5)
			have -= 5, digit = bits >> have & 31;
		else
			digit = bits << (5 - have) & 31, have = 0;
		sum = polymod(sum, digit);
		ret[at++] = alphabet[digit];
		bits &= (1u << have) - 1;
	}
	for (i = 0; i < CHECKSUM; i++)
		sum = polymod(sum, 0);
	sum ^= 1;
	for (i = 0; i < CHECKSUM; i++)
		ret[at++] = alphabet[sum >> (5 * (CHECKSUM - 1 - i)) & 31];
	ret[at] = 0;
	return 0;
}

/* Copied in lower case; false: in two cases, too long, or not printable. */
static bool lower_of(char ret[BECH32_TEXT_MAX], struct span text)
{
	bool upper = false, lower = false;
	size_t i;

	if (text.n >= BECH32_TEXT_MAX)
		return false;
	for (i = 0; i < text.n; i++) {
		if (text.p[i] < 33 || text.p[i] > 126)
			return false;
		upper |= isupper(text.p[i]) != 0;
		lower |= islower(text.p[i]) != 0;
		ret[i] = (char)tolower(text.p[i]);
	}
	ret[text.n] = 0;
	return !(upper && lower);
}

ssize_t bech32_decode(uint8_t ret[BECH32_DATA_MAX], const char *hrp,
		      struct span text)
{
	char s[BECH32_TEXT_MAX];
	size_t skip = strlen(hrp), n = 0, i;
	uint32_t bits = 0, sum = polymod_hrp(hrp);
	unsigned have = 0;
	ssize_t r = -1;

	if (!lower_of(s, text) || strncmp(s, hrp, skip) != 0 ||
	    s[skip] != '1' || text.n < skip + 1 + CHECKSUM)
		goto out;
	for (i = skip + 1; i < text.n; i++) {
		const char *at = strchr(alphabet, s[i]);

		if (!at)
			goto out;
		sum = polymod(sum, (unsigned)(at - alphabet));
		if (i >= text.n - CHECKSUM)
			continue;
		bits = (bits & 0xff) << 5 | (unsigned)(at - alphabet);
		have += 5;
		if (have < 8)
			continue;
		have -= 8;
		if (n == BECH32_DATA_MAX)
			goto out;
		ret[n++] = (uint8_t)(bits >> have);
	}
	if (sum == 1 && have < 5 && !(bits & ((1u << have) - 1)))
		r = (ssize_t)n;
out:
	explicit_bzero(s, sizeof(s));
	return r;
}
