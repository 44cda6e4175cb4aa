"""Goal of this test: a log of ours is in order for a tool that was not written
here: Debian's golang-golang-x-mod-dev, the code of Go's checksum database. It
verifies a whole log, proofs of inclusion and of growth, and finds a byte that
was changed in the log or in a proof."""
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '..', 'system')]
BUILD = os.path.abspath(os.environ.get('BULKHEAD_BUILD', 'build'))
os.environ['BULKHEAD_BUILD'] = BUILD
from mail import report  # noqa: E402
from audit_log import audit, flip, grow  # noqa: E402

SIZES = (1, 255, 256, 257, 511, 700, 1300)
results = []


def check(ok, what):
    print('ok  ' if ok else 'FAIL', what, flush=True)
    results.append(ok)


def built(tmp):
    """Compiled without Go's module proxy: all of it is in Debian's package."""
    out = tmp + '/tlog_sumdb'
    subprocess.run(['go', 'build', '-o', out, HERE + '/tlog_sumdb.go'],
                   check=True,
                   env={**os.environ, 'GO111MODULE': 'off', 'GOPROXY': 'off',
                        'GOPATH': '/usr/share/gocode', 'GOFLAGS': '',
                        'GOCACHE': tmp + '/cache'})
    return out


def says(tool, state, *args):
    r = subprocess.run([tool, state + '/audit', *args], capture_output=True,
                       text=True, check=False)
    if r.returncode:
        print(r.stdout, r.stderr, end='')
    return r.returncode == 0


def keep(path, data):
    with open(path, 'wb') as f:
        f.write(data)
    return path


def main():
    with tempfile.TemporaryDirectory() as tmp:
        tool, state, olds, size = built(tmp), tmp + '/state', [], 0
        for want in SIZES:
            made, words = grow(state, want - size)
            check(made, f'a log of {want} records')
            if not made:
                print(words)
                return 1
            size = want
            check(says(tool, state), 'is verified by x/mod/sumdb')
            olds.append(keep(f'{tmp}/old-{want}',
                             audit(state, 'checkpoint').stdout))
        proofs = []
        for i in sorted({0, 1, size - 1, *(s % size for s in SIZES),
                         *range(5, size, 97)}):
            proofs.append(keep(f'{tmp}/{i}.tlog-proof',
                               audit(state, 'prove', str(i)).stdout))
        check(says(tool, state, *proofs), f'{len(proofs)} records are proved')
        for want, old in zip(SIZES, olds):
            new = keep(f'{tmp}/growth-{want}',
                       audit(state, 'prove', '--consistency',
                             str(want)).stdout)
            check(says(tool, state, 'old', old, new),
                  f'growth from {want} records is proved')
        with open(proofs[5], 'rb') as f:
            worse = bytearray(f.read())
        worse[worse.index(b'\nindex') + 20] ^= 1
        check(not says(tool, state, keep(tmp + '/bad', bytes(worse))),
              'a changed proof is refused (control)')
        for name in ('checkpoint', 'tile/0/001', 'tile/entries/002'):
            copy = tmp + '/copy'
            shutil.copytree(state, copy)
            flip(name, 100)(copy, None)
            check(not says(tool, copy), f'a changed {name} too (control)')
            shutil.rmtree(copy)
    report(os.path.join(BUILD, 'conformance.json'),
           [{'asset': 'our log in x/mod/sumdb', 'cases': len(results),
             'passed': sum(results), 'exceptions': 0}])
    return 0 if all(results) else 1


if __name__ == '__main__':
    sys.exit(main())
