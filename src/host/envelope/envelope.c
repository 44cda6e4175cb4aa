/*
 * envelope: reads the few facts of one inbound item that the host wants to know
 * before any reader VM has spoken, tells them to the broker, and exits. Its one
 * argument is the item's sort: email, telegram, slack.
 *
 * SECURITY. Reads: the raw bytes of one item, which an attacker wrote, from a
 * sealed memfd. Trusts: nothing. Keeps: its channel to the broker and nothing
 * else: no files, no network, no keys. One process per item, so that an item
 * that takes it over can lie about itself alone. That matters for one fact of a
 * mail, for whom a mail server has vouched (auth.h), and for one of a chat, who
 * its provider says wrote; all else is the sender's claim anyway.
 */
#include <assert.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "chat.h"
#include "header.h"
#include "privsep/chan.h"
#include "privsep/sandbox.h"
#include "proto/limits.h"

static uint8_t bytes[CHATNET_ITEM + 1];
static struct chat_facts chat;
static struct header_facts header;
static struct msg out;

static_assert(sizeof(bytes) > HEADER_MAX, "room for the header of a mail");

static void read_header(struct span mail, struct m_envelope *m)
{
	enum header_fault fault = header_parse(mail, &header);

	*m = (struct m_envelope){
		.ok = fault == HEADER_OK,
		.fault = fault == HEADER_OK
				 ? span_str("")
				 : span_str(header_fault_text(fault)),
		.from = span_str(header.from),
		.message_id = span_str(header.id),
		.date = span_str(header.date),
		.auth_id = span_str(header.auth.id),
		.auth_domain = span_str(header.auth.domain),
		.references = span_str(header.refs),
		.subject = span_str(header.subject),
	};
}

static enum item_sort sort_of(int argc, char **argv)
{
	unsigned s;

	for (s = SORT_EMAIL; argc == 2 && s < SORT_MAX; s++)
		if (strcmp(argv[1], item_sort_name(s)) == 0)
			return (enum item_sort)s;
	die("its argument is the sort of the item");
}

/* #syscalls:envelope pread64 */
int main(int argc, char **argv)
{
	const int item = graph_fd(PROC_ENVELOPE, FD_ITEM);
	enum item_sort sort;
	struct chan broker;
	size_t want;
	ssize_t n;

	process_start(PROC_ENVELOPE);
	sort = sort_of(argc, argv);
	if (chan_init(&broker, graph_fd(PROC_ENVELOPE, FD_BROKER)) < 0)
		die("out of memory");
	if (memfd_sealed_size(item, LIMIT_ITEM) < 0)
		die("the item is not a sealed memfd of allowed size");
	want = sort == SORT_EMAIL ? HEADER_MAX + 1 : sizeof(bytes);
	n = fd_pread_all(item, bytes, want, 0);
	if (n < 0)
		die("the item cannot be read");
	out.type = MSG_ENVELOPE;
	if (sort == SORT_EMAIL)
		read_header(span_of(bytes, (size_t)n), &out.envelope);
	else
		chat_envelope(sort, span_of(bytes, (size_t)n), &chat,
			      &out.envelope);
	if (chan_send(&broker, &out, NULL, 0) < 0)
		return 1;
	chan_done(&broker);
	return 0;
}
