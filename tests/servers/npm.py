"""npm: what tests take from npm: the packages that a lock file names."""
import os
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.environ.get('BULKHEAD_BUILD', 'build'))


def packages(name, within=HERE):
    """That folder with its pinned packages, below the build folder. It may ask a
    registry: before a test is where there is none."""
    source = os.path.join(within, name)
    place = os.path.join(BUILD, 'npm', os.path.basename(within), name)
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
                        '--no-fund', '--fetch-retries=5'], cwd=place,
                       check=True)
        shutil.copyfile(lock, kept)
    for file in os.listdir(source):
        if file.endswith('.js'):
            shutil.copyfile(os.path.join(source, file),
                            os.path.join(place, file))
    return place
