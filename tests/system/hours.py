#!/usr/bin/env python3
"""Goal of this test: times of day are those of the policy's time zone, in the
real broker (tests/replay/broker.c plays the others), which can read no file: a
window that is open now where the zone is, is open, and the same window by the
clock of UTC is not. Budgets of a task hold there, too.
"""
import datetime
import os
import sys
import tempfile

import rehearsal
from rehearsal import ask, need

# Half past the hour, and no summer time: nothing that UTC could be taken for.
ZONE = 'Asia/Kolkata'
EAST = datetime.timedelta(hours=5, minutes=30)
POLICY = """bulkhead: 1
mode: enforce
timezone: {zone}
owner: {{email: raoul@example.org, approvals: {{cli: true}}}}
sets: {{family: [lea@example.org]}}
budgets: {{calls: 2/task, wall: 10m}}
sources:
  mail: {{reader: email, connector: mail-in, integrity: external, audience: thread, reveal: text}}
capabilities:
  mail.draft:
    connector: out
    effect: internal
    undo: none
    args:
      to: {{type: email, role: target, in: family, else: deny}}
    decide:
      - allow: {{time: {{between: "{begin}-{end}"}}}}
    limits: {{rate: 9/day, concurrent: 1}}
"""


def verdicts(zone, calls):
    local = datetime.datetime.now(datetime.timezone.utc) + EAST
    hour = datetime.timedelta(hours=1)
    text = POLICY.format(zone=zone, begin=(local - hour).strftime('%H:%M'),
                         end=(local + hour).strftime('%H:%M'))
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, 'hours.yaml')
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text)
        return [a['verdict'] for a in ask(
            [('mail.draft', 'lea@example.org')] * calls, path)]


def main():
    if not os.path.exists(f'/usr/share/zoneinfo/{ZONE}'):
        print('SKIP: no time zones here')
        return 77
    got = verdicts(ZONE, 3)
    need(got[:2] == ['allow'] * 2, 'it is within its hours there', got)
    need(got[2:] == ['deny'], 'the third call of the task is one too many', got)
    got = verdicts('UTC', 1)
    need(got == ['deny'], 'by the clock of UTC it is not', got)
    return 1 if rehearsal.failures else 0


if __name__ == '__main__':
    sys.exit(main())
