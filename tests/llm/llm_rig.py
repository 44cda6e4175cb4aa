"""llm_rig: a bulkhead of a test's own whose planner asks a scripted model."""
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, 'tests/system')]
from harness import Bulkhead, need  # noqa: E402,F401
from model_server import Provider  # noqa: E402,F401

MAIL = ('From: Lea <lea@example.org>\r\nTo: me@example.org\r\n'
        'Subject: {0}\r\nMessage-ID: <{0}@example.org>\r\n\r\n{1}\r\n')


class Llm(Bulkhead):
    """upstream, planner: more keys of them; budgets, trip: of the policy;
    prices: a file's text."""

    def __init__(self, port, kind, upstream='', budgets='', trip='',
                 prices='', planner=''):
        super().__init__(deadline='60s', extra=(
            'upstreams:\n  scripted: {kind: %s, hosts: ["127.0.0.1:%d"], '
            'private: true, models: [small]%s}\n' % (kind, port, upstream)))
        self.edit(self.config, '{kind: triage}', '{kind: llm, upstream: '
                  'scripted, model: small%s}' % planner)
        policy = os.path.join(self.dir, 'policy.yaml')
        if budgets or trip:
            with open(policy, 'a', encoding='utf-8') as f:
                f.write(f'budgets: {budgets}\n' if budgets else '')
                f.write(f'trip: {trip}\n' if trip else '')
        if prices:
            with open(os.path.join(self.dir, 'prices.yaml'), 'w',
                      encoding='utf-8') as f:
                f.write(prices)
        Bulkhead.running.append(self)

    @staticmethod
    def edit(path, old, new):
        with open(path, encoding='utf-8') as f:
            text = f.read()
        need(old in text, f'{path} has {old}')
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text.replace(old, new))

    def say(self, name, text):
        """Delivers a mail; the answer to it."""
        self.deliver(name, MAIL.format(name, text))
        return self.item_until(name)['answer']

    def records(self, kind):
        return [r for r in self.audit() if r['kind'] == kind]
