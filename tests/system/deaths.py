"""Goal of this test: whichever process of a VM is killed, no QEMU is left
behind, the item is refused by name, or read in another VM where its own had not
begun; nothing else is harmed; and when the monitor is killed, nothing at all is
left."""
import contextlib
import os
import signal
import sys
import time

from harness import Bulkhead, lives, need, plain, slower


def with_vm(b):
    """The processes by pid, once a VM is at work. It holds still: its work is not
    done before it dies."""
    end = time.monotonic() + slower(30)
    while time.monotonic() < end:
        # A QEMU just started has the name of its memfd yet.
        for pid in [p for p, n in b.children().items()
                    if n.startswith('qemu')]:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGSTOP)
            time.sleep(slower(0.3))
            tree = b.children()
            if lives(pid) and tree.get(pid, '').startswith('qemu'):
                return tree
        time.sleep(0.01)
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
    end = time.monotonic() + slower(10)  # after 20 s a VM ends anyhow
    while any(map(lives, pids)) and time.monotonic() < end:
        time.sleep(0.02)
    need(not any(map(lives, pids)), what)


def one(victim):
    with Bulkhead(pool=0, planner='none') as b:
        b.up()
        b.templates()
        # Long enough for its VM to be seen before it is done.
        b.deliver('1.mail', plain('first', 'some words of it\r\n' * 400_000))
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
        b.audit_until(
            f'{victim} killed: its VM is recorded as dead',
            lambda records: any(r['reason'] not in ('done', 'task done')
                                for r in records if r['kind'] == 'vm.end'))
        b.audit_until(
            f'{victim} killed: its template is retired',
            lambda records: any(r['event'] == 'retired' for r in records
                                if r['kind'] == 'vm.template'))
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
