#!/usr/bin/env python3
"""Goal of this test: systemd understands both units, has nothing to say about
them, and finds the system's exposed to no more than what the jails need. What
they allow covers every system call of the processes' own filters."""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

SRC = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get('BULKHEAD_BUILD', os.path.join(SRC, 'build'))
EXPOSURE = 2.1  # of 10; the unit says what the rest is for


def need(cond, what, detail=''):
    print('ok:' if cond else 'FAILED:', what, '' if cond else detail)
    if not cond:
        sys.exit(1)


def analyze(*args, **env):
    return subprocess.run(['systemd-analyze', '--no-pager', *args],
                          capture_output=True, text=True, check=False, timeout=60,
                          env=dict(os.environ, SYSTEMD_COLORS='0', **env))


def unit(folder, name):
    """The unit with the program of this build, which is not installed."""
    with open(os.path.join(BUILD, 'units', name), encoding='utf-8') as f:
        text = re.sub(r'^ExecStart=\S+', f'ExecStart={BUILD}/bulkhead', f.read(),
                      flags=re.M)
    path = os.path.join(folder, 'bulkhead.service')
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text)
    return path


def expand(names, seen=None):
    """System calls of a filter set, with the sets in it."""
    found = set()
    for name in names:
        if not name.startswith('@'):
            found.add(name)
            continue
        out = analyze('syscall-filter', name).stdout
        inner = [l.strip() for l in out.splitlines()[1:]
                 if l.strip() and not l.strip().startswith('#')]
        found |= expand(inner)
    return found


def allowed(path):
    calls = set()
    with open(path, encoding='utf-8') as f:
        for words in re.findall(r'^SystemCallFilter=(.*)$', f.read(), re.M):
            if words.startswith('~'):
                calls -= expand(words[1:].split())
            else:
                calls |= expand(words.split())
    return calls


def used():
    calls = set()
    for path in glob.glob(os.path.join(SRC, 'src/privsep/seccomp/[!s]*')):
        with open(path, encoding='utf-8') as f:
            calls |= {l.split()[0] for l in f if re.match('[a-z]', l)}
    return calls - {'default'}


def main():
    if not shutil.which('systemd-analyze'):
        print('skipped: no systemd-analyze')
        sys.exit(77)
    with tempfile.TemporaryDirectory() as d:
        for name, scope in [('bulkhead.service', '--system'),
                            ('bulkhead-user.service', '--user')]:
            path = unit(d, name)
            r = analyze('verify', scope, '--man=no', path, XDG_RUNTIME_DIR=d)
            said = [l for l in r.stderr.splitlines() if 'bulkhead' in l]
            need(not said, f'{name}: systemd has nothing to say', r.stderr)
            missing = used() - allowed(path)
            need(len(used()) > 50 and not missing,
                 f'{name}: allows what the processes do', missing)
        path = unit(d, 'bulkhead.service')
        out = analyze('security', '--offline=true', path).stdout
        m = re.search(r'exposure level for \S+: ([0-9.]+)', out)
        need(m and float(m.group(1)) <= EXPOSURE,
             f'bulkhead.service: exposed to {m and m.group(1)} of 10', out)


if __name__ == '__main__':
    main()
