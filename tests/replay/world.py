"""world: what a suite's tools would have read, and the calls on it.

The executor would have got each mail, event, file or transaction as an item of
a source of the policy; a planner holds what is in it by handle. A Case is one
task of one planner: the owner's text, the calls, and the handles that they
name. Calls are written with the values of the suite and brought into the types
of the policy's arguments here.
"""
import json
import os
import re
import subprocess

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
POLICIES = os.path.join(ROOT, 'policy', 'replay')

CLEAN = {'tainted': False, 'private': False}
TAINTED = {'tainted': True, 'private': True}


class Policy:
    """The arguments of a policy's capabilities, as its file has them."""

    def __init__(self, name):
        self.name = name
        self.path = os.path.join(POLICIES, f'{name}.yaml')
        with open(self.path, encoding='utf-8') as f:
            policy = yaml.safe_load(f)
        self.capabilities = policy['capabilities']
        self.sources = policy['sources']

    def args(self, capability):
        return self.capabilities[capability]['args']

    def acts(self, capability):
        return self.capabilities[capability]['effect'] != 'read'


class Item:
    """One item of a source: who sent it, its number there, what it says."""

    def __init__(self, source, sender, number, texts):
        self.source, self.sender, self.number = source, sender, str(number)
        self.texts = [t for t in texts if t]


class Case:
    """A task: what the owner wrote, what was read, what is called."""

    def __init__(self, policy, owner, items, session=None, note=''):
        self.policy, self.owner, self.items = policy, owner, items
        self.session = session or CLEAN
        self.handles, self.calls, self.note = [], [], note

    def ref(self, of, value, item):
        row = {'of': of, 'value': value, 'item': item}
        if row not in self.handles:
            self.handles.append(row)
        return {'ref': f'@{self.handles.index(row) + 1}'}

    def handle(self, ref):
        return self.handles[int(ref['ref'][1:]) - 1]

    def item_of(self, source, number):
        for i, item in enumerate(self.items):
            if item.source == source and item.number == str(number):
                return i
        raise KeyError(f'no item {number} in {source}')

    def saying(self, text):
        """The item that has the text, or None."""
        for i, item in enumerate(self.items):
            if any(text in t for t in item.texts):
                return i
        return None

    def line(self):
        return {
            'policy': os.path.relpath(self.policy.path, ROOT),
            'owner': self.owner,
            'session': self.session,
            'items': [{'source': i.source, 'from': i.sender}
                      for i in self.items],
            'handles': self.handles,
            'calls': self.calls,
        }


def datetime_of(value):
    """'2024-05-30 10:20', '2022-01-01' as RFC 3339."""
    value = str(value).replace(' ', 'T')
    if re.fullmatch(r'\d{4}-\d\d-\d\d', value):
        value += 'T00:00'
    return value + ':00Z' if re.fullmatch(r'.*T\d\d:\d\d', value) else value


def literal(spec, value):
    """A value as the planner writes it for an argument of that type."""
    kind = spec['type']
    if kind == 'datetime':
        return datetime_of(value)
    if kind == 'money':
        return f'{str(spec["max"]).split()[0]} {float(value):.2f}'
    if kind == 'text':
        # One line where the type has one: a planner knows the schema.
        text = str(value)
        return text if 'KiB' in str(spec.get('max', '')) else \
            re.sub(r'\s+', ' ', text).strip()
    return value


class Task:
    """A task on the real broker: its items, and what is called. A planner
    refers by name to what the broker gave him a handle of."""

    FREE = '-'
    NOBODY = 'nobody@nowhere.example'
    PARTS = {'attachment': ('attachment',), 'text': ('subject', 'body'),
             'address': ('from',)}

    def __init__(self, policy, owner, note):
        self.policy, self.owner, self.note = policy, owner, note
        self.items, self.calls = [], []

    def add(self, source, sender, key=None):
        """An item of that source; the provider vouches for its sender."""
        self.items.append({
            'connector': self.policy.sources[source]['connector'],
            'from': sender or self.NOBODY, 'proved': bool(sender),
            'subject': self.FREE, 'body': self.FREE, 'key': key})
        return len(self.items) - 1

    def say(self, i, part, value):
        """The part of the item that has the value; one that is taken by
        another value already stays as it is."""
        item = self.items[i]
        if item.get(part, self.FREE) in (self.FREE, self.NOBODY):
            item[part] = value
        return {'ref': f'{i}.{part}'} if item[part] == value else None

    def place(self, case, handle):
        """A handle of the case as one that the broker gives: by an item of the
        same source and sender, which has the value where it has room."""
        of, value = handle['of'].split('.')[1], handle['value']
        item = case.items[handle['item']]
        rows = [i for i, row in enumerate(self.items)
                if row['key'] == handle['item']]
        for i in rows + [None]:
            if i is None:
                i = self.add(item.source, item.sender, handle['item'])
            if of == 'thread':
                return {'ref': f'{i}.thread'}
            for part in self.PARTS[of]:
                ref = self.say(i, part, value)
                if ref:
                    return ref
        raise RuntimeError(f'{self.note}: no place for {value}')

    def placed(self, case, value):
        """An argument of the case with the broker's handles. Pieces of one item
        are one text of it."""
        if isinstance(value, list):
            return [self.placed(case, v) for v in value]
        if not isinstance(value, dict):
            return value
        if 'ref' in value:
            return self.place(case, case.handle(value))
        pieces = [case.handle(a) for a in value['args']]
        if len(pieces) == 1:
            return {'tmpl': value['tmpl'],
                    'args': [self.place(case, pieces[0])]}
        whole = value['tmpl'].format(*(p['value'] for p in pieces))
        return self.place(case, {**pieces[0], 'value': whole})

    def line(self):
        items = [{k: v for k, v in i.items() if k != 'key'}
                 for i in self.items]
        return {'policy': os.path.relpath(self.policy.path, ROOT),
                'owner': self.owner, 'items': items, 'calls': self.calls}


def task_of(case):
    """The same on the real broker."""
    task = Task(case.policy, case.owner, case.note)
    for c in case.calls:
        task.calls.append({'call': c['call'], 'args': {
            k: task.placed(case, v) for k, v in c['args'].items()}})
    return task


class Engine:
    """A program that decides cases; one line each."""

    def __init__(self, build, name='replay_engine', *args):
        self.program = [os.path.join(build, 'tests', name), *args]

    def run(self, cases):
        lines = '\n'.join(json.dumps(c.line()) for c in cases) + '\n'
        out = subprocess.run(self.program, input=lines, text=True, cwd=ROOT,
                             stdout=subprocess.PIPE, check=True).stdout
        answers = [json.loads(line) for line in out.splitlines()]
        if len(answers) != len(cases):
            raise RuntimeError(f'{len(cases)} cases, {len(answers)} answers')
        return answers
