"""npm: servers of the tests that stand on packages of npm's, pinned by a lock file."""
import os
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.environ.get('BULKHEAD_BUILD', 'build'))


def packages(name):
    """That folder with its pinned packages, below the build folder. It may ask a
    registry: before a test is where there is none."""
    source, place = os.path.join(HERE, name), os.path.join(BUILD, f'npm-{name}')
    lock = os.path.join(source, 'package-lock.json')
    kept = os.path.join(place, 'node_modules/.bulkhead-lock')
    if os.path.exists(kept):
        with open(lock, 'rb') as a, open(kept, 'rb') as b:
            fresh = a.read() == b.read()
    else:
        fresh = False
    if not fresh:
        if not shutil.which('npm'):
            subprocess.run([os.path.join(ROOT, 'tools/setup'), 'npm'],
                           check=True)
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(source, place)
        subprocess.run(['npm', 'ci', '--ignore-scripts', '--no-audit',
                        '--no-fund'], cwd=place, check=True)
        shutil.copyfile(lock, kept)
    for file in os.listdir(source):
        if file.endswith('.js'):
            shutil.copyfile(os.path.join(source, file),
                            os.path.join(place, file))
    return place
