"""Goal of this test: a planner with a model in its own machine, whole: the mail
is read, the model in the planner VM is told of it, and what it says are calls of
the policy's tools and answers, which the policy decides on; there is no request
to a model, and its file is only read. The model is of random weights; that a
real one is of more use is the user's."""
import hashlib
import os
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, 'tests/system')]
from harness import Bulkhead, need  # noqa: E402
from llm_rig import MAIL, Llm  # noqa: E402


def digest(path):
    with open(path, 'rb') as f:
        return hashlib.sha256(f.read()).hexdigest()


def local(seed, liked, cpus=2):
    b = Bulkhead(deadline='600s')
    path = os.path.join(b.dir, 'model.gguf')
    subprocess.run([os.path.join(ROOT, 'build/tests/llm_tiny_gguf'), str(seed),
                    liked, path], check=True)
    # As it lies there, nobody but its owner may read it.
    os.chmod(path, 0o600)
    Llm.edit(b.config, '{kind: triage}',
             '{kind: local, model: model.gguf, memory: 512MiB, cpus: %s}'
             % cpus)
    return b, path


def refused(b, words):
    r = b.run('up', '--images', b.images, check=False)
    need(r.returncode != 0 and words in r.stdout + r.stderr + b.log(),
         f'refused: {words}')
    b.down()


def whole(seed, liked, what):
    b, path = local(seed, liked)
    before = digest(path)
    try:
        b.up()
        b.deliver('one', MAIL.format('one', 'Hello, this is only news.'))
        what(b)
        records = b.audit()
        kinds = {r['kind'] for r in records}
        need(not any(k.startswith('model.') for k in kinds),
             'no request to a model is on record')
        need('no such tool' not in str(records) and
             'unknown' not in {r.get('reason') for r in records},
             'and no request for what is not there')
        need(digest(path) == before, "the model's file is as it was")
    finally:
        b.down()


def answers(b):
    item = b.item_until('one', 900)
    print('   ', item['verdict'], repr(item['answer'])[:200])
    need(item['verdict'] == 'read' and not item['requests'] and
         'The model gave no answer' not in item['answer'],
         'the model answers')


def calls(b):
    """It likes one tool so much that it comes to no end, which is a matter of
    the policy's limits: the first that is done is enough here."""
    b.audit_until('the model calls a tool of the policy', lambda rs: any(
        r['kind'] == 'outcome' for r in rs), 900)


def main():
    if subprocess.run(['tools/local'], cwd=ROOT, check=False).returncode:
        print('tools/local failed')
        return 1
    whole(1, '"""aaaa', answers)
    whole(2, '"""""cccceeee', calls)
    b, path = local(1, '"')
    os.truncate(path, 0)
    refused(b, 'no model of the format GGUF')
    b, path = local(1, '"')
    os.unlink(path)
    refused(b, "the planner's model")
    return 0


if __name__ == '__main__':
    sys.exit(main())
