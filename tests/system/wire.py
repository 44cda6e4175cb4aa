"""Goal of this test: the owner sees a VM's wire from its first frame to its end,
decoded, in order, with no secret in it; that it was watched is recorded; and a
watcher who does not read, or goes away, holds up nobody."""
import json
import os
import subprocess
import sys

from harness import BUILD, Bulkhead, need, plain, slower

MARK = 'zebra crossing'


def watch(b, *args):
    return subprocess.Popen([*os.environ.get('BULKHEAD_WRAP', '').split(),
                             os.path.join(BUILD, 'bulkhead'), '--config',
                             b.config, 'wire', *args], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def waits(b, *args):
    """One that is known to wait for its VM."""
    w = watch(b, *args)
    said = w.stderr.readline()
    need('waiting for the next VM' in said, f'{" ".join(args)}: {said.strip()}')
    return w


def in_order(events, wanted):
    """Each row of wanted is a name and a test; they match in this order."""
    at = 0
    for name, fits in wanted:
        while at < len(events) and not fits(events[at]):
            at += 1
        need(at < len(events), f'the view has {name}, in its place')
        at += 1


def is_frame(**want):
    return lambda e: all(e.get(k) == v for k, v in want.items())


def mail_in(e):
    return (e.get('out') and e.get('service') == 'reader'
            and MARK in e.get('text', ''))


def json_in(e):
    return (not e.get('out') and e.get('service') == 'reader'
            and MARK in e.get('text', ''))


# What goes down may go right behind HELLO; nothing comes up before READY.
DOWN = [
    ('its name', is_frame(event='watching')),
    ('HELLO', is_frame(kind='message', type='HELLO', out=True)),
    ('the mail', mail_in),
    ("the mail's end", lambda e: e.get('out') and 'fin' in e.get('flags', [])),
    ('the JSON', json_in),
]
UP = [
    ('HELLO', is_frame(kind='message', type='HELLO', out=True)),
    ('ACK', is_frame(kind='message', type='ACK', out=False)),
    ('READY', is_frame(service='control', says='READY', out=False)),
    ('the JSON', json_in),
    ("the JSON's end", lambda e: not e.get('out') and 'fin' in
     e.get('flags', [])),
    ("the VM's end", is_frame(event='ended', reason='done')),
]


def one_mail(b):
    """Watches the next reader through one mail."""
    w = waits(b, '--json', '--full', 'reader')
    b.deliver('1.mail', plain('first', body=MARK))
    out, err = w.communicate(timeout=slower(180))
    need(w.returncode == 0, f'the view ends with the VM {err}')
    events = [json.loads(line) for line in out.splitlines()]
    in_order(events, DOWN)
    in_order(events, UP)
    frames = [e for e in events if e['event'] == 'frame']
    need(all(e['hex'] == '' for e in frames if e['kind'] == 'message'),
         'no byte of the handshake is shown')
    need(all(e['missed'] == 0 for e in frames), 'and no frame was missed')
    need(events[0]['what'] == 'reader, item 1', 'it says whose wire it is')
    return events[0]['vm']


def text_view(b):
    """The same for people, of the planner; a terminal gets nothing raw."""
    w = waits(b, 'planner')
    b.deliver('2.mail', plain('second', body='\x1b[2J\x1b]0;owned\x07'))
    out, err = w.communicate(timeout=slower(180))
    need(w.returncode == 0, f'a planner is watched {err}')
    need('mcp' in out and 'initialize' in out, 'its requests are seen')
    need(all(c == '\n' or c.isprintable() for c in out),
         'nothing but printable text')
    need('the VM has ended' in out, 'and its end')


def refused(b):
    r = b.run('wire', '4711', check=False)
    need(r.returncode == 1 and 'no VM of that number runs' in r.stderr,
         'a VM that does not run cannot be watched')
    need(b.run('wire', 'everything', check=False).returncode == 2,
         'nor what is none')


def bad_watchers(b):
    """One does not read, one goes: mails are read all the same."""
    deaf = waits(b, 'next')
    gone = waits(b, 'next')
    gone.kill()
    gone.communicate()
    os.kill(deaf.pid, 19)  # SIGSTOP
    b.deliver('3.mail', plain('third', body='word ' * 200000))
    items = b.items_until(3)
    need(items[2]['verdict'] == 'read', 'the mail is read')
    os.kill(deaf.pid, 18)
    deaf.communicate(timeout=slower(60))
    for _ in range(9):
        w = waits(b, 'next')
        w.kill()
        w.communicate()
    r = waits(b, 'next')
    need(r.poll() is None, 'those who went leave their places to others')
    r.kill()
    r.communicate()


def main():
    with Bulkhead() as b:
        b.up()
        vm = one_mail(b)
        text_view(b)
        refused(b)
        bad_watchers(b)
        watched = [r for r in b.audit() if r['kind'] == 'vm.watched']
        need(f"vm-{watched[0]['vm']}" == vm and watched[0]['zone'] == 'reader',
             'that it was watched is in the audit log')
        need(watched[1]['zone'] == 'planner', 'each time')
        w = waits(b, 'next')
        b.down()
        _, err = w.communicate(timeout=slower(60))
        need(w.returncode == 1 and 'no VM came' in err,
             'who waits is told when bulkhead ends')
    return 0


if __name__ == '__main__':
    sys.exit(main())
