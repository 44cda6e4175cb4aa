"""Goal of this test: a guest that takes all it can of its machine - processes,
memory, interrupts, processor time - ends at its deadline, is recorded, and
meanwhile the mails beside it take at most twice as long as without it."""
import statistics
import sys
import tempfile
import time

from harness import SLOW, Bulkhead, hostile_images, need, plain

# The guest does what a header of the mail says (src/guest/hostile).
HOGS = ['fork-bomb', 'memory-storm', 'timer-storm', 'port-storm', 'spin']
DEADLINE_S = 12 * SLOW
SAMPLES = 9
RATIO = 2.0


class Post:
    """Delivers mails and waits for what becomes of them."""

    def __init__(self, b):
        self.b = b
        self.n = 0

    def put(self, header=''):
        self.n += 1
        self.b.deliver(f'{self.n}.mail', header + plain(f'mail {self.n}'))
        return self.n

    def item(self, n, seconds=120):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = {i['key']: i for i in self.b.items_now()}
            one = found.get(f'{n}.mail')
            if one and one['verdict'] != 'pending':
                return one
            time.sleep(0.05)
        need(False, f'mail {n} has its verdict within {seconds} s')
        return None

    def honest(self):
        """The median time of some mails, one after the other."""
        times = []
        for _ in range(SAMPLES):
            one = self.item(self.put())
            if one['verdict'] != 'read':
                print(one, self.b.log())
                need(False, 'an honest mail is read')
            times.append(one['reader_us'])
        return statistics.median(times)


def idle(b):
    """Until the template is there, and nothing of the last round is left."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        s = b.status()
        ready = all(t['state'] == 'ready' for t in s['templates'])
        if ready and s['items']['pending'] == 0 and s['vms']['running'] == 0:
            return
        time.sleep(0.2)
    need(False, f'bulkhead comes to rest {s}')


def hog_runs(b, item):
    """The VM of that item, once it has its work."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for r in b.audit():
            if r['kind'] == 'vm.ready' and r['item'] == item:
                return r['vm']
        time.sleep(0.2)
    need(False, 'the hog has its VM')
    return None


def seconds(record):
    return int(record['mono_ns']) / 1e9


def died(b, mode, vm):
    """At its deadline, by name, in the log."""
    mine = [r for r in b.audit() if r.get('vm') == vm]
    faults = [r['fault'] for r in mine if r['kind'] == 'vm.fault']
    need(faults == ['deadline'], f'{mode}: ended at its deadline {faults}')
    kinds = {r['kind']: r for r in mine}
    took = seconds(kinds['vm.end']) - seconds(kinds['vm.start'])
    # Twice as long, and more, is when the monitor would end it.
    need(DEADLINE_S - 1 < took < DEADLINE_S + 8,
         f'{mode}: which was {DEADLINE_S} s: after {took:.1f} s')


def round_of(b, post, mode):
    """The hog's median divided by that of a time without it."""
    idle(b)
    before = post.honest()
    n = post.put(f'X-Test: a hog\r\nX-Mode: {mode}\r\n')
    vm = hog_runs(b, n)
    beside = post.honest()
    one = post.item(n)
    need(one['verdict'] == 'refused' and 'deadline' in one['fault'],
         f'{mode}: refused: {one["fault"]}')
    died(b, mode, vm)
    idle(b)
    alone = statistics.median([before, post.honest()])
    print(f'{mode}: {alone / 1000:.0f} ms alone, {beside / 1000:.0f} ms beside '
          f'it: {beside / alone:.2f}x', flush=True)
    return beside / alone


def main():
    with tempfile.TemporaryDirectory(prefix='bhi') as where:
        hostile_images('mail', where)
        with Bulkhead(images=where, deadline=f'{DEADLINE_S}s', planner='none',
                      pool=0) as b:
            b.up()
            post = Post(b)
            for mode in sys.argv[1:] or HOGS:
                ratio = round_of(b, post, mode)
                # The one timing in the tests: a busy machine gets a second try.
                if ratio > RATIO:
                    ratio = round_of(b, post, mode)
                need(ratio <= RATIO, f'{mode}: the others take at most '
                     f'{RATIO:.0f}x as long: {ratio:.2f}x')
            b.run('audit', 'verify')
    return 0


if __name__ == '__main__':
    sys.exit(main())
