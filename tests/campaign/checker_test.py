"""Goal of this test: the checker of the kill campaign notices what it is for. A
campaign that went well is described, then each defect is planted into it, and
exactly the row that promises its absence has to fail."""
import copy
import sys

import checker

RUN = 'a' * 32
FILE = f'effect-%d.{RUN}.bulkhead'


def record(f, kind, **fields):
    f.records.append({'kind': kind, 'seq': len(f.records), **fields})
    return f.records[-1]


def good():
    """Four mails: read with an effect, interrupted in one, given up, read
    with one that a restart kept from being started."""
    f = checker.Facts()
    f.delivered = [('inbox', 'a', ['word-1']), ('other', 'a', ['word-2']),
                   ('inbox', 'b', []), ('inbox', 'c', ['word-3'])]
    f.items = [{'item': n, 'source': d[0], 'key': d[1], 'state': 3,
                'verdict': v}
               for n, (d, v) in enumerate(zip(f.delivered, (1, 4, 5, 1)), 1)]
    f.effects = [{'effect': 1, 'item': 1, 'state': 3, 'index': 1},
                 {'effect': 2, 'item': 2, 'state': 5, 'index': 4},
                 {'effect': 3, 'item': 4, 'state': 6, 'index': None}]
    f.files = [(FILE % 1, 'head\n\nword-1\n\n')]
    record(f, 'item.new', item=1)
    record(f, 'decision', effect=1, verdict='allow', item=1)
    record(f, 'outcome', effect=1, decision=1, outcome='done')
    record(f, 'item.done', item=1, verdict='read')
    record(f, 'decision', effect=2, verdict='allow', item=2)
    record(f, 'outcome', effect=2, decision=4, outcome='unknown')
    record(f, 'item.done', item=2, verdict='interrupted')
    # A crash came between the store and the log.
    record(f, 'item.done', item=3, verdict='given-up', again=True)
    record(f, 'outcome', effect=3, outcome='not-executed')
    # Said before the crash and after it.
    record(f, 'item.done', item=4, verdict='read')
    record(f, 'item.done', item=4, verdict='read', again=True)
    f.items_shown = [{'item': 4, 'verdict': 'read'}]
    f.effects_shown = [{'effect': 2, 'state': 'unknown', 'audit_index': 4}]
    f.kills, f.monitors, f.statuses = 2, 1, 1
    f.to_send, f.to_kill, f.killed = 1, {'broker': 1}, {'broker': 1}
    f.tips = [(3, True), (9, True)]
    f.gaps = [{'gap': 'run-without-end', 'index': 0, 'what': '', 'note': False},
              {'gap': 'unknown', 'index': 5, 'what': '', 'note': True}]
    return f


def defects():
    """(the row that has to notice, what is planted)"""
    accepted, nothing, verdict, shown, twice, order, true, log, effects, \
        kills, verifies, grew, gaps, status, left, through, \
        failures, went, touched, planned = (
            what for what, _ in checker.ACCOUNTS)
    return [
        (accepted, lambda f: f.items.append(
            {**f.items[0], 'item': 5, 'state': 3}) or
            record(f, 'item.done', item=5, verdict='read')),
        (accepted, lambda f: f.delivered.append(('inbox', 'lost', []))),
        (nothing, lambda f: f.items.append(
            {**f.items[0], 'item': 5, 'key': 'made up'}) or
            record(f, 'item.done', item=5, verdict='read')),
        (nothing, lambda f: record(f, 'item.record', item=9)),
        (verdict, lambda f: f.records.pop(3) and renumber(f)),
        (verdict, lambda f: f.records[7].update(again=False) or
            record(f, 'item.done', item=3, verdict='given-up')),
        (verdict, lambda f: f.records[10].update(verdict='refused')),
        (verdict, lambda f: f.items[3].update(verdict=2) or
            f.items_shown.clear() or
            f.items_shown.append({'item': 4, 'verdict': 'refused'})),
        (verdict, lambda f: f.items[0].update(state=2)),
        (shown, lambda f: f.items_shown[0].update(verdict='pending')),
        (shown, lambda f: f.items_shown.clear()),
        (twice, lambda f: f.files.append(
            (f'effect-2.{RUN}.bulkhead', 'word')) or
            f.files.append((f'effect-2.{"b" * 32}.bulkhead', 'word'))),
        (twice, lambda f: f.files.append((FILE % 9, 'word'))),
        (twice, lambda f: f.files.append(('something', 'word'))),
        (order, lambda f: f.files.append((FILE % 2, 'head\n\nword-1\n\n'))),
        (true, lambda f: f.files.clear()),
        (true, lambda f: f.files.append((FILE % 3, 'word-3'))),
        (true, lambda f: f.effects[1].update(state=4) or
            f.files.append((FILE % 2, 'word')) or
            f.records[5].update(outcome='failed') or
            f.effects_shown[0].update(state='failed')),
        (true, lambda f: f.effects[1].update(state=2) or
            f.records[5].update(outcome='started') or
            f.effects_shown[0].update(state='started')),
        (log, lambda f: f.records.pop(5) and renumber(f)),
        (log, lambda f: f.records[2].update(outcome='unknown')),
        (log, lambda f: record(f, 'outcome', effect=1, outcome='done')),
        (log, lambda f: record(f, 'outcome', effect=9, outcome='done')),
        (log, lambda f: record(f, 'decision', effect=1, verdict='allow')),
        (log, lambda f: f.records[1].update(verdict='deny')),
        (log, lambda f: f.effects[0].update(index=2)),
        (effects, lambda f: f.effects_shown[0].update(audit_index=1)),
        (effects, lambda f: f.effects_shown[0].update(state='done')),
        (effects, lambda f: f.effects_shown.clear()),
        (kills, lambda f: setattr(f, 'kills', 0)),
        (verifies, lambda f: setattr(f, 'verified', 'a hash differs')),
        (verifies, lambda f: f.records[4].update(seq=40) or
            f.effects[1].update(index=40) or
            f.effects_shown[0].update(audit_index=40)),
        (grew, lambda f: f.tips.append((8, True))),
        (grew, lambda f: f.tips.append((90, True))),
        (grew, lambda f: f.tips.append((10, False))),
        (gaps, lambda f: f.gaps.append({'gap': 'no-outcome', 'index': 1,
                                        'what': '', 'note': False})),
        (gaps, lambda f: setattr(f, 'monitors', 0)),
        (status, lambda f: f.status.append('it lied')),
        (status, lambda f: setattr(f, 'statuses', 0)),
        (left, lambda f: f.left.append('qemu 7')),
        (through, lambda f: f.trouble.append('it did not come back')),
        (failures, fail_three),
        (went, lambda f: setattr(f, 'to_send', 3)),
        (touched, lambda f: f.touched.append('b is marked')),
        (planned, lambda f: f.killed.update(broker=0)),
    ]


def fail_three(f):
    """Three effects that failed, of two kills: each decided and on record."""
    for n in (11, 12, 13):
        index = record(f, 'decision', effect=n, verdict='allow',
                       item=1)['seq']
        record(f, 'outcome', effect=n, decision=index, outcome='failed')
        f.effects.append({'effect': n, 'item': 1, 'state': 4, 'index': index})


def renumber(f):
    """A record that never was, not one that was taken out."""
    old = {r['seq']: n for n, r in enumerate(f.records)}
    for r in f.records:
        r['seq'] = old[r['seq']]
    for e in f.effects:
        e['index'] = old.get(e['index'])
    for e in f.effects_shown:
        e['audit_index'] = old.get(e['audit_index'])


def failed(f):
    return [what for what, wrong in checker.check(f, checker.ACCOUNTS) if wrong]


def main():
    if failed(good()):
        print('FAILED: a good campaign:', checker.check(good(),
                                                    checker.ACCOUNTS))
        return 1
    met = set()
    for n, (row, plant) in enumerate(defects()):
        f = copy.deepcopy(good())
        plant(f)
        if failed(f) != [row]:
            print(f'FAILED: defect {n} of "{row}": {failed(f)}')
            return 1
        met.add(row)
    missing = [what for what, _ in checker.ACCOUNTS if what not in met]
    if missing:
        print('FAILED: nothing is planted for', missing)
        return 1
    print(f'ok: {len(defects())} defects, each noticed by its row alone')
    return 0


if __name__ == '__main__':
    sys.exit(main())
