"""Goal of this test: mail from a connector that the policy does not read is
refused before its reader VM has begun, and that harms nothing else."""
import os
import sys

from harness import Bulkhead, need, plain


def main():
    with Bulkhead() as b:
        spare = os.path.join(b.dir, 'Spare')
        for d in ('new', 'cur', 'tmp'):
            os.makedirs(os.path.join(spare, d))
        with open(b.config, 'a', encoding='utf-8') as f:
            f.write(f'  spare: {{kind: maildir, path: {spare}}}\n')
        # more than run at once, so that some still wait for their VM
        for i in range(5):
            with open(os.path.join(spare, 'new', f'{i}.mail'), 'w',
                      encoding='utf-8') as f:
                f.write(plain(f'number {i}'))
        b.up()
        items = b.items_until(5)
        need(all(i['verdict'] == 'refused' for i in items), 'all are refused')
        b.deliver('1.mail', plain('agenda'))
        items = b.items_until(6)
        need([i['verdict'] for i in items].count('read') == 1,
             'and mail that the policy reads is still read')
    return 0


if __name__ == '__main__':
    sys.exit(main())
