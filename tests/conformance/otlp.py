"""Goal of this test: what bulkhead sends a collector is OTLP for the decoder of
opentelemetry-js, with the keys and types of opentelemetry-proto's own examples,
and its metrics are Prometheus' text for promtool, which finds what is wrong
with others'."""
import copy
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(HERE, 'npm'),
                os.path.join(HERE, '..', 'system')]
BUILD = os.path.abspath(os.environ.get('BULKHEAD_BUILD', 'build'))
CORPORA = os.environ['BULKHEAD_CORPORA']
os.environ['BULKHEAD_BUILD'] = BUILD
from mail import report  # noqa: E402
from packages import modules  # noqa: E402
from harness import Bulkhead  # noqa: E402
import telemetry as system  # noqa: E402

DECODER = '@opentelemetry/otlp-transformer/build/src/generated/root.js'

results = {}


def check(asset, ok, what, detail=''):
    print('ok  ' if ok else 'FAIL', what, '' if ok else detail, flush=True)
    results.setdefault(asset, []).append(bool(ok))


def promtool():
    """Of Debian's package prometheus, whose server is not wanted here."""
    found = shutil.which('promtool') or os.path.join(BUILD, 'promtool')
    if not os.path.exists(found):
        with tempfile.TemporaryDirectory() as tmp:
            os.chmod(tmp, 0o755)
            subprocess.run(['apt-get', '-q', '-o', 'APT::Sandbox::User=root',
                            'download', 'prometheus'], cwd=tmp,
                           check=True)
            deb = glob.glob(tmp + '/prometheus_*.deb')[0]
            subprocess.run(['dpkg-deb', '-x', deb, tmp + '/x'], check=True)
            shutil.copy(tmp + '/x/usr/bin/promtool', found + '.new')
            os.rename(found + '.new', found)
    return found


def traffic():
    """What three mails make: bodies by signal, and the metrics' text."""
    c = system.Collector()
    with Bulkhead(planner='gullible') as b:
        system.telemetry(b, f'otlp: "http://127.0.0.1:{c.port}", logs: full')
        b.up()
        for i in range(3):
            b.deliver(f'{i}.mail', system.mail(i))
        b.items_until(3)
        system.until(lambda: len(c.spans()) >= 24 and c.got['logs'] and
                     c.got['metrics'])
        system.metric_until(
            b, lambda m: m.get('bulkhead_items_total{verdict="read"}') == 3,
            'the metrics know three items')
        text = b.run('metrics').stdout
        b.down()
    c.close()
    return c.got, text


def decode(root, rows):
    """Of each (signal, object): None, or what the decoder says against it."""
    with tempfile.TemporaryDirectory() as tmp:
        args = []
        for i, (signal, body) in enumerate(rows):
            path = f'{tmp}/{i}.json'
            with open(path, 'w', encoding='utf-8') as f:
                json.dump(body, f)
            args.append(f'{signal}:{path}')
        r = subprocess.run(['node', os.path.join(HERE, 'otlp_decode.js'), root,
                            *args], capture_output=True, text=True, check=False)
    lines = r.stdout.splitlines()
    if len(lines) != len(rows):
        raise RuntimeError(r.stdout + r.stderr)
    return [None if l == 'ok' else l for l in lines]


def edited(body, change):
    body = copy.deepcopy(body)
    change(body)
    return body


def span_of(body):
    return body['resourceSpans'][0]['scopeSpans'][0]['spans'][0]


def renamed(old, new):
    def change(body):
        span = span_of(body)
        span[new] = span.pop(old)
    return change


def retyped(key, make):
    def change(body):
        span_of(body)[key] = make(span_of(body)[key])
    return change


MISTAKES = [
    ('a name in snake case', renamed('startTimeUnixNano', 'start_time_unix_nano')),
    ('a name that there is not', renamed('name', 'nome')),
    ('a 64-bit number that is none of text', retyped('startTimeUnixNano', int)),
    ('an enum by its name', retyped('kind', lambda _: 'SPAN_KIND_INTERNAL')),
    ('an id in base64', retyped('traceId', lambda _: 'W47/95gDgQPSabYzgT/GDA==')),
    ('an id that is short', retyped('spanId', lambda v: v[2:])),
    ('a name that is a number', retyped('name', lambda _: 7)),
]


def check_decoder(got):
    root = os.path.join(modules(BUILD), DECODER)
    rows = [(s, body) for s, bodies in got.items() for body in bodies]
    said = decode(root, rows)
    for signal in got:
        bad = [w for (s, _), w in zip(rows, said) if s == signal and w]
        n = sum(s == signal for s, _ in rows)
        check('our OTLP in otlp-transformer', n and not bad,
              f'{n} requests with {signal} are decoded', bad[:3])
    examples = []
    for name, signal in (('trace', 'traces'), ('metrics', 'metrics'),
                         ('logs', 'logs'), ('events', 'logs')):
        with open(f'{CORPORA}/proto-otlp/{name}.json', encoding='utf-8') as f:
            examples.append((signal, json.load(f)))
    # Newer than the decoder, and nothing that we say.
    for scope in examples[-1][1]['resourceLogs'][0]['scopeLogs']:
        for record in scope['logRecords']:
            record.pop('eventName', None)
    for (signal, _), wrong in zip(examples, decode(root, examples)):
        check('proto-otlp', not wrong, f'so is the example of {signal}', wrong)
    body = got['traces'][0]
    wrong = decode(root, [('traces', edited(body, m)) for _, m in MISTAKES])
    for (what, _), w in zip(MISTAKES, wrong):
        check('our OTLP in otlp-transformer', w, f'{what} is found (control)')
    return examples


def shape(v, at=''):
    """Every path in a JSON value, lists left out, with its type."""
    found = {(at, type(v).__name__.replace('float', 'int'))}
    if isinstance(v, dict):
        for k, e in v.items():
            found |= shape(e, f'{at}.{k}')
    if isinstance(v, list):
        for e in v:
            found |= shape(e, at + '[]')
    return found


# Of ours, what the examples happen not to have.
NOT_IN_EXAMPLES = {
    '.resourceSpans[].scopeSpans[].spans[].status',
    '.resourceSpans[].scopeSpans[].spans[].status.code',
    '.resourceSpans[].scopeSpans[].spans[].status.message',
    '.resourceSpans[].scopeSpans[].spans[].attributes[].value.intValue',
    '.resourceMetrics[].scopeMetrics[].metrics[].sum.dataPoints[].asInt',
    '.resourceMetrics[].scopeMetrics[].metrics[].gauge.dataPoints[].asInt',
}


def check_shape(got, examples):
    for signal in got:
        ours = set().union(*(shape(b) for b in got[signal]))
        theirs = set().union(*(shape(b) for s, b in examples if s == signal))
        more = {row for row in ours - theirs if row[0] not in NOT_IN_EXAMPLES}
        check('proto-otlp', not more,
              f'{signal}: keys and types are those of the examples', more)


def check_text(text):
    tool = promtool()

    def says(data):
        r = subprocess.run([tool, 'check', 'metrics'], input=data,
                           capture_output=True, check=False)
        return r.returncode, (r.stdout + r.stderr).decode()
    code, words = says(text.encode())
    check('our metrics in promtool', code == 0 and not words,
          'promtool has nothing to say of our metrics', words)
    for what, old, new in (
            ('a type twice', '# TYPE bulkhead_vms gauge',
             '# TYPE bulkhead_vms gauge\n# TYPE bulkhead_vms gauge'),
            ('a counter by a wrong name', 'bulkhead_items_total', 'bulkhead_items'),
            ('a metric without help', '# HELP bulkhead_vms ', '# '),
            ('a label without its end', 'zone="reader"', 'zone="reader'),
            ('a value that is none', 'bulkhead_kill_latch 0', 'bulkhead_kill_latch no')):
        code, _ = says(text.replace(old, new).encode())
        check('our metrics in promtool', old in text and code != 0,
              f'{what} is found (control)')
    for path in sorted(glob.glob(f'{CORPORA}/proto-prometheus/corpus/from_*')):
        with open(path, 'rb') as f:
            code, words = says(f.read())
        name = os.path.basename(path)
        # 1: it is no metrics at all; 3: they could be better.
        check('proto-prometheus', (code == 1) == ('error' in name),
              f'{name}: promtool takes it, or not, as it should (control)', words)


def main():
    got, text = traffic()
    examples = check_decoder(got)
    check_shape(got, examples)
    check_text(text)
    report(os.path.join(BUILD, 'conformance.json'),
           [{'asset': asset, 'cases': len(rows), 'passed': sum(rows),
             'exceptions': 0} for asset, rows in results.items()])
    return 0 if all(all(rows) for rows in results.values()) else 1


if __name__ == '__main__':
    sys.exit(main())
