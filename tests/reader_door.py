#!/usr/bin/env python3
"""Goal of this test: one reader serves many connections of its door, in order,
needs no more memory for the last than for the tenth, and ends as it should.

usage: reader_door.py READER
"""
import array
import glob
import json
import os
import resource
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROUNDS = 12
# enum wire_item: the first byte of a connection
EMAIL, TELEGRAM, SLACK = 1, 2, 3
AT_RANDOM = 25
# What the allocator may scatter; a leaked mail is more, in so many rounds. The
# sanitizer's allocator keeps what is freed for a while, and finds leaks itself.
GROWTH_KIB = 512
SANITIZED_KIB = 8192


class Reader:
    def __init__(self, program):
        self.door, theirs = socket.socketpair(socket.AF_UNIX,
                                              socket.SOCK_SEQPACKET)
        self.door.settimeout(60)

        def arrange():
            os.dup2(theirs.fileno(), 3)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

        self.process = subprocess.Popen([program], preexec_fn=arrange,
                                        pass_fds=[3, theirs.fileno()],
                                        stderr=subprocess.PIPE)
        theirs.close()

    def connect(self):
        """A connection through the door; our end."""
        ours, theirs = socket.socketpair()
        self.door.sendmsg([b"\0"], [
            (socket.SOL_SOCKET, socket.SCM_RIGHTS,
             array.array("i", [theirs.fileno()]))])
        theirs.close()
        ours.settimeout(60)
        return ours

    def send(self, mail, what=EMAIL):
        """A connection with the item on it; our end."""
        ours = self.connect()
        ours.sendall(bytes([what]) + mail)
        ours.shutdown(socket.SHUT_WR)
        return ours

    def ask(self, mail, what=EMAIL):
        with self.send(mail, what) as s:
            return json.loads(answer(s))

    def kib(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as f:
            return int(f.read().split()[1]) * resource.getpagesize() // 1024

    def at_random(self):
        """The bytes that the kernel put there, and the program draws anew."""
        proc = f"/proc/{self.process.pid}"
        with open(proc + "/auxv", "rb") as f:
            words = array.array("L", f.read())
        at = dict(zip(words[::2], words[1::2]))[AT_RANDOM]
        with open(proc + "/mem", "rb", 0) as f:
            f.seek(at)
            return f.read(16)

    def end(self):
        self.door.close()
        return self.process.wait(60), self.process.stderr.read().decode()


def answer(s):
    """All up to the zero byte, which is the last."""
    got = b""
    while not got.endswith(b"\0"):
        chunk = s.recv(1 << 16)
        assert chunk, "no end of the answer"
        got += chunk
    assert got.count(b"\0") == 1
    return got[:-1]


def mails():
    for path in sorted(glob.glob(os.path.join(HERE, "data", "mail", "*.eml"))):
        with open(path, "rb") as f:
            yield f.read()


def test_many(program):
    r = Reader(program)
    first = [r.ask(m) for m in mails()]
    assert len(first) > 10
    for n in range(ROUNDS):
        assert [r.ask(m) for m in mails()] == first
        if n == ROUNDS // 2:
            middle = r.kib()
    grown = r.kib() - middle
    with open(program, "rb") as f:
        limit = SANITIZED_KIB if b"__asan_init" in f.read() else GROWTH_KIB
    assert grown <= limit, f"{grown} KiB more than in the middle"
    assert r.end() == (0, "")


def test_draws_before_each(program):
    """Other secrets for each mail: copies of a template share none."""
    r = Reader(program)
    r.ask(b"Subject: s\r\n\r\nx\r\n")
    seen = [r.at_random()]
    for _ in range(3):
        r.ask(b"Subject: s\r\n\r\nx\r\n")
        seen.append(r.at_random())
    assert len(set(seen)) == len(seen), seen
    assert r.end() == (0, "")


def test_draws_when_bytes_come(program):
    """A template's reader has the copies' connection already: it draws when
    there is something to read, not when it gets the connection."""
    r = Reader(program)
    r.ask(b"Subject: s\r\n\r\nx\r\n")
    before = r.at_random()
    with r.connect() as s:
        time.sleep(0.3)
        assert r.at_random() == before
        s.sendall(bytes([EMAIL]) + b"Subject: s\r\n\r\nx\r\n")
        s.shutdown(socket.SHUT_WR)
        assert json.loads(answer(s))
    assert r.at_random() != before
    assert r.end() == (0, "")


def test_bad_mail_is_the_end(program):
    """And the next one finds nobody."""
    for mail, words in ((b"", "no message"), (b"x" * ((16 << 20) + 1), "input")):
        r = Reader(program)
        r.ask(b"Subject: s\r\n\r\nx\r\n")
        with r.send(mail) as s:
            assert s.recv(1) == b""
        code, said = r.process.wait(60), r.process.stderr.read().decode()
        assert code == 1 and "reader-email: " + words in said, (code, said)


UPDATE = b"""{"update_id": 1, "message": {"message_id": 2, "date": 3,
    "chat": {"id": 4}, "from": {"id": 5, "first_name": "Lea"}, "text": "x"}}"""
EVENT = b'{"type": "message", "user": "U1", "channel": "C1", "text": "x"}'


def test_all_sorts(program):
    """One reader reads them all, in any order, as its templates' copies do
    that were warmed with mails."""
    r = Reader(program)
    for _ in range(3):
        assert r.ask(b"Subject: s\r\n\r\nx\r\n")["kind"] == "email"
        assert r.ask(UPDATE, TELEGRAM)["kind"] == "telegram"
        assert r.ask(EVENT, SLACK)["kind"] == "slack"
    assert r.end() == (0, "")


def test_what_is_no_such_item(program):
    """Neither sort is taken for another, and no number stands for none."""
    mail = b"Subject: s\r\n\r\nx\r\n"
    for item, what in ((mail, TELEGRAM), (mail, SLACK), (EVENT, TELEGRAM),
                       (UPDATE, SLACK), (mail, 0), (mail, 4), (mail, 255)):
        r = Reader(program)
        with r.send(item, what) as s:
            assert s.recv(1) == b"", what
        code, said = r.process.wait(60), r.process.stderr.read().decode()
        assert code == 1 and "no message" in said, (code, said)


def test_no_connection(program):
    """A packet without a descriptor is no connection."""
    r = Reader(program)
    r.door.send(b"\1")
    code, words = r.process.wait(60), r.process.stderr.read().decode()
    assert code == 1 and "reader-email: door" in words, (code, words)


def test_nobody_listens(program):
    """An answer that finds nobody is a mail that failed."""
    r = Reader(program)
    r.send(b"Subject: s\r\n\r\nx\r\n").close()
    code, words = r.process.wait(60), r.process.stderr.read().decode()
    assert code == 1 and "reader-email: write" in words, (code, words)


def main():
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            test(sys.argv[1])
            print("ok", name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
