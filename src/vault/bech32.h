/*
 * bech32: the spelling of age's keys (BIP 173, without its limit of 90
 * characters, which age does not have either).
 */
#ifndef VAULT_BECH32_H
#define VAULT_BECH32_H

#include <sys/types.h>

#include "base/span.h"

enum { BECH32_DATA_MAX = 64, BECH32_TEXT_MAX = 160 };

/*
 * Writes hrp "1" data checksum and a NUL; n bytes of data, at most
 * BECH32_DATA_MAX. All in lower case, as hrp is. -1: it does not fit.
 */
[[nodiscard]] int bech32_encode(char ret[BECH32_TEXT_MAX], const char *hrp,
				const uint8_t *data, size_t n);

/* The data of a text with that hrp, in one case, either; how many bytes, or
 * -1. */
[[nodiscard]] ssize_t bech32_decode(uint8_t ret[BECH32_DATA_MAX],
				    const char *hrp, struct span text);

#endif
