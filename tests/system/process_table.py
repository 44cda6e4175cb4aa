"""Goal of this test: the running processes are what the table of
src/privsep/graph.c says: descriptors, seccomp, capabilities, namespaces, no core,
and nothing of the host's file system in sight."""
import json
import os
import subprocess
import sys
import time

from harness import Bulkhead, need, plain

# role -> what its descriptor looks like in /proc/PID/fd
LOOKS = {
    'monitor': 'socket:', 'audit': 'socket:', 'control': 'socket:',
    'broker': 'socket:', 'listen': 'socket:', 'wire': 'socket:',
    'policy': '/memfd:policy', 'dir': '/', 'state': '/', 'item': '/memfd:',
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


def check_fds(row, open_fds):
    name = row['name']
    for i, role in enumerate(row['fds']):
        link = open_fds.get(3 + i, '')
        # The broker closes its policy once it is loaded.
        if role == 'policy' and not link:
            continue
        looks = LOOKS[role]
        need(link.startswith(looks) or (role == 'item' and link == '/dev/null'),
             f'{name}: fd {3 + i} is its {role} ({link})')
    rest = {n: l for n, l in open_fds.items() if n >= 3 + len(row['fds'])}
    allowed = ('socket:', '/memfd:') if row['more_fds'] else ()
    # inotify of a Maildir connector, files it has open beneath its directory
    if row['files']:
        allowed += ('anon_inode:inotify', '/')
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
    ns = namespaces(pid)
    for n, link in ns.items():
        if n == 'user' and row['peers']:
            continue  # as root: it asks for the uids of its peers
        need(link != host[n], f'{name}: own {n} namespace')
    need(os.listdir(f'/proc/{pid}/root/') == [], f'{name}: its root is empty')
    with open(f'/proc/{pid}/limits', encoding='utf-8') as f:
        core = [l.split()[4] for l in f if l.startswith('Max core file')]
    need(core == ['0'], f'{name}: no core')
    with open(f'/proc/{pid}/environ', 'rb') as f:
        need(f.read() == b'', f'{name}: empty environment')
    check_fds(row, fds(pid))


def stopped_tree(b, table):
    """Looks at every process while it is there; VMs come and go."""
    seen = set()
    host = namespaces('self')
    end = time.monotonic() + 60
    wanted = {r['name'] for r in table if r['seccomp']}
    serial = 0
    while seen != wanted and time.monotonic() < end:
        serial += 1
        b.deliver(f'{serial}.mail', plain(f'mail {serial}'))
        for _ in range(200):
            for pid, comm in b.children().items():
                for row in table:
                    if (row['name'] in seen or not row['seccomp']
                            or comm != f'bulkhead-{row["name"]}'[:15]):
                        continue
                    try:
                        os.kill(pid, 19)  # SIGSTOP: it holds still
                        if status(pid).get('Seccomp') != '2':
                            continue      # still starting: look again
                        check(pid, row, host)
                        seen.add(row['name'])
                    except (OSError, KeyError):
                        continue          # it ended while we looked
                    finally:
                        try:
                            os.kill(pid, 18)
                        except OSError:
                            pass
            if seen == wanted:
                break
    need(seen == wanted, f'every process of the table was seen: {sorted(seen)}')


def main():
    if os.geteuid() != 0:
        print('note: as another user than root, /proc of sandboxed processes '
              'is closed; only root can look')
        sys.exit(77)
    table = json.loads(subprocess.run([os.environ['GRAPH_DUMP']], check=True,
                                      capture_output=True, text=True).stdout)
    with Bulkhead() as b:
        b.up()
        stopped_tree(b, table)
    return 0


if __name__ == '__main__':
    sys.exit(main())
