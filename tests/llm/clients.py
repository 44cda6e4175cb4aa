"""Goal of this test: the providers' own client libraries (npm's @anthropic-ai/sdk and
openai), unchanged, work through the gateway as they do without it: answers, streams,
calls of tools, errors and retries are the same to them; what is refused comes as an
error of theirs. The gateway is the real broker, porters and connector."""
import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, 'tests/servers'),
                os.path.join(ROOT, 'tools')]
from model_server import Provider  # noqa: E402
from npm import BUILD, packages  # noqa: E402
from tally import FAIL, PASS, Tally  # noqa: E402


class Script:
    """Says what it is asked to; to whom it is busy, once each."""

    def __init__(self):
        self.busy = set()

    def __call__(self, request):
        last = (request.get('messages') or request['input'])[-1] \
            if not isinstance(request.get('input'), str) \
            else {'content': request['input']}
        text = last['content']
        while isinstance(text, list):
            text = text[0].get('content', text[0].get('text'))
        if text.startswith('busy') and text not in self.busy:
            self.busy.add(text)
            return {'status': 429, 'retry': 1}
        if text.startswith('busy'):
            return {'text': 'At last.'}
        if text == 'cut':
            return {'text': 'word ' * 50, 'cut': 5}
        if text == 'call':
            return {'text': 'I call.', 'calls': [['send', {'to': 'é "x"\n'}]]}
        return {'text': text.split('say: ', 1)[-1]}


def main():
    tally = Tally('clients')
    place = packages('sdk', within=HERE)
    for kind in ('anthropic', 'openai'):
        with Provider([Script()]) as p, tempfile.TemporaryDirectory() as tmp:
            # As in an agent's machine: a port of loopback, whose program has
            # the way to the host at a Unix socket.
            path = os.path.join(tmp, f'{kind}.sock')
            door = subprocess.Popen(
                [os.path.join(BUILD, 'tests/gateway_door'), BUILD, str(p.port),
                 kind, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, text=True)
            forwarder = None
            try:
                door.stdout.readline()
                forwarder = subprocess.Popen(
                    [os.path.join(BUILD, 'src/guest/forwarder'), '0', path],
                    stdout=subprocess.PIPE, text=True)
                port = forwarder.stdout.readline().strip()
                r = subprocess.run(
                    ['node', 'clients.js', kind, f'http://127.0.0.1:{p.port}',
                     f'http://127.0.0.1:{port}'], cwd=place,
                    capture_output=True, text=True, timeout=240)
                ok = r.returncode == 0
                tally.add(PASS if ok else FAIL, kind,
                          f'{json.loads(r.stdout)["same"]} things the same'
                          if ok else (r.stdout + r.stderr)[-3000:])
                ours = [c for c in p.came
                        if c['headers'].get('user-agent') == 'bulkhead']
                bare = {'host', 'content-type', 'accept', 'user-agent',
                        'content-length', 'anthropic-version'}
                more = {h for c in ours for h in c['headers']} - bare
                tally.add(PASS if ours and not more else FAIL,
                          f'{kind}/headers', f'{len(ours)} requests through the '
                          f'gateway, headers beside ours: {sorted(more)}')
            finally:
                if forwarder:
                    forwarder.kill()
                    forwarder.wait()
                door.stdin.close()
                door.wait(20)
    return tally.end()


if __name__ == '__main__':
    sys.exit(main())
