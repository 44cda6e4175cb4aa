"""Goal of this test: a guest that breaks the wire's rules is ended, alone and by
name, and recorded; everything else goes on. Every mode of src/guest/hostile.c."""
import os
import shutil
import subprocess
import sys
import tempfile

from harness import BUILD, IMAGES, SRC, Bulkhead, need, plain

# mode of the hostile init -> faults of which one must be named
MODES = {
    'bad-mac': {'bad-mac'},
    'replay': {'bad-mac'},
    'bad-version': {'bad-version'},
    'oversized': {'bad-length'},
    'unknown-type': {'bad-type'},
    'early-data': {'bad-order'},
    'silence': {'deadline'},
    'giant-stream': {'too-much'},
    'tiny-flood': {'too-much', 'bad-payload', 'bad-order'},
    'early-exit': {'not JSON'},  # keeps the rules, and says nothing
    'after-exit': {'bad-order', 'hangup'},
}


def images_with(mode, where):
    for f in os.listdir(IMAGES):
        if f not in ('SHA256SUMS', 'reader-email.cpio'):
            shutil.copy(os.path.join(IMAGES, f), where)
    subprocess.run([os.path.join(SRC, 'tools/image'), f'hostile-{mode}', BUILD,
                    os.path.join(where, 'reader-email.cpio')], check=True,
                   stdout=subprocess.DEVNULL)
    sums = subprocess.run('sha256sum *', shell=True, cwd=where, check=True,
                          capture_output=True, text=True).stdout
    sums = '\n'.join(l for l in sums.splitlines() if 'SHA256SUMS' not in l)
    with open(os.path.join(where, 'SHA256SUMS'), 'w', encoding='utf-8') as f:
        f.write(sums + '\n')


def one(mode, faults):
    with tempfile.TemporaryDirectory(prefix='bhi') as where:
        images_with(mode, where)
        with Bulkhead(images=where, deadline='6s') as b:
            b.up()
            before = {p: n for p, n in b.children().items()}
            b.deliver('1.mail', plain('first'))
            b.deliver('2.mail', plain('second'))
            items = b.items_until(2)
            for i in items:
                need(i['verdict'] == 'refused',
                     f'{mode}: item refused: {i.get("fault")}')
                need(any(f in i['fault'] for f in faults),
                     f'{mode}: named as one of {sorted(faults)}')
            records = b.audit()
            named = [r for r in records if r['kind'] in ('vm.fault',
                                                         'item.done')
                     and any(f in r.get('fault', '') for f in faults)]
            need(len({r['item'] for r in named}) == 2,
                 f'{mode}: both are in the audit log')
            after = b.children()
            need(all(p in after for p in before),
                 f'{mode}: no other process was harmed')
            need(not any('qemu' in n or 'vmm' in n or 'porter' in n
                         for n in after.values()), f'{mode}: no VM is left')
            b.run('audit', 'verify')


def main():
    for mode in sys.argv[1:] or MODES:
        one(mode, MODES[mode])
    return 0


if __name__ == '__main__':
    sys.exit(main())
