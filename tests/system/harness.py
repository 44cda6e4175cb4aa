"""harness: a bulkhead of its own for a test, in a temporary directory.

Python's standard library only. The build folder comes from BULKHEAD_BUILD,
guest images from BULKHEAD_IMAGES (default: the build's own), the back-end from
BULKHEAD_BACKEND (default: what bulkhead finds). BULKHEAD_SLOW=N is for machines
that are N times slower than a usual one: VMs get that much more time.
"""
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SRC = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get('BULKHEAD_BUILD', os.path.join(SRC, 'build'))
IMAGES = os.environ.get('BULKHEAD_IMAGES', os.path.join(BUILD, 'images'))

BACKEND = os.environ.get('BULKHEAD_BACKEND', 'auto')
SLOW = int(os.environ.get('BULKHEAD_SLOW', '1'))
JAILS = 2  # that are kept ready of each kind, where no pool is

CONFIG = """\
bulkhead: 1
backend: {backend}
state: {dir}/state
control: {{socket: {dir}/s}}
agents:
  assistant:
    policy: {dir}/policy.yaml
    planner: {{kind: {planner}}}
{tasks}vms:
  reader: {{memory: 128MiB, cpus: 1, deadline: {deadline}, pool: {pool}}}
  planner: {{memory: 256MiB, cpus: 1, deadline: {deadline}}}
{extra}connectors:
  inbox: {{kind: maildir, path: {dir}/Maildir}}
  drafts: {{kind: outbox, path: {dir}/outbox}}
"""

INSTRUCTION = 'Tell me what is new and what needs an answer.'
TASKS = f"""\
    tasks:
      - {{on: mail, say: "{INSTRUCTION}"}}
"""


def slower(seconds):
    """'20s' or 20, and as much more as this machine needs."""
    if isinstance(seconds, str):
        return f'{int(seconds.rstrip("s")) * SLOW}s'
    return seconds * SLOW


def skip(why):
    print('skipped:', why)
    sys.exit(77)


def need(cond, what):
    """The assertion of system tests: says what, and ends the test."""
    if not cond:
        print(*(b.log() for b in Bulkhead.running))
        print('FAILED:', what)
        sys.exit(1)
    print('ok:', what)


def no_reports(log):
    """A sanitizer's report fails a test whatever else it has shown."""
    found = [l for l in log.splitlines()
             if 'Sanitizer' in l or 'runtime error:' in l]
    if found:
        print(log)
        need(False, f'no sanitizer reports anything: {found[0]}')


def pack_hostile(mode, path):
    subprocess.run([os.path.join(SRC, 'tools/image'), f'hostile-{mode}', BUILD,
                    path], check=True, stdout=subprocess.DEVNULL)


def hostile_images(mode, where):
    """The images, with a reader that is hostile (src/guest/hostile). Where
    there is nothing to pack one with, BULKHEAD_HOSTILE is a folder of them."""
    for f in os.listdir(IMAGES):
        if f not in ('SHA256SUMS', 'reader-email.cpio'):
            shutil.copy(os.path.join(IMAGES, f), where)
    reader = os.path.join(where, 'reader-email.cpio')
    packed = os.environ.get('BULKHEAD_HOSTILE')
    if packed:
        shutil.copy(os.path.join(packed, f'hostile-{mode}.cpio'), reader)
    else:
        pack_hostile(mode, reader)
    sums = subprocess.run(['sha256sum', *sorted(os.listdir(where))], cwd=where,
                          check=True, capture_output=True, text=True).stdout
    with open(os.path.join(where, 'SHA256SUMS'), 'w', encoding='utf-8') as f:
        f.write(sums)


class Bulkhead:
    running = []  # for need

    def __init__(self, planner='triage', images=None, deadline='20s',
                 policy=None, pool=1, extra='', audience='public'):
        """The mails of a test may be read by all (audience): under the policy as
        it is, nothing of a stranger's mail goes to anybody but you."""
        # Short: a Unix socket's path holds 107 bytes.
        self.dir = tempfile.mkdtemp(prefix='bh')
        self.images = images or IMAGES
        for d in ('new', 'cur', 'tmp'):
            os.makedirs(os.path.join(self.dir, 'Maildir', d))
        with open(policy or os.path.join(SRC, 'policy/assistant.yaml'),
                  encoding='utf-8') as f:
            text = f.read()
        with open(os.path.join(self.dir, 'policy.yaml'), 'w',
                  encoding='utf-8') as f:
            f.write(text.replace('audience: thread', f'audience: {audience}'))
        self.config = os.path.join(self.dir, 'bulkhead.yaml')
        with open(self.config, 'w', encoding='utf-8') as f:
            f.write(CONFIG.format(dir=self.dir, planner=planner,
                                  tasks='' if planner == 'none' else TASKS,
                                  pool=pool, backend=BACKEND, extra=extra,
                                  deadline=slower(deadline)))

    def run(self, *args, check=True, **kw):
        r = subprocess.run([*os.environ.get('BULKHEAD_WRAP', '').split(),
                            os.path.join(BUILD, 'bulkhead'), '--config',
                            self.config, *args], capture_output=True,
                           text=True, timeout=slower(kw.pop('timeout', 300)), **kw)
        if check and r.returncode != 0:
            print(r.stdout, r.stderr, self.log())
            need(False, f'bulkhead {" ".join(args)}: exit {r.returncode}')
        return r

    def log(self):
        path = os.path.join(self.dir, 'state/log/bulkhead.log')
        if not os.path.exists(path):
            return ''
        with open(path, encoding='utf-8', errors='replace') as f:
            return f.read()

    def unread(self):
        """One more Maildir, of a connector that no source of the policy
        reads."""
        other = os.path.join(self.dir, 'Other')
        os.makedirs(os.path.join(other, 'new'))
        with open(self.config, 'a', encoding='utf-8') as f:
            f.write(f'  other: {{kind: maildir, path: {other}}}\n')
        return other

    def up(self, *options):
        self.run('up', '--images', self.images, *options)

    def down(self):
        self.run('down', check=False)

    def deliver(self, name, mail):
        if isinstance(mail, str):
            mail = mail.encode()
        tmp = os.path.join(self.dir, 'Maildir/tmp', name)
        with open(tmp, 'wb') as f:
            f.write(mail)
        os.rename(tmp, os.path.join(self.dir, 'Maildir/new', name))

    def items(self, wait=180):
        r = self.run('--json', 'items', '--wait', str(slower(wait)),
                     check=False)
        need(r.returncode == 0, f'every item has a verdict (exit {r.returncode}) {r.stderr}')
        found = json.loads(r.stdout)
        return found['items'] if isinstance(found, dict) else found

    def items_now(self):
        r = self.run('--json', 'items', check=False)
        found = json.loads(r.stdout) if r.returncode == 0 else []
        return found['items'] if isinstance(found, dict) else found

    def items_until(self, count, seconds=180):
        """The items, once there are so many and each has its verdict."""
        end = time.monotonic() + slower(seconds)
        while time.monotonic() < end:
            r = self.run('--json', 'items', check=False)
            if r.returncode == 0:
                found = json.loads(r.stdout)
                found = found['items'] if isinstance(found, dict) else found
                if len(found) >= count and all(
                        i['verdict'] != 'pending' for i in found):
                    return found
            time.sleep(0.3)
        print(r.stdout, r.stderr, self.log())
        need(False, f'{count} items with a verdict within {seconds} s')
        return []

    def item_until(self, key, seconds=180):
        """The item of that file, once it has its verdict: of many, the newest."""
        end = time.monotonic() + slower(seconds)
        while time.monotonic() < end:
            found = [i for i in self.items_now() if i['key'] == key
                     and i['verdict'] != 'pending']
            if found:
                return found[-1]
            time.sleep(0.3)
        print(self.items_now())
        need(False, f'{key} has its verdict within {seconds} s')
        return {}

    def status(self):
        return json.loads(self.run('--json', 'status').stdout)

    def kill(self, what, wait=True):
        """That process, a core one or an account's; and another has its place,
        so that nothing that is said of the one before is taken for its."""
        def row():
            return next((p for p in self.status()['processes']
                         if p['name'] in (what, f'connector:{what}') and
                         p['running']), None)
        end = time.monotonic() + slower(60)
        while not (old := row()) and time.monotonic() < end:
            time.sleep(0.1)
        os.kill(old['pid'], signal.SIGKILL)
        while wait:
            new = row()
            if new and new['pid'] != old['pid']:
                return
            if time.monotonic() > end:
                raise RuntimeError(f'{what} was killed, and is not started again')
            time.sleep(0.1)

    def status_until(self, what, check, seconds=120):
        """The status, once check says that it is so."""
        end = time.monotonic() + slower(seconds)
        while time.monotonic() < end:
            s = self.status()
            if check(s):
                return s
            time.sleep(0.2)
        print(json.dumps(s, indent=1), self.log())
        need(False, f'{what} within {seconds} s')
        return {}

    def templates(self):
        """Waits until each kind of VM has its template."""
        return self.status_until(
            'every template is built',
            lambda s: all(t['state'] == 'ready' for t in s['templates']))

    def at_rest(self):
        """Waits until nothing is under way: no VM is at work or being made, and
        what is kept ready is there. A verdict comes before the end of the VM
        that it was the work of. What the monitor has open then."""
        def rests(s):
            return (not s['vms']['running'] and not s['vms']['waiting'] and
                    all(t['state'] == 'ready' for t in s['templates']) and
                    all(p['parked'] + p['jails'] >= (p['depth'] or JAILS)
                        for p in s['pools']))
        last = {}
        for _ in range(slower(100)):
            self.status_until('nothing is under way', rests)
            now = self.monitor_fds()
            if now == last:
                return now
            last = now
            time.sleep(0.5)
        need(False, f'the monitor comes to rest {last}')
        return {}

    def monitor_fds(self):
        """What the monitor has open, by kind."""
        found = {}
        monitor = self.monitor_pid()
        for fd in os.listdir(f'/proc/{monitor}/fd'):
            with contextlib.suppress(OSError):
                link = os.readlink(f'/proc/{monitor}/fd/{fd}')
                kind = link.split('[')[0] if '[' in link else link
                found[kind] = found.get(kind, 0) + 1
        return found

    def audit_until(self, what, check, seconds=30):
        """The records, once check says that they tell it: what a verdict
        brings with it may be recorded a moment after it."""
        end = time.monotonic() + slower(seconds)
        while not check(records := self.audit()):
            if time.monotonic() > end:
                need(False, f'{what} within {seconds} s')
            time.sleep(0.1)
        print('ok:', what)
        return records

    def audit(self):
        out = self.run('--json', 'audit', 'tail', '-n', '100000').stdout
        return [json.loads(line) for line in out.splitlines() if line]

    def children(self):
        """pid -> name of every process of this bulkhead, by its monitor."""
        found = {}
        parents = {}
        for pid in filter(str.isdigit, os.listdir('/proc')):
            with contextlib.suppress(OSError):
                with open(f'/proc/{pid}/stat', encoding='utf-8',
                          errors='replace') as f:
                    s = f.read()
                parents[int(pid)] = (int(s.rsplit(')', 1)[1].split()[1]),
                                     s[s.index('(') + 1:s.rindex(')')])
        monitor = self.monitor_pid()
        if not monitor:
            return found
        found[monitor] = parents[monitor][1]
        grew = True
        while grew:
            grew = False
            for pid, (ppid, name) in parents.items():
                if ppid in found and pid not in found:
                    found[pid] = name
                    grew = True
        return found

    def monitor_pid(self):
        for pid in filter(str.isdigit, os.listdir('/proc')):
            with contextlib.suppress(OSError):
                with open(f'/proc/{pid}/cmdline', 'rb') as f:
                    args = f.read().split(b'\0')
                if (args[0].endswith(b'bulkhead-monitor')
                        and self.config.encode() in args):
                    return int(pid)
        return None

    def close(self):
        self.down()
        log = self.log()
        shutil.rmtree(self.dir, ignore_errors=True)
        no_reports(log)

    def __enter__(self):
        self.running.append(self)
        return self

    def __exit__(self, *exc):
        self.running.remove(self)
        self.close()


def lives(pid):
    """It is there, and no zombie."""
    with contextlib.suppress(OSError):
        with open(f'/proc/{pid}/stat', encoding='utf-8',
                  errors='replace') as f:
            return f.read().rpartition(')')[2].split()[0] not in 'ZX'
    return False


def own_mounts(path):
    """Runs a test once more, in a mount namespace of its own, as root or not; its
    exit code, or None where that is what runs now. Without root, what may mount
    is a root alone in its user namespace, as which bulkhead refuses to run: it is
    started as another user once more."""
    if os.environ.get('BULKHEAD_OWN_MOUNTS') == '1':
        return None
    flags = ['-m'] if os.geteuid() == 0 else ['-Urm']
    env = {**os.environ, 'BULKHEAD_OWN_MOUNTS': '1'}
    if os.geteuid() != 0:
        env['BULKHEAD_WRAP'] = (f'unshare -U --map-user={os.geteuid()} '
                                f'--map-group={os.getegid()}')
    return subprocess.run(['unshare', *flags, sys.executable, path],
                          env=env, check=False).returncode


def plain(subject='Hello', body='Nothing to do.', sender='lea@example.org'):
    return (f'From: <{sender}>\r\nTo: me@example.org\r\nSubject: {subject}\r\n'
            f'Message-ID: <{abs(hash(subject + body))}@example.org>\r\n'
            'Date: Fri, 20 Nov 2026 09:14:00 +0100\r\n\r\n'
            f'{body}\r\n')
