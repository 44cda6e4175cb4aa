"""world: a small Internet for the tests: names, certificates, servers.

`enter` runs a test once more, as the only one in a network and a mount
namespace of its own. World makes a second network beside it, joined by a pair
of virtual interfaces, where the servers live at addresses that count as public:
netd connects nobody to this machine's own. Nothing leaves the machine; there is
no other interface. Needs root.
"""
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SRC = os.path.dirname(os.path.dirname(HERE))
SERVERS = os.path.join(SRC, 'build/servers/root')
OURS, THEIRS = '45.32.0.1', '45.32.0.2'
NAMES = ('imap.example.org', 'smtp.example.org', 'api.example.org')
START_S = 20

DOVECOT = """\
base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/dovecot.log
listen = {address}
protocols = imap
ssl = required
ssl_cert = <{dir}/imap.example.org.pem
ssl_key = <{dir}/imap.example.org.key
disable_plaintext_auth = yes
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
}}
service stats {{
  chroot =
}}
service imap-login {{
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
    ssl = yes
  }}
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={dir}/mail/%u
}}
mail_location = maildir:{dir}/mail/%u/Maildir
first_valid_uid = 1
"""


def enter(path):
    """The exit code of the test that has run inside, or None: this is inside.
    The servers are unpacked before, since inside there is no way out."""
    if os.environ.get('BULKHEAD_WORLD') == '1':
        return None
    if os.geteuid() != 0:
        print('skipped: only root can make the networks of this test')
        return 77
    subprocess.run([os.path.join(SRC, 'tools/servers')], check=True)
    return subprocess.run(['unshare', '-n', '-m', sys.executable, path],
                          env={**os.environ, 'BULKHEAD_WORLD': '1'},
                          check=False).returncode


def quiet(*args):
    subprocess.run(args, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.PIPE)


class World:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix='bhw')
        os.chmod(self.dir, 0o755)
        self.children = []
        self.there = None
        self.dovecot = None
        try:
            self.programs()
            self.networks()
            self.authority()
            self.names()
        except BaseException:
            self.close()
            raise

    def path(self, name):
        return os.path.join(self.dir, name)

    @staticmethod
    def programs():
        """They know where they are installed to: in this mount namespace that
        is where they are, above what the machine has."""
        quiet('mount', '-t', 'overlay', 'overlay', '-o',
              f'ro,lowerdir={SERVERS}/usr:/usr', '/usr')

    def networks(self):
        self.there = subprocess.Popen(['unshare', '-n', 'sleep', 'infinity'])
        mine = os.readlink('/proc/self/ns/net')
        end = time.monotonic() + START_S
        while os.readlink(f'/proc/{self.there.pid}/ns/net') == mine:
            if time.monotonic() > end:
                raise RuntimeError('there is no second network')
            time.sleep(0.01)
        pid = str(self.there.pid)
        quiet('ip', 'link', 'set', 'lo', 'up')
        quiet('ip', 'link', 'add', 'ours', 'type', 'veth', 'peer', 'name',
              'theirs', 'netns', pid)
        quiet('ip', 'addr', 'add', f'{OURS}/24', 'dev', 'ours')
        quiet('ip', 'link', 'set', 'ours', 'up')
        for args in (('addr', 'add', f'{THEIRS}/24', 'dev', 'theirs'),
                     ('link', 'set', 'theirs', 'up'),
                     ('link', 'set', 'lo', 'up')):
            quiet('nsenter', '-t', pid, '-n', 'ip', *args)

    def server(self, *args, ready=True, **kw):
        """Starts one in their network; with ready, once it has said so."""
        p = subprocess.Popen(['nsenter', '-t', str(self.there.pid), '-n',
                              *args], stdout=subprocess.PIPE if ready else None,
                             text=True, **kw)
        self.children.append(p)
        if ready and p.stdout.readline().split()[:1] != ['ready']:
            raise RuntimeError(f'{args[1]} did not start')
        return p

    def names(self):
        self.server(sys.executable, os.path.join(HERE, 'dns.py'), THEIRS,
                    *(f'{n}={THEIRS}' for n in NAMES),
                    f'self.example.org={OURS}')
        with open(self.path('resolv.conf'), 'w', encoding='ascii') as f:
            f.write(f'nameserver {THEIRS}\n')
        quiet('mount', '--bind', self.path('resolv.conf'), '/etc/resolv.conf')

    def authority(self):
        quiet('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
              'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=the tests',
              '-days', '30', '-keyout', self.path('ca.key'), '-out',
              self.path('ca.pem'))
        for name in NAMES:
            self.certificate(name, name, '30')
        self.certificate('expired', 'imap.example.org', '-1')
        self.certificate('other', 'other.example.org', '30')

    def certificate(self, file, name, days):
        """For one name; of less than no days: it has ended yesterday."""
        request, key = self.path(f'{file}.csr'), self.path(f'{file}.key')
        quiet('openssl', 'req', '-newkey', 'ec', '-pkeyopt',
              'ec_paramgen_curve:P-256', '-nodes', '-subj', f'/CN={name}',
              '-addext', f'subjectAltName=DNS:{name}', '-keyout', key, '-out',
              request)
        quiet('openssl', 'x509', '-req', '-in', request, '-CA',
              self.path('ca.pem'), '-CAkey', self.path('ca.key'),
              '-CAcreateserial', '-copy_extensions', 'copy', '-days', days,
              '-out', self.path(f'{file}.pem'))

    def imap(self, password, port=993, certificate='imap.example.org'):
        """Dovecot, which takes any user with that password. Calling it once
        more starts it anew: with the same mail, and what else is named."""
        if self.dovecot:
            self.stop(self.dovecot)
        conf = self.path('dovecot.conf')
        text = DOVECOT.format(dir=self.dir, address=THEIRS,
                              user='nobody', group='nogroup', port=port,
                              password=password)
        with open(conf, 'w', encoding='ascii') as f:
            f.write(text.replace('/imap.example.org.', f'/{certificate}.'))
        os.makedirs(self.path('mail'), exist_ok=True)
        os.chmod(self.path('mail'), 0o777)
        self.dovecot = self.server('/usr/sbin/dovecot', '-F', '-c', conf,
                                   ready=False)
        self.answers(port)

    def proxy(self, port, server):
        """A proxy of faults at that port, before a server's; how it is told
        which fault it is to have."""
        control = self.path(f'fault-{port}')

        def fault(text):
            with open(control + '.new', 'w', encoding='ascii') as f:
                f.write(text)
            os.rename(control + '.new', control)
        fault('none')
        self.server(sys.executable, os.path.join(HERE, 'faults.py'),
                    f'{THEIRS}:{port}', f'{THEIRS}:{server}', control)
        return fault

    def answers(self, port):
        end = time.monotonic() + START_S
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection((THEIRS, port), 1).close()
                return
            if time.monotonic() > end:
                raise RuntimeError(f'nobody answers at {port}: {self.log()}')
            time.sleep(0.05)

    def log(self):
        with contextlib.suppress(OSError):
            with open(self.path('dovecot.log'), encoding='utf-8') as f:
                return f.read()
        return ''

    def stop(self, p):
        self.children.remove(p)
        p.terminate()
        p.wait()
        if p.stdout:
            p.stdout.close()

    def close(self):
        for p in self.children[::-1]:
            self.stop(p)
        if self.there:
            self.there.terminate()
            self.there.wait()
        # The mounts end with the namespace.
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
