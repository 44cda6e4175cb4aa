"""Goal of this test: a secret is where it has to be, and nowhere else. A whole
bulkhead works with Dovecot, Postfix and the Bot API; each account has a marked
secret of its own. While mails are read in their VMs, one is sent and an owner
chats, all that can be seen of each process is searched for every secret and for
the vault's key, in the forms of `forms`: its memory (of a VM's process that is
the guest's, too), its entries in /proc, the files that it has open; then all that
bulkhead has on disk, its log and records, and what dies leaves behind.

What may hold what is ALLOWED; all else is a failure. The search has to find what
was put there for it: in a process, in a file, in a VM, in a core."""
import base64
import contextlib
import ctypes
import imaplib
import os
import re
import resource
import secrets
import shutil
import signal
import ssl
import stat
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'system')]
from world import THEIRS, World, enter  # noqa: E402
from harness import BUILD, Bulkhead, need  # noqa: E402
import accounts  # noqa: E402
import telegram  # noqa: E402

# Who may hold what, and where in its memory: LOCKED, in mappings that are locked
# and in no core alone; ANYWHERE, in its own heap, too.
LOCKED, ANYWHERE = 'locked', 'anywhere'
ALLOWED = {
    # It opens the files: all of it, in libcrypto's secure heap.
    'vault': {'imap': LOCKED, 'smtp': LOCKED, 'agent': LOCKED, 'cards': LOCKED,
              'typed': LOCKED, 'key': LOCKED, 'raw key': LOCKED},
    # An account has its own one. libcurl keeps a copy of the URL or the login
    # that it was given, for as long as a request lasts or longer.
    'inbox': {'imap': ANYWHERE},
    'drafts': {'smtp': ANYWHERE},
    'agent': {'agent': ANYWHERE},
    'cards': {'cards': ANYWHERE},
}
CONFIG = '''\
  inbox: {{kind: imap, hosts: ["imap.example.org:993"], user: me@example.org,
    secret: imap, first: all, poll: 10s, ca: {ca}}}
  drafts: {{kind: smtp, hosts: ["smtp.example.org:465"], user: out@example.org,
    secret: smtp, from: me@example.org, ca: {ca}}}
'''
CHUNK = 4 << 20
PAGE = 4096
OVERLAP = 4096
FILE_MAX = 64 << 20
# Of /proc/PID: not text, or what reading changes.
UNREAD = {'mem', 'pagemap', 'clear_refs', 'kpageflags', 'task', 'fd', 'fdinfo',
          'root', 'cwd', 'exe', 'map_files', 'ns', 'net', 'attr', 'smaps',
          'smaps_rollup', 'numa_maps'}


def in_base64(b, alphabet):
    """The characters that stand for these bytes wherever they begin in a group
    of three: those that depend on a neighbour are left out."""
    found = []
    for phase in range(3):
        text = base64.b64encode(b'\0' * phase + b, alphabet)
        first = -(-phase * 8 // 6)
        found.append(text[first:(phase + len(b)) * 8 // 6])
    return found


def forms(b):
    """What these bytes may look like."""
    found = {'plain': b, 'hex': b.hex().encode(),
             'HEX': b.hex().upper().encode(),
             'utf-16': b''.join(bytes([c, 0]) for c in b),
             'url': ''.join(f'%{c:02x}' for c in b).encode(),
             'URL': ''.join(f'%{c:02X}' for c in b).encode()}
    escaped = ''.join(chr(c) if chr(c).isalnum() or c in b'-._~'
                      else f'%{c:02X}' for c in b).encode()
    if escaped != b:
        found['escaped'] = escaped
    for name, alphabet in (('base64', b'+/'), ('base64url', b'-_')):
        for phase, text in enumerate(in_base64(b, alphabet)):
            if text not in found.values():
                found[f'{name}/{phase}'] = text
    return found


def raw_key(text):
    """The 32 bytes of an AGE-SECRET-KEY-1..., bech32."""
    digits = 'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L'
    bits = ''.join(f'{digits.index(c):05b}' for c in text[16:-6])
    return bytes(int(bits[i:i + 8], 2) for i in range(0, 256, 8))


class Search:
    """Half of a secret is one: each is searched for by both halves."""

    def __init__(self, planted):
        self.needles = []
        for name, value in planted.items():
            half = len(value) // 2
            for part in (value[:half], value[half:]):
                self.needles += [(name, form, text)
                                 for form, text in forms(part).items()]
        self.bytes = 0

    def find(self, data):
        """{(name, form)}"""
        self.bytes += len(data)
        if not data.strip(b'\0'):
            return set()
        return {(name, form) for name, form, text in self.needles
                if text in data}

    def file(self, path):
        """Of a file's bytes. One that goes away has none."""
        found, last = set(), b''
        with contextlib.suppress(OSError):
            with open(path, 'rb', buffering=0) as f:
                at = 0
                while at < FILE_MAX and (data := f.read(CHUNK)):
                    found |= self.find(last + data)
                    last, at = data[-OVERLAP:], at + len(data)
        return found

    def memory(self, pid):
        """{(name, form, LOCKED or ANYWHERE)} of all that can be read."""
        found = set()
        with contextlib.suppress(OSError):
            with open(f'/proc/{pid}/mem', 'rb', buffering=0) as f:
                for begin, end, where in mappings(pid):
                    found |= {(name, form, where) for name, form
                              in self.mapping(f, begin, end)}
        return found

    def mapping(self, f, begin, end):
        found, at = set(), begin
        while at < end:
            # One that has no page behind it ([vvar]) cannot be read.
            try:
                data = os.pread(f.fileno(), min(CHUNK, end - at), at)
            except OSError:
                data = b''
            if not data:
                at += PAGE
                continue
            found |= self.find(data)
            at += len(data) if at + len(data) == end else \
                max(len(data) - OVERLAP, 1)
        return found

    def entries(self, pid):
        """{(name, form, entry)} of /proc/PID, and of what it has open."""
        top, found = f'/proc/{pid}', set()
        with contextlib.suppress(OSError):
            for name in os.listdir(top):
                if name not in UNREAD:
                    found |= self.tagged(self.file(f'{top}/{name}'), name)
            for fd in os.listdir(f'{top}/fd'):
                path = f'{top}/fd/{fd}'
                with contextlib.suppress(OSError):
                    found |= self.tagged(self.find(os.readlink(path).encode()),
                                         f'fd/{fd}')
                    if stat.S_ISREG(os.stat(path).st_mode):
                        found |= self.tagged(self.file(path), f'fd/{fd}: '
                                             'its file')
                found |= self.tagged(self.file(f'{top}/fdinfo/{fd}'), 'fdinfo')
            for task in os.listdir(f'{top}/task'):
                found |= self.tagged(self.file(f'{top}/task/{task}/comm'),
                                     'task/comm')
            if not os.path.samefile(f'{top}/root', '/'):
                found |= self.files(f'{top}/root')
        return found

    @staticmethod
    def tagged(hits, where):
        return {(name, form, where) for name, form in hits}

    def files(self, top, but=()):
        """{(name, form, path)} of the names and the bytes of all files below."""
        found = set()
        for folder, dirs, names in os.walk(top):
            dirs[:] = [d for d in dirs if not os.path.islink(
                os.path.join(folder, d)) and (folder, d) != (top, 'proc')]
            for name in names:
                path = os.path.join(folder, name)
                found |= self.tagged(self.find(path.encode()), path)
                with contextlib.suppress(OSError):
                    if path not in but and \
                            stat.S_ISREG(os.lstat(path).st_mode):
                        found |= self.tagged(self.file(path), path)
        return found


def mappings(pid):
    """(begin, end, LOCKED where it is locked and in no core)"""
    found, row = [], None
    with open(f'/proc/{pid}/smaps', encoding='utf-8', errors='replace') as f:
        for line in f:
            if m := re.match(r'([0-9a-f]+)-([0-9a-f]+) (\S+)', line):
                row = [int(m[1], 16), int(m[2], 16), m[3]]
            elif line.startswith('VmFlags:') and row[2][0] == 'r':
                flags = line.split()[1:]
                found.append((row[0], row[1], LOCKED if
                              {'lo', 'dd'} <= set(flags) else ANYWHERE))
    return found


class Secrets(telegram.Telegram):
    """With a mailbox and a submission server beside the two bots."""

    def __init__(self, w, planted):
        said = {name: value.decode() for name, value in planted.items()}
        super().__init__(w, (said['agent'], said['cards']), CONFIG,
                         {'imap': ('inbox', said['imap']),
                          'smtp': ('drafts', said['smtp'])}, folders=False)

    def pids(self):
        """pid -> its name in ALLOWED, or else its program's."""
        found = self.children()
        for row in self.status()['processes']:
            if row['pid'] in found:
                found[row['pid']] = row['name'].removeprefix('connector:')
        return found


def plant():
    """Each of its own; the passwords have what a URL has to escape."""
    token = secrets.token_urlsafe
    return {'imap': ('pi+/=&' + token(24) + '?%' + token(24)).encode(),
            'smtp': ('ps=/+&' + token(24) + '%?' + token(24)).encode(),
            'agent': ('1001:' + token(36)).encode(),
            'cards': ('1002:' + token(36)).encode(),
            'typed': token(36).encode()}


def key_of(path):
    with open(path, encoding='ascii') as f:
        text = re.search('AGE-SECRET-KEY-1[0-9A-Z]+', f.read())[0]
    return {'key': text[16:].encode(), 'raw key': raw_key(text)}


def judge(who, hits, seen):
    """What of a process's hits is not ALLOWED."""
    bad = []
    for name, form, where in hits:
        may = ALLOWED.get(who, {}).get(name)
        if where in (LOCKED, ANYWHERE) and (may == ANYWHERE or may == where):
            seen.add((who, name, form, where))
        else:
            bad.append((who, name, form, where))
    return bad


class Sweep:
    """Searches all processes, again and again; what it saw where it may be."""

    def __init__(self, b, search):
        self.b, self.search = b, search
        self.seen, self.bad = set(), set()
        self.count = {'sweeps': 0, 'processes': set(), 'VMs': set()}

    def once(self):
        for pid, who in self.b.pids().items():
            before = self.search.bytes
            hits = self.search.memory(pid)
            # What could not be read has not been searched.
            if self.search.bytes == before and alive(pid):
                need(False, f'the memory of {who} can be read')
            hits |= self.search.entries(pid)
            self.bad |= set(judge(who, hits, self.seen))
            self.count['processes'].add(pid)
            if is_vm(pid):
                self.count['VMs'].add(pid)
        self.count['sweeps'] += 1

    def until(self, done):
        self.once()
        while not done():
            self.once()

    def clean(self, what):
        need(not self.bad, f'{what}: no secret is where it may not be '
             f'{sorted(self.bad)}')


def is_vm(pid):
    with contextlib.suppress(OSError):
        with open(f'/proc/{pid}/cmdline', 'rb') as f:
            return b'qemu' in f.read(64)
    return False


# --- the search finds what is there -----------------------------------------


def control(search, planted, folder):
    """A process with every form of each secret in its memory, one in its
    arguments and one in its environment; a file with all of them; a memfd."""
    all_of_it = b'\n'.join(text for value in planted.values()
                           for part in (value[:len(value) // 2],
                                        value[len(value) // 2:])
                           for text in forms(part).values())
    wanted = {(name, form) for name, form, _ in search.needles}
    path = os.path.join(folder, 'control')
    with open(path, 'wb') as f:
        f.write(all_of_it)
    need(search.file(path) == wanted, f'the search finds all {len(wanted)} '
         'forms in a file')
    os.unlink(path)
    with held(all_of_it, planted['imap'].decode(),
              {'SECRET': planted['smtp'].decode()}) as pid:
        need({h[:2] for h in search.memory(pid)} == wanted,
             'and in the memory of a process')
        entries = search.entries(pid)
        need(('imap', 'plain', 'cmdline') in entries and
             ('smtp', 'plain', 'environ') in entries,
             'and in its arguments and environment')
        need({h[:2] for h in entries if h[2].endswith('its file')} == wanted,
             'and in a memfd of its')


@contextlib.contextmanager
def held(data, argument, env):
    p = subprocess.Popen(
        [sys.executable, '-c', 'import os, sys, time\n'
         'data = sys.stdin.buffer.read()\n'
         'fd = os.memfd_create("control"); os.write(fd, data)\n'
         'print("ready", flush=True); time.sleep(3600)', argument],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={**os.environ, **env})
    p.stdin.write(data)
    p.stdin.close()
    try:
        p.stdout.readline()
        yield p.pid
    finally:
        p.kill()
        p.wait()
        p.stdout.close()


def read_in_vm(w, b):
    """A mail of which each line is marked, large enough to be met: the memory of
    a reader VM has it while it is read, and it can be searched like that."""
    mark = secrets.token_hex(16)
    search = Search({'mark': mark.encode()})
    body = f'{mark} and more of the same\r\n' * 20000
    for n in range(30):
        before = len(b.items_now())
        deliver(w, f'marked-{n}', 'Nothing.\r\n' + body)
        end = time.monotonic() + 60
        while len(b.items_now()) == before or \
                b.items_now()[-1]['verdict'] == 'pending':
            for pid in filter(is_vm, b.children()):
                if search.memory(pid):
                    print('ok: what a VM reads is found in its memory')
                    b.items_until(before + 1)
                    return
            if time.monotonic() > end:
                break
    need(False, 'what a VM reads is found in its memory')


# --- the work ----------------------------------------------------------------


def deliver(w, name, body):
    folder = accounts.inbox(w)
    path = os.path.join(folder, 'tmp', name)
    with open(path, 'wb') as f:
        f.write(accounts.MAIL.format(id=name).encode() + body.encode())
    os.chmod(path, 0o666)
    os.rename(path, os.path.join(folder, 'new', name))


def works(w, b, sweep):
    for i in range(4):
        deliver(w, f'first-{i}', '')
    b.up()
    b.write(b.tokens[0], telegram.OWNER, 'What is new?')
    # From the first login on.
    sweep.until(lambda: sum(i['verdict'] != 'pending'
                            for i in b.items_now()) >= 4 and
                b.sent(b.tokens[1], b.SAY) and b.sent(b.tokens[0]))
    need(True, 'mails are read, the owner is answered and asked')
    card_id, card = b.sent(b.tokens[1], b.SAY)[0]
    deliver(w, 'while-it-is-sent', '')
    b.press(telegram.OWNER, card_id, telegram.buttons(card)['Approve'])
    sweep.until(w.sent)
    need(True, 'a mail is sent')


def restarts(b, sweep):
    """Each account logs in anew, and the vault opens its files."""
    for name in ('vault', 'inbox', 'drafts', 'agent', 'cards'):
        row = next(p for p in b.status()['processes']
                   if p['name'] in (name, f'connector:{name}'))
        os.kill(row['pid'], signal.SIGKILL)
        sweep.until(lambda: any(
            p['name'] == row['name'] and p['pid'] not in (0, row['pid'])
            for p in b.status()['processes']))
    b.status_until('all accounts are up', lambda s: all(
        a['state'] in ('up', 'idle') for a in s['accounts']))
    sweep.once()


def commands(b, planted, search):
    """A secret on its way through the command is in the command alone."""
    p = subprocess.Popen([os.path.join(BUILD, 'bulkhead'), '--config', b.config,
                          'vault', 'set', 'typed', '--connector', 'inbox'],
                         stdin=subprocess.PIPE)
    p.stdin.write(planted['typed'])
    p.stdin.flush()
    end, hits = time.monotonic() + 30, set()
    while not any(h[0] == 'typed' for h in hits):
        if time.monotonic() > end:
            need(False, 'the command reads its secret')
        time.sleep(0.05)
        hits = search.memory(p.pid)
    need({h[2] for h in hits} == {LOCKED},
         f'the command has it in locked memory alone {sorted(hits)}')
    need(not search.entries(p.pid), 'and in no entry of /proc')
    p.stdin.close()
    need(p.wait() == 0, 'it is set')


# --- what is left -------------------------------------------------------------


def crash(pid):
    """Ends it as a defect would, with all of a core allowed, where this machine
    lets a test give back what a process gave up."""
    with contextlib.suppress(PermissionError, ProcessLookupError):
        resource.prlimit(pid, resource.RLIMIT_CORE,
                         (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSEGV)


@contextlib.contextmanager
def cores_at(folder):
    """The machine's cores go there, meanwhile."""
    path = '/proc/sys/kernel/core_pattern'
    with open(path, encoding='utf-8') as f:
        before = f.read()
    with open(path, 'w', encoding='utf-8') as f:
        f.write(f'{folder}/core.%P')
    try:
        yield
    finally:
        with open(path, 'w', encoding='utf-8') as f:
            f.write(before)


def cores(b, planted, search, folder):
    """What crashes leaves no core; another process does."""
    where = os.path.join(folder, 'cores')
    os.mkdir(where)
    os.chmod(where, 0o777)
    with cores_at(where):
        with held(planted['imap'], 'x', {}) as pid:
            crash(pid)
            end = time.monotonic() + 30
            path = os.path.join(where, f'core.{pid}')
            while not search.file(path):
                if time.monotonic() > end:
                    need(False, 'a core of another process is found')
                time.sleep(0.1)
        print('ok: a core of another process is written, and the secret in it '
              'is found')
        os.unlink(path)
        pids = b.pids()
        for pid in sorted(pids, key=lambda p: pids[p] == 'monitor'):
            crash(pid)
        end = time.monotonic() + 30
        while any(alive(pid) for pid in pids) and time.monotonic() < end:
            time.sleep(0.1)
        ended = sum(not alive(pid) for pid in pids)
        need(ended == len(pids), f'{ended} of {len(pids)} processes crash')
        need(not os.listdir(where), f'none leaves a core '
             f'{[pids.get(int(n[5:])) for n in os.listdir(where)]}')


def alive(pid):
    with contextlib.suppress(OSError):
        with open(f'/proc/{pid}/stat', encoding='utf-8') as f:
            return f.read().rpartition(')')[2].split()[0] not in 'ZX'
    return False


def left(b, search, when):
    """The state, the log, the records, the queue; and what all of a machine may
    see. The file of the key is the owner's."""
    bad = search.files(b.dir, but=(os.path.join(b.dir, 'identity.txt'),))
    bad |= search.files('/dev/shm')
    for name in ('keys', 'swaps', 'net/unix', 'sysvipc/shm', 'sysvipc/msg'):
        bad |= search.tagged(search.file(f'/proc/{name}'), name)
    need(not bad, f'{when}: no file has one {sorted(bad)}')


def main():
    planted = plant()
    with World() as w:
        w.imap({'me@example.org': planted['imap'].decode(),
                'out@example.org': planted['smtp'].decode()})
        w.smtp()
        w.server(sys.executable, os.path.join(HERE, 'bot_api.py'), THEIRS,
                 '443', w.path('api.example.org.pem'),
                 w.path('api.example.org.key'))
        # The first login makes the mailbox.
        c = imaplib.IMAP4_SSL('imap.example.org', 993, timeout=10,
                              ssl_context=ssl.create_default_context(
                                  cafile=w.path('ca.pem')))
        c.login('me@example.org', planted['imap'].decode())
        c.select('INBOX')
        c.logout()
        with Secrets(w, planted) as b:
            planted |= key_of(os.path.join(b.dir, 'identity.txt'))
            search = Search(planted)
            control(search, planted, w.dir)
            sweep = Sweep(b, search)
            works(w, b, sweep)
            sweep.clean('at work')
            read_in_vm(w, b)
            restarts(b, sweep)
            sweep.clean('after restarts')
            commands(b, planted, search)
            left(b, search, 'while it runs')
            for who in ALLOWED:
                has = sorted(f'{name}: {form}, {where}' for p, name, form, where
                             in sweep.seen if p == who)
                print(f'   {who} holds', '; '.join(has) or 'nothing')
            has = {(p, name) for p, name, _, _ in sweep.seen}
            need(has >= {(n, name) for n, name in
                         (('vault', 'imap'), ('inbox', 'imap'), ('drafts', 'smtp'),
                          ('agent', 'agent'), ('cards', 'cards'))},
                 'and the vault, and each account, was seen to hold its own')
            records = b.run('--json', 'audit', 'tail', '-n', '100000').stdout
            need(not search.find(records.encode()), 'no record has one')
            cores(b, planted, search, w.dir)
            left(b, search, 'after crashes')
            print(f"{sweep.count['sweeps']} sweeps over "
                  f"{len(sweep.count['processes'])} processes, "
                  f"{len(sweep.count['VMs'])} of them VMs: "
                  f'{search.bytes >> 20} MiB, {len(search.needles)} forms')
    return 0


if __name__ == '__main__':
    code = enter(os.path.abspath(__file__))
    sys.exit(main() if code is None else code)
