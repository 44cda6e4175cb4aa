"""chats: what the tests of chats have in common: a bulkhead whose owner talks to
it by one bot and approves by another, and the fake provider's words.

A class of such a test has, beside what is here:

	AGENT, CARDS	what stands for either bot
	write(bot, sender, text)	somebody writes to a bot, directly
	press(sender, card, data)	somebody presses a button under a card
	SAY	the provider's method of that
	sent(bot, method)	the calls of it by that bot
"""
import json
import os
import ssl
import sys
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'system')]
from harness import Bulkhead, need, slower  # noqa: E402

VAULT = '''\
vault: {{files: [{dir}/secrets.age], identity: {dir}/identity.txt}}
'''
# Of each kind of provider the same: notes are written when the owner says so.
NOTES = '''\
  notes.append:
    connector: drafts
    effect: internal
    undo: none
    args:
      text: {{type: text, max: 2000, role: content, from: [planner, owner]}}
    decide:
      - ask: {{}}
    limits: {{rate: 30/hour}}
    approve: {{who: owner, via: [{via}], ttl: 1h}}
'''


class Online(Bulkhead):
    """With accounts, a policy and files of its own, and secrets {name:
    (connector, value)}; url is where the provider of the test takes its
    orders. Without folders, the accounts stand for them, too."""

    def __init__(self, w, policy, accounts, secrets, url, files=None,
                 folders=True, **kw):
        super().__init__(extra='supervision: {backoff: 1s}\n', **kw)
        self.trust = ssl.create_default_context(cafile=w.path('ca.pem'))
        self.url = url
        for name, text in {'policy.yaml': policy, **(files or {})}.items():
            self.write_file(name, text)
        with open(self.config, encoding='utf-8') as f:
            config = f.read()
        if not folders:
            config = config[:config.index('  inbox:')]
        self.write_file('bulkhead.yaml', config + (accounts + VAULT).format(
            ca=w.path('ca.pem'), dir=self.dir))
        self.run('vault', 'init')
        for name, (connector, value) in secrets.items():
            self.run('vault', 'set', name, '--connector', connector,
                     input=value)
        self.run('vault', 'check')
        self.run('config', 'check')

    def path(self, name):
        return os.path.join(self.dir, name)

    def write_file(self, name, text):
        with open(self.path(name), 'w', encoding='utf-8') as f:
            f.write(text)

    def api(self, what, body=None, url=None):
        request = urllib.request.Request(
            f'{url or self.url}/test/{what}', json.dumps(body or {}).encode(),
            method='POST')
        with urllib.request.urlopen(request, timeout=10,
                                    context=self.trust) as f:
            return json.loads(f.read())

    def until(self, what, check, seconds=60):
        """What check says, once it says anything that is true."""
        end = time.monotonic() + slower(seconds)
        while not (found := check()):
            if time.monotonic() > end:
                print(self.items_now(), *self.audit()[-20:], sep='\n')
                need(False, what)
            time.sleep(0.2)
        print('ok:', what)
        return found

    def account_until(self, name, state, seconds=60):
        self.status_until(f'account {name} is {state}', lambda s: any(
            a['name'] == name and a['state'] == state for a in s['accounts']),
            seconds)
        print(f'ok: account {name} is {state}')

    def account(self, name):
        return next(a for a in self.status()['accounts'] if a['name'] == name)

    def effects(self):
        return json.loads(self.run('--json', 'effects').stdout)['effects']

    def texts(self):
        """All that may have to be without a secret: log and records."""
        return self.log() + str(self.audit())


class Chats(Online):
    SAY = None

    def sent_until(self, what, bot, count, method=None):
        method = method or self.SAY
        self.until(what, lambda: len(self.sent(bot, method)) >= count)
        return self.sent(bot, method)

    def notes(self):
        where = os.path.join(self.dir, 'outbox/new')
        return os.listdir(where) if os.path.isdir(where) else []

    def ignored(self, count):
        return self.audit_until(f'{count} words are ignored, on record',
                                lambda rs: sum(r['kind'] == 'chat.ignored'
                                               for r in rs) >= count)
