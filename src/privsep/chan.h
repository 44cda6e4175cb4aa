/*
 * chan: a channel between two processes, an AF_UNIX SOCK_SEQPACKET pair on
 * which each datagram is one proto/msg, with up to LIMIT_MSG_FDS descriptors.
 */
#ifndef PRIVSEP_CHAN_H
#define PRIVSEP_CHAN_H

#include "proto/msg.h"

struct chan {
	int fd;	     /* owned */
	uint8_t *in; /* LIMIT_MSG bytes, owned */
	struct buf out;
	int fds[LIMIT_MSG_FDS]; /* of the last message, closed by the next
				   chan_recv unless taken with chan_take_fd */
	size_t n_fds;
	bool no_wait; /* receiving never waits, sending still may */
	/* Sending never waits either, and says -EAGAIN; whoever else holds
	 * this end (a duplicate shares O_NONBLOCK) cannot change it. */
	bool send_no_wait;
	/* A descriptor held back, so that one that a message brings finds a
	 * place; borrowed, shared by all channels of a process, NULL: none. */
	int *spare;
};

/* A pair of connected, close-on-exec ends. Returns 0 or -errno. */
[[nodiscard]] int chan_pair(int ret[2]);

/* Takes fd over. Returns 0 or -ENOMEM. */
[[nodiscard]] int chan_init(struct chan *c, int fd);
void chan_done(struct chan *c);

/*
 * Receives one message, waiting for it unless c->no_wait is set. Returns 1, 0
 * when the peer is gone, -EAGAIN, or another negative errno; -EMFILE, and
 * nothing was received, while no spare descriptor can be had; -EPROTO for a
 * datagram that is not a valid message (*why names it), the channel is then
 * unusable: a bad peer is closed, never answered.
 */
[[nodiscard]] int chan_recv(struct chan *c, struct msg *ret, const char **why);

/* Takes a spare descriptor if *spare has none; false: there is none. */
bool chan_spare(int *spare);

/* The i-th fd of the last message, now the caller's; -1 if there is none. */
int chan_take_fd(struct chan *c, size_t i);

/* Sends m and duplicates of fds (the caller keeps its own). 0 or -errno. */
[[nodiscard]] int chan_send(struct chan *c, const struct msg *m, const int *fds,
			    size_t n_fds);

/* The same for a datagram that is encoded already. */
[[nodiscard]] int chan_send_bytes(struct chan *c, struct span datagram,
				  const int *fds, size_t n_fds);

#endif
