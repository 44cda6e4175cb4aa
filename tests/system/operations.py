#!/usr/bin/env python3
"""Goal of this test: what an operator does with a running bulkhead works, and
says the truth: the state of an older version is brought up to this one, a
backup is taken while mail is read and restored elsewhere, the log has times and
ids and can be searched, and a service manager hears when it is ready, that it
lives, and when it stops."""
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tarfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import BUILD, SRC, Bulkhead, need, plain, slower  # noqa: E402

FIXTURE = os.path.join(SRC, 'tests/data/state/version-1.tar.gz')
LINE = re.compile(r'time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z '
                  r'level=(debug|info|warn|error) process=[a-z]+ '
                  r'event=[a-z-]+( [a-z_0-9-]+=.*)?$')


def state(b):
    return os.path.join(b.dir, 'state')


def backup_and_restore():
    with Bulkhead() as b:
        b.deliver('1.mail', plain('first'))
        b.up()
        b.items_until(1)
        for i in range(2, 5):
            b.deliver(f'{i}.mail', plain(f'number {i}'))
        path = os.path.join(b.dir, 'backup.tar')
        r = b.run('backup', path)
        need('signing key' in r.stderr, 'backup: taken while mail is read')
        need(os.stat(path).st_mode & 0o777 == 0o600, 'backup: for the owner alone')
        b.items_until(4)
        piped = b.run('backup', '-', errors='replace').stdout
        need(piped.startswith('bulkhead-state/') and 'SHA256SUMS' in piped,
             'backup: to standard output')
        r = b.run('backup', path, check=False)
        need(r.returncode == 1 and 'File exists' in r.stderr,
             'backup: overwrites nothing')
        names = tarfile.open(path).getnames()
        need('bulkhead-state/version' in names
             and 'bulkhead-state/audit/checkpoint' in names
             and 'bulkhead-state/connectors/inbox/inbox.seen' in names
             and not any('/log/' in n or n.endswith(('/lock', '/probe'))
                         for n in names), 'backup: what belongs into it, for tar')
        r = b.run('restore', path, check=False)
        need(r.returncode == 1 and 'nothing is overwritten' in r.stderr,
             'restore: not over a state directory')
        before = b.audit()
        b.down()
        os.rename(state(b), state(b) + '.old')
        with open(path, 'rb') as f:
            data = bytearray(f.read())
        data[len(data) // 2] ^= 1
        bad = os.path.join(b.dir, 'bad.tar')
        with open(bad, 'wb') as f:
            f.write(data)
        r = b.run('restore', bad, check=False)
        need(r.returncode == 1 and 'nothing was restored: member' in r.stderr
             and not [n for n in os.listdir(b.dir) if n.startswith('state.')
                      and n != 'state.old'] and not os.path.exists(state(b)),
             'restore: a damaged one leaves nothing behind')
        with open(path, 'rb') as f:
            r = b.run('restore', '-', stdin=f)
        need('verified' in r.stderr and os.stat(state(b)).st_mode & 0o777 == 0o700,
             'restore: from standard input')
        b.run('audit', 'verify')
        b.up()
        b.items_until(1)
        # What the store did not know to be recorded is said again.
        after = [r for r in b.audit() if not r.get('again')]
        start = next(i for i, r in enumerate(after) if r['kind'] == 'start'
                     and i > 0)
        need(after[:start] == before[:start] and start > 5,
             'restore: the log goes on where the backup was taken')
        b.down()
        b.run('audit', 'verify')


def upgrade():
    with Bulkhead() as b:
        os.mkdir(state(b), 0o700)
        with tarfile.open(FIXTURE) as t:
            t.extractall(state(b))
        r = b.run('up', '--images', b.images, check=False)
        need(r.returncode == 1 and 'rearm' in r.stderr, 'upgrade: the latch holds')
        os.unlink(os.path.join(state(b), 'latch'))
        before = b.audit()
        b.deliver('2.mail', plain('second'))
        r = b.run('up', '--images', b.images)
        need('from version 1 to 2' in r.stderr, 'upgrade: says so')
        b.items_until(1)
        need(b.audit()[:len(before)] == before and len(before) > 10,
             'upgrade: the log of version 1 goes on')
        b.down()
        b.run('audit', 'verify')
        old = os.path.join(state(b), 'upgrade/version-1.tar')
        os.rename(state(b), state(b) + '.new')
        b.run('restore', old.replace('/state/', '/state.new/'))
        need(b.audit() == before, 'upgrade: what was before can be restored')
        with open(os.path.join(state(b), 'version'), 'w', encoding='utf-8') as f:
            f.write('3\n')
        for r in (b.run('up', '--images', b.images, check=False),
                  subprocess.run([os.path.join(BUILD, 'bulkhead-monitor'),
                                  '--config', b.config, '--libexec', BUILD,
                                  '--images', b.images], capture_output=True,
                                 text=True, timeout=60, check=False)):
            need(r.returncode == 1 and '/version:1:1: ' in r.stderr
                 and 'version 3' in r.stderr, 'upgrade: a newer state is refused')


def said_twice(b):
    """The log's lines as text and as JSON, of a moment when none came between."""
    for _ in range(50):
        b.at_rest()
        before = b.log()
        lines = b.run('logs').stdout.splitlines()
        rows = [json.loads(l)
                for l in b.run('logs', '--json').stdout.splitlines()]
        if b.log() == before:
            break
    return lines, rows


def logs():
    with Bulkhead() as b:
        r = b.run('logs', check=False)
        need(r.returncode == 1 and 'journalctl' in r.stderr,
             'logs: without a log, where it may be')
        b.deliver('1.mail', plain('first'))
        b.up()
        b.items_until(1)
        lines, rows = said_twice(b)
        need(lines and all(LINE.match(l) for l in lines),
             f'logs: each of {len(lines)} lines has time, level, process, event')
        need(len(rows) == len(lines) and any(
            r['event'] == 'up' and len(r['run']) == 32 for r in rows),
             'logs: as JSON, with the id of the run')
        vms = {r['vm'] for r in rows if 'vm' in r}
        for vm in sorted(vms)[:2]:
            some = b.run('logs', '--json', '--vm', f'vm-{vm}').stdout.splitlines()
            need(some and all(json.loads(l)['vm'] == vm for l in some),
                 f'logs: of VM {vm} alone')
        need(not b.run('logs', '--since', '2999-01-01').stdout
             and len(b.run('logs', '--since', '1d').stdout.splitlines()) >= len(lines),
             'logs: since a time')
        need(all('level=warn' in l or 'level=error' in l for l in
                 b.run('logs', '--level', 'warn').stdout.splitlines()),
             'logs: of a level')
        follow = subprocess.Popen([os.path.join(BUILD, 'bulkhead'), '--config',
                                   b.config, 'logs', '-f'],
                                  stdout=subprocess.PIPE, text=True)
        # What is there already; then it is there, too.
        for _ in range(len(b.log().splitlines())):
            follow.stdout.readline()
        b.down()
        line = follow.stdout.readline()
        follow.terminate()
        follow.wait()
        follow.stdout.close()
        need('level=' in line, f'logs: goes on with -f: {line.strip()}')


def rotation():
    with Bulkhead(planner='none') as b:
        b.up()
        path = os.path.join(state(b), 'log/bulkhead.log')
        # At once, so that no rotation comes in between.
        with open(path, 'ab', buffering=0) as f:
            f.write((b'time=2026-11-22T07:30:00.000Z level=info process=x '
                     b'event=y ' + b'z' * 960 + b'\n') * (5 << 10))
        end = time.monotonic() + slower(30)
        while os.path.getsize(path) > 1 << 20 and time.monotonic() < end:
            time.sleep(0.2)
        need(os.path.getsize(path) < 1 << 20
             and os.path.getsize(path + '.1') > 5_000_000, 'rotation: the log is bounded')
        need(b.run('logs', '--level', 'info').stdout.count('event=y') == 5 << 10,
             'rotation: what was before is still shown')
        need(not b.status()['killed'], 'rotation: bulkhead goes on')


class Manager:
    """What a service manager is to a service: a socket and an environment."""

    def __init__(self, b):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        name = '\0bulkhead-test-%d' % os.getpid()
        self.sock.bind(name)
        self.sock.settimeout(slower(60))
        env = dict(os.environ, NOTIFY_SOCKET='@' + name[1:],
                   WATCHDOG_USEC='900000')
        out, inside = socket.socketpair()
        self.log = out
        st = os.fstat(inside.fileno())
        env['JOURNAL_STREAM'] = f'{st.st_dev}:{st.st_ino}'
        self.proc = subprocess.Popen(
            [os.path.join(BUILD, 'bulkhead'), '--config', b.config, 'up',
             '--foreground', '--images', b.images], env=env, stderr=inside,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        inside.close()
        self.heard = []

    def hear(self, want):
        end = time.monotonic() + slower(60)
        while time.monotonic() < end:
            said = self.sock.recv(4096).decode()
            self.heard.append(said)
            if re.search(want, said):
                return said
        raise AssertionError(f'{want!r} was not said: {self.heard[-20:]}')

    def drain(self):
        """How much was said that nobody has heard yet."""
        self.sock.setblocking(False)
        n = 0
        with contextlib.suppress(BlockingIOError):
            while self.sock.recv(4096):
                n += 1
        self.sock.settimeout(slower(60))
        return n

    def lines(self):
        self.log.settimeout(slower(20))
        data = b''
        while chunk := self.log.recv(65536):
            data += chunk
        return data.decode().splitlines()


def service():
    with Bulkhead() as b:
        m = Manager(b)
        try:
            m.hear('^READY=1$')
            need(m.heard[0] == 'STATUS=starting' and b.status()['version'],
                 'service: ready when it answers')
            m.drain()
            m.hear('^WATCHDOG=1$')
            gaps = []
            for _ in range(5):
                began = time.monotonic()
                m.hear('^WATCHDOG=1$')
                gaps.append(round(time.monotonic() - began, 2))
            # On a busy machine one may be late.
            need(sorted(gaps)[2] < 0.9,
                 f'service: the watchdog hears it in time {gaps}')
            for i in range(1, 31):
                b.deliver(f'{i}.mail', plain(f'number {i}'))
            need('wait' in m.hear(r'\b[1-9]\d* items wait'), 'service: says what it does')
            b.items_until(30)
            m.proc.send_signal(signal.SIGSTOP)
            time.sleep(1)
            m.drain()
            time.sleep(1)
            silent = m.drain() == 0
            m.proc.send_signal(signal.SIGCONT)
            need(silent, 'service: one that hangs gives no sign of life')
            m.proc.terminate()
            m.hear('^STOPPING=1$')
            need(m.proc.wait(slower(60)) == 0, 'service: stops by SIGTERM, with 0')
        finally:
            m.proc.kill()
            m.proc.wait()
        lines = m.lines()
        ours = [l for l in lines if 'level=' in l]
        need(ours and all(re.match(r'<[3467]>level=\w+ process=', l) for l in ours)
             and not os.path.exists(os.path.join(state(b), 'log/bulkhead.log')),
             f'service: {len(ours)} lines to the journal, with priorities')
        need({'porter', 'monitor'} & {re.search('process=(\\w+)', l).group(1)
                                      for l in ours}, 'service: of its processes, too')


if __name__ == '__main__':
    backup_and_restore()
    upgrade()
    logs()
    rotation()
    service()
