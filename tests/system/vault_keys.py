"""Goal of this test: what opens the vault's files can be a passphrase of the
terminal or a credential of systemd, through a whole bulkhead: the account is
given its secret, also by a vault that was started again; a wrong one gives
nothing, is on record and in `status`, and Ctrl-C leaves the terminal as it was."""
import json
import os
import pty
import select
import shutil
import signal
import sys
import time

from harness import BUILD, IMAGES, Bulkhead, need, slower

BULKHEAD = os.path.join(BUILD, 'bulkhead')
PASSPHRASE, SECRET = b'correct horse 8c1f', b'of-the-account-53d9'
# Nobody listens there.
ACCOUNT = '''\
  account: {kind: imap, hosts: ["127.0.0.1:9"], private: true, user: me, secret: imap}
'''


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, b, *args):
        self.pid, self.fd = pty.fork()
        self.shown = b''
        if self.pid == 0:
            os.execv(BULKHEAD, [BULKHEAD, '--config', b.config, *args])

    def until(self, words):
        end = time.monotonic() + slower(60)
        while words not in self.shown:
            if time.monotonic() > end:
                need(False, f'it says {words}: {self.shown}')
            if select.select([self.fd], [], [], 1)[0]:
                try:
                    self.shown += os.read(self.fd, 4096)
                except OSError:
                    need(False, f'it says {words}: {self.shown}')

    def answer(self, question, words):
        self.until(question)
        self.shown = b''
        os.write(self.fd, words + b'\n')

    def code(self):
        try:
            while os.read(self.fd, 4096):
                pass
        except OSError:
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


class Keyed(Bulkhead):
    def __init__(self, vault):
        super().__init__(extra='supervision: {backoff: 1s}\n')
        with open(self.config, 'a', encoding='utf-8') as f:
            f.write(f'{ACCOUNT}vault: {{files: [{self.dir}/secrets.age], '
                    f'{vault.format(dir=self.dir)}}}\n')

    def given(self, what):
        rows = self.audit_until(what, lambda rs: any(
            r['kind'] in ('vault.given', 'vault.refused') for r in rs), 60)
        return [r['kind'] for r in rows if r['kind'].startswith('vault.')]

    def pid(self, name):
        return next((p['pid'] for p in self.status()['processes']
                     if p['name'] == name), 0)


def said(b):
    return b.log() + json.dumps(b.audit())


def by_passphrase():
    with Keyed('passphrase: ask') as b:
        t = Terminal(b, 'vault', 'init')
        t.answer(b'Passphrase of the vault: ', PASSPHRASE)
        t.answer(b'Once more: ', PASSPHRASE)
        need(t.code() == 0, 'a vault is made')
        t = Terminal(b, 'vault', 'set', 'imap', '--connector', 'account')
        t.answer(b'Passphrase of the vault: ', PASSPHRASE)
        t.answer(b'imap: ', SECRET)
        t.answer(b'Once more: ', SECRET)
        need(t.code() == 0, 'and has a secret')
        up = Terminal(b, 'up', '--foreground', '--images', IMAGES)
        up.answer(b'Passphrase of the vault: ', PASSPHRASE)
        need(b.given('up asks once, and the account is answered') ==
             ['vault.given'], 'with its secret')
        first = b.pid('vault')
        os.kill(first, signal.SIGKILL)
        b.status_until('a vault that died is started again', lambda s: any(
            p['name'] == 'vault' and p['pid'] not in (0, first)
            for p in s['processes']))
        os.kill(b.pid('connector:account'), signal.SIGKILL)
        b.audit_until('it answers the account', lambda rs: sum(
            r['kind'] == 'vault.given' for r in rs) >= 2, 60)
        need(b'Passphrase' not in up.shown, 'and nobody was asked again')
        need(not any(w in said(b) for w in (PASSPHRASE.decode(),
                                            SECRET.decode())),
             'neither is in the log or on record')
        b.down()
        need(up.code() == 0, 'it ends')
        need(PASSPHRASE not in up.shown, 'nothing that was typed was shown')
    with Keyed('passphrase: ask') as b:
        t = Terminal(b, 'vault', 'init')
        t.answer(b'Passphrase of the vault: ', PASSPHRASE)
        t.answer(b'Once more: ', PASSPHRASE)
        need(t.code() == 0, 'another vault is made')
        up = Terminal(b, 'up', '--foreground', '--images', IMAGES)
        up.answer(b'Passphrase of the vault: ', b'another one')
        need(set(b.given('a wrong passphrase is told')) == {'vault.refused'},
             'and opens nothing')
        b.status_until('and seen', lambda s: any(
            a['name'] == 'account' and a['state'] == 'refused'
            for a in s['accounts']))
        b.down()
        up.code()


def by_credential():
    with Keyed('identity: {dir}/identity.txt') as b:
        b.run('vault', 'init')
        b.run('vault', 'set', 'imap', '--connector', 'account',
              input=SECRET.decode())
        with open(b.config, encoding='utf-8') as f:
            text = f.read()
        with open(b.config, 'w', encoding='utf-8') as f:
            f.write(text.replace(f'identity: {b.dir}/identity.txt',
                                 'credential: bulkhead-vault'))
        r = b.run('up', '--images', IMAGES, check=False)
        need('LoadCredentialEncrypted=bulkhead-vault' in r.stdout + r.stderr +
             b.log(), 'without systemd it is said what is missing')
        b.down()
        folder = os.path.join(b.dir, 'credentials')
        os.mkdir(folder, 0o700)
        shutil.move(os.path.join(b.dir, 'identity.txt'),
                    os.path.join(folder, 'bulkhead-vault'))
        b.run('up', '--images', IMAGES,
              env={**os.environ, 'CREDENTIALS_DIRECTORY': folder})
        need(b.given('the account is answered')[-1] == 'vault.given',
             'by the key of a credential')


if __name__ == '__main__':
    by_passphrase()
    by_credential()
    sys.exit(0)
