"""Goal of this test: a porter or an envelope process that its item owns harms
that item and nothing else. Both are replaced by programs that misbehave."""
import os
import shutil
import signal
import subprocess
import sys
import time

import harness
from harness import BUILD, IMAGES, Bulkhead, need, plain

HOSTILE = os.environ['HOSTILE_PROCESS']
PORTER = ['late-boot', 'many-boots', 'odd-fault', 'odd-words', 'not-its-own',
          'silence']


def programs(where, name, mode):
    """A program folder in which one program is the hostile one."""
    for f in os.listdir(BUILD):
        if f.startswith('bulkhead-') and '.' not in f and f != name:
            os.symlink(os.path.join(BUILD, f), os.path.join(where, f))
    shutil.copy(os.path.join(BUILD, 'bulkhead'), where)
    shutil.copy(HOSTILE, os.path.join(where, name))
    os.symlink(os.path.join(BUILD, name), os.path.join(where, name + '.own'))
    with open(os.path.join(where, 'mode'), 'w', encoding='utf-8') as f:
        f.write(mode)


class Replaced(Bulkhead):
    """A bulkhead of which one program is the hostile one."""
    def __init__(self, name, mode, **kw):
        super().__init__(**kw)
        self.bin = os.path.join(self.dir, 'bin')
        os.mkdir(self.bin)
        programs(self.bin, name, mode)

    def run(self, *args, **kw):
        harness.BUILD = self.bin
        try:
            return super().run(*args, **kw)
        finally:
            harness.BUILD = BUILD


def lasting(b):
    """Without VMs: a template that cannot be built is tried again."""
    return [(p['name'], p['pid'], p['running'])
            for p in b.status()['processes']] + [b.monitor_pid()]


def porter(mode):
    # The probe at the first start boots a guest without a porter.
    with Replaced('bulkhead-porter', mode, deadline='3s', pool=0) as b:
        b.up()
        before = lasting(b)
        b.deliver('1.mail', plain('first'))
        b.deliver('2.mail', plain('second'))
        items = b.items_until(2, 60)
        need(all(i['verdict'] == 'refused' for i in items),
             f'{mode}: its items are refused')
        b.items()
        end = time.monotonic() + 30
        while b.status()['vms']['running'] and time.monotonic() < end:
            time.sleep(0.3)
        need(before == lasting(b), f'{mode}: no other process harmed')
        ready = [r for r in b.audit() if r['kind'] == 'vm.ready']
        need(len(ready) <= 2, f'{mode}: it does not fill the log')
        b.run('audit', 'verify')


def full_view():
    """It fills the view that its owner has stopped reading."""
    with Replaced('bulkhead-porter', 'full-view', deadline='3s', pool=0,
                  planner='none') as b:
        b.up()
        w = subprocess.Popen([os.path.join(BUILD, 'bulkhead'), '--config',
                              b.config, 'wire', 'reader'],
                             stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE)
        need(b'waiting' in w.stderr.readline(), 'full-view: somebody watches')
        os.kill(w.pid, signal.SIGSTOP)
        b.deliver('1.mail', plain('first'))
        need(b.items_until(1, 60)[0]['verdict'] == 'refused',
             'full-view: its item is refused, and nobody waits for the view')
        need(b.status()['vms']['running'] == 0, 'full-view: its VM is gone')
        os.kill(w.pid, signal.SIGKILL)
        w.wait()
        w.stderr.close()


def clone_done():
    """A clone's porter says that it is done, and was never ready: the item is
    not lost, and one that has its verdict gets no further VM."""
    with Replaced('bulkhead-porter', 'clone-done', deadline='40s', pool=0,
                  planner='none') as b:
        other = b.unread()
        b.up()
        b.templates()
        b.deliver('1.mail', plain('first'))
        need(b.items_until(1, 60)[0]['verdict'] == 'read',
             'clone-done: its item is read by another VM')
        b.templates()
        with open(os.path.join(other, 'new/1'), 'w', encoding='utf-8') as f:
            f.write(plain('unread'))
        need(b.items_until(2, 60)[1]['verdict'] == 'refused',
             'clone-done: an item that nobody reads is refused')
        b.status_until('clone-done: no VM is left',
                       lambda s: s['vms']['running'] == 0)
        starts = [(r['item'], r['start']) for r in b.audit()
                  if r['kind'] == 'vm.start']
        # Whether the verdict or the porter's word is first is a race.
        need(starts in ([(1, 'clone'), (1, 'cold'), (2, 'clone')],
                        [(1, 'clone'), (1, 'cold'), (2, 'clone'),
                         (2, 'cold')]),
             f'clone-done: and gets no VM after that {starts}')


def clone_words():
    """A clone's porter gives a reason that no record holds whole."""
    with Replaced('bulkhead-porter', 'clone-words', deadline='40s', pool=0,
                  planner='none') as b:
        b.up()
        b.templates()
        b.deliver('1.mail', plain('first'))
        need(b.items_until(1, 60)[0]['verdict'] == 'read',
             'clone-words: its item is read by another VM')
        need('\u00e9' in b.status()['starts']['cold_why'],
             'clone-words: and status says why')
        b.run('audit', 'verify')


def envelope():
    with Replaced('bulkhead-envelope', 'silence') as b:
        b.up()
        b.deliver('1.mail', plain('first'))
        items = b.items_until(1, 120)
        need(items[0]['verdict'] == 'read',
             'envelope: its item goes on without what it does not say')
        faults = [r.get('fault') for r in b.audit()
                  if r['kind'] == 'item.envelope']
        need(faults == ['the envelope process died'], 'envelope: recorded')
        need(not any('envelope' in n for n in b.children().values()),
             'envelope: none is left')


def second_monitor():
    """A second start is refused and leaves the first one alone."""
    with Bulkhead() as b:
        b.up()
        r = subprocess.run([os.path.join(BUILD, 'bulkhead-monitor'),
                            '--config', b.config, '--libexec', BUILD,
                            '--images', IMAGES], capture_output=True,
                           text=True, timeout=60, check=False)
        need(r.returncode == 1 and 'already running' in r.stderr,
             'second: refused, and says why')
        need(not b.status()['killed'], 'second: the first one still answers')
        first = b.monitor_pid()
        b.down()
        need(first and not b.monitor_pid(), 'second: the first one ends')


def unread_source():
    """Mail of a connector that no source of the policy reads, many at once,
    with names that are not text: refused, and the rest goes on."""
    with Bulkhead() as b:
        other = b.unread()
        for i in range(8):
            with open(os.path.join(other, 'new').encode() + b'/\xff%d' % i,
                      'wb') as f:
                f.write(plain(f'unread {i}').encode())
        b.deliver('1.mail', plain('first'))
        b.up()
        items = b.items_until(9)
        need(sorted(i['verdict'] for i in items) == ['read'] + ['refused'] * 8,
             'unread: eight refused, one read')
        b.run('audit', 'verify')


def main():
    second_monitor()
    unread_source()
    envelope()
    full_view()
    clone_done()
    clone_words()
    for mode in sys.argv[1:] or PORTER:
        porter(mode)
    return 0


if __name__ == '__main__':
    sys.exit(main())
