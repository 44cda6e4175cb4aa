/*
 * envelope: reads the header of one inbound item, tells the broker what it
 * says, and exits.
 *
 * SECURITY. Reads: the raw bytes of one item, which an attacker wrote, from a
 * sealed memfd. Trusts: nothing. Keeps: its channel to the broker and nothing
 * else: no files, no network, no keys. One process per item, so that an item
 * that takes it over can lie about itself alone. That matters for one fact: for
 * whom a mail server has vouched (auth.h); all else is the sender's claim
 * anyway.
 */
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "header.h"
#include "privsep/chan.h"
#include "privsep/sandbox.h"
#include "proto/limits.h"

static uint8_t bytes[HEADER_MAX + 1];
static struct msg out;

/* #syscalls:envelope pread64 */
int main(void)
{
	const int item = graph_fd(PROC_ENVELOPE, FD_ITEM);
	struct header_facts facts = { 0 };
	enum header_fault fault;
	struct chan broker;
	ssize_t n;

	process_start(PROC_ENVELOPE);
	if (chan_init(&broker, graph_fd(PROC_ENVELOPE, FD_BROKER)) < 0)
		die("out of memory");
	if (memfd_sealed_size(item, LIMIT_ITEM) < 0)
		die("the item is not a sealed memfd of allowed size");
	n = fd_pread_all(item, bytes, sizeof(bytes), 0);
	if (n < 0)
		die("the item cannot be read");
	fault = header_parse(span_of(bytes, (size_t)n), &facts);
	out.type = MSG_ENVELOPE;
	out.envelope = (struct m_envelope){
		.ok = fault == HEADER_OK,
		.fault = fault == HEADER_OK
				 ? span_str("")
				 : span_str(header_fault_text(fault)),
		.from = span_str(facts.from),
		.message_id = span_str(facts.id),
		.date = span_str(facts.date),
		.auth_id = span_str(facts.auth.id),
		.auth_domain = span_str(facts.auth.domain),
	};
	if (chan_send(&broker, &out, NULL, 0) < 0)
		return 1;
	chan_done(&broker);
	return 0;
}
