"""Goal of this test: a mailbox of Dovecot's and a submission server of Postfix's
that take access tokens alone, made from a refresh token that is in the vault: at
the token endpoint, by the account itself. A token that has ended is followed by
another without a mail lost or doubled; a refresh token that is not taken any more
is shown to the owner; it goes to that endpoint and nowhere else."""
import imaplib
import json
import os
import signal
import ssl
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'system')]
import oauth  # noqa: E402
from accounts import PASSWORD, keys, put  # noqa: E402
from chats import Online  # noqa: E402
from harness import SRC, need  # noqa: E402
from world import THEIRS, TOKENS, World, enter  # noqa: E402

SECRET = json.dumps({'client_id': oauth.CLIENT, 'client_secret': oauth.SECRET,
                     'refresh_token': oauth.REFRESH})
ACCOUNTS = '''\
  inbox: {{kind: imap, hosts: ["imap.example.org:993", "api.example.org:443"],
    user: me@example.org, auth: xoauth2, token: "https://api.example.org/token",
    secret: imap, first: all, poll: 10s, ca: {ca}}}
  drafts: {{kind: smtp, hosts: ["smtp.example.org:465", "api.example.org:443"],
    user: me@example.org, auth: xoauth2, token: "https://api.example.org/token",
    secret: smtp, from: me@example.org, ca: {ca}}}
'''


class Mail(Online):
    def __init__(self, w):
        with open(os.path.join(SRC, 'policy/assistant.yaml'),
                  encoding='utf-8') as f:
            policy = f.read().replace('audience: thread', 'audience: public')
        super().__init__(w, policy, ACCOUNTS,
                         {'imap': ('inbox', SECRET), 'smtp': ('drafts', SECRET)},
                         'https://api.example.org', planner='gullible',
                         folders=False)
        self.w = w
        self.mails = 0

    def come(self):
        """One more mail, read; what it has the planner send, sent."""
        self.mails += 1
        put(self.w, f'mail-{self.mails}')
        self.items_until(self.mails)
        need(len(set(keys(self))) == len(self.items_now()) == self.mails,
             f'mail {self.mails} is read, and once')
        done = [e for e in self.effects() if e['state'] == 'done']
        need(len(done) == len(self.effects()) == self.mails,
             'what it asks for is sent')
        self.until('and delivered', lambda: len(self.w.sent()) >= self.mails)
        need(len(self.w.sent()) == self.mails, 'once')

    def again(self):
        """Both servers' connections end; both take new ones."""
        self.w.imap(PASSWORD)
        theirs = os.stat(f'/proc/{self.w.dovecot.pid}/ns/net').st_ino
        for pid in filter(str.isdigit, os.listdir('/proc')):
            try:
                with open(f'/proc/{pid}/comm', encoding='ascii') as f:
                    name = f.read()
                if name in ('smtpd\n', 'imap-login\n') and \
                        os.stat(f'/proc/{pid}/ns/net').st_ino == theirs:
                    os.kill(int(pid), signal.SIGTERM)
            except (FileNotFoundError, ProcessLookupError):
                pass


def grants(b):
    return b.api('state')['asked']


def main():
    with World() as w:
        w.server(sys.executable, os.path.join(HERE, 'oauth.py'), THEIRS, '443',
                 w.path('api.example.org.pem'), w.path('api.example.org.key'),
                 str(TOKENS))
        w.imap(PASSWORD)
        w.smtp()
        # The first login makes the mailbox.
        c = imaplib.IMAP4_SSL('imap.example.org', 993, timeout=10,
                              ssl_context=ssl.create_default_context(
                                  cafile=w.path('ca.pem')))
        c.login('me@example.org', PASSWORD)
        c.select('INBOX')
        c.logout()
        with Mail(w) as b:
            b.up()
            b.account_until('inbox', 'up')
            b.come()
            need(len(grants(b)) == 2, 'each account asked for a token')
            need(all(r == {'grant_type': 'refresh_token',
                           'client_id': oauth.CLIENT,
                           'client_secret': oauth.SECRET,
                           'refresh_token': oauth.REFRESH}
                     for r in grants(b)), 'as the standard has it')
            b.again()
            b.account_until('inbox', 'up')
            b.come()
            need(len(grants(b)) == 2, 'one that holds is used again')
            b.api('expire')
            b.again()
            b.come()
            need(len(grants(b)) == 4, 'one that has ended is followed by '
                 'another')
            rotates(b)
            down(b)
            refused(b)
            seen(b)
    return 0


def ends(b, how):
    """The endpoint answers like that from now on, and no token holds."""
    b.api('how', how)
    b.api('expire')
    b.kill('inbox')


def down(b):
    ends(b, 'fail')
    # In one look: it goes on trying, and says other things meanwhile.
    b.status_until('an endpoint that is down is waited for', lambda s: any(
        a['name'] == 'inbox' and a['state'] == 'waiting' and
        'does not work at present' in a['detail'] for a in s['accounts']), 60)
    b.api('how', '')
    b.account_until('inbox', 'up')
    b.come()


def refused(b):
    ends(b, 'refuse')
    b.account_until('inbox', 'refused')
    need('refresh token' in b.account('inbox')['detail'],
         'the owner is shown why: ' + b.account('inbox')['detail'])
    r = b.run('status', check=False)
    need('REFUSED' in r.stdout, 'in words, too')
    n = len(grants(b))
    put(b.w, 'waits')
    b.api('how', '')
    b.kill('inbox')
    b.mails += 1
    b.items_until(b.mails)
    need(len(set(keys(b))) == b.mails, 'the mail that waited is read, once')
    need(len(grants(b)) > n, 'with a token of the one that holds again')


def rotates(b):
    """The newest refresh token is used, and the vault's again where that is not
    taken any more."""
    b.api('how', 'rotate')
    for _ in range(2):
        b.api('expire')
        b.again()
        b.come()
    state = b.api('state')
    b.given = list(state['given'])
    used = {r['refresh_token'] for r in state['asked']}
    need(len(used & set(b.given)) >= 2, 'a new refresh token is used')
    b.api('how', '')
    b.api('forget')
    b.api('expire')
    b.again()
    b.come()
    need(b.api('state')['asked'][-1]['refresh_token'] == oauth.REFRESH,
         'the vault\'s is used again where it is not taken')


def seen(b):
    state = b.api('state')
    need(set(state['looked']) <= set(state['tokens']) and state['looked'],
         'mail servers saw access tokens alone')
    secret = (oauth.REFRESH, oauth.SECRET, *state['tokens'], *b.given)
    need(not any(s in b.texts() + b.w.log() for s in secret),
         'no token is in a record or in a log')


if __name__ == '__main__':
    code = enter(os.path.abspath(__file__))
    sys.exit(main() if code is None else code)
