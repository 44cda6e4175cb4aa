"""Goal of this test: the main job of ./run, with its own checks, with an attack
and without one, with both planners; and a mail of the reader's own."""
import glob
import os
import re
import subprocess
import sys
import tempfile

from harness import (BACKEND, BUILD, IMAGES, SRC, need, no_reports, plain,
                     slower)


def demo(**env):
    # The demo writes below the build folder it is given: one of its own.
    with tempfile.TemporaryDirectory(prefix='bh') as d:
        for name in os.listdir(BUILD):
            if name.startswith('bulkhead'):
                os.symlink(os.path.join(BUILD, name), os.path.join(d, name))
        r = subprocess.run([os.path.join(SRC, 'tools/demo'), d],
                           env={**os.environ, 'MAIL': '', 'ATTACK': '',
                                'BULKHEAD_IMAGES': IMAGES,
                                'PLANNER': 'both', **env},
                           capture_output=True, text=True, timeout=slower(600))
        for path in glob.glob(f'{d}/run/*/state/log/bulkhead.log'):
            with open(path, encoding='utf-8', errors='replace') as f:
                no_reports(f.read())
    print(r.stdout[-6000:], r.stderr[-3000:])
    return r


def main():
    r = demo()
    need(r.returncode == 0, 'the main job tells the right story')
    need('send_data_to_external_server' in r.stdout,
         'the attack of the article is among the cases')
    need('REFUSED' in r.stdout and 'ALLOWED' in r.stdout,
         'refusals and one permitted request are shown')
    need(BACKEND == 'auto' or
         re.findall(r'back-end +(\S+)', r.stdout) == [BACKEND] * 2,
         f'the back-end is the one asked for: {BACKEND}')
    r = demo(PLANNER='llm')
    need(r.returncode == 0 and 'for         yours' in r.stdout,
         'a planner that asks a model answers, asks its owner and is refused')
    r = demo(ATTACK='none', PLANNER='gullible')
    need(r.returncode == 0, 'ATTACK=none runs')
    need('REFUSED' not in r.stdout, 'ATTACK=none shows no refusal')
    with tempfile.NamedTemporaryFile(suffix='.eml') as f:
        f.write(plain('My own mail', 'Words of my own.').encode())
        f.flush()
        r = demo(MAIL=f.name, PLANNER='triage')
    need(r.returncode == 0 and 'My own mail' in r.stdout,
         'MAIL=path does the job for a mail of the reader')
    return 0


if __name__ == '__main__':
    sys.exit(main())
