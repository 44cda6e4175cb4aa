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
            self.capabilities = yaml.safe_load(f)['capabilities']

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
    """A task of one item on the real broker: who sent it and what it says is
    the attacker's, and a planner refers to that by name."""

    def __init__(self, policy, owner, connector, note):
        self.policy, self.owner, self.note = policy, owner, note
        self.item = {'connector': connector, 'sender': 'eve@stranger.example',
                     'from': 'eve@stranger.example', 'subject': '-',
                     'body': '-'}
        self.calls = []

    def say(self, part, value):
        """The part of the item that has the value; one that is taken by
        another value already stays as it is."""
        if self.item[part] in ('-', 'eve@stranger.example'):
            self.item[part] = value
        return {'ref': part} if self.item[part] == value else value

    def line(self):
        line = {'policy': os.path.relpath(self.policy.path, ROOT),
                'owner': self.owner, 'calls': self.calls}
        return {**line, 'item': self.item} if self.item else line


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
