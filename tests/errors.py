#!/usr/bin/env python3
"""Goal of this test: whatever is wrong, the owner is told where and what to do.

Each error of `config check`, `policy check`, `doctor`, `init` and `up` is met
once, and what is said of it is in tests/data/cli/errors-*.txt. A message of the
sources that no case meets fails the test, unless it is listed below with why.

usage: errors.py [--accept]    --accept writes the golden files anew
"""
import contextlib
import fcntl
import glob
import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

SRC = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get('BULKHEAD_BUILD', os.path.join(SRC, 'build'))
IMAGES = os.environ.get('BULKHEAD_IMAGES', os.path.join(BUILD, 'images'))
DATA = os.path.join(SRC, 'tests/data/cli')
BULKHEAD = os.path.join(BUILD, 'bulkhead')

# A case: its name, what to run, and in what world. Edits are of the file that
# is checked, old text to new; whole files are given as bytes.
CONF = '''\
bulkhead: 1
state: state
control: {users: [1000], socket: default}
agents:
  assistant:
    policy: assistant.yaml
    planner: {kind: triage}
    tasks:
      - {on: mail, say: "What is new?"}
vms:
  reader: {memory: 128MiB, cpus: 1, deadline: 10s, pool: 1, parked: waiting}
backend: auto
connectors:
  inbox: {kind: maildir, path: Maildir}
  drafts: {kind: outbox, path: outbox}
'''

CONFIG_CASES = [
    ('an unknown key', {'backend:': 'colour:'}),
    ('a key that is nearly right', {'backend:': 'backnd:'}),
    ('documents that nobody reads', {'{kind: triage}': '{kind: triage, documents: [a]}'}),
    ('documents that are no list', {'{kind: triage}': '{kind: llm, documents: a}'}),
    ('a key of a later version', {'backend: auto': 'audit: {retention: 1d}'}),
    ('models without a place', {'backend: auto': 'upstreams: {}'}),
    ('a value that is unknown', {'auto': 'hyper-v'}),
    ('a value that is nearly right', {'auto': 'qemu-tgc'}),
    ('a value of a later version', {'auto': 'native'}),
    ('what is missing', {'    planner: {kind: triage}\n': '',
                         'connectors:': 'vms2:'}),
    ('bounds of the queue', {'backend: auto': 'queue: {items: 0, per_source: x, '
                             'bytes: 1KiB, reserve: 2000GiB, history: 1000001}'}),
    ('bounds of supervision', {'backend: auto': 'supervision: {watchdog: 1s, '
                               'backoff: 2h, healthy: x, restarts: 101}'}),
    ('bounds of the reserve', {'backend: auto': 'audit: {reserve: 1KiB}'}),
    ('a share above the whole', {'backend: auto': 'queue: {items: 10, per_source: 11}'}),
    ('a history below the queue', {'backend: auto': 'queue: {history: 9999}'}),
    ('a collector that is none', {'backend: auto': 'telemetry: {otlp: "http://x:1", '
                                  'queue: 1, logs: some}'}),
    ('logs without a collector', {'backend: auto': 'telemetry: {logs: full}'}),
    ('a socket of metrics with a long path', {
        'backend: auto': 'telemetry: {metrics: /' + 's' * 110 + '}'}),
    ('a list where a value belongs', {'auto': '[auto]'}),
    ('a value where a map belongs', {'{kind: triage}': 'triage'}),
    ('an empty value', {'auto': '""'}),
    ('another version', {'bulkhead: 1': 'bulkhead: 2'}),
    ('users that are no list', {'[1000]': '1000'}),
    ('a user by name', {'[1000]': '[lea]'}),
    ('a user twice', {'[1000]': '[7, 7]'}),
    ('a socket path too long', {'default': '/' + 'a' * 108}),
    ('a path with controls', {'state: state': 'state: "a\\tb"'}),
    ('a path of another user', {'state: state': 'state: ~lea/state'}),
    ('a path too long', {'path: Maildir': 'path: /' + 'a' * 1024}),
    ('a state too long for a socket', {'state: state': 'state: /' + 's' * 100}),
    ('an agent by a wrong name', {'assistant:\n': 'As Sistant:\n'}),
    ('no agent', {'agents:\n': 'agents: []\nx:\n'}),
    ('two agents', {'vms:': '  second: {}\nvms:'}),
    ('a source by a wrong name', {'on: mail': 'on: "a mail"'}),
    ('a long instruction', {'What is new?': 'x' * 1024}),
    ('a second task for a source', {'"What is new?"}\n':
                                    '"a"}\n      - {on: mail, say: "b"}\n'}),
    ('no tasks', {'tasks:\n      - {on: mail, say: "What is new?"}':
                  'tasks: []'}),
    ('two tasks', {'"What is new?"}\n': '"a"}\n      - {on: x, say: "b"}\n'}),
    ('tasks without a planner', {'triage': 'none'}),
    ('a planner without tasks',
     {'    tasks:\n      - {on: mail, say: "What is new?"}\n': ''}),
    ('a size', {'128MiB': '1MiB'}),
    ('processors', {'cpus: 1': 'cpus: 2'}),
    ('a duration', {'10s': '10'}),
    ('a pool', {'pool: 1': 'pool: 17'}),
    ('no connectors', {'connectors:\n': 'connectors: []\nvms:\n'}),
    ('a mail server by a long name', {
        'path: Maildir': 'path: Maildir, authserv: ' + 'm' * 300}),
    ('a mail server by a wrong name', {
        'path: Maildir': 'path: Maildir, authserv: "mx 1"'}),
    ('frozen machines', {'backend: auto': 'kill: {machines: freeze, keep: 99}'}),
    ('a connector by a wrong name', {'inbox:': 'In Box:'}),
    ('a path twice', {'path: outbox': 'path: Maildir'}),
    ('an account without what it needs', {
        'kind: outbox, path: outbox': 'kind: imap'}),
    ('an account that leads anywhere', {
        'kind: outbox, path: outbox': 'kind: smtp, user: me@example.org, secret: s, '
                                      'hosts: ["0x7f.1:25", "10.0.0.1:25", '
                                      '"[::ffff:127.0.0.1]:25"]'}),
    ('a key of another kind', {'path: outbox': 'path: outbox, folder: INBOX'}),
    ('a token of nobody', {
        'kind: outbox, path: outbox': 'kind: imap, user: u, secret: s, auth: xoauth2, '
                                      'hosts: ["a:993"], token: "https://b/t"'}),
    ('a vault that nothing opens', {'backend: auto': 'vault: {files: [a.yaml]}'}),
    ('a time that no clock shows', {'on: mail': 'every: "24:00"'}),
    ('a duplicate key', {'backend: auto': 'backend: auto\nbackend: auto'}),
    ('an anchor', {'auto': '&a auto'}),
    ('an alias', {'auto': '*a'}),
    ('a tag', {'auto': '!!str auto'}),
    ('a merge key', {'backend: auto': '<<: {}'}),
    ('a key that is a map', {'backend: auto': '? {a: 1}\n: 2'}),
    ('a second document', {'backend: auto\n': 'backend: auto\n---\n'}),
    ('a directive', {'bulkhead: 1\n': '%YAML 1.2\n---\nbulkhead: 1\n'}),
    ('a hidden character', {'auto': 'au\u200bto'}),
    ('an escaped one', {'auto': '"au\\u200bto"'}),
    ('not UTF-8', b'bulkhead: \xff\n'),
    ('too large', b'#' * (1 << 20) + b'x'),
    ('too deep', b'a: ' + b'[' * 30 + b']' * 30 + b'\n'),
    ('too many values', b'a: [' + b'1,' * 65600 + b'1]\n'),
    ('too many keys', b''.join(b'k%d: 1\n' % i for i in range(1030))),
    ('no YAML', b'a: [1\nb: }\n'),
    ('an empty file', b''),
    ('no file', None),
    ('a policy that is not there', {'policy: assistant': 'policy: missing'}),
    ('a connector the policy wants', {'drafts:': 'sent:'}),
    ('a connector of the wrong direction', {'kind: outbox': 'kind: maildir'}),
    ('a mail connector of the wrong direction', {'kind: maildir': 'kind: outbox'}),
    ('a task for a source that is not there', {'on: mail': 'on: post'}),
]

POLICY = '''\
bulkhead: 1
mode: enforce
sets: {people: [a@x.org, b@x.org], none: []}
sources:
  mail: {reader: email, connector: inbox, integrity: external, audience: thread, reveal: text}
capabilities:
  mail.send:
    connector: drafts
    effect: external
    undo: none
    args:
      to: {type: email, many: 5, role: target, in: people}
      body: {type: text, max: 200, role: content}
    decide:
      - allow: {}
    limits: {rate: 6/hour}
'''
ARGS = '''\
      to: {type: email, many: 5, role: target, in: people}
      body: {type: text, max: 200, role: content}
'''


def arg(text, decide=None):
    edits = {ARGS: f'      {text}\n'}
    if decide:
        edits['      - allow: {}\n'] = f'      - {decide}\n'
    return edits


def top(*lines):
    """Lines at the top level, in front of what they may break."""
    return {'mode: enforce\n': 'mode: enforce\n' + ''.join(f'{x}\n' for x in lines)}


def cap(text):
    """One more key of the capability."""
    return {'    limits: {': f'    {text}\n    limits: {{'}


MEMORY = {
    'put': {'name': '{type: id, role: selector, from: [config, owner, planner]}',
            'text': '{type: text, role: content, max: 8KiB}'},
    'get': {'name': '{type: id, role: selector, from: [config, owner, planner]}',
            'as': '{type: enum, role: control, values: [text], optional: true}'}}


def memory(op, connector='memory', undo='reversible', **args):
    """One capability of memory's; the arguments that are otherwise."""
    args = {**MEMORY.get(op, {}), **args}
    rows = ''.join(f'      {k}: {v}\n' for k, v in args.items() if v)
    return {'capabilities:\n': 'capabilities:\n  memory.%s:\n    connector: %s\n'
            '    effect: %s\n    undo: %s\n    args:\n%s'
            '    decide: [{allow: {}}]\n    limits: {rate: 6/hour}\n'
            % (op, connector, 'read' if op == 'get' else 'internal', undo,
               rows)}


POLICY_CASES = [
    ('two names that are one to a model', {'capabilities:\n': (
        'capabilities:\n  mail_send: {connector: drafts, effect: internal, undo: none, args: {n: {type: bool, role: control}}, '
        'decide: [{allow: {}}], limits: {rate: 1/hour}}\n')}),
    ('memory by another connector', memory('put', connector='drafts')),
    ('memory that is none', memory('burn', name=MEMORY['put']['name'])),
    ('memory without a text', memory('put', text=None)),
    ('memory with too much', memory('put', to='{type: email, role: content}')),
    ('a name that is none', memory('get', name='{type: text, role: selector, '
                                   'max: 9, from: [planner]}')),
    ('a note that is too long', memory(
        'put', text='{type: text, role: content, max: 9KiB}')),
    ('a way to read that is none', memory(
        'get', **{'as': '{type: enum, role: control, values: [loud], '
                        'optional: true}'})),
    ('memory with a window', memory('put', undo='{window: 60s}')),
    ('another capability of memory\'s', {'connector: drafts': 'connector: memory'}),
    ('no file', None),
    ('another version', {'bulkhead: 1': 'bulkhead: 2'}),
    ('an unknown key', {'mode:': 'mood:'}),
    ('a mode that is none', {'enforce': 'dry'}),
    ('a set by a wrong name', {'none: []': 'None: []'}),
    ('a set that is no list', {'none: []': 'none: 1'}),
    ('sets that are no map', {'{people: [a@x.org, b@x.org], none: []}': '[]'}),
    ('a member twice', {'b@x.org': 'a@x.org'}),
    ('a member that is no address', {'b@x.org': 'b'}),
    ('an address that is not ASCII', {'b@x.org': 'b@\u00fc.org'}),
    ('a set that is not there', {'in: people': 'in: family'}),
    ('a set that is nearly right', {'in: people': 'in: peopel'}),
    ('an empty set', {'in: people': 'in: none'}),
    ('two sources of one connector', {
        'capabilities:': '  more: {reader: email, connector: inbox, integrity: '
        'external, audience: thread, reveal: text}\ncapabilities:'}),
    ('a capability of our own', {'mail.send': 'task.get'}),
    ('an undo that is none', {'undo: none': 'undo: {for: 5m}'}),
    ('an undo window that is too long', {'undo: none': 'undo: {window: 2d}'}),
    ('a rate', {'6/hour': '6/second'}),
    ('no rows', {'    decide:\n      - allow: {}\n': '    decide: []\n'}),
    ('a row of two words', {'allow: {}': '{allow: {}, deny: {}}'}),
    ('a condition on nothing', {'allow: {}': 'allow: {cc: {in: people}}'}),
    ('a condition on nearly something', {'allow: {}': 'allow: {boby: {is: x}}'}),
    ('a condition of two tests', {'allow: {}': 'allow: {to: {in: people, is: a@x.org}}'}),
    ('a session that is none', {'allow: {}': 'allow: {session: {is: x}}'}),
    ('a session of nothing', {'allow: {}': 'allow: {session: {}}'}),
    ('an owner without an address', {'allow: {}': 'allow: {to: {is: owner}}'}),
    ('an envelope that is no origin',
     arg('x: {type: id, role: target, from: [owner], else: deny}', 'allow: {x: {is: envelope}}')),
    ('a task that is no handle', {'allow: {}': 'allow: {to: {is: task}}'}),
    ('a sender of an address', {'allow: {}': 'allow: {to: {sender_in: people}}'}),
    ('a glob for an address', {'allow: {}': 'allow: {to: {under: a/*}}'}),
    ('a time without a zone', {'allow: {}': 'allow: {time: {days: mon}}'}),
    ('a time that is none', {'allow: {}': 'allow: {time: {between: 7-9}}', **top('timezone: UTC')}),
    ('a time that ends at once', {'allow: {}': 'allow: {time: {between: "07:00-07:00"}}',
                                  **top('timezone: UTC')}),
    ('days that are none', {'allow: {}': 'allow: {time: {days: [Monday, mon, mon-fri]}}',
                            **top('timezone: UTC')}),
    ('rows that decide all of it', {'- allow: {}': '- allow: {session: {tainted: true}}\n'
                                    '      - allow: {session: {tainted: false}}\n'
                                    '      - deny: {body: {is: x}}\n'
                                    '      - allow: {to: {is: a@x.org}}'}),
    ('nobody to ask', {'allow: {}': 'ask: {}'}),
    ('conditions that are no map', {'allow: {}': 'allow: []'}),
    ('a row that is covered', {'- allow: {}': '- allow: {}\n      - deny: {body: {is: x}}\n'
                               '      - ask: {}'}),
    ('a row that another decides', {
        '- allow: {}': '- allow: {body: {in: [x, y]}}\n'
                       '      - ask: {body: {is: x}}'}),
    ('a value outside of the list', {'allow: {}': 'allow: {to: {is: c@x.org}}'}),
    ('values outside of the list', {'allow: {}': 'allow: {to: {in: [c@x.org, d@x.org]}}'}),
    ('an argument called time', arg('time: {type: text, max: 9, role: content}')),
    ('a text without a maximum', arg('x: {type: text, role: content}')),
    ('a text that is too long', arg('x: {type: text, max: 33KiB, role: content}')),
    ('a prefix that is too long', arg('x: {type: text, max: 2, prefix: ab, role: content}')),
    ('a prefix with a line break', arg('x: {type: text, max: 9, prefix: "a\\nb", role: content}')),
    ('a key of another type', arg('x: {type: bool, max: 3, role: content}')),
    ('a number without bounds', arg('x: {type: int, role: content}')),
    ('bounds that are none', arg('x: {type: int, min: a, max: 3, role: content}')),
    ('bounds the wrong way', arg('x: {type: int, min: 4, max: 3, role: content}')),
    ('a number with a comma', arg('x: {type: number, min: "1,5", max: 3, role: content}')),
    ('many of too many', arg('x: {type: id, many: 33, role: content, from: [planner]}')),
    ('an enum without values', arg('x: {type: enum, role: content}')),
    ('values that are no list', arg('x: {type: enum, values: a, role: content}')),
    ('a value with a blank', arg('x: {type: id, in: ["a b"], role: target}')),
    ('a value that is too long', arg('x: {type: id, in: [%s], role: target}' % ('a' * 129))),
    ('origins that are no list', arg('x: {type: id, role: target, in: [a], from: config}')),
    ('an origin twice', arg('x: {type: id, role: target, in: [a], from: [config, config]}')),
    ('a target that is chosen freely', arg('x: {type: id, role: target, from: [planner]}')),
    ('a target that nothing names', arg('x: {type: id, role: target, from: [config], else: deny}')),
    ('an else that is never reached', arg('x: {type: id, role: content, else: ask}')),
    ('a value longer than its argument',
     arg('x: {type: text, max: 3, role: content}', 'allow: {x: {is: abcd}}')),
    ('a closed value outside of the bounds',
     arg('x: {type: int, min: 1, max: 3, in: [5], role: control}')),
    ('a closed value without the prefix',
     arg('x: {type: text, max: 9, prefix: a, in: [b], role: target}')),
    ('a key of content elsewhere',
     arg('x: {type: text, max: 9, role: control, in: [a], links: any}')),
    ('a step of nothing', arg('x: {type: int, min: 1, max: 9, step: 0, role: control}')),
    ('bounds of two currencies',
     arg('x: {type: money, min: EUR 1, max: USD 5, role: control}')),
    ('a value of another currency',
     arg('x: {type: money, min: EUR 1, max: EUR 5, role: control}', 'deny: {x: {is: USD 2}}')),
    ('an amount without a currency', arg('x: {type: money, min: 1, max: EUR 5, role: control}')),
    ('a handle of nothing', arg('x: {type: handle, role: selector, else: deny}')),
    ('a handle of no source', arg('x: {type: handle, of: post.thread, role: selector, else: deny}')),
    ('a handle of no kind', arg('x: {type: handle, of: mail.threat, role: selector, else: deny}')),
    ('a handle that the planner writes',
     arg('x: {type: handle, of: mail.thread, role: selector, from: [planner], else: deny}')),
    ('a handle in a policy', arg('x: {type: handle, of: mail.thread, role: selector, else: deny}',
                                 'allow: {x: {is: "@12"}}')),
    ('a glob that is none', arg('x: {type: ref, role: target, from: [planner], under: agent*}')),
    ('a ref outside of the glob', arg('x: {type: ref, role: target, from: [planner], under: a/*}',
                                      'deny: {x: {is: main}}')),
    ('a glob outside of the glob', arg('x: {type: ref, role: target, from: [planner], under: a/*}',
                                       'deny: {x: {under: b/*}}')),
    ('a file without a maximum', arg('x: {type: file, role: content}')),
    ('a path that leaves', arg('x: {type: file, max: 9, role: content, deny_paths: [../a]}')),
    ('a credential from somewhere', arg('x: {type: id, role: credential, from: [config]}')),
    ('a condition on a credential',
     arg('x: {type: id, role: credential}', 'deny: {x: {is: a}}')),
    ('a list of every type', {ARGS: ''.join(
        f'      x{i}: {{type: {t}, role: target, in: [{v}]}}\n' for i, (t, v) in enumerate([
            ('url', 'a'), ('url', '"https://a/ b"'), ('url', '"https://a/%2f"'),
            ('url', '"https://a/%"'), ('url', '"https://\u00fc.org"'), ('url', '"https://1.2"'),
            ('url', '"https://a:0"'), ('url', '"https://a@b"'), ('repo', 'a'),
            ('repo', 'a/b.git'), ('ref', 'a..b'), ('ref', 'HEAD'), ('enum', '"a b"')]))}),
    ('a flow of no content', cap('flow: {to: audience}')),
    ('approvers that are none', cap('approve: {who: lea, via: cli, ttl: 31d}')),
    ('approvers twice', cap('approve: {who: [owner, owner], via: [cli, cli], ttl: 1h}')),
    ('a quorum that cannot be', {**cap('approve: {who: owner, quorum: 2, via: [cli], ttl: 1h, '
                                       'delay: 2h}'), 'allow: {}': 'ask: {}'}),
    ('approvers that nobody asks', {**cap('approve: {who: [owner, mei], via: [telegram], ttl: 1h}'),
                                    **top('principals: {mei: {github: mei}}'),
                                    'allow: {}': 'ask: {}'}),
    ('approvals that nothing asks for', cap('approve: {who: owner, via: [cli], ttl: 1h}')),
    ('a count by content', {'6/hour}': '6/hour, per: {body: 1/day}, concurrent: 0}'}),
    ('counts by too many', {'6/hour}': '6/hour, per: {%s}}' % ', '.join(
        f'a{i}: 1/day' for i in range(9))}),
    ('amounts that are none', {'6/hour}': '6/hour, total: 5/month, bytes: 5}', **top(
        'budgets: {llm_usd: 5, llm_tokens: 5, task_usd: 0, task_tokens: 5G, denials: 5, wall: 5, '
        'asks: [1/day, 2/day], targets: 1/task}')}),
    ('sources that only come from somewhere', {'reveal: text': 'reveal: text, only: all'}),
    ('too many people', top('principals: {%s}' % ', '.join(
        f'p{i}: {{github: a}}' for i in range(32)))),
    ('people that are nobody', top('owner: {telegram: raoul, slack: a b, email: me, approvals: '
                                   '{chat: -5}}', 'principals: {owner: {}}')),
    ('a time zone that is not there', top('timezone: Europe/Atlantis')),
    ('a decoy that does something', top('decoys: [mail.send, a, a]')),
    ('a bot that shows approvals and more', {
        **top('owner: {approvals: {telegram_bot: drafts, chat: 5}}')}),
    ('a source that shows approvals', {
        **top('owner: {approvals: {telegram_bot: inbox, chat: 5}}')}),
    ('the approval chat as a target', {
        **arg('x: {type: id, role: target, in: ["-5"]}'),
        **top('owner: {telegram: 5, approvals: {telegram_bot: cards, chat: -5}}')}),
    ('half a Slack bot', top('owner: {approvals: {slack_bot: cards}}')),
    ('a group that nobody answers in', top('owner: {approvals: {telegram_bot: cards, chat: -5}}')),
    ('a chat with somebody else', top('owner: {telegram: 6, approvals: {telegram_bot: cards, '
                                      'chat: 5}}')),
    ('one person twice', top('owner: {telegram: 5}', 'principals: {mei: {telegram: 5}}')),
    ('a secret that is published', {'audience: thread': 'audience: secret',
                                    **cap('flow: {body: public}')}),
    ('a secret that is answered', {
        'audience: thread': 'audience: secret',
        **arg('x: {type: handle, of: mail.thread, role: selector, else: deny}')}),
    ('a lease that asks nobody', top('lease: {autonomy: 1h, on_expiry: ask}')),
    ('a truth that is none', arg('x: {type: bool, role: control}', 'allow: {x: {is: maybe}}')),
    ('a text with a control',
     arg('x: {type: text, max: 9, role: content}', 'allow: {x: {is: "a\\nb"}}')),
    ('too many arguments', {ARGS: ''.join(
        f'      a{i}: {{type: bool, role: control}}\n' for i in range(25))}),
    ('too many values in a call', {ARGS: ''.join(
        f'      a{i}: {{type: id, many: 32, role: content}}\n' for i in range(4))}),
    ('too many capabilities', {'mail.send:': 'x0: {}\n' + ''.join(
        f'  x{i}: {{}}\n' for i in range(1, 260)) + '  mail.send:'}),
    ('too many sources', {'  mail: {': ''.join(
        f'  s{i}: {{}}\n' for i in range(33)) + '  mail: {'}),
    ('too many sets', {'none: []': ', '.join(f's{i}: [a]' for i in range(257))}),
    ('sources that are no map', {'sources:\n  mail:': 'sources: 1\nx:\n  mail:'}),
]

# What a case cannot bring about.
NOT_MET = [
    'out of memory', 'schema table too long', 'cannot read',
    "the home directory's path is too long", 'not YAML', 'syntax error',
    'is not well-formed UTF-8',  # the file is checked before
    'the instruction has control characters',  # and no text has any
    'has no known type', '(unknown)', 'not enforced by this version: %s', 'is damaged',
    'is larger than', 'is not a handle', 'is not a file', 'is not a time as',
]


class World:
    """A home with configuration, policy and Maildirs; its path is $DIR."""

    def __init__(self):
        self.dir = os.path.realpath(tempfile.mkdtemp(prefix='bh'))
        os.chmod(self.dir, 0o755)
        self.write('assistant.yaml', POLICY)
        self.write('bulkhead.yaml', CONF.replace('users: [1000]', f'users: [{os.getuid()}]'))
        for d in ('new', 'cur', 'tmp'):
            os.makedirs(os.path.join(self.dir, 'Maildir', d))
            os.makedirs(os.path.join(self.dir, 'outbox', d))

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        with open(self.path(name), 'wb') as f:
            f.write(text if isinstance(text, bytes) else text.encode())

    def run(self, *args, wrap=(), text='', **env):
        env = {'PATH': os.environ['PATH'], 'HOME': self.dir, 'NO_COLOR': '1', **env}
        r = subprocess.run([*wrap, env.pop('PROGRAM', BULKHEAD), *args],
                           cwd=self.dir, capture_output=True, check=False,
                           timeout=300, env=env, input=text.encode())
        out = (r.stdout + r.stderr).decode('utf-8', 'replace')
        for real, name in [(self.dir, '$DIR'), (IMAGES, '$IMAGES'),
                           (BUILD, '$BUILD')]:
            out = out.replace(real, name)
        # A sanitizer misses /proc, even to be told that it need not look.
        out = re.sub(r"==\d+==(WARNING: reading exec|Can't open /proc|LeakSanitizer has enc|"
                     r'HINT: ).*\n', '', out)
        out = re.sub(r'(time=|process )(20\S+|\d+)', r'\1N', out)
        out = re.sub(r'(has|only|from) \d+( records| on|: the log)', r'\1 N\2', out)
        out = re.sub(r'still starting;.*\n|, QEMU emulator.*', '', out)
        return r.returncode, re.sub(r'(.)\1{60,}', r'\1\1\1[...]', out)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        shutil.rmtree(self.dir, ignore_errors=True)


def edited(base, how):
    if isinstance(how, bytes):
        return how
    for old, new in how.items():
        assert old in base, old
        base = base.replace(old, new, 1)
    return base


def file_cases(command, name, base, cases):
    with World() as w:
        for title, how in cases:
            if how is None:
                os.unlink(w.path(name))
            else:
                w.write(name, edited(base, how))
            rc, out = w.run(command, 'check', name)
            yield title, rc, out


def config_cases():
    yield from file_cases('config', 'bulkhead.yaml', CONF, CONFIG_CASES)
    with World() as w:
        w.write('bulkhead.yaml', CONF)
        w.write('assistant.yaml', POLICY.replace('reader: email', 'reader: telegram').replace(
            'sources:', 'owner: {telegram: 5, approvals: {telegram_bot: cards, chat: 5}}\nsources:'))
        yield ('a policy that wants a bot, and another reader',
               *w.run('config', 'check', 'bulkhead.yaml'))
        w.write('bulkhead.yaml', CONF.replace(
            '{kind: triage}', '{kind: llm, upstream: up, model: small}') +
            'upstreams:\n  up: {kind: openai, hosts: ["127.0.0.1:8080"], '
            'private: true, models: [any]}\n')
        w.write('assistant.yaml', POLICY + 'budgets: {task_usd: 1}\n')
        yield ('money without a price', *w.run('config', 'check',
                                               'bulkhead.yaml'))
        w.write('bulkhead.yaml', CONF.replace('drafts:', 'memory:'))
        w.write('assistant.yaml', POLICY.replace('capabilities:\n', memory(
            'put')['capabilities:\n']))
        yield ('a connector that is called memory',
               *w.run('config', 'check', 'bulkhead.yaml'))


def check_files(title, out):
    """File, line and column, where there is a file that could be read."""
    for line in out.splitlines():
        if 'cannot open' not in line:
            assert re.match(r'(\$DIR/)?(bulkhead|assistant|missing)\.yaml:\d+:\d+: .{10}', line), \
                f'{title}: {line}'


# doctor, init, up: what is wrong is brought about in a world of its own.

def ns(script):
    """Runs the program in namespaces where the script has been at work."""
    return ['unshare', *([] if os.getuid() == 0 else ['-r']), '-m', 'sh', '-c',
            script + '\nexec "$@"', 'sh']


# Refuses system calls: NR:ERRNO for each, of which an argument of 1 is one of a
# call's first argument ("NR=1:ERRNO"), then the program.
REFUSE = r'''
import ctypes, os, struct, sys
rules, code = sys.argv[1].split(), b''
def op(*a):
    return struct.pack('HBBI', *a)
for rule in rules:
    nr, e = rule.split(':')
    nr, first = (nr.split('=') + [None])[:2]
    body = op(0x06, 0, 0, 0x50000 | int(e))
    if first is not None:
        body = op(0x20, 0, 0, 16) + op(0x15, 0, 1, int(first)) + body
    code += op(0x20, 0, 0, 0) + op(0x15, 0, len(body) // 8, int(nr)) + body
code += op(0x06, 0, 0, 0x7fff0000)
libc = ctypes.CDLL(None, use_errno=True)
text = ctypes.create_string_buffer(code, len(code))
prog = struct.pack('HxxxxxxQ', len(code) // 8, ctypes.addressof(text))
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, prog, 0, 0):
    sys.exit('no filter: errno %d' % ctypes.get_errno())
os.execvp(sys.argv[2], sys.argv[2:])
'''
EPERM, EINVAL, ENOSYS = 1, 22, 38
NR_UNSHARE, NR_SECCOMP, NR_MEMFD, NR_LANDLOCK = 272, 317, 319, 444


def refused(*rules):
    return [sys.executable, '-c', REFUSE, ' '.join(rules)]


# Root without a capability: files of mode 000 are closed to it, too.
WEAK = ['setpriv', '--bounding-set=-all', '--inh-caps=-all']


def sysctl(name, value):
    """A world whose kernel has this setting, and refuses namespaces."""
    return ns('mount -t tmpfs none /proc/sys/kernel; '
              f'echo {value} >/proc/sys/kernel/{name}') \
        + refused(f'{NR_UNSHARE}:{EPERM}')


def in_chroot(w):
    """A directory that has everything, and is no mount point."""
    root = w.path('root')
    return ns(f'''
mkdir {root}
for d in /*; do
	if [ -L "$d" ]; then cp -P "$d" {root}/
	elif [ -d "$d" ]; then mkdir "{root}$d"; mount --rbind "$d" "{root}$d"; fi
done
cd {root}
''') + ['chroot', root]


@contextlib.contextmanager
def listening(path, answers=False):
    """Somebody has the control socket; each call is hung up on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.bind(path)
        s.listen(8)

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    s.accept()[0].close()
        if answers:
            threading.Thread(target=serve, daemon=True).start()
        yield
        with contextlib.suppress(OSError):
            s.shutdown(socket.SHUT_RDWR)
        os.unlink(path)


def lines_of(out, *checks):
    """Of doctor's answer, only what these checks say; machines differ."""
    found, on = [], False
    for line in out.splitlines():
        m = re.match(r'(ok  |note|BAD )  (\S+)', line)
        if m:
            on = m.group(2) in checks
        if on and found and not m and 'to do: ' not in line:
            found[-1] += ' ' + line.strip()  # where it breaks, paths decide
        elif on:
            found.append(line)
    text = '\n'.join(found) + '\n'
    for machine, same in [(r'\d+ MiB', 'N MiB'), (r'Linux 2\.6\S*', 'Linux 2.6'),
                          (r'QEMU emulator[^;\n]*', 'QEMU VERSION')]:
        text = re.sub(machine, same, text)
    return text


def doctor(w, *checks, wrap=(), **env):
    rc, out = w.run('--config', w.path('bulkhead.yaml'), 'doctor', '--images',
                    env.pop('images', IMAGES), wrap=wrap, **env)
    said = lines_of(out, *checks)
    assert rc == 1 or 'BAD ' not in said, out
    # What else is wrong with this machine is none of the case's business.
    return 1 if 'BAD ' in said else rc if 'BAD ' not in out else 0, said


def copied_images(w, name):
    d = w.path(name)
    os.mkdir(d)
    for f in os.listdir(IMAGES):
        if os.path.isfile(os.path.join(IMAGES, f)):
            shutil.copy(os.path.join(IMAGES, f), d)
    return d


def images_with(w, name, qemu):
    """Images with this for bulkhead's own QEMU; None: without one."""
    d = copied_images(w, name)
    sums = os.path.join(d, 'SHA256SUMS')
    with open(sums, encoding='utf-8') as f:
        lines = [l for l in f if not l.endswith('  qemu\n')]
    if qemu is None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(d, 'qemu'))
    else:
        with open(os.path.join(d, 'qemu'), 'wb') as f:
            f.write(qemu)
        lines.append(hashlib.sha256(qemu).hexdigest() + '  qemu\n')
    with open(sums, 'w', encoding='utf-8') as f:
        f.writelines(lines)
    return d


def images_for_local(w, name, content):
    """Images with that for the planner local's; None: without."""
    d = copied_images(w, name)
    files = ('planner-local.cpio', 'kernel-blk')
    sums = os.path.join(d, 'SHA256SUMS')
    with open(sums, encoding='utf-8') as f:
        lines = [l for l in f if l.split()[1] not in files]
    for n in files:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(d, n))
        if content is not None:
            with open(os.path.join(d, n), 'wb') as f:
                f.write(content)
            lines.append(f'{hashlib.sha256(content).hexdigest()}  {n}\n')
    with open(sums, 'w', encoding='utf-8') as f:
        f.writelines(lines)
    return d


def damaged_images(w):
    d = copied_images(w, 'images')
    with open(os.path.join(d, 'probe.cpio'), 'wb') as f:
        f.write(b'not it')
    return d


def lonely(w):
    """The program without the rest of bulkhead."""
    d = w.path('bin')
    os.mkdir(d)
    shutil.copy(BULKHEAD, d)
    return os.path.join(d, 'bulkhead')


def doctor_cases():
    with World() as w:
        yield ('another machine', *doctor(w, 'processor', wrap=['setarch', 'i686']))
        yield ('an old kernel', *doctor(w, 'kernel', wrap=['setarch', '--uname-2.6']))
        yield ('a /dev/kvm of others', *doctor(w, 'KVM', wrap=ns(
            'mount -t tmpfs none /dev; touch /dev/kvm /dev/null; chmod 0 /dev/kvm') + WEAK))
        yield ('no /dev/kvm', *doctor(w, 'KVM', wrap=ns('mount -t tmpfs none /dev')))
        without = images_with(w, 'without', None)
        yield ('no QEMU', *doctor(w, 'QEMU', images=without, wrap=ns(
            'mount --bind /dev/null /usr/bin/qemu-system-x86_64')))
        yield ('no QEMU for KVM', *doctor(w, 'QEMU', images=without, wrap=ns(
            'mount --bind /dev/null /usr/bin/qemu-system-x86_64-microvm')))
        yield ('QEMU', *doctor(w, 'QEMU'))
        yield ('no QEMU of ours', *doctor(w, 'QEMU', images=without))
        yield ('one of ours that does not run', *doctor(
            w, 'QEMU', images=images_with(w, 'broken', b'not a program')))
        yield ('no firmware', *doctor(w, 'QEMU', wrap=ns(
            'mount -t tmpfs none /usr/share/qemu')))
        yield ('no namespaces', *doctor(w, 'namespaces', wrap=[
            'unshare', '-r', 'sh', '-c',
            'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"', 'sh']))
        yield ('namespaces for none but root', *doctor(
            w, 'namespaces', wrap=sysctl('unprivileged_userns_clone', 0)))
        yield ('namespaces that AppArmor refuses', *doctor(
            w, 'namespaces', wrap=sysctl('apparmor_restrict_unprivileged_userns', 1)))
        yield ('a chroot', *doctor(w, 'namespaces', wrap=in_chroot(w)))
        yield ('namespaces that a container refuses', *doctor(
            w, 'namespaces', wrap=refused(f'{NR_UNSHARE}:{EPERM}')))
        yield ('no Landlock', *doctor(w, 'Landlock',
                                      wrap=refused(f'{NR_LANDLOCK}:{ENOSYS}')))
        yield ('no cgroups', *doctor(w, 'cgroups', wrap=ns(
            'for f in cgroup mountinfo; do mount --bind /dev/null /proc/$$/$f; done')))
        yield ('no seccomp', *doctor(w, 'seccomp',
                                     wrap=refused(f'{NR_SECCOMP}=2:{EINVAL}')))
        yield ('no memfd', *doctor(w, 'memfd', wrap=refused(f'{NR_MEMFD}:{ENOSYS}')))
        yield ('root alone', *doctor(w, 'namespaces', wrap=['unshare', '-r']))
        yield ('no images', *doctor(w, 'images', images='/nonexistent'))
        yield ('no other place for images', *doctor(w, 'images', 'processes',
                                                    PROGRAM=lonely(w)))
        yield ('damaged images', *doctor(w, 'images', images=damaged_images(w)))
        w.write('bulkhead.yaml', CONF.replace('auto', 'native'))
        yield ('a configuration with errors', *doctor(
            w, 'config', 'policy', 'state', 'connectors', 'latch', 'control'))
    with World() as w:
        w.write('assistant.yaml', POLICY.replace('thread', 'repo'))
        yield ('a policy with errors', *doctor(w, 'policy'))
        w.write('assistant.yaml', POLICY.replace('inbox', 'letters'))
        yield ('a policy that wants another connector', *doctor(w, 'policy'))
        os.mkdir(w.path('state'), 0o755)
        yield ('a state for all', *doctor(w, 'state'))
        os.chmod(w.path('state'), 0o700)
        with listening(w.path('state/control.sock')):
            yield ('it runs', *doctor(w, 'control'))
            os.chmod(w.path('state/control.sock'), 0)
            yield ('a socket of others', *doctor(
                w, 'control', wrap=WEAK if os.getuid() == 0 else []))
        with listening(w.path('state/control.sock'), answers=True):
            yield ('it hangs up', *doctor(w, 'templates'))
        w.write('state/latch', 'x')
        yield ('the latch', *doctor(w, 'latch'))
        yield ('no room', *doctor(w, 'state', wrap=ns(
            f'mount -t tmpfs -o size=8m,mode=700 none {w.path("state")}')))
        yield ('a log without its reserve, and no room for it', *doctor(
            w, 'state', wrap=ns('mount -t tmpfs -o size=8m,mode=700 none '
                                f'{w.path("state")}; '
                                f'mkdir {w.path("state/audit")}')))
        shutil.rmtree(w.path('outbox'))
        yield ('a Maildir that up makes', *doctor(w, 'connectors'))
        w.write('bulkhead.yaml', CONF.replace('path: outbox', 'path: a/b/outbox'))
        yield ('a Maildir that it does not', *doctor(w, 'connectors'))
    with World() as w:
        def names(text):
            w.write('resolv.conf', text)
            return doctor(w, 'names', wrap=ns(
                f'mount --bind {w.path("resolv.conf")} /etc/resolv.conf'))
        yield ('no account', *doctor(w, 'vault', 'names'))
        w.write('bulkhead.yaml', CONF.replace('backend: auto', VAULT).replace(
            'connectors:\n', 'connectors:\n  post: {kind: smtp, hosts: ["a:465"], '
            'user: u@a, secret: s, ca: ca.pem}\n'))
        yield ('accounts without their files', *doctor(w, 'connectors', 'vault'))
        w.write('secrets.age', 'x')
        yield ('a vault without keys', *doctor(w, 'vault'))
        w.write('id', 'x')
        os.chmod(w.path('id'), 0o644)
        yield ('keys for all', *doctor(w, 'vault'))
        os.chmod(w.path('id'), 0o600)
        yield ('a vault', *doctor(w, 'vault'))
        yield ('a name server', *names('nameserver 127.0.0.53\n'))
        yield ('no name server', *names('search example.org\n'))
    with World() as w:
        yield ('a long path', *w.run('--config', '/' + 'a' * 2000, 'doctor',
                                     wrap=['sh', '-c', '"$@" | grep -A1 " config "', 'sh']))
        yield ('a wrong option', *w.run('doctor', '--all'))
        yield ('an operand', *w.run('doctor', 'all'))


VAULT = 'vault: {files: [secrets.age], identity: id}'


def init_cases():
    def answers(*lines):
        return '\n'.join(lines) + '\n'
    with World() as w:
        def init(*args, text=''):
            rc, out = w.run('init', '--dir', w.path('new'), *args, text=text)
            return rc, out.split(']: ')[-1]
        yield ('a path with a quote', *init(text=answers('/a"b', '', '', '')))
        yield ('a planner that is none', *init(text=answers('', '', 'clever', '')))
        yield ('somebody who is no address', *init(text=answers('', '', '', 'Lea')))
        yield ('a long answer', *init(text=answers('/' + 'a' * 600)))
        yield ('a path that makes no file', *init(text=answers('~lea/x', '', '', '')))
        yield ('first', *init('--yes'))
        yield ('again', *init('--yes'))
        w.write('file', 'x')
        yield ('a directory that is none', *w.run('init', '--yes', '--dir', w.path('file/x')))
        yield ('a long directory', *w.run('init', '--yes', '--dir', '/' + 'a' * 2000))
        yield ('accounts, unasked', *init('--yes', '--accounts'))
        yield ('an authority somewhere', *init('--accounts', '--ca', 'ca.pem'))
        yield ('a server with a quote', *init('--accounts', text=answers('a"b')))
        yield ('no password', *init('--accounts', text=answers('a.example', 'me', '')))
        yield ('who is no number', *init('--accounts', text=answers('', '', '@lea')))
        yield ('a server that is none', *init('--accounts', text=answers(
            'a b', 'me', 'password', '', '', '', '', '')))
        yield ('a wrong option', *w.run('init', '--force'))
        yield ('an operand', *w.run('init', 'here'))
        yield ('a value that is missing', *w.run('init', '--dir'))


def damage_cases(up):
    """What `up` says of a state that it left in order, and somebody changed."""
    with World() as w:
        def state(name):
            return w.path(os.path.join('state', name))

        def again():
            shutil.rmtree(w.path('state'))
            shutil.copytree(w.path('before'), w.path('state'))
            os.chmod(w.path('state'), 0o700)
        yield ('nothing', *up(w))
        w.run('--config', w.path('bulkhead.yaml'), 'down')
        shutil.copytree(w.path('state'), w.path('before'))
        for name in ('key', 'vkey', 'wal', 'checkpoint'):
            with open(state(f'audit/{name}'), 'r+b') as f:
                f.write(b'-nothing-')
            yield (f'a damaged audit/{name}', *up(w))
            os.unlink(state(f'audit/{name}'))
            yield (f'no audit/{name}', *up(w))
            again()
        shutil.rmtree(state('audit'))
        yield ('no log', *up(w))
        again()
        w.write('state/store.last', 'x')
        yield ('a store.last that is none', *up(w))
        again()
        w.write('state/store/state.db', 'x' * 5000)
        yield ('a damaged database', *up(w))
        os.unlink(state('store/state.db'))
        os.mkdir(state('store/state.db'))
        yield ('a directory for a database', *up(w))
        again()
        w.run('--config', w.path('bulkhead.yaml'), 'up', '--images', IMAGES)
        w.run('--config', w.path('bulkhead.yaml'), 'down')
        for name in ('store', 'audit'):
            shutil.move(state(name), w.path('newer'))
            shutil.copytree(w.path(f'before/{name}'), state(name))
            yield (f'an older state/{name}', *up(w))
            shutil.rmtree(state(name))
            shutil.move(w.path('newer'), state(name))
        with open(state('version'), 'w', encoding='utf-8') as f:
            f.write('1\n')
        w.write('state/upgrade', 'x')
        yield ('no place for a copy', *up(w))
        os.unlink(state('upgrade'))
        w.write('state/letters', 'x')
        yield ('something of others in an older state', *up(w))


PROCESSES = ['monitor', 'control', 'broker', 'auditd', 'store', 'telemetry', 'envelope',
             'connector', 'vault', 'netd', 'online', 'porter', 'vmm']


def script(w, name, text):
    path = w.path(f'bin/bulkhead-{name}')
    with open(path, 'w', encoding='utf-8') as f:
        f.write('#!/bin/sh\n' + text + '\n')
    os.chmod(path, 0o755)


def up_cases():
    def up(w, *args, **kw):
        return w.run('--config', w.path('bulkhead.yaml'), 'up', '--images',
                     kw.pop('images', IMAGES), *args, **kw)
    with World() as w:
        w.write('bulkhead.yaml', CONF.replace('auto', 'native'))
        yield ('a configuration with errors', *up(w))
        yield ('no configuration', *w.run('--config', w.path('none.yaml'), 'up'))
        yield ('a long one', *w.run('--config', '/' + 'a' * 2000, 'up'))
    with World() as w:
        yield ('an operand', *up(w, 'now'))
        yield ('here and in the background', *up(w, '--foreground', '--detach'))
        yield ('no images', *up(w, images='/nonexistent'))
        damaged = damaged_images(w)
        yield ('damaged images', *up(w, images=damaged))
        os.unlink(os.path.join(damaged, 'probe.cpio'))
        yield ('an image that is missing', *up(w, images=damaged))
        w.write('images/SHA256SUMS', '')
        yield ('an image that nobody knows', *up(w, images=damaged))
        w.write('images/SHA256SUMS', 'x' * 65536)
        yield ('sums that are none', *up(w, images=damaged))
        os.unlink(w.path('images/SHA256SUMS'))
        yield ('no sums', *up(w, images=damaged))
        without = images_with(w, 'without', None)
        nothing = 'mount --bind /dev/null /usr/bin/qemu-system-x86_64; '
        no_kvm = 'mount --bind /dev/null /usr/bin/qemu-system-x86_64-microvm; '
        yield ('no virtual machine', *up(w, images=without, wrap=ns(nothing + no_kvm)))
        w.write('bulkhead.yaml', CONF.replace('auto', 'qemu-kvm'))
        yield ('not the one that is wanted', *up(w, images=without, wrap=ns(no_kvm)))
        w.write('bulkhead.yaml', CONF)
        with listening(w.path('state/control.sock')):
            yield ('it runs already', *up(w))
        with open(w.path('state/supervisor'), 'w', encoding='utf-8') as f:
            fcntl.lockf(f, fcntl.LOCK_EX)
            yield ('it is about to run', *up(w))
        yield ('attached and not', *up(w, '--foreground', '--detach'))
        with open(w.path('state/lock'), 'w', encoding='utf-8') as f:
            fcntl.flock(f, fcntl.LOCK_EX)
            yield ('it runs there with another socket', *up(w))
        program = lonely(w)
        yield ('the rest of bulkhead is missing', *up(w, PROGRAM=program))
        for n in PROCESSES:
            script(w, n, '')
        os.unlink(w.path('bin/bulkhead-porter'))
        yield ('a process is missing', *up(w, PROGRAM=program))
        script(w, 'porter', '')
        yield ('no images beside it', *w.run('--config', w.path('bulkhead.yaml'), 'up',
                                             PROGRAM=program))
        os.chmod(w.path('bin/bulkhead-vmm'), 0o644)
        yield ('a process that is no program', *up(w, PROGRAM=program))
        os.chmod(w.path('bin/bulkhead-vmm'), 0o755)
        yield ('a monitor that ends', *up(w, PROGRAM=program))
        script(w, 'monitor', 'head -c 70000 /dev/zero >/dev/fd/$8')
        yield ('a monitor that says too much', *up(w, PROGRAM=program))
        with open(w.path('bin/bulkhead-monitor'), 'w', encoding='utf-8') as f:
            f.write('no program')
        yield ('a monitor that does not start', *up(w, PROGRAM=program))
        yield ('no /proc', *w.run('--config', w.path('bulkhead.yaml'), 'up',
                                  wrap=ns('mount -t tmpfs none /proc')))
        yield ('a long place of the images', *up(w, images='/' + 'a' * 2000))
        w.write('state/latch', 'x') if os.path.isdir(w.path('state')) else None
        yield ('the latch', *up(w))
        os.unlink(w.path('state/latch'))
        with open(w.path('state/supervisor'), 'w', encoding='utf-8') as f:
            fcntl.lockf(f, fcntl.LOCK_EX)
            yield ('one that supervises', *up(w))
        os.chmod(w.path('state'), 0o755)
        yield ('a state for all', *up(w))
        os.chmod(w.path('state'), 0o700)
        w.write('state/version', '3\n')
        yield ('a newer state', *up(w))
        w.write('state/version', 'x\n')
        yield ('a version that is none', *up(w))
        os.unlink(w.path('state/version'))
        w.write('assistant.yaml', POLICY.replace('thread', 'repo'))
        yield ('a policy with errors', *up(w, images='/nonexistent'))
        yield ('the same where a service would see it', *up(w, '--foreground'))
        w.write('assistant.yaml', POLICY.replace('inbox', 'letters').replace('drafts', 'post'))
        yield ('a policy that wants other connectors', *up(w))
        w.write('assistant.yaml', POLICY.replace('reader: email', 'reader: telegram').replace(
            'sources:', 'owner: {telegram: 5, approvals: {telegram_bot: cards, chat: 5}}\nsources:'))
        yield ('a reader and a bot for something else', *up(w))
        w.write('assistant.yaml', '#' * ((1 << 20) + 1))
        yield ('a large policy', *up(w))
        os.unlink(w.path('assistant.yaml'))
        yield ('a policy that is not there', *up(w))
        w.write('assistant.yaml', POLICY)
        w.write('bulkhead.yaml', CONF.replace('path: Maildir', 'path: a/b/c'))
        yield ('a Maildir that cannot be made', *up(w))
        shutil.rmtree(w.path('state/log'))
        w.write('state/log', 'x')
        yield ('a log that cannot be written', *up(w))
        shutil.rmtree(w.path('state'))
        for n in ('log', 'tip', 'store', 'connectors'):
            os.makedirs(w.path('state'), 0o700, exist_ok=True)
            w.write(f'state/{n}', 'x')
            w.write('bulkhead.yaml', CONF)
            yield (f'a file for state/{n}', *up(w))
            os.unlink(w.path(f'state/{n}'))
        for title, at in [('a socket nowhere', '/nonexistent/socket'),
                          ('a socket that is a file', 'assistant.yaml')]:
            w.write('bulkhead.yaml', CONF.replace('socket: default', f'socket: {at}'))
            yield (title, *up(w))
        w.write('bulkhead.yaml', CONF.replace('path: outbox', 'path: assistant.yaml'))
        yield ('a Maildir that is a file', *up(w))
    with World() as w:
        w.write('state', 'x')
        yield ('a state that is no directory', *up(w))
    with World() as w:
        w.write('bulkhead.yaml', CONF.replace(
            '{kind: triage}', '{kind: llm, upstream: up, model: small, '
            'documents: [me.md]}') + 'upstreams:\n  up: {kind: openai, '
            'hosts: ["127.0.0.1:8080"], private: true, models: [small]}\n')
        yield ('no document', *up(w))
        w.write('me.md', 'x' * 16385)
        yield ('a long document', *up(w))
        w.write('me.md', 'a \x1b[2J b')
        yield ('a document that hides something', *up(w))
        os.unlink(w.path('me.md'))
        os.mkdir(w.path('me.md'))
        yield ('a document that is no file', *up(w))
        w.write('bulkhead.yaml', CONF.replace(
            '{kind: triage}', '{kind: local, model: small.gguf}'))
        yield ('no image for a model', *up(
            w, images=images_for_local(w, 'without', None)))
        images = images_for_local(w, 'with', b'image')
        yield ('no model', *up(w, images=images))
        w.write('small.gguf', 'GGML')
        yield ('a model of another format', *up(w, images=images))
        os.unlink(w.path('small.gguf'))
        os.mkfifo(w.path('small.gguf'))
        yield ('a model that is no file', *up(w, images=images))
    yield from damage_cases(up)


GROUPS = {
    'config': (config_cases,
               ['src/conf/conf.c', 'src/conf/load.c', 'src/conf/schema.c',
                'src/conf/yaml.c', 'src/policy/check.c']),
    'policy': (lambda: file_cases('policy', 'assistant.yaml', POLICY, POLICY_CASES),
               sorted(os.path.relpath(p, SRC) for p in glob.glob(os.path.join(SRC, 'src/policy/l*.c'))
                      + glob.glob(os.path.join(SRC, 'src/label/types*.c'))
                      if not p.endswith(('_test.c', '_fuzz.c')))),
    'doctor': (doctor_cases, ['src/cli/doctor.c']),
    'init': (init_cases, ['src/cli/init.c', 'src/cli/init_ask.c']),
    'up': (up_cases, ['src/cli/up.c', 'src/cli/place.c', 'src/host/monitor/policy.c',
                      'src/host/monitor/documents.c',
                      'src/host/monitor/monitor.c', 'src/host/monitor/start.c',
                      'src/host/monitor/last.c', 'src/vm/images.c', 'src/vm/probe.c',
                      'src/state/version.c']),
}
# Needs a machine, a kernel or a fault that is not to be had here.
NOT_MET += [
    # doctor
    'live with slow VMs', '/dev/kvm can be opened',
    'allow user namespaces', 'refused: %s',
    'ABI %d', 'cgroup tree writable',
    'systemd-run', 'filters can end', 'can be sealed', 'can be made',
    'check the path', 'bulkhead is not running', 'so that its VMs boot cold', 'nothing at once',
    'too much to tell', 'nothing to see', 'not looked at', 'the built-in', 'all there, as their sums', 'in %s', 'Linux %s',
    'x86-64', 'the Maildirs are there', '%u, ', 'N MiB', 'MiB free', '%s, so', 'clear',
    # init
    'it takes no operand', 'the built-in files do not fit', 'Maildir that mail',
    # up
    'pipe: ', 'fork: ', 'not ready after', 'own path too long',
    'check the owners of the directories', 'the built-in policy', 'the policy: %s', '%s: cannot be read',
    'version: %s: ',
    'upgrade: %s', 'upgrade/%s: %s', 'probe: ', '%s/%s: %s',
    # the monitor; up sees the latch and the length of the socket's path first
    'the kill latch is set: see', "a socket's path holds", 'no random bytes',
    'socketpair', '/dev/null: ', 'no room in the loop', 'did not start: see the log',
    'state/%s: cannot be made', ": %s: make room, or look after",
]


def literals(path):
    """Every text in the arguments of a call that tells an error."""
    with open(os.path.join(SRC, path), encoding='utf-8') as f:
        # a glob in a text is no comment
        text = re.sub(r'("(?:\\.|[^"\\])*")|/\*.*?\*/', r'\1', f.read(), flags=re.S)
    pattern = r'\b(?:load_fault|yaml_error|fault|found|cli_error|cli_usage|err_set)\s*\('
    if '/types' in path:
        for s in re.findall(r'return "([^"]+)"', text):
            if ' ' in s:
                yield s
    for m in re.finditer(pattern, text):
        depth, i, quoted = 1, m.end(), False
        while depth and i < len(text):
            c = text[i]
            if quoted and c == '\\':
                i += 1
            elif c == '"':
                quoted = not quoted
            elif not quoted:
                depth += (c == '(') - (c == ')')
            i += 1
        call = text[m.end():i]
        for s in re.findall(r'"(?:\\.|[^"\\])*"(?:\s*"(?:\\.|[^"\\])*")*', call):
            joined = ''.join(re.findall(r'"((?:\\.|[^"\\])*)"', s))
            if len(re.sub('%[^a-z]*[a-z]+', '', joined)) > 8:
                yield joined.replace('\\"', '"').replace('\\n', '').replace('%%', '%')


def as_pattern(text):
    parts = re.split(r'%[-.*0-9]*(?:ll|z|h)*[a-zA-Z]', text)
    return re.compile('.*?'.join(r'\s+'.join(re.escape(w) for w in p.split(' '))
                                 for p in parts), re.S)


def golden(name, cases):
    out = []
    for title, rc, said in cases:
        if name in ('config', 'policy'):
            check_files(title, said)
        out.append(f'== {title} (exit {rc})\n{said}')
    return ''.join(out)


def main():
    failures = 0
    for name, (cases, sources) in GROUPS.items():
        path = os.path.join(DATA, f'errors-{name}.txt')
        got = golden(name, cases())
        want = ''
        if os.path.exists(path):
            with open(path, encoding='utf-8') as f:
                want = f.read()
        if '--accept' in sys.argv and got != want:
            with open(path, 'w', encoding='utf-8') as f:
                f.write(got)
            print('wrote', path)
        elif got != want:
            failures += 1
            print(f'FAILED: {name}: what is said is not what {path} has')
            a, b = want.split('== '), got.split('== ')
            print(''.join('- ' + x for x in a if x not in b)
                  + ''.join('+ ' + x for x in b if x not in a))
        else:
            print('ok:', name, got.count('\n== ') + 1, 'cases')
        for source in sources:
            for text in literals(source):
                if not as_pattern(text).search(got) and \
                        not any(n in text for n in NOT_MET):
                    failures += 1
                    print(f'FAILED: no case meets {source}: "{text}"')
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
