"""Goal of this test: what the owner wants done goes to a planner of its own, and
what became of it is told: by itself, about an item, and after a restart."""
import json
import sys

from harness import Bulkhead, need, plain


def tasks(b, *args):
    r = b.run('--json', 'task', *args, check=False)
    return r.returncode, (json.loads(r.stdout)['tasks'] if r.stdout else [])


def run(b, *args):
    rc, found = tasks(b, 'run', *args)
    need(rc == 0 and len(found) == 1, f'task run {args}: {rc} {found}')
    return found[0]


def check_several(b, first):
    """A task about two items; which numbers are none."""
    b.deliver('2.mail', plain('Friday', 'Or on Friday?'))
    second = b.items_until(2)[-1]['item']
    on = f'{first},{second}'
    t = run(b, '--on', on, '--wait', '120', 'Compare them.')
    need(t['state'] == 'done' and t['item'] == first, 'a task about two items')
    starts = [r for r in b.audit() if r['kind'] == 'task.start']
    need(starts[-1]['item'] == first and
         starts[-1].get('others') == str(second), 'both are on record')
    for bad, code in ((f'{first},{first}', 1), (f'{first},999', 1), ('1,', 2),
                      (',1', 2), ('1,x', 2), ('1,2,3,4,5', 2)):
        need(b.run('task', 'run', '--on', bad, 'x', check=False)
             .returncode == code, f'--on {bad} is none: exit {code}')


def main():
    with Bulkhead(audience='thread') as b:
        b.up()
        t = run(b, '--wait', '120', 'Tell me a joke.')
        need(t['state'] == 'done' and t['own'], 'a task of the owner is done')
        need('no message' in t['answer'], 'its planner had nothing to read')
        need(t['seen'] == 'owner from=owner readers=public',
             f'and has seen nothing but his words: {t["seen"]}')
        b.deliver('1.mail', plain('Thursday', 'Shall we move lunch?'))
        item = b.items_until(1)[0]
        t = run(b, '--on', str(item['item']), '--wait', '120', 'Answer it.')
        need(t['state'] == 'done' and 'Thursday' in t['answer'],
             'a task about an item gets its record')
        need('external' in t['seen'] and 'readers=secret' in t['seen'],
             f'and has seen a stranger\'s words: {t["seen"]}')
        rc, found = tasks(b, 'list')
        need(rc == 0 and [x['own'] for x in found].count(True) == 2
             and [x['own'] for x in found].count(False) == 1,
             'the list has both, and that of the standing task')
        need(tasks(b, 'show', '999')[0] == 1, 'there is no task 999')
        need(b.run('task', 'cancel', str(t['task']), check=False).returncode == 1,
             'what is over is not cancelled')
        need(b.run('task', 'run', '--on', '999', 'x', check=False).returncode == 1,
             'nothing is done about an item that there is not')
        check_several(b, item['item'])
        b.down()
        b.up()
        rc, found = tasks(b, 'show', str(t['task']))
        need(rc == 0 and found[0]['state'] == 'done'
             and found[0]['answer'] == t['answer'], 'it is kept over a restart')
        kinds = [r['kind'] for r in b.audit()]
        need(kinds.count('task.done') == 3 and kinds.count('task.start') == 5,
             'begin and end are on record')
    return 0


if __name__ == '__main__':
    sys.exit(main())
