"""Goal of this test: bulkhead may die at any moment. What was accepted gets one
verdict, an effect that was under way is unknown and never repeated by itself,
and the owner settles or repeats it."""
import json
import os
import pty
import shutil
import signal
import sys
import time

from harness import BUILD, Bulkhead, need, plain, slower

SEND = 'Please send an email to lea@example.org and tell her hello.'


def die(b):
    """The monitor is killed, and everything with it."""
    pids = b.children()
    os.kill(b.monitor_pid(), signal.SIGKILL)
    end = time.monotonic() + slower(20)
    while time.monotonic() < end and any(
            os.path.exists(f'/proc/{p}') for p in pids):
        time.sleep(0.05)
    need(not any(os.path.exists(f'/proc/{p}') for p in pids),
         'with the monitor everything ends')


def effects(b):
    return json.loads(b.run('--json', 'effects').stdout)['effects']


def effect_until(b, state, seconds=120):
    end = time.monotonic() + slower(seconds)
    found = []
    while time.monotonic() < end:
        found = [e for e in effects(b) if e['state'] == state]
        if found:
            return found[0]
        time.sleep(0.2)
    print(effects(b), b.log())
    need(False, f'an effect is {state} within {seconds} s')
    return {}


def process(b, name):
    for pid, comm in b.children().items():
        if comm.startswith(name):
            with open(f'/proc/{pid}/cmdline', 'rb') as f:
                if f.read():
                    yield pid


def outbox(b):
    return [n for d in ('new', 'cur')
            for n in os.listdir(os.path.join(b.dir, 'outbox', d))]


def at_terminal(b, word, *args):
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(os.path.join(BUILD, 'bulkhead'),
                 ['bulkhead', '--config', b.config, *args])
    out = b''
    try:
        while b'Type repeat' not in out:
            out += os.read(fd, 4096)
        os.write(fd, word.encode() + b'\n')
        while True:
            out += os.read(fd, 4096)
    except OSError:
        pass
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), out.decode()


def verdicts(b):
    """item -> verdicts in the log. One that is said again after a crash counts
    where the crash came before it was said."""
    found, again = {}, {}
    for r in b.audit():
        if r['kind'] == 'item.done':
            where = again if r.get('again') else found
            where.setdefault(r['item'], []).append(r['verdict'])
    return {**{item: v[:1] for item, v in again.items()}, **found}


def killed_at_work(b):
    """Mails of which some wait, some are at work, when everything dies."""
    for i in range(12):
        b.deliver(f'a{i}.mail', plain(f'number {i}'))
    b.up()
    b.status_until('some have been read',
                   lambda s: s['items']['read'] >= 2)
    die(b)
    b.up()
    items = b.items_until(12)
    need(sorted(i['item'] for i in items) == list(range(1, 13)),
         'each of the 12 mails is one item')
    need(all(i['verdict'] == 'read' for i in items),
         f'and has been read {[i["fault"] for i in items if i["fault"]]}')
    need(any(i['verdict'] == 'read' and not i.get('message') for i in items),
         'those of before are told of, without their bodies')
    found = verdicts(b)
    need(sorted(found) == list(range(1, 13)) and
         all(len(v) == 1 for v in found.values()),
         'each has one verdict in the log')
    b.run('audit', 'verify')
    b.down()


def killed_in_an_effect(b):
    b.up()
    # The outbox has stopped: its next effect is under way until it is killed.
    stopped = []
    for pid in process(b, 'bulkhead-connec'):
        dirs = [os.readlink(f'/proc/{pid}/fd/{f}')
                for f in os.listdir(f'/proc/{pid}/fd')]
        if any('drafts' in d for d in dirs):
            os.kill(pid, signal.SIGSTOP)
            stopped.append(pid)
    need(len(stopped) == 1, 'the outbox is found')
    b.deliver('send.mail', plain('send', SEND))
    e = effect_until(b, 'started')
    need(e['audit_index'] is not None, 'it names the record it began with')
    need(not outbox(b), 'nothing was sent yet')
    die(b)
    b.up()
    items = b.items_until(13)
    item = next(i for i in items if i['item'] == e['item'])
    need(item['verdict'] == 'interrupted' and
         f'effects {e["effect"]} unknown' in item['fault'],
         f'its item is interrupted, and names it: {item["fault"]}')
    return e


def the_owner_decides(b, e):
    time.sleep(1)
    need(not outbox(b), 'an unknown effect is not repeated by itself')
    found = effect_until(b, 'unknown')
    need(found['effect'] == e['effect'] and
         found['audit_index'] == e['audit_index'],
         'it is listed as unknown, with its log index')
    text = b.run('effects').stdout
    need('1 of them unknown' in text, 'the list says so')
    text = b.run('effects', 'show', str(e['effect'])).stdout
    need(f'effects settle {e["effect"]}' in text and 'lea@example.org' in text,
         'one in full says what to do')
    records = b.audit()
    outcome = [r for r in records if r['kind'] == 'outcome' and
               r['effect'] == e['effect']]
    need(len(outcome) == 1 and outcome[0]['outcome'] == 'unknown' and
         outcome[0]['decision'] == e['audit_index'],
         'the log says unknown, and of which decision')
    r = b.run('effects', 'repeat', str(e['effect']), check=False, stdin=-3)
    need(r.returncode == 1 and 'terminal' in r.stderr,
         'no repetition without a terminal')
    rc, _ = at_terminal(b, 'yes', 'effects', 'repeat', str(e['effect']))
    need(rc == 1 and not outbox(b), 'nor with another word')
    rc, out = at_terminal(b, 'repeat', 'effects', 'repeat', str(e['effect']))
    need(rc == 0 and f'repeats effect {e["effect"]}' in out,
         f'the typed word repeats it: {out}')
    need(len(outbox(b)) == 1, 'once')
    found = effects(b)
    need([x['state'] for x in found] == ['settled', 'done'],
         'the old one is settled, the new one done')
    rc = b.run('effects', 'settle', str(e['effect']), 'done',
               check=False).returncode
    need(rc == 1, 'what is settled is not settled again')
    rc = b.run('effects', 'show', '99', check=False).returncode
    need(rc == 1, 'what is not there is not shown')
    b.down()


def stopped_in_order(b):
    """A stop is no attempt, and loses nothing."""
    for i in range(8):
        b.deliver(f'c{i}.mail', plain(f'late {i}'))
    b.up()
    time.sleep(1)
    b.down()
    b.up()
    items = b.items_until(21)
    need(all(i['verdict'] == 'read' for i in items[13:]),
         'what a stop came between is read after it')
    attempts = [r['attempt'] for r in b.audit()
                if r['kind'] == 'item.new' and r['item'] > 13]
    need(set(attempts) == {1}, 'and it counted as no attempt')
    b.down()


def older_copy(b):
    store = os.path.join(b.dir, 'state/store')
    shutil.copytree(store, store + '.old')
    b.up()
    b.down()
    os.rename(store, store + '.new')
    shutil.copytree(store + '.old', store)
    r = b.run('up', '--images', b.images, check=False)
    need(r.returncode != 0 and 'an older copy' in r.stderr + r.stdout,
         f'an older copy of the database is named: {r.stderr}')
    shutil.rmtree(store)
    os.rename(store + '.new', store)


def database_gone(b):
    """What names it, and what the owner is told to do, works."""
    path = os.path.join(b.dir, 'state/store/state.db')
    with open(path, 'r+b') as f:
        f.write(b'not a database')
    r = b.run('up', '--images', b.images, check=False)
    need(r.returncode != 0 and 'state/store/state.db' in r.stderr + r.stdout and
         'move the directory state/store away' in r.stderr + r.stdout,
         f'a damaged database is named, with what to do: {r.stderr}')
    shutil.move(os.path.join(b.dir, 'state/store'),
                os.path.join(b.dir, 'state/store.bad'))
    b.up()
    b.deliver('d.mail', plain('after'))
    items = b.items_until(1)
    need([i['key'] for i in items] == ['d.mail'],
         'a fresh one reads what is new, and nothing of before')
    b.down()


def main():
    with Bulkhead(planner='gullible') as b:
        killed_at_work(b)
        e = killed_in_an_effect(b)
        the_owner_decides(b, e)
        stopped_in_order(b)
        older_copy(b)
        database_gone(b)
    return 0


if __name__ == '__main__':
    sys.exit(main())
