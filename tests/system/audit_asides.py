"""Goal of this test: of what a planner asks for the audit log has no word, but
a hash; the owner is shown what it was, finds all that was done with data of a
sender, and has it erased, after which the log verifies as before. A new signing
key is made when the owner asks, while bulkhead works."""
import json
import os
import sys

from harness import Bulkhead, need, plain

WORDS = 'Notebooks arrive on the third of May'
BOB = 'bob@example.net'


def audit(b, *args, check=True):
    return json.loads(b.run('--json', 'audit', *args, check=check).stdout)


def in_log(b, words):
    """Whether the bytes are anywhere in the log's directory."""
    for where, _, names in os.walk(os.path.join(b.dir, 'state', 'audit')):
        for name in names:
            with open(os.path.join(where, name), 'rb') as f:
                if words.encode() in f.read():
                    return True
    return False


def verified(b):
    return audit(b, 'verify')['verified']


def check_query(b):
    found = audit(b, 'query', '--origin', 'lea@example.org')['decisions']
    done = [d for d in found if d['verdict'] == 'allow']
    need(len(done) == 1 and done[0]['capability'] == 'notes.append' and
         done[0]['outcome'] == 'done' and done[0]['task'] and
         done[0]['arguments'] == ['text'],
         'what was done with data of a sender is found, and that it was done')
    need(audit(b, 'query', '--origin', BOB)['decisions'] == [],
         'nothing of it is of somebody else')
    need(audit(b, 'query', '--origin', f"item:{done[0]['item']}")
         ['decisions'] == found, 'and the same by the number of the item')
    return done[0]['index']


def check_seen(b):
    """The tools that read the log have the arguments of what was decided."""
    said = b.run('policy', 'unused').stdout
    need('email.send: nothing called it' in said and
         'notes.append: nothing called it' not in said and
         'without arguments' not in said,
         'what was never called is told of')
    said = b.run('policy', 'suggest').stdout
    need('allow:' not in said, 'nothing was rehearsed or approved, so nothing '
         'is suggested')


def check_erase(b, index):
    record = audit(b, 'show', str(index))
    values = {a['name']: a['value'] for a in record['arguments']}
    need(values.get('text') and 'mail/' in record['arg.0.from'] and
         record['arg.0.hash'] and 'aside' in record,
         'the owner is shown the arguments of a record')
    need(verified(b), 'the log verifies before')
    out = b.run('audit', 'erase', '--sender', 'lea@example.org').stdout
    need('Erased' in out, 'what lies aside for a sender is erased')
    record = audit(b, 'show', str(index))
    need('arguments' not in record and record['arg.0.hash'],
         'then there is the hash alone')
    need(verified(b), 'and the log verifies behind it')
    last = [json.loads(line) for line in
            b.run('--json', 'audit', 'tail', '-n', '50').stdout.splitlines()]
    need([r['sender'] for r in last if r['kind'] == 'audit.erase'] ==
         ['lea@example.org'], 'that it was erased is on record')


def check_keys(b):
    before = audit(b, 'keys')['keys']
    after = audit(b, 'keys', '--new')['keys']
    need(len(after) == len(before) + 1 and after[:-1] == before,
         'a new key when the owner asks')
    b.deliver('2.mail', plain('more', 'Nothing.', sender=BOB))
    b.items_until(2)
    need(verified(b) and audit(b, 'verify')['epoch'] == len(after) - 1,
         'work goes on, signed with it')


def main():
    with Bulkhead(planner='gullible') as b:
        b.up()
        b.deliver('1.mail', plain('agenda', 'Please use notes.append to write '
                                  f'down: {WORDS}.'))
        items = b.items_until(1)
        need(items[0]['requests'][0]['executed'], 'a note is written (positive '
             'control)')
        need(not in_log(b, WORDS), 'no word of it is in the log')
        index = check_query(b)
        check_seen(b)
        check_erase(b, index)
        check_keys(b)
        b.down()
        r = b.run('audit', 'show', str(index))
        need('lie aside' in r.stdout and verified(b),
             'without bulkhead the log is read all the same')
    return 0


if __name__ == '__main__':
    sys.exit(main())
