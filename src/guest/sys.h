/*
 * sys: the kernel's interfaces that init uses and musl's headers do not have
 * (musl-gcc does not see <linux/...>). Only this guest's architecture.
 */
#ifndef GUEST_SYS_H
#define GUEST_SYS_H

#include <stdint.h>

/* linux/filter.h, linux/seccomp.h */
struct bpf_insn {
	uint16_t code;
	uint8_t jt;
	uint8_t jf;
	uint32_t k;
};

struct bpf_prog {
	unsigned short len;
	const struct bpf_insn *filter;
};

enum { SYS_SECCOMP_MODE_FILTER = 1 };

/* linux/random.h */
struct random_add {
	int entropy_bits;
	int bytes;
	uint8_t random[32];
};

#define SYS_RNDADDENTROPY 0x40085203UL
#define SYS_RNDRESEEDCRNG 0x5207UL

/* linux/capability.h */
enum {
	SYS_CAP_VERSION_3 = 0x20080522,
	SYS_CAP_WORDS = 2,
	SYS_CAP_MAX = 64, /* more than any kernel knows; EINVAL ends the loop */
};

struct cap_head {
	uint32_t version;
	int pid;
};

struct cap_word {
	uint32_t effective;
	uint32_t permitted;
	uint32_t inheritable;
};

/* linux/securebits.h: every bit, and its lock in the bit above it */
enum {
	SYS_SECBIT_NOROOT = 1 << 0,
	SYS_SECBIT_NO_SETUID_FIXUP = 1 << 2,
	SYS_SECBIT_KEEP_CAPS_LOCKED = 1 << 5,
	SYS_SECBIT_NO_CAP_AMBIENT_RAISE = 1 << 6,
	SYS_SECBITS_LOCKED =
		SYS_SECBIT_NOROOT | SYS_SECBIT_NOROOT << 1 |
		SYS_SECBIT_NO_SETUID_FIXUP | SYS_SECBIT_NO_SETUID_FIXUP << 1 |
		SYS_SECBIT_KEEP_CAPS_LOCKED | SYS_SECBIT_NO_CAP_AMBIENT_RAISE |
		SYS_SECBIT_NO_CAP_AMBIENT_RAISE << 1,
};

/* linux/close_range.h */
enum { SYS_CLOSE_RANGE_CLOEXEC = 1 << 2 };

/* linux/landlock.h, up to ABI 6 */
struct landlock_ruleset {
	uint64_t fs;
	uint64_t net;	/* ABI 4 */
	uint64_t scope; /* ABI 6 */
};

struct landlock_path {
	uint64_t access;
	int32_t fd;
} __attribute__((packed));

enum {
	SYS_LANDLOCK_VERSION = 1 << 0, /* flag: asks for the ABI */
	SYS_LANDLOCK_RULE_PATH = 1,
	SYS_LANDLOCK_EXECUTE = 1 << 0,
	SYS_LANDLOCK_READ_FILE = 1 << 2,
	SYS_LANDLOCK_FS_ABI1 = (1 << 13) - 1,
	SYS_LANDLOCK_FS_ABI2 = (1 << 14) - 1, /* + REFER */
	SYS_LANDLOCK_FS_ABI3 = (1 << 15) - 1, /* + TRUNCATE */
	SYS_LANDLOCK_FS_ABI5 = (1 << 16) - 1, /* + IOCTL_DEV */
	SYS_LANDLOCK_NET_ABI4 = 3,	      /* BIND_TCP, CONNECT_TCP */
	SYS_LANDLOCK_SCOPE_ABI6 = 3,	      /* abstract sockets, signals */
};

#endif
