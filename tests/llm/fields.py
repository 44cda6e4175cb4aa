"""Goal of this test: nothing in a request to a model that makes its provider
reach out, run something or remember gets through. The tables of requests know
every member that the providers' own client libraries (npm's @anthropic-ai/sdk
and openai) declare: a library that knows one more fails this test. And every
member and form that a table names as refused or left out is sent once, at each
place where it could stand, and is never in what goes on."""
import copy
import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(ROOT, 'tests/servers'), os.path.join(ROOT, 'tools')]
from npm import BUILD, packages  # noqa: E402
from tally import FAIL, PASS, Tally  # noqa: E402

PROGRAM = os.path.join(BUILD, 'src/llm/llm_tables')
PNG = 'iVBORw0KGgoAAAANSUhEUg=='
PDF = 'JVBERi0xLjcKMTIzNDU2Nzg='
WAV = 'UklGRgAAAABXQVZFZm10IA=='
MARK = 'zzmarkzz'
# What a refused or left out thing may look like.
THINGS = [MARK, True, 7, {MARK: MARK}, [MARK], [{'type': 'url', 'url': MARK}]]
MOST = 60000


def value(shape):
    """The least that a value of this shape can be."""
    kinds = shape['kinds']
    if 'object' in kinds and 'string' not in kinds:
        return least(shape['object'])
    if 'list' in kinds and 'string' not in kinds:
        return [value(shape['each'])] if 'object' in shape['each'] else []
    if 'string' in kinds:
        if shape['check'] == 2:
            return f'data:image/png;base64,{PNG}'
        if shape['check'] == 3:
            return f'data:application/pdf;base64,{PDF}'
        return shape.get('words', ' a ').split()[0]
    if 'bool' in kinds:
        return False
    if 'json' in kinds:
        return {}
    return int(shape['low'])


def least(table):
    """An object with what it needs, and nothing else."""
    if 'by' in table:
        word = next(w for w, o in table['cases'].items() if o)
        return {table['by']: word, **least(table['cases'][word])}
    made = {name: value(row['value']) for name, row in table['fields'].items()
            if row['rule'] == 'need'}
    if 'data' in made:
        made['data'] = {'image/png': PNG, 'application/pdf': PDF,
                        'wav': WAV}.get(made.get('media_type',
                                                 made.get('format')), 'a')
    if any(r['rule'] == 'model' for r in table['fields'].values()):
        made['model'] = 'm'
    return made


def bad_values(shape, at):
    if 'object' in shape:
        yield from bad(shape['object'], at)
    if 'each' in shape:
        for inner, *rest in bad_values(shape['each'], at + [0]):
            yield [inner], *rest


def bad_fields(table, base, at):
    for name, row in table['fields'].items():
        if row['rule'] in ('drop', 'refuse', 'false'):
            for thing in THINGS:
                yield ({**base, name: copy.deepcopy(thing)}, row['rule'],
                       at + [name])
        elif 'value' in row:
            for inner, *rest in bad_values(row['value'], at + [name]):
                yield {**base, name: inner}, *rest


def bad(table, at):
    """Objects with one thing each that must not get through, anywhere in
    them: the object, what is to become of that thing, where it stands."""
    if 'by' not in table:
        yield from bad_fields(table, least(table), at)
        return
    for word, inner in table['cases'].items():
        if inner is None:
            yield ({table['by']: word, 'id': MARK, 'url': MARK, 'name': MARK,
                    'file_id': MARK}, 'refuse', at + [table['by']])
            continue
        yield from bad_fields(inner, {table['by']: word, **least(inner)}, at)


def written(at):
    """The place as a refusal writes it."""
    return ''.join(f'[{k}]' if isinstance(k, int) else f'.{k}'
                   for k in at)[1:]


def wrong(answer, rule, at):
    """Why that is not what becomes of it; None: it is."""
    if MARK in answer.split(': ', 1)[0] or (answer[0] == '=' and MARK in answer):
        return 'it goes on'
    if answer[0] != '=':
        place = answer[2:].split(': ', 1)[0]
        return None if rule != 'drop' and place == written(at) else \
            f'{place} is refused, not {written(at)}'
    if rule != 'drop':
        return 'it is not refused'
    v = json.loads(answer[2:])
    for k in at[:-1]:
        try:
            v = v[k]
        except (KeyError, IndexError, TypeError):
            return f'{k} is not in what goes on'
    return f'{at[-1]} is in what goes on' if at[-1] in v else None


def rebuilt(path, bodies):
    text = ''.join(json.dumps(b) + '\n' for b in bodies)
    r = subprocess.run([PROGRAM, path], input=text, capture_output=True,
                       text=True, timeout=600, check=True)
    return r.stdout.splitlines()


def sent(tally, path, table):
    ok = rebuilt(path, [least(table)])
    tally.add(PASS if ok[0].startswith('= ') else FAIL,
              f'{path}: the least request goes on', ok[0][:200])
    rows = list(bad(table, []))
    answers = rebuilt(path, [r[0] for r in rows])
    faults = [f'{json.dumps(body)[:200]}: {why}'
              for (body, rule, at), a in zip(rows, answers)
              if (why := wrong(a, rule, at))]
    known = 0 < len(rows) <= MOST and len(answers) == len(rows)
    tally.add(PASS if known and not faults else FAIL,
              f'{path}: {len(rows)} requests with what must not go on',
              f'{len(faults)} faults {faults[:4]}')
    # A table that says otherwise than the program is seen.
    rule = next(at for _, rule, at in rows if rule == 'refuse')
    tally.add(PASS if wrong('= {}', 'refuse', rule) and
              wrong('! elsewhere: is refused', 'refuse', rule) and
              wrong('= {"user": 1}', 'drop', ['user'])
              else FAIL, f'{path}: what is not as the table says is found')


def without(table, name):
    """The tables, one member of theirs not known."""
    cut = copy.deepcopy(table)
    del cut['/v1/messages']['fields'][name]
    return cut


def known(place, tables):
    with open(os.path.join(place, 'tables.json'), 'w', encoding='utf-8') as f:
        json.dump(tables, f)
    r = subprocess.run(['node', 'fields.js', 'tables.json'], cwd=place,
                       capture_output=True, text=True, timeout=300,
                       check=True)
    return json.loads(r.stdout)


def main():
    tally = Tally('llm-fields')
    tables = json.loads(subprocess.run([PROGRAM], capture_output=True,
                                       check=True).stdout)
    for path, table in tables.items():
        sent(tally, path, table)
    place = packages('sdk', HERE)
    found = known(place, tables)
    tally.add(PASS if not found['missing'] and found['objects'] > 500 else FAIL,
              'every member of the client libraries is in a table',
              f"{found['objects']} objects, {found['kept']} members kept, "
              f"{found['refused']} refused, {found['dropped']} left out, "
              f"missing: {' '.join(found['missing'])}")
    control = known(place, without(tables, 'mcp_servers'))
    tally.add(PASS if control['missing'] == ['/v1/messages.mcp_servers']
              else FAIL, 'one that is in no table is found',
              str(control['missing']))
    return tally.end()


if __name__ == '__main__':
    sys.exit(main())
