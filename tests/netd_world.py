"""A world of two network namespaces: in one netd, in the other everything else.

Every packet that leaves the first, to whatever address, arrives at the second, and
each of them has a listener that takes every connection to PORT and counts it. So a
connection to 127.0.0.1 and one to 169.254.169.254 are counted alike. The second
one has a name server, too, which answers what a test wants.

run(main) runs main() in the first of them, in a process of its own.
"""
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading

PORT = 4433
SERVER, SELF = '10.200.0.1', '10.200.0.2'


def sh(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def setup_inside():
    """The first namespace, where we are; the second by a child that stays."""
    read, write = os.pipe()
    answer, told = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        os.unshare(os.CLONE_NEWNET) if hasattr(os, 'unshare') else unshare_net()
        os.write(write, b'1')
        os.read(answer, 1)
        outside(write)
        os._exit(0)
    os.close(write)
    os.read(read, 1)
    sh('ip', 'link', 'set', 'lo', 'up')
    sh('ip', 'link', 'add', 'a0', 'type', 'veth', 'peer', 'name', 'b0', 'netns', str(child))
    with open('/proc/sys/net/ipv6/conf/a0/accept_dad', 'w', encoding='ascii') as f:
        f.write('0')
    sh('ip', 'addr', 'add', SELF + '/24', 'dev', 'a0')
    sh('ip', 'addr', 'add', '2a10::2/64', 'dev', 'a0', 'nodad')
    sh('ip', 'link', 'set', 'a0', 'up')
    sh('ip', 'route', 'add', 'default', 'via', SERVER)
    sh('ip', '-6', 'route', 'add', 'default', 'via', '2a10::1', 'dev', 'a0')
    os.write(told, b'1')
    os.read(read, 1)
    return child, read, told


def unshare_net():
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x40000000):
        raise OSError(ctypes.get_errno(), 'unshare')


def outside(write):
    """The second namespace: all addresses are its own on what comes in."""
    for key in ('all', 'default', 'b0', 'lo'):
        with open(f'/proc/sys/net/ipv4/conf/{key}/rp_filter', 'w', encoding='ascii') as f:
            f.write('0')
    sh('ip', 'link', 'set', 'lo', 'up')
    sh('ip', 'addr', 'add', SERVER + '/24', 'dev', 'b0')
    sh('ip', 'addr', 'add', '2a10::1/64', 'dev', 'b0', 'nodad')
    sh('ip', 'link', 'set', 'b0', 'up')
    sh('ip', '-6', 'rule', 'add', 'iif', 'b0', 'lookup', '100')
    sh('ip', '-6', 'route', 'add', 'local', 'default', 'dev', 'lo', 'table', '100')
    # IPv4 answers from an address only where the table `local` has it; there the
    # way back would be ours, too.
    sh('ip', 'rule', 'add', 'pref', '100', 'lookup', 'local')
    sh('ip', 'rule', 'del', 'pref', '0')
    sh('ip', 'rule', 'add', 'pref', '10', 'to', SELF, 'lookup', 'main')
    sh('ip', 'route', 'add', 'local', 'default', 'dev', 'lo', 'table', 'local')
    count = Counter()
    answers = {}
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(('0.0.0.0', 53))
    threading.Thread(target=serve_names, args=(server, answers), daemon=True).start()
    control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    control.bind(os.environ['NETD_WORLD'])
    control.listen(1)
    os.write(write, b'1')
    peer, _ = control.accept()
    with peer.makefile('rw', encoding='utf-8') as f:
        for line in f:
            words = line.rstrip('\n').split('\t')
            if words[0] == 'name':
                answers[words[1].lower()] = [w for w in words[2:] if w]
            if words[0] == 'count':
                f.write(f'{count.take()}\n')
            else:
                f.write('ok\n')
            f.flush()


class Counter:
    """Counts connections to PORT at any address of this namespace."""

    def __init__(self):
        self.n = 0
        self.lock = threading.Lock()
        self.socket = socket.create_server(('::', PORT), family=socket.AF_INET6,
                                           dualstack_ipv6=True, backlog=128)
        self.kept = []
        threading.Thread(target=self.loop, daemon=True).start()

    def loop(self):
        while True:
            s, _ = self.socket.accept()
            with self.lock:
                self.n += 1
            s.close()

    def take(self):
        """What came since; all that a peer saw connected is in it."""
        with socket.create_connection(('127.0.0.1', PORT)) as s:
            s.recv(1)  # ours is taken after those before it
        with self.lock:
            n, self.n = self.n, 0
        return n - 1


def addresses(packet, answers):
    at, labels = 12, []
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]])
        at += 1 + packet[at]
    kind = struct.unpack('>H', packet[at + 1:at + 3])[0]
    name = b'.'.join(labels).decode('latin-1').lower()
    question = packet[12:at + 5]
    found = answers.get(name)
    records = []
    for a in found or []:
        v6 = ':' in a
        if kind == (28 if v6 else 1):
            raw = socket.inet_pton(socket.AF_INET6 if v6 else socket.AF_INET, a)
            records.append(b'\xc0\x0c' + struct.pack('>HHIH', kind, 1, 0, len(raw)) + raw)
    flags = 0x8180 if found is not None else 0x8183
    return packet[:2] + struct.pack('>HHHHH', flags, 1, len(records), 0, 0) + question \
        + b''.join(records)


def serve_names(server, answers):
    while True:
        packet, peer = server.recvfrom(2048)
        server.sendto(addresses(packet, answers), peer)


class World:
    """Seen from the first namespace."""

    def __init__(self, build, libexec=None):
        self.child, self.ready, self.told = setup_inside()
        self.control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.control.connect(os.environ['NETD_WORLD'])
        self.file = self.control.makefile('rw', encoding='utf-8')
        self.own = Counter()
        libexec = libexec or build
        rig = [os.path.join(build, 'tests/netd_rig'), libexec, SERVER]
        if os.geteuid() == 0 and os.environ.get('NETD_WORLD_USER'):
            # Root of a namespace is no root: netd is started by a user.
            rig = ['unshare', '--user', '--map-user=1000', '--map-group=1000'] + rig
        self.rig = subprocess.Popen(rig, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                    encoding='utf-8')

    def tell(self, *words):
        self.file.write('\t'.join(words) + '\n')
        self.file.flush()
        return self.file.readline().strip()

    def name(self, name, *addrs):
        self.tell('name', name, *addrs)

    def line(self, text):
        self.rig.stdin.write(text + '\n')
        self.rig.stdin.flush()
        lines = []
        while True:
            line = self.rig.stdout.readline()
            if not line:
                raise EOFError('the rig ended')
            if line == '.\n':
                return lines
            lines.append(line.rstrip('\n'))

    def dial(self, table, host, port=PORT, private=False):
        """(what netd said, whether it is on record as refused)"""
        lines = self.line(f'{table}\t{int(private)}\t{host}\t{port}')
        return lines[0], '+refused' in lines

    def count(self):
        """Connections since the last count: here, and everywhere else."""
        return self.own.take(), int(self.tell('count'))

    def end(self):
        self.rig.stdin.close()
        self.rig.wait()
        self.file.close()
        self.control.close()
        os.waitpid(self.child, 0)


def run(main):
    """main() in namespaces of its own, by root's right or a user's; its code."""
    if os.environ.get('NETD_WORLD'):
        return main()
    with tempfile.TemporaryDirectory() as d:
        env = {**os.environ, 'NETD_WORLD': os.path.join(d, 'world')}
        how = ['unshare', '--net']
        if os.geteuid() != 0:
            how += ['--user', '--map-root-user']
            env['NETD_WORLD_USER'] = '1'
        return subprocess.run(how + [sys.executable, '-B'] + sys.argv, env=env,
                              check=False).returncode
