"""Goal of this test: `bulkhead read --console` keeps what a VM's kernel says when
it dies, and the refusal is told beside it. (How much it keeps at most is in
vm/console.)"""
import os
import sys
import tempfile

from harness import Bulkhead, hostile_images, need, plain


def main():
    with tempfile.TemporaryDirectory(prefix='bhi') as where:
        hostile_images('crash', where)
        with Bulkhead(images=where) as b:
            mail = os.path.join(b.dir, 'mail')
            console = os.path.join(b.dir, 'console')
            with open(mail, 'w', encoding='utf-8') as f:
                f.write(plain())
            r = b.run('read', '--images', where, '--console', console, mail,
                      check=False)
            need(r.returncode == 4, 'the VM could not do its work')
            with open(console, encoding='utf-8', errors='replace') as f:
                text = f.read()
            need('Kernel panic' in text, f'its last words are kept: {text!r}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
