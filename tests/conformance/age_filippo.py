"""Goal of this test: the identity files of age's own tests are read as people
write them: keys for X25519 give the recipient that their comment names; hybrid,
plugin and SSH keys are refused by that name; and the files that are for the
keys that are read, in armor and not, open."""
import glob
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from mail import report  # noqa: E402

BUILD = os.environ.get('BULKHEAD_BUILD', 'build')
PROGRAM = os.path.join(BUILD, 'src', 'vault', 'age_file')
# What a file of keys begins with, behind comments, and what is said of it.
KINDS = ((b'AGE-SECRET-KEY-1', ''), (b'AGE-SECRET-KEY-PQ-1', 'hybrid'),
         (b'AGE-PLUGIN-', 'plugin'), (b'ssh-', 'SSH'), (b'age1pq1', 'hybrid'),
         (b'age1', 'no age key'), (b'-----BEGIN', 'no age key'))
OPENED = (('example_keys.txt', 'example.age'),
          ('txtar/armor/key.txt',
           'txtar/armor/armored_with_leading_and_trailing_whitespace.txt'))


def keys_of(path):
    with open(path, 'rb') as f:
        text = f.read()
    lines = [s for s in text.splitlines() if s and not s.startswith(b'#')]
    return text, lines


def judge(path, kind, want):
    """What is wrong with how a file of keys is read; '' if nothing is."""
    text, lines = keys_of(path)
    r = subprocess.run([PROGRAM, 'identities'], input=text, check=False,
                       capture_output=True, timeout=60)
    said = r.stdout.decode()
    if want:
        return '' if r.returncode == 1 and want in said else \
            f'{said!r}, and not refused as {want}'
    public = re.search(rb'# public key: (age1\w+)', text)
    if r.returncode or said.count('\n') != len(lines):
        return f'{said!r}'
    return '' if not public or public.group(1).decode() in said else \
        f'{said!r} of another key'


def opens(folder, keys, name):
    _, lines = keys_of(os.path.join(folder, keys))
    r = subprocess.run([PROGRAM, os.path.join(folder, name)],
                       input=b'identity ' + lines[0] + b'\n', check=False,
                       capture_output=True, timeout=60)
    said = r.stdout.decode().strip()
    return '' if said.startswith('success ') else f'{said!r}'


def main():
    folder = os.path.join(os.environ['BULKHEAD_CORPORA'], 'age-filippo')
    failed, cases = [], 0
    for path in sorted(glob.glob(folder + '/**', recursive=True)):
        lines = keys_of(path)[1] if os.path.isfile(path) else []
        name = os.path.relpath(path, folder)
        if not lines or name in [n for _, n in OPENED]:
            continue
        for kind, want in KINDS:
            if lines[0].startswith(kind):
                cases += 1
                why = judge(path, kind, want)
                failed += [f'{name}: {why}'] if why else []
                break
    for keys, name in OPENED:
        if os.path.exists(os.path.join(folder, name)):
            cases += 1
            why = opens(folder, keys, name)
            failed += [f'{name}: {why}'] if why else []
    print('\n'.join(failed))
    print(f'{cases} files of keys and for them, {len(failed)} read otherwise')
    report(os.path.join(BUILD, 'conformance.json'),
           [{'asset': 'age-filippo', 'cases': cases,
             'passed': cases - len(failed), 'exceptions': 0}])
    return 1 if failed or not cases else 0


if __name__ == '__main__':
    sys.exit(main())
