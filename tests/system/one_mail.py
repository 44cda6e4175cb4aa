"""Goal of this test: one mail comes through the three zones, on the back-end
that was asked for. For places where little else fits: other users, slow
machines. An operand is the kind of cgroups that there must be."""
import os
import sys

from harness import BACKEND, Bulkhead, need, plain


def main():
    with Bulkhead(deadline='20s') as b:
        b.up()
        b.deliver('1.mail', plain('Thursday', 'Shall we move lunch?'))
        items = b.items_until(1)
        print(items, b.log())
        need(items[0]['verdict'] == 'read', 'the mail is read')
        need(items[0]['message']['subject'] == 'Thursday',
             'the message is the one delivered')
        need('Thursday' in items[0]['answer'], 'the planner has answered')
        status = b.status()
        need(BACKEND in ('auto', status['backend']),
             f'by {status["backend"]}, as uid {os.geteuid()}')
        need(not sys.argv[1:] or status['cgroups'] == sys.argv[1],
             f'limits: {status["limits"]}')
        b.run('audit', 'verify')
        need(b.children(), 'it is up')
        b.down()
        need(not b.children(), 'it goes down')
    return 0


if __name__ == '__main__':
    sys.exit(main())
