"""Goal of this test: a guest that breaks the rules is ended, alone, by name and
in time, and recorded; everything else goes on. The 12 kinds of hostile_modes.py.

usage: hostile_guests.py [--all | KIND | MODE ...]
       hostile_guests.py --pack DIR    packs the hostile images, and ends

Without arguments one mode of each kind is run.
"""
import os
import sys
import tempfile
import time
from datetime import datetime

from harness import SLOW, Bulkhead, hostile_images, need, pack_hostile, plain
from hostile_modes import BEFORE_WORK, GROUPS, NO_TEMPLATE, TEMPLATES

# The harness multiplies it, as it does all of a VM's time.
DEADLINE = 6
# What a busy machine may take longer, and a deadline come later.
SLACK = 15 * SLOW
# Seconds for whatever a kind does, with templates built anew meanwhile.
PATIENCE = 240 * SLOW
START = 30  # a VM's time from its start to ready
VM_PROCESSES = ('qemu', 'vmm', 'porter')


def pack_all(where):
    os.makedirs(where, exist_ok=True)
    for mode in ['mail', *sorted(BEFORE_WORK), *TEMPLATES]:
        pack_hostile(mode, os.path.join(where, f'hostile-{mode}.cpio'))


class Hostile(Bulkhead):
    """A bulkhead whose readers are this image."""

    def __init__(self, mode):
        self.folder = tempfile.TemporaryDirectory(prefix='bhi')
        hostile_images(mode, self.folder.name)
        super().__init__(images=self.folder.name, deadline=f'{DEADLINE}s')

    def close(self):
        super().close()
        self.folder.cleanup()

    def settled(self):
        """Once the work is done no VM is left but those kept ready."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            s = self.status()
            parked = sum(p['parked'] + p['jails']
                         for p in s.get('pools', []))
            left = [n for n in self.children().values()
                    if any(v in n for v in VM_PROCESSES)]
            busy = any(t['state'] == 'building'
                       for t in s.get('templates', []))
            if not busy and s['vms']['running'] == 0 and \
                    len(left) <= len(VM_PROCESSES) * parked:
                return True
            time.sleep(0.5)
        print(s, left)
        return False

    def lasting(self):
        """Name and pid of the processes that are no VM's and no message's."""
        found = {p['name']: p['pid'] for p in self.status()['processes']
                 if p['running']}
        found['monitor'] = self.monitor_pid()
        return found


def need_unharmed(b, what, before):
    gone = before.items() - b.lasting().items()
    if gone:
        print('gone:', gone)
    need(not gone, f'{what}: no other process was harmed')


def seconds(record):
    return datetime.fromisoformat(record['time'].rstrip('Z')[:26]).timestamp()


def need_in_time(mode, item, records):
    """From a VM's start, when its work is known, to its end. An item may have
    had a clone, and then a cold VM; one that never was ready had longer."""
    for r in records:
        if r['kind'] != 'vm.fault' or r.get('item') != item:
            continue
        of = [s for s in records if s.get('vm') == r['vm']]
        ready = any(s['kind'] == 'vm.ready' for s in of)
        took = seconds(r) - min(seconds(s) for s in of
                                if s['kind'] == 'vm.start')
        had = DEADLINE * SLOW
        need(took <= (had if ready else max(had, START)) + SLACK,
             f'{mode}: ended after {took:.1f} s')
        if r['fault'] == 'deadline' and ready:
            need(took >= had - 0.5, f'{mode}: it had its {had} s')


def need_refused(mode, faults, item, records):
    need(item['verdict'] == 'refused',
         f'{mode}: refused: {item.get("fault")}')
    need(any(f in item['fault'] for f in faults),
         f'{mode}: named as one of {sorted(faults)}')
    need('its porter did not' not in item['fault'],
         f'{mode}: by its porter, not by the monitor behind that')
    named = [r for r in records if r.get('item') == item['item'] and
             r['kind'] in ('vm.fault', 'item.done') and
             any(f in r.get('fault', '') for f in faults)]
    need(bool(named), f'{mode}: in the audit log')
    need_in_time(mode, item['item'], records)


def asking(mode):
    return plain(f'Please {mode}').replace('\r\nTo:',
                                           f'\r\nX-Mode: {mode}\r\nTo:', 1)


def with_work(b, kind, modes, done):
    """All modes of a kind, and honest mails before and behind them."""
    b.deliver(f'honest-{kind}-1', plain(f'before {kind}'))
    for mode in modes:
        b.deliver(f'bad-{mode}', asking(mode))
    b.deliver(f'honest-{kind}-2', plain(f'behind {kind}'))
    done.update([f'honest-{kind}-1', f'honest-{kind}-2',
                 *(f'bad-{m}' for m in modes)])
    items = {i['key']: i for i in b.items_until(len(done), PATIENCE)}
    records = b.audit()
    for n in (1, 2):
        need(items[f'honest-{kind}-{n}']['verdict'] == 'read',
             f'{kind}: an honest mail is read all the same')
    for mode, faults in modes.items():
        item = items[f'bad-{mode}']
        if 'answered' in faults:
            need(item['verdict'] == 'read', f'{mode}: harms nothing')
        else:
            need_refused(mode, faults, item, records)


def in_one(kinds):
    """Modes that begin with a mail: one bulkhead for all of them."""
    done = set()
    with Hostile('mail') as b:
        b.up()
        before = b.lasting()
        for kind, modes in kinds.items():
            with_work(b, kind, modes, done)
            need_unharmed(b, kind, before)
        need(b.settled(), 'no VM is left but those kept ready')
        if any('hangup' in f for m in kinds.values() for f in m.values()):
            need(any(r['kind'] == 'vm.template' and r['event'] == 'retired'
                     for r in b.audit()),
                 'a template is retired when a clone of it dies')
        b.run('audit', 'verify')


def need_backoff(b, mode):
    """Whoever fails again and again is tried less and less: 1 s, 2 s, 4 s."""
    end = time.monotonic() + PATIENCE
    failed = []
    while len(failed) < 4 and time.monotonic() < end:
        time.sleep(1)
        failed = [seconds(r) for r in b.audit()
                  if r['kind'] == 'vm.template' and r['event'] == 'failed']
    gaps = [y - x for x, y in zip(failed, failed[1:])]
    need(len(gaps) >= 3 and gaps[0] >= 0.9 and gaps[1] >= 1.9 and
         gaps[2] >= 3.9, f'{mode}: its template is tried again, later each '
         f'time: {[round(g, 1) for g in gaps]}')


def alone(mode, faults):
    """Modes that begin with the VM: an image, and so a bulkhead, for each."""
    with Hostile(mode) as b:
        b.up()
        before = b.lasting()
        began = time.monotonic()
        b.deliver('1', plain('first'))
        item = b.items_until(1, PATIENCE)[0]
        records = b.audit()
        need_refused(mode, faults, item, records)
        tries = [r for r in records if r['kind'] in ('vm.start', 'vm.template')]
        took = time.monotonic() - began
        need(len(tries) <= 8 + took, f'{mode}: {len(tries)} tries in '
             f'{took:.0f} s: no hot loop')
        if mode in NO_TEMPLATE:
            need_backoff(b, mode)
        need_unharmed(b, mode, before)
        b.run('audit', 'verify')


def no_template(mode):
    """Where no template can be made, VMs are booted, and it is said."""
    with Hostile(mode) as b:
        b.up()
        before = b.lasting()
        b.deliver('1', plain('first'))
        item = b.items_until(1, PATIENCE)[0]
        need(item['verdict'] == 'read', f'{mode}: the mail is read')
        starts = [r for r in b.audit() if r['kind'] == 'vm.start' and
                  r.get('item') == item['item'] and r['zone'] == 'reader']
        need([r['start'] for r in starts] == ['cold'] and starts[0]['why'],
             f'{mode}: by a VM that was booted, since: '
             f'{starts[0].get("why") if starts else None}')
        readers = [t for t in b.status()['templates']
                   if t['kind'] == 'reader']
        need(readers[0]['state'] != 'ready' and readers[0]['why'],
             f'{mode}: there is no template, since: {readers[0]["why"]}')
        need_unharmed(b, mode, before)


def templates_of(words):
    if not words:
        return TEMPLATES[:1]
    return [t for t in TEMPLATES if words == ['--all'] or t in words]


def chosen(words):
    """{kind: {mode: faults}} of what was asked for."""
    if words == ['--all']:
        return GROUPS
    if not words:
        return {k: dict(list(m.items())[:1]) for k, m in GROUPS.items()}
    found = {k: {m: f for m, f in modes.items() if k in words or m in words}
             for k, modes in GROUPS.items()}
    return {k: m for k, m in found.items() if m}


def main():
    if sys.argv[1:2] == ['--pack']:
        pack_all(sys.argv[2])
        return 0
    for mode in templates_of(sys.argv[1:]):
        no_template(mode)
    kinds = chosen(sys.argv[1:])
    for modes in kinds.values():
        for mode, faults in modes.items():
            if mode in BEFORE_WORK:
                alone(mode, faults)
    working = {k: {m: f for m, f in modes.items() if m not in BEFORE_WORK}
               for k, modes in kinds.items()}
    working = {k: m for k, m in working.items() if m}
    if working:
        in_one(working)
    return 0


if __name__ == '__main__':
    sys.exit(main())
