"""A small Bot API of Telegram's, over TLS: getUpdates with its offset and its
waiting, the methods that send, and failures that a test asks for. Each bot is
known by its token alone. POST /test/... is the test's: `update` gives a bot one
more update, `fail` is how the next sendMessage fails, `sent` is all that was sent,
`keep` is what another one has to know that takes its place, or tells it.

usage: bot_api.py HOST PORT CERT KEY
"""
import contextlib
import http.server
import json
import ssl
import sys
import threading
import time

LOCK = threading.Condition()
BOTS = {}  # token -> {'updates': [...], 'next': N}
SENT = []
FAIL = []  # what the next sendMessages do


def bot(token):
    return BOTS.setdefault(token, {'updates': [], 'next': 1000})


def get_updates(token, body):
    end = time.monotonic() + body.get('timeout', 0)
    with LOCK:
        b = bot(token)
        offset = body.get('offset', 0)
        b['updates'] = [u for u in b['updates'] if u['update_id'] >= offset]
        while not b['updates'] and time.monotonic() < end:
            LOCK.wait(end - time.monotonic())
        return 200, {'ok': True, 'result': b['updates'][:body.get('limit', 100)]}


def refusal(code, text, **more):
    return code, {'ok': False, 'error_code': code, 'description': text, **more}


def send(token, method, body):
    with LOCK:
        how = FAIL.pop(0) if method == 'sendMessage' and FAIL else None
        if how == '429':
            return refusal(429, 'Too Many Requests', parameters={'retry_after': 1})
        if how == '403':
            return refusal(403, 'Forbidden: bot was blocked by the user')
        SENT.append({'token': token, 'method': method, **body})
        if how == 'cut':
            return None
        return 200, {'ok': True, 'result': {
            'message_id': len(SENT), 'date': 1,
            'chat': {'id': body.get('chat_id', 0), 'type': 'private'}}}


def test(method, body):
    with LOCK:
        if method == 'update':
            b = bot(body['token'])
            b['updates'].append({'update_id': b['next'], **body['update']})
            b['next'] += 1
            LOCK.notify_all()
        elif method == 'fail':
            FAIL.extend(body)
        elif method == 'keep':
            BOTS.update(body)
            return 200, BOTS
        return 200, SENT


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_POST(self):
        size = int(self.headers.get('Content-Length', 0))
        body = json.loads(self.rfile.read(size) or b'{}')
        parts = self.path.split('/')[1:]
        if parts[0] == 'test':
            answer = test(parts[1], body)
        elif parts[0][:3] != 'bot' or ':' not in parts[0]:
            answer = refusal(401, 'Unauthorized')
        elif parts[1] == 'getUpdates':
            answer = get_updates(parts[0][3:], body)
        else:
            answer = send(parts[0][3:], parts[1], body)
        if answer is None:
            self.close_connection = True
            return
        text = json.dumps(answer[1]).encode()
        self.send_response(answer[0])
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(text)))
        # Who asked may be gone.
        with contextlib.suppress(OSError):
            self.end_headers()
            self.wfile.write(text)

    def log_message(self, *args):
        pass


def main(host, port, cert, key):
    server = http.server.ThreadingHTTPServer((host, int(port)), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    # Whoever does not end a handshake holds up nobody else.
    server.socket = context.wrap_socket(server.socket, server_side=True,
                                        do_handshake_on_connect=False)
    print('ready', flush=True)
    server.serve_forever()


if __name__ == '__main__':
    main(*sys.argv[1:])
