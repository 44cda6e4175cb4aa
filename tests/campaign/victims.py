"""victims: the processes of one bulkhead, by the part that each plays.

They are found from the outside, by /proc alone, so that what is killed does not
depend on what bulkhead says of itself.
"""
import collections
import contextlib
import os
import signal

# Each is drawn as often as any other, so that the rare ones die, too.
ROLES = ('monitor', 'control', 'broker', 'auditd', 'store', 'connector-in',
         'connector-out', 'telemetry', 'envelope', 'porter', 'vmm', 'qemu',
         'jail')
CORES = ROLES[:8]

# Of one and the same process, `born` does not change.
Process = collections.namedtuple('Process', 'pid born role name vm')


def read(path):
    with contextlib.suppress(OSError):
        with open(path, 'rb') as f:
            return f.read()
    return b''


def stat(pid):
    """(name, state, parent, born), or None."""
    text = read(f'/proc/{pid}/stat').decode(errors='replace')
    if not text:
        return None
    rest = text.rpartition(')')[2].split()
    return (text[text.index('(') + 1:text.rindex(')')], rest[0], int(rest[1]),
            int(rest[19]))


def lives(pid, born):
    """That process and no other with its number, and no zombie."""
    s = stat(pid)
    return bool(s) and s[3] == born and s[1] not in 'ZX'


def children(pid):
    return [int(p) for p in read(f'/proc/{pid}/task/{pid}/children').split()]


def family(root):
    """A process and all below it."""
    found = [root]
    for pid in found:
        found += children(pid)
    return found


def ids_of(pid):
    """What its log lines are marked with, e.g. {'vm': '7'}."""
    for row in read(f'/proc/{pid}/environ').split(b'\0'):
        if row.startswith(b'BULKHEAD_LOG='):
            return dict(w.split('=', 1)
                        for w in row.decode(errors='replace').split()[1:]
                        if '=' in w)
    return {}


def links(pid):
    with contextlib.suppress(OSError):
        for fd in os.listdir(f'/proc/{pid}/fd'):
            with contextlib.suppress(OSError):
                yield os.readlink(f'/proc/{pid}/fd/{fd}')


def descriptors(pid):
    """How many of each kind a process has open."""
    found = collections.Counter()
    for link in links(pid):
        found[link.split('[')[0].split(' ')[0] if link[0] != '/' or
              link.startswith('/memfd:') else 'file'] += 1
    return found


class Finder:
    """Who is who. What a process is does not change, but for a jail that
    becomes a QEMU, so it is looked up once."""

    def __init__(self, b, boxes):
        self.b = b
        self.boxes = boxes  # folder -> name of its connector
        self.known = {}
        self.vm_of = {}  # a QEMU has no name for it: that of its parent
        self.seen = {}  # (pid, born) -> Process, all that there ever were
        self.monitor_of = {}
        self.names = {}  # pid -> name of a connector, as status has it
        self.monitor = None

    def root(self):
        """The monitor, or None."""
        if self.monitor and lives(*self.monitor):
            return self.monitor[0]
        pid = self.b.monitor_pid()
        s = pid and stat(pid)
        self.monitor = (pid, s[3]) if s else None
        return pid if s else None

    def connector(self, pid):
        for where in links(pid):
            for folder, name in self.boxes.items():
                if where == folder or where.startswith(folder + '/'):
                    return ('connector-out' if name == 'drafts'
                            else 'connector-in', name)
        # Who is not root may not look into a process that has its sandbox.
        name = self.names.get(pid)
        return name and ('connector-out' if name == 'drafts'
                         else 'connector-in', name)

    def part(self, pid, comm, parent):
        """(role, name, vm), or None for one that is not itself yet."""
        vm = ids_of(pid).get('vm') or self.vm_of.get(parent, '')
        self.vm_of[pid] = vm
        if comm.startswith('qemu'):
            return 'qemu', 'qemu', vm
        name = os.path.basename(read(f'/proc/{pid}/cmdline').split(b'\0')[0]
                                .decode(errors='replace'))
        # Between fork and exec a child is called like its parent.
        if not name.startswith('bulkhead-'):
            return None
        name = name[len('bulkhead-'):]
        if name == 'monitor':
            return None
        if name in ('connector', 'online'):
            found = self.connector(pid)
            return (*found, '') if found else None
        return name, name, vm

    def one(self, pid):
        s = stat(pid)
        if not s or s[1] in 'ZX':
            return None
        key = (pid, s[3], s[0])
        if key not in self.known:
            part = self.part(pid, s[0], s[2])
            if not part:
                return None
            self.known[key] = Process(pid, s[3], *part)
        return self.known[key]

    def look(self):
        """All processes that there are now; jails apart from what works."""
        root = self.root()
        if not root:
            return []
        found = [Process(*self.monitor, 'monitor', 'monitor', '')]
        found += [p for p in map(self.one, family(root)[1:]) if p]
        working = {p.vm for p in found if p.role == 'qemu'}
        found = [p._replace(role='jail')
                 if p.role in ('porter', 'vmm') and p.vm not in working else p
                 for p in found]
        for p in found:
            self.seen[p.pid, p.born] = p
            self.monitor_of[p.pid, p.born] = self.monitor
        return found

    def starts(self, name):
        """How many of that name the monitor of now has been seen to have."""
        return sum(p.name == name and self.monitor_of[key] == self.monitor
                   for key, p in list(self.seen.items()))


def shoot(p):
    """True: it was alive, and has been sent SIGKILL."""
    try:
        fd = os.pidfd_open(p.pid)
    except OSError:
        return False
    try:
        if not lives(p.pid, p.born):
            return False
        signal.pidfd_send_signal(fd, signal.SIGKILL)
        return True
    except OSError:
        return False
    finally:
        os.close(fd)
