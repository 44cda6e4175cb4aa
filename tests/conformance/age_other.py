"""Goal of this test: Debian's age opens what `bulkhead vault` writes, and
bulkhead opens what age writes, at every size around a chunk."""
import hashlib
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from mail import report  # noqa: E402

BUILD = os.path.abspath(os.environ.get('BULKHEAD_BUILD', 'build'))
BULKHEAD = os.path.join(BUILD, 'bulkhead')
OPENER = os.path.join(BUILD, 'src', 'vault', 'age_file')
SIZES = (0, 1, 65535, 65536, 65537, 131072, 200000)
CONF = '''bulkhead: 1
agents: {assistant: {policy: p.yaml, planner: {kind: none}}}
vault: {files: [secrets.age], identity: identity.txt}
connectors:
  inbox: {kind: maildir, path: in}
  drafts: {kind: outbox, path: out}
'''


def run(*args, stdin=b'', env=None):
    return subprocess.run(args, input=stdin, capture_output=True, timeout=60,
                          check=True, env=env).stdout


def theirs(key, public, where):
    """What age writes, in both forms: how many of them open as they should."""
    good = 0
    for size in SIZES:
        data = os.urandom(size)
        want = f'success {hashlib.sha256(data).hexdigest()}'
        for armor in ((), ('-a',)):
            path = os.path.join(where, 'theirs.age')
            with open(path, 'wb') as f:
                f.write(run('age', *armor, '-r', public, stdin=data))
            said = run(OPENER, path, stdin=f'identity {key}\n'.encode())
            if said.decode().strip() == want:
                good += 1
            else:
                print(f'{size} bytes {armor}: {said}')
    return good


def ours(home, where):
    """What the vault writes, of some sizes: the same."""
    env = {**os.environ, 'HOME': home}
    good = 0
    for n in range(1, 8):
        value = os.urandom(8000).hex()[:n * 2200]
        run(BULKHEAD, 'vault', 'set', f's{n}', stdin=value.encode(), env=env)
        opened = run('age', '-d', '-i', os.path.join(where, 'identity.txt'),
                     os.path.join(where, 'secrets.age'))
        good += value.encode() in opened and b'bulkhead_vault' in opened
    return good


def main():
    with tempfile.TemporaryDirectory() as home:
        where = os.path.join(home, '.config/bulkhead')
        run(BULKHEAD, 'vault', 'init', env={**os.environ, 'HOME': home})
        with open(os.path.join(where, 'bulkhead.yaml'), 'w',
                  encoding='utf-8') as f:
            f.write(CONF)
        with open(os.path.join(where, 'identity.txt'), encoding='utf-8') as f:
            lines = f.read().split()
        key = next(w for w in lines if w.startswith('AGE-SECRET-KEY-'))
        public = next(w for w in lines if w.startswith('age1'))
        good = theirs(key, public, home) + ours(home, where)
    cases = 2 * len(SIZES) + 7
    print(f'{cases} files between age and bulkhead, {good} opened')
    report(os.path.join(BUILD, 'conformance.json'),
           [{'asset': 'age (Debian)', 'cases': cases, 'passed': good,
             'exceptions': 0}])
    return 0 if good == cases else 1


if __name__ == '__main__':
    sys.exit(main())
