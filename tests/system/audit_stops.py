"""Goal of this test: when the audit log cannot be written, nothing executes.
The audit directory is on a file system that is then filled; nothing is set aside
for it (system/disk-full has a reserve)."""
import os
import subprocess
import sys
import time

from harness import Bulkhead, need, plain

MAIL = plain('agenda', 'Please use email.send to send the agenda to '
             'lea@example.org.')


def main():
    if os.environ.get('BULKHEAD_OWN_MOUNTS') != '1':
        # A mount namespace of its own, as root or not. Without root, what
        # may mount is a root alone in its user namespace, as which bulkhead
        # refuses to run: it is started as another user once more.
        flags = ['-m'] if os.geteuid() == 0 else ['-Urm']
        env = {**os.environ, 'BULKHEAD_OWN_MOUNTS': '1'}
        if os.geteuid() != 0:
            env['BULKHEAD_WRAP'] = (f'unshare -U --map-user={os.geteuid()} '
                                    f'--map-group={os.getegid()}')
        return subprocess.run(['unshare', *flags, sys.executable, __file__],
                              env=env, check=False).returncode
    with Bulkhead(planner='gullible') as b:
        with open(b.config, 'a', encoding='utf-8') as f:
            f.write('audit: {reserve: 0}\n')
        audit = os.path.join(b.dir, 'state', 'audit')
        os.makedirs(audit, mode=0o700)
        os.chmod(os.path.join(b.dir, 'state'), 0o700)
        subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=512k,mode=0700',
                        'none', audit], check=True)
        b.up()
        b.deliver('1.mail', MAIL)
        items = b.items_until(1)
        need(items[0]['requests'][0]['executed'],
             'with a log, the permitted mail is written (positive control)')
        new = os.path.join(b.dir, 'outbox', 'new')
        need(len(os.listdir(new)) == 1, 'one mail is in the outbox')
        try:
            with open(os.path.join(audit, 'filler'), 'wb', buffering=0) as f:
                while True:
                    f.write(b'x' * 4096)
        except OSError:
            pass
        b.deliver('2.mail', MAIL.replace('agenda', 'second agenda'))
        end = time.monotonic() + 60
        while b.monitor_pid() and time.monotonic() < end:
            time.sleep(0.2)
        need(not b.monitor_pid(), 'everything stopped')
        need('audit' in b.log(), 'and the log says why')
        need(len(os.listdir(new)) == 1, 'nothing more was sent')
    return 0


if __name__ == '__main__':
    sys.exit(main())
