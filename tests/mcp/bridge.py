"""bridge: an MCP server on stdin and stdout, by streamable HTTP: for test suites
that speak nothing else. Loopback only. Requests of a session (initialize) go to a
server of its own; those that say their revision in _meta go to one for all."""
import http.server
import json
import queue
import subprocess
import threading
import uuid

VERSION = 'io.modelcontextprotocol/protocolVersion'
PATIENCE = 20
# Of the new era, where the status of HTTP says the kind of error.
STATUS = {-32601: 404, -32602: 400, -32021: 400, -32022: 400}


class Server:
    """One process, a line each way. One request at a time."""

    def __init__(self, args, env):
        self.process = subprocess.Popen(args, env=env, text=True, bufsize=1,
                                        stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)
        self.lines = queue.Queue()
        self.lock = threading.Lock()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def ask(self, message):
        """Its answer, None to what is no request."""
        with self.lock:
            self.process.stdin.write(json.dumps(message) + '\n')
            if not isinstance(message, dict) or 'id' in message:
                return json.loads(self.lines.get(timeout=PATIENCE))
        return None

    def stop(self):
        self.process.stdin.close()
        try:
            return self.process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


class Bridge(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, args, env):
        super().__init__(('127.0.0.1', 0), Handler)
        self.args, self.env = args, env
        self.sessions = {'': Server(args, env)}
        self.ended = []
        self.url = f'http://127.0.0.1:{self.server_port}/mcp'
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """A client that went away is none of ours."""

    def end(self, name):
        self.ended.append(self.sessions.pop(name).stop())

    def close(self):
        """How each of the servers ended."""
        self.shutdown()
        for name in list(self.sessions):
            self.end(name)
        self.server_close()
        return self.ended


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *_):
        pass

    def answer(self, status, body=None, **headers):
        raw = b'' if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace('_', '-'), value)
        if raw:
            self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def do_GET(self):
        self.answer(405)

    def do_DELETE(self):
        name = self.headers.get('Mcp-Session-Id', '')
        if name and name in self.server.sessions:
            self.server.end(name)
            self.answer(200)
        else:
            self.answer(404)

    def do_POST(self):
        length = int(self.headers.get('Content-Length', 0))
        message = json.loads(self.rfile.read(length))
        now = isinstance(message, dict) and VERSION in (
            (message.get('params') or {}).get('_meta') or {})
        name = '' if now else self.headers.get('Mcp-Session-Id', '')
        more = {}
        if (isinstance(message, dict) and not now and
                message.get('method') == 'initialize'):
            name = str(uuid.uuid4())
            self.server.sessions[name] = Server(self.server.args,
                                                self.server.env)
            more['Mcp_Session_Id'] = name
        if name not in self.server.sessions:
            self.answer(404)
            return
        reply = self.server.sessions[name].ask(message)
        if reply is None:
            self.answer(202)
            return
        code = reply.get('error', {}).get('code')
        self.answer(STATUS.get(code, 200) if not name else 200, reply, **more)
