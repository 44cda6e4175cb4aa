"""corpora: where the public test material is.

BULKHEAD_CORPORA names a folder or a .tar.zst of it; without it, the archive
is looked for at ../shared/corpora.tar.zst, seen from the root of the tree. It
is unpacked to build/corpora and stays out of the repository.
"""
import os
import shutil
import subprocess

USUAL = '../shared/corpora.tar.zst'
PLACE = 'build/corpora'


def unpack(archive):
    """The archive's folder; unpacked anew only when the archive changed."""
    s = os.stat(archive)
    mark = f'{os.path.realpath(archive)} {s.st_size} {s.st_mtime_ns}\n'
    stamp = os.path.join(PLACE, '.from')
    if os.path.exists(stamp):
        with open(stamp, encoding='utf-8') as f:
            if f.read() == mark:
                return PLACE
    new = PLACE + '.new'
    for path in (new, PLACE):
        shutil.rmtree(path, ignore_errors=True)
    os.makedirs(new)
    subprocess.run(['tar', '-C', new, '--no-same-owner', '--zstd', '-xf',
                    archive], check=True)
    inside = os.listdir(new)
    top = os.path.join(new, inside[0]) if len(inside) == 1 else new
    os.rename(top, PLACE)
    shutil.rmtree(new, ignore_errors=True)
    with open(stamp, 'w', encoding='utf-8') as f:
        f.write(mark)
    return PLACE


def find_corpora():
    named = os.environ.get('BULKHEAD_CORPORA')
    if named and not os.path.exists(named):
        raise FileNotFoundError(f'BULKHEAD_CORPORA={named} is not there')
    if named and os.path.isdir(named):
        return named
    archive = named or USUAL
    return unpack(archive) if os.path.exists(archive) else None
