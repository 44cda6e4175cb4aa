"""Goal of this test: whatever happens to the connections of a bot of Telegram's,
or of an app of Slack's, no message is lost, none is an item twice, none is said
twice; what is wrong stands in `status`; and it works again by itself. The faults
are those of a network (refused, cut in mid-answer, closed at one end, held up,
garbage), and of a server (restarted, a certificate that has expired, or is
another name's)."""
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'system')]
from harness import need  # noqa: E402
from npm import packages  # noqa: E402
from slack_whole import Slack, tokens  # noqa: E402
from telegram import Telegram  # noqa: E402
from world import THEIRS, World, enter  # noqa: E402
import slack_whole  # noqa: E402
import telegram  # noqa: E402

DIRECT, EXPIRED, OTHER, CARDS = 1443, 1444, 1445, 8443
# A handshake of TLS takes some 1,500 bytes of the server's, and all that comes
# before a message less than 3,000: at 4,000 a long message is in its middle.
FAULTS = ('refuse', 'cut 0', 'cut 700', 'cut 1700', 'cut 4000', 'half 900',
          'half 1700', 'half 4000', 'garbage 0', 'garbage 1600',
          'garbage 4000')
LONG = ' and so on' * 380
CERTIFICATES = {'expired': EXPIRED, 'other': OTHER}


class Bot(Telegram):
    """Of Telegram's: its agent's account is before the proxy."""
    AGENT, OWNER, STRANGER = telegram.AGENT, telegram.OWNER, telegram.STRANGER
    SECRETS = ('token-of-tests',)

    def __init__(self, w):
        super().__init__(w)
        self.url = f'https://api.example.org:{DIRECT}'

    @staticmethod
    def serve(w, port, certificate):
        return w.server(sys.executable, os.path.join(HERE, 'bot_api.py'),
                        THEIRS, str(port), w.path(f'{certificate}.pem'),
                        w.path(f'{certificate}.key'))

    def keep(self, state=None):
        return self.api('keep', state)

    def refuse(self, how):
        self.api('fail', [how])

    def said(self):
        return len(self.sent(self.AGENT))


class App(Slack):
    """Of Slack's: the same, and the cards' app has a server of its own."""
    AGENT, OWNER, STRANGER = (slack_whole.AGENT, slack_whole.OWNER,
                              slack_whole.STRANGER)
    SECRETS = tokens(AGENT).split()

    def __init__(self, w):
        super().__init__(w)
        self.at = {**self.at, self.AGENT: DIRECT}
        self.serve(w, CARDS, 'api.example.org', slack_whole.CARDS)

    @staticmethod
    def serve(w, port, certificate, app=slack_whole.AGENT):
        return w.server('node', os.path.join(packages('slack'), 'slack.js'),
                        str(port), w.path(f'{certificate}.pem'),
                        w.path(f'{certificate}.key'), app, THEIRS)

    def keep(self, state=None):
        return self.ask(self.AGENT, 'keep', state)

    def refuse(self, how):
        self.ask(self.AGENT, 'fail', {
            'method': self.SAY, **{'cut': {'cut': True}, '429': {
                'status': 429, 'headers': {'Retry-After': '1'},
                'body': {'ok': False, 'error': 'ratelimited'}}}[how]})

    def said(self):
        return len(self.posted(self.AGENT))


def items(b):
    return [i for i in b.items_now() if i['source'] == 'agent']


def read(b, count):
    b.until(f'{count} messages have their verdicts', lambda: sum(
        i['verdict'] != 'pending' for i in items(b)) >= count)
    found = items(b)
    need(len(found) == len({i['key'] for i in found}) == count and
         all(i['verdict'] == 'read' for i in found), 'each is read, once')


def not_up(b, what, seconds=120):
    b.status_until(f'{what}: status says so', lambda s: any(
        a['name'] == 'agent' and a['state'] == 'waiting' and a['detail']
        for a in s['accounts']), seconds)
    print(f'ok: {what}: status says so')


def networks(b, fault):
    """A message that comes while the connection has a fault is read when it has
    none any more; so is one that comes right after."""
    count = len(items(b))
    for text in FAULTS:
        fault(text)
        b.kill('agent')  # so that it meets the fault at once
        b.write(b.AGENT, b.STRANGER, f'during {text}' + LONG)
        b.until(f'{text}: it is met', fault.met)
        not_up(b, text)
        fault('none')
        b.write(b.AGENT, b.STRANGER, f'after {text}')
        count += 2
        read(b, count)
    fault('delay 400')
    b.write(b.AGENT, b.STRANGER, 'held up')
    read(b, count + 1)
    fault('stall 1700')
    b.kill('agent')
    b.write(b.AGENT, b.STRANGER, 'stalled')
    b.until('stall: it is met', fault.met)
    not_up(b, 'stall', 200)  # two minutes of silence are none yet
    fault('none')
    b.kill('agent')
    read(b, count + 2)


def certificates(b, fault):
    count = len(items(b))
    for name, port in CERTIFICATES.items():
        fault(f'to {port}')
        b.kill('agent')
        b.write(b.AGENT, b.STRANGER, f'certificate {name}')
        b.status_until(f'a certificate ({name}) is refused', lambda s: any(
            a['name'] == 'agent' and a['state'] == 'waiting' and
            'certificate' in a['detail'] for a in s['accounts']))
        print(f'ok: a certificate ({name}) is refused, and status says so')
        fault('none')
        count += 1
        read(b, count)


def answers(b):
    """What the server took, and did not say so, is said to be unknown, and not
    said again; what it did not take is."""
    said = []
    for n, how in enumerate(('cut', '429', 'cut')):
        before = b.said()
        b.refuse(how)
        b.write(b.AGENT, b.OWNER, f'And now, {n}?')
        b.audit_until(f'{how}: an answer has its end on record', lambda rs: sum(
            r['kind'] == 'chat.said' for r in rs) > n, 60)
        said = [r['state'] for r in b.audit() if r['kind'] == 'chat.said']
        need(b.said() == before + 1, 'and arrived once')
    need(said == ['unknown', 'done', 'unknown'], f'as it was: {said}')


def restart(w, b, fault, server):
    """All of it ends, in the middle of what it says, and begins anew."""
    count = len(items(b))
    fault('stall 4000')
    b.kill('agent')
    b.write(b.AGENT, b.STRANGER, 'in the middle' + LONG)
    b.until('the server is in the middle of a message', fault.met)
    state = b.keep()
    w.stop(server)
    fault('none')
    b.kill('agent')
    not_up(b, 'a server that ended')
    b.serve(w, DIRECT, 'api.example.org')
    b.keep(state)
    b.write(b.AGENT, b.STRANGER, 'after its restart')
    read(b, count + 2)


def provider(w, kind, fault):
    before = len(w.children)
    server = kind.serve(w, DIRECT, 'api.example.org')
    for name, port in CERTIFICATES.items():
        kind.serve(w, port, name)
    with kind(w) as b:
        b.up()
        b.account_until('agent', 'up')
        networks(b, fault)
        certificates(b, fault)
        answers(b)
        restart(w, b, fault, server)
        need(not any(s in b.texts() for s in b.SECRETS),
             'no token is in a record or in a log')
    for p in w.children[before:]:
        w.stop(p)


def main():
    with World() as w:
        w.certificate('expired', 'api.example.org', '-1')
        fault = w.proxy(443, DIRECT)
        for kind in (App, Bot):
            print(f'{kind.__name__}:')
            provider(w, kind, fault)
    return 0


if __name__ == '__main__':
    if os.environ.get('BULKHEAD_WORLD') != '1':
        packages('slack')  # inside there is no way to a registry
    code = enter(os.path.abspath(__file__))
    sys.exit(main() if code is None else code)
