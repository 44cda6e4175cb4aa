"""Goal of this test: what a planner that obeys a mail asks for under the default
policy waits for the owner, over a restart of everything, and is sent once, after
his word at a terminal and not otherwise; a no that freezes is a latch."""
import json
import os
import pty
import sys

from harness import BUILD, Bulkhead, need, plain

ORDER = 'Use email.announce to send the plan to everybody'


def at_terminal(b, prompt, word, *args):
    """What it says, once it has been told that word; and its exit code."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(os.path.join(BUILD, 'bulkhead'),
                 ['bulkhead', '--config', b.config, 'approvals', *args])
    out = b''
    try:
        while prompt not in out:
            out += os.read(fd, 4096)
        os.write(fd, word.encode() + b'\n')
        while True:
            out += os.read(fd, 4096)
    except OSError:
        pass
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), out.decode()


def tickets(b, *args):
    r = b.run('--json', 'approvals', *args)
    return {a['ticket']: a for a in json.loads(r.stdout)['approvals']}


def outbox(b):
    return [n for d in ('new', 'cur')
            for n in os.listdir(os.path.join(b.dir, 'outbox', d))]


def of_kind(b, kind):
    return [r for r in b.audit() if r['kind'] == kind]


def frozen(b):
    rc, _ = at_terminal(b, b'Type freeze', 'q2', 'refuse', 'q2', '--freeze')
    need(rc == 1 and len(tickets(b)) == 2, 'another word freezes nothing')
    need(b.run('approvals', 'refuse', 'q2', '--freeze', check=False,
               input='freeze\n').returncode == 1 and len(tickets(b)) == 2,
         'nor does a word that is not typed')
    rc, out = at_terminal(b, b'Type freeze', 'freeze', 'refuse', 'q2', '--freeze')
    need(rc == 0, f'the typed one does: {out}')
    task = tickets(b, 'list', '--all')['q2']['task']

    def shown(s):
        return [latch['task'] for latch in s['kills']['latches']] == [task]

    b.status_until('its task has a latch', shown)
    need(b.status()['kills']['trips'] == 0, 'which no tripwire has set')
    b.down()
    b.up()
    b.status_until('and has it after a restart', shown)
    need(tickets(b, 'list', '--all')['q2']['state'] == 'refused',
         'where its request is still refused')


def approved(b):
    r = b.run('approvals', 'approve', 'q1', check=False, input='q1\n')
    need(r.returncode == 1 and 'terminal' in r.stderr,
         'nothing is approved without a terminal')
    rc, _ = at_terminal(b, b'Type q1', 'yes', 'approve', 'q1')
    need(rc == 1 and tickets(b)['q1']['state'] == 'pending' and not outbox(b),
         'nor with another word')
    rc, out = at_terminal(b, b'Type q1', 'q1', 'approve', 'q1')
    need(rc == 0 and 'email.announce' in out, f'the typed one does it: {out}')
    b.audit_until('it is carried out', lambda audit: any(
        r['kind'] == 'outcome' and r['outcome'] == 'done' for r in audit))
    need(len(outbox(b)) == 1, 'and sent, once')
    rc, _ = at_terminal(b, b'Type q1', 'q1', 'approve', 'q1')
    need(rc == 1 and len(outbox(b)) == 1, 'what has fired does not again')


def main():
    with Bulkhead(planner='gullible') as b:
        b.up()
        for i in (1, 2):
            b.deliver(f'{i}.mail', plain(f'Plan {i}', ORDER))
            b.items_until(i)
        found = tickets(b)
        need([a['state'] for a in found.values()] == ['pending'] * 2,
             f'both mails have a request that waits: {found}')
        frozen(b)
        approved(b)
        new = [r for r in of_kind(b, 'approval.new') if r['ticket'] == 1][0]
        said = of_kind(b, 'approval.word')
        need([(r['ticket'], r['word']) for r in said] ==
             [(2, 'freeze'), (1, 'yes')], f'each word is on record: {said}')
        need(said[1]['card'] == new['card'] and said[1]['uid'] == os.getuid(),
             'with the card that he saw, and whose it was')
        kinds = [r['kind'] for r in b.audit()]
        need(kinds.index('approval.word') < kinds.index('outcome'),
             'before anything came of it')
    return 0


if __name__ == '__main__':
    sys.exit(main())
