"""Goal of this test: a full disk loses nothing and executes nothing that is not
on record. All of bulkhead's state, its Maildir and its outbox are on a small
file system, which is filled while mails are at work: what was begun is recorded
in the log's reserve, mails wait in the Maildir, log and status say why; when
there is room again it goes on by itself."""
import os
import subprocess
import sys
import tempfile
import time

from harness import Bulkhead, need, own_mounts, plain, slower

SEND = 'Please send an email to lea@example.org and tell her hello.'
RESERVE = 4 << 20
KEYS = f'audit: {{reserve: {RESERVE >> 20}MiB}}\nqueue: {{reserve: 1MiB}}\n'


def filler(b):
    return os.path.join(b.dir, 'filler')


def fill(b):
    """Until not a byte fits."""
    with open(filler(b), 'ab', buffering=0) as f:
        for block in (1 << 16, 4096):
            try:
                while True:
                    f.write(b'x' * block)
            except OSError:
                pass


def sent(b):
    new = os.path.join(b.dir, 'outbox', 'new')
    return len(os.listdir(new)) if os.path.isdir(new) else 0


def prepare(b, names):
    """Mails that come while the disk is full are on it already."""
    os.makedirs(os.path.join(b.dir, 'kept'), exist_ok=True)
    for name in names:
        with open(os.path.join(b.dir, 'kept', name), 'w',
                  encoding='utf-8') as f:
            f.write(plain(name, SEND))


def come(b, names):
    for name in names:
        os.rename(os.path.join(b.dir, 'kept', name),
                  os.path.join(b.dir, 'Maildir/new', name))


def with_room(b):
    b.up()
    b.templates()
    s = b.status()['audit']
    need(s['reserve'] == s['reserve_left'] == RESERVE and not s['full'] and
         not s['reserve_why'], f'the reserve is whole, as status says: {s}')
    st = os.stat(os.path.join(b.dir, 'state/audit/reserve'))
    need(st.st_blocks * 512 >= RESERVE, 'and allocated')
    come(b, ['a0'])
    items = b.items_until(1)
    need(items[0]['requests'][0]['executed'] and sent(b) == 1,
         'with room, a permitted mail is sent (positive control)')


def fill_under_mails(b):
    come(b, [f'b{i}' for i in range(3)])
    b.status_until('the three come to work',
                   lambda s: s['items']['read'] + s['items']['pending'] >= 2)
    fill(b)
    come(b, [f'c{i}' for i in range(2)])
    s = b.status_until(
        'the log goes on in its reserve, and status says that mails wait',
        lambda s: s['audit']['full'] and s['room']['why'] and
        any(q['blocked'] for q in s['queue']))
    need(0 < s['audit']['reserve_left'] < RESERVE,
         f'a part of the reserve is used: {s["audit"]}')
    need('reserve' in s['room']['why'], f'work waits: {s["room"]["why"]}')
    why = [q['why'] for q in s['queue'] if q['blocked']][0]
    need('disk' in why, f'mails wait for the disk: {why}')
    text = b.run('status').stdout
    need('WORK WAITS' in text and 'RESERVE' in text and
         'find no room, and wait where they are' in text,
         'the text for people says all three')


def nothing_new(b):
    """What was at work comes to its end; nothing else begins."""
    end = time.monotonic() + slower(60)
    while time.monotonic() < end and b.status()['vms']['running']:
        time.sleep(0.3)
    started = b.status()['vms']['started']
    count = sent(b)
    time.sleep(slower(4))
    need(b.status()['vms']['started'] == started and sent(b) == count,
         'while the disk is full no VM is started and nothing is sent')
    need(b.monitor_pid(), 'and nothing has ended')


def unlogged(b):
    """Mails in the outbox without a decision in the log."""
    allowed = {r['effect'] for r in b.audit() if r['kind'] == 'decision'
               and r['verdict'] == 'allow' and 'effect' in r}
    done = {r['effect'] for r in b.audit() if r['kind'] == 'outcome'
            and r['outcome'] in ('done', 'unknown')}
    return sent(b) - len(done), done - allowed


def room_again(b, count):
    os.unlink(filler(b))
    items = b.items_until(count)
    need(len(items) == count and
         {i['verdict'] for i in items} <= {'read'},
         'with room again each mail is read, by itself: '
         f'{[i["fault"] for i in items if i["fault"]]}')
    late = [i for i in items if i['key'].startswith('c')]
    need(len(late) == 2 and all(i['requests'][0]['executed'] for i in late),
         'those that waited in the Maildir have had what they ask for')
    refused = [q for i in items for q in i['requests'] or []
               if not q['executed']]
    # One that was permitted just before finds no room in the outbox.
    failed = [r.get('detail') for r in b.audit()
              if r['kind'] == 'outcome' and r['outcome'] == 'failed']
    other = [q['clause'] for q in refused
             if q['clause'] not in ('disk full', 'store')]
    need(len(other) == len(failed) and set(failed) <= {'ENOSPC'},
         f'{len(refused)} requests were not done, for the disk alone: '
         f'{other} {failed}')
    need(sent(b) == count - len(refused), 'the others were sent, once each')
    need(unlogged(b) == (0, set()), 'and each is in the log')
    b.status_until('the reserve is whole again',
                   lambda s: s['audit']['reserve_left'] == RESERVE
                   and not s['audit']['full'] and not s['room']['why'])
    done = [r['item'] for r in b.audit() if r['kind'] == 'item.done']
    need(sorted(done) == list(range(1, count + 1)),
         'each item has one verdict in the log')
    b.run('audit', 'verify')


def killed_when_full(b):
    """The kill holds on a full disk, and is on record."""
    fill(b)
    b.run('kill', 'full', timeout=60)
    need(b.status()['killed'], 'a kill works while the disk is full')
    b.down()
    r = b.run('up', '--images', b.images, check=False)
    need(r.returncode != 0 and 'latch' in r.stdout + r.stderr,
         f'and holds over a restart: {r.stderr}')
    os.unlink(filler(b))
    need(any(r['kind'] == 'kill' for r in b.audit()), 'it is in the log')
    b.run('audit', 'verify')


def main():
    code = own_mounts(__file__)
    if code is not None:
        return code
    where = tempfile.mkdtemp(prefix='bhd')
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=24m,mode=0700', 'none',
                    where], check=True)
    tempfile.tempdir = where
    with Bulkhead(planner='gullible') as b:
        with open(b.config, 'a', encoding='utf-8') as f:
            f.write(KEYS)
        prepare(b, ['a0', *(f'b{i}' for i in range(3)),
                    *(f'c{i}' for i in range(2))])
        with_room(b)
        fill_under_mails(b)
        nothing_new(b)
        room_again(b, 6)
        killed_when_full(b)
    subprocess.run(['umount', where], check=True)
    os.rmdir(where)
    return 0


if __name__ == '__main__':
    sys.exit(main())
