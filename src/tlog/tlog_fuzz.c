/*
 * tlog_fuzz: what is read from the log's directory: the write-ahead file,
 * signed notes, checkpoints and keys. The first byte chooses.
 */
#include <stddef.h>
#include <stdint.h>

#include "tlog/chain.h"
#include "tlog/wal.h"

static const char vkey[] = "example.com/foo+530d903a+"
			   "AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span bytes = span_of(p + (n > 0), n - (n > 0));
	struct checkpoint checkpoint;
	struct chain chain;
	struct err err;
	struct note_vkey k;
	struct wal_walk w;
	struct span text;

	if (n == 0)
		return 0;
	if (p[0] & 1) {
		enum wal_result r = wal_open(&w, bytes);

		while (r == WAL_OK)
			r = wal_next(&w);
		return 0;
	}
	if (note_vkey_parse(span_str(vkey), &k) < 0)
		__builtin_trap();
	if (chain_parse(&k, bytes, "keys", &chain, &err) == 0)
		chain_done(&chain);
	(void)note_open(bytes, &k, 1, &text);
	(void)checkpoint_parse(bytes, &checkpoint);
	(void)note_vkey_parse(bytes, &k);
	return 0;
}
