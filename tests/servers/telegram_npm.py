"""Goal of this test: the bots' accounts work with another Bot API than the tests'
own, npm's telegram-test-api: the owner is answered, a card is decided by its
buttons, a stranger does nothing, and every update is an item or a word once."""
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'system')]
import telegram  # noqa: E402
from harness import need  # noqa: E402
from npm import packages  # noqa: E402
from telegram import AGENT, CARDS, OWNER, STRANGER, Telegram  # noqa: E402
from world import THEIRS, World, enter  # noqa: E402

MESSAGES = 20


class OfNpm(Telegram):
    def write(self, token, sender, text):
        self.api('write', {'token': token, 'from': sender, 'text': text})

    def press(self, sender, card, data):
        self.api('press', {'token': CARDS, 'from': sender, 'owner': OWNER,
                           'id': card, 'data': data})

    def sent(self, token, method='sendMessage'):
        return [(m.get('id'), m) for m in self.api('sent')
                if m['token'] == token and m['method'] == method]


def many(b):
    """Each once, whenever the process dies."""
    known = len([i for i in b.items_now() if i['source'] == 'agent'])
    for n in range(MESSAGES):
        b.write(AGENT, STRANGER, f'message {n}')
        if n % 5 == 2:
            b.kill('agent', wait=False)
    b.until('each message is an item', lambda: sum(
        i['source'] == 'agent' and i['verdict'] == 'read'
        for i in b.items_now()) >= known + MESSAGES)
    found = [i for i in b.items_now() if i['source'] == 'agent']
    need(len(found) == len({i['key'] for i in found}) == known + MESSAGES,
         'and one only')


def main():
    place = packages('telegram-api')
    with World() as w:
        w.server('node', os.path.join(place, 'telegram.js'), THEIRS, '443',
                 w.path('api.example.org.pem'), w.path('api.example.org.key'))
        with OfNpm(w) as b:
            b.up()
            telegram.talks(b)
            telegram.approves(b)
            many(b)
            b.write(CARDS, OWNER, '/kill')
            b.audit_until('/kill stops it all', lambda rs: any(
                r['kind'] == 'chat.kill' for r in rs))
            need('token-of-tests' not in b.texts(),
                 'no token is in a record or in a log')
    return 0


if __name__ == '__main__':
    if os.environ.get('BULKHEAD_WORLD') != '1':
        packages('telegram-api')  # inside there is no way to a registry
    code = enter(os.path.abspath(__file__))
    sys.exit(main() if code is None else code)
