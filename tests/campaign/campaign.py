"""Goal of this test: whatever is killed, nothing is lost, nothing is done twice
and nothing stays unsaid. Processes and virtual machines of a bulkhead at work
get SIGKILL at random, CAMPAIGN_KILLS of them (10; 200 in make check-all), as
CAMPAIGN_SEED has it; then the mails, the effects, the log and `status` are
compared with what was promised (checker.py). The report is in
BUILD/campaign/SEED.txt and SEED.jsonl.

A seed fixes what is sent, which part is killed and after which pause; when
exactly that hits is the machine's, so no two runs are alike.
"""
import contextlib
import json
import os
import random
import shutil
import signal
import sqlite3
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), 'system'))
import checker  # noqa: E402
import report  # noqa: E402
import victims  # noqa: E402
from harness import BUILD, SRC, Bulkhead, skip, slower  # noqa: E402
from load import Load  # noqa: E402

SEED = os.environ.get('CAMPAIGN_SEED', '1')
KILLS = int(os.environ.get('CAMPAIGN_KILLS', '10'))
LOOK_S = 0.05       # between two looks at the processes
FIND_S = 2          # for a process of the part that is drawn
IN_EFFECT = 0.3     # of the kills of a core process
BACK_S = 120        # for bulkhead to come back
QUIET_S = 300       # for every mail to have its verdict
STATUS_EVERY = 5    # kills between two comparisons with status
BACKLOG = 16        # mails that wait
MAILS_EACH = 5      # for each kill
PROOFS = 20         # that the log goes on from an older checkpoint
AGREE_S = 5         # for the log and status to agree on what just happened


SUPERVISION = '{backoff: 1s, healthy: 1s, restarts: 100}'


class Plan:
    """What is killed after which pause: drawn before anything runs."""

    def __init__(self, seed, kills):
        rng = random.Random(f'{seed} kills')
        # A part that does not exist here, or just now, gives its turn to the
        # next of its row.
        self.rows = [(self.pause(rng), rng.sample(victims.ROLES,
                                                  len(victims.ROLES)),
                      rng.random(), rng.random() < IN_EFFECT)
                     for _ in range(kills)]

    @staticmethod
    def pause(rng):
        """Some at once, some while the last is mended, most at work."""
        kind = rng.random()
        if kind < 0.12:
            return rng.uniform(0, 0.01)
        if kind < 0.40:
            return rng.uniform(0.02, 0.4)
        return rng.uniform(0.4, 1.6)


class Watcher(threading.Thread):
    """Looks at the processes all the time: who is there, who came when."""

    def __init__(self, finder):
        super().__init__(daemon=True)
        self.finder = finder
        self.lock = threading.Lock()
        self.now = []
        self.born = []
        self.met = set()
        self.over = threading.Event()

    def look(self):
        with self.lock:
            found = self.finder.look()
            at = time.monotonic()
            for p in found:
                if (p.pid, p.born) not in self.met:
                    self.met.add((p.pid, p.born))
                    self.born.append((at, p))
            self.now = found
            return found

    def run(self):
        while not self.over.wait(LOOK_S):
            self.look()

    def end(self):
        self.over.set()
        self.join()


class Campaign:
    NAME = ''  # of the report, before the seed
    ROWS = checker.ROWS

    def __init__(self, b, seed, plan):
        self.b = b
        self.seed = seed
        self.plan = plan
        self.began = time.monotonic()
        self.boxes = self.folders()
        finder = victims.Finder(b, {path: name
                                    for name, path in self.boxes.items()})
        self.watcher = Watcher(finder)
        self.load = self.mails()
        self.facts = checker.Facts()
        self.kills = []
        self.events = []
        self.waiting = 0
        self.notes = []
        self.backend = ''
        self.runs = set()
        self.opened = {}
        self.done = {}  # seq -> record of a verdict
        self.read_to = 0

    def folders(self):
        """Of each connector, the one that it has open."""
        return {'inbox': os.path.join(self.b.dir, 'Maildir'),
                'other': second_source(self.b),
                'drafts': os.path.join(self.b.dir, 'outbox')}

    def mails(self):
        return Load(self.seed, self.boxes, self.enough)

    def event(self, name, **more):
        self.events.append({'event': name, 'at_s': round(
            time.monotonic() - self.began, 3), **more})

    # --- what bulkhead says --------------------------------------------------

    def status(self):
        """None while it is down."""
        r = self.b.run('--json', 'status', check=False)
        if r.returncode != 0:
            return None
        s = json.loads(r.stdout)
        self.runs.add(s['run'])
        self.backend = s['backend']
        self.watcher.finder.names = {
            p['pid']: p['name'].split(':')[1] for p in s['processes']
            if p['name'].startswith('connector:')}
        self.waiting = (sum(q['waiting'] for q in s['queue'])
                        + s['items']['pending'])
        self.checkpoint()
        return s

    def checkpoint(self):
        """Keeps what the log has signed, as an owner may, elsewhere."""
        note = victims.read(os.path.join(self.b.dir, 'state/audit/checkpoint'))
        if not note:
            return
        size = int(note.split(b'\n')[1])
        if not self.notes or self.notes[-1][0] != size:
            self.notes.append((size, note))

    def enough(self):
        """The next mail comes later: so many wait, or there are so many for
        each kill on a machine that is slow to kill."""
        return (self.waiting > BACKLOG or
                len(self.load.sent) > MAILS_EACH * (len(self.kills) + 2))

    def read_done(self):
        """The verdicts in the log, of which only the new end is read."""
        note = victims.read(os.path.join(self.b.dir, 'state/audit/checkpoint'))
        size = int(note.split(b'\n')[1]) if note else 0
        # What comes meanwhile is no gap: it is read the next time.
        r = self.b.run('--json', 'audit', 'tail', '-n',
                       str(size - self.read_to + 500), check=False)
        for row in map(json.loads, r.stdout.splitlines()):
            if row['kind'] == 'item.done':
                self.done[row['seq']] = row
            if row['seq'] == self.read_to:
                self.read_to += 1
        return [self.done[seq] for seq in sorted(self.done)
                if seq < self.read_to]

    def verdicts(self, run):
        """How many verdicts a run has given, by the log: at least, and at most.
        One that is in it only as said again may be of the run before."""
        rows = self.read_done()
        first = {row['item'] for row in rows if not row.get('again')}
        least, most = {}, {}
        for row in rows:
            if row['run'] != run:
                continue
            v = row['verdict']
            if not row.get('again'):
                least[v] = least.get(v, 0) + 1
            if not row.get('again') or row['item'] not in first:
                first.add(row['item'])
                most[v] = most.get(v, 0) + 1
        return least, most

    def compare_status(self):
        """Between two kills, the status against what is seen from outside.
        Both go on meanwhile: who is behind has to come to what the other was
        at."""
        first = self.status()
        if not first:
            return
        wrong = self.wrong_processes(first)
        wrong += self.wrong_counts(first)
        last = self.status()
        if not last or last['run'] != first['run']:
            return
        self.facts.statuses += 1
        self.facts.status += [f'{time.monotonic() - self.began:.1f} s: {w}'
                              for w in wrong]

    def wrong_processes(self, s):
        """Named as running, and not there, or nothing that was ours."""
        there = {p.pid: p for p in self.watcher.look()}
        # What was seen before it is asked again, it has to know.
        seen = {p['name']: self.watcher.finder.starts(p['name'].split(':')[-1])
                for p in s['processes']}
        again = self.status()
        same = {(p['name'], p['pid']) for p in again['processes']
                if p['running']} if again else set()
        for p in s['processes']:
            if not p['running'] or (p['name'], p['pid']) not in same:
                continue
            found = there.get(p['pid'])
            if not found or found.name != p['name'].split(':')[-1]:
                return [f'{p["name"]} is said to run as {p["pid"]}']
        for p in again['processes'] if again and again['run'] == s['run'] else ():
            if p['restarts'] < seen[p['name']] - 1:
                return [f'{p["name"]} is said to have been started again '
                        f'{p["restarts"]} times, and was '
                        f'{seen[p["name"]] - 1} times']
        named = {p[1] for p in same} | {p['pid'] for p in s['processes']}
        return [f'{p.name} runs as {p.pid}, unsaid' for p in there.values()
                if p.role in victims.CORES[1:] and p.pid not in named
                and victims.lives(p.pid, p.born)] if again else []

    def wrong_counts(self, s):
        end = time.monotonic() + slower(AGREE_S)
        want = {k.replace('_', '-'): v for k, v in s['items'].items()
                if k != 'pending'}
        while True:
            least, most = self.verdicts(s['run'])
            if all(most.get(k, 0) >= v for k, v in want.items()):
                break
            if time.monotonic() > end:
                return [f'it counts {want}, the log {most}']
            time.sleep(0.1)
        while True:
            now = self.status()
            if not now or now['run'] != s['run'] or all(
                    now['items'][k.replace('-', '_')] >= n
                    for k, n in least.items()):
                return []
            if time.monotonic() > end:
                return [f'it counts {now["items"]}, the log {least}']
            time.sleep(0.1)

    # --- killing -------------------------------------------------------------

    def find(self, roles, pick):
        """The process to kill: of the part that is drawn, if one comes within
        its time; else of the first part that there is."""
        end = time.monotonic() + slower(FIND_S)
        if roles[0] == 'telemetry' and not os.path.exists(
                os.path.join(BUILD, 'bulkhead-telemetry')):
            end = 0
        while True:
            there = self.watcher.look()
            for role in roles[:1] if time.monotonic() < end else roles:
                of = [p for p in there if p.role == role]
                if of:
                    return of[int(pick * len(of))], there
            if time.monotonic() >= end:
                return None, []
            # One that reads an envelope lives for milliseconds.
            time.sleep(0 if roles[0] == 'envelope' else 0.005)

    def doing(self, p, there):
        at_work = sum(x.role == 'qemu' for x in there)
        waits = sum(x.role == 'jail' and x.name == 'porter' for x in there)
        ready = {x.role for x in there} >= {'broker', 'store', 'control'}
        if not ready:
            return 'everything is being started'
        return f'{at_work} VMs there, {waits} jails wait'

    def effect_under_way(self):
        """Waits until the outbox writes one: that takes a moment only, and
        what dies then is what at-most-once is about."""
        tmp, new = (os.path.join(self.boxes['drafts'], d)
                    for d in ('tmp', 'new'))
        end = time.monotonic() + slower(FIND_S)
        before = len(os.listdir(new)) if os.path.exists(new) else 0
        stale = os.listdir(tmp) if os.path.exists(tmp) else []
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                if os.listdir(tmp) != stale or len(os.listdir(new)) > before:
                    return True
            time.sleep(0.0001)
        return False

    def kill(self, number, pause, roles, pick, in_effect):
        time.sleep(pause)
        p, there = self.find(roles, pick)
        in_effect = (in_effect and p and p.role in victims.CORES
                     and self.effect_under_way())
        end = time.monotonic() + slower(BACK_S)
        while time.monotonic() < end:
            if p and victims.shoot(p):
                at = time.monotonic()
                self.kills.append({
                    'event': 'kill', 'kill': number, 'at': at,
                    'at_s': round(at - self.began, 3),
                    'drawn': roles[0], 'role': p.role, 'name': p.name,
                    'pid': p.pid, 'vm': p.vm, 'run': self.run_of(),
                    'doing': 'an effect is under way' if in_effect
                             else self.doing(p, there)})
                return True
            in_effect = False
            time.sleep(0.02)
            p, there = self.find(roles, pick)
        self.facts.trouble.append(
            f'kill {number}: within {BACK_S} s nothing was there to be killed')
        return False

    def run_of(self):
        """The run that is on now, by the log of its monitor."""
        for line in reversed(self.b.log().splitlines()):
            if ' event=up ' in line:
                return line.split(' run=', 1)[1].split()[0]
        return ''

    def told_of_death(self, k):
        """Once the generation is down, status still answers, and no more names
        who was killed as running: unless who tells it dies meanwhile."""
        tellers = [p for p in self.watcher.now
                   if p.role in ('monitor', 'control')]
        end = time.monotonic() + slower(AGREE_S)
        while time.monotonic() < end:
            s = self.status()
            if s and not any(p['pid'] == k['pid'] and p['running']
                             for p in s['processes']):
                return
            if len(tellers) < 2 or not all(
                    victims.lives(p.pid, p.born) for p in tellers):
                return
            time.sleep(0.05)
        self.facts.status.append(
            f'{k["at_s"]} s: {k["name"]} {k["pid"]} was killed, and status '
            + ('does not answer' if not s else 'names it as running'))

    def kill_all(self):
        for n, row in enumerate(self.plan.rows, 1):
            if not self.kill(n, *row):
                return
            if self.kills[-1]['role'] in victims.CORES[1:] and \
               self.plan.rows[n % len(self.plan.rows)][0] > 0.1:
                self.told_of_death(self.kills[-1])
            if n % STATUS_EVERY == 0:
                self.compare_status()
            elif n % 2:
                self.status()

    # --- the end -------------------------------------------------------------

    def quiet(self):
        """Every mail that was delivered has its verdict in the log, and
        nothing is at work any more."""
        end = time.monotonic() + slower(QUIET_S)
        want = len(self.load.sent)
        while time.monotonic() < end:
            s = self.status()
            if s and not self.waiting and not s['vms']['running']:
                if len({r['item'] for r in self.read_done()}) >= want:
                    return
            time.sleep(0.5)
        self.facts.trouble.append(
            f'after {QUIET_S} s not all {want} mails have a verdict')

    def all_there(self):
        """The status as soon as nothing is missing: the last kill may be a
        moment ago, and what it ended in its pause."""
        end = time.monotonic() + slower(120)
        while True:
            s = self.status()
            down = [p['name'] for p in s['processes']
                    if not p['running']] if s else ['control']
            if s and not down and s['core']['state'] == 'up' and not \
                    s['vms']['running'] and all(
                        t['state'] == 'ready' for t in s['templates']):
                return s
            if time.monotonic() > end:
                break
            time.sleep(0.2)
        self.facts.status.append(
            f'at rest {down} are not running, or not all templates stand: {s}')
        return s or self.b.status()

    def at_rest(self):
        """What status says of processes and machines, once nothing moves."""
        s = self.all_there()
        end = time.monotonic() + slower(20)
        while True:
            s = self.status() or s
            there = self.watcher.look()
            porters = sum(p.name == 'porter' for p in there)
            said = sum(p['parked'] + p['jails'] for p in s['pools'])
            more = self.more_than(self.opened, self.open_now())
            if porters == said and not more:
                return
            if time.monotonic() > end:
                break
            time.sleep(0.2)
        if porters != said:
            self.facts.status.append(
                f'at rest it says {said} VMs wait; there are {porters}')
        self.facts.left += more

    def open_now(self):
        """What the core processes have open; the broker keeps the records of
        what it shows, and has them again when they are asked for."""
        found = {}
        for p in self.watcher.look():
            if p.role in victims.CORES:
                found[p.name] = victims.descriptors(p.pid)
                found[p.name].pop('/memfd:record', None)
        return found

    @staticmethod
    def more_than(before, now):
        return [f'{name} has {n} {what} open, {before[name][what]} at first'
                for name in before for what, n in now.get(name, {}).items()
                if n > before[name][what]]

    def first_rest(self):
        """As it is before anything happened."""
        self.b.templates()
        last = {}
        while last != self.opened or not last:
            last = self.opened
            time.sleep(1)
            self.opened = self.open_now()

    def collect_running(self):
        f = self.facts
        self.compare_status()
        f.items_shown = self.b.items_now()
        f.effects_shown = json.loads(
            self.b.run('--json', 'effects').stdout)['effects']

    def collect_log(self):
        f = self.facts
        f.records = self.b.audit()
        r = self.b.run('audit', 'verify', check=False)
        f.verified = '' if r.returncode == 0 else r.stdout + r.stderr
        r = self.b.run('--json', 'audit', 'gaps', check=False)
        f.gaps = gaps(r.stdout)
        # All sizes, and of some that the log still begins with them.
        step = max(1, len(self.notes) // PROOFS)
        f.tips = [(size, n % step or self.goes_on(note))
                  for n, (size, note) in enumerate(self.notes)]

    def goes_on(self, note):
        path = os.path.join(self.b.dir, 'note')
        with open(path, 'wb') as f:
            f.write(note)
        return self.b.run('audit', 'verify', '--checkpoint', path,
                          check=False).returncode == 0

    def collect_state(self):
        """The store's rows, from a copy, when nobody has it open."""
        f = self.facts
        where = os.path.join(self.b.dir, 'copy')
        shutil.copytree(os.path.join(self.b.dir, 'state/store'), where)
        db = sqlite3.connect(os.path.join(where, 'state.db'))
        f.items = [dict(zip(('item', 'source', 'key', 'state', 'verdict'), r))
                   for r in db.execute(
                       'SELECT id, source, CAST(key AS TEXT), state, verdict '
                       'FROM items ORDER BY id')]
        f.effects = [dict(zip(('effect', 'item', 'state', 'index'), r))
                     for r in db.execute('SELECT id, item, state, log_index '
                                         'FROM effects ORDER BY id')]
        db.close()

    def collect_files(self):
        f = self.facts
        for folder in ('new', 'cur'):
            where = os.path.join(self.boxes['drafts'], folder)
            for name in sorted(os.listdir(where)):
                with open(os.path.join(where, name), encoding='utf-8') as file:
                    f.files.append((name, file.read() + '\n'))

    def collect_left(self):
        end = time.monotonic() + slower(10)
        seen = self.watcher.finder.seen
        while time.monotonic() < end and any(
                victims.lives(*k) for k in seen):
            time.sleep(0.05)
        left = [f'{p.name} {p.pid}' for k, p in seen.items()
                if victims.lives(*k)]
        left += [f'{" ".join(args)} {pid}' for pid, args in commands()
                 if self.b.config in args]
        for where, _, _ in os.walk('/sys/fs/cgroup'):
            if any(f'/bulkhead-{run}' in where for run in self.runs):
                left.append(where)
        for name in ('s', 'state/metrics.sock'):
            if os.path.exists(os.path.join(self.b.dir, name)):
                left.append(name)
        self.facts.left += left

    def run(self):
        self.event('begin', seed=self.seed, kills=len(self.plan.rows))
        self.b.run('up', '--supervise', '--detach', '--images', self.b.images)
        self.first_rest()
        self.watcher.start()
        self.load.start()
        self.kill_all()
        self.load.end()
        self.event('load ended', mails=len(self.load.sent))
        self.quiet()
        self.event('quiet')
        if not self.facts.trouble:
            self.at_rest()
            self.collect_running()
        self.b.run('down')
        self.watcher.end()
        self.collect_left()
        self.collect_log()
        self.collect_state()
        self.collect_files()
        self.facts.kills = len(self.kills)
        self.facts.delivered = [(m.source, m.key, m.words)
                                for m in self.load.sent]

    def write(self):
        f = self.facts
        self.facts.monitors = len([1 for _, p in self.watcher.born
                                   if p.role == 'monitor']) - 1
        report.reactions(self.kills, self.watcher.born, f.records)
        rows = checker.check(f, self.ROWS)
        for k in self.kills:
            k.pop('at')
        return rows, report.write(
            os.path.join(BUILD, 'campaign'), self.NAME + self.seed, f, rows, self.kills,
            self.events, time.monotonic() - self.began, self.backend)

    def all_of_it(self):
        """The exit code."""
        self.run()
        rows, path = self.write()
        with open(path, encoding='utf-8') as f:
            head = f.read().split('\nunknown effects', 1)[0]
        print(head)
        print(f'the report: {os.path.relpath(path, SRC)}')
        passed = not any(wrong for _, wrong in rows)
        if not passed:
            self.keep(path)
        print(f'{"ok" if passed else "FAILED"}: {len(self.kills)} kills: '
              'nothing lost, nothing twice, nothing unsaid')
        return 0 if passed else 1

    def keep(self, path):
        """What one needs to find out why."""
        with open(path.replace('.txt', '.log'), 'w', encoding='utf-8') as f:
            f.write(self.b.log())
        with open(path.replace('.txt', '.audit'), 'w', encoding='utf-8') as f:
            for r in self.facts.records:
                f.write(json.dumps(r) + '\n')


def commands():
    """Every process with its arguments."""
    for pid in filter(str.isdigit, os.listdir('/proc')):
        yield pid, victims.read(f'/proc/{pid}/cmdline').decode(
            errors='replace').split('\0')


def gaps(text):
    """The rows of `audit gaps`; one that is no answer is a gap, too."""
    try:
        return json.loads(text)['found']
    except (ValueError, KeyError):
        return [{'gap': 'none', 'index': 0, 'what': 'audit gaps says nothing',
                 'note': False}]


def second_source(b):
    """One more Maildir, which the policy reads, too."""
    box = b.unread()
    for d in ('cur', 'tmp'):
        os.makedirs(os.path.join(box, d))
    return box


def unlimited(policy):
    """Its text, with effects that no rate ends."""
    return policy.replace('6/hour', '9999/hour').replace('30/hour',
                                                         '9999/hour')


def prepare(b):
    """A second source, effects without a limit that would end them, and waits
    and bounds of supervision that are for so many deaths."""
    with open(b.config, encoding='utf-8') as f:
        text = f.read()
    with open(b.config, 'w', encoding='utf-8') as f:
        f.write(text.replace('connectors:', f'supervision: {SUPERVISION}\n'
                             'connectors:'))
    with open(os.path.join(b.dir, 'policy.yaml'), encoding='utf-8') as f:
        text = f.read()
    text = unlimited(text)
    row = ('    reader: email\n    connector: {}\n    integrity: external\n'
           '    audience: public\n    reveal: text\n')
    text = text.replace(row.format('inbox'), row.format('inbox') +
                        '  other:\n' + row.format('other'))
    with open(os.path.join(b.dir, 'policy.yaml'), 'w',
              encoding='utf-8') as f:
        f.write(text)


def main():
    # Whoever ends us ends bulkhead, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if not os.path.exists(f'/proc/self/task/{os.getpid()}/children'):
        skip('this kernel does not tell the children of a process')
    with Bulkhead(planner='gullible', pool=int(
            random.Random(f'{SEED} pool').random() < 0.5)) as b:
        prepare(b)
        c = Campaign(b, SEED, Plan(SEED, KILLS))
        return c.all_of_it()


if __name__ == '__main__':
    sys.exit(main())
