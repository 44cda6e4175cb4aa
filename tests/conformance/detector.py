#!/usr/bin/env python3
"""What the injection detector finds of injection/dev.jsonl: explicit attacks,
plain imperatives, and false alarms on benign texts (at most 700 of each kind, by
sorted hash). Informative: the detector decides nothing, the isolation does. The
part fails only where the detector finds nothing at all, or alarms on more than
2 % of what is benign."""
import argparse
import collections
import hashlib
import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
from mail import report  # noqa: E402

ALARM = 50    # findings below this are remarks of the MIME parser
MOST = 700
BENIGN_MAX = 0.02


def kind_of(row):
    if row['label'] == 0:
        return 'benign'
    return 'explicit' if row['explicit'] else 'imperative'


def alarms(reader, text):
    mail = (b'From: <a@example.org>\nMIME-Version: 1.0\nContent-Type: '
            b'text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n')
    out = subprocess.run([reader, '--stdio'], input=mail + text.encode(),
                         capture_output=True, check=True).stdout
    return any(f['score'] >= ALARM for f in json.loads(out)['findings'])


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--corpora', default=os.environ.get('BULKHEAD_CORPORA'))
    p.add_argument('--reader', default=os.path.join(
        ROOT, 'build/src/reader/reader-email'))
    p.add_argument('--out', default=os.path.join(ROOT,
                                                 'build/conformance.json'))
    args = p.parse_args()
    texts = collections.defaultdict(list)
    with open(os.path.join(args.corpora, 'injection/dev.jsonl'),
              encoding='utf-8') as f:
        for line in f:
            row = json.loads(line)
            texts[kind_of(row)].append(row['text'])
    found = {}
    for kind, all_of_kind in texts.items():
        some = sorted(all_of_kind, key=lambda t: hashlib.sha256(
            t.encode()).digest())[:MOST]
        hits = sum(alarms(args.reader, t) for t in some)
        found[kind] = (hits, len(some))
        print(f'{kind}: {hits} of {len(some)} alarm', flush=True)
    report(args.out, [
        {'asset': f'injection/dev.jsonl: {kind}, alarms', 'cases': n,
         'passed': n - hits if kind == 'benign' else hits, 'exceptions': 0}
        for kind, (hits, n) in found.items()])
    hits, n = found['benign']
    return 0 if found['explicit'][0] > 0 and hits <= BENIGN_MAX * n else 1


if __name__ == '__main__':
    sys.exit(main())
