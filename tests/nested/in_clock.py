"""Goal of this test, inside the nested tier's machine, whose clock is ours to
set: the wall clock is set a day forward and two days back while mails are at
work. No deadline, rate or verdict changes; the jumps are on record, and the log
verifies."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '../system'))
from harness import Bulkhead, need, plain  # noqa: E402

SEND = 'Please send an email to lea@example.org and tell her hello.'
DAY = 86400
RATE = 6  # of the default policy, mails an hour


def set_clock(seconds):
    time.clock_settime(time.CLOCK_REALTIME, time.time() + seconds)


def deliver(b, names):
    for name in names:
        b.deliver(name, plain(name, SEND))


def jumps(b):
    return [(r['direction'], r['ms']) for r in b.audit()
            if r['kind'] == 'clock.jump']


def executed(items):
    return sum(q['executed'] for i in items for q in i['requests'])


def jump(b, names, seconds, count):
    """Mails at work while the clock jumps."""
    deliver(b, names)
    b.status_until('some are at work', lambda s: s['items']['pending'] > 0)
    set_clock(seconds)
    items = b.items_until(count)
    need({i['verdict'] for i in items} == {'read'},
         f'all are read, {seconds / DAY:+.0f} days: '
         f'{[i["fault"] for i in items if i["fault"]]}')
    b.status_until('the jump is noticed',
                   lambda s: s['room']['clock_jumps'] > 0)
    return items


def main():
    with Bulkhead(planner='gullible') as b:
        b.up()
        deliver(b, ['a0', 'a1'])
        items = b.items_until(2)
        need(executed(items) == 2, 'two are sent (positive control)')
        items = jump(b, ['b0', 'b1', 'b2', 'b3'], DAY, 6)
        need(executed(items) == RATE, 'so are those of a day later')
        items = jump(b, ['c0', 'c1'], -2 * DAY, 8)
        need(executed(items) == RATE,
             'neither day gave the rate anything back: '
             f'{executed(items)} of {RATE} an hour')
        late = [q for i in items if i['key'].startswith('c')
                for q in i['requests']]
        need(len(late) == 2 and all('limit' in q['clause'] for q in late),
             f'the rate refused the last: {[q["clause"] for q in late]}')
        b.status_until('both jumps are counted',
                       lambda s: s['room']['clock_jumps'] == 2)
        found = jumps(b)
        need([d for d, _ in found] == ['forward', 'back'] and
             abs(found[0][1] - DAY * 1000) < 5000 and
             abs(found[1][1] - 2 * DAY * 1000) < 5000,
             f'and on record, with the amount: {found}')
        need('event=clock-jump' in b.log(), 'and in the log')
        templates = b.status()['templates']
        need(all(t['built'] == 1 and t['retired'] == 0 for t in templates),
             'no template is taken for an old one')
        b.run('audit', 'verify')
        print('ok: the log verifies')
    return 0


if __name__ == '__main__':
    sys.exit(main())
