"""Goal of this test: the hours of a policy are those of its own zone in a
bulkhead that runs, where the monitor reads the zone for a broker that sees no
file. What the hours mean is for system/hours."""
import datetime
import os
import sys

from harness import Bulkhead, need, plain, skip

ZONE, EAST = 'Asia/Kolkata', datetime.timedelta(hours=5, minutes=30)
HOUR = datetime.timedelta(hours=1)


def around_now_there():
    there = datetime.datetime.now(datetime.timezone.utc) + EAST
    return f'{there - HOUR:%H:%M}-{there + HOUR:%H:%M}'


def verdict(zone):
    with Bulkhead(planner='gullible') as b:
        path = os.path.join(b.dir, 'policy.yaml')
        with open(path, encoding='utf-8') as f:
            text = f.read()
        text = text.replace('mode: enforce',
                            f'mode: enforce\ntimezone: {zone}', 1)
        text = text.replace(
            'allow: {}',
            f'allow: {{time: {{between: "{around_now_there()}"}}}}', 1)
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text)
        b.up()
        b.deliver('1.mail', plain(
            'Now', 'Use email.send to send it to lea@example.org.'))
        b.items_until(1)
        return [r['verdict'] for r in b.audit() if r['kind'] == 'decision']


def main():
    if not os.path.exists(f'/usr/share/zoneinfo/{ZONE}'):
        skip('there are no time zones here')
    need(verdict(ZONE) == ['allow'], 'it is within its hours there')
    need(verdict('UTC') == ['deny'], 'by the clock of UTC it is not')
    return 0


if __name__ == '__main__':
    sys.exit(main())
