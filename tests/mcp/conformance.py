"""Goal of this test: the MCP server of a planner's porter is what MCP says it is.
Every scenario of MCP's own conformance suite (npm, the newest and the latest
release) that applies passes in every revision of ours; scenarios.txt says of all
of them whether they do. MCP's own client libraries get along with it, too. What
answers is the porter itself in its sandbox, with a guest and a broker of the
test's (mcp_rig); the suite's HTTP is a bridge."""
import glob
import json
import os
import platform
import re
import socket
import subprocess
import sys
import tempfile
import threading

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, 'tests/servers'),
                os.path.join(ROOT, 'tests/conformance'),
                os.path.join(ROOT, 'tools')]
from bridge import Bridge  # noqa: E402
from mail import report  # noqa: E402
from npm import BUILD, packages  # noqa: E402
from tally import FAIL, PASS, Tally  # noqa: E402

RIG = [os.path.join(BUILD, 'src/host/porter/mcp_rig')]
MCP = os.path.join(BUILD, 'src/guest/bulkhead-mcp')
TOOLS = os.path.join(HERE, 'tools.json')
ENV = {**os.environ, 'BULKHEAD_LIBEXEC': BUILD}
REVISIONS = ['2025-06-18', '2025-11-25', '2026-07-28']
SUITES = {'conformance': 65, 'conformance-latest': 32}
LISTED = re.compile(r'\s+- (\S+) \[(\S+)\]')
ROW = re.compile(r'(\S+)(?: (\S+))?: (yes|no, .+)')
CPU = {'x86_64': 'x64', 'aarch64': 'arm64'}


def applying():
    """The scenarios that do, and of those the checks that do not; and all."""
    scenarios, out = {}, set()
    with open(os.path.join(HERE, 'scenarios.txt'), encoding='utf-8') as f:
        for line in f:
            if line.strip() and not line.startswith('#'):
                name, check, what = ROW.fullmatch(line.strip()).groups()
                if check:
                    out.add((name, check))
                else:
                    assert name not in scenarios, f'{name} twice'
                    scenarios[name] = what == 'yes'
    return scenarios, out


def suite_of(place, name):
    """How it is run, and its scenarios with the revisions that each is for."""
    node = os.path.join(place, 'node_modules',
                        f'node-linux-{CPU[platform.machine()]}', 'bin/node')
    run = [node, os.path.join(place, 'node_modules', name, 'dist/index.js')]
    r = subprocess.run([*run, 'list', '--server'], capture_output=True,
                       text=True, timeout=120, check=True)
    found = {m[1]: m[2].split(',') for m in LISTED.finditer(r.stdout)}
    return run, found


def run_one(suite, scenario, revision, tools=TOOLS, force=False):
    """Its checks, and whether every server ended as it should."""
    bridge = Bridge([*RIG, tools], ENV)
    with tempfile.TemporaryDirectory() as d:
        r = subprocess.run([*suite, 'server', '--url', bridge.url,
                            '--scenario', scenario, '--spec-version', revision,
                            '-o', d, *(['--force'] if force else [])],
                           capture_output=True, text=True, timeout=300,
                           check=False)
        checks = []
        for file in glob.glob(os.path.join(d, '**/checks.json'),
                              recursive=True):
            with open(file, encoding='utf-8') as f:
                checks += json.load(f)
    ended = bridge.close()
    if not checks:
        checks = [{'id': 'that it runs', 'status': 'FAILURE',
                   'errorMessage': (r.stdout + r.stderr)[-300:]}]
    return checks, not any(ended)


def problems(scenario, checks, left_out):
    """What is not as the list has it; how many checks were left out."""
    bad, n = [], 0
    for c in checks:
        good = c['status'] in ('SUCCESS', 'INFO')
        out = (scenario, c['id']) in left_out
        n += out
        if good == out:
            bad.append(f"{c['id']}: {c['status']} "
                       f"{c.get('errorMessage', '')[:300]}")
    ids = {c['id'] for c in checks}
    return bad, n, ids


def conformance(tally, place, name):
    applies, left_out = applying()
    suite, found = suite_of(place, name)
    unknown = sorted(set(found) - set(applies))
    tally.add(PASS if len(found) == SUITES[name] and not unknown else FAIL,
              f'{name}: each of {len(found)} scenarios is in the list',
              ' '.join(unknown))
    if name == 'conformance':
        gone = sorted(set(applies) - set(found))
        tally.add(FAIL if gone else PASS, 'the list has no others',
                  ' '.join(gone))
    runs = passed = n = exceptions = 0
    seen = set()
    for scenario, revisions in found.items():
        extension = revisions == ['extension']
        for revision in REVISIONS if applies.get(scenario) else []:
            if revision not in (REVISIONS[-1:] if extension else revisions):
                continue
            checks, clean = run_one(suite, scenario, revision,
                                    force=extension)
            bad, out, ids = problems(scenario, checks, left_out)
            seen |= {(scenario, i) for i in ids}
            tally.add(FAIL if bad or not clean else PASS,
                      f'{name}: {scenario} at {revision}',
                      '; '.join(bad) or ('' if clean else 'a server failed'))
            runs += 1
            passed += not bad and clean
            n += len(checks) - out
            exceptions += out
    if name == 'conformance':
        stale = sorted(left_out - seen)
        tally.add(FAIL if stale else PASS,
                  'each check that is left out is one', str(stale or ''))
    print(f'{name}: {passed} of {runs} scenarios, {n} checks, '
          f'{exceptions} left out')
    return {'asset': f'MCP, {name}', 'cases': runs, 'passed': passed,
            'exceptions': exceptions}


def control(tally, place):
    """A server without its tools fails."""
    suite, _ = suite_of(place, 'conformance')
    with tempfile.NamedTemporaryFile('w', suffix='.json') as f:
        f.write('[]')
        f.flush()
        checks, _ = run_one(suite, 'tools-call-simple-text', REVISIONS[-1],
                            tools=f.name)
    tally.add(PASS if problems('tools-call-simple-text', checks, set())[0]
              else FAIL, 'control: a tool that is not there is missed')


class Door:
    """A Unix socket, as init of a packaged agent's machine has it: each
    connection has a server of its own."""

    def __init__(self, path):
        self.path, self.servers = path, []
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(path)
        self.socket.listen()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client, _ = self.socket.accept()
            self.servers.append(subprocess.Popen(
                [*RIG, TOOLS], env=ENV, stdin=client, stdout=client,
                stderr=subprocess.DEVNULL))
            client.close()


def libraries(tally, place):
    """By way of bulkhead-mcp, which agents start."""
    node = suite_of(place, 'conformance')[0][0]
    with tempfile.TemporaryDirectory() as tmp:
        door = Door(os.path.join(tmp, 'mcp.sock'))
        r = subprocess.run([node, 'sdk.js', MCP, door.path], cwd=place,
                           env=ENV, capture_output=True, text=True,
                           timeout=300, check=False)
        codes = [p.wait(60) for p in door.servers]
    tally.add(PASS if codes and not any(codes) else FAIL,
              f'{len(codes)} servers by bulkhead-mcp end well')
    tried = [json.loads(line) for line in r.stdout.splitlines()]
    for t in tried:
        if not t['ok']:
            tally.add(FAIL, f"{t['who']}: {t['what']}",
                      json.dumps(t.get('seen'))[:300])
    whole = r.returncode == 0 and len(tried) == 5 * 16 + 3
    good = sum(t['ok'] for t in tried)
    tally.add(PASS if whole and good == len(tried) else FAIL,
              f"MCP's client libraries: {len(tried)} things tried",
              r.stderr[-300:])
    return {'asset': "MCP's client libraries", 'cases': len(tried),
            'passed': good, 'exceptions': 0}


def main():
    tally = Tally('mcp')
    place = packages('npm', HERE)
    rows = [conformance(tally, place, name) for name in SUITES]
    rows.append(libraries(tally, place))
    control(tally, place)
    report(os.path.join(BUILD, 'conformance.json'), rows)
    return tally.end()


if __name__ == '__main__':
    sys.exit(main())
