"""Goal of this test: another program that reads files of sops, the npm package
sops-age, opens what `bulkhead vault` writes, in each format that it reads, and
finds there what was written."""
import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, 'npm')]
from mail import report  # noqa: E402
from packages import modules  # noqa: E402

BUILD = os.path.abspath(os.environ.get('BULKHEAD_BUILD', 'build'))
BULKHEAD = os.path.join(BUILD, 'bulkhead')
VALUES = {'imap': 'pass word', 'tg.bot': '12:AbC', 'odd': 'a"b\\\u00e4\u20ac #;=',
          'lines': 'one\n\ntwo', 'long': 'x' * 9000}
CONF = '''bulkhead: 1
agents: {{assistant: {{policy: p.yaml, planner: {{kind: none}}}}}}
vault: {{files: [{0}], identity: identity.txt}}
connectors:
  inbox: {{kind: imap, hosts: ["imap.example.org:993"], user: me, secret: imap}}
  drafts: {{kind: outbox, path: out}}
'''


def run(*args, stdin=b'', env=None):
    return subprocess.run(args, input=stdin, capture_output=True, timeout=60,
                          check=True, env=env).stdout


def written(home, name):
    """A file of that name, with all values in it, some of them written twice;
    returns its path and its key."""
    where = os.path.join(home, '.config/bulkhead')
    env = {**os.environ, 'HOME': home}
    os.makedirs(where)
    with open(os.path.join(where, 'bulkhead.yaml'), 'w',
              encoding='utf-8') as f:
        f.write(CONF.format(name))
    run(BULKHEAD, 'vault', 'init', '--sops', env=env)
    for key in ('imap', *VALUES):
        extra = ('--connector', 'inbox') \
            if key == 'imap' and name.endswith(('.yaml', '.json')) else ()
        run(BULKHEAD, 'vault', 'set', key, *extra,
            stdin=VALUES[key].encode(), env=env)
    run(BULKHEAD, 'vault', 'set', 'gone', stdin=b'x', env=env)
    run(BULKHEAD, 'vault', 'forget', 'gone', env=env)
    run(BULKHEAD, 'vault', 'rotate', env=env)
    with open(os.path.join(where, 'identity.txt'), encoding='utf-8') as f:
        key = next(w for w in f.read().split() if w.startswith('AGE-SECRET-'))
    return os.path.join(where, name), key


def judge(name):
    """What is wrong; '' if nothing is."""
    want = dict(VALUES)
    with tempfile.TemporaryDirectory() as home:
        path, key = written(home, name)
        r = subprocess.run(['node', os.path.join(HERE, 'sops_decrypt.js'),
                            modules(BUILD), path, name.split('.')[-1], key],
                           capture_output=True, check=False, timeout=60)
        if r.returncode:
            return r.stderr.decode()
    found = json.loads(r.stdout)
    if 'secrets' in found:
        binding = found['secrets']['imap']
        if (binding['connector'], binding['hosts']) != \
                ('inbox', ['imap.example.org:993']):
            return f'{binding}'
        found = {k: v['value'] for k, v in found['secrets'].items()}
    return '' if found == want else f'{found}'[:300]


def main():
    names = ('secrets.yaml', 'secrets.json', 'secrets.env')
    failed = 0
    for name in names:
        why = judge(name)
        failed += bool(why)
        print(f'{name}: {why or "opened, as it was written"}')
    report(os.path.join(BUILD, 'conformance.json'),
           [{'asset': 'sops-age (npm)', 'cases': len(names),
             'passed': len(names) - failed, 'exceptions': 0}])
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
