"""oauth: a provider's token endpoint over TLS, and beside it, on the loopback of
its network alone, what tells a mail server whose access token that is. POST
/test/... is the test's: `expire` ends every access token, `forget` every refresh
token but the first, `how` is how the endpoint answers from now on ("", refuse,
fail, rotate), `state` is what it was asked.

usage: oauth.py HOST PORT CERT KEY INTROSPECTION-PORT
"""
import http.server
import json
import secrets
import ssl
import sys
import threading
import urllib.parse

CLIENT, SECRET, REFRESH = 'client-of-tests', 'client+secret/of=tests', \
    'refresh&token of tests'
USER, LIFE_S = 'me@example.org', 3600
LOCK = threading.Lock()
STATE = {'asked': [], 'tokens': {}, 'looked': [], 'how': '', 'given': []}


def grant(fields):
    if STATE['how'] == 'fail':
        return 503, {'error': 'temporarily_unavailable'}
    if fields.get('client_id') != CLIENT or \
            fields.get('client_secret') != SECRET:
        return 401, {'error': 'invalid_client'}
    if STATE['how'] == 'refuse' or \
            fields.get('refresh_token') not in (REFRESH, *STATE['given']) or \
            fields.get('grant_type') != 'refresh_token':
        return 400, {'error': 'invalid_grant',
                     'error_description': 'Token has been revoked.'}
    token = 'ya29.' + secrets.token_urlsafe(24)
    STATE['tokens'][token] = True
    more = {}
    if STATE['how'] == 'rotate':
        STATE['given'].append('1//' + secrets.token_urlsafe(24))
        more = {'refresh_token': STATE['given'][-1]}
    return 200, {'access_token': token, 'expires_in': LIFE_S,
                 'token_type': 'Bearer', **more}


def introspect(fields):
    token = fields.get('token', '')
    STATE['looked'].append(token)
    good = STATE['tokens'].get(token, False)
    return 200, {'active': good, **({'email': USER} if good else {})}


def test(what, body):
    if what == 'expire':
        for token in STATE['tokens']:
            STATE['tokens'][token] = False
    elif what == 'how':
        STATE['how'] = body
    elif what == 'forget':
        STATE['given'].clear()
    return 200, STATE


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_POST(self):
        text = self.rfile.read(int(self.headers['Content-Length'])).decode()
        with LOCK:
            status, value = self.answer(text)
            body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer(self, text):
        if self.path.startswith('/test/'):
            return test(self.path[6:], json.loads(text))
        fields = dict(urllib.parse.parse_qsl(text, strict_parsing=True))
        if self.path == '/introspect' and not self.server.tls:
            return introspect(fields)
        if self.path == '/token' and self.server.tls:
            STATE['asked'].append(fields)
            return grant(fields)
        return 404, {}

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    tls = False

    def handle_error(self, request, client_address):
        """Who goes away in the middle is not of interest."""


def main(host, port, cert, key, introspection):
    inner = Server(('127.0.0.1', int(introspection)), Handler)
    threading.Thread(target=inner.serve_forever, daemon=True).start()
    server = Server((host, int(port)), Handler)
    server.tls = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server.socket = context.wrap_socket(server.socket, server_side=True,
                                        do_handshake_on_connect=False)
    print('ready', flush=True)
    server.serve_forever()


if __name__ == '__main__':
    main(*sys.argv[1:])
