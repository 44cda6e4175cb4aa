"""l1: a whole machine (L1) in QEMU's emulator, whose own /dev/kvm works.

QEMU's TCG emulates AMD's SVM, so Debian's cloud kernel in it offers a stock
/dev/kvm, on any machine, without a right to anything: the one place where the
qemu-kvm back-end can be tested for certain. L1's files are an initramfs that
is made here: busybox, Python and a build of bulkhead (with its own QEMU, else
Debian's), all taken from this machine; its kernel comes from Debian's archive,
once.

The machine runs cases (name, limit in seconds, user, command) one after the
other and reports on its second serial line, times in seconds since it started:

	NESTED up TIME
	NESTED trouble WHAT
	NESTED run NAME
	| what the case says, after it has ended
	NESTED end NAME CODE BEGAN ENDED
	NESTED bye
"""
import functools
import glob
import importlib.machinery
import importlib.util
import modulefinder
import os
import py_compile
import re
import selectors
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CACHE = os.path.join(os.environ.get('XDG_CACHE_HOME')
                     or os.path.expanduser('~/.cache'), 'bulkhead/nested')
META = 'linux-image-cloud-amd64'
# kvm-amd must come last; insmod knows no dependencies.
MODULES = ['virt/lib/irqbypass.ko', 'arch/x86/kvm/kvm.ko',
           'arch/x86/kvm/kvm-amd.ko']
QEMU = '/usr/bin/qemu-system-x86_64'
# TCG does not intercept XSETBV for L1's KVM, so guests get no XSAVE.
CPU = 'max,+svm,-xsave'
MICROVM = '/usr/bin/qemu-system-x86_64-microvm'
FIRMWARE = ['/usr/share/qemu/qboot.rom', '/usr/share/qemu/linuxboot_dma.bin']
BUSYBOX = '/bin/busybox'
PYTHON = os.path.realpath('/usr/bin/python3')
ACCOUNTS = {'/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n'
                           'user:x:1000:1000:user:/home/user:/bin/sh\n',
            '/etc/group': 'root:x:0:\nkvm:x:104:user\nuser:x:1000:\n'}


class Trouble(Exception):
    """Something that keeps the machine from running at all."""


def load_tool(name):
    """A program of tools/ as a module."""
    loader = importlib.machinery.SourceFileLoader(
        name, os.path.join(ROOT, 'tools', name))
    spec = importlib.util.spec_from_loader(name, loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


image = load_tool('image')


# --- the kernel -------------------------------------------------------------

def say(*words):
    print(*words, flush=True)


def run(*args, cwd=None):
    r = subprocess.run(args, cwd=cwd, capture_output=True, text=True,
                       check=False)
    if r.returncode != 0:
        raise Trouble(f'{" ".join(args)}: {(r.stderr or r.stdout)[-500:]}')
    return r.stdout


def kernel_package():
    """(package, version) that Debian's metapackage stands for today; None
    where apt has no lists."""
    text = subprocess.run(['apt-cache', 'show', '--no-all-versions', META],
                          capture_output=True, text=True, check=False).stdout
    m = re.search(r'^Depends:.*?(linux-image-\S+) \(= (\S+)\)', text, re.M)
    return (m.group(1), m.group(2)) if m else None


def fetch_kernel(package, version, into):
    """apt checks the package against the archive's signed sums."""
    say(f'  fetching {package} {version}, once')
    with tempfile.TemporaryDirectory() as tmp:
        run('apt-get', 'download', f'{package}={version}', cwd=tmp)
        debs = glob.glob(tmp + '/*.deb')
        run('dpkg', '-x', debs[0], tmp + '/tree')
        new = tempfile.mkdtemp(dir=CACHE)
        shutil.move(glob.glob(tmp + '/tree/boot/vmlinuz-*')[0],
                    new + '/vmlinuz')
        base = glob.glob(tmp + '/tree/lib/modules/*/kernel')[0]
        for i, m in enumerate(MODULES):
            shutil.move(os.path.join(base, m),
                        f'{new}/{i}-{os.path.basename(m)}')
        names = sorted(os.listdir(new))
        sums = run('sha256sum', *names, cwd=new)
        with open(new + '/SHA256SUMS', 'w', encoding='utf-8') as f:
            f.write(sums)
        shutil.rmtree(into, ignore_errors=True)
        os.rename(new, into)


def verified(where):
    return os.path.exists(where + '/SHA256SUMS') and subprocess.run(
        ['sha256sum', '--status', '-c', 'SHA256SUMS'], cwd=where,
        check=False).returncode == 0


def newest_cached():
    found = [d for d in glob.glob(CACHE + '/linux-image-*') if verified(d)]
    if not found:
        raise Trouble(f'apt knows no {META}: run apt-get update, with Debian '
                      "12's bookworm or bookworm-security in sources.list")
    return max(found, key=os.path.getmtime)


@functools.cache
def kernel():
    """The folder with vmlinuz and the modules, out of the cache or fetched."""
    os.makedirs(CACHE, exist_ok=True)
    package = kernel_package()
    if not package:
        return newest_cached()
    where = os.path.join(CACHE, '_'.join(package))
    if not verified(where):
        fetch_kernel(*package, where)
    return where


# --- the files of L1 --------------------------------------------------------

def add_program(tree, path, at=None):
    tree.add(at or path, image.read(path), 0o755)
    if image.libraries(path):
        for name, source in image.libraries(path).items():
            tree.add('/lib/x86_64-linux-gnu/' + name,
                     image.read(os.path.realpath(source)), 0o755)
        tree.add(image.LOADER, image.read(image.LOADER), 0o755)


def add_busybox(tree):
    tree.add('/bin/busybox', image.read(BUSYBOX), 0o755)
    for name in set(run(BUSYBOX, '--list').split()) - {'busybox'}:
        tree.link('/bin/' + name, '/bin/busybox')


def python_modules(scripts):
    """Files of the standard library that these scripts could ever import."""
    finder = modulefinder.ModuleFinder(
        path=[os.path.join(ROOT, 'tests/system')] + sys.path[1:])
    for name in ['encodings.utf_8', 'encodings.ascii', 'encodings.latin_1',
                 'encodings.idna', 'site', 'runpy']:
        finder.import_hook(name)
    for path in scripts:
        finder.run_script(path)
    return {m.__file__ for m in finder.modules.values()
            if m.__file__ and m.__file__.startswith(('/usr/lib/python3',
                                                     '/lib/python3'))}


def add_python(tree, scripts):
    """Compiled here: compiling is what costs in an emulated machine."""
    add_program(tree, PYTHON, '/usr/bin/python3')
    with tempfile.TemporaryDirectory() as tmp:
        for path in python_modules(scripts):
            at = os.path.realpath(path)
            if path.endswith('.so'):
                add_program(tree, at)
                continue
            out = py_compile.compile(
                at, cfile=tmp + '/x.pyc',
                invalidation_mode=py_compile.PycInvalidationMode
                .UNCHECKED_HASH)
            # Beside no source of its name, a module may be a .pyc alone.
            tree.add(at[:-3] + '.pyc', image.read(out))


def add_folder(tree, where, at, wanted=lambda path: True):
    for path in sorted(glob.glob(where + '/**', recursive=True)):
        if os.path.isfile(path) and wanted(path):
            tree.add(os.path.join(at, os.path.relpath(path, where)),
                     image.read(path),
                     0o755 if os.access(path, os.X_OK) else 0o644)


def add_bulkhead(tree, build, images):
    """The tree at /src, the build at /build, as a test finds them."""
    for path in (build + '/bulkhead', images + '/SHA256SUMS'):
        if not os.path.exists(path):
            raise Trouble(f'there is no {path}: run make')
    for path in sorted(glob.glob(build + '/bulkhead*')):
        if os.path.isfile(path):
            add_program(tree, path, '/build/' + os.path.basename(path))
    for part in ('bench/boot_bench', 'src/vm/cgroup_live_test'):
        if os.path.exists(os.path.join(build, part)):
            add_program(tree, os.path.join(build, part), '/build/' + part)
    add_folder(tree, images, '/build/images')
    for part in ('tests/system', 'tests/nested', 'tests/llm', 'tests/data/mail',
                 'policy'):
        add_folder(tree, os.path.join(ROOT, part), '/src/' + part,
                   lambda path: '__pycache__' not in path)
    for tool in ('demo', 'lib.sh'):
        tree.add('/src/tools/' + tool,
                 image.read(os.path.join(ROOT, 'tools', tool)), 0o755)


def case_lines(cases):
    return ''.join(' '.join(map(str, case)) + '\n' for case in cases).encode()


def make(build, images, cases, extra=None):
    """The initramfs; extra: a folder of the host by its name in L1."""
    tree = image.Tree()
    for path in ('/dev', '/proc', '/sys', '/mnt', '/tmp', '/run', '/root',
                 '/home/user', '/srv', '/var/lib', '/etc'):
        tree.mkdir(path)
    add_busybox(tree)
    add_python(tree, sorted(glob.glob(ROOT + '/tests/system/*.py')) +
               [ROOT + '/tests/llm/model_server.py'] +
               sorted(glob.glob(ROOT + '/tests/nested/in_*.py')))
    if not os.path.exists(images + '/qemu'):
        add_program(tree, MICROVM)
    for path in FIRMWARE:
        tree.add(path, image.read(path))
    add_bulkhead(tree, build, images)
    for path, text in ACCOUNTS.items():
        tree.add(path, text.encode())
    for path in sorted(glob.glob(kernel() + '/*.ko')):
        tree.add('/nested/modules/' + os.path.basename(path), image.read(path))
    tree.add('/init', image.read(os.path.join(ROOT, 'tests/nested/init')),
             0o755)
    tree.add('/nested/cases', case_lines(cases))
    for at, folder in (extra or {}).items():
        add_folder(tree, folder, at)
    return tree.cpio()


# --- running it -------------------------------------------------------------

def emulates_svm():
    """Whether this QEMU can play an AMD processor with virtualisation."""
    return subprocess.run(
        [QEMU, '-nodefaults', '-machine', 'q35', '-accel', 'tcg', '-display',
         'none', '-S', '-monitor', 'stdio', '-cpu', CPU + ',enforce'],
        input=b'quit\n', capture_output=True, check=False).returncode == 0


def arguments(where, files, memory, cpus, more):
    return [QEMU, '-nodefaults', '-no-user-config', '-machine', 'q35',
            '-accel', 'tcg', '-cpu', CPU, '-m', str(memory),
            '-smp', str(cpus), '-kernel', where + '/vmlinuz',
            '-initrd', files + '/l1.cpio',
            '-append', 'console=ttyS0 quiet panic=-1 mitigations=off',
            '-display', 'none', '-no-reboot',
            '-serial', f'file:{files}/console', '-serial', 'stdio', *more]


def lines(proc, deadline):
    """The lines of the machine, until it ends; None where its time is over."""
    sel = selectors.DefaultSelector()
    sel.register(proc.stdout, selectors.EVENT_READ)
    data = b''
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not sel.select(left):
            yield None
            return
        chunk = os.read(proc.stdout.fileno(), 65536)
        if not chunk:
            return
        *whole, data = (data + chunk).split(b'\n')
        for line in whole:
            yield line.rstrip(b'\r').decode('utf-8', 'replace')


def listen(proc, deadline, said):
    """Why it did not come to its own end; None if it did."""
    for line in lines(proc, deadline):
        if line is None:
            return 'out of time'
        if line == 'NESTED bye':
            return None
        said(line)
    return 'the machine ended by itself'


def run_machine(cpio, limit, said, memory=3072, cpus=2, more=()):
    """Runs L1 for at most limit seconds; calls said(line) for each line.
    None if it came to its own end; else what is known of the reason."""
    with tempfile.TemporaryDirectory(prefix='bhn') as tmp:
        with open(tmp + '/l1.cpio', 'wb') as f:
            f.write(cpio)
        args = arguments(kernel(), tmp, memory, cpus, list(more))
        with subprocess.Popen(args, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE) as proc:
            try:
                trouble = listen(proc, time.monotonic() + limit, said)
            finally:
                proc.kill()
        if trouble and os.path.exists(tmp + '/console'):
            with open(tmp + '/console', encoding='utf-8',
                      errors='replace') as f:
                trouble += '; its console: ' + f.read()[-2000:]
        return trouble
