#!/usr/bin/env python3
"""Goal of this test: `bulkhead vault` keeps secrets as its page says. They come
from pipes and terminals, never from arguments; they are in no file in the
clear; each command changes what it says and nothing else; a file that was
changed, or is another's, is refused; a key that others may read is not used."""
import json
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile

SRC = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BULKHEAD = os.path.join(os.environ.get('BULKHEAD_BUILD',
                                       os.path.join(SRC, 'build')), 'bulkhead')
CONF = '''bulkhead: 1
state: ~/state
agents:
  assistant:
    policy: assistant.yaml
    planner: {kind: triage}
    tasks: [{on: mail, say: "x"}]
vault:
  files: [~/.config/bulkhead/secrets.age]
  identity: ~/.config/bulkhead/identity.txt
connectors:
  inbox: {kind: imap, hosts: ["imap.example.org:993"], user: me, secret: imap}
  drafts: {kind: outbox, path: ~/out}
'''
failed = 0


def need(what, ok, more=''):
    global failed
    print('ok:' if ok else 'FAILED:', what, more if not ok else '')
    failed += not ok


class Home:
    """An owner's home directory, and the command in it."""

    def __init__(self, path):
        self.path = path
        self.folder = os.path.join(path, '.config', 'bulkhead')
        self.file = os.path.join(self.folder, 'secrets.age')
        self.key = os.path.join(self.folder, 'identity.txt')

    def run(self, *args, stdin=b'', env=None):
        return subprocess.run(
            [BULKHEAD, 'vault', *args], input=stdin, capture_output=True,
            check=False, timeout=60,
            env={**os.environ, 'HOME': self.path, **(env or {})})

    def configure(self, text=CONF):
        os.makedirs(self.folder, exist_ok=True)
        with open(os.path.join(self.folder, 'bulkhead.yaml'), 'w',
                  encoding='utf-8') as f:
            f.write(text)

    def names(self):
        r = self.run('list', '--json')
        return [x['name'] for x in json.loads(r.stdout)]

    def reveal(self, name):
        return self.run('show', name, '--reveal').stdout

    def holds(self, secret):
        """Whether a file of the home has these bytes in the clear."""
        for top, _, files in os.walk(self.path):
            for name in files:
                with open(os.path.join(top, name), 'rb') as f:
                    if secret in f.read():
                        return True
        return False


def test_init(h):
    r = h.run('init')
    need('init makes a file and a key', r.returncode == 0, r.stderr)
    for path in (h.file, h.key):
        need(f'{os.path.basename(path)} is the owner\'s alone',
             os.stat(path).st_mode & 0o777 == 0o600)
    need('it says what to write', b'identity: ' in r.stdout)
    h.configure()
    r = h.run('init')
    need('a second init changes nothing',
         r.returncode == 1 and b'already' in r.stderr, r.stderr)


def test_values(h):
    for value in (b's3cret-marker', b'a\nb\n"\\\x01 \xc3\xa4', b'x' * 16384):
        r = h.run('set', 'imap', '--connector', 'inbox', stdin=value + b'\n')
        need(f'{len(value)} bytes are kept', r.returncode == 0, r.stderr)
        need('they come back as they were', h.reveal('imap') == value)
    for value in (b'', b'x' * 16385, b'\xff', b'a\0b'):
        r = h.run('set', 'imap', stdin=value)
        need(f'{value[:4]!r}... is refused', r.returncode == 1)
    need('what was there stayed', h.reveal('imap') == b'x' * 16384)
    r = h.run('set', 'imap', 's3cret')
    need('a secret as an argument is refused', r.returncode == 2)
    h.run('set', 'imap', stdin=b's3cret-marker')
    need('it is in no file in the clear', not h.holds(b's3cret-marker'))
    need('the search finds what is there', h.holds(b'AGE ENCRYPTED'))
    r = h.run('show', 'imap')
    need('show does not show it', b's3cret' not in r.stdout and
         b'imap.example.org:993' in r.stdout, r.stdout)


def test_terminal(h):
    """Typed twice, never echoed; two that differ change nothing."""
    for answers, code in ((b'typed-1\ntyped-1\n', 0), (b'typed-3\ntyped-4\n', 1)):
        pid, fd = pty.fork()
        if pid == 0:
            os.environ['HOME'] = h.path
            os.execv(BULKHEAD, [BULKHEAD, 'vault', 'set', 'typed'])
        seen = b''
        for line in answers.splitlines(keepends=True):
            while not seen.endswith(b': '):
                seen += os.read(fd, 1024)
            os.write(fd, line)
            seen += b'\n'
        try:
            while True:
                more = os.read(fd, 1024)
                if not more:
                    break
                seen += more
        except OSError:
            pass
        os.close(fd)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        need(f'exit code {code} at a terminal', status == code, seen)
        need('nothing is echoed', b'typed-1' not in seen and
             b'typed-3' not in seen, seen)
    need('the first is kept', h.reveal('typed') == b'typed-1')


def test_changes(h):
    r = h.run('edit', env={'EDITOR': 'sed -i s/typed-1/edited/',
                           'VISUAL': ''})
    need('edit', r.returncode == 0 and h.reveal('typed') == b'edited',
         r.stderr)
    r = h.run('edit', env={'EDITOR': 'sed -i s/bulkhead_vault/x/',
                           'VISUAL': ''})
    need('an edit that spoils it is refused',
         r.returncode == 1 and h.reveal('typed') == b'edited', r.stderr)
    r = h.run('edit', env={'EDITOR': 'false', 'VISUAL': ''})
    need('an editor that fails changes nothing', r.returncode == 1)
    need('no copy is left', not [n for n in os.listdir('/dev/shm')
                                 if n.startswith('bulkhead-vault-')])
    before = open(h.key, 'rb').read()
    r = h.run('rotate')
    need('rotate', r.returncode == 0 and open(h.key, 'rb').read() != before,
         r.stderr)
    need('the new key opens it', h.reveal('typed') == b'edited')
    shutil.copy(h.key, h.path + '/new')
    shutil.copy(h.key + '.old', h.key)
    need('the old one does not', h.run('list').returncode == 1)
    shutil.copy(h.path + '/new', h.key)
    need('forget', h.run('forget', 'typed').returncode == 0 and
         h.names() == ['imap'], h.names())


def test_export(h):
    other = Home(h.path + '/other')
    os.makedirs(other.path)
    other.run('init')
    other.configure()
    public = re.search(r'age1[0-9a-z]+', open(other.key,
                                              encoding='utf-8').read())[0]
    r = h.run('export', '--to', public)
    need('export is encrypted', r.returncode == 0 and
         r.stdout.startswith(b'-----BEGIN AGE') and b's3cret' not in r.stdout)
    with open(other.path + '/in.age', 'wb') as f:
        f.write(r.stdout)
    r = other.run('import', other.path + '/in.age')
    need('import takes it over', r.returncode == 0 and
         other.reveal('imap') == b's3cret-marker', r.stderr)
    need('export to nobody', h.run('export').returncode == 2)


def test_check(h):
    r = h.run('check')
    need('check finds nothing', r.returncode == 0, r.stderr)
    h.configure(CONF.replace('imap.example.org', 'evil.example'))
    r = h.run('check')
    need('check finds other hosts', r.returncode == 1 and
         b'other hosts' in r.stderr, r.stderr)
    h.configure(CONF.replace('secret: imap', 'secret: smtp'))
    need('check finds a name that is not there',
         h.run('check').returncode == 1)
    h.configure()


def test_sops(h):
    """The same commands on a file of sops; it keeps what it has of others."""
    for name in ('team.sops.yaml', 'team.json', 'team.env', 'team.ini'):
        team = Home(f'{h.path}/{name}')
        team.file = os.path.join(team.folder, name)
        os.makedirs(team.path)
        team.configure(CONF.replace('secrets.age', name))
        r = team.run('init', '--sops')
        need(f'init --sops makes {name}', r.returncode == 0 and
             os.stat(team.file).st_mode & 0o777 == 0o600, r.stderr)
        ours = name.endswith(('.yaml', '.json'))
        key = 'mail.imap' if name.endswith('.ini') else 'imap'
        r = team.run('set', key, stdin=b's3cret-marker')
        need('set', r.returncode == 0 and team.reveal(key) == b's3cret-marker' and
             not team.holds(b's3cret-marker'), r.stderr)
        r = team.run('set', key, '--connector', 'inbox', stdin=b's3cret-marker')
        need('for whom it is', r.returncode == (0 if ours else 1) and
             (ours or b'for whom' in r.stderr), r.stderr)
        r = team.run('edit', env={'EDITOR': 'sed -i s/marker/edited/', 'VISUAL': ''})
        need('edit', r.returncode == 0 and team.reveal(key) == b's3cret-edited',
             r.stderr)
        before = team.key + '.old'
        r = team.run('rotate')
        need('rotate', r.returncode == 0 and os.path.exists(before) and
             team.reveal(key) == b's3cret-edited', r.stderr)
        r = h.run('import', '--file', team.file, team.file)
        need('it is for its own key alone', r.returncode == 1 and
             b'another key' in r.stderr, r.stderr)
        body = open(team.file, 'rb').read()
        with open(team.file, 'wb') as f:
            f.write(re.sub(rb'(?m)^[ \t"]*(sops_)?mac"?[ \t]*[:=].*\n', b'', body))
        r = team.run('list')
        need('without its MAC it is refused', r.returncode == 1 and
             b'MAC' in r.stderr, r.stderr)
        with open(team.file, 'wb') as f:
            f.write(body)
        need('forget', team.run('forget', key).returncode == 0 and
             team.names() == [], team.names())


def test_refused(h):
    os.chmod(h.key, 0o640)
    r = h.run('list')
    need('a key that others may read is refused', r.returncode == 1 and
         b'chmod 600' in r.stderr, r.stderr)
    os.chmod(h.key, 0o600)
    data = open(h.file, 'rb').read()
    at = data.index(b'\n', 400) - 10
    with open(h.file, 'wb') as f:
        f.write(data[:at] + bytes([data[at] ^ 1]) + data[at + 1:])
    need('a changed file is refused', h.run('list').returncode == 1)
    with open(h.file, 'wb') as f:
        f.write(data)
    need('and is in order again', h.names() == ['imap'])
    os.unlink(h.file)
    r = h.run('list')
    need('a file that is not there says what to do',
         r.returncode == 1 and b'vault init' in r.stderr, r.stderr)


def taken_over(h, *args):
    return subprocess.run([BULKHEAD, 'import', 'openclaw', *args],
                          stdin=subprocess.DEVNULL, capture_output=True,
                          check=False, env={**os.environ, 'HOME': h.path})


def test_import(h):
    """What another program has in the clear is in a vault afterwards, and is
    theirs as before; all of it is written or nothing."""
    theirs = os.path.join(h.path, 'theirs')
    os.makedirs(theirs)
    text = ("{channels: {telegram: {botToken: '123456:AAE-of-theirs', "
            "allowFrom: [1]}}}")
    with open(os.path.join(theirs, 'openclaw.json'), 'w',
              encoding='utf-8') as f:
        f.write(text)
    new = Home(os.path.join(h.path, 'newcomer'))
    os.makedirs(new.path)
    r = taken_over(new, theirs, '--dry-run')
    need('import --dry-run writes nothing', r.returncode == 0 and
         not os.listdir(new.path), r.stderr)
    os.makedirs(new.folder)
    with open(new.file, 'wb') as f:
        f.write(b'of the owner')
    r = taken_over(new, theirs)
    need('a vault that is there is left alone, and nothing is written',
         r.returncode == 1 and os.listdir(new.folder) == ['secrets.age'],
         r.stderr)
    os.unlink(new.file)
    r = taken_over(new, theirs)
    need('import makes a vault', r.returncode == 0 and
         sorted(os.listdir(new.folder)) ==
         ['assistant.yaml', 'bulkhead.yaml', 'identity.txt', 'secrets.age'],
         r.stderr)
    need('with the secret in it', new.names() == ['telegram'] and
         new.reveal('telegram') == b'123456:AAE-of-theirs')
    row = json.loads(new.run('list', '--json').stdout)[0]
    need('for its connector and hosts', row['connector'] == 'telegram' and
         row['hosts'] == ['api.telegram.org:443'], row)
    need('and in no file in the clear, nor shown',
         not new.holds(b'AAE-of-theirs') and b'AAE' not in r.stdout + r.stderr)
    r = new.run('check')
    need('which the vault is in order with', r.returncode == 0, r.stderr)
    with open(os.path.join(theirs, 'openclaw.json'), encoding='utf-8') as f:
        need('theirs is as it was', f.read() == text)


def main():
    with tempfile.TemporaryDirectory() as path:
        h = Home(path)
        test_init(h)
        test_values(h)
        test_terminal(h)
        test_changes(h)
        test_export(h)
        test_check(h)
        test_sops(h)
        test_import(h)
        test_refused(h)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
