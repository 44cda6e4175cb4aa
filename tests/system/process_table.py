"""Goal of this test: the running processes are what the table of
src/privsep/graph.c says: descriptors, seccomp, capabilities, namespaces, no core,
and nothing of the host's file system in sight."""
import json
import os
import re
import subprocess
import sys
import time

from harness import BUILD, Bulkhead, need, plain

# role -> what its descriptor looks like in /proc/PID/fd
LOOKS = {
    'monitor': 'socket:', 'audit': 'socket:', 'control': 'socket:',
    'broker': 'socket:', 'store': 'socket:', 'listen': 'socket:', 'wire': 'socket:',
    'policy': '/memfd:policy', 'gate': '/memfd:latches', 'dir': '/', 'state': '/',
    'item': '/memfd:',
    'observe': 'socket:', 'cursor': ('/', '/dev/null'),
    'qmp': ('socket:', '/dev/null'),  # a cold machine has none
}


def status(pid):
    with open(f'/proc/{pid}/status', encoding='utf-8') as f:
        return dict(line.rstrip('\n').split(':\t', 1) for line in f
                    if ':\t' in line)


def fds(pid):
    found = {}
    for fd in os.listdir(f'/proc/{pid}/fd'):
        try:
            found[int(fd)] = os.readlink(f'/proc/{pid}/fd/{fd}')
        except OSError:
            pass
    return found


def namespaces(pid):
    return {n: os.readlink(f'/proc/{pid}/ns/{n}')
            for n in ('user', 'mnt', 'net', 'ipc', 'uts')}


# There are none without accounts: system/accounts, system/netd.
ACCOUNTS = ('vault', 'netd', 'online')
SPARE = ('broker', 'control')


def check_fds(row, open_fds):
    name = row['name']
    for i, role in enumerate(row['fds']):
        link = open_fds.get(3 + i, '')
        # The broker closes its policy once it is loaded; a channel may have
        # taken the number since.
        if role == 'policy' and not link.startswith('/memfd'):
            need(not link or link.startswith(('socket:', '/dev/null')),
                 f'{name}: its policy is closed')
            continue
        looks = LOOKS[role]
        need(link.startswith(looks) or (role == 'item' and link == '/dev/null'),
             f'{name}: fd {3 + i} is its {role} ({link})')
    rest = {n: l for n, l in open_fds.items() if n >= 3 + len(row['fds'])}
    # /dev/null: a descriptor kept in reserve, where some may be brought
    allowed = ('socket:', '/memfd:', '/dev/null') if row['more_fds'] else ()
    # inotify of a Maildir connector, files it has open beneath its directory
    if row['files']:
        allowed += ('anon_inode:inotify', '/')
    # held back for what a message brings
    if name in SPARE:
        allowed += ('/dev/null',)
        need(sum(l == '/dev/null' for n, l in open_fds.items() if n > 2) <= 1,
             f'{name}: one descriptor is held back')
    # a record on its way
    if name == 'porter':
        allowed += ('/memfd:',)
    for n, link in rest.items():
        need(link.startswith(allowed) if allowed else False,
             f'{name}: fd {n} is of its own kind ({link})')
    need(open_fds.get(0, '') == '/dev/null' and open_fds.get(1) == '/dev/null',
         f'{name}: stdin and stdout are nothing')


def check(pid, row, host):
    s = status(pid)
    name = row['name']
    need(s['Seccomp'] == '2', f'{name}: seccomp filter')
    need(s['NoNewPrivs'] == '1', f'{name}: no_new_privs')
    for caps in ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'):
        need(int(s[caps], 16) == 0, f'{name}: {caps} empty')
    if name == 'vmm':
        return  # the one that waits; QEMU in its jail is system/jail's
    ns = namespaces(pid)
    for n, link in ns.items():
        if n == 'user' and row['peers']:
            continue  # as root: it asks for the uids of its peers
        need(link != host[n], f'{name}: own {n} namespace')
    need(os.listdir(f'/proc/{pid}/root/') == [], f'{name}: its root is empty')
    with open(f'/proc/{pid}/limits', encoding='utf-8') as f:
        limits = {l[:26].strip(): l[26:].split()[0] for l in f}
    need(limits['Max core file size'] == '0', f'{name}: no core')
    if row['hostile'] and 'san' not in os.path.basename(BUILD):
        for what in ('Max data size', 'Max file size', 'Max open files',
                     'Max cpu time'):
            need(int(limits[what]) <= 256 << 20, f'{name}: {what} bounded')
    with open(f'/proc/{pid}/environ', 'rb') as f:
        environ = f.read()
    open_fds = fds(pid)
    # A VM that is done is ended at once, stopped or not.
    if not status(pid)['State'].startswith('T'):
        raise OSError('gone meanwhile')
    need(re.fullmatch(rb'BULKHEAD_LOG=s run=[0-9a-f]{32}( (vm|item)=\d+)?\0',
                      environ),
         f'{name}: nothing in its environment but how to log')
    check_fds(row, open_fds)


def look(row, pid, host):
    """Checks a process while it holds still; False: not yet, or gone."""
    try:
        os.kill(pid, 19)  # SIGSTOP
        if status(pid).get('Seccomp') != '2' or \
                any('cgroup' in link for link in fds(pid).values()):
            return False  # still starting: it has its cgroups to join
        check(pid, row, host)
        return True
    except (OSError, KeyError):
        return False
    finally:
        try:
            os.kill(pid, 18)
        except OSError:
            pass


def children_of(pid):
    """Its children with their names, quickly: some live for milliseconds."""
    with open(f'/proc/{pid}/task/{pid}/children', encoding='utf-8') as f:
        for child in f.read().split():
            try:
                with open(f'/proc/{child}/comm', encoding='utf-8') as c:
                    yield int(child), c.read().strip()
            except OSError:
                pass


def look_at_all(b, table):
    host = namespaces('self')
    rows = {f'bulkhead-{r["name"]}'[:15]: r for r in table
            if r['seccomp'] and r['name'] not in ACCOUNTS}
    missing = dict(rows)
    end = time.monotonic() + 120
    serial = 0
    monitor = b.monitor_pid()
    while missing and time.monotonic() < end:
        serial += 1
        # A long header keeps an envelope busy for a moment.
        b.deliver(f'{serial}.mail', 'X-Long: y\r\n' * 20000 +
                  plain(f'mail {serial}'))
        until = time.monotonic() + 3
        while missing and time.monotonic() < until:
            for pid, comm in children_of(monitor):
                if comm in missing and look(missing[comm], pid, host):
                    del missing[comm]
    need(not missing, f'every process of the table was seen {list(missing)}')


def main():
    if os.geteuid() != 0:
        print('note: as another user than root, /proc of sandboxed processes '
              'is closed; only root can look')
        sys.exit(77)
    table = json.loads(subprocess.run([os.environ['GRAPH_DUMP']], check=True,
                                      capture_output=True, text=True).stdout)
    with Bulkhead() as b:
        b.up()
        look_at_all(b, table)
    return 0


if __name__ == '__main__':
    sys.exit(main())
