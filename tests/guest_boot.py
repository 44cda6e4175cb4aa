#!/usr/bin/python3
"""Goal of this test: what the guest side promises holds in a real VM.

Boots QEMU by hand, speaks the wire's host side over its socket, and asserts
what the kernel refuses, what the jails refuse, what init does with a host that
breaks the protocol, and that the handshake is what proto/wire.h says. Nothing
of bulkhead's host side runs here, so that this is an independent reading of
the format.

usage: guest_boot.py [--kernel FILE] [--build DIR] [--source DIR] [NAME...]
NAME: run only the tests with this in their name. Output is TAP.
"""
import argparse
import concurrent.futures
import ctypes
import errno
import fcntl
import hashlib
import hmac
import json
import mmap
import os
import select
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "system"))
import hostile_modes  # noqa: E402

HELLO, ACK, READY, EXIT = range(1, 5)
CONTROL, READER, MCP, LLM, EGRESS, LOGS = range(1, 7)
EMAIL, TRIAGE, GULLIBLE, PROBE = range(1, 5)
VERSION = 3
MAIL = b"\1"  # enum wire_item: what a reader is told before the item
TEMPLATE = 1
MESSAGE_MAX = 256
SIGSYS = 31

# the multiplexer
DATA, UPDATE, PING, GO_AWAY = range(4)
SYN, MUX_ACK, FIN, RST = 1, 2, 4, 8
WINDOW = 256 << 10

QEMU = "qemu-system-x86_64"


def tsc_khz():
    """The rate of this host's TSC: under TCG it is the guest's as well."""
    code = bytes.fromhex("0f3148c1e2204809d0c3")  # rdtsc; rdx<<32|rax; ret
    page = mmap.mmap(-1, mmap.PAGESIZE,
                     prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    read = ctypes.CFUNCTYPE(ctypes.c_uint64)(
        ctypes.addressof(ctypes.c_char.from_buffer(page)))

    def both():
        """Both clocks, of the try that the least time came between."""
        tries = []
        for _ in range(20):
            t, c = time.monotonic_ns(), read()
            tries.append((time.monotonic_ns() - t, t, c))
        return min(tries)[1:]
    t0, c0 = both()
    time.sleep(0.05)
    t1, c1 = both()
    return (c1 - c0) * 1_000_000 // (t1 - t0)


class Lost(Exception):
    """The guest hung up, or the time is over."""


class Stream:
    """The host's view of one stream."""

    def __init__(self, number, service):
        self.number, self.service = number, service
        self.data = b""
        self.may_send = WINDOW  # what the guest's window leaves us
        self.may_come = WINDOW
        self.ended = self.reset = self.we_ended = False


class Guest:
    """One VM and the host's end of its wire."""

    def __init__(self, env, image, timeout=30):
        self.deadline = time.monotonic() + timeout
        self.console = tempfile.TemporaryFile()
        ours, theirs = socket.socketpair()
        command = ("earlyprintk=ttyS0,115200,keep quiet panic=-1 reboot=t "
                   "nolapic_timer no_timer_check tsc_early_khz=%d" % env.khz)
        self.started = time.monotonic()
        self.qemu = subprocess.Popen(
            [QEMU, "-M", "microvm,acpi=off", "-accel", "tcg", "-cpu", "max",
             "-m", "128", "-smp", "1", "-nodefaults", "-no-user-config",
             "-display", "none", "-no-reboot",
             "-chardev", "stdio,id=con,signal=off", "-serial", "chardev:con",
             "-device", "virtio-serial-device,max_ports=2",
             "-chardev", "socket,id=wire,fd=%d" % theirs.fileno(),
             "-device", "virtserialport,chardev=wire,nr=1",
             "-kernel", env.kernel, "-initrd", image, "-append", command],
            stdin=subprocess.DEVNULL, stdout=self.console,
            stderr=subprocess.STDOUT, pass_fds=[theirs.fileno()])
        theirs.close()
        self.wire = ours
        self.bytes = b""
        self.fresh()

    def fresh(self):
        """No session, as it is before a handshake."""
        self.streams = {}
        self.next_odd = 1
        self.gone = False
        self.exit = None
        self.pongs = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.wire.close()
        self.qemu.kill()
        self.qemu.wait()

    def left(self):
        return max(0.0, self.deadline - time.monotonic())

    def words(self):
        self.console.seek(0)
        return self.console.read().decode(errors="replace")

    def fill(self, n):
        while len(self.bytes) < n:
            if not select.select([self.wire], [], [], self.left())[0]:
                raise Lost("timeout; console: " + self.words())
            try:
                got = self.wire.recv(1 << 20)
            except ConnectionResetError:
                got = b""
            if not got:
                raise Lost("hung up; console: " + self.words())
            self.bytes += got

    def take(self, n):
        self.fill(n)
        got, self.bytes = self.bytes[:n], self.bytes[n:]
        return got

    # ---- messages

    def send(self, kind, payload=b""):
        self.wire.sendall(struct.pack("<IBxxx", len(payload), kind) + payload)

    def recv(self):
        """The next message, checked like a host has to."""
        n, kind, zero = struct.unpack("<IB3s", self.take(8))
        assert n <= MESSAGE_MAX and not any(zero), (n, zero)
        return kind, self.take(n)

    def hello(self, workload, version=VERSION, wall=None, flags=0):
        self.key, self.random = os.urandom(32), os.urandom(32)
        self.workload = workload
        wall = time.time_ns() if wall is None else wall
        self.payload = (struct.pack("<HBBQ", version, workload, flags, wall)
                        + self.random + self.key)
        self.send(HELLO, self.payload)

    def ack(self):
        kind, payload = self.recv()
        assert kind == ACK, kind
        want = hmac.new(self.key, b"bulkhead wire ack"
                        + struct.pack("<H", VERSION) + self.payload,
                        hashlib.sha256).digest()
        assert payload == struct.pack("<H", VERSION) + want, "wrong ACK"

    # ---- the multiplexer

    def frame(self, kind, stream, flags=0, length=None, payload=b""):
        length = len(payload) if length is None else length
        self.wire.sendall(struct.pack(">BBHII", 0, kind, flags, stream,
                                      length) + payload)

    def open(self, service):
        s = self.streams[self.next_odd] = Stream(self.next_odd, service)
        self.next_odd += 2
        self.frame(DATA, s.number, SYN, payload=bytes([service]))
        s.may_send -= 1
        return s

    def write(self, s, data, end=False):
        """Waits for the guest's window where it has to."""
        while data:
            while not s.may_send:
                self.pump()
            n = min(len(data), s.may_send, 32 << 10)
            self.frame(DATA, s.number, payload=data[:n])
            s.may_send -= n
            data = data[n:]
        if end:
            s.we_ended = True
            self.frame(DATA, s.number, FIN)

    def new_stream(self, number):
        evens = [n for n in self.streams if n % 2 == 0]
        assert number % 2 == 0 and number > max(evens, default=0), number
        self.streams[number] = Stream(number, None)

    def pump(self):
        """One frame, checked like a host has to."""
        version, kind, flags, number, length = struct.unpack(
            ">BBHII", self.take(12))
        assert version == 0 and kind <= GO_AWAY, (version, kind)
        if kind == PING:
            assert flags == MUX_ACK and number == 0, flags
            self.pongs += 1
            return
        if kind == GO_AWAY:
            assert number == flags == 0, (number, flags)
            self.gone = True
            return
        if flags & SYN:
            self.new_stream(number)
        s = self.streams[number]
        assert not s.ended and not s.reset, "it speaks after the end"
        if kind == UPDATE:
            s.may_send += length
            assert s.may_send <= WINDOW
        else:
            self.data(s, self.take(length))
        s.ended |= bool(flags & FIN)
        s.reset |= bool(flags & RST)

    def data(self, s, got):
        assert len(got) <= s.may_come, "more than its window"
        s.may_come -= len(got)
        if s.service is None:
            s.service, got = got[0], got[1:]
            assert s.service in (CONTROL, MCP, LOGS), s.service
        assert self.exit is None, "data after EXIT"
        s.data += got
        if s.service == CONTROL and s.data[4:5] == bytes([EXIT]) and \
                len(s.data) == 13:
            self.exit = struct.unpack("<BI", s.data[8:])
        if s.may_come < WINDOW // 2 and not s.ended:
            self.frame(UPDATE, s.number, length=WINDOW - s.may_come)
            s.may_come = WINDOW

    def of(self, service):
        found = [s for s in self.streams.values() if s.service == service]
        assert len(found) <= 1, found
        return found[0] if found else None

    def log(self):
        s = self.of(LOGS)
        return s.data if s else b""

    def start(self, workload, **more):
        """As far as READY."""
        self.fresh()
        self.hello(workload, **more)
        self.ack()
        while not self.of(CONTROL) or len(self.of(CONTROL).data) < 8:
            self.pump()
        got = self.of(CONTROL)
        assert got.data == struct.pack("<IBxxx", 0, READY), got.data
        got.data = b""

    def away(self):
        """Ends the session of a template."""
        self.frame(GO_AWAY, 0, length=0)
        while not self.gone:
            self.pump()
        assert not self.bytes, self.bytes

    def ask(self, data):
        """One connection of a reader; its answer."""
        s = self.open(READER)
        self.write(s, data, end=True)
        while not s.ended:
            self.pump()
            assert not s.reset and self.exit is None, (self.exit, self.log())
        return s.data

    def stream(self):
        """What the workload talks on: mcp is its own to open."""
        if self.workload in (EMAIL, PROBE):
            return self.open(READER)
        while not self.of(MCP):
            self.pump()
        return self.of(MCP)

    def finish(self, s):
        """Until EXIT: the bytes of s, the log, and (kind, status)."""
        while self.exit is None:
            self.pump()
        return s.data, self.log(), self.exit

    def off(self):
        """The guest must switch itself off; its exit status is QEMU's."""
        try:
            while True:
                self.fill(len(self.bytes) + 1)
        except Lost:
            pass
        return self.qemu.wait(self.left())


class Env:
    def __init__(self, args):
        self.kernel = args.kernel
        self.source = args.source
        self.build = args.build
        self.khz = tsc_khz()
        self.folder = tempfile.TemporaryDirectory(prefix="guest-boot-")
        self.tmp = self.folder.name
        self.probe_found = None

    def image(self, kind):
        path = os.path.join(self.tmp, kind + ".cpio")
        if not os.path.exists(path):
            subprocess.run([os.path.join(self.source, "tools/image"), kind,
                            self.build, path], check=True)
        return path

    def guest(self, kind, **more):
        return Guest(self, self.image(kind), **more)

    def probe(self):
        """What the probe found; one boot for all tests."""
        if self.probe_found is None:
            with self.guest("probe") as g:
                g.start(PROBE)
                self.probe_found = json.loads(g.ask(b""))
        return self.probe_found


def expect(found, want):
    wrong = {k: found.get(k) for k, v in want.items() if found.get(k) != v}
    assert not wrong, "got %s, want %s" % (
        wrong, {k: want[k] for k in wrong})


# ---- the kernel

def test_kernel_sockets(env):
    expect(env.probe(), {"families": [socket.AF_UNIX, 16]})


def test_kernel_devices(env):
    found = env.probe()
    expect(found, {"netdevs": ["lo"], "block": None, "partitions": ""})
    assert "virtio_blk" not in found["modules"], found["modules"]
    bad = [d for d in found["dev"] if d in
           ("mem", "kmem", "port", "kvm", "fuse", "loop0", "loop-control",
            "userfaultfd", "net", "mapper", "sda", "vda", "nvram", "uinput")]
    assert not bad, bad
    assert "vport0p1" in found["dev"], found["dev"]


def test_kernel_calls_that_are_not_there(env):
    found = env.probe()["attempts"]
    expect(found, dict.fromkeys(
        ["init_module", "finit_module", "delete_module", "kexec_load",
         "kexec_file_load", "io_uring", "userfaultfd", "keyctl", "add_key",
         "swapon", "bpf", "x32"], errno.ENOSYS))
    expect(found, {"getpid": 0, "fork": 0})


def test_kernel_no_user_namespaces(env):
    """Debian's source says EPERM where others say EINVAL."""
    assert "user" not in env.probe()["namespaces"], env.probe()["namespaces"]
    assert env.probe()["attempts"]["newuser"] in (errno.EPERM, errno.EINVAL)


def test_kernel_calls_that_need_more(env):
    """There, but not for uid 1000 without capabilities."""
    expect(env.probe()["attempts"], {
        "newnet": errno.EPERM, "newns": errno.EPERM, "mount": errno.EPERM,
        "reboot": errno.EPERM, "settime": errno.EPERM, "setuid": errno.EPERM,
        "kill_init": errno.EPERM, "port": errno.EACCES,
        "dev_mem": errno.ENOENT, "socket_inet": errno.EAFNOSUPPORT,
        "i386": 1000 + signal.SIGSEGV})


def test_root_is_readonly(env):
    found = env.probe()
    expect(found, {"root_readonly": 1})
    expect(found["attempts"], {"create_root": errno.EROFS,
                               "mkdir": errno.EROFS,
                               "overwrite_self": errno.EROFS})
    expect(found["create"], {"/": errno.EROFS, "/bin": errno.EROFS,
                             "/dev": errno.EROFS, "/tmp": errno.ENOENT})
    for where in ("/proc", "/sys"):
        assert found["create"][where] in (errno.EROFS, errno.EACCES,
                                          errno.ENOENT), found["create"]
    for line in found["mounts"].split("?"):
        words = line.split()
        assert not words or "ro" in words[3].split(","), line


def test_workload_has_nothing(env):
    expect(env.probe(), {
        "uids": [1000] * 3, "gids": [1000] * 3, "groups": 0, "caps": 0,
        "caps_bounding": 0, "caps_ambient": 0, "no_new_privs": 1,
        "securebits": 0b11101111, "env": ["PATH="]})
    # 3 is the door, 4 came out of it, and with 5 it lists them
    expect(env.probe(), {"fds": ["0", "1", "2", "3", "4", "5"]})
    assert env.probe()["landlock_abi"] >= 6


def test_no_secret_on_the_command_line(env):
    line = env.probe()["cmdline"]
    assert line.startswith("earlyprintk=") and len(line) < 200, line


# ---- the handshake

def test_clock_and_random(env):
    want = 1_234_567_890 * 10 ** 9
    seen = []
    for _ in range(2):
        with env.guest("probe") as g:
            g.start(PROBE, wall=want)
            found = json.loads(g.ask(b"brief"))
        assert 0 <= found["clock_ns"] - want < 20 * 10 ** 9, found["clock_ns"]
        seen.append(found["random"])
    assert len(set(seen)) == 2 and all(len(s) == 64 for s in seen), seen


def test_draws_before_each_connection(env):
    """One process, and other secrets each time."""
    with env.guest("probe") as g:
        g.start(PROBE)
        seen = [json.loads(g.ask(b"brief")) for _ in range(3)]
    for key, size in (("at_random", 32), ("canary", 16), ("random", 64)):
        values = {f[key] for f in seen}
        assert len(values) == 3 and {len(v) for v in values} == {size}, values
    assert all(f["canary"].startswith("00") for f in seen), seen


def test_template(env):
    """A reader serves before and after the host was away, and is the same
    process; the second handshake sets the clock and the random generator."""
    then = 1_234_567_890 * 10 ** 9
    with env.guest("probe") as g:
        g.start(PROBE, flags=TEMPLATE)
        first = json.loads(g.ask(b"brief"))
        whole = json.loads(g.ask(b""))
        g.away()
        g.start(PROBE, wall=then)
        second = json.loads(g.ask(b"brief"))
        again = json.loads(g.ask(b""))
        assert again["pid"] == whole["pid"], (again["pid"], whole["pid"])
        assert 0 <= second["clock_ns"] - then < 10 * 10 ** 9, second
        assert first["random"] != second["random"]
        g.frame(GO_AWAY, 0, length=0)
        assert g.off() == 0


def test_template_twice(env):
    """Nothing of a session is left for the next one to stumble over."""
    with env.guest("probe") as g:
        for flags in (TEMPLATE, TEMPLATE, 0):
            g.start(PROBE, flags=flags)
            assert json.loads(g.ask(b"brief"))
            assert json.loads(g.ask(b"brief"))
            if flags:
                g.away()


def test_template_of_planner(env):
    """Nothing is started in it; in its copy the planner starts and speaks."""
    with env.guest("planner-triage") as g:
        g.start(TRIAGE, flags=TEMPLATE)
        g.frame(PING, 0, SYN, length=7)
        while not g.pongs:
            g.pump()
        assert list(g.streams) == [2], g.streams
        g.away()
        g.start(TRIAGE)
        s = g.stream()
        while b"\n" not in s.data:
            g.pump()
        assert json.loads(s.data.splitlines()[0])["method"] == "initialize"


def test_template_other_workload(env):
    with env.guest("probe") as g:
        g.start(PROBE, flags=TEMPLATE)
        g.away()
        g.hello(EMAIL)
        g.ack()
        assert g.off() == 0 and not g.bytes, g.bytes


def test_host_wrong_version(env):
    with env.guest("probe") as g:
        g.hello(PROBE, version=VERSION + 1)
        assert g.off() == 0 and not g.bytes, g.bytes


def test_host_unknown_workload(env):
    with env.guest("probe") as g:
        g.hello(9)
        assert g.off() == 0 and not g.bytes, g.bytes


def test_host_workload_not_in_image(env):
    """It is not started, and nothing says that it was."""
    with env.guest("probe") as g:
        g.hello(TRIAGE)
        g.ack()
        assert g.off() == 0 and not g.bytes, g.bytes
        assert "bulkhead init" in g.words(), g.words()


def test_host_first_word_not_hello(env):
    with env.guest("probe") as g:
        g.send(ACK, b"x" * 34)
        assert g.off() == 0 and not g.bytes, g.bytes


def test_host_oversized_message(env):
    with env.guest("probe") as g:
        g.wire.sendall(struct.pack("<IBxxx", MESSAGE_MAX + 1, HELLO))
        assert g.off() == 0 and not g.bytes, g.bytes


def test_host_hangs_up_in_handshake(env):
    with env.guest("probe") as g:
        g.wire.sendall(b"\x4c\0\0")
        while struct.unpack("i", fcntl.ioctl(g.wire, termios.TIOCOUTQ,
                                             b"\0" * 4))[0]:
            assert g.left()
            time.sleep(0.02)
        g.wire.shutdown(socket.SHUT_RDWR)
        assert g.qemu.wait(g.left()) == 0


def test_host_hangs_up_at_work(env):
    with env.guest("jailed-planner-triage") as g:
        g.start(TRIAGE)
        g.wire.shutdown(socket.SHUT_RDWR)
        assert g.qemu.wait(g.left()) == 0


def test_host_breaks_the_multiplexer(env):
    """The guest is off at once, and says nothing more."""
    rows = (
        ("raw hello", lambda g: g.send(HELLO, b"\0" * 76)),
        ("service not there",
         lambda g: g.frame(DATA, 1, SYN, payload=bytes([READER]))),
        ("data on control", lambda g: g.frame(DATA, g.of(CONTROL).number,
                                              payload=b"x")),
        ("over the window", lambda g: g.frame(
            DATA, g.stream().number, payload=b"echo\n" + b"x" * WINDOW)),
    )
    for name, fn in rows:
        with env.guest("jailed-planner-triage") as g:
            g.start(TRIAGE)
            g.stream()
            fn(g)
            assert g.off() == 0 and not g.bytes, (name, g.bytes)


# ---- the jails

def in_jail(env, program, workload, text):
    """What the probe says in that jail, and (kind, status)."""
    with env.guest("jailed-" + program) as g:
        g.start(workload)
        s = g.stream()
        g.write(s, text, end=True)
        data, log, status = g.finish(s)
        assert g.off() == 0
    return data, log, status


def jail(env, program, workload, refused, killed):
    """One boot for what is refused, one for each of what kills."""
    data, _, status = in_jail(env, program, workload,
                              "\n".join(refused).encode())
    got = {k: int(v) for k, v in map(str.split, data.decode().splitlines())}
    assert status == (0, 0) and got == refused, (got, status)
    for name in killed:
        text = ("getpid\n" + name).encode()
        got = in_jail(env, program, workload, text)
        assert got == (b"getpid 0\n", b"", (1, SIGSYS)), (name, got)


def test_jail_of_planner(env):
    jail(env, "planner-triage", TRIAGE,
         {"getpid": 0, "exec_other": errno.EACCES},
         ["socket_unix", "fork", "ptrace", "perf", "x32", "map_exec",
          "read_init"])


def test_jail_of_reader(env):
    jail(env, "reader-email", EMAIL,
         {"getpid": 0, "exec_other": errno.EACCES},
         ["socket_unix", "fork", "ptrace", "perf", "setuid", "map_exec",
          "read_init", "list_root", "create_bin", "port"])


# ---- the relay

def test_relay_both_ways(env):
    """More than every buffer on the way holds, at once in both directions."""
    sent = os.urandom(1 << 20) * 3
    with env.guest("jailed-planner-triage") as g:
        g.start(TRIAGE)
        s = g.stream()
        g.write(s, b"echo\n" + sent, end=True)
        data, _, status = g.finish(s)
        assert status == (0, 0) and data == sent, (status, len(data))
        assert g.off() == 0


def test_relay_takes_no_more_than_a_window(env):
    """What the workload does not take is not taken off the host."""
    with env.guest("jailed-planner-triage") as g:
        g.start(TRIAGE)
        s = g.stream()
        g.write(s, b"sleep\n")
        while s.may_send:
            g.write(s, b"x" * s.may_send)
            g.frame(PING, 0, SYN, length=1)
            pongs = g.pongs
            while g.pongs == pongs:
                g.pump()
            assert len(g.bytes) == 0
        assert g.exit is None


def test_relay_log_is_bounded(env):
    data, log, status = in_jail(env, "planner-triage", TRIAGE, b"chatter")
    assert status == (0, 0) and not data
    assert 32 << 10 < len(log) <= 64 << 10, len(log)


def test_exit_status(env):
    for act, want in (("leave", (0, 7)), ("crash", (1, signal.SIGILL))):
        got = in_jail(env, "planner-triage", TRIAGE, act.encode())
        assert got == (b"", b"", want), got


def test_memory_eater_ends_alone(env):
    """init survives it and says how it went."""
    status = in_jail(env, "planner-triage", TRIAGE, b"eat")[2]
    assert status in ((0, 42), (1, signal.SIGKILL)), status


# ---- the hostile guests: that they really are

class Fault(Exception):
    """What a host finds wrong, by its name."""


def must(true, fault):
    if not true:
        raise Fault(fault)


class Judge:
    """A host that takes nothing: it says what is wrong first."""
    BYTES, FRAMES, OPENS, JSON = 3 << 20, 2048, 4, 2 << 20

    def __init__(self, g):
        self.g = g
        self.bytes = self.frames = self.opens = self.last = 0
        self.seen = {}
        self.control = b""
        self.ready = self.went = False

    def message(self):
        n, kind, zero = struct.unpack("<IB3s", self.g.take(8))
        must(n <= MESSAGE_MAX, "bad-length")
        must(not any(zero) and 1 <= kind <= EXIT, "bad-type")
        must(kind == ACK, "bad-order")
        return self.g.take(n)

    def ack(self):
        got = self.message()
        must(got[:2] == struct.pack("<H", VERSION), "bad-version")
        must(len(got) == 34, "bad-payload")
        want = hmac.new(self.g.key, b"bulkhead wire ack" + got[:2]
                        + self.g.payload, hashlib.sha256).digest()
        must(got[2:] == want, "bad-mac")

    def frame(self):
        version, kind, flags, number, n = struct.unpack(">BBHII",
                                                        self.g.take(12))
        must(version == 0, "bad-version")
        must(kind <= GO_AWAY, "bad-type")
        allowed = {DATA: 15, UPDATE: 15, PING: 3, GO_AWAY: 0}[kind]
        must(flags & ~allowed == 0 and flags & 12 != 12, "bad-type")
        must((kind >= PING) == (number == 0), "bad-stream")
        must(kind != DATA or n <= WINDOW, "bad-length")
        self.frames += 1
        self.bytes += n if kind == DATA else 0
        must(self.bytes <= self.BYTES and
             self.frames <= self.FRAMES + self.bytes // 256, "too-much")
        if kind == GO_AWAY:
            raise Fault("bad-order")
        if kind == PING:
            must(flags == SYN, "bad-order")
            self.g.frame(PING, 0, MUX_ACK, length=n)
            return
        self.of_stream(kind, flags, number, n)

    def of_stream(self, kind, flags, number, n):
        if flags & SYN:
            must(number % 2 == 0 and number > self.last, "bad-stream")
            self.opens += 1
            must(self.opens <= self.OPENS, "too-much")
            self.last = number
            self.seen[number] = Stream(number, None)
        must(number in self.seen, "bad-stream")
        s = self.seen[number]
        must(not s.ended, "bad-stream")
        if kind == UPDATE:
            s.may_send += n
            must(s.may_send <= WINDOW, "bad-window")
        else:
            must(n <= s.may_come, "bad-window")
            self.data(s, self.g.take(n))
        s.ended |= bool(flags & FIN)
        if flags & RST:
            del self.seen[number]
        if s.service == READER and s.ended:
            raise Fault("answered" if s.data.startswith(b"{") and
                        s.data.endswith(b"}") else "JSON")

    def data(self, s, got):
        s.may_come -= len(got)
        if s.service is None and got:
            s.service, got = got[0], got[1:]
            must(s.service in (CONTROL, LOGS, READER), "bad-type")
            must(s.service != READER, "bad-stream")
            must(len([o for o in self.seen.values()
                      if o.service == s.service]) == 1, "too-much")
        if s.service == READER:
            s.data += got
            must(len(s.data) <= self.JSON, "too-much")
        if s.service == CONTROL:
            self.said(got)
        if s.may_come < WINDOW // 2:
            self.g.frame(UPDATE, s.number, length=WINDOW - s.may_come)
            s.may_come = WINDOW

    def said(self, got):
        self.control += got
        while len(self.control) >= 8:
            n, kind = struct.unpack("<IB", self.control[:5])
            if len(self.control) < 8 + n:
                return
            payload = self.control[8:8 + n]
            self.control = self.control[8 + n:]
            if kind == READY:
                must(not self.ready, "bad-order")
                self.ready = True
                self.work()
            else:
                must(kind == EXIT, "bad-order")
                must(payload[0] <= 1, "bad-payload")
                raise Fault("gave up" if self.ready else "hangup")

    def work(self):
        """A mail, whole, as soon as it may be sent."""
        mail = b"Subject: judge\r\n\r\nx\r\n"
        s = self.seen[1] = Stream(1, READER)
        self.g.frame(DATA, 1, SYN, payload=bytes([READER]))
        self.g.frame(DATA, 1, FIN, payload=mail)
        s.may_send -= 1 + len(mail)


def judged(g):
    judge = Judge(g)
    try:
        g.hello(EMAIL)
        judge.ack()
        while True:
            judge.frame()
    except Fault as e:
        return str(e)
    except (Lost, BrokenPipeError) as e:
        return "hangup" if "hung up" in str(e) else "deadline"


def test_hostile_guests(env):
    """Each breaks its rule and no other before; silence is what it says."""
    def run(mode, faults):
        # a deadline is waited out: as long as the others need, or so
        with env.guest("hostile-" + mode,
                       timeout=8 if "deadline" in faults else 60) as g:
            return mode, judged(g), faults

    # the machines here are no templates
    modes = {m: f for group in hostile_modes.GROUPS.values()
             for m, f in group.items() if m not in hostile_modes.TEMPLATES}
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        for mode, got, faults in pool.map(run, modes, modes.values()):
            assert got in faults, (mode, got)


# ---- the real programs in their jails

def test_planners_start(env):
    """The planner is the MCP client: it speaks first, and ends with us."""
    for kind, workload in (("planner-triage", TRIAGE),
                           ("planner-gullible", GULLIBLE)):
        with env.guest(kind) as g:
            g.start(workload)
            s = g.stream()
            while b"\n" not in s.data:
                g.pump()
            said = json.loads(s.data.splitlines()[0])
            assert said["jsonrpc"] == "2.0" and said["method"], said
            g.write(s, b"", end=True)
            status = g.finish(s)[2]
            assert status[0] == 0, (kind, status)


def mail(charset, text):
    head = ("From: Ann <ann@example.org>\r\nSubject: s\r\n"
            "Date: Mon, 2 Nov 2026 10:00:00 +0000\r\n"
            "Message-ID: <1@example.org>\r\nMIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=%s\r\n"
            "Content-Transfer-Encoding: 8bit\r\n\r\n" % charset)
    # what Python has no name for
    raw = text.encode({"windows-874": "cp874"}.get(charset, charset))
    return head.encode() + raw + b"\r\n"


CHARSETS = (
    ("utf-8", "gr\u00fc\u00df dich"),
    ("iso-8859-1", "gr\u00fc\u00df dich"),
    ("windows-1251", "\u043f\u0440\u0438\u0432\u0435\u0442"),
    ("koi8-r", "\u043f\u0440\u0438\u0432\u0435\u0442"),
    ("gb18030", "\u4f60\u597d"), ("big5", "\u4f60\u597d"),
    ("shift_jis", "\u3053\u3093\u306b\u3061\u306f"),
    ("iso-2022-jp", "\u3053\u3093\u306b\u3061\u306f"),
    ("euc-kr", "\uc548\ub155"),
    ("iso-8859-2", "\u017c\u00f3\u0142w"),
    ("iso-8859-5", "\u043f\u0440\u0438\u0432\u0435\u0442"),
    ("ibm866", "\u043f\u0440\u0438\u0432\u0435\u0442"),
    ("ibm852", "\u017ee\u0148"),
    ("utf-7", "gr\u00fc\u00df dich"),
    ("windows-874", "\u0e2a\u0e27\u0e31\u0e2a"))


def test_reader_reads_charsets(env):
    """Character sets in the guest, in the reader's real jail; one reader for
    all, as in a template that is warmed."""
    with env.guest("reader-email", timeout=60) as g:
        g.start(EMAIL, flags=TEMPLATE)
        for charset, text in CHARSETS:
            found = json.loads(g.ask(MAIL + mail(charset, text)))
            assert found["body"].strip() == text, (charset, found["body"])
        g.away()
        g.start(EMAIL)
        found = json.loads(g.ask(MAIL + mail(*CHARSETS[0])))
        assert found["body"].strip() == CHARSETS[0][1], found["body"]


def test_reader_fails(env):
    """A mail that is none ends the reader: EXIT first, and no FIN that would
    make nothing look like an answer."""
    with env.guest("reader-email") as g:
        g.start(EMAIL)
        s = g.open(READER)
        g.write(s, b"x" * ((16 << 20) + 1), end=True)
        data, log, status = g.finish(s)
        assert status == (0, 1) and not data, (status, data)
        assert not s.ended and b"reader-email" in log, log
        while not s.reset:
            g.pump()
        assert g.off() == 0


# ---- images

def test_image_is_reproducible(env):
    for kind in ("probe", "hostile-replay"):
        one = open(env.image(kind), "rb").read()
        os.unlink(env.image(kind))
        assert one == open(env.image(kind), "rb").read()


def test_boot_time(env):
    """Not an assertion about time (bench/ has those): it is reported."""
    times = []
    for _ in range(5):
        with env.guest("probe") as g:
            g.hello(PROBE)
            g.ack()
            times.append(time.monotonic() - g.started)
    print("# exec to ACK: median %.0f ms, all %s" % (
        statistics.median(times) * 1000,
        " ".join("%.0f" % (t * 1000) for t in times)))


def main():
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    parser = argparse.ArgumentParser()
    parser.add_argument("--source", default=here)
    parser.add_argument("--build", default=os.path.join(here, "build"))
    parser.add_argument("--kernel")
    parser.add_argument("name", nargs="*")
    args = parser.parse_args()
    args.kernel = args.kernel or os.environ.get("BULKHEAD_KERNEL") or \
        os.path.join(args.build, "images/kernel")
    if not os.path.exists(args.kernel):
        sys.exit("there is no %s: run 'make kernel' first" % args.kernel)
    env = Env(args)
    tests = [(n, f) for n, f in globals().items() if n.startswith("test_") and
             (not args.name or any(a in n for a in args.name))]
    print("1..%d" % len(tests))
    failed = 0
    for number, (name, test) in enumerate(tests, 1):
        try:
            test(env)
            print("ok %d - %s" % (number, name), flush=True)
        except (AssertionError, Lost, subprocess.SubprocessError, OSError,
                ValueError) as e:
            failed += 1
            print("not ok %d - %s" % (number, name))
            print("# %s: %s" % (type(e).__name__, str(e).replace("\n", "\n# ")),
                  flush=True)
    sys.exit(1 if failed else 0)


main()
