"""Runs in L1, for tools/nested bench: how long a machine takes to its READY, cold
and as a clone, and a mail to its JSON, in microseconds of the machine's own
clock, as lines "FIGURE name value"."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '../system'))
from harness import BUILD, Bulkhead, need, plain  # noqa: E402

COLD, CLONES, MAILS = 3, 9, 9
KIND = 'reader-email'


def boots():
    asked = ['cold'] * COLD + ['clone'] * CLONES
    out = subprocess.run([BUILD + '/bench/boot_bench'], check=True, text=True,
                         input=''.join(f'{a} {KIND}\n' for a in asked),
                         stdout=subprocess.PIPE).stdout.split()
    need(len(out) == len(asked), 'every machine has started')
    for start, us in zip(asked, out):
        print('FIGURE', start, us)


def mails():
    """One after the other, a clone made on demand for each."""
    with Bulkhead(planner='none', pool=0, deadline='60s') as b:
        b.up()
        for i in range(MAILS):
            b.deliver(f'{i}.mail', plain(f'mail {i}', 'Nothing to do.'))
            b.items_until(i + 1)
        items = b.items()
        need(all(i['verdict'] == 'read' for i in items), 'all are read')
        starts = {r['item']: r['start'] for r in b.audit()
                  if r['kind'] == 'vm.start'}
    for i in items:
        # The first ones may come before the template.
        if starts[i['item']] == 'clone':
            print('FIGURE mail', i['reader_us'])


def main():
    boots()
    mails()
    return 0


if __name__ == '__main__':
    sys.exit(main())
