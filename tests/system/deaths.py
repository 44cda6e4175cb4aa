"""Goal of this test: whichever process of a VM is killed, no QEMU is left
behind, the item is refused by name, or read in another VM where its own had not
begun; nothing else is harmed; and when the monitor is killed, nothing at all is
left."""
import contextlib
import os
import signal
import sys
import time

from harness import Bulkhead, need, plain


def running(pid):
    with contextlib.suppress(OSError):
        with open(f'/proc/{pid}/stat', encoding='utf-8') as f:
            return f.read().rsplit(')', 1)[1].split()[0] not in 'ZX'
    return False


def with_vm(b):
    """The processes by pid, once a VM is booting."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        tree = b.children()
        names = tree.values()
        # A QEMU just started has the name of its memfd yet.
        if any(n.startswith('qemu') for n in names) and \
           any(n.startswith('bulkhead-porter') for n in names):
            return tree
        time.sleep(0.05)
    need(False, 'a VM was started')
    return {}


def parent(pid):
    with open(f'/proc/{pid}/stat', encoding='utf-8') as f:
        return int(f.read().rsplit(')', 1)[1].split()[1])


def at_work(tree, victim):
    """The victim's pid, of the VM that has a QEMU: others stand ready beside
    it, in jails that are empty yet."""
    if victim in ('bulkhead-vmm', 'bulkhead-porter'):
        vmm = next(p for p, n in tree.items() if n.startswith('qemu'))
        while not tree[vmm].startswith('bulkhead-vmm'):
            vmm = parent(vmm)
        while tree[parent(vmm)].startswith('bulkhead-vmm'):
            vmm = parent(vmm)
        if victim != 'bulkhead-porter':
            return vmm
        with open('/proc/sys/kernel/pid_max', encoding='utf-8') as f:
            most = int(f.read())
        # It is started right behind its machine.
        return min((p for p, n in tree.items() if n.startswith(victim)),
                   key=lambda p: (p - vmm) % most)
    return next(p for p, n in tree.items() if n.startswith(victim))


def end_of(pids, what):
    end = time.monotonic() + 5
    while any(map(running, pids)) and time.monotonic() < end:
        time.sleep(0.02)
    need(not any(map(running, pids)), what)


def one(victim):
    with Bulkhead(pool=0) as b:
        b.up()
        b.templates()
        # Long enough for its VM to be seen before it is done.
        b.deliver('1.mail', plain('first', 'some words of it\r\n' * 100_000))
        tree = with_vm(b)
        pid = at_work(tree, victim)
        os.kill(pid, signal.SIGKILL)
        if victim == 'bulkhead-monitor'[:15]:
            end_of(tree, 'monitor killed: nothing is left')
            return
        end_of([p for p, n in tree.items() if 'qemu' in n or p == pid],
               f'{victim} killed: no QEMU is left')
        items = b.items_until(1)
        need(items[0]['verdict'] == 'read' or
             (items[0]['verdict'] == 'refused' and items[0]['fault']),
             f'{victim} killed: {items[0]["verdict"]} {items[0]["fault"]}')
        ends = [r['reason'] for r in b.audit() if r['kind'] == 'vm.end']
        need(any(r not in ('done', 'task done') for r in ends),
             f'{victim} killed: its VM is recorded as dead: {ends}')
        need(any(r['event'] == 'retired' for r in b.audit()
                 if r['kind'] == 'vm.template'),
             f'{victim} killed: its template is retired')
        b.deliver('2.mail', plain('second'))
        need(b.items_until(2)[1]['verdict'] == 'read',
             f'{victim} killed: the next item is read')


def main():
    # /proc cuts a name at 15 bytes
    for victim in ('bulkhead-vmm', 'bulkhead-porter', 'qemu',
                   'bulkhead-monito'):
        one(victim)
    return 0


if __name__ == '__main__':
    sys.exit(main())
