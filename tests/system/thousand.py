"""Goal of this test: mail after mail through fresh VMs leaves nothing behind: no
process, no zombie, no descriptor, no memfd, no cgroup, no mount, no socket.
BULKHEAD_MAILS says how many: 50 in ./check, 1000 in make check-all."""
import contextlib
import os
import sys
import time
from collections import Counter

from harness import BUILD, Bulkhead, lives, need, plain, slower

MAILS = int(os.environ.get('BULKHEAD_MAILS', '50'))
WARM = 8  # until every process has what it keeps
BATCH = 25
HISTORY = 128  # items that the broker keeps for `bulkhead items`, with records
GROWTH_KIB = 12 << 10  # of one process's own memory, over all mails


def read(path):
    with contextlib.suppress(OSError):
        with open(path, encoding='utf-8', errors='replace') as f:
            return f.read()
    return ''


def kind_of(link):
    """What a descriptor is, without its number."""
    for mark in ('socket:', 'pipe:', '/memfd:', 'anon_inode:'):
        if link.startswith(mark):
            return link.split('[')[0].split(' ')[0]
    return link


def fds(pid):
    """How many of each kind a process has open."""
    found = Counter()
    with contextlib.suppress(OSError):
        for fd in os.listdir(f'/proc/{pid}/fd'):
            with contextlib.suppress(OSError):
                found[kind_of(os.readlink(f'/proc/{pid}/fd/{fd}'))] += 1
    return found


def state(pid):
    return read(f'/proc/{pid}/stat').rpartition(')')[2][1:2]


def own_memory_kib(pid):
    for line in read(f'/proc/{pid}/status').splitlines():
        if line.startswith('RssAnon:'):
            return int(line.split()[1])
    return 0


def groups(run):
    """How many groups that run has in each hierarchy."""
    found = Counter()
    for where, _, _ in os.walk('/sys/fs/cgroup'):
        if f'/bulkhead-{run}' in where:
            found[where.split('/bulkhead-')[0]] += 1
    return found


def is_vm(name):
    return name.startswith(('qemu', 'bulkhead-vmm', 'bulkhead-porter'[:15]))


SHARED = ('temporary files', 'shared memory')


class Residue:
    """What there is of one bulkhead, in numbers that may not grow."""

    def __init__(self, b):
        tree = b.children()
        run = b.status()['run']
        core = {p: n for p, n in tree.items() if not is_vm(n)}
        self.core = core
        opened = {f'{n} {p}': fds(p) for p, n in core.items()}
        self.records = sum(o.pop('/memfd:record', 0) for o in opened.values())
        self.memory = {p: own_memory_kib(p) for p in core}
        self.facts = {
            'processes': Counter(tree.values()),
            'zombies': sum(state(p) == 'Z' for p in tree),
            'descriptors': opened,
            'groups': groups(run),
            'mounts': len(read('/proc/self/mountinfo').splitlines()),
            "the monitor's mounts": len(read(
                f'/proc/{b.monitor_pid()}/mountinfo').splitlines()),
            'files': sorted(os.path.relpath(os.path.join(d, f), b.dir)
                            for d, _, fs in os.walk(f'{b.dir}/state')
                            for f in fs if '/audit' not in d
                            and '/connectors' not in d),
            'temporary files': sorted(
                f for f in os.listdir('/tmp') if 'bulkhead' in f),
            'shared memory': sorted(
                f for f in os.listdir('/dev/shm') if 'bulkhead' in f
                or 'qemu' in f) if os.path.isdir('/dev/shm') else [],
        }

    def changes(self, other):
        """What is not as it was; what lay about from others may have gone."""
        return {k: (v, other.facts[k]) for k, v in self.facts.items()
                if (set(other.facts[k]) - set(v) if k in SHARED
                    else v != other.facts[k])}


def done(b):
    items = b.status()['items']
    return items['read'] + items['refused'] + items['task_failed']


def send(b, first, count):
    """So many mails, a batch at a time, each read."""
    for n in range(first, first + count):
        b.deliver(f'{n}.mail', plain(f'mail {n}', body=f'word {n}'))
        if n % BATCH == BATCH - 1 or n == first + count - 1:
            end = time.monotonic() + slower(180)
            while done(b) < n + 1 and time.monotonic() < end:
                time.sleep(0.1)
            if done(b) < n + 1:
                print(b.log()[-4000:])
                need(False, f'mail {n} is done within its time')


def settled(b, like=None):
    """Its residue, once that stands still (or is as it was)."""
    end = time.monotonic() + slower(60)
    b.at_rest()
    last = Residue(b)
    while time.monotonic() < end:
        time.sleep(1)
        now = Residue(b)
        if like and not like.changes(now):
            return now
        if not like and not last.changes(now):
            return now
        last = now
    return last


def end_of_all(b):
    tree = b.children()
    run = b.status()['run']
    b.down()
    end = time.monotonic() + slower(20)
    while any(map(lives, tree)) and time.monotonic() < end:
        time.sleep(0.1)
    left = [n for p, n in tree.items() if lives(p)]
    need(not left, f'at the end no process is left {left}')
    need(not groups(run), 'and no cgroup')
    need(not os.path.exists(f'{b.dir}/s'), 'and no socket')


def main():
    with Bulkhead(planner='none' if MAILS > 100 else 'triage') as b:
        b.up()
        send(b, 0, WARM)
        before = settled(b)
        began = time.monotonic()
        send(b, WARM, MAILS)
        took = time.monotonic() - began
        after = settled(b, before)
        print(f'{MAILS} mails in {took:.0f} s')
        for what, (was, now) in before.changes(after).items():
            print(f'{what} before: {was}\n{what} after:  {now}')
        need(not before.changes(after),
             f'{MAILS} mails leave nothing behind: '
             + ', '.join(before.facts))
        need(after.records <= HISTORY, "and the broker's history has its end")
        s = b.status()
        need(s['items']['read'] == MAILS + WARM, 'and all of them were read')
        # A sanitizer keeps what was freed, to see who uses it.
        san = 'san' in os.path.basename(BUILD)
        for pid, name in {}.items() if san else before.core.items():
            grew = after.memory[pid] - before.memory[pid]
            need(grew < GROWTH_KIB, f'{name}: memory grew by {grew} KiB')
        end_of_all(b)
    return 0


if __name__ == '__main__':
    sys.exit(main())
