"""goals: our own attacks (goals.yaml), by planners who know the policy."""
import os

import yaml

from world import CLEAN, HERE, TAINTED, Case, Item, Policy


def load():
    with open(os.path.join(HERE, 'goals.yaml'), encoding='utf-8') as f:
        return yaml.safe_load(f)['goals']


def handle(case, row):
    """{of, value, from}: an item from there, and a handle of what it says."""
    source = row['of'].split('.')[0]
    case.items.append(Item(source, row['from'], len(case.items),
                           [row['value']]))
    return case.ref(row['of'], row['value'], len(case.items) - 1)


def value(case, v):
    if isinstance(v, list):
        return [value(case, x) for x in v]
    if isinstance(v, dict) and 'tmpl' in v:
        return {'tmpl': v['tmpl'], 'args': [value(case, x) for x in v['args']]}
    return handle(case, v) if isinstance(v, dict) else v


def case_of(goal, policy):
    tainted = goal.get('session', 'clean') == 'tainted'
    case = Case(policy, goal['task'], [], TAINTED if tainted else CLEAN,
                goal['name'])
    for row in goal.get('seen', []):
        handle(case, row)
    for call in goal['calls']:
        args = {k: value(case, v) for k, v in call['args'].items()}
        case.calls += [{'call': call['call'], 'args': args}] * \
            call.get('repeat', 1)
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


def measure(engine):
    policies, goals = {}, load()
    for goal in goals:
        policies.setdefault(goal['policy'], Policy(goal['policy']))
    cases = [case_of(g, policies[g['policy']]) for g in goals]
    rows = []
    for goal, answers in zip(goals, engine.run(cases)):
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
