#!/usr/bin/env python3
"""Goal of this test: older copies of the audit log are found even where its own
tip went back with it, an owner can begin a new one, and a backup taken at any
moment, of a bulkhead that works or was killed, is whole."""
import json
import os
import shutil
import signal
import sqlite3
import sys
import tarfile
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Bulkhead, lives, need, plain, slower  # noqa: E402

LOG = ('audit', 'tip')
BACKUPS = 12
ENOUGH = 60  # mails that the last of them knows of


def state(b, *names):
    return os.path.join(b.dir, 'state', *names)


def put_back(b, old):
    for name in LOG:
        shutil.rmtree(state(b, name), ignore_errors=True)
        if old:
            shutil.copytree(os.path.join(old, name), state(b, name))


def refused(b, words, what):
    r = b.run('up', '--images', b.images, check=False)
    if r.returncode == 0 or words not in r.stderr:
        print(r.stdout, r.stderr)
    need(r.returncode != 0 and words in r.stderr, what)
    need('docs/audit.md' in r.stderr, 'and the next step is named')


def one_run(b, mail):
    b.up()
    b.deliver(f'{mail}.mail', plain(f'mail {mail}'))
    b.item_until(f'{mail}.mail')
    b.down()


def rolled_back():
    """The log and its tip are an older copy together: the store's tip is not."""
    with Bulkhead(planner='none') as b:
        one_run(b, 1)
        old, new = os.path.join(b.dir, 'old'), os.path.join(b.dir, 'new')
        for name in LOG:
            shutil.copytree(state(b, name), os.path.join(old, name))
        one_run(b, 2)
        for name in LOG:
            shutil.copytree(state(b, name), os.path.join(new, name))
        put_back(b, old)
        r = b.run('audit', 'verify', check=False)
        need(r.returncode == 0, 'an older copy, tip and all, verifies by itself')
        refused(b, "the store's tip: offset 0: has ",
                'up refuses it: the store knows of more')
        refused(b, 'the log was rolled back, records from',
                'and says which records are missing')
        put_back(b, None)
        refused(b, 'the log was rolled back, records from 0 on are missing',
                'up begins no new log where the old one is gone')
        put_back(b, new)
        one_run(b, 3)
        need(True, 'with its own log it goes on')
        put_back(b, None)
        for name in ('new-log', 'telemetry/cursor'):
            with open(state(b, name), 'w', encoding='ascii'):
                pass
        b.up()
        need(not os.path.exists(state(b, 'new-log')),
             'new-log is the word of its owner for one new log')
        need(' event=new-log ' in b.log(), 'which stands in the log of events')
        need(not os.path.exists(state(b, 'telemetry', 'cursor')),
             'what a collector has had of the old one is forgotten, too')
        b.down()
        one_run(b, 4)
        need(b.run('audit', 'verify', check=False).returncode == 0,
             'and the new one is compared from then on')


def said_too_early():
    """The word about a log that nobody knows of is used up all the same."""
    with Bulkhead(planner='none') as b:
        os.makedirs(state(b), 0o700, exist_ok=True)
        with open(state(b, 'new-log'), 'w', encoding='ascii'):
            pass
        b.up()
        need(not os.path.exists(state(b, 'new-log')),
             'new-log does not stay for an older copy of a later log')
        b.down()


def whole(path, where):
    """How many items a backup knows of; its database must be of one moment."""
    with tarfile.open(path) as t:
        t.extractall(where)
    db = sqlite3.connect(os.path.join(where, 'bulkhead-state/store/state.db'))
    found = db.execute('PRAGMA integrity_check').fetchall()
    half = db.execute('SELECT count(*) FROM items LEFT JOIN bodies '
                      'ON bodies.item = items.id WHERE '
                      '(state < 3) <> (bytes IS NOT NULL)').fetchone()[0]
    items = db.execute('SELECT count(*) FROM items').fetchone()[0]
    db.close()
    if found != [('ok',)] or half:
        need(False, f'{path}: {found}, {half} items in the middle of a change')
    return items


def under_load():
    """Backup after backup while mails are taken in and read."""
    with Bulkhead(planner='none', pool=0) as b:
        b.up()
        b.templates()
        stop = threading.Event()

        def feed():
            n = 0
            while not stop.is_set() and n < 600:
                b.deliver(f'{n}.mail', plain(f'mail {n}'))
                n += 1
                time.sleep(0.02)
        feeder = threading.Thread(target=feed)
        feeder.start()
        counts = []
        end = time.monotonic() + slower(90)
        while len(counts) < BACKUPS or (counts[-1] < ENOUGH and
                                        time.monotonic() < end):
            path = os.path.join(b.dir, f'{len(counts)}.tar')
            b.run('backup', path)
            counts.append(whole(path, path + '.d'))
            shutil.rmtree(path + '.d')
            os.unlink(path)
            time.sleep(0.1)
        stop.set()
        feeder.join()
        need(counts == sorted(counts) and counts[-1] > counts[0],
             f'{len(counts)} backups under load are whole, later ones know '
             f'of more ({counts[0]} to {counts[-1]})')


def killed():
    """All of it is killed in the middle; what its backup gives goes on."""
    with Bulkhead() as b:
        b.up()
        for n in range(4):
            b.deliver(f'{n}.mail', plain(f'mail {n}'))
        b.status_until('one is read', lambda s: s['items']['read'] >= 1)
        tree = b.children()
        os.kill(b.monitor_pid(), signal.SIGKILL)
        end = time.monotonic() + slower(20)
        while any(map(lives, tree)) and time.monotonic() < end:
            time.sleep(0.1)
        need(not any(map(lives, tree)), 'all of it is gone')
        path = os.path.join(b.dir, 'killed.tar')
        r = b.run('backup', path)
        os.rename(state(b), state(b) + '.old')
        r = b.run('restore', path)
        need('verified' in r.stderr, 'what was killed is backed up and restored')
        r = b.run('--json', 'audit', 'verify')
        size = json.loads(r.stdout)['size']
        b.up()
        b.items(wait=120)
        s = json.loads(b.run('--json', 'audit', 'verify').stdout)
        need(s['size'] > size, 'and goes on')


def main():
    rolled_back()
    said_too_early()
    under_load()
    killed()


if __name__ == '__main__':
    main()
