"""world: a small Internet for the tests: names, certificates, servers.

`enter` runs a test once more, as the only one in a network and a mount
namespace of its own. World makes a second network beside it, joined by a pair
of virtual interfaces, where the servers live at addresses that count as public:
netd connects nobody to this machine's own. Nothing leaves the machine; there is
no other interface. Needs root.
"""
import contextlib
import os
import pwd
import shutil
import signal
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
SASL = 12345  # where Dovecot tells Postfix who has which password
TOKENS = 12346  # where Dovecot asks whose access token that is

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
auth_mechanisms = plain login xoauth2
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {dir}/tokens.conf
}}
passdb {{
  mechanisms = plain login
  driver = {passwords}
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={dir}/mail/%u
}}
service auth {{
  inet_listener {{
    address = 127.0.0.1
    port = {sasl}
  }}
}}
mail_location = maildir:{dir}/mail/%u/Maildir
first_valid_uid = 1
"""

# Asked on their own network, where only a test of tokens has somebody answer.
TOKENS_OF = """\
introspection_url = http://127.0.0.1:{tokens}/introspect
introspection_mode = post
username_attribute = email
active_attribute = active
active_value = true
"""

POSTFIX = """\
compatibility_level = 3.6
queue_directory = {dir}/postfix/queue
data_directory = {dir}/postfix/data
meta_directory = {dir}/postfix/conf
maillog_file = {dir}/postfix.log
maillog_file_prefixes = {dir}
mail_owner = mail
setgid_group = tty
myhostname = smtp.example.org
mydestination =
inet_interfaces = {address}
inet_protocols = ipv4
alias_maps =
local_transport = error:nobody is local
default_transport = error:nothing leaves
relayhost =
virtual_mailbox_domains = static:all
virtual_mailbox_maps = static:{box}/Maildir/
virtual_mailbox_base = {dir}/postfix/mail
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
smtpd_tls_cert_file = {dir}/smtp.example.org.pem
smtpd_tls_key_file = {dir}/smtp.example.org.key
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{sasl}
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
smtpd_relay_restrictions = permit_sasl_authenticated, reject
"""

MASTER = """\
587 inet n - n - - smtpd
  -o smtpd_tls_security_level=encrypt
465 inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
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
        """Dovecot, which takes any user with that password, or those of a
        table with theirs. Calling it once more starts it anew: with the same
        mail, and what else is named."""
        if self.dovecot:
            self.stop(self.dovecot)
        conf = self.path('dovecot.conf')
        text = DOVECOT.format(dir=self.dir, address=THEIRS,
                              user='nobody', group='nogroup', port=port,
                              passwords=self.passwords(password),
                              sasl=SASL)
        with open(conf, 'w', encoding='ascii') as f:
            f.write(text.replace('/imap.example.org.', f'/{certificate}.'))
        with open(self.path('tokens.conf'), 'w', encoding='ascii') as f:
            f.write(TOKENS_OF.format(tokens=TOKENS))
        os.makedirs(self.path('mail'), exist_ok=True)
        os.chmod(self.path('mail'), 0o777)
        self.dovecot = self.server('/usr/sbin/dovecot', '-F', '-c', conf,
                                   ready=False)
        self.answers(port)

    def passwords(self, password):
        if isinstance(password, str):
            return f'static\n  args = password={password}'
        with open(self.path('users'), 'w', encoding='ascii') as f:
            for user, its in password.items():
                f.write(f'{user}:{{PLAIN}}{its}\n')
        return f"passwd-file\n  args = {self.path('users')}"

    def smtp(self):
        """Postfix: submission at 587 (STARTTLS) and 465, for who logs in as
        Dovecot has it, which must run. All mail goes into one Maildir."""
        nobody = pwd.getpwnam('nobody')
        for name in ('queue', 'data', 'conf', 'mail'):
            os.makedirs(self.path(f'postfix/{name}'))
        for name, who in (('data', pwd.getpwnam('mail')), ('mail', nobody)):
            os.chown(self.path(f'postfix/{name}'), who.pw_uid, who.pw_gid)
        text = POSTFIX.format(dir=self.dir, address=THEIRS, sasl=SASL,
                              box='all', uid=nobody.pw_uid, gid=nobody.pw_gid)
        for name, what in (('main', text), ('master', MASTER)):
            with open(self.path(f'postfix/conf/{name}.cf'), 'w',
                      encoding='ascii') as f:
                f.write(what)
        for name in os.listdir(f'{SERVERS}/etc/postfix'):
            if name in ('postfix-files', 'dynamicmaps.cf'):
                shutil.copy(f'{SERVERS}/etc/postfix/{name}',
                            self.path('postfix/conf'))
        self.server('/usr/sbin/postfix', '-c', self.path('postfix/conf'),
                    'start-fg', ready=False)
        self.answers(465)

    def sent(self):
        """What has been delivered, each mail's bytes."""
        where = self.path('postfix/mail/all/Maildir/new')
        found = []
        for name in os.listdir(where) if os.path.isdir(where) else ():
            with open(os.path.join(where, name), 'rb') as f:
                found.append(f.read())
        return found

    def proxy(self, port, server):
        """A proxy of faults at that port, before a server's; how it is told
        which fault it is to have, and tells whether it was met."""
        control = self.path(f'fault-{port}')

        def fault(text):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(control + '.met')
            with open(control + '.new', 'w', encoding='ascii') as f:
                f.write(text)
            os.rename(control + '.new', control)
        fault.met = lambda: os.path.exists(control + '.met')
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
        """What the servers have said."""
        found = ''
        for name in ('dovecot.log', 'postfix.log'):
            with contextlib.suppress(OSError):
                with open(self.path(name), encoding='utf-8') as f:
                    found += f.read()
        return found

    def stop(self, p):
        self.children.remove(p)
        p.terminate()
        p.wait()
        if p.stdout:
            p.stdout.close()

    def close(self):
        # Postfix's master is not the process that was started.
        with contextlib.suppress(OSError):
            with open(self.path('postfix/queue/pid/master.pid'),
                      encoding='ascii') as f:
                os.kill(int(f.read()), signal.SIGTERM)
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
