"""Goal of this test: a kill stops everything that acts, stays over a restart,
and only the owner at a terminal takes it away."""
import os
import pty
import resource
import signal
import subprocess
import sys
import time

from harness import BUILD, Bulkhead, lives, need, plain, slower


def rearm(b, word, *args):
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(os.path.join(BUILD, 'bulkhead'),
                 ['bulkhead', '--config', b.config, 'rearm', *args])
    out = b''
    try:
        while b'Type rearm' not in out:
            out += os.read(fd, 4096)
        os.write(fd, word.encode() + b'\n')
        while os.read(fd, 4096):
            pass
    except OSError:
        pass
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def acting(b):
    return [n for n in b.children().values()
            if 'connector' in n or 'bulkhead-conne' in n or 'qemu' in n
            or 'porter' in n or 'vmm' in n]


def one(b, trigger, what):
    b.up()
    need(acting(b), f'{what}: connectors run (positive control)')
    b.deliver(f'{what}.mail', plain(what))
    time.sleep(1.0)
    trigger()
    end = time.monotonic() + slower(15)  # after 20 s VMs end anyhow
    while acting(b) and time.monotonic() < end:
        time.sleep(0.05)
    need(not acting(b), f'{what}: nothing that acts is left')
    need(b.status()['killed'], f'{what}: status says so')
    need(any(r['kind'] == 'kill' for r in b.audit()),
         f'{what}: the audit log says so')
    b.down()
    r = b.run('up', '--images', b.images, check=False)
    need(r.returncode != 0 and 'latch' in r.stderr + r.stdout,
         f'{what}: the latch stays over a restart')
    b.run('kill', 'a long reason', check=False)
    b.run('kill', 'short', check=False)
    with open(os.path.join(b.dir, 'state/latch'), encoding='utf-8') as f:
        need(f.read() == 'short', f'{what}: the latch holds one reason whole')
    r = b.run('rearm', check=False, stdin=-3)
    need(r.returncode != 0, f'{what}: no re-arming without a terminal')
    need(rearm(b, 'yes') != 0, f'{what}: nor with another word')
    need(rearm(b, 'rearm') == 0, f'{what}: the typed word re-arms')


def no_room():
    """Not a byte can be written into a file any more."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def full(b):
    latch = os.path.join(b.dir, 'state/latch')
    r = b.run('kill', 'why', check=False, preexec_fn=no_room)
    need(os.path.exists(latch) and 'set all the same' in r.stderr,
         'a kill on a full disk sets the latch, and says so')
    need(rearm(b, 'rearm') == 0, 'which is re-armed like another')


def kills(b):
    return b.status()['kills']


def levels(b):
    return sorted(k['level'] for k in kills(b)['latches'])


def recorded(b, kind, level):
    return [r for r in b.audit() if r['kind'] == kind and r['level'] == level]


def latch_file(b, name):
    return os.path.join(b.dir, 'state/latches', name)


def narrow(b):
    """A capability, a task, the agent: connectors stay, a restart changes
    nothing, each is taken away by itself while bulkhead runs."""
    b.up()
    b.run('kill', '--capability', 'notes.append', 'no more notes')
    b.run('kill', '--task', '4711')
    need(levels(b) == ['capability', 'task'] and not b.status()['killed'],
         'a capability and a task are killed, and nothing else')
    need(any('connector' in n or 'bulkhead-conne' in n
             for n in b.children().values()), 'connectors go on')
    b.down()
    b.up()
    need(levels(b) == ['capability', 'task'], 'both are over a restart')
    b.run('kill', '--agent', 'the agent')
    b.deliver('waits.mail', plain('waits'))
    time.sleep(2)
    need(all(i['verdict'] != 'read' for i in b.items_now()
             if 'waits' in i['key']), 'the agent: its planner is not started')
    r = b.run('rearm', '--agent', check=False, stdin=-3)
    need(r.returncode != 0, 'nor is that taken away without a terminal')
    need(rearm(b, 'rearm', '--agent') == 0, 'the agent is re-armed as it runs')
    items = b.items_until(1)
    need(items[-1]['verdict'] == 'read', 'what waited is read then')
    need(rearm(b, 'rearm', '--task', '4711') == 0 and
         rearm(b, 'rearm', '--capability', 'notes.append') == 0 and
         not levels(b), 'so are the others')
    for level in ('capability', 'task', 'agent'):
        need(recorded(b, 'kill', level) and recorded(b, 'rearm', level),
             f'{level}: the kill and its end are in the log')
    b.down()


def by_file(b):
    """Who cannot reach the monitor writes a latch of any level."""
    b.up()
    with open(latch_file(b, 'agent'), 'w', encoding='utf-8') as f:
        f.write('by hand')
    end = time.monotonic() + 10
    while 'agent' not in levels(b) and time.monotonic() < end:
        time.sleep(0.05)
    rows = recorded(b, 'kill', 'agent')
    need(rows and rows[-1]['by'] == 'latch', 'a latch file is seen at once')
    need(rearm(b, 'rearm', '--agent') == 0, 'it is re-armed')
    b.down()


def connectors(b):
    return [p for p, n in b.children().items() if 'conne' in n and lives(p)]


def until(what, check, seconds=20):
    end = time.monotonic() + slower(seconds)
    while not check() and time.monotonic() < end:
        time.sleep(0.02)
    need(check(), what)


def beside_a_log_that_hangs(b, trigger, what):
    """The monitor waits for its record of another kill, and for long."""
    b.up()
    seen = b.log().count('event=kill')
    auditd = next(p['pid'] for p in b.status()['processes']
                  if p['name'] == 'auditd')
    os.kill(auditd, signal.SIGSTOP)
    touch(latch_file(b, 'task.1'))
    until(f'{what}: the monitor is about to wait for the log',
          lambda: b.log().count('event=kill') > seen)
    need(connectors(b), f'{what}: connectors are there')
    asked = trigger()
    until(f'{what}: no connector is left', lambda: not connectors(b))
    need(lives(auditd) and 'hangs' not in b.log(),
         f'{what}: and the log is waited for as before')
    need(what == 'file' or
         not os.path.exists(os.path.join(b.dir, 'state/latch')),
         f'{what}: no file was needed for that')
    os.kill(auditd, signal.SIGCONT)
    until(f'{what}: all is killed', lambda: b.status()['killed'])
    need(not asked or asked.wait() == 0, f'{what}: who asked is told so')
    b.down()
    need(rearm(b, 'rearm') == 0 and rearm(b, 'rearm', '--task', '1') == 0,
         f'{what}: both are re-armed')


def touch(path):
    with open(path, 'w', encoding='utf-8'):
        pass


def more_than_there_is_room_for(b):
    """All of the agent is stopped then, and the log is not filled with it."""
    many, before = 4100, recorded(b, 'kill', 'task')
    for n in range(1, many + 1):
        touch(latch_file(b, f'task.{n}'))
    b.up()
    # Each look is over when what the next one has found is on record.
    for name in ('one', 'two'):
        touch(latch_file(b, f'capability.{name}'))
        b.audit_until(f'the latch of {name} is found',
                      lambda records, name=name: any(
                          r['kind'] == 'kill' and r.get('capability') == name
                          for r in records))
    need(recorded(b, 'kill', 'task') == before,
         'those there is no room for are not recorded at each look')
    b.deliver('stopped.mail', plain('stopped'))
    b.status_until('the mail waits for a planner',
                   lambda s: s['vms']['waiting'])
    b.down()
    for n in range(1, many + 1):
        os.remove(latch_file(b, f'task.{n}'))
    for name in ('one', 'two'):
        os.remove(latch_file(b, f'capability.{name}'))


def sentinel():
    """The kill file; machines that are kept; what connectors say when they are
    to give up their credentials."""
    with Bulkhead(extra='kill: {file: stop/now, machines: freeze}\n') as b:
        r = b.run('up', '--images', b.images, check=False)
        need(r.returncode != 0 and 'kill.file' in r.stderr + r.stdout,
             'no start without the folder of the kill file')
        os.mkdir(os.path.join(b.dir, 'stop'))
        b.up()
        with open(os.path.join(b.dir, 'stop/now'), 'w', encoding='utf-8'):
            pass
        end = time.monotonic() + 10
        while not b.status()['killed'] and time.monotonic() < end:
            time.sleep(0.05)
        rows = recorded(b, 'kill', 'all')
        need(rows and rows[-1]['by'] == 'kill-file', 'the kill file kills')
        b.down()
        need(rearm(b, 'rearm') == 0, 'its latch is re-armed')
        r = b.run('up', '--images', b.images, check=False)
        need(r.returncode != 0 and 'kill file' in r.stderr + r.stdout,
             'no start while the file is there')
        os.remove(os.path.join(b.dir, 'stop/now'))
        b.up()
        os.rename(os.path.join(b.dir, 'stop'), os.path.join(b.dir, 'gone'))
        until('without its folder, too', lambda: b.status()['killed'])
        need('gone' in recorded(b, 'kill', 'all')[-1]['reason'],
             'the record says that it is gone')
        b.down()
        os.rename(os.path.join(b.dir, 'gone'), os.path.join(b.dir, 'stop'))
        need(rearm(b, 'rearm') == 0, 'it is re-armed with the folder back')
        b.up()
        b.run('kill', '--revoke', 'all of it')
        end = time.monotonic() + 20
        while time.monotonic() < end and \
                any(r['result'] == 'asked' for r in kills(b)['revoked']):
            time.sleep(0.1)
        said = {r['connector']: r['result'] for r in kills(b)['revoked']}
        need(said == {'inbox': 'nothing-to-revoke',
                      'drafts': 'nothing-to-revoke'},
             f'each connector says what it has revoked: {said}')
        need(not acting(b), 'and has ended again')
        need(levels(b) == ['all+revoke'], 'status knows the level')


def main():
    with Bulkhead() as b:
        one(b, lambda: b.run('kill', 'a test'), 'cli')
        one(b, lambda: os.kill(b.monitor_pid(), signal.SIGUSR1), 'signal')
        full(b)
        b.up()
        b.audit_until(
            'what was re-armed while it was down is on record, once',
            lambda records: sorted((r['level'], r['by'], r['reason'])
                                   for r in records if r['kind'] == 'rearm')
            == [('all', 'rearm', '')] + [('all', 'rearm', 'short')] * 2)
        need('level=all task=0 set=1' in b.log(),
             'and the broker is told of it: what it stopped is not done')
        b.deliver('last.mail', plain('last'))
        items = b.items_until(3)
        need([i['verdict'] for i in items if i['key'] == 'last.mail'] ==
             ['read'], 're-armed, it works again')
        b.down()
        by_file(b)
        beside_a_log_that_hangs(
            b, lambda: os.kill(b.monitor_pid(), signal.SIGUSR1), 'signal')
        beside_a_log_that_hangs(
            b, lambda: touch(os.path.join(b.dir, 'state/latch')), 'file')
        beside_a_log_that_hangs(b, lambda: subprocess.Popen(
            [os.path.join(BUILD, 'bulkhead'), '--config', b.config, 'kill']),
            'control')
    with Bulkhead() as b:
        narrow(b)
        more_than_there_is_room_for(b)
    sentinel()
    return 0


if __name__ == '__main__':
    sys.exit(main())
