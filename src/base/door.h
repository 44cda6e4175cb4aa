/*
 * door: connections handed to another process, one at a time, over a
 * SOCK_SEQPACKET socket. Each packet is one byte, which says nothing, and a
 * descriptor.
 */
#ifndef BASE_DOOR_H
#define BASE_DOOR_H

/* Hands a copy of fd over. 0 or -errno. */
[[nodiscard]] int door_give(int door, int fd);

/*
 * The next descriptor, the caller's. -EPIPE: the door is closed;
 * -EPROTO: what came is not one byte and one descriptor; other -errno.
 */
[[nodiscard]] int door_take(int door);

/* Returns once a connection has bytes to read, or none to come. */
void door_wait(int fd);

#endif
