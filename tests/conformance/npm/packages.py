"""What the conformance tests take from npm: the packages that package-lock.json
beside this file names, below the build folder."""
import os
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, '..', '..', '..')


def same(a, b):
    with open(a, 'rb') as f, open(b, 'rb') as g:
        return f.read() == g.read()


def modules(build):
    """The folder node_modules, made anew where another lock file made it."""
    place = os.path.join(os.path.abspath(build), 'npm')
    found = os.path.join(place, 'node_modules')
    lock = os.path.join(HERE, 'package-lock.json')
    kept = os.path.join(place, 'package-lock.json')
    if os.path.isdir(found) and os.path.exists(kept) and same(lock, kept):
        return found
    if not shutil.which('npm'):
        subprocess.run([os.path.join(ROOT, 'tools/setup'), 'npm'], check=True)
    shutil.rmtree(place, ignore_errors=True)
    os.makedirs(place)
    for name in ('package.json', 'package-lock.json'):
        shutil.copy(os.path.join(HERE, name), place)
    subprocess.run(['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund'],
                   cwd=place, check=True)
    return found
