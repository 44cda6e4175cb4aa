"""Goal of this test: whatever a submission server does - npm's smtp-server, with
failures by a script - a mail is delivered once or not at all, and its record says
which: done, failed, or unknown where nobody can know. What fails for now is tried
again, what is refused is told with the server's reason, what is unknown is never
sent again, and status says in words how the account stands."""
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'system')]
from chats import Online  # noqa: E402
from npm import packages  # noqa: E402
from world import THEIRS, World, enter  # noqa: E402
from harness import need  # noqa: E402

PASSWORD = 'a-password-of-tests'
# Servers with TLS and nothing else.
CERTIFICATES = {'expired': 1466, 'other': 1467}
PORTS = {'tls': 465, 'start': 587, 'bare': 2587}
TRIES = 3
POLICY = '''\
bulkhead: 1
profile: tools
mode: enforce
timezone: UTC
owner: {email: me@example.org}
sources:
  mail: {reader: email, connector: inbox, integrity: external, audience: public, reveal: text}
capabilities:
'''
CAPABILITY = '''\
  mail.{0}:
    connector: {0}
    effect: internal
    undo: none
    args:
      text: {{type: text, max: 4000, role: content, from: [planner, owner]}}
    decide:
      - allow: {{}}
    limits: {{rate: 600/hour}}
'''
ACCOUNT = ('  {0}: {{{{kind: smtp, hosts: ["smtp.example.org:{1}"], '
           'user: me@example.org, secret: {0}, ca: {{ca}}}}}}\n')
LONG = 'x' * 20000
LARGE = 'too large for the server'

# What the server does: at which replies, how often, how. Then what is true of the
# mail: its state, how often the server has it, words of the record; and how the
# account stands afterwards (None: on its way back to up).
FOR_EVER = 99


def at(stage, raw=None, times=FOR_EVER, **more):
    return {'at': stage, 'raw': raw, 'times': times, **more}


CASES = [
    # nothing is wrong
    ('nothing', 'tls', [], 'done', 1, '', 'up'),
    ('nothing, STARTTLS', 'start', [], 'done', 1, '', 'up'),
    # refused for good: at once, with the reason
    ('550 at MAIL', 'tls', [at('mail', '550 5.7.1 not you\r\n')],
     'failed', 0, '550 5.7.1 not you', 'up'),
    ('550 at RCPT', 'tls', [at('rcpt', '550 5.1.1 no such box\r\n')],
     'failed', 0, '550 5.1.1 no such box', 'up'),
    ('554 at DATA', 'tls', [at('data', '554 no\r\n')],
     'failed', 0, '554 no', 'up'),
    ('554 at the dot', 'tls', [at('dot', '554 5.6.0 is spam\r\n')],
     'failed', 0, '554 5.6.0 is spam', 'up'),
    ('many lines', 'tls', [at('rcpt', '550-5.1.1 no\r\n550-5.1.1 such\r\n'
                              '550 5.1.1 box\r\n')],
     'failed', 0, '550 5.1.1 no 5.1.1 such 5.1.1 box', 'up'),
    ('control characters', 'tls',
     [at('rcpt', '550 \x1b[31mred\x07\xe9\r\n')], 'failed', 0,
     '550 ?[31mred??', 'up'),
    ('a long line', 'tls', [at('mail', f'550 {LONG}\r\n')],
     'failed', 0, '550 xxxxxxxx', 'up'),
    (LARGE, 'tls', [], 'failed', 0, '552', 'up'),
    # for now: again, a few times
    ('450 at MAIL, once', 'tls', [at('mail', '450 4.2.1 soon\r\n', 1)],
     'done', 1, '', 'up'),
    ('451 at RCPT, twice', 'tls', [at('rcpt', '451 4.3.0 soon\r\n', 2)],
     'done', 1, '', 'up'),
    ('452 at DATA, once', 'tls', [at('data', '452 4.2.2 full\r\n', 1)],
     'done', 1, '', 'up'),
    ('451 at the dot, once', 'tls', [at('dot', '451 4.3.0 greylist\r\n', 1)],
     'done', 1, '', 'up'),
    ('451 at the dot, always', 'tls', [at('dot', '451 4.3.0 never\r\n')],
     'failed', 0, '451 4.3.0 never', 'up'),
    ('454 at AUTH, once', 'tls', [at('auth', '454 4.7.0 later\r\n', 1)],
     'done', 1, '', 'up'),
    ('421 as a greeting, once', 'tls',
     [at('greeting', '421 busy\r\n', 1, cut=True)], 'done', 1, '', 'up'),
    ('421 in the middle, once', 'tls',
     [at('rcpt', '421 4.3.2 goes down\r\n', 1, cut=True)], 'done', 1, '',
     'up'),
    # connections that end
    ('cut as a greeting, once', 'tls', [at('greeting', times=1, cut=True)],
     'done', 1, '', 'up'),
    ('cut at EHLO, once', 'tls', [at('ehlo', times=1, cut=True)],
     'done', 1, '', 'up'),
    ('cut at RCPT, once', 'tls', [at('rcpt', times=1, cut=True)],
     'done', 1, '', 'up'),
    ('cut at DATA, always', 'tls', [at('data', cut=True)],
     'failed', 0, '', 'waiting'),
    ('cut behind the dot', 'tls', [at('dot', times=1, cut=True)],
     'unknown', 1, '', None),
    ('cut behind a reply', 'tls',
     [at('dot', '250 2.6.0 taken\r\n', 1, cut=True)], 'done', 1, '', 'up'),
    ('no answer to QUIT', 'tls', [at('quit', delay=3600000)],
     'done', 1, '', 'up'),
    # nonsense and slowness
    ('garbage at MAIL', 'tls', [at('mail', '\x00\xff\x80nonsense\r\n',
                                   cut=True)], 'failed', 0, '', 'waiting'),
    ('garbage at the dot', 'tls', [at('dot', 'ok thank you\r\n', 1, cut=True)],
     'unknown', 1, '', None),
    ('a code that is none at the dot', 'tls',
     [at('dot', '354 go on\r\n', 1)], 'unknown', 1, '', None),
    ('slow at each', 'tls', [at(s, delay=700) for s in
                             ('ehlo', 'auth', 'mail', 'rcpt', 'data', 'dot')],
     'done', 1, '', 'up'),
    # no credential is said, or taken
    ('STARTTLS is refused', 'start', [at('starttls', '454 no\r\n')],
     'failed', 0, '', 'waiting'),
    ('STARTTLS is not offered', 'bare', [], 'failed', 0, 'no TLS', 'waiting'),
    ('535 at AUTH', 'tls', [at('auth', '535 5.7.8 who is it\r\n')],
     'failed', 0, 'does not take the credential', 'refused'),
]


class Submission(Online):
    def __init__(self, w):
        super().__init__(
            w, POLICY + ''.join(CAPABILITY.format(n) for n in PORTS),
            ''.join(ACCOUNT.format(n, p) for n, p in PORTS.items()),
            {n: (n, PASSWORD) for n in PORTS}, 'https://smtp.example.org:8025',
            planner='gullible')
        self.mails = 0

    def account_is(self, name, state, words=''):
        self.until(f'account {name} is {state} {words}', lambda: (
            lambda a: a['state'] == state and words in a['detail'])(
                self.account(name)))

    def waited(self, name):
        """How often the account has had to wait. Its next login may be good, a
        moment later: only the log says that it was not up in between."""
        return self.log().count(f'account={name} state=waiting')

    def script(self, steps, size=0):
        self.api('script', {'steps': steps, 'size': size})

    def had(self, mark):
        """How often the server has it."""
        return sum(mark in m['bytes'] for m in self.api('state')['mails'])

    def send(self, account, text):
        """The effect of one more mail, at its end."""
        known = {e['effect'] for e in self.effects()}
        self.mails += 1
        self.deliver(f'm{self.mails}',
                     f'From: Lea <lea@example.org>\r\nSubject: {self.mails}'
                     f'\r\n\r\nCall mail.{account} with text={text}\r\n')

        def ended():
            return [e for e in self.effects() if e['effect'] not in known and
                    e['state'] in ('done', 'failed', 'unknown')]
        return self.until(f'mail {self.mails} has an end', ended)[0]


def case(b, n, row):
    name, account, steps, state, had, words, link = row
    print(f'-- {name}')
    mark = f'mark-{n:02}-'
    waited = b.waited(account)
    b.script(steps, 100 if name == LARGE else 0)
    e = b.send(account, mark + 'end')
    need(e['state'] == state, f'{name}: {e["state"]}, {e["detail"]}')
    need(words in e['detail'] and len(e['detail']) < 256 and
         e['detail'].isascii() and e['detail'].isprintable(),
         f'{name}: with its reason, on one line')
    need(b.had(mark) == had, f'{name}: the server has it {had} times')
    if link == 'waiting' and account != 'bare':
        b.until(f'account {account} has waited',
                lambda: b.waited(account) > waited)
    elif link:
        b.account_is(account, link)
    b.script([])
    if account != 'bare' and link != 'refused':
        b.account_is(account, 'up')
    return mark, had


def starts(b):
    """Before any mail: status knows which login works."""
    b.script([at('auth', '535 5.7.8 who is it\r\n')])
    b.up()
    for name, state, words in (('tls', 'refused', 'credential'),
                               ('start', 'refused', 'credential'),
                               ('bare', 'waiting', 'no TLS')):
        b.account_is(name, state, words)
    need(not b.api('state')['mails'], 'and nothing was sent for that')
    b.script([])
    for name in ('tls', 'start'):
        b.kill(name)
        b.account_is(name, 'up')


def certificates(b, fault):
    """Nothing is said to a server whose certificate is no good."""
    logins = b.api('state')['logins']
    for name, port in CERTIFICATES.items():
        fault(f'to {port}')
        b.kill('tls')
        b.account_is('tls', 'waiting', 'certificate')
        e = b.send('tls', f'mark-{name}-end')
        need(e['state'] == 'failed' and 'certificate' in e['detail'],
             f'{name}: {e["state"]}, {e["detail"]}')
        need(not b.had(f'mark-{name}-'), 'nobody has it')
    need(b.api('state')['logins'] == logins, 'and nobody was logged in')
    fault('none')
    b.kill('tls')
    b.account_is('tls', 'up')


def networks(b, fault):
    """A mail that is on its way when its connection has a fault arrives once or
    not at all, and what is not known is unknown."""
    for n, text in enumerate(('refuse', 'cut 100', 'cut 1800', 'half 1800',
                              'garbage 0', 'garbage 1800', 'delay 200')):
        fault(text)
        e = b.send('tls', f'mark-net{n}-end')
        fault('none')
        b.kill('tls')
        b.account_is('tls', 'up')
        had = b.had(f'mark-net{n}-')
        need(had == {'done': 1, 'failed': 0}.get(e['state'], had) and had <= 1,
             f'{text}: it is {e["state"]}, and is there {had} times')


def main():
    place = packages('smtp')
    with World() as w:
        w.certificate('expired', 'smtp.example.org', '-1')
        for name, port in CERTIFICATES.items():
            w.server(sys.executable, os.path.join(HERE, 'bot_api.py'), THEIRS,
                     str(port), w.path(f'{name}.pem'), w.path(f'{name}.key'))
        fault = w.proxy(465, 1465)
        w.server('node', os.path.join(place, 'smtp.js'), THEIRS, PASSWORD,
                 w.path('smtp.example.org.pem'),
                 w.path('smtp.example.org.key'))
        with Submission(w) as b:
            starts(b)
            ends = [case(b, n, row) for n, row in enumerate(CASES)]
            certificates(b, fault)
            networks(b, fault)
            e = b.send('tls', 'mark-last')
            need(e['state'] == 'done', 'after all of it a mail is taken')
            need(all(b.had(mark) == had for mark, had in ends),
                 'and nothing has come a second time, or late')
            need(PASSWORD not in b.texts(), 'the password is in no record')
    print(f'{len(CASES)} cases')
    return 0


if __name__ == '__main__':
    if os.environ.get('BULKHEAD_WORLD') != '1':
        packages('smtp')  # inside there is no way to a registry
    code = enter(os.path.abspath(__file__))
    sys.exit(main() if code is None else code)
