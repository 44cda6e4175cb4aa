"""Goal of this test: where the host is short of descriptors or of memory, work
waits and status says why; no process ends, no mail gets a wrong verdict, and
when there is enough again it goes on by itself. When memory runs out all the
same, VMs go first and what keeps the state last."""
import contextlib
import os
import resource
import socket
import sys
import time

from harness import Bulkhead, need, plain, slower

SEND = 'Please send an email to lea@example.org and tell her hello.'
PARTS = {'bulkhead-monito': 'monitor', 'bulkhead-broker': 'broker',
         'bulkhead-contro': 'control', 'bulkhead-connec': 'connector',
         'bulkhead-store': 'store', 'bulkhead-auditd': 'auditd',
         'bulkhead-porter': 'porter', 'bulkhead-vmm': 'vmm',
         'qemu-bulkhead': 'qemu'}


def processes(b, name):
    return [p for p, comm in b.children().items() if PARTS.get(comm) == name]


def descriptors(pid):
    return [int(f) for f in os.listdir(f'/proc/{pid}/fd')]


def ticks(pid):
    with open(f'/proc/{pid}/stat', encoding='utf-8') as f:
        fields = f.read().rsplit(')', 1)[1].split()
    return int(fields[11]) + int(fields[12])


def ours(pid, name):
    """As root some have uids of their own, and not every root may do this. That
    of the broker is met by low_limit."""
    try:
        resource.prlimit(pid, resource.RLIMIT_NOFILE)
        return True
    except PermissionError:
        print(f'skipped: the limits of {name} are not ours to set')
        return False


@contextlib.contextmanager
def none_left(pids, more=0):
    """Each has as many descriptors as it may have, and so many more."""
    had = {}
    for pid in pids:
        had[pid] = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        # The kernel gives the lowest free number below the limit.
        most = len(descriptors(pid)) + more
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (most, had[pid][1]))
    yield
    for pid, limit in had.items():
        if os.path.exists(f'/proc/{pid}'):
            resource.prlimit(pid, resource.RLIMIT_NOFILE, limit)


def deliver(b, prefix, count):
    for i in range(count):
        b.deliver(f'{prefix}{i}', plain(f'{prefix} {i}'))


def all_read(b, count, what):
    items = b.items_until(count)
    need(len(items) == count and {i['verdict'] for i in items} == {'read'},
         f'{what}: {[i["fault"] for i in items if i["fault"]]}')


def scores(b):
    """oom_score_adj, in the order in which processes are to go."""
    for name, least, most in (('monitor', -1000, 0), ('auditd', -1000, 0),
                              ('store', -1000, 0), ('broker', 1, 100),
                              ('connector', 101, 300), ('porter', 301, 700),
                              ('vmm', 701, 1000), ('qemu', 1000, 1000)):
        for pid in processes(b, name):
            with open(f'/proc/{pid}/oom_score_adj', encoding='utf-8') as f:
                score = int(f.read())
            if name in ('monitor', 'auditd', 'store'):
                with open('/proc/self/oom_score_adj', encoding='utf-8') as f:
                    most = max(0, int(f.read()))
            need(least <= score <= most,
                 f'{name} goes at {score}, when memory runs out')


def monitor_has_none(b, count):
    pid = b.monitor_pid()
    with none_left([pid], more=2):
        deliver(b, 'monitor', 6)
        s = b.status_until('status says that work waits for descriptors',
                           lambda s: 'descriptors are open'
                           in s['room']['why'])
        need(s['room']['vms'] == 0, 'that there are enough for no VM')
        need('WORK WAITS' in b.run('status').stdout, 'in words, too')
        time.sleep(slower(2))
        need(b.status()['items']['read'] == count, 'nothing is read meanwhile')
    need('event=work-waits' in b.log(), 'the log says so')
    all_read(b, count + 6, 'with descriptors, the six that waited are read')
    need(b.monitor_pid() == pid, 'the monitor has not ended')
    return count + 6


def others_have_none(b, name, count):
    pids = processes(b, name)
    if not ours(pids[0], name):
        return count
    with none_left(pids):
        deliver(b, name, 6)
        time.sleep(slower(3))
        before = [ticks(p) for p in pids]
        time.sleep(slower(2))
        spent = max(ticks(p) - t for p, t in zip(pids, before))
        need(spent < 50, f'a {name} without descriptors does not spin: '
             f'{spent} ticks in 2 s')
    all_read(b, count + 6, f'with descriptors for the {name}, all is read')
    need(set(pids) <= set(b.children()), f'no {name} has ended')
    return count + 6


def control_does_not_spin(b):
    """Owners who cannot be taken in wait at the door."""
    pid = processes(b, 'control')[0]
    callers = []
    if not ours(pid, 'control'):
        return
    with none_left([pid]):
        for _ in range(4):
            s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            s.connect(os.path.join(b.dir, 's'))
            callers.append(s)
        time.sleep(0.5)
        before = ticks(pid)
        time.sleep(2)
        spent = ticks(pid) - before
    need(spent < 20, f'control without descriptors does not spin: {spent} '
         'ticks in 2 s')
    for s in callers:
        s.close()
    need(b.status()['items']['read'] > 0, 'and answers with them')


def low_limit(count):
    """All of it started with few descriptors: what they are enough for is
    computed, and no more is begun; and the broker, which has one for each mail
    that was read, forgets the oldest."""
    with Bulkhead(planner='none', pool=0) as b:
        had = resource.getrlimit(resource.RLIMIT_NOFILE)
        os.environ['BULKHEAD_WRAP'] = 'prlimit --nofile=128:128'
        deliver(b, 'm', count)
        b.up()
        s = b.status()
        need(s['room']['fds_most'] == 128 and 0 < s['room']['vms'] < 10,
             f'status says what 128 descriptors are enough for: {s["room"]}')
        all_read(b, count, f'with few descriptors {count} mails are read')
        need('process-lost' not in b.log(), 'no process has ended')
        b.down()
        os.environ['BULKHEAD_WRAP'] = 'prlimit --nofile=96:96'
        deliver(b, 'n', 2)
        r = b.run('up', '--images', b.images, check=False)
        if r.returncode == 0:
            s = b.status_until('with too few nothing begins, and status says '
                               'why', lambda s: 'descriptors are open'
                               in s['room']['why'])
            need(s['room']['vms'] == 0, 'they are enough for no VM')
        else:
            need('descriptor' in r.stderr or 'open files' in r.stderr,
                 f'it says why it does not start: {r.stderr}')
        b.down()
        del os.environ['BULKHEAD_WRAP']
        need(resource.getrlimit(resource.RLIMIT_NOFILE) == had, 'ours stay')
        b.up()
        all_read(b, count + 2, 'with enough, what waited is read')


def memory():
    """A VM that would take more than the host has is not started."""
    with Bulkhead(planner='none', pool=0) as b:
        with open(b.config, encoding='utf-8') as f:
            text = f.read()
        with open(b.config, 'w', encoding='utf-8') as f:
            f.write(text.replace('memory: 128MiB', 'memory: 64GiB'))
        b.deliver('large', plain('large'))
        b.up()
        s = b.status_until('status says that work waits for memory',
                           lambda s: 'MiB of memory left' in s['room']['why'])
        need('reader VM needs 65600' in s['room']['why'],
             f'how much it needs: {s["room"]["why"]}')
        time.sleep(slower(2))
        s = b.status()
        need(s['items']['pending'] + sum(q['waiting'] for q in s['queue']) >= 1
             and s['vms']['started'] == 0, 'no VM is started, the mail waits')
        b.down()
        with open(b.config, 'w', encoding='utf-8') as f:
            f.write(text)
        b.up()
        all_read(b, 1, 'a VM that fits reads it')


def main():
    with Bulkhead(planner='triage') as b:
        b.up()
        b.templates()
        deliver(b, 'first', 1)
        all_read(b, 1, 'a mail is read (positive control)')
        b.at_rest()
        scores(b)
        count = monitor_has_none(b, 1)
        for name in ('connector', 'broker', 'store'):
            count = others_have_none(b, name, count)
        control_does_not_spin(b)
        b.run('audit', 'verify')
    low_limit(125)
    with open('/proc/meminfo', encoding='utf-8') as f:
        kib = int(next(l for l in f if l.startswith('MemAvail')).split()[1])
    if kib < 64 << 20:
        memory()
    return 0


if __name__ == '__main__':
    sys.exit(main())
