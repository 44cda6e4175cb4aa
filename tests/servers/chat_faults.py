"""Goal of this test: whatever happens to the connection of a bot of Telegram's,
no message is lost, none is an item twice, none is said twice; what is wrong
stands in `status`; and it works again by itself. The faults are those of a
network (refused, cut in mid-answer, closed at one end, held up, garbage), and of
a server (restarted, a certificate that has expired, or is another name's)."""
import json
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'system')]
from harness import need  # noqa: E402
from telegram import AGENT, OWNER, STRANGER, Telegram  # noqa: E402
from world import THEIRS, World, enter  # noqa: E402

DIRECT, EXPIRED, OTHER = 1443, 1444, 1445
# A handshake of TLS takes some 1,500 bytes of the server's.
FAULTS = ('refuse', 'cut 0', 'cut 700', 'cut 1700', 'half 900', 'half 1700',
          'garbage 0', 'garbage 1600')
CERTIFICATES = {'expired': EXPIRED, 'other': OTHER}


def items(b):
    return [i for i in b.items_now() if i['source'] == 'agent']


def read(b, count):
    b.until(f'{count} messages have their verdicts', lambda: sum(
        i['verdict'] != 'pending' for i in items(b)) >= count)
    found = items(b)
    need(len(found) == len({i['key'] for i in found}) == count and
         all(i['verdict'] == 'read' for i in found), 'each is read, once')


def not_up(b, what):
    b.status_until(f'{what}: status says so', lambda s: any(
        a['name'] == 'agent' and a['state'] in ('waiting', 'connecting')
        for a in s['accounts']))
    print(f'ok: {what}: status says so')


def networks(b, fault):
    """A message that comes while the connection has a fault is read when it has
    none any more; so is one that comes right after."""
    count = len(items(b))
    for text in FAULTS:
        fault(text)
        b.kill('agent')  # so that it meets the fault at once
        b.write(AGENT, STRANGER, f'during {text}')
        not_up(b, text)
        fault('none')
        b.write(AGENT, STRANGER, f'after {text}')
        count += 2
        read(b, count)
    fault('delay 400')
    b.write(AGENT, STRANGER, 'held up')
    read(b, count + 1)
    fault('stall 1700')
    b.kill('agent')
    b.write(AGENT, STRANGER, 'stalled')
    not_up(b, 'stall')
    fault('none')
    b.kill('agent')
    read(b, count + 2)


def certificates(b, fault):
    count = len(items(b))
    for name, port in CERTIFICATES.items():
        fault(f'to {port}')
        b.kill('agent')
        b.write(AGENT, STRANGER, f'certificate {name}')
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
        before = len(b.sent(AGENT))
        b.api('fail', [how])
        b.write(AGENT, OWNER, f'And now, {n}?')
        b.audit_until(f'{how}: an answer has its end on record', lambda rs: sum(
            r['kind'] == 'chat.said' for r in rs) > n, 60)
        said = [r['state'] for r in b.audit() if r['kind'] == 'chat.said']
        need(len(b.sent(AGENT)) == before + 1, 'and arrived once')
    need(said == ['unknown', 'done', 'unknown'], f'as it was: {said}')


def restart(w, b, server):
    """All of it ends, in the middle of what it says, and begins anew."""
    count = len(items(b))
    state = b.api('keep')
    w.stop(server)
    not_up(b, 'a server that ended')
    serve(w, DIRECT, 'api.example.org')
    w.answers(DIRECT)
    b.api('keep', state)
    b.write(AGENT, STRANGER, 'after its restart')
    read(b, count + 1)


def serve(w, port, certificate):
    return w.server(sys.executable, os.path.join(HERE, 'bot_api.py'), THEIRS,
                    str(port), w.path(f'{certificate}.pem'),
                    w.path(f'{certificate}.key'))


def main():
    with World() as w:
        server = serve(w, DIRECT, 'api.example.org')
        w.certificate('expired', 'api.example.org', '-1')
        for name, port in CERTIFICATES.items():
            serve(w, port, name)
        fault = w.proxy(443, DIRECT)
        with Telegram(w) as b:
            b.url = f'https://api.example.org:{DIRECT}'
            b.up()
            b.account_until('agent', 'up')
            networks(b, fault)
            certificates(b, fault)
            answers(b)
            restart(w, b, server)
            need('token-of-tests' not in b.log() + json.dumps(b.audit()),
                 'no token is in a record or in a log')
    return 0


if __name__ == '__main__':
    code = enter(os.path.abspath(__file__))
    sys.exit(main() if code is None else code)
