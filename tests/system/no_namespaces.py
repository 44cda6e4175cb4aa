"""Goal of this test: where user namespaces are refused, or root has no other
uid for its jails, nothing is read or started, and doctor says why."""
import os
import subprocess
import sys

from harness import BUILD, Bulkhead, need, plain

# what is done first as root of a new user namespace -> doctor's words
PLACES = {
    'echo 0 > /proc/sys/user/max_user_namespaces':
        'user.max_user_namespaces',
    'true': 'root is the only user here',
}


def main():
    with Bulkhead() as b:
        for first, words in PLACES.items():
            def run(*args, first=first, **kw):
                return subprocess.run(
                    ['unshare', '-Ur', 'sh', '-c', first + '; exec "$@"', 'sh',
                     os.path.join(BUILD, 'bulkhead'), '--config', b.config,
                     *args], capture_output=True, text=True, timeout=60,
                    check=False, **kw)
            # often: the jail that fails at once may be faster than we are
            read = [run('read', '--images', b.images, '-', input=plain('x'))
                    for _ in range(10)]
            need(all(r.returncode == 4 and not r.stdout for r in read),
                 f'{first}: read gives nothing, exit 4')
            r = run('up', '--images', b.images)
            need(r.returncode == 1, f'{first}: up refuses, exit 1')
            need(not b.monitor_pid(), f'{first}: nothing runs')
            r = run('doctor', '--images', b.images)
            need(r.returncode != 0 and words in r.stdout,
                 f'{first}: doctor says {words}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
