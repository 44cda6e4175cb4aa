#!/usr/bin/env python3
"""Goal of this test: what documents bulkhead says what bulkhead does.

Every command has a manual page, and every page is clean to mandoc; an option
is in the table that pages, help and completion are made from exactly if the
command takes it; the key tables of docs/ are those of the loaders; the
completions of bash and zsh load, and offer what the tables have.

usage: manual.py [--accept]    --accept writes the tables of docs/ anew
"""
import glob
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

SRC = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get('BULKHEAD_BUILD', os.path.join(SRC, 'build'))
PAGES = os.path.join(BUILD, 'docs/man')
BULKHEAD = os.path.join(BUILD, 'bulkhead')
MANUAL = os.path.join(PAGES, 'bulkhead_manual')
KEYS = re.compile(r'(<!-- keys: (\w+) [^\n]*-->\n).*?(<!-- end -->)', re.S)
failures = []


def need(cond, what, detail=''):
    print('ok:' if cond else 'FAILED:', what, '' if cond else detail)
    if not cond:
        failures.append(what)


def run(*args):
    return subprocess.run(args, capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, timeout=60)


def commands():
    out = run(BULKHEAD, 'help').stdout
    return re.findall(r'^  ([a-z]+) ', out, re.M)


def usages(command):
    """'audit tail' -> its options, as the usage lines have them."""
    out = run(BULKHEAD, 'help', command).stdout
    found = {}
    for line in re.findall(r'^usage: bulkhead (.*)$', out, re.M):
        words = line.split()
        path = [words[0]]
        if len(words) > 1 and re.fullmatch(r'[a-z]+', words[1]) and \
                out.count('usage: bulkhead') > 1 or command in ('policy', 'config', 'import'):
            path.append(words[1])
        found[' '.join(path)] = re.findall(r'\[(--?[\w-]+)(?: ([^\]]+))?\]', line)
    return found


def check_pages(names):
    for name in names:
        if name in ('help', 'version'):
            continue
        path = os.path.join(PAGES, f'bulkhead-{name}.1')
        need(os.path.exists(path), f'bulkhead {name} has a page')
    pages = sorted(glob.glob(os.path.join(PAGES, '*.[15]')))
    need(len(pages) >= len(names) + 1, f'{len(pages)} pages')
    if shutil.which('mandoc'):
        for page in pages:
            r = run('mandoc', '-T', 'lint', '-W', 'warning', page)
            need(r.returncode == 0 and not r.stdout,
                 f'mandoc: {os.path.basename(page)}', r.stdout)
    else:
        print('skipped: no mandoc')
    refs = set()
    for page in pages:
        with open(page, encoding='utf-8') as f:
            refs |= set(re.findall(r'^\.(?:It )?Xr (bulkhead\S*) (\d)', f.read(), re.M))
    for name, section in sorted(refs):
        need(os.path.exists(os.path.join(PAGES, f'{name}.{section}')),
             f'{name}({section}) is there to see also')


def check_options(names):
    """An option of the table is taken; another one is not. Options are looked
    at before anything else, so that a wrong one changes nothing."""
    for name in names:
        for path, options in usages(name).items():
            for option, value in options:
                words = [option] + ([value] if value else [])
                r = run(BULKHEAD, *path.split(), *words, '--no-such-option')
                need(r.returncode == 2 and '--no-such-option' in r.stderr
                     or name in ('version', 'help'),
                     f'{path} takes {option}', r.stderr)
    with open(os.path.join(SRC, 'src/cli/commands.c'), encoding='utf-8') as f:
        table = set(re.findall(r'"(--?[a-z-]+)"', f.read()))
    bound = set()
    for path in glob.glob(os.path.join(SRC, 'src/cli/*.c')):
        with open(path, encoding='utf-8') as f:
            for rows in re.findall(r'struct cli_opt \w+\[\] = \{(.*?)\};',
                                   f.read(), re.S):
                if not path.endswith('_test.c'):
                    bound |= set(re.findall(r'\{ "(-[^"]+)"', rows))
    need(bound and bound <= table, 'no option is bound in secret', bound - table)


def check_tables(accept):
    for doc in ('docs/config.md', 'docs/policy.md'):
        path = os.path.join(SRC, doc)
        with open(path, encoding='utf-8') as f:
            text = f.read()
        want = KEYS.sub(lambda m: m.group(1) + run(MANUAL, 'markdown', m.group(2)).stdout
                        + m.group(3), text)
        need(KEYS.search(text), f'{doc} has a table of keys')
        if accept and want != text:
            with open(path, 'w', encoding='utf-8') as f:
                f.write(want)
            print('wrote', doc)
        else:
            need(want == text, f'{doc} says what the loaders do '
                 '(tests/manual.py --accept writes it anew)')


def bash_offers(line):
    script = ('source "$1"; read -ra COMP_WORDS <<<"$2"; '
              '[[ $2 == *" " ]] && COMP_WORDS+=(""); '
              'COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _bulkhead; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    r = run('bash', '--norc', '-c', script, 'bash', os.path.join(PAGES, 'bulkhead'),
            line)
    need(not r.stderr, f'bash completes "{line}"', r.stderr)
    return r.stdout.split()


def check_bash(names):
    r = run('bash', '--norc', '-c', 'source "$1" && complete -p bulkhead', 'bash',
            os.path.join(PAGES, 'bulkhead'))
    need('-F _bulkhead bulkhead' in r.stdout, 'bash knows the completion')
    need(bash_offers('bulkhead ') == names, 'bash offers every command')
    for line, want in [
            ('bulkhead it', ['items']),
            ('bulkhead items --', ['--wait', '--least', '--json', '--config', '--help']),
            ('bulkhead items --wait ', []),
            ('bulkhead audit ', ['tail', 'show', 'verify']),
            ('bulkhead audit tail -', ['-n', '--json', '--config', '--help']),
            ('bulkhead --config x.yaml st', ['status']),
            ('bulkhead wire p', ['planner']),
            ('bulkhead logs --level w', ['warn']),
            ('bulkhead help dow', ['down'])]:
        got = bash_offers(line)
        need(set(want) <= set(got) if want else not got,
             f'bash, "{line}": {got}')


def check_bash_files():
    with tempfile.TemporaryDirectory() as d:
        for n in ('one.yaml', 'two'):
            open(os.path.join(d, n), 'w', encoding='utf-8').close()
        need(bash_offers(f'bulkhead policy check {d}/o') == [f'{d}/one.yaml'],
             'bash offers files')


def zsh_types(keys, want, seconds=30):
    """What an interactive zsh shows after these keys, at a terminal."""
    with tempfile.TemporaryDirectory() as d:
        shutil.copy(os.path.join(PAGES, '_bulkhead'), d)
        pid, fd = pty.fork()
        if pid == 0:
            os.environ.update(TERM='dumb', HOME=d, PS1='% ', COLUMNS='200')
            os.execvp('zsh', ['zsh', '-f', '-i'])
        out = b''
        setup = (f'fpath=({d} $fpath); autoload -Uz compinit; '
                 f'compinit -u -d {d}/dump; echo rea""dy\n')
        os.write(fd, setup.encode())
        typed, end = False, time.monotonic() + seconds
        while time.monotonic() < end and want not in shown(out):
            if select.select([fd], [], [], 0.2)[0]:
                try:
                    out += os.read(fd, 65536)
                except OSError:
                    break
            if not typed and b'ready\r\n' in out:
                os.write(fd, keys)
                typed = True
        os.write(fd, b'\x03\x04exit\n')
        os.close(fd)
        os.waitpid(pid, 0)
        return shown(out)


def shown(out):
    """What stands there at the end, roughly: without bells and escapes."""
    return re.sub(rb'\x1b\[[?0-9;]*[a-zA-Z]|[\x00-\x1f]', b'',
                  out.split(b'ready\r\n')[-1])


def check_zsh():
    if not shutil.which('zsh'):
        print('skipped: no zsh')
        return
    r = run('zsh', '-f', '-n', os.path.join(PAGES, '_bulkhead'))
    need(r.returncode == 0 and not r.stderr, 'zsh parses it', r.stderr)
    for keys, want in [(b'bulkhead ite\t', b'items'),
                       (b'bulkhead items --le\t', b'--least'),
                       (b'bulkhead audit ver\t', b'verify'),
                       (b'bulkhead audit tail --j\t', b'--json'),
                       (b'bulkhead wire pl\t', b'planner'),
                       (b'bulkhead logs --level wa\t', b'warn')]:
        got = zsh_types(keys, want)
        need(want in got, f'zsh, {keys}: {want}', got[-200:])


def main():
    names = commands()
    need(len(names) > 10, 'there are commands')
    check_pages(names)
    check_options(names)
    check_tables('--accept' in sys.argv)
    check_bash(names)
    check_bash_files()
    check_zsh()
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
