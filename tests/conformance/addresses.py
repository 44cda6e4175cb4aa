"""Part addresses: a real netd against every address and spelling of ip-literals,
ssrf-payloads and url-wpt: how many connections to special ranges, which has to be 0,
in a world where every address has a listener that counts (tests/netd_world.py).

Each host is asked for in three ways: as the row of the configuration itself; by a
connector whose table has one name, the lists' own decoy; and each address also as
what a name leads to. Without `private`. An address is public where both
oracles of the list say so and no IPv4 address is in it; of those the number that is
refused is printed: what netd is stricter about is named in STRICT.
"""
import ipaddress
import json
import os
import re
import sys
from urllib.parse import urlsplit

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
from netd_world import PORT, World, run  # noqa: E402

CORPORA = os.environ.get('BULKHEAD_CORPORA', '')
BUILD = os.environ.get('BULKHEAD_BUILD', 'build')
DECOY = 'www.google.com'
# Public by both oracles, and refused: anycast and relays of protocols (AS112, AMT,
# 6to4, IETF assignments), addresses with an IPv4 one in them, clouds' metadata,
# and IPv6 that IANA has not assigned.
STRICT = [ipaddress.ip_network(n) for n in (
    '192.0.0.0/24', '192.31.196.0/24', '192.52.193.0/24', '192.88.99.0/24',
    '192.175.48.0/24', '168.63.129.16/32', '2001::/23', '2002::/16', '64:ff9b::/96',
    '2620:4f:8000::/48', '3ffe::/16', '::/3', '4000::/2', '8000::/1')]


def lines(path):
    with open(os.path.join(CORPORA, path), encoding='utf-8') as f:
        return [json.loads(line) for line in f if line.strip()]


def boundaries():
    """[(address, public)] of the list with two oracles; the stricter one counts."""
    found = []
    for row in lines('ip-literals/special-range-boundaries.jsonl'):
        public = row['cpython_3_11_7'] == ['global'] and row['ipaddr_js_2_5_0'] == 'unicast'
        found.append((row['address'], public))
    return found


def hosts_of(text):
    """What could be the host in a text that is one, or a URL."""
    found = {text}
    rest = re.sub(r'^[a-zA-Z][a-zA-Z0-9+.-]*:[/\\]*', '', text.strip())
    found.add(rest)
    part = re.split(r'[/?#\\]', rest)[0]
    found.add(part)
    for p in re.split(r'[@&;\s]', part) + [part.rsplit('@', 1)[-1]]:
        found.add(p)
        found.add(re.sub(r':\d*$', '', p))
        found.add(p.strip('[]'))
        found.add(re.sub(r'^\[(.*)\](:\d+)?$', r'\1', p))
    try:
        found.add(urlsplit(text).hostname or '')
    except ValueError:
        pass
    return {h for h in found if h}


def corpus_hosts():
    """Every host of the lists, by list."""
    found = {'ip-literals': set(), 'ssrf-payloads': set(), 'url-wpt': set()}
    for row in lines('ip-literals/whatwg-ip-hosts.jsonl'):
        found['ip-literals'] |= {row['host']} | hosts_of(row['url'])
    for row in lines('ip-literals/cpython-is_x.jsonl'):
        found['ip-literals'].add(row['text'])
    with open(os.path.join(CORPORA, 'ip-literals/cpython-bad-address-strings.json'),
              encoding='utf-8') as f:
        found['ip-literals'] |= strings(json.load(f))
    for row in lines('ssrf-payloads/ssrf.jsonl'):
        found['ssrf-payloads'] |= hosts_of(row['text'])
    folder = os.path.join(CORPORA, 'url-wpt')
    for name in ('urltestdata.json', 'ada_extra_urltestdata.json', 'toascii.json'):
        with open(os.path.join(folder, name), encoding='utf-8', errors='replace') as f:
            for row in json.load(f):
                if isinstance(row, dict):
                    for key in ('input', 'href', 'host', 'hostname', 'output'):
                        if isinstance(row.get(key), str):
                            found['url-wpt'] |= hosts_of(row[key])
    return found


def strings(v):
    if isinstance(v, str):
        return {v}
    if isinstance(v, dict):
        v = list(v.values())
    return set().union(*[strings(e) for e in v]) if isinstance(v, list) else set()


def sendable(host):
    """The rig's lines; what has their own bytes in it is no host to anybody."""
    try:
        data = host.encode('utf-8')
    except UnicodeEncodeError:
        return False
    return 0 < len(data) <= 512 and not set(data) & set(b'\t\n\r\0')


class Results:
    def __init__(self):
        self.faults = []

    def need(self, good, what):
        if not good:
            self.faults.append(what)
            print(f'FAILED: {what}', flush=True)


def address_rows(w, res):
    """Each address, in the table and behind a name."""
    special = reached = strict = tried = 0
    for text, public in boundaries():
        a = ipaddress.ip_address(text)
        if a.version == 6 and a.scope_id:
            continue
        table = f'[{text}]:{PORT}' if a.version == 6 else f'{text}:{PORT}'
        ways = [(f'n{tried}.test:{PORT}', f'n{tried}.test')]
        # The rig takes tables as the configuration does: with one colon.
        if a.version == 4:
            ways.append((table, text))
        w.name(f'n{tried}.test', text)
        for row, host in ways:
            tried += 1
            said, refused = w.dial(row, host)
            count = sum(w.count())
            if not public:
                special += count
                res.need(count == 0 and refused, f'{text} ({host}): {said}, {count} connections')
            elif refused:
                strict += 1
                res.need(count == 0 and any(a in n for n in STRICT if n.version == a.version),
                         f'{text} is public and refused: {said}')
            else:
                reached += 1
                res.need(count == 1 and said.startswith('dialed '),
                         f'{text} is public: {said}, {count} connections')
    print(f'addresses: {tried} ways tried, {special} connections to special ranges; '
          f'positive control: {reached} public ones reached and counted, {strict} refused '
          'by rules that are stricter than both oracles', flush=True)
    res.need(reached > 20, 'the listener counts what is reached')


def host_rows(w, res):
    """Each spelling, as the table's own row and beside the decoy's."""
    w.name(DECOY, '8.8.4.4')
    for name, hosts in corpus_hosts().items():
        hosts = sorted(h for h in hosts - {DECOY} if sendable(h))
        none = unresolved = literal = connections = 0
        for host in hosts:
            said, refused = w.dial(f'{host}:{PORT}', host)
            count = sum(w.count())
            none += said == 'table'
            unresolved += said.endswith('there is no such name')
            public = False
            try:
                a = ipaddress.ip_address(host)
                public = a.is_global
            except ValueError:
                pass
            if said.startswith('dialed '):
                literal += 1
                res.need(public, f'{name}: {host!r}: {said}')
                continue
            connections += count
            res.need(count == 0, f'{name}: {host!r}: {said}, {count} connections')
            said, refused = w.dial(f'{DECOY}:{PORT}', host)
            count = sum(w.count())
            connections += count
            res.need(refused and count == 0, f'{name}: beside the decoy {host!r}: {said}')
        print(f'{name}: {len(hosts)} hosts, {none} are no row of a table, {unresolved} are '
              f'names that the name server does not know, {literal} public addresses were '
              f'reached; {connections} connections to special ranges', flush=True)
    said, refused = w.dial(f'{DECOY}:{PORT}', DECOY)
    res.need(said.startswith('dialed ') and w.count() == (0, 1), f'the decoy itself: {said}')


def name_rows(w, res):
    """Public services that answer with an address in the name, where we answer."""
    n = 0
    for row in lines('ssrf-payloads/ssrf.jsonl'):
        if row['cls'] != 'dns-name-to-private':
            continue
        for host in hosts_of(row['text']):
            if not re.fullmatch(r'[a-zA-Z0-9.-]+\.[a-zA-Z]+', host):
                continue
            for to in ('127.0.0.1', '169.254.169.254', '10.0.0.1', '::1'):
                w.name(host, to)
                said, refused = w.dial(f'{host}:{PORT}', host.lower())
                if said == 'table' or 'not in' in said:
                    continue
                n += 1
                res.need(refused and sum(w.count()) == 0, f'{host} -> {to}: {said}')
            w.name(host)
    print(f'names that lead to special ranges: {n} refused', flush=True)


def main():
    res = Results()
    w = World(os.path.abspath(BUILD))
    address_rows(w, res)
    host_rows(w, res)
    name_rows(w, res)
    w.end()
    print(f'{len(res.faults)} faults', flush=True)
    return 1 if res.faults else 0


if __name__ == '__main__':
    sys.exit(run(main))
