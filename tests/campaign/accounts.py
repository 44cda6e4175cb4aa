"""Goal of this test: the promises of the kill campaign hold for accounts. A
mailbox of Dovecot's with CAMPAIGN_MAILS mails (150) is read through fresh VMs,
and at least CAMPAIGN_SENDS mails (60) are sent by Postfix, while both
connectors, the broker and the monitor get SIGKILL CAMPAIGN_EACH times (4) each,
at moments that CAMPAIGN_SEED draws. Every mail ends in one verdict; each that is
sent is delivered once or not at all, and where it is not known which, it is
said to be unknown. The report is in BUILD/campaign/accounts-SEED.txt and .jsonl.

What is to be true is in checker.py, as for any campaign. What was delivered is
counted in Postfix's mailbox, what is in the inbox by a client of IMAP.
"""
import contextlib
import email
import email.policy
import imaplib
import os
import random
import re
import signal
import ssl
import sys
import threading
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
# The `accounts` of the servers' tests goes before this file.
sys.path[:0] = [os.path.join(TESTS, 'servers'), os.path.join(TESTS, 'system')]
import checker  # noqa: E402
from accounts import PASSWORD, Accounts, flags, inbox  # noqa: E402
from campaign import (AGREE_S, FIND_S, QUIET_S, SEED, STATUS_EVERY,  # noqa: E402
                      SUPERVISION, Campaign, Plan, unlimited)
from harness import slower  # noqa: E402
from load import HOSTILE, text  # noqa: E402
from world import World, enter  # noqa: E402

MAILS = int(os.environ.get('CAMPAIGN_MAILS', '150'))
SENDS = int(os.environ.get('CAMPAIGN_SENDS', '60'))
EACH = int(os.environ.get('CAMPAIGN_EACH', '4'))
PORT = 993
POOL = 4            # readers that wait
PARTS = ('connector-in', 'connector-out', 'broker', 'monitor')
LAST = 0.95         # of the mails have their verdict at the last kill
IN_SENDING = 0.5    # of the kills, but of the connector that reads
HOSTILE_PART = 0.05
MORE_ROUNDS = 5     # of mails in place of those whose orders a kill took
QUEUES = ('maildrop', 'incoming', 'active', 'deferred')


class Moments(Plan):
    """Of each part as many kills, each when so many verdicts are there."""

    def __init__(self, seed, each):
        super().__init__(seed, 0)
        rng = random.Random(f'{seed} moments')
        parts = [p for p in PARTS for _ in range(each)]
        rng.shuffle(parts)
        self.at = sorted(rng.uniform(0, LAST) for _ in parts)
        self.rows = [(self.pause(rng), [p], rng.random(), p != 'connector-in'
                      and rng.random() < IN_SENDING) for p in parts]


class Mail:
    source = 'inbox'

    def __init__(self, n, words, made):
        self.n = n
        self.words = words
        self.bytes = made
        self.key = ''  # once it is in the mailbox


class Mailbox:
    """All that is in it at the start; more, where it is asked for."""

    def __init__(self, w, seed, mails, sends):
        self.w = w
        self.seed = seed
        self.rng = random.Random(f'{seed} mailbox')
        self.sent = []
        ordered = set(self.rng.sample(range(mails), sends))
        self.first = [self.mail(n, n in ordered) for n in range(mails)]
        self.over = threading.Event()  # as of a load that goes on

    def mail(self, n, ordered):
        if ordered:
            word = f'word-{self.seed}-{n}'
            return Mail(n, [word], text(
                n, f'news {n}',
                f'Please use email.send to send {word} to lea@example.org.'))
        if self.rng.random() < HOSTILE_PART:
            return Mail(n, [], self.rng.choice(HOSTILE)(n, self.rng))
        return Mail(n, [], text(n, f'news {n}', 'Nothing to do. ' * (n % 50)))

    def put(self, m):
        name = f'c{m.n:05d}.mail'
        box = inbox(self.w)
        tmp = os.path.join(box, 'tmp', name)
        with open(tmp, 'wb') as f:
            f.write(m.bytes)
        os.chmod(tmp, 0o666)
        self.sent.append(m)
        os.rename(tmp, os.path.join(box, 'new', name))
        m.bytes = b''

    def start(self):
        for m in self.first:
            self.put(m)

    def more(self, n):
        for _ in range(n):
            self.put(self.mail(len(self.sent), True))

    def end(self):
        self.over.set()

    def keys(self):
        """Gives each its key: what the server calls it."""
        numbers = {}
        with client(self.w) as c:
            validity = c.response('UIDVALIDITY')[1][0].decode()
            for row in c.uid('fetch', '1:*', '(BODY.PEEK[HEADER.FIELDS '
                             '(MESSAGE-ID)])')[1]:
                if isinstance(row, tuple):
                    uid = re.search(rb'UID (\d+)', row[0]).group(1).decode()
                    n = re.search(rb'<(\d+)@', row[1]).group(1)
                    numbers[int(n)] = f'{validity}.{uid}'
        for m in self.sent:
            m.key = numbers.get(m.n, f'gone: {m.n}')


@contextlib.contextmanager
def client(w):
    c = imaplib.IMAP4_SSL('imap.example.org', PORT, timeout=60,
                          ssl_context=ssl.create_default_context(
                              cafile=w.path('ca.pem')))
    c.login('me@example.org', PASSWORD)
    c.select('INBOX', readonly=True)
    yield c
    c.logout()


class OfAccounts(Campaign):
    NAME = 'accounts-'
    ROWS = checker.ACCOUNTS

    def __init__(self, w, b):
        self.w = w
        super().__init__(b, SEED, Moments(SEED, EACH))

    def folders(self):
        return {name: os.path.join(self.b.dir, 'state/connectors', name)
                for name in ('inbox', 'drafts')}

    def mails(self):
        return Mailbox(self.w, SEED, MAILS, SENDS)

    # --- killing -------------------------------------------------------------

    def ended(self):
        """How many mails have a verdict."""
        return len({r['item'] for r in self.read_done()})

    def until(self, n):
        """So many have one; or none has come for too long."""
        last, since = -1, time.monotonic()
        while time.monotonic() < since + slower(QUIET_S):
            now = self.ended()
            if now >= n:
                return
            if now > last:
                last, since = now, time.monotonic()
            time.sleep(0.1)

    def kill_all(self):
        for n, (at, row) in enumerate(zip(self.plan.at, self.plan.rows), 1):
            self.until(int(at * MAILS))
            if not self.kill(n, *row):
                return
            self.told_of_death(self.kills[-1])
            if n % STATUS_EVERY == 0:
                self.compare_status()

    def queued(self):
        found = set()
        for name in QUEUES:
            for _, _, files in os.walk(self.w.path(f'postfix/queue/{name}')):
                found.update(files)
        return found

    def effect_under_way(self):
        """Waits until Postfix has one in its hands: from the first word of its
        sender on, and for a moment only."""
        end = time.monotonic() + slower(FIND_S)
        before = self.queued()
        while time.monotonic() < end:
            if self.queued() - before:
                return True
        return False

    # --- the end -------------------------------------------------------------

    def begun(self):
        """Effects that are said to be done, or may be."""
        return len({r['effect'] for r in self.b.audit()
                    if r['kind'] == 'outcome'
                    and r['outcome'] in ('done', 'unknown')})

    def quiet(self):
        """As many mails as were to are sent, too: what a kill ended before it
        was decided is ordered again."""
        for _ in range(MORE_ROUNDS):
            self.until(len(self.load.sent))
            missing = SENDS - self.begun()
            if missing <= 0:
                break
            self.event('more mails', mails=missing)
            self.load.more(missing)
        super().quiet()

    def delivered(self):
        """Postfix has nothing in its hands any more."""
        end = time.monotonic() + slower(QUIET_S)
        while self.queued():
            if time.monotonic() > end:
                self.facts.trouble.append('Postfix still has mails to deliver')
                return
            time.sleep(AGREE_S / 10)

    def collect_files(self):
        f = self.facts
        self.delivered()
        for mail in self.w.sent():
            m = email.message_from_bytes(mail, policy=email.policy.default)
            if not m['Message-ID']:
                f.trouble.append(f'a mail without a Message-ID: {mail[:2000]}')
                continue
            f.files.append((m['Message-ID'].strip('<>').split('@')[0],
                            f'\n{m.get_content()}\n'))
        self.load.keys()
        there, marked = flags(self.w)
        f.touched = [f'{name} is marked' for name in marked]
        if len(there) != len(self.load.sent):
            f.touched.append(f'there are {len(there)} mails, '
                             f'{len(self.load.sent)} were put into it')
        f.to_send = SENDS
        f.to_kill = {p: EACH for p in PARTS}
        f.killed = {p: sum(k['role'] == p for k in self.kills) for p in PARTS}


def prepare(b):
    path = os.path.join(b.dir, 'policy.yaml')
    with open(path, encoding='utf-8') as f:
        policy = f.read()
    with open(path, 'w', encoding='utf-8') as f:
        f.write(unlimited(policy))


def main():
    # Whoever ends us ends bulkhead, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with World() as w:
        w.imap(PASSWORD, PORT)
        w.smtp()
        # The first login makes the mailbox.
        with client(w):
            pass
        with Accounts(w, PORT, SUPERVISION, POOL) as b:
            prepare(b)
            return OfAccounts(w, b).all_of_it()


if __name__ == '__main__':
    code = enter(os.path.abspath(__file__))
    sys.exit(main() if code is None else code)
