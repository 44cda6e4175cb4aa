/*
 * door: connections handed to another process, one at a time, over a
 * SOCK_SEQPACKET socket. Each packet is one byte, the turn, and a descriptor.
 */
#ifndef BASE_DOOR_H
#define BASE_DOOR_H

#include <stdint.h>

/* Hands a copy of fd over. 0 or -errno. */
[[nodiscard]] int door_give(int door, uint8_t turn, int fd);

/*
 * The next descriptor, the caller's, and its turn. -EPIPE: the door is closed;
 * -EPROTO: what came is not one byte and one descriptor; other -errno.
 */
[[nodiscard]] int door_take(int door, uint8_t *ret_turn);

#endif
