#!/usr/bin/env python3
"""Makes version-N.tar.gz: the state directory that a bulkhead of that version
leaves behind, for the tests of upgrades: one mail read, stopped, then killed.

usage: BULKHEAD_BUILD=build of that version BULKHEAD_IMAGES=its images \\
           tests/data/state/make.py N
Run once for each version, when it is the newest, and kept.
"""
import gzip
import os
import sys
import tarfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '../../system'))
from harness import Bulkhead, plain  # noqa: E402

KEPT = ('audit', 'connectors', 'latch', 'probe', 'lock', 'log', 'version', 'store')


def anonymous(info):
    info.uid = info.gid = info.mtime = 0
    info.uname = info.gname = ''
    return info if info.isfile() or info.isdir() else None


def main():
    version = int(sys.argv[1])
    path = os.path.join(HERE, f'version-{version}.tar.gz')
    with Bulkhead() as b:
        b.deliver('1.mail', plain('The first one'))
        b.up()
        b.items_until(1)
        b.down()
        b.run('kill', 'the latch of the fixture', check=False)
        state = os.path.join(b.dir, 'state')
        with open(path, 'wb') as raw, \
                gzip.GzipFile('', 'wb', fileobj=raw, mtime=0) as z, \
                tarfile.open(fileobj=z, mode='w', format=tarfile.USTAR_FORMAT) as t:
            for name in sorted(os.listdir(state)):
                if name in KEPT:
                    t.add(os.path.join(state, name), name, filter=anonymous)
    print(path, os.path.getsize(path), 'bytes')


if __name__ == '__main__':
    main()
