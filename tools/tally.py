"""tally: counts what passed, failed and was skipped, the same for every tool.

A tool makes a Tally, reports each check to it, and ends with
sys.exit(tally.end()). Where BULKHEAD_TALLY names a file, the results are
appended there too, so that tools/check can add up what its tools found.
"""
import json
import os

PASS, FAIL, SKIP = 'pass', 'fail', 'skip'


class Tally:
    def __init__(self, suite):
        self.suite = suite
        self.rows = []

    def add(self, result, name, note='', show=True):
        """One check's result. A skip needs a reason; it is not a pass."""
        self.rows.append([result, f'{self.suite}/{name}', note])
        if show:
            tail = f': {note}' if note else ''
            print(f'{result:4} {self.suite}/{name}{tail}', flush=True)

    def merge(self, path):
        """Adds the results that another tool left in a file."""
        with open(path, encoding='utf-8') as f:
            self.rows += [json.loads(line) for line in f if line.strip()]

    def count(self, result):
        return sum(1 for r in self.rows if r[0] == result)

    def save(self, path, mode='w'):
        with open(path, mode, encoding='utf-8') as f:
            for row in self.rows:
                f.write(json.dumps(row) + '\n')

    def end(self):
        """Prints the closing line; returns the exit code."""
        path = os.environ.get('BULKHEAD_TALLY')
        if path:
            self.save(path, 'a')
        for result, name, note in self.rows:
            if result == FAIL:
                print(f'FAILED {name}{": " + note if note else ""}')
        skipped = self.count(SKIP)
        print(f'{self.count(PASS)} passed, {self.count(FAIL)} failed'
              + (f', {skipped} skipped' if skipped else ''), flush=True)
        return 1 if self.count(FAIL) or not self.rows else 0
