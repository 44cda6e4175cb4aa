"""Goal of this test: what `bulkhead audit` says of a log is true. Its proofs are
checked by hashlib and openssl alone; a log that somebody deleted from, swapped
in, cut or put back is refused by auditd and by `audit verify`, which name the
file and the record; what has no outcome is listed; its keys are a chain, which
openssl follows, and of their private halves only the last is there."""
import base64
import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

BUILD = os.environ['BULKHEAD_BUILD']
FIRST, MORE, LONG = 300, 900, 9000
CONFIG = """\
bulkhead: 1
state: {state}
agents:
  assistant: {{policy: {state}/policy.yaml, planner: {{kind: none}}}}
connectors: {{inbox: {{kind: maildir, path: {state}/Maildir}}}}
"""
failed = 0


def need(ok, what):
    global failed
    print('ok  ' if ok else 'FAIL', what, flush=True)
    failed += not ok


def audit(state, *args):
    config = state + '.yaml'
    with open(config, 'w', encoding='utf-8') as f:
        f.write(CONFIG.format(state=state))
    return subprocess.run([BUILD + '/bulkhead', '--config', config, 'audit',
                           *args], capture_output=True, check=False)


def grow(state, records):
    """The real auditd takes so many records; its words, or None if it ends."""
    r = subprocess.run([BUILD + '/bench/audit_bench', BUILD, state,
                        str(records)], capture_output=True, text=True,
                       check=False)
    return r.returncode == 0, r.stderr


# --- RFC 6962 and C2SP, as they are written ----------------------------------

def h(*parts):
    return hashlib.sha256(b''.join(parts)).digest()


def root(leaves):
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return h(b'\1', root(leaves[:k]), root(leaves[k:]))


def fold(leaf, index, size, path):
    """The root that an inclusion proof leads to; None if it has not the length
    that it must have."""
    here, last, now = index, size - 1, leaf
    for step in path:
        if last == 0:
            return None
        if here & 1 or here == last:
            now = h(b'\1', step, now)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            now = h(b'\1', now, step)
        here, last = here >> 1, last >> 1
    return now if last == 0 else None


def consistency(m, leaves, whole=True):
    """RFC 6962, 2.1.2, word for word."""
    n = len(leaves)
    if m == n:
        return [] if whole else [root(leaves)]
    k = 1 << (n - 1).bit_length() - 1
    if m <= k:
        return consistency(m, leaves[:k], whole) + [root(leaves[k:])]
    return consistency(m - k, leaves[k:], False) + [root(leaves[:k])]


def signed(note, vkey, tmp):
    """The text of a signed note, if openssl finds the signature good."""
    text, _, signature = note.partition(b'\n\n')
    name, key_id, public = vkey.strip().split('+', 2)
    public = base64.b64decode(public)
    word, who, value = signature.decode().split(' ')
    value = base64.b64decode(value)
    good = word == '\u2014' and who == name and public[0] == 1 and \
        value[:4].hex() == key_id and \
        h(name.encode(), b'\n', public)[:4].hex() == key_id
    # An Ed25519 public key as DER has these 12 bytes before it.
    der = bytes.fromhex('302a300506032b6570032100') + public[1:]
    for path, data in (('pub', der), ('text', text + b'\n'),
                       ('sig', value[4:])):
        with open(f'{tmp}/{path}', 'wb') as f:
            f.write(data)
    r = subprocess.run(['openssl', 'pkeyutl', '-verify', '-pubin', '-inkey',
                        tmp + '/pub', '-keyform', 'DER', '-rawin', '-in',
                        tmp + '/text', '-sigfile', tmp + '/sig'],
                       capture_output=True, check=False)
    return text.decode().split('\n') if good and r.returncode == 0 else None


def read(path, mode='r'):
    with open(path, mode) as f:
        return f.read()


def check_proofs(state, tmp):
    vkey = read(state + '/audit/vkey')
    count = MORE + FIRST
    records = []
    for i in range(count):
        if i in (0, 1, 255, 256, 511, FIRST, count - 1) or i % 173 == 0:
            proof = audit(state, 'prove', str(i)).stdout
            head, _, rest = proof.partition(b'\n\n')
            lines = head.decode().split('\n')
            ok = lines[0] == 'c2sp.org/tlog-proof@v1' and \
                lines[2] == f'index {i}'
            record = base64.b64decode(lines[1].removeprefix('extra '))
            text = signed(rest, vkey, tmp)
            ok = ok and text and text[1] == str(count) and \
                fold(h(b'\0', record), i, count,
                     [base64.b64decode(x) for x in lines[3:]]) == \
                base64.b64decode(text[2]) and \
                json.loads(record)['seq'] == i
            if i < 2 or not ok:
                need(ok, f'record {i} is proved, openssl and hashlib say')
            records.append(ok)
    need(all(records), f'{len(records)} proofs hold')
    tail = audit(state, 'tail', '-n', str(count), '--json').stdout
    lines = tail.decode().splitlines()
    need(len(lines) == count, 'tail shows all records')
    bundles = b''.join(read(f'{state}/audit/tile/entries/{n}', 'rb')
                       for n in ('000', '001', '002', '003', '004.p/176'))
    leaves, at = [], 0
    while at < len(bundles):
        n = int.from_bytes(bundles[at:at + 2], 'big')
        leaves.append(h(b'\0', bundles[at + 2:at + 2 + n]))
        at += 2 + n
    text = signed(read(state + '/audit/checkpoint', 'rb'), vkey, tmp)
    need(text and base64.b64decode(text[2]) == root(leaves),
         'the root is that of all records')
    for old in (1, 2, 255, 256, 257, FIRST, 1023, 1024, count - 1, count):
        got = audit(state, 'prove', '--consistency', str(old)).stdout
        head, _, rest = got.partition(b'\n\n')
        lines = [x for x in head.decode().split('\n') if x]
        ok = lines[0] == f'old {old}' and signed(rest, vkey, tmp) and \
            [base64.b64decode(x) for x in lines[1:]] == \
            consistency(old, leaves)
        need(ok, f'growth from {old} records is proved, as RFC 6962 has it')
    need(audit(state, 'prove', str(count)).returncode == 1,
         'there is no proof of a record that is not there')


# --- what somebody may do to a log -------------------------------------------

def remove(name):
    return lambda s, old: os.unlink(f'{s}/audit/{name}')


def swap(one, other):
    def run(s, old):
        a, b = f'{s}/audit/{one}', f'{s}/audit/{other}'
        os.rename(a, a + '.x')
        os.rename(b, a)
        os.rename(a + '.x', b)
    return run


def flip(name, at):
    def run(s, old):
        with open(f'{s}/audit/{name}', 'r+b') as f:
            f.seek(at)
            byte = f.read(1)
            f.seek(at)
            f.write(bytes([byte[0] ^ 1]))
    return run


def cut(name, by):
    def run(s, old):
        path = f'{s}/audit/{name}'
        os.truncate(path, os.path.getsize(path) - by)
    return run


def roll_back(s, old):
    shutil.rmtree(s + '/audit')
    shutil.copytree(old + '/audit', s + '/audit')


def put_back(name):
    def run(s, old):
        shutil.copy(f'{old}/audit/{name}', f'{s}/audit/{name}')
    return run


def other_log(s, old):
    shutil.rmtree(s + '/audit')
    with tempfile.TemporaryDirectory() as tmp:
        grow(tmp + '/state', 1500)
        shutil.copytree(tmp + '/state/audit', s + '/audit')


def tear(s, old):
    with open(s + '/audit/wal', 'ab') as f:
        f.write(b'btch\7\0\0\0')


GONE = 'the file is missing (records from 256 on)'
# What is done, and the words of auditd and of verify, which are auditd's where
# there are none. Where auditd has none it mends the log, for nothing is lost:
# the wal has it all, or a crash leaves the same.
DONE = [
    ('a key that is gone', remove('key'), 'key: ', None),
    ('a verifier key that is gone', remove('vkey'), 'vkey: ', None),
    ('a checkpoint that is gone', remove('checkpoint'), 'checkpoint: ', None),
    ('a wal that is gone', remove('wal'), 'wal: ', None),
    ('a full tile that is gone', remove('tile/0/001'), '',
     'tile/0/001: offset 0: the file is missing'),
    ('a bundle that is gone', remove('tile/entries/001'), '',
     'tile/entries/001: offset 0: ' + GONE),
    ('a cut bundle', cut('tile/entries/001', 900), '', 'tile/entries/001: '),
    ('two tiles swapped', swap('tile/0/001', 'tile/0/002'), 'tile/0/001', None),
    ('two bundles swapped', swap('tile/entries/000', 'tile/entries/001'),
     'tile/entries/000', None),
    ('a byte of a record', flip('tile/entries/001', 5000), 'tile/entries/001',
     None),
    ('a byte of the wal', flip('wal', 300), 'wal: offset ', None),
    ('a cut wal', cut('wal', 50), 'wal: offset ', None),
    ('an older copy of the whole log', roll_back,
     'the log was rolled back, records from 300 on are missing', None),
    ('an older wal', put_back('wal'), 'wal: offset ', None),
    ('an older checkpoint', put_back('checkpoint'), '', 'checkpoint: '),
    ('another log', other_log, 'tip: ', None),
    ('a torn batch', tear, '', 'wal: offset '),
]
# The same of records that the wal does not have any more.
DONE_LONG = [
    ('an old tile that is gone', remove('tile/0/001'), 'tile/0/001: offset 0: '
     + GONE, 'tile/0/001: offset 0: the file is missing'),
    ('an old bundle that is gone', remove('tile/entries/001'),
     'tile/entries/001: offset 0: ' + GONE, None),
    ('a cut old bundle', cut('tile/entries/001', 900), 'tile/entries/001: ',
     None),
    ('old bundles swapped', swap('tile/entries/003', 'tile/entries/004'),
     'tile/entries/003', None),
    ('old tiles and bundles swapped', lambda s, old: (
        swap('tile/entries/003', 'tile/entries/004')(s, old),
        swap('tile/0/003', 'tile/0/004')(s, old)), 'checkpoint: ',
     'tile/1/000.p/39'),
    ('a byte of an old record', flip('tile/entries/001', 5000),
     'tile/entries/001', None),
    ('an older copy of the whole log', roll_back,
     'the log was rolled back, records from 1200 on are missing', None),
]


def check_tampering(state, old, tmp, done):
    for what, do, auditd, verify in done:
        copy = f'{tmp}/copy'
        shutil.copytree(state, copy)
        do(copy, old)
        verify = auditd if verify is None else verify
        r = audit(copy, 'verify')
        need(r.returncode == 1 and verify in r.stderr.decode() and
             'Next: ' in r.stderr.decode(), f'verify names {what}')
        if r.returncode != 1 or verify not in r.stderr.decode():
            print(r.stdout.decode(), r.stderr.decode())
        up, words = grow(copy, 1)
        if auditd:
            need(not up and auditd in words, f'auditd refuses {what}')
        else:
            # What a crash leaves as well, and nothing is lost.
            need(up and audit(copy, 'verify').returncode == 0,
                 f'auditd mends {what}')
        if bool(auditd) == up:
            print(words)
        shutil.rmtree(copy)


def check_gone(state, tmp):
    shutil.copytree(state, f'{tmp}/gone')
    shutil.rmtree(f'{tmp}/gone/audit')
    up, words = grow(f'{tmp}/gone', 1)
    need(not up and 'all records are missing' in words,
         'auditd does not begin a new log where one was')


def check_kept(state, old, tmp):
    """A checkpoint kept elsewhere finds what log and tip together hide."""
    kept = tmp + '/kept'
    for where, name in ((old, 'old'), (state, 'new')):
        with open(kept + name, 'wb') as f:
            f.write(audit(where, 'checkpoint').stdout)
    r = audit(state, 'verify', '--checkpoint', kept + 'old')
    need(r.returncode == 0 and b'300 records of the checkpoint' in r.stdout,
         'the log goes on from an old checkpoint')
    r = audit(old, 'verify', '--checkpoint', kept + 'new')
    need(r.returncode == 1 and b'rolled back' in r.stderr,
         'log and tip rolled back together are found by a kept checkpoint')
    with open(kept + 'bad', 'wb') as f:
        f.write(read(kept + 'old', 'rb').replace(b'\n300\n', b'\n299\n'))
    r = audit(state, 'verify', '--checkpoint', kept + 'bad')
    need(r.returncode == 1 and kept + 'bad' in r.stderr.decode(),
         'a checkpoint that was changed is refused')


# --- its keys -----------------------------------------------------------------

def age_key(state):
    """As it is two days later: the next start makes a new key."""
    path = state + '/audit/key'
    then = os.stat(path).st_mtime - 2 * 86400
    os.utime(path, (then, then))


def keys_of(state):
    return json.loads(audit(state, '--json', 'keys').stdout)['keys']


def check_chain(state, tmp):
    """Each link is signed by the key before, and its record says the same."""
    keys = keys_of(state)
    links = read(state + '/audit/keys', 'rb').split(b'bulkhead audit key\n')
    need(len(links) == len(keys) == 4, 'three links for four keys')
    need(keys[0]['key'] + '\n' == read(state + '/audit/vkey') and
         'record' not in keys[0], 'the first is vkey')
    for before, link, key in zip(keys, links[1:], keys[1:]):
        note = b'bulkhead audit key\n' + link
        text = signed(note, before['key'], tmp)
        record = json.loads(audit(state, '--json', 'show',
                                  str(key['record'])).stdout)
        need(text and text[2:4] + text[5:6] ==
             [str(key['epoch']), str(key['record']), key['key']] and
             record['kind'] == 'log.key' and
             record['key'] == key['key'] and
             note.decode().endswith(' ' + record['signature'] + '\n'),
             f"key {key['epoch']} is signed by the one before, openssl says, "
             'and its record says so')
    text = signed(read(state + '/audit/checkpoint', 'rb'), keys[-1]['key'],
                  tmp)
    need(text is not None, 'the last one signs the checkpoint')


def private_halves(folder):
    """The signing keys that lie anywhere in a folder."""
    found = set()
    for where, _, names in os.walk(folder):
        for name in names:
            for word in read(os.path.join(where, name), 'rb').split():
                if word.startswith(b'PRIVATE+KEY+'):
                    found.add(word)
    return found


def check_keys(tmp):
    state, kept = tmp + '/keys', tmp + '/keys.kept'
    grow(state, 5)
    stolen = private_halves(state)
    with open(kept, 'wb') as f:
        f.write(audit(state, 'checkpoint').stdout)
    for _ in range(3):
        age_key(state)
        need(grow(state, 5)[0], 'auditd goes on with a new key')
    check_chain(state, tmp)
    need(len(stolen) == 1 and len(private_halves(state)) == 1 and
         not stolen & private_halves(state),
         'of all private halves only the last is there')
    r = audit(state, 'verify', '--checkpoint', kept)
    need(r.returncode == 0 and b'3 changes' in r.stdout,
         'verify follows the chain, also from what an old key has signed')
    for what, do in (('a link of a key that is gone', remove('keys')),
                     ('a cut chain of keys', cut('keys', 3)),
                     ('a byte of the chain', flip('keys', 400))):
        copy = tmp + '/copy'
        shutil.copytree(state, copy)
        do(copy, None)
        r = audit(copy, 'verify')
        up, words = grow(copy, 1)
        need(r.returncode == 1 and not up and b'offset 0' in r.stderr,
             f'verify and auditd refuse {what}')
        shutil.rmtree(copy)


def check_root(tmp):
    state, key = tmp + '/keys', tmp + '/root.key'
    vkey = audit(state, 'root', 'new', key).stdout.decode().strip()
    other = audit(state, 'root', 'new', key + '2').stdout.decode().strip()
    need(os.stat(key).st_mode & 0o777 == 0o600 and
         audit(state, 'root', 'new', key).returncode == 1,
         'a root key is for its owner alone, and never written over')
    need(audit(state, 'verify', '--root', vkey).returncode == 1,
         'without its word there is no root')
    need(audit(state, 'root', 'sign', key).stdout.decode().strip() == vkey,
         'a root signs the first key')
    text = signed(read(state + '/audit/root', 'rb'), vkey, tmp)
    need(text and text[1] + '\n' == read(state + '/audit/vkey'),
         'so openssl says')
    need(audit(state, 'verify', '--root', vkey).returncode == 0 and
         audit(state, 'verify', '--root', other).returncode == 1,
         'verify follows the chain from the root, and from no other')
    need(grow(state, 1)[0], 'auditd goes on beside it')


def main():
    with contextlib.ExitStack() as stack:
        tmp = stack.enter_context(tempfile.TemporaryDirectory())
        state, old = tmp + '/state', tmp + '/old'
        up, words = grow(state, FIRST)
        need(up, 'auditd makes a log')
        if not up:
            print(words)
            return 1
        shutil.copytree(state, old)
        need(grow(state, MORE)[0], 'and goes on with it')
        r = audit(state, '--json', 'verify')
        s = json.loads(r.stdout)
        need(s['verified'] and s['size'] == s['tip'] == FIRST + MORE,
             'it verifies, and its tip is with it')
        check_proofs(state, tmp)
        r = audit(state, '--json', 'gaps')
        found = json.loads(r.stdout)
        need(r.returncode == 1 and found['gaps'] == FIRST + MORE and
             found['found'][7]['index'] == 7 and
             {x['gap'] for x in found['found']} == {'no-outcome'},
             'each decision without an outcome is listed')
        check_tampering(state, old, tmp, DONE)
        check_gone(state, tmp)
        shutil.copytree(state, tmp + '/long')
        need(grow(tmp + '/long', LONG)[0], 'a log longer than its wal')
        check_tampering(tmp + '/long', state, tmp, DONE_LONG)
        check_kept(state, old, tmp)
        check_keys(tmp)
        check_root(tmp)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
