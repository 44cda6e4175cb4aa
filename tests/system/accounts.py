"""Goal of this test: an account has a process in an empty network namespace, netd
connects it and stays in that of the host; each is started again when it dies, netd with
its accounts; what is asked for and may not be had is on record; a kill ends them."""
import os
import shutil
import signal
import socket
import sys
import threading

import harness
from harness import BUILD, Bulkhead, lives, need

REQUESTS = 'requests: []\n'


class Accounts(Bulkhead):
    """One account without a secret, at a listener of ours; and one whose secret is not
    in the vault, and whose server does not answer."""

    def __init__(self):
        super().__init__(planner='none', pool=0)
        self.listener = socket.create_server(('127.0.0.1', 0), backlog=64)
        self.n = 0
        threading.Thread(target=self.count, daemon=True).start()
        with open(os.path.join(self.dir, 'requests.yaml'), 'w', encoding='utf-8') as f:
            f.write(REQUESTS)
        port = self.listener.getsockname()[1]
        with open(self.config, 'a', encoding='utf-8') as f:
            f.write(f'  home: {{kind: http, hosts: ["127.0.0.1:{port}"], private: true, '
                    'requests: requests.yaml}\n'
                    '  bot: {kind: telegram, hosts: ["127.0.0.1:1"], private: true, '
                    'secret: tg}\n'
                    'vault: {files: [secrets.age], identity: id}\n')
        for name in ('secrets.age', 'id'):
            with open(os.path.join(self.dir, name), 'w', encoding='utf-8') as f:
                f.write('nothing\n')
            os.chmod(os.path.join(self.dir, name), 0o600)
        self.bin = os.path.join(self.dir, 'bin')
        os.mkdir(self.bin)
        for f in os.listdir(BUILD):
            if f.startswith('bulkhead-') and '.' not in f and f != 'bulkhead-online':
                os.symlink(os.path.join(BUILD, f), os.path.join(self.bin, f))
        shutil.copy(os.path.join(BUILD, 'bulkhead'), self.bin)
        shutil.copy(os.environ['SMALL_ONLINE'], os.path.join(self.bin, 'bulkhead-online'))

    def count(self):
        kept = []
        while True:
            kept.append(self.listener.accept())
            self.n += 1

    def run(self, *args, **kw):
        harness.BUILD = self.bin
        try:
            return super().run(*args, **kw)
        finally:
            harness.BUILD = BUILD

    def rows(self):
        return {p['name']: p for p in self.status()['processes']}

    def account_up(self, what, times):
        def good(s):
            a = s['accounts'][0]
            return a['state'] == 'up' and a['detail'] == '127.0.0.1' and self.n == times
        self.status_until(what, good)
        print('ok:', what)
        return self.rows()


def net(pid):
    return os.readlink(f'/proc/{pid}/ns/net')


def namespaces(rows):
    if os.geteuid() != 0:
        return  # /proc of sandboxed processes is closed to others
    host = net('self')
    need(net(rows['netd']['pid']) == host, 'netd is in the network of the host')
    need(net(rows['vault']['pid']) not in (host, net(rows['netd']['pid'])),
         'the vault is not')
    online = rows['connector:home']['pid']
    need(net(online) != host, 'the account is not')
    with open(f'/proc/{online}/net/dev', encoding='ascii') as f:
        names = [l.split(':')[0].strip() for l in f.read().splitlines()[2:]]
    need(names == ['lo'], 'its own has no interface but lo')
    with open(f'/proc/{online}/net/tcp', encoding='ascii') as f:
        need(len(f.read().splitlines()) == 1, 'and no socket')


def main():
    with Accounts() as b:
        b.up()
        rows = b.account_up('the account is connected', 1)
        namespaces(rows)
        refused = [r for r in b.audit()
                   if r['kind'] == 'net.refused' and r['connector'] == 'home']
        need(len(refused) == 1 and refused[0]['connector'] == 'home' and
             refused[0]['host'] == 'outside.test' and refused[0]['port'] == 25,
             f'what it may not have is on record: {refused}')
        first, netd = rows['connector:home']['pid'], rows['netd']['pid']
        os.kill(first, signal.SIGKILL)
        rows = b.account_up('an account that dies is started again', 2)
        need(rows['connector:home']['pid'] != first and rows['netd']['pid'] == netd,
             'and netd stays')
        b.audit_until('a secret that is not there is refused, and on record', lambda rs: [
            (r['connector'], r['secret']) for r in rs if r['kind'] == 'vault.refused'
        ] == [('bot', 'tg')])
        b.status_until('an account whose server does not answer waits', lambda s: any(
            a['name'] == 'bot' and a['state'] == 'waiting' and
            'Connection refused' in a['detail'] and a['again_ms'] > 0
            for a in s['accounts']))
        os.kill(rows['vault']['pid'], signal.SIGKILL)
        b.status_until('the vault is started again', lambda s: any(
            p['name'] == 'vault' and p['running'] and p['pid'] != rows['vault']['pid']
            for p in s['processes']))
        need(lives(rows['connector:home']['pid']) and b.n == 2, 'and no account with it')
        second = rows['connector:home']['pid']
        os.kill(netd, signal.SIGKILL)
        rows = b.account_up('netd is started again, and the account has new ways', 3)
        need(rows['netd']['pid'] != netd and not lives(second), 'both are new')
        broker, third = rows['broker']['pid'], rows['connector:home']['pid']
        os.kill(broker, signal.SIGKILL)
        rows = b.account_up('it comes again with the core', 4)
        need(not lives(third), 'the one before ended with it')
        pids = [b.rows()[n]['pid'] for n in ('connector:home', 'connector:bot', 'netd', 'vault')]
        b.run('kill', '--revoke', 'test')
        b.status_until('a kill ends the accounts, netd and the vault',
                       lambda s: not any(lives(p) for p in pids) and s['killed'])
        revoked = [r for r in b.audit() if r['kind'] == 'revoke' and
                   r['connector'] == 'home']
        need(len(revoked) == 1 and revoked[0]['result'] == 'nothing-to-revoke',
             f'what revoking came to is on record: {revoked}')
        need(b.status()['accounts'][0]['state'] == 'none', 'status says so')
        need(b.n == 4, 'nothing was connected since')
    return 0


if __name__ == '__main__':
    sys.exit(main())
