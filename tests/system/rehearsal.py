#!/usr/bin/env python3
"""Goal of this test: what is rehearsed is decided like anything else, and
leaves nothing: the real broker, played by tests/replay/broker.c, is asked for
the same call of a capability that is carried out, of one that is rehearsed and
of one that is rehearsed where it would ask. The planner cannot tell the first
from the others; a connector is told of the first alone; limits hold for all,
and what is refused is refused.
"""
import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.environ['BULKHEAD_BUILD']
POLICY = 'tests/data/policy/rehearse.yaml'
failures = 0


def need(cond, what, detail=''):
    global failures
    print('ok:' if cond else 'FAILED:', what, '' if cond else detail)
    failures += not cond


def ask(calls, policy=POLICY):
    case = {'policy': policy, 'owner': 'Write to lea@example.org.',
            'items': [{'connector': 'mail-in', 'from': 'lea@example.org',
                       'subject': 'a', 'body': 'b'}],
            'calls': [{'call': name, 'args': {'to': to}}
                      for name, to in calls]}
    out = subprocess.run(
        [os.path.join(BUILD, 'tests', 'replay_broker'), BUILD],
        input=json.dumps(case) + '\n', text=True, cwd=ROOT, timeout=120,
        stdout=subprocess.PIPE, check=True).stdout
    return json.loads(out.splitlines()[-1])


def main():
    lea = 'lea@example.org'
    names = ('mail.draft', 'mail.rehearsed', 'mail.asked')
    for name in names:
        a, = ask([(name, lea)])
        need(a['verdict'] == 'allow' and a['executed'] and
             a['reason'] == 'done', f'{name}: the planner is told it is done',
             a)
        need(a['effects'] == (name == 'mail.draft'),
             f'{name}: a connector hears of it only if it is meant', a)
        need((', rehearsed' in a['clause']) == (name != 'mail.draft'),
             f'{name}: the clause says which it was', a)
    a, = ask([('mail.rehearsed', 'eve@example.org')])
    need(a['verdict'] == 'deny' and not a['executed'],
         'what the policy refuses is refused', a)
    answers = ask([('mail.rehearsed', lea)] * 4)
    need([a['verdict'] for a in answers] == ['allow'] * 3 + ['deny'],
         'the limits hold', answers)
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
