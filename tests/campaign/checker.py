"""checker: whether what a campaign left behind is as it was promised.

It works on facts that were collected from outside: which mails were delivered,
the rows of the store's database, the audit log, the files in the outbox, what
the commands show. It knows no bulkhead and kills nothing, so a defect can be
planted into the facts: checker_test.py does, for each row.
"""
import collections
import re

ITEM_ENDED = 3
VERDICTS = ('pending', 'read', 'refused', 'task-failed', 'interrupted',
            'given-up')
STATES = ('none', 'planned', 'started', 'done', 'failed', 'unknown',
          'not-executed', 'settled')
# How many files of an effect there may be.
FILES = {'done': (1, 1), 'failed': (0, 0), 'not-executed': (0, 0),
         'unknown': (0, 1)}
EFFECT_FILE = re.compile(r'effect-(\d+)\.[0-9a-f]{32}\.bulkhead')
SHOWN = 12  # findings of one row in full


class Facts:
    """All there is to judge. Each is filled by the campaign."""

    def __init__(self):
        self.delivered = []  # (source, key, [words])
        self.items = []      # {item, source, key, state, verdict}
        self.effects = []    # {effect, item, state, index, recorded}
        self.files = []      # (name, text) of the outbox
        self.records = []    # of the audit log, oldest first
        self.items_shown = []    # of `bulkhead items`
        self.effects_shown = []  # of `bulkhead effects`
        self.kills = 0
        self.monitors = 0    # that were killed, or ended with a core
        self.tips = []       # (size, whether the log still begins so)
        self.verified = ''   # what `audit verify` said against the log
        self.gaps = []       # of `audit gaps`
        self.status = []     # where `status` was wrong
        self.statuses = 0    # how often it was compared
        self.left = []       # what `down` left behind
        # Of accounts alone:
        self.to_send = 0     # mails, at least
        self.touched = []    # of the mailbox, what is not as it was
        self.to_kill = {}    # part -> how often
        self.killed = {}     # the same, as it was
        self.trouble = []    # what kept the campaign from its work


def by(rows, *keys):
    found = collections.defaultdict(list)
    for r in rows:
        found[tuple(r[k] for k in keys) if len(keys) > 1
              else r[keys[0]]].append(r)
    return found


def of_kind(f, kind, key):
    return by((r for r in f.records if r['kind'] == kind and key in r), key)


def accepted_once(f):
    rows = by(f.items, 'source', 'key')
    for source, key, _ in f.delivered:
        n = len(rows.get((source, key), ()))
        if n != 1:
            yield f'{source}/{key} is in the store {n} times'


def nothing_else(f):
    known = {(source, key) for source, key, _ in f.delivered}
    for i in f.items:
        if (i['source'], i['key']) not in known:
            yield f'item {i["item"]} was never delivered'
    numbers = {i['item'] for i in f.items}
    for r in f.records:
        if r['kind'].startswith('item.') and r['item'] not in numbers:
            yield f'record {r["seq"]} is about item {r["item"]}, which is none'


def said_once(what, rows, key, want):
    """One record that is no repetition, or repetitions alone where a crash
    came before the first; all of them say the same."""
    first = [r for r in rows if not r.get('again')]
    if not rows:
        yield f'{what} is not in the log'
    if len(first) > 1:
        yield f'{what} is in the log {len(first)} times'
    for r in rows:
        if r[key] != want:
            yield f'{what} is {want}, record {r["seq"]} says {r[key]}'


def one_verdict(f):
    done = of_kind(f, 'item.done', 'item')
    for i in f.items:
        what = f'the verdict of item {i["item"]}'
        if i['state'] != ITEM_ENDED or not i['verdict']:
            yield f'item {i["item"]} has no verdict'
            continue
        yield from said_once(what, done.get(i['item'], ()), 'verdict',
                             VERDICTS[i['verdict']])


def verdicts_shown(f):
    rows = {i['item']: i for i in f.items}
    if f.items and not f.items_shown:
        yield '`bulkhead items` shows none'
    for s in f.items_shown:
        i = rows.get(s['item'])
        if not i or VERDICTS[i['verdict']] != s['verdict']:
            yield f'`bulkhead items`: item {s["item"]} {s["verdict"]}'


def files_of(f):
    found = collections.defaultdict(list)
    for name, _ in f.files:
        m = EFFECT_FILE.match(name)
        found[int(m.group(1)) if m else name].append(name)
    return found


def effects_at_most_once(f):
    numbers = {e['effect'] for e in f.effects}
    for effect, names in files_of(f).items():
        if len(names) > 1:
            yield f'effect {effect} was done {len(names)} times: {names}'
        if effect not in numbers:
            yield f'{names} is of no effect that the store knows'


def orders_at_most_once(f):
    for source, key, words in f.delivered:
        for w in words:
            n = sum(text.count(f'\n{w}\n') for _, text in f.files)
            if n > 1:
                yield f'{source}/{key}: its order {w} was obeyed {n} times'


def effects_true(f):
    files = files_of(f)
    for e in f.effects:
        state = STATES[e['state']]
        least, most = FILES.get(state, (1, 0))
        n = min(len(files.get(e['effect'], ())), 1)  # more is told above
        if not least <= n <= most:
            yield f'effect {e["effect"]} is {state}, and was {"" if n else "not "}done'


def effects_in_log(f):
    decisions = of_kind(f, 'decision', 'effect')
    outcomes = of_kind(f, 'outcome', 'effect')
    for e in f.effects:
        n, state = e['effect'], STATES[e['state']]
        rows = decisions.get(n, ())
        started = state != 'not-executed'
        if len(rows) > 1 or len(rows) < started:
            yield f'effect {n} was decided {len(rows)} times'
        if started and e['index'] not in [r['seq'] for r in rows]:
            yield f'effect {n} names record {e["index"]} as its decision'
        if any(r['verdict'] != 'allow' for r in rows):
            yield f'effect {n} was refused'
        yield from said_once(f'the outcome of effect {n}',
                             outcomes.get(n, ()), 'outcome', state)
    numbers = {e['effect'] for e in f.effects}
    for n in set(decisions) | set(outcomes):
        if n not in numbers:
            yield f'the log has effect {n}, the store has not'


def effects_shown(f):
    rows = {e['effect']: e for e in f.effects}
    if f.effects and not f.effects_shown:
        yield '`bulkhead effects` shows none'
    for s in f.effects_shown:
        e = rows.get(s['effect'])
        if not e or STATES[e['state']] != s['state'] or \
           e['index'] != s['audit_index']:
            yield f'`bulkhead effects`: {s["effect"]} {s["state"]}'


def unknown(f):
    return [e for e in f.effects if STATES[e['state']] == 'unknown']


def unknown_at_most_kills(f):
    n = len(unknown(f))
    if n > f.kills:
        yield f'{n} effects are unknown after {f.kills} kills'


def failed_at_most_kills(f):
    """A part that dies before it had a word with the server fails it."""
    n = sum(STATES[e['state']] == 'failed' for e in f.effects)
    if n > f.kills:
        yield f'{n} effects failed, of {f.kills} kills'


def went_out(f):
    n = sum(STATES[e['state']] in ('done', 'unknown') for e in f.effects)
    if n < f.to_send:
        yield f'{n} of {f.to_send}'


def left_alone(f):
    yield from f.touched


def killed_as_planned(f):
    for part, n in f.to_kill.items():
        if f.killed.get(part, 0) != n:
            yield f'{part}: {f.killed.get(part, 0)} times, not {n}'


def log_verifies(f):
    if f.verified:
        yield f.verified
    for at, r in enumerate(f.records):
        if r['seq'] != at:
            yield f'record {at} says that it is {r["seq"]}'
            return


def log_goes_on(f):
    """No record that was published is gone, or another one."""
    last = 0
    for size, there in f.tips:
        if size < last:
            yield f'the log had {last} records, and {size} after that'
        if not there:
            yield f'the log does not go on from its {size} records'
        last = max(size, last)
    if f.tips and last > len(f.records):
        yield f'the log had {last} records, and has {len(f.records)}'


def log_has_no_gaps(f):
    ends = 0
    for g in f.gaps:
        if g['gap'] == 'run-without-end':
            ends += 1
        elif not g['note']:
            yield f'record {g["index"]}: {g["gap"]}: {g["what"]}'
    if ends > f.monitors:
        yield f'{ends} runs have no end, {f.monitors} were killed'


def status_true(f):
    yield from f.status
    if not f.statuses:
        yield 'it was never compared'


def nothing_left(f):
    yield from f.left


def went_through(f):
    yield from f.trouble


ROWS = (
    ('each mail is accepted exactly once', accepted_once),
    ('nothing else is in the queue or in the log', nothing_else),
    ('each accepted mail has exactly one verdict', one_verdict),
    ('`bulkhead items` shows these verdicts', verdicts_shown),
    ('no effect was done twice', effects_at_most_once),
    ('no order of a mail was obeyed twice', orders_at_most_once),
    ('each effect was done as often as its state says', effects_true),
    ('the log has each effect, from decision to outcome', effects_in_log),
    ('`bulkhead effects` shows these states', effects_shown),
    ('no more effects are unknown than kills', unknown_at_most_kills),
    ('the audit log verifies', log_verifies),
    ('the audit log only grew', log_goes_on),
    ('the audit log has no gaps but the ends of runs', log_has_no_gaps),
    ('status told the truth', status_true),
    ('nothing is left behind', nothing_left),
    ('the campaign went through', went_through),
)


# Of a mailbox at a server, and what is sent by one.
ACCOUNTS = ROWS + (
    ('no more effects failed than kills', failed_at_most_kills),
    ('as many mails went out as were to', went_out),
    ('nothing in the mailbox is marked, moved or gone', left_alone),
    ('each part was killed as often as it was to be', killed_as_planned),
)


def check(f, promised=ROWS):
    """[(what is promised, [where it was broken])]"""
    found = []
    for what, row in promised:
        wrong = list(row(f))
        more = len(wrong) - SHOWN
        found.append((what, wrong[:SHOWN] + (
            [f'... and {more} more'] if more > 0 else [])))
    return found
