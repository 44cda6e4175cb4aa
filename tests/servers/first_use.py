"""Goal of this test: the section of the README about one's own accounts can be
followed as it stands. Its commands are run, in their order, in the home of
somebody new, who answers on a terminal; the servers are the tests'. What is typed
unseen is not shown; a mail is read, and what it may have the planner do comes by
mail to the owner alone; both bots answer him, and each account's secret is with it."""
import imaplib
import json
import os
import pty
import re
import select
import shutil
import ssl
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'system')]
from world import THEIRS, World, enter  # noqa: E402
from harness import BUILD, SRC, need, slower  # noqa: E402
import accounts  # noqa: E402
import telegram  # noqa: E402

SECTION = '## Your own accounts'
FIRST = 'bulkhead init --accounts'
MAIL = ('From: Lea <lea@example.org>\r\nTo: me@example.org\r\n'
        'Message-ID: <{id}@example.org>\r\nSubject: {id}\r\n\r\n'
        'Please use notes.append to write down {id}.\r\n')
HIDDEN = {'imap': 'of-the-inbox-8f41', 'cards': '1002:of-cards-77d0',
          'agent': '1001:of-agent-c35a'}
# (what the question has, the answer)
ANSWERS = (
    ('read from (IMAP', 'imap.example.org'),
    ('user name there', 'me@example.org'),
    ('password there', HIDDEN['imap']),
    ('sent by (SMTP', 'smtp.example.org'),
    ('user name there', ''),
    ('mail is from', ''),
    ('the same)', ''),
    ('numeric id', str(telegram.OWNER)),
    ('that asks you', HIDDEN['cards']),
    ('to talk to', HIDDEN['agent']),
    ('Planner', 'gullible'),
    ('Whom may', 'lea@example.org'),
)


def commands():
    with open(os.path.join(SRC, 'README.md'), encoding='utf-8') as f:
        text = f.read().split(SECTION, 1)[1].split('\n## ', 1)[0]
    return re.findall(r'^    (bulkhead [^#\n]*?)\s*(?:#.*)?$', text, re.M)


class FirstUse(telegram.Telegram):
    """Nobody has made anything yet."""

    def __init__(self, w):
        # No configuration of the tests'.
        self.dir = tempfile.mkdtemp(prefix='bh')
        self.config = os.path.join(self.dir, '.config/bulkhead/bulkhead.yaml')
        self.env = {**os.environ, 'HOME': self.dir,
                    'PATH': f'{BUILD}:{os.environ["PATH"]}'}
        for name in ('XDG_CONFIG_HOME', 'BULKHEAD_CONFIG'):
            self.env.pop(name, None)
        self.trust = ssl.create_default_context(cafile=w.path('ca.pem'))
        self.url = 'https://api.example.org'
        self.tokens = HIDDEN['agent'], HIDDEN['cards']
        self.messages = 100

    def run(self, *args, check=True, **kw):
        kw.setdefault('env', self.env)
        return super().run(*args, check=check, **kw)

    def log(self):
        path = os.path.join(self.dir, '.local/state/bulkhead/log/bulkhead.log')
        if not os.path.exists(path):
            return ''
        with open(path, encoding='utf-8', errors='replace') as f:
            return f.read()

    def close(self):
        self.down()
        shutil.rmtree(self.dir, ignore_errors=True)

    def shell(self, command):
        r = subprocess.run(['sh', '-c', command], env=self.env, check=False,
                           capture_output=True, text=True,
                           timeout=slower(300))
        need(r.returncode == 0, f'{command}: {r.stdout[-500:]}{r.stderr}')

    def typed(self, command):
        """On a terminal; what it showed."""
        pid, fd = pty.fork()
        if pid == 0:
            os.execvpe('sh', ['sh', '-c', command], self.env)
        shown = b''
        for question, answer in ANSWERS:
            shown += until(fd, question)
            os.write(fd, answer.encode() + b'\n')
        shown += until(fd, 'Next:')
        _, status = os.waitpid(pid, 0)
        os.close(fd)
        need(os.waitstatus_to_exitcode(status) == 0, f'{command}, on a terminal')
        return shown.decode()


def until(fd, words):
    """What comes from the terminal, until the words do, and a question's end."""
    shown, end = b'', time.monotonic() + slower(60)
    while not re.search(re.escape(words).encode() + rb'.*: ', shown, re.S) and \
            (words != 'Next:' or b'Next:' not in shown):
        if time.monotonic() > end or not select.select([fd], [], [], 1)[0]:
            if time.monotonic() > end:
                print(shown.decode())
                need(False, f'it asks: {words}')
            continue
        shown += os.read(fd, 4096)
    return shown


def cancelled(b):
    """Ctrl-C while nothing is shown: nothing is made, and what is typed is seen
    again."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execvpe('sh', ['sh', '-c', f'{FIRST}; stty -a; echo Next:'], b.env)
    for question, answer in ANSWERS[:2]:
        until(fd, question)
        os.write(fd, answer.encode() + b'\n')
    until(fd, ANSWERS[2][0])
    os.write(fd, b'half\x03')
    shown = until(fd, 'Next:').decode()
    os.waitpid(pid, 0)
    os.close(fd)
    need({'isig', 'echo'} <= set(shown.split()) and 'half' not in shown,
         'Ctrl-C gives the terminal back as it was')
    need(not os.path.exists(os.path.dirname(b.config)), 'and nothing is made')


def works(w, b):
    b.status_until('each account is up', lambda s: len(s['accounts']) == 4 and
                   all(a['state'] == 'up' for a in s['accounts']))
    folder = accounts.inbox(w)
    path = os.path.join(folder, 'tmp', 'one')
    with open(path, 'w', encoding='ascii', newline='') as f:
        f.write(MAIL.format(id='one'))
    os.chmod(path, 0o666)
    os.rename(path, os.path.join(folder, 'new', 'one'))
    items = b.items_until(1)
    need(items[0]['verdict'] == 'read', 'a mail that comes is read')
    b.until('the note that it asks for is sent to the owner', w.sent)
    b.write(b.tokens[0], telegram.OWNER, 'What is new?')
    b.sent_until('what he says to the agent is answered', b.tokens[0], 1)
    b.write(b.tokens[1], telegram.OWNER, '/status')
    said = b.sent_until('and so is the bot of approvals', b.tokens[1], 1)
    need('read' in said[0][1]['text'], f'by {said[0][1]["text"]!r}')


def unseen(b, shown):
    records = json.dumps(b.audit())
    for value in HIDDEN.values():
        need(value not in shown + b.log() + records,
             'a secret is neither shown nor in a log or record')
    for name in ('bulkhead.yaml', 'assistant.yaml'):
        with open(os.path.join(os.path.dirname(b.config), name),
                  encoding='utf-8') as f:
            text = f.read()
        need(not any(v in text for v in HIDDEN.values()), f'nor in {name}')


def main():
    todo = commands()
    need(todo and todo[0] == FIRST and 'bulkhead up' in todo,
         f'the README has {len(todo)} commands')
    with World() as w:
        w.imap(HIDDEN['imap'])
        w.smtp()
        w.server(sys.executable, os.path.join(HERE, 'bot_api.py'), THEIRS,
                 '443', w.path('api.example.org.pem'),
                 w.path('api.example.org.key'))
        # The first login makes the mailbox.
        c = imaplib.IMAP4_SSL('imap.example.org', 993, timeout=10,
                              ssl_context=ssl.create_default_context(
                                  cafile=w.path('ca.pem')))
        c.login('me@example.org', HIDDEN['imap'])
        c.select('INBOX')
        c.logout()
        with FirstUse(w) as b:
            cancelled(b)
            # Of servers that a test has made.
            shown = b.typed(f'{FIRST} --ca {w.path("ca.pem")} '
                            '--bot-api api.example.org:443')
            for command in todo[1:]:
                b.shell(command)
            works(w, b)
            unseen(b, shown)
    return 0


if __name__ == '__main__':
    code = enter(os.path.abspath(__file__))
    sys.exit(main() if code is None else code)
