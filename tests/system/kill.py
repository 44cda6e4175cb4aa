"""Goal of this test: a kill stops everything that acts, stays over a restart,
and only the owner at a terminal takes it away."""
import os
import pty
import resource
import signal
import sys
import time

from harness import BUILD, Bulkhead, need, plain, slower


def rearm(b, word):
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(os.path.join(BUILD, 'bulkhead'),
                 ['bulkhead', '--config', b.config, 'rearm'])
    out = b''
    try:
        while b'Type rearm' not in out:
            out += os.read(fd, 4096)
        os.write(fd, word.encode() + b'\n')
        while os.read(fd, 4096):
            pass
    except OSError:
        pass
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def acting(b):
    return [n for n in b.children().values()
            if 'connector' in n or 'bulkhead-conne' in n or 'qemu' in n
            or 'porter' in n or 'vmm' in n]


def one(b, trigger, what):
    b.up()
    need(acting(b), f'{what}: connectors run (positive control)')
    b.deliver(f'{what}.mail', plain(what))
    time.sleep(1.0)
    trigger()
    end = time.monotonic() + slower(15)  # after 20 s VMs end anyhow
    while acting(b) and time.monotonic() < end:
        time.sleep(0.05)
    need(not acting(b), f'{what}: nothing that acts is left')
    need(b.status()['killed'], f'{what}: status says so')
    need(any(r['kind'] == 'kill' for r in b.audit()),
         f'{what}: the audit log says so')
    b.down()
    r = b.run('up', '--images', b.images, check=False)
    need(r.returncode != 0 and 'latch' in r.stderr + r.stdout,
         f'{what}: the latch stays over a restart')
    b.run('kill', 'a long reason', check=False)
    b.run('kill', 'short', check=False)
    with open(os.path.join(b.dir, 'state/latch'), encoding='utf-8') as f:
        need(f.read() == 'short', f'{what}: the latch holds one reason whole')
    r = b.run('rearm', check=False, stdin=-3)
    need(r.returncode != 0, f'{what}: no re-arming without a terminal')
    need(rearm(b, 'yes') != 0, f'{what}: nor with another word')
    need(rearm(b, 'rearm') == 0, f'{what}: the typed word re-arms')


def no_room():
    """Not a byte can be written into a file any more."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def full(b):
    latch = os.path.join(b.dir, 'state/latch')
    r = b.run('kill', 'why', check=False, preexec_fn=no_room)
    need(os.path.exists(latch) and 'set all the same' in r.stderr,
         'a kill on a full disk sets the latch, and says so')
    need(rearm(b, 'rearm') == 0, 'which is re-armed like another')


def main():
    with Bulkhead() as b:
        one(b, lambda: b.run('kill', 'a test'), 'cli')
        one(b, lambda: os.kill(b.monitor_pid(), signal.SIGUSR1), 'signal')
        full(b)
        b.up()
        b.deliver('last.mail', plain('last'))
        items = b.items_until(3)
        need([i['verdict'] for i in items if i['key'] == 'last.mail'] ==
             ['read'], 're-armed, it works again')
    return 0


if __name__ == '__main__':
    sys.exit(main())
