"""Goal of this test: a connector that an attacker owns is connected to its own table
and to nothing else, and a name that leads where nothing may be connected to is
refused, with a real netd and a listener at every address there is.
"""
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
from netd_world import PORT, SELF, SERVER, World, run  # noqa: E402

BUILD = os.environ['BULKHEAD_BUILD']
FAILED = []
SIGSYS = 31


def need(good, what):
    print(('ok: ' if good else 'FAILED: ') + what, flush=True)
    if not good:
        FAILED.append(what)


def names(w):
    """What a name leads to decides, not what it is."""
    w.name('mail.test', '8.8.4.4', '2600::1')
    said, refused = w.dial(f'mail.test:{PORT}', 'mail.test')
    need(said.startswith('dialed ') and not refused, f'a public name is reached: {said}')
    need(w.count() == (0, 1), 'the listener counts it')
    for what, addrs in (
            ('loopback', ['127.0.0.1']), ('loopback, IPv6', ['::1']),
            ('this machine', [SELF]), ('this machine, IPv6', ['2a10::2']),
            ('a private address', [SERVER]), ('metadata', ['169.254.169.254']),
            ('no address', ['0.0.0.0']), ('a mapped address', ['::ffff:127.0.0.1']),
            ('one bad among good', ['8.8.4.4', '10.0.0.1', '9.9.9.9']),
            ('bad behind good of the other kind', ['8.8.4.4', 'fd00::1'])):
        w.name('bad.test', *addrs)
        said, refused = w.dial(f'bad.test:{PORT}', 'bad.test')
        need(refused and 'it leads to' in said, f'{what}: {said}')
        need(w.count() == (0, 0), f'{what}: nothing was connected')
    for what, addrs, where in (('this machine', ['127.0.0.1'], (1, 0)),
                               ('another', [SERVER], (0, 1))):
        w.name('home.test', *addrs)
        said, refused = w.dial(f'home.test:{PORT}', 'home.test', private=True)
        need(said.startswith('dialed ') and w.count() == where,
             f'private: {what} is reached: {said}')
    w.name('bad.test', '169.254.169.254')
    need(w.dial(f'bad.test:{PORT}', 'bad.test', private=True)[1],
         'private: metadata is refused all the same')
    said, refused = w.dial(f'none.test:{PORT}', 'none.test')
    need(said == 'none.test: there is no such name' and not refused, said)
    w.name('empty.test')
    need(w.dial(f'empty.test:{PORT}', 'empty.test')[0] ==
         'empty.test: the name has no address', 'a name without an address')
    w.name('many.test', *[f'8.8.5.{i}' for i in range(17)])
    need(w.dial(f'many.test:{PORT}', 'many.test')[0].startswith('no name server', 11),
         'more addresses than an answer may have are a bad answer')
    need(w.count() == (0, 0), 'and nothing was connected')
    w.name('closed.test', '8.8.4.4')
    said, refused = w.dial('closed.test:4434', 'closed.test', 4434)
    need('Connection refused' in said and not refused, said)


def owned(w):
    """The connector's own words and hands."""
    w.name('mail.test', '8.8.4.4')
    w.name('other.test', '8.8.8.8')
    for n in ('mail.test.test', 'www.mail.test', 'x.mail.test'):
        w.name(n, '8.8.8.8')
    said = w.line(f'connector ask mail.test:{PORT}')[0]
    need(said.startswith('code 0 refused ') and int(said.split()[-1]) == 37,
         f'37 requests outside of the table, each refused and on record: {said}')
    need(w.count() == (0, 0), 'no connection was made for it')
    said = w.line(f'connector none mail.test:{PORT}')[0]
    need(said == 'code 1 refused 0' and w.count() == (0, 1),
         f'its table is what it gets: {said}')
    for mode in ('socket', 'connect', 'unconnect', 'sendto', 'bind', 'uring'):
        said = w.line(f'connector {mode} mail.test:{PORT}')[0]
        need(said == f'signal {SIGSYS} refused 0', f'{mode} ends it: {said}')
        need(w.count() == (0, 1), f'{mode}: nothing but its table was connected')


def main():
    with tempfile.TemporaryDirectory() as d:
        os.chmod(d, 0o755)
        os.symlink(os.path.join(BUILD, 'bulkhead-netd'), f'{d}/bulkhead-netd')
        shutil.copy(os.path.join(BUILD, 'tests/hostile_online'), f'{d}/bulkhead-online')
        w = World(BUILD, d)
        names(w)
        owned(w)
        w.end()
    return 1 if FAILED else 0


if __name__ == '__main__':
    sys.exit(run(main))
