"""Goal of this test: when the audit log cannot be written, nothing executes, and
status says why; when it can be written again, work goes on, and nothing was lost
or done twice. The audit directory is on a file system that is then filled;
nothing is set aside for it (system/disk-full has a reserve)."""
import os
import subprocess
import sys

from harness import Bulkhead, need, own_mounts, plain

MAIL = plain('agenda', 'Please use email.send to send the agenda to '
             'lea@example.org.')
FAILURES = 6  # a store counts three attempts


def small_log(b):
    """The log on a file system of its own, with nothing set aside."""
    with open(b.config, 'a', encoding='utf-8') as f:
        f.write('audit: {reserve: 0}\n')
    audit = os.path.join(b.dir, 'state', 'audit')
    os.makedirs(audit, mode=0o700)
    os.chmod(os.path.join(b.dir, 'state'), 0o700)
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=512k,mode=0700',
                    'none', audit], check=True)
    return audit


def fill(audit):
    try:
        with open(os.path.join(audit, 'filler'), 'wb', buffering=0) as f:
            while True:
                f.write(b'x' * 4096)
    except OSError:
        pass


def tripped():
    """With `trip` in the policy it is a kill, on record once there is a log."""
    with Bulkhead() as b:
        with open(os.path.join(b.dir, 'policy.yaml'), 'a',
                  encoding='utf-8') as f:
            f.write('\ntrip: {audit: kill}\n')
        audit = small_log(b)
        b.up()
        fill(audit)
        b.deliver('1.mail', MAIL)
        b.status_until('a log that fails is a kill', lambda s: s['killed'])
        with open(os.path.join(b.dir, 'state/latch'), encoding='utf-8') as f:
            need(f.read().startswith('audit: '), 'its latch says by what')
        os.unlink(os.path.join(audit, 'filler'))
        b.status_until('the log is opened again', lambda s: (
            s['core']['state'] == 'up' and s['core']['records_held'] == 0))
        b.audit_until('then the kill is on record', lambda records: [
            r['by'] for r in records if r['kind'] == 'kill'] == ['audit'])


def main():
    code = own_mounts(__file__)
    if code is not None:
        return code
    tripped()
    # More ends than an item has attempts: none of them is its fault.
    with Bulkhead(planner='gullible', extra='supervision: {backoff: 1s, '
                  'healthy: 1s, restarts: 100}\n') as b:
        audit = small_log(b)
        b.up()
        b.deliver('1.mail', MAIL)
        items = b.items_until(1)
        need(items[0]['requests'][0]['executed'],
             'with a log, the permitted mail is written (positive control)')
        new = os.path.join(b.dir, 'outbox', 'new')
        need(len(os.listdir(new)) == 1, 'one mail is in the outbox')
        fill(audit)
        b.deliver('2.mail', MAIL.replace('agenda', 'second agenda'))
        s = b.status_until('it is down, and stays so', lambda s: (
            s['core']['state'] == 'down' and s['core']['failures'] >= FAILURES))
        need('auditd: ' in s['core']['cause'] and 'ENOSPC' in b.log() and
             'make room' in s['core']['advice'],
             f'status says why: {s["core"]["cause"]}')
        need(s['vms']['running'] == 0, 'nothing is at work')
        need(len(os.listdir(new)) == 1, 'nothing more was sent')
        os.unlink(os.path.join(audit, 'filler'))
        b.status_until('with room for it all is up again',
                       lambda s: s['core']['state'] == 'up')
        items = b.items_until(2)
        need(items[1]['verdict'] == 'read', 'the mail is read after all')
        need(len(os.listdir(new)) == 2, 'and what it asked for done once')
        b.run('audit', 'verify')
    return 0


if __name__ == '__main__':
    sys.exit(main())
