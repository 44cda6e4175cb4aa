"""Goal of this test: a full disk loses nothing and executes nothing that is not
on record. All of bulkhead's state, its Maildir and its outbox are on a small
file system, which is filled while mails are at work: what was accepted waits,
what was begun is recorded in the log's reserve, mails wait in the Maildir, log
and status say why; when there is room again it goes on by itself."""
import os
import subprocess
import sys
import time

from harness import Bulkhead, need, plain, slower

SEND = 'Please send an email to lea@example.org and tell her hello.'
RESERVE = 4 << 20
AUDIT = f'audit: {{reserve: {RESERVE >> 20}MiB}}\nqueue: {{reserve: 1MiB}}\n'


def own_mounts():
    """A mount namespace of its own, as root or not: see audit_stops.py."""
    flags = ['-m'] if os.geteuid() == 0 else ['-Urm']
    env = {**os.environ, 'BULKHEAD_OWN_MOUNTS': '1'}
    if os.geteuid() != 0:
        env['BULKHEAD_WRAP'] = (f'unshare -U --map-user={os.geteuid()} '
                                f'--map-group={os.getegid()}')
    return subprocess.run(['unshare', *flags, sys.executable, __file__],
                          env=env, check=False).returncode


def fill(b):
    """Until not a byte fits."""
    with open(os.path.join(b.dir, 'filler'), 'ab', buffering=0) as f:
        for block in (1 << 16, 4096):
            try:
                while True:
                    f.write(b'x' * block)
            except OSError:
                pass


def make_room(b):
    os.unlink(os.path.join(b.dir, 'filler'))


def sent(b):
    new = os.path.join(b.dir, 'outbox', 'new')
    return len(os.listdir(new)) if os.path.isdir(new) else 0


def reserve_on_disk(b):
    st = os.stat(os.path.join(b.dir, 'state/audit/reserve'))
    return min(st.st_blocks * 512, st.st_size)


def deliver_on_full(b, name, mail):
    """Mails come although the disk is full: theirs was there before."""
    os.rename(os.path.join(b.dir, 'kept', name),
              os.path.join(b.dir, 'Maildir/new', name))
    del mail


def prepare(b, names):
    os.makedirs(os.path.join(b.dir, 'kept'))
    for name in names:
        with open(os.path.join(b.dir, 'kept', name), 'w',
                  encoding='utf-8') as f:
            f.write(plain(name, SEND))


def with_room(b):
    b.up()
    s = b.status()['audit']
    need(s['reserve'] == RESERVE and s['reserve_left'] == RESERVE and
         not s['full'] and not s['reserve_why'],
         f'the reserve is whole, and status says so: {s}')
    need(reserve_on_disk(b) == RESERVE, 'and is allocated on disk')
    b.deliver('a.mail', plain('a', SEND))
    items = b.items_until(1)
    need(items[0]['requests'][0]['executed'] and sent(b) == 1,
         'with room, a permitted mail is sent (positive control)')


def full(b, names):
    fill(b)
    for name in names:
        deliver_on_full(b, name, None)
    # The store has no room for them: they wait where they are.
    s = b.status_until(
        'status says that mails wait for the disk',
        lambda s: any(q['blocked'] for q in s['queue']))
    why = [q['why'] for q in s['queue'] if q['blocked']][0]
    need('disk' in why, f'and that it is the disk: {why}')
    need('queue-full' in b.log(), 'and so does the log')
    time.sleep(slower(3))
    need(sent(b) == 1, 'nothing more was sent')
    need(b.monitor_pid(), 'all of it goes on')
    text = b.run('status').stdout
    need('find no room, and wait where they are' in text,
         'the text for people says so, too')


def in_reserve(b):
    """A kill, which has to be on record however full the disk is, is not tried
    here, for it ends all; records of the owner's doings are."""
    before = b.status()['audit']
    watch = subprocess.Popen(
        [os.path.join(os.environ.get('BULKHEAD_BUILD', 'build'), 'bulkhead'),
         '--config', b.config, 'wire', '--next'], stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    return before, watch


def room_again(b, count):
    make_room(b)
    items = b.items_until(count)
    need([i['verdict'] for i in items] == ['read'] * count,
         'with room again each mail is read, by itself')
    need(all(i['requests'][0]['executed'] for i in items if i['requests']),
         'and what it asks for is done')
    need(sent(b) == count, f'each once: {sent(b)}')
    b.status_until('the reserve is whole again',
                   lambda s: s['audit']['reserve_left'] == RESERVE
                   and not s['audit']['full'] and not s['room']['why'])


def main():
    if os.environ.get('BULKHEAD_OWN_MOUNTS') != '1':
        return own_mounts()
    with Bulkhead(planner='gullible') as b:
        subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=24m,mode=0700',
                        'none', b.dir], check=True)
    return 0


if __name__ == '__main__':
    sys.exit(main())
