"""Goal of this test: thousands of mails at once in one Maildir starve nobody and
fill nothing. A second source with twenty mails is done among the next verdicts,
the backlog of each is in `status`, processes stay small, and a stop in between
loses nothing. BULKHEAD_FLOOD says how many, and all of them are read: 10,000 in
make check-all; without it there are 1,000, and it ends after the twenty and a
stop."""
import json
import os
import sys
import time

from harness import Bulkhead, need, plain, slower

ALL = int(os.environ.get('BULKHEAD_FLOOD', '0'))
MANY = ALL or 1000
FEW = 20
PER_SOURCE = 5000  # the default of queue.per_source
# RSS, generously: of the three that know of all of them.
MOST_KIB = {'bulkhead-connec': 48 << 10, 'bulkhead-monito': 96 << 10,
            'bulkhead-store': 64 << 10}


def second_source(b):
    path = os.path.join(b.dir, 'Second')
    for d in ('new', 'cur', 'tmp'):
        os.makedirs(os.path.join(path, d))
    with open(b.config, 'a', encoding='utf-8') as f:
        f.write(f'  second: {{kind: maildir, path: {path}}}\n')
    policy = os.path.join(b.dir, 'policy.yaml')
    with open(policy, encoding='utf-8') as f:
        text = f.read()
    with open(policy, 'w', encoding='utf-8') as f:
        f.write(text.replace('sources:\n', 'sources:\n  second: {reader: email, '
                             'connector: second, integrity: external, '
                             'audience: public, reveal: text}\n', 1))
    return path


def queue(b):
    return {q['source']: q for q in b.status()['queue']}


def small(b):
    for pid, name in b.children().items():
        if name not in MOST_KIB:
            continue
        with open(f'/proc/{pid}/status', encoding='utf-8') as f:
            most = next(int(l.split()[1]) for l in f if l.startswith('VmHWM'))
        need(most <= MOST_KIB[name],
             f'{name} took at most {most >> 10} MiB of memory')


def verdicts(b):
    return sum(b.status()['items'][k] for k in
               ('read', 'refused', 'task_failed', 'interrupted', 'given_up'))


def backlog(b):
    """All of them are known: in the queue, at work, or told to wait."""
    def known(q):
        return q['waiting'] + q['at_work'] + q['blocked']

    s = b.status_until(
        'the backlog of the source is in status',
        lambda s: sum(known(q) for q in s['queue']
                      if q['source'] == 'inbox') + s['items']['read'] >=
        min(MANY, PER_SOURCE) and
        (MANY <= PER_SOURCE or any(q['blocked'] for q in s['queue'])), 300)
    q = [q for q in s['queue'] if q['source'] == 'inbox'][0]
    need(q['waiting'] + q['at_work'] <= PER_SOURCE,
         f'within its share: {q["waiting"]} wait, {q["at_work"]} at work')
    need((q['blocked'] > 0) == (MANY > PER_SOURCE),
         f'and what is beyond it waits in the Maildir: {q["blocked"]} {q["why"]}')


def the_few(b, path):
    before = verdicts(b)
    for i in range(FEW):
        with open(os.path.join(path, 'new', f'few{i}'), 'w',
                  encoding='utf-8') as f:
            f.write(plain(f'few {i}'))
    b.status_until('the second source is in the queue',
                   lambda s: any(q['source'] == 'second' for q in s['queue']))
    came = verdicts(b)
    end = time.monotonic() + slower(300)
    while time.monotonic() < end:
        q = queue(b).get('second')
        if q and q['waiting'] + q['at_work'] == 0:
            break
        time.sleep(0.1)
    done = verdicts(b)
    # In turns, so every other one; and those that were at work already.
    need(done - came <= 3 * FEW,
         f'the {FEW} had their verdicts among {done - came} '
         f'({came - before} before they were known)')
    need(queue(b)['inbox']['waiting'] > 0, 'while the first source still waits')


def order_in_log(b):
    """The same by the log: who was read between the first and last of them."""
    records = b.audit()
    sources = {r['item']: r['source'] for r in records
               if r['kind'] == 'item.new'}
    ends = [sources[r['item']] for r in records if r['kind'] == 'item.done']
    first, last = ends.index('second'), len(ends) - ends[::-1].index('second')
    need(ends.count('second') == FEW and last - first <= 3 * FEW,
         f'by the log they are {FEW} of {last - first}')


def stopped_and_started(b):
    waiting = sum(q['waiting'] + q['at_work'] for q in b.status()['queue'])
    done = verdicts(b)
    b.down()
    b.up()
    b.status_until('after a stop the backlog is known again',
                   lambda s: sum(q['waiting'] + q['at_work']
                                 for q in s['queue']) +
                   s['items']['read'] >= min(waiting, MANY + FEW - done) - 64)


def all_of_them(b):
    start, n = time.monotonic(), verdicts(b)
    end = start + slower(3600)
    while time.monotonic() < end and any(
            q['waiting'] + q['at_work'] + q['blocked']
            for q in b.status()['queue']):
        time.sleep(5)
    took = time.monotonic() - start
    print(f'{verdicts(b) - n} mails in {took:.0f} s: '
          f'{(verdicts(b) - n) / took:.1f} a second')
    small(b)
    ends = {}
    out = b.run('--json', 'audit', 'tail', '-n', '1000000', timeout=600).stdout
    for line in out.splitlines():
        r = json.loads(line)
        if r['kind'] == 'item.done':
            ends.setdefault(r['item'], []).append(r['verdict'])
    need(len(ends) == MANY + FEW and
         all(v == ['read'] for v in ends.values()),
         f'each of the {MANY + FEW} has one verdict: read')


def main():
    with Bulkhead(planner='none') as b:
        path = second_source(b)
        for i in range(MANY):
            with open(os.path.join(b.dir, 'Maildir/new', f'm{i:05}'), 'w',
                      encoding='utf-8') as f:
                f.write(plain(f'number {i}'))
        b.up()
        backlog(b)
        the_few(b, path)
        order_in_log(b)
        small(b)
        stopped_and_started(b)
        if ALL:
            all_of_them(b)
        b.run('audit', 'verify')
    return 0


if __name__ == '__main__':
    sys.exit(main())
