"""Goal of this test: every file of sops in the test material that is for an age
key opens, with the key, the values, their types and paths that are written
there, and its MAC proved; one without a MAC, and one for keys that are not
read, is refused by that name. And each of them, changed in any one place that
counts, opens nothing: a byte of data, IV, tag, MAC or time, two values
swapped, one under another key, no MAC."""
import json
import os
import random
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from mail import report  # noqa: E402

BUILD = os.environ.get('BULKHEAD_BUILD', 'build')
PROGRAM = os.path.join(BUILD, 'src', 'vault', 'sops_file')
VALUE = re.compile(rb'ENC\[AES256_GCM,data:([^,]*),iv:([^,]*),tag:([^,]*),'
                   rb'type:(\w+)\]')
NO_MAC = 'it has no MAC'
BASE64 = b'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'


def open_file(path, identity):
    with open(identity, encoding='utf-8') as f:
        r = subprocess.run([PROGRAM, path], stdin=f, capture_output=True,
                           check=False, timeout=60)
    if r.returncode not in (0, 1):
        raise RuntimeError(f'{path}: exit code {r.returncode}: {r.stderr}')
    return r.returncode == 0, r.stdout.decode()


def open_bytes(body, identity):
    with tempfile.NamedTemporaryFile() as f:
        f.write(body)
        f.flush()
        return open_file(f.name, identity)


def as_text(value):
    if isinstance(value, bool):
        return 'True' if value else 'False'
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return None if value is None else str(value)


def wanted(row):
    """(path, encrypted, type or None, value) of each value of a row."""
    out = []
    for v in row['values']:
        path = '\x1f'.join(str(p) for p in v['path'])
        sealed = v['type'] != 'plain'
        out.append((path, sealed, v['type'] if sealed else None,
                    as_text(v['value'])))
    return sorted(out, key=str)


def found(text):
    rows = [json.loads(line) for line in text.splitlines()]
    return rows[0]['key'], sorted(
        ((r['path'], r['encrypted'], r['type'] if r['encrypted'] else None,
          r['value']) for r in rows[1:]), key=str)


def judge(folder, row):
    """What is wrong with a row's outcome; '' if nothing is."""
    ok, said = open_file(os.path.join(folder, row['file']),
                         os.path.join(folder, row['identity']))
    if row['mac_verified_here'] is None and row['key_type'] == 'age':
        return '' if not ok and said.startswith(NO_MAC) else \
            f'{said!r}, and not refused for want of a MAC'
    if row['key_type'] == 'age-hybrid':
        return '' if not ok and 'hybrid' in said else f'{said!r}'
    if not ok:
        return said.strip()
    key, values = found(said)
    if key != row['data_key_hex']:
        return 'another key of its values'
    if values != wanted(row):
        return f'{values}, and not {wanted(row)}'
    return ''


def flipped(body, at):
    """Another character of base64 there; the last may have bits that do not
    count, so it is made one with another first bit."""
    i = BASE64.index(body[at])
    return body[:at] + bytes([BASE64[i ^ 32]]) + body[at + 1:]


def swapped(body, a, b):
    return body[:a.start()] + b.group(0) + body[a.end():b.start()] + \
        a.group(0) + body[b.end():]


def mutations(body, rng):
    """(what, changed bytes), each of which must open nothing."""
    values = list(VALUE.finditer(body))
    for v in values:
        if v.group(4) == b'comment':
            continue
        for part, name in ((1, 'data'), (2, 'iv'), (3, 'tag')):
            at = rng.randrange(v.start(part), v.end(part))
            if body[at] in BASE64:
                yield f'a byte of {name} at {at}', flipped(body, at)
    mac = [v for v in values
           if re.search(rb'mac"?\s*[=:]\s*"?$', body[:v.start()])]
    plain = [v for v in values if v not in mac and v.group(4) != b'comment']
    if len(plain) > 1:
        a, b = sorted(rng.sample(plain, 2), key=lambda m: m.start())
        yield 'two values swapped', swapped(body, a, b)
    for m in mac:
        yield 'an empty MAC', body[:m.start()] + body[m.end():]
        line = body.rfind(b'\n', 0, m.start()) + 1
        yield 'no MAC', body[:line] + body[body.find(b'\n', m.end()) + 1:]
    stamp = re.search(rb'lastmodified\W+(\d)', body)
    yield 'another time', body[:stamp.start(1)] + \
        (b'1' if stamp.group(1) != b'1' else b'3') + body[stamp.end(1):]
    if plain:
        # Under another key: its name, or its section's.
        line = body.rfind(b'\n', 0, plain[0].start()) + 1
        name = re.compile(rb'[A-Za-z_]').search(body, line)
        if name and name.start() < plain[0].start():
            yield 'under another key', body[:name.start()] + b'Q' + \
                body[name.start():]
        yield 'a value emptied', body[:plain[0].start()] + \
            body[plain[0].end():]


def attack(folder, row, rng):
    path = os.path.join(folder, row['file'])
    identity = os.path.join(folder, row['identity'])
    with open(path, 'rb') as f:
        body = f.read()
    tried, opened = 0, []
    for what, changed in mutations(body, rng):
        tried += 1
        if open_bytes(changed, identity)[0]:
            opened.append(f'{row["file"]}: {what}: it opens')
    return tried, opened


def main():
    folder = os.path.join(os.environ['BULKHEAD_CORPORA'], 'sops-age')
    with open(os.path.join(folder, 'expected.jsonl'), encoding='utf-8') as f:
        rows = [json.loads(line) for line in f]
    # The same files for PGP keys alone are there to be re-wrapped.
    rows = [r for r in rows if r['key_type'] != 'pgp' and
            os.path.exists(os.path.join(folder, r['file']))]
    rng = random.Random(1)
    failed, opened, tried, values = [], [], 0, 0
    for row in rows:
        why = judge(folder, row)
        if why:
            failed.append(f'{row["file"]}: {why}')
        elif row['mac_verified_here']:
            values += len(row['values'])
            n, bad = attack(folder, row, rng)
            tried += n
            opened += bad
    print('\n'.join(failed + opened))
    print(f'{len(rows)} files, {values} values as they must be, '
          f'{len(failed)} files not; {tried} changed files, {len(opened)} '
          f'opened')
    report(os.path.join(BUILD, 'conformance.json'),
           [{'asset': 'sops-age', 'cases': len(rows) + tried,
             'passed': len(rows) + tried - len(failed) - len(opened),
             'exceptions': 0}])
    return 1 if failed or opened or not values or not tried else 0


if __name__ == '__main__':
    sys.exit(main())
