"""Goal of this test: every file of the public age vectors has exactly the
outcome that they say, and what opens has the content that they say. Files for
hybrid keys, which are not read, are refused by that name."""
import json
import os
import subprocess
import sys
import tempfile
import zlib

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from mail import report  # noqa: E402

BUILD = os.environ.get('BULKHEAD_BUILD', 'build')
PROGRAM = os.path.join(BUILD, 'src', 'vault', 'age_file')


def vectors(folder):
    """Rows of the index whose file is there."""
    with open(os.path.join(folder, 'index.jsonl'), encoding='utf-8') as f:
        rows = [json.loads(line) for line in f]
    return [r for r in rows
            if os.path.exists(os.path.join(folder, 'vectors', r['name']))]


def body_of(folder, row):
    with open(os.path.join(folder, 'vectors', row['name']), 'rb') as f:
        body = f.read().split(b'\n\n', 1)[1]
    return zlib.decompress(body) if row.get('compressed') else body


def listed(value):
    return [value] if isinstance(value, str) else value or []


def outcome(row, body):
    keys = [f'identity {k}\n' for k in listed(row.get('identity'))] + \
        [f'passphrase {p}\n' for p in listed(row.get('passphrase'))]
    with tempfile.NamedTemporaryFile() as f:
        f.write(body)
        f.flush()
        r = subprocess.run([PROGRAM, f.name], input=''.join(keys), text=True,
                           capture_output=True, check=False, timeout=60)
    if r.returncode not in (0, 1):
        return f'exit code {r.returncode}: {r.stderr}'
    return r.stdout.strip()


def main():
    folder = os.path.join(os.environ['BULKHEAD_CORPORA'], 'age-cctv')
    rows = vectors(folder)
    failed, hybrid = [], []
    for row in rows:
        said = outcome(row, body_of(folder, row))
        want = row['expect']
        if want == 'success':
            want += ' ' + row['payload']
        # Its key is refused by name before there is anything to open.
        if said.startswith('a hybrid') and 'PQ-1' in str(row.get('identity')):
            hybrid.append(row['name'])
        elif said != want:
            failed.append(f'{row["name"]}: {said}, not {want}')
    print('\n'.join(failed))
    print(f'{len(rows)} vectors, {len(hybrid)} for hybrid keys refused by '
          f'name, {len(failed)} with another outcome')
    report(os.path.join(BUILD, 'conformance.json'),
           [{'asset': 'age-cctv', 'cases': len(rows),
             'passed': len(rows) - len(failed) - len(hybrid),
             'exceptions': len(hybrid)}])
    return 1 if failed or not rows else 0


if __name__ == '__main__':
    sys.exit(main())
