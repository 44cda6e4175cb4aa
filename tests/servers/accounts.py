"""Goal of this test: bulkhead with a mailbox of Dovecot's and a submission server
of Postfix's, by name, over TLS, with passwords that are in its vault alone. Each
mail of the mailbox is read once, in a VM of its own, and nothing in it is changed;
what the policy allows is delivered once; whatever is done to the connection, or
to a process, none is lost and none is doubled, and status says how it stands."""
import imaplib
import json
import os
import re
import ssl
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'system')]
from world import World, enter  # noqa: E402
from harness import Bulkhead, need  # noqa: E402

PASSWORD = 'a-password-of-tests'
MAIL = ('From: Lea <lea@example.org>\r\nTo: me@example.org\r\n'
        'Message-ID: <{id}@example.org>\r\nSubject: {id}\r\n\r\n'
        'Use notes.append to write down {id}.\r\n')
ACCOUNTS = '''\
  inbox: {{kind: imap, hosts: ["imap.example.org:{port}"], user: me@example.org,
    secret: imap, first: all, poll: 10s, ca: {ca}}}
  drafts: {{kind: smtp, hosts: ["smtp.example.org:465"], user: me@example.org,
    secret: smtp, from: me@example.org, ca: {ca}}}
vault: {{files: [{dir}/secrets.age], identity: {dir}/identity.txt}}
'''


class Accounts(Bulkhead):
    def __init__(self, w, port, supervision='{backoff: 1s}', pool=1):
        super().__init__(planner='gullible', pool=pool,
                         extra=f'supervision: {supervision}\n')
        with open(self.config, encoding='utf-8') as f:
            text = f.read()
        with open(self.config, 'w', encoding='utf-8') as f:
            f.write(text[:text.index('  inbox:')] + ACCOUNTS.format(
                port=port, ca=w.path('ca.pem'), dir=self.dir))
        self.run('vault', 'init')
        for name, connector in (('imap', 'inbox'), ('smtp', 'drafts')):
            self.run('vault', 'set', name, '--connector', connector,
                     input=PASSWORD)
        self.run('vault', 'check')

    def account_until(self, name, state, seconds=60):
        self.status_until(f'account {name} is {state}', lambda s: any(
            a['name'] == name and a['state'] == state for a in s['accounts']),
            seconds)
        print(f'ok: account {name} is {state}')

    def effects(self):
        return json.loads(self.run('--json', 'effects').stdout)['effects']



def put(w, name, more=''):
    """A mail into the mailbox, as a server would: at once."""
    folder = inbox(w)
    path = os.path.join(folder, 'tmp', name)
    with open(path, 'wb') as f:
        f.write((MAIL.format(id=name) + more).encode())
    os.chmod(path, 0o666)
    os.rename(path, os.path.join(folder, 'new', name))


def inbox(w):
    for top, dirs, _ in os.walk(w.path('mail')):
        if 'new' in dirs and 'cur' in dirs:
            return top
    raise RuntimeError('there is no mailbox yet')


def flags(w):
    """Which mails are there, and which of them are marked in any way."""
    folder = inbox(w)
    names = os.listdir(os.path.join(folder, 'new')) + \
        os.listdir(os.path.join(folder, 'cur'))
    return (sorted(n.split(',')[0].split(':')[0] for n in names),
            [n for n in names if re.search(r':2,.*[A-Z]', n)])


def keys(b):
    return sorted(i['key'] for i in b.items_now())


def reads(w, b):
    for i in range(3):
        put(w, f'first-{i}')
    b.up()
    items = b.items_until(3)
    need(len(items) == 3 and all(i['verdict'] == 'read' for i in items),
         'each mail is read')
    need(len(set(keys(b))) == 3, 'and once')
    b.account_until('inbox', 'up')
    put(w, 'second')
    b.items_until(4)
    need(flags(w)[1] == [], 'nothing is marked')
    need(len(flags(w)[0]) == 4, 'and nothing is moved away')


def sends(w, b):
    done = [e for e in b.effects() if e['state'] == 'done']
    need(done, 'the planner had something sent')
    need(not [e for e in b.effects() if e['state'] not in ('done',)],
         'and nothing of it is unknown')
    end = time.monotonic() + 30
    while len(w.sent()) < len(done) and time.monotonic() < end:
        time.sleep(0.2)
    need(len(w.sent()) == len(done), 'each is delivered once')
    need(all(b'From: me@example.org' in m.replace(b'<', b'').replace(b'>', b'')
             or b'me@example.org' in m for m in w.sent()), 'by the owner')


def faults(w, b, fault):
    """A mail that comes while the connection has a fault is read when it has
    none any more."""
    n = len(b.items_now())
    for text in ('refuse', 'cut 1200', 'garbage 0', 'half 900', 'cut 2500',
                 'garbage 2500', 'half 2500'):
        fault(text)
        b.kill('inbox')  # so that it meets the fault at once
        put(w, 'in-' + text.replace(' ', '-'))
        b.status_until(f'{text}: status says so', lambda s: any(
            a['name'] == 'inbox' and a['state'] in ('waiting', 'connecting')
            for a in s['accounts']))
        fault('none')
        n += 1
        b.items_until(n)
        need(len(set(keys(b))) == n, f'{text}: the mail is read, and once')
    fault('delay 300')
    put(w, 'held-up')
    b.items_until(n + 1)
    mid_literal(w, b, fault)
    need(len(set(keys(b))) == len(b.items_now()) == n + 2,
         'held up, and in a literal: the mails are read, and once')


def mid_literal(w, b, fault):
    """The server is started anew while it gives a mail; nothing of that one was
    taken for all of it."""
    fault('stall 60000')
    put(w, 'in-literal', 'One line of many.\r\n' * 8000)
    b.status_until('half of the mail has come', lambda _: fault.met())
    n = len(b.items_now())
    w.imap(PASSWORD, 1993)
    need(len(b.items_now()) == n, 'half a mail is none')
    b.kill('inbox')
    fault('none')
    b.items_until(n + 1)
    need(b.items_now()[-1]['size'] > 100000, 'the whole one is')


def certificates(w, b):
    for name in ('expired', 'other'):
        w.imap(PASSWORD, 1993, certificate=name)
        b.kill('inbox')
        b.status_until(f'{name}: status says so', lambda s: any(
            a['name'] == 'inbox' and a['state'] == 'waiting' and
            'certificate' in a['detail'] for a in s['accounts']))
        print(f'ok: a certificate ({name}) is refused, and status says so')
    w.imap('another-password', 1993)
    b.kill('inbox')
    b.account_until('inbox', 'refused')
    w.imap(PASSWORD, 1993)
    b.kill('inbox')
    b.account_until('inbox', 'up')


def deaths(w, b):
    """Whatever dies, each mail has one verdict."""
    n = len(b.items_now())
    for what in ('inbox', 'netd', 'vault', 'broker', 'drafts'):
        b.kill(what, wait=False)
        put(w, f'after-{what}')
        n += 1
        b.items_until(n)
        need(len(set(keys(b))) == n, f'{what} died: the mail is read, and once')


def records(b):
    found = b.audit()
    given = [r for r in found if r['kind'] == 'vault.given']
    need({r['connector'] for r in given} == {'inbox', 'drafts'},
         'what the vault gave is on record')
    text = str(found) + b.log()
    need(PASSWORD not in text, 'the password is in no record and no log')


def main():
    with World() as w:
        w.imap(PASSWORD, 1993)
        fault = w.proxy(993, 1993)
        w.smtp()
        # The first login makes the mailbox.
        c = imaplib.IMAP4_SSL('imap.example.org', 993, timeout=10,
                              ssl_context=ssl.create_default_context(
                                  cafile=w.path('ca.pem')))
        c.login('me@example.org', PASSWORD)
        c.select('INBOX')
        c.logout()
        with Accounts(w, 993) as b:
            reads(w, b)
            sends(w, b)
            deaths(w, b)
            faults(w, b, fault)
            certificates(w, b)
            records(b)
    return 0


if __name__ == '__main__':
    code = enter(os.path.abspath(__file__))
    sys.exit(main() if code is None else code)
