#!/usr/bin/env python3
"""Goal of this test: what `make install` puts into a tree works from there and is
all of it, and `make deb` packs the same bytes each time."""
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

SRC = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get('BULKHEAD_BUILD', os.path.join(SRC, 'build'))
IMAGES = os.environ.get('BULKHEAD_IMAGES', os.path.join(BUILD, 'images'))


def need(cond, what, detail=''):
    print('ok:' if cond else 'FAILED:', what, '' if cond else detail)
    if not cond:
        sys.exit(1)


def tool(name, *args, **env):
    r = subprocess.run([os.path.join(SRC, 'tools', name), *args], check=False,
                       capture_output=True, text=True, timeout=300,
                       env=dict(os.environ, **env))
    need(r.returncode == 0, f'tools/{name}', r.stdout + r.stderr)
    return r.stdout


def files(top):
    return {os.path.relpath(os.path.join(folder, n), top)
            for folder, _, names in os.walk(top) for n in names}


def install(d):
    tool('install', BUILD, IMAGES, '/opt/x', d)
    have = files(os.path.join(d, 'opt/x'))
    need(files(d) == {'opt/x/' + f for f in have}, 'nothing is outside of PREFIX')
    for want in ['bin/bulkhead', 'libexec/bulkhead/bulkhead-monitor',
                 'libexec/bulkhead/bulkhead-vmm', 'lib/bulkhead/images/kernel',
                 'lib/bulkhead/images/SHA256SUMS', 'lib/bulkhead/images/qemu',
                 'share/man/man1/bulkhead-up.1',
                 'share/man/man5/bulkhead.yaml.5', 'share/man/man5/bulkhead-policy.5',
                 'share/bash-completion/completions/bulkhead',
                 'share/zsh/vendor-completions/_bulkhead',
                 'lib/systemd/system/bulkhead.service',
                 'lib/systemd/user/bulkhead.service', 'lib/sysusers.d/bulkhead.conf',
                 'share/bulkhead/assistant.yaml', 'share/doc/bulkhead/README.md']:
        need(want in have, want)
    for scope in ('system', 'user'):
        with open(f'{d}/opt/x/lib/systemd/{scope}/bulkhead.service',
                  encoding='utf-8') as f:
            need('ExecStart=/opt/x/bin/bulkhead ' in f.read(),
                 f'the unit of the {scope} starts what is there')
    program = os.path.join(d, 'opt/x/bin/bulkhead')
    home = os.path.join(d, 'home')
    os.mkdir(home)
    out = subprocess.run([program, 'doctor'], capture_output=True, text=True,
                         check=False, env={'HOME': home}, timeout=60).stdout
    need(re.search(r'ok    processes .*libexec', out)
         and re.search(r'ok    images ', out), 'it finds its processes and images', out)
    mail = os.path.join(SRC, 'tests/data/mail/plain.eml')
    r = subprocess.run([program, 'read', '--json', mail], capture_output=True,
                       text=True, check=False, env={'HOME': home}, timeout=300)
    need(r.returncode == 0 and '"bulkhead.message/1"' in r.stdout,
         'it reads a mail', r.stderr)


def deb(d):
    if not shutil.which('dpkg-shlibdeps'):
        print('skipped: no dpkg-shlibdeps')
        return
    sums = set()
    for n in ('1', '2'):
        out = tool('deb', BUILD, IMAGES, os.path.join(d, n), DEB_COMPRESS='-Znone',
                   SOURCE_DATE_EPOCH='1795334913')
        package = out.split(':')[0]
        with open(package, 'rb') as f:
            sums.add(hashlib.sha256(f.read()).hexdigest())
        time.sleep(1.1)
    need(len(sums) == 1, 'the package is the same bytes each time')
    fields = subprocess.run(['dpkg-deb', '-f', package], capture_output=True,
                            text=True, check=True).stdout
    need('libfyaml0' in fields and 'libc6 (>=' in fields
         and re.search('^Depends:.* qemu-system-(data|x86)', fields, re.M),
         'it depends on what the programs need', fields)
    listing = subprocess.run(['dpkg-deb', '-c', package], capture_output=True,
                             text=True, check=True).stdout
    owners = {l.split()[1] for l in listing.splitlines()}
    need(owners == {'root/root'}, 'its files are root\'s')
    if shutil.which('lintian'):
        # That it is not compressed is this test's wish, for the sake of time.
        r = subprocess.run(['lintian', '--allow-root', '--fail-on', 'error,warning',
                            '--suppress-tags',
                            'uses-no-compression-for-control-tarball,'
                            'uses-no-compression-for-data-tarball',
                            package], capture_output=True, text=True, check=False)
        need(r.returncode == 0, 'lintian finds nothing', r.stdout + r.stderr)
    else:
        print('skipped: no lintian')
    need(' ./usr/bin/bulkhead\n' in listing and './etc' not in listing,
         'it holds the program, and no configuration')


if __name__ == '__main__':
    with tempfile.TemporaryDirectory(prefix='bh') as top:
        install(top)
    with tempfile.TemporaryDirectory(prefix='bh') as top:
        deb(top)
