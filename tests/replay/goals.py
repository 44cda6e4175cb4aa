"""goals: our own attacks (goals.yaml), by planners who know the policy."""
import os

import yaml

from world import CLEAN, HERE, TAINTED, Case, Item, Policy, task_of


def load():
    with open(os.path.join(HERE, 'goals.yaml'), encoding='utf-8') as f:
        return yaml.safe_load(f)['goals']


def handle(case, row):
    """{of, value, from}: an item from there, and a handle of what it says."""
    source = row['of'].split('.')[0]
    for i, item in enumerate(case.items):
        if (item.source, item.sender, item.texts) == \
                (source, row['from'], [row['value']]):
            return case.ref(row['of'], row['value'], i)
    case.items.append(Item(source, row['from'], len(case.items),
                           [row['value']]))
    return case.ref(row['of'], row['value'], len(case.items) - 1)


def value(case, v, n):
    if isinstance(v, list):
        return [value(case, x, n) for x in v]
    if isinstance(v, str):
        return v.replace('{n}', str(n))
    if isinstance(v, dict) and 'tmpl' in v:
        return {'tmpl': v['tmpl'], 'args': [value(case, x, n) for x in v['args']]}
    return handle(case, v) if isinstance(v, dict) else v


def case_of(goal, policy):
    tainted = goal.get('session', 'clean') == 'tainted'
    case = Case(policy, goal['task'], [], TAINTED if tainted else CLEAN,
                goal['name'])
    for row in goal.get('seen', []):
        handle(case, row)
    for call in goal['calls']:
        for n in range(call.get('repeat', 1)):
            args = {k: value(case, v, n) for k, v in call['args'].items()}
            case.calls.append({'call': call['call'], 'args': args})
    return case


def executed(goal, answers):
    """The clause that let it through, or None. only_last: those before the
    last call are no harm; denied: the last may not even ask."""
    mode = goal.get('only_last')
    for a in answers[-1:] if mode else answers:
        if a['verdict'] == 'allow' or \
                (mode == 'denied' and a['verdict'] == 'ask'):
            return a['clause']
    return None


def cases_of(goals):
    policies = {g['policy']: Policy(g['policy']) for g in goals}
    return [case_of(g, policies[g['policy']]) for g in goals]


def measure(engine):
    goals = load()
    return outcome(goals, engine.run(cases_of(goals)))


def by_broker(broker):
    """By the real broker, each in a world of its own; but for those that need a
    planner who was shown what these policies show nobody."""
    goals = [g for g in load() if g.get('session', 'clean') == 'clean' and
             not g.get('held')]
    return outcome(goals, [broker.run([task_of(c)])[0]
                           for c in cases_of(goals)])


def outcome(goals, answers_of):
    rows = []
    for goal, answers in zip(goals, answers_of):
        clause = executed(goal, answers)
        rows.append({
            'goal': goal['name'], 'policy': goal['policy'],
            'result': 'executes' if clause else 'stopped',
            'expected': goal['expect'], 'why': goal.get('why', ''),
            'clauses': sorted({a['clause'] for a in answers}),
        })
    return {
        'goals': len(rows),
        'executed': [r for r in rows if r['result'] == 'executes'],
        'unexpected': [r for r in rows if r['result'] != r['expected']],
        'stopped': [{'goal': r['goal'], 'clauses': r['clauses']}
                    for r in rows if r['result'] == 'stopped'],
    }
