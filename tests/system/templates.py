"""Goal of this test: VMs are copies of templates, some of them kept ready; what
dies is replaced, and a template whose clone died at its work is retired; without
a planner mails are read alone."""
import contextlib
import os
import signal
import sys
import time

from harness import Bulkhead, need, plain


def starts(b):
    return [r['start'] for r in b.audit() if r['kind'] == 'vm.start'
            and r['zone'] == 'reader']


def events(b, what, zone='reader'):
    return [r for r in b.audit() if r['kind'] == 'vm.template'
            and r['event'] == what and r['zone'] == zone]


def parked(n):
    return lambda s: s['pools'][0]['parked'] == n


def vm_process(b, name):
    return [p for p, n in b.children().items() if name in n]


def holds(b, want, what):
    now = b.at_rest()
    need(now == want and any('template' in kind for kind in now),
         f'{what} {now if now != want else ""}')


def pool(how):
    with Bulkhead(pool=f'1, parked: {how}', deadline='40s') as b:
        b.up()
        b.templates()
        b.status_until(f'{how}: a clone is parked', parked(1))
        idle = b.at_rest()
        b.deliver('1.mail', plain('first'))
        need(b.items_until(1)[0]['verdict'] == 'read', f'{how}: it is read')
        need(starts(b) == ['pool'], f'{how}: by the VM that was parked')
        s = b.status_until(f'{how}: another is parked', parked(1))
        need(s['starts'] == {'pool': 1, 'clone': 1, 'cold': 0, 'cold_why': ''},
             f'{how}: the planner was copied, nothing booted cold')
        for i in range(2, 5):
            b.deliver(f'{i}.mail', plain(f'mail {i}'))
        need(all(i['verdict'] == 'read' for i in b.items_until(4)),
             f'{how}: more mails than are parked are read')
        need('clone' in starts(b) and 'cold' not in starts(b),
             f'{how}: those by copies made for them')
        b.status_until(f'{how}: another is parked again', parked(1))
        holds(b, idle, f'{how}: the monitor holds what it held')
        die_parked(b, how)
        die_unseen(b, how)


def die_parked(b, how):
    """It has seen nothing of an outsider's: its template stays."""
    os.kill(vm_process(b, 'qemu')[0], signal.SIGKILL)
    b.status_until(f'{how}: a parked clone that dies is replaced',
                   lambda s: s['pools'][0]['died'] == 1 and parked(1)(s))
    need(not events(b, 'retired'), f'{how}: its template stays')


def die_unseen(b, how):
    """A parked clone dies while the monitor is busy, and the next mail is there
    before the monitor knows: the mail does not get the dead one."""
    monitor = b.monitor_pid()
    os.kill(monitor, signal.SIGSTOP)
    os.kill(vm_process(b, 'qemu')[0], signal.SIGKILL)
    b.deliver('5.mail', plain('mail 5'))
    time.sleep(4)
    os.kill(monitor, signal.SIGCONT)
    need(b.items_until(5)[4]['verdict'] == 'read',
         f'{how}: a clone that died unseen is given no work')
    b.status_until(f'{how}: and is replaced',
                   lambda s: s['pools'][0]['died'] == 2 and parked(1)(s))


def no_planner():
    with Bulkhead(planner='none', deadline='40s', pool=0) as b:
        b.up()
        s = b.templates()
        need([t['kind'] for t in s['templates']] == ['reader'],
             'without a planner there is no template of one')
        b.deliver('1.mail', plain('first'))
        item = b.items_until(1)[0]
        need(item['verdict'] == 'read' and item['task'] == 0,
             'without a planner a mail is read, and no task started')
        need(not any(r.get('zone') == 'planner' for r in b.audit()),
             'nor a VM for one')
        crash(b)


def children(pid):
    with contextlib.suppress(OSError), \
            open(f'/proc/{pid}/task/{pid}/children', encoding='utf-8') as f:
        return [int(p) for p in f.read().split()]
    return []


def name_of(pid):
    with contextlib.suppress(OSError), \
            open(f'/proc/{pid}/comm', encoding='utf-8') as f:
        return f.read().strip()
    return ''


def machine_at_work(monitor, seconds=60):
    """The keeper of the next machine that runs, in the moment it does: a copy
    that does one mail lives for a fraction of a second. Others are jails that
    wait for work, without a QEMU in them."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for vmm in children(monitor):
            if name_of(vmm) == 'bulkhead-vmm' and any(
                    name_of(c).startswith('qemu') for c in children(vmm)):
                return vmm
        time.sleep(0.001)
    need(False, 'there is a machine at work')
    return 0


def crash(b):
    """A clone that dies at its work costs its template its life."""
    before = b.at_rest()
    # Long enough for its VM to be seen before it is done.
    b.deliver('2.mail', plain('second', 'some words of it\r\n' * 100_000))
    os.kill(machine_at_work(b.monitor_pid()), signal.SIGKILL)
    need(b.items_until(2)[1]['verdict'] in ('read', 'refused'),
         'its mail has a verdict')
    b.audit_until('its template is retired', lambda _: events(b, 'retired'))
    gone = events(b, 'retired')
    need(len(gone) == 1 and 'a clone died' in gone[0]['why'],
         'the template is retired, and why is recorded')
    b.templates()
    need(len(events(b, 'built')) == 2, 'and built again')
    holds(b, before, 'nothing is left of the old one')


def main():
    pool('waiting')
    pool('resumed')
    no_planner()
    return 0


if __name__ == '__main__':
    sys.exit(main())
