"""bridge: an MCP server of stdio behind MCP's HTTP, for tests that know nothing else:
a process for each session, on loopback."""
import http.server
import json
import subprocess
import threading


class Stdio:
    """One process; `ask` gives a line to it, and takes the answer to it."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.lock = threading.Lock()

    def ask(self, message):
        with self.lock:
            self.process.stdin.write(json.dumps(message).encode() + b'\n')
            self.process.stdin.flush()
            if 'id' not in message:
                return None
            return json.loads(self.process.stdout.readline())

    def end(self):
        self.process.stdin.close()
        return self.process.wait(10)


class Bridge:
    def __init__(self, program):
        self.sessions = {}
        bridge = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def log_message(self, *args):
                pass

            def reply(self, status, body=None, session=None):
                data = b'' if body is None else json.dumps(body).encode()
                self.send_response(status)
                if session:
                    self.send_header('Mcp-Session-Id', session)
                self.send_header('Content-Type', 'application/json')
                self.send_header('Content-Length', str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_POST(self):  # noqa: N802
                message = json.loads(self.rfile.read(
                    int(self.headers['Content-Length'])))
                name = self.headers.get('Mcp-Session-Id')
                if name is None:
                    name = f'session-{len(bridge.sessions)}'
                    bridge.sessions[name] = Stdio(program)
                if name not in bridge.sessions:
                    self.reply(404)
                    return
                answer = bridge.sessions[name].ask(message)
                self.reply(202 if answer is None else 200, answer, name)

            def do_GET(self):  # noqa: N802
                self.reply(405)

            def do_DELETE(self):  # noqa: N802
                self.reply(200)

        self.http = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.http.daemon_threads = True
        self.url = f'http://127.0.0.1:{self.http.server_address[1]}/mcp'
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.http.shutdown()
        self.http.server_close()
        for s in self.sessions.values():
            s.end()
