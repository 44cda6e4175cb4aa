#!/usr/bin/env python3
"""Goal of this test: what `bulkhead policy` check, test, explain, diff and
blast print is what tests/data/cli/policy-tools.txt has, in words and as JSON,
and they exit with what they promise. Run on the policies that come with
bulkhead, and on one with a change of each kind.

usage: policy_tools.py [--accept]    --accept writes the file anew
"""
import json
import os
import re
import subprocess
import sys
import tempfile

SRC = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BULKHEAD = os.path.join(os.environ.get('BULKHEAD_BUILD',
                                       os.path.join(SRC, 'build')), 'bulkhead')
GOLDEN = os.path.join(SRC, 'tests', 'data', 'cli', 'policy-tools.txt')

WAS = '''bulkhead: 1
profile: tools
mode: rehearse
timezone: Europe/Paris
owner: {telegram: 11122233}
sets:
  family: [lea@example.org, max@example.org]
sources:
  mail: {reader: email, connector: mail-in, integrity: known,
         audience: thread, reveal: handles, answer_bits: 8}
capabilities:
  mail.send:
    connector: mail-out
    effect: external
    undo: {window: 60s}
    args:
      to:   {type: email, many: 2, role: target, from: [config, owner], else: deny}
      body: {type: text, max: 100, role: content, from: [planner, handle], links: strip}
      step: {type: int, role: control, from: [planner], min: 1, max: 3, step: 1}
    flow: {body: same-thread}
    decide:
      - deny: {session: {tripped: true}}
      - allow: {to: {in: family}, time: {between: "08:00-12:00"}}
      - ask: {}
    limits: {rate: 6/hour, total: 20/day, per: {to: 4/day}}
    approve: {who: owner, via: [cli], ttl: 1h, delay: 30s, confirm: code}
'''

# What the new policy has otherwise, and the sign of what is told of it.
CHANGES = [
    ('nothing', '', '', ''),
    ('a member of a set', 'max@example.org]', 'max@example.org, eve@x.example]', '+'),
    ('a set that no row names', 'sets:', 'sets:\n  odd: [eve@x.example]', '+'),
    ('a limit raised', '6/hour', '7/hour', '+'),
    ('a limit of a target raised', 'to: 4/day', 'to: 5/day', '+'),
    ('a limit by another clock', '6/hour', '1/minute', '~'),
    ('a limit lowered', '20/day', '10/day', '-'),
    ('a floor loosened', 'else: deny', 'else: ask', '+'),
    ('another origin', 'from: [config, owner]', 'from: [config, owner, envelope]', '+'),
    ('an undo window shortened', 'window: 60s', 'window: 30s', '+'),
    ('an undo window gone', 'undo: {window: 60s}', 'undo: none', '~'),
    ('a code no longer asked for', ', confirm: code', '', '+'),
    ('a button that works at once', ', delay: 30s', '', '+'),
    ('an approval that lasts longer', 'ttl: 1h', 'ttl: 2h', '+'),
    ('an approval that is remembered', 'ttl: 1h', 'ttl: 1h, remember: task', '+'),
    ('a flow loosened', 'same-thread', 'public', '+'),
    ('a flow left to its default', '    flow: {body: same-thread}\n', '', '+'),
    ('links kept', 'links: strip', 'links: any', '+'),
    ('more at once', 'many: 2', 'many: 9', '+'),
    ('a longer text', 'max: 100', 'max: 101', '+'),
    ('larger steps', 'max: 3, step: 1', 'max: 3, step: 2', '+'),
    ('a deny gone', '      - deny: {session: {tripped: true}}\n', '', '+'),
    ('another time of day', '08:00-12:00', '08:00-20:00', '+'),
    ('an audience widened', 'audience: thread', 'audience: public', '+'),
    ('more bits of an answer', 'answer_bits: 8', 'answer_bits: 9', '+'),
    ('no rehearsal any more', 'mode: rehearse', 'mode: enforce', '+'),
    ('another connector', 'connector: mail-out', 'connector: other-out', '~'),
    ('a decoy', 'capabilities:', 'decoys: [vault.open]\ncapabilities:', '-'),
]

REQUEST = '''bulkhead-test: 1
policy: POLICY
tests:
  - name: to the family
    call: mail.send
    args: {to: [lea@example.org], body: At eight?, step: 1}
    want: allow
    clause: decide 2
'''
failures = 0


def need(cond, what, detail=''):
    global failures
    print('ok:' if cond else 'FAILED:', what, '' if cond else detail)
    failures += not cond


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text)
    return path


def run(folder, *args):
    r = subprocess.run([BULKHEAD, 'policy', *args], cwd=folder, text=True,
                       capture_output=True, check=False, timeout=60)
    return r.returncode, (r.stdout + r.stderr).replace(folder + '/', '')


def case(title, result):
    rc, said = result
    return f'== {title} (exit {rc})\n{said}'


def diffs(folder):
    """A line of each change, and the exit code that goes with its sign."""
    for title, old, new, sign in CHANGES:
        need(old in WAS, f'{title}: it is in the policy')
        write(folder, 'is.yaml', WAS.replace(old, new, 1) if old else WAS)
        rc, said = run(folder, 'diff', 'was.yaml', 'is.yaml')
        signs = {line[0] for line in said.splitlines()
                 if re.match(r'[-+~] ', line)}
        need(sign in signs if sign else not signs,
             f'diff: {title} is told as {sign or "nothing"}', said)
        need(rc == int(bool(signs & {'+', '~'})), f'diff: {title}: exit {rc}')
        yield case(f'diff: {title}', (rc, said))


def examples(folder):
    for name in ('assistant', 'personal-assistant', 'coding-agent',
                 'home-automation'):
        with open(os.path.join(SRC, 'policy', f'{name}.yaml'),
                  encoding='utf-8') as f:
            write(folder, f'{name}.yaml', f.read())
        with open(os.path.join(SRC, 'policy', f'{name}.test.yaml'),
                  encoding='utf-8') as f:
            write(folder, f'{name}.test.yaml', f.read())
        yield case(f'check: {name}', run(folder, 'check', f'{name}.yaml'))
        yield case(f'blast: {name}', run(folder, 'blast', f'{name}.yaml'))
        rc, said = run(folder, 'test', f'{name}.test.yaml')
        need(rc == 0, f'test: {name}', said)
        yield case(f'test: {name}', (rc, said))


def requests(folder):
    write(folder, 'it.test.yaml', REQUEST.replace('POLICY', 'was.yaml'))
    yield case('test: a wrong expectation', run(folder, 'test', 'it.test.yaml'))
    call = json.dumps({'call': 'mail.send',
                       'args': {'to': ['eve@x.example'], 'body': 'Hi',
                                'step': 1}})
    write(folder, 'call.json', call)
    yield case('explain: a stranger',
               run(folder, 'explain', 'was.yaml', 'call.json'))


def as_json(folder):
    for args in (('blast', '--json', 'was.yaml'),
                 ('diff', '--json', 'was.yaml', 'is.yaml'),
                 ('check', '--json', 'was.yaml')):
        rc, said = run(folder, *args)
        json.loads(said)
        yield case(' '.join(args), (rc, said))


def main():
    with tempfile.TemporaryDirectory() as folder:
        write(folder, 'was.yaml', WAS)
        got = ''.join([*diffs(folder), *examples(folder), *requests(folder),
                       case('check: broken', run(folder, 'check', write(
                           folder, 'broken.yaml', WAS.replace('role: target',
                                                              'role: aim')))),
                       *as_json(folder)])
    want = ''
    if os.path.exists(GOLDEN):
        with open(GOLDEN, encoding='utf-8') as f:
            want = f.read()
    if '--accept' in sys.argv and got != want:
        with open(GOLDEN, 'w', encoding='utf-8') as f:
            f.write(got)
        print('wrote', GOLDEN)
    else:
        a, b = want.split('== '), got.split('== ')
        need(got == want, 'all is as the file has it',
             ''.join('\n- ' + x for x in a if x not in b)
             + ''.join('\n+ ' + x for x in b if x not in a))
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
