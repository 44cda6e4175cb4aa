"""Runs in L1, for tools/nested bench: the times of the audit log, in
microseconds of the machine's own clock, as lines "FIGURE name value"."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '../system'))
from harness import Bulkhead, need, plain  # noqa: E402

MAILS = int(os.environ.get("MAILS", "5"))


def main():
    with Bulkhead(deadline='60s') as b:
        b.up()
        for i in range(MAILS):
            # Names and words of the same length each time: they count.
            b.deliver(f'{i}.mail', plain(f'mail {i}', 'Nothing to do.'))
            b.items_until(i + 1)
        items = b.items()
        need(all(i['verdict'] == 'read' for i in items), 'all are read')
        for i in items:
            print('FIGURE mail_to_json', i['reader_us'])
        for r in b.audit():
            if r['kind'] == 'vm.ready':
                print('FIGURE', r['zone'], r.get('start', 'cold'),
                      r['boot_us'])
    return 0


if __name__ == '__main__':
    sys.exit(main())
