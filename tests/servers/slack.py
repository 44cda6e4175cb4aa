"""Goal of this test: Slack's own clients, @slack/web-api and
@slack/socket-mode, take slack/slack.js for Slack: methods, errors, limits of
rate, Socket Mode with acknowledgements and a connection made anew; and every
event of the public corpus comes through it as it is."""
import os
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, 'tools')]
from npm import packages  # noqa: E402
from tally import FAIL, PASS, Tally  # noqa: E402

CORPORA = os.environ.get('BULKHEAD_CORPORA', '')


def start(place, *args):
    """The server, and its port."""
    server = subprocess.Popen(['node', 'slack.js', *args], cwd=place,
                              stdout=subprocess.PIPE, text=True)
    word, _, port = server.stdout.readline().strip().partition(' ')
    if word != 'ready':
        server.kill()
        server.wait()
        raise RuntimeError('slack.js did not start')
    return server, port


def main():
    tally = Tally('slack')
    place = packages('slack')
    server, port = start(place, '0')
    events = os.path.join(CORPORA, 'chat-slack/payloads.jsonl')
    more = [events] if CORPORA and os.path.isfile(events) else []
    try:
        r = subprocess.run(['node', 'clients.js', port, *more], cwd=place,
                           capture_output=True, text=True, timeout=120,
                           check=False)
    finally:
        server.kill()
        server.wait()
    tally.add(PASS if r.returncode == 0 else FAIL, 'own-clients',
              (r.stdout if r.returncode == 0 else r.stderr).strip())
    return tally.end()


if __name__ == '__main__':
    sys.exit(main())
