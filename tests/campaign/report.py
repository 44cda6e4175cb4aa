"""report: what a campaign killed when, what the system did, and the verdict.

SEED.jsonl has a row an event, SEED.txt is for reading.
"""
import collections
import json
import os

from checker import STATES, VERDICTS, unknown
from victims import CORES, ROLES

RESTART_S = 120  # what comes later is not counted as its restart


def came_back(kill, born):
    """Milliseconds until the next of its name began, or None."""
    later = [t for t, p in born if t > kill['at'] and p.role == kill['role']
             and p.name == kill['name']]
    if not later or later[0] - kill['at'] > RESTART_S:
        return None
    return round((later[0] - kill['at']) * 1000)


def of_vm(kill, records):
    """What the log says of its machine: what it was for, how it ended, and
    what became of its mail."""
    rows = [r for r in records if r.get('vm') == int(kill['vm'] or 0)
            and r['run'] == kill['run'] and r['kind'].startswith('vm.')]
    start = next((r for r in rows if r['kind'] == 'vm.start'), None)
    end = next((r for r in rows if r['kind'] == 'vm.end'), None)
    if not start:
        return 'waiting for work', 'nobody waited for it'
    item = start['item']
    done = [r for r in records if r['kind'] == 'item.done'
            and r['item'] == item]
    again = [r for r in records if r['kind'] == 'vm.start'
             and r['item'] == item and r['seq'] > start['seq']
             and r['zone'] == start['zone']]
    did = [f'ended: {end["reason"]}'] if end else ['it went with its monitor']
    if again:
        did.append(f'item {item} got another VM')
    if done:
        did.append(f'item {item}: {done[0]["verdict"]}')
    return f'{start["zone"]} of item {item}', ', '.join(did)


def reactions(kills, born, records):
    for k in kills:
        if k['role'] in CORES:
            ms = came_back(k, born)
            k['did'] = (f'started again after {ms} ms' if ms is not None
                        else 'not started again')
            k['restart_ms'] = ms
        elif k['vm']:
            k['doing'], k['did'] = of_vm(k, records)
        else:
            k['did'] = 'its item went on without it'


def numbers(f):
    verdicts = collections.Counter(VERDICTS[i['verdict']] for i in f.items)
    states = collections.Counter(STATES[e['state']] for e in f.effects)
    repeated = sum(bool(r.get('again')) for r in f.records)
    return {'mails': len(f.delivered), 'items': len(f.items),
            'verdicts': dict(verdicts), 'effects': dict(states),
            'files': len(f.files), 'records': len(f.records),
            'said again': repeated, 'kills': f.kills,
            'status compared': f.statuses}


def median(values):
    values = sorted(values)
    return values[len(values) // 2] if values else None


def by_role(kills):
    for role in ROLES:
        of = [k for k in kills if k['role'] == role]
        ms = [k['restart_ms'] for k in of if k.get('restart_ms') is not None]
        yield role, len(of), median(ms), max(ms, default=None)


def lines(seed, facts, rows, kills, seconds, backend):
    bad = [what for what, wrong in rows if wrong]
    yield (f'kill campaign, seed {seed}: {"FAIL" if bad else "PASS"} '
           f'({len(kills)} kills in {seconds:.0f} s, {backend})')
    yield ''
    for what, wrong in rows:
        yield f'{"FAIL" if wrong else "ok":4}  {what}'
        for w in wrong:
            yield f'        {w}'
    yield ''
    for what, n in numbers(facts).items():
        if isinstance(n, dict):
            n = ', '.join(f'{v} {k}' for k, v in sorted(n.items())) or 'none'
        yield f'{what + ":":17}{n}'
    yield ''
    yield f'{"role":14}{"killed":>7}{"back, median ms":>17}{"longest":>9}'
    for role, n, middle, most in by_role(kills):
        if n:
            yield (f'{role:14}{n:7}{middle if middle is not None else "":>17}'
                   f'{most if most is not None else "":>9}')
    yield ''
    found = unknown(facts)
    yield f'unknown effects: {len(found)}'
    for e in found:
        yield (f'  effect {e["effect"]} of item {e["item"]}, '
               f'audit record {e["index"]}')
    yield ''
    yield (f'{"kill":>4} {"at s":>7}  {"role":14}{"pid":>8}  what it was doing'
           '; what the system did')
    for k in kills:
        yield (f'{k["kill"]:4} {k["at_s"]:7.2f}  {k["role"]:14}{k["pid"]:8}  '
               f'{k["doing"]}; {k["did"]}')


def write(folder, seed, facts, rows, kills, events, seconds, backend):
    """Both files; the path of the one for reading."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, f'{seed}.jsonl'), 'w',
              encoding='utf-8') as f:
        for row in sorted(kills + events, key=lambda r: r['at_s']):
            f.write(json.dumps(row) + '\n')
        for what, wrong in rows:
            f.write(json.dumps({'event': 'check', 'what': what,
                                'wrong': wrong}) + '\n')
        f.write(json.dumps({'event': 'end', 'seed': seed,
                            'pass': not any(w for _, w in rows),
                            **numbers(facts)}) + '\n')
    path = os.path.join(folder, f'{seed}.txt')
    with open(path, 'w', encoding='utf-8') as f:
        for line in lines(seed, facts, rows, kills, seconds, backend):
            f.write(line + '\n')
    return path
