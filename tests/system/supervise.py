"""Goal of this test: whichever process that is to live as long as bulkhead dies
or hangs, it is started again, alone or with its generation; every mail gets
exactly one verdict, status tells the truth, nothing of the old generation is
left and no template is made anew. A log that cannot be opened keeps it down. A
kill holds over all that; a monitor that dies is started again where that is
asked for."""
import contextlib
import json
import os
import shutil
import signal
import sys
import time

from harness import Bulkhead, lives, need, plain, slower
from restart import SEND, verdicts

GENERATION = ('auditd', 'store', 'broker')
STAYS = ('control', 'telemetry')
ALONE = (*STAYS, 'connector:inbox', 'connector:drafts')
# Quick, and never enough: this test kills more often than any owner could bear.
QUICK = 'supervision: {{watchdog: {}s, backoff: 1s, restarts: 100}}\n'


def quick(watchdog=15):
    return QUICK.format(slower(watchdog))


def status_now(b):
    """The status, as soon as control is there to give one."""
    r = b.run('--json', 'status', check=False)
    return json.loads(r.stdout) if r.returncode == 0 else None


def process(s, name):
    return next((p for p in s['processes'] if p['name'] == name), {})


def pid_of(b, name):
    return process(b.status(), name)['pid']


def wait_for(what, check, seconds=60):
    end = time.monotonic() + slower(seconds)
    while time.monotonic() < end:
        found = check()
        if found:
            return found
        time.sleep(0.1)
    need(False, f'{what} within {seconds} s')
    return None


def well(b):
    s = status_now(b)
    return s if s and s['core']['state'] == 'up' and all(
        p['running'] and p['state'] == 'up' for p in s['processes']) else None


class Mails:
    """Mails that go on arriving, so that there is always one at work."""

    def __init__(self, b):
        self.b = b
        self.n = 0

    def some(self, count=3):
        for _ in range(count):
            self.n += 1
            self.b.deliver(f'{self.n}.mail', plain(f'number {self.n}'))

    def all_read(self):
        def done():
            found = self.b.items_now()
            return len(found) >= self.n and all(
                i['verdict'] != 'pending' for i in found) and found
        items = wait_for('every mail has its verdict', done, 120)
        need(len(items) == self.n, f'{self.n} mails are {len(items)} items')
        return items


def strike(b, mails, name, sig):
    mails.some()
    time.sleep(0.4)
    before = b.status()
    old = process(before, name)
    tree = [p['pid'] for p in before['processes']
            if name in GENERATION and p['name'] not in STAYS] or [old['pid']]
    os.kill(old['pid'], sig)
    mails.some(1)
    what = f'{name} is {"killed" if sig == signal.SIGKILL else "stopped"}'

    def again():
        s = well(b)
        return s and process(s, name)['pid'] != old['pid'] and s
    s = wait_for(f'{what}: all is well again', again)
    need(not any(map(lives, tree)), f'{what}: nothing of before is left')
    now = process(s, name)
    need(now['restarts'] == old['restarts'] + 1, f'{what}: counted in status')
    want = 'signal 9' if sig == signal.SIGKILL else 'hangs'
    need(want in now['cause'], f'{what}: status says why: {now["cause"]}')
    core = s['core']['restarts'] - before['core']['restarts']
    need(core == (name in GENERATION),
         f'{what}: {"the generation" if core else "it alone"} is new')
    if core:
        need(s['core']['cause'].startswith(f'{name}: '),
             f'{what}: it has the blame: {s["core"]["cause"]}')


def strike_at_work(b, mails, name, sig):
    """The same, with a machine that is surely at work meanwhile."""
    mails.n += 1
    pid = pid_of(b, name)
    b.deliver(f'{mails.n}.mail', plain('long', 'some words of it\r\n' * 100_000))
    wait_for('a machine is at work', lambda: b.status()['vms']['running'])
    os.kill(pid, sig)
    wait_for(f'{name} ends a machine\'s work: all is well again',
             lambda: b.status()['core']['restarts'] == 4 and well(b))


def records(b, done):
    """What was begun again, and what ended with it."""
    found = [(r['name'], r['class']) for r in b.audit()
             if r['kind'] == 'core.restart']
    need(found == [(n, 'generation' if n in GENERATION else 'alone')
                   for n in done], f'each restart is on record: {found}')
    ends = [r for r in b.audit() if r['kind'] == 'vm.end']
    ended = [r['vm'] for r in ends if not r.get('again')]
    need(sorted(set(ended)) == sorted(ended),
         'no machine has two ends on record')
    need(any(r['reason'] == 'the core is started again' for r in ends),
         'those at work ended with their core, and it is on record though '
         'there was no log just then')


def one_by_one(sig, watchdog):
    with Bulkhead(extra=quick(watchdog)) as b:
        b.up()
        b.templates()
        mails = Mails(b)
        mails.some(1)
        mails.all_read()
        before = b.at_rest()
        done = []
        for name in GENERATION + ALONE:
            strike(b, mails, name, sig)
            done.append(name)
            mails.all_read()
        strike_at_work(b, mails, 'auditd', sig)
        done.append('auditd')
        need(all(i['verdict'] == 'read' for i in mails.all_read()),
             'every mail was read')
        found = verdicts(b)
        need(len(found) == mails.n and all(len(v) == 1 for v in found.values()),
             'each has one verdict in the log')
        records(b, done)
        b.run('audit', 'verify')
        s = b.status()
        need([t['built'] for t in s['templates']] == [1, 1],
             'no template was made anew')
        after = b.at_rest()
        need(after == before,
             f'the monitor has no descriptor more than before: '
             f'{[(k, before.get(k, 0), v) for k, v in after.items() if v != before.get(k)]}')


def the_log_is_away(b, mails):
    """A log that cannot be opened: down, and nothing is done until it can."""
    audit = os.path.join(b.dir, 'state/audit')
    os.rename(audit, audit + '.away')
    os.kill(pid_of(b, 'auditd'), signal.SIGKILL)
    mails.some(2)

    before = b.status()['core']['failures']

    def refused():
        s = status_now(b)
        return (s and s['core']['failures'] >= before + 3
                and s['core']['state'] == 'down' and s)
    s = wait_for('it is tried again and again', refused)
    need('docs/audit.md' in s['core']['cause'] + s['core']['advice'] and
         'auditd' in s['core']['cause'],
         f'status says why, and what to do: {s["core"]["cause"]}')
    need('NOTHING EXECUTES' in b.run('status').stdout, 'in words, too')
    r = b.run('items', check=False)
    need(r.returncode != 0 and 'started again' in r.stderr,
         f'who asks the broker is told: {r.stderr}')
    s = b.status()
    need(s['vms']['running'] == 0 and s['vms']['waiting'] == 0,
         'no machine is at work')

    def put_back():
        # The next auditd may begin one in its place meanwhile.
        shutil.rmtree(audit, ignore_errors=True)
        with contextlib.suppress(OSError):
            os.rename(audit + '.away', audit)
        return not os.path.exists(audit + '.away')
    wait_for('the log is put back', put_back)
    wait_for('with the log all is well again', lambda: well(b))
    mails.all_read()
    b.run('audit', 'verify')


def effects(b):
    r = b.run('--json', 'effects', check=False)
    return json.loads(r.stdout)['effects'] if r.returncode == 0 else []


def sent(b):
    return len(os.listdir(os.path.join(b.dir, 'outbox/new')))


def effect_of(b, state):
    return wait_for(f'an effect is {state}', lambda: [
        e for e in effects(b) if e['state'] == state])


def in_an_effect(b, mails, end_of):
    """The connector holds still with an effect in hand when it, or what it
    would tell, ends."""
    before = sent(b)
    old = len([e for e in effects(b) if e['state'] == 'unknown'])
    drafts = pid_of(b, 'connector:drafts')
    os.kill(drafts, signal.SIGSTOP)
    mails.n += 1
    b.deliver(f'{mails.n}.mail', plain('send', SEND))
    effect_of(b, 'started')
    os.kill(pid_of(b, end_of), signal.SIGKILL)
    what = f'{end_of} ends in an effect'
    wait_for(f'{what}: all is well again', lambda: not lives(drafts) and well(b))
    found = wait_for(f'{what}: it is unknown', lambda: [
        e for e in effects(b) if e['state'] == 'unknown'][old:])
    need(len(found) == 1, f'{what}: it alone is unknown')
    item = next(i for i in mails.all_read() if i['item'] == found[0]['item'])
    need(item['verdict'] == ('interrupted' if end_of in GENERATION else 'read'),
         f'{what}: its mail is {item["verdict"]}')
    time.sleep(slower(1))
    need(sent(b) == before, f'{what}: nothing was sent, nothing is repeated')
    outcome = [r['outcome'] for r in b.audit() if r['kind'] == 'outcome'
               and r['effect'] == found[0]['effect']]
    need(outcome == ['unknown'], f'{what}: the log says so once {outcome}')
    mails.n += 1
    b.deliver(f'{mails.n}.mail', plain('send', SEND))
    mails.all_read()
    need(sent(b) == before + 1, f'{what}: the next one is carried out')


def kill_meanwhile(b, mails):
    """A kill while there is no generation; the next has nothing that acts."""
    mails.some()
    os.kill(pid_of(b, 'broker'), signal.SIGKILL)
    b.run('kill', 'meanwhile')
    s = b.status()
    need(s['killed'], 'a kill while the core is down is taken')
    wait_for('the core is there again',
             lambda: b.status()['core']['state'] == 'up')
    time.sleep(slower(2))
    acting = [n for n in b.children().values()
              if n.startswith(('bulkhead-connec', 'bulkhead-porter',
                               'bulkhead-vmm', 'qemu'))]
    need(not acting, f'and nothing that acts with it {acting}')
    kinds = [r['kind'] for r in b.audit()]
    need('core.restart' in kinds and
         kinds.index('kill') > kinds.index('core.restart'),
         'the kill is on record, though there was no log')
    b.down()


def latch_from_outside(b):
    """Nobody answers, so `kill` writes the latch: it is seen."""
    os.unlink(os.path.join(b.dir, 'state/latch'))
    b.up()
    os.kill(pid_of(b, 'control'), signal.SIGSTOP)
    r = b.run('kill', 'nobody answers', check=False)
    need(r.returncode != 0 and 'latch is set all the same' in r.stderr,
         'without control, the latch is written')
    wait_for('it is seen', lambda: not [
        n for n in b.children().values() if n.startswith('bulkhead-connec')], 8)
    os.kill(b.monitor_pid(), signal.SIGTERM)
    wait_for('a stop is a stop', lambda: not b.monitor_pid())
    os.unlink(os.path.join(b.dir, 'state/latch'))


def gives_up():
    with Bulkhead(extra='supervision: {backoff: 1s, restarts: 1}\n') as b:
        b.up('--supervise', '--detach')
        first = b.monitor_pid()
        old = 0
        for _ in range(2):
            def another():
                s = well(b)
                pid = process(s, 'broker')['pid'] if s else old
                return pid != old and pid
            old = wait_for('the core is up', another)
            os.kill(old, signal.SIGKILL)
        wait_for('after too many ends bulkhead ends',
                 lambda: b.monitor_pid() != first)
        need('more than 1 times within ten minutes' in b.log(),
             'and says why')
        wait_for('it is started again', lambda: well(b))
        stop = [r for r in b.audit() if r['kind'] == 'stop']
        need(not stop or not stop[-1]['clean'], 'no clean stop is on record')
        monitor_dies(b)


def monitor_dies(b):
    mails = Mails(b)
    mails.some()
    time.sleep(0.5)
    tree = b.children()
    os.kill(b.monitor_pid(), signal.SIGKILL)
    wait_for('with the monitor everything ends',
             lambda: not any(map(lives, tree)))
    wait_for('and is started again', lambda: well(b))
    mails.all_read()
    b.run('audit', 'verify')
    # Stopped in the pause: there is no monitor that could be asked.
    old = b.monitor_pid()
    os.kill(old, signal.SIGKILL)
    wait_for('it is gone', lambda: b.monitor_pid() != old, 5)
    # Its control may take the question, and end with it.
    def told():
        r = b.run('status', check=False)
        return 'start it again' in r.stderr or r.returncode == 0
    wait_for('status says what is about to happen', told, 5)
    b.run('down')
    time.sleep(slower(3))
    need(not b.monitor_pid(), 'down is down')
    b.up('--supervise', '--detach')
    b.run('kill', 'enough')
    os.kill(b.monitor_pid(), signal.SIGKILL)
    time.sleep(slower(4))
    need(not b.monitor_pid(), 'nothing is started over a latch')
    r = b.run('up', '--images', b.images, '--supervise', '--detach',
              check=False)
    need(r.returncode != 0 and 'latch' in r.stderr, 'nor by up')


def latch_cannot_be_written():
    """What is killed must not begin anew because nobody could note it."""
    with Bulkhead() as b:
        b.up('--supervise', '--detach')
        tree = b.children()
        os.rmdir(os.path.join(b.dir, 'state/latches'))
        b.run('kill', '--agent', 'cannot be noted', check=False)
        wait_for('without its latch everything ends',
                 lambda: not any(map(lives, tree)))
        wait_for('and is not started again',
                 lambda: 'it is not started again' in b.log(), 10)
        need(not b.monitor_pid(), 'by whoever would')


def main():
    one_by_one(signal.SIGKILL, 15)
    one_by_one(signal.SIGSTOP, 2)
    with Bulkhead(planner='gullible', extra=quick()) as b:
        b.up()
        mails = Mails(b)
        for name in ('connector:drafts', 'broker', 'store'):
            in_an_effect(b, mails, name)
        the_log_is_away(b, mails)
        kill_meanwhile(b, mails)
        latch_from_outside(b)
    gives_up()
    latch_cannot_be_written()
    return 0


if __name__ == '__main__':
    sys.exit(main())
