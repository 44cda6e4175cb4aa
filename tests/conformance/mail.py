#!/usr/bin/env python3
"""Conformance of the mail reader on mail-spamassassin.

Two runs. SAMPLE mails, the same share of each folder, go through
`bulkhead --json read`: a fresh reader VM for each. All mails of the corpus go
through the native reader, and what it says of the sample must be what the VMs
said, to the byte, but for `sanitized`, which the host stamps.

Each mail must give JSON that fits the published schema. Where it is a single
text/plain part, its body must be the text that CPython's email package
decodes; the corpus' own oracle file vouches for the bytes that CPython
decodes here.

Both texts are compared after the one normalisation that the reader documents:
line ends are LF and invisible characters are gone (clean.c). Bytes without a
usable charset are read as UTF-8 if they are that, else as windows-1252, and
ISO-8859-1 as windows-1252, as browsers and mail programs do.

Bars, for each run: at most 1 % refused by name, none invalid, bodies equal in
>= 97 %, and every difference listed with its reason in mail-exceptions.txt.
"""
import argparse
import email
import email.policy
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import unicodedata

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("BULKHEAD_BUILD", os.path.join(ROOT, "build"))
IMAGES = os.environ.get("BULKHEAD_IMAGES", os.path.join(BUILD, "images"))
ASSET = "mail-spamassassin"
SAMPLE = 100
TIMEOUT_S = 120
CONFIG = """\
bulkhead: 1
state: {dir}/state
agents:
  assistant:
    policy: {dir}/policy.yaml
    planner: {{kind: triage}}
    tasks: [{{on: mail, say: "Nothing."}}]
connectors:
  inbox: {{kind: maildir, path: {dir}/Maildir}}
"""
REFUSED_MAX = 0.01
EQUAL_MIN = 0.97
INVISIBLE = {0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0}
INVISIBLE |= set(range(0x180B, 0x1810)) | set(range(0xFE00, 0xFE10))
INVISIBLE |= set(range(0xE0000, 0xE1000))
# Python's name for what the reader's charset.c takes a name to mean.
MEANT = {"iso-8859-1": "cp1252", "latin1": "cp1252", "iso8859-1": "cp1252",
         "gb2312": "gb18030", "gbk": "gb18030", "ks_c_5601-1987": "cp949",
         "euc-kr": "cp949", "shift_jis": "cp932", "big5": "big5hkscs"}
NOTHING = {"", "us-ascii", "ascii", "default", "default_charset", "unknown",
           "unknown-8bit", "x-unknown", "utf-8", "utf8", "x-user-defined"}


def problems(value, schema, root, where="$"):
    """The subset of JSON Schema 2020-12 that the published schema uses."""
    if "$ref" in schema:
        node = root
        for key in schema["$ref"].lstrip("#/").split("/"):
            node = node[key]
        schema = {**node, **{k: v for k, v in schema.items() if k != "$ref"}}
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool,
             "integer": int}
    kind = schema.get("type")
    if kind and (not isinstance(value, kinds[kind]) or
                 (kind == "integer" and isinstance(value, bool))):
        return [f"{where}: not of type {kind}"]
    out = []
    if "const" in schema and value != schema["const"]:
        out.append(f"{where}: not {schema['const']}")
    if "enum" in schema and value not in schema["enum"]:
        out.append(f"{where}: not in the list")
    if isinstance(value, str):
        size = len(value.encode("utf-8", "surrogatepass"))
        if size > schema.get("maxLength", size):
            out.append(f"{where}: too long")
        if size < schema.get("minLength", 0):
            out.append(f"{where}: too short")
        if "pattern" in schema and not re.search(schema["pattern"], value):
            out.append(f"{where}: does not match")
        if "\0" in value or any(0xD800 <= ord(c) < 0xE000 for c in value):
            out.append(f"{where}: not clean UTF-8")
    if isinstance(value, int) and not isinstance(value, bool):
        if not schema.get("minimum", value) <= value <= \
                schema.get("maximum", value):
            out.append(f"{where}: out of range")
    if isinstance(value, list):
        if len(value) > schema.get("maxItems", len(value)):
            out.append(f"{where}: too many")
        for i, item in enumerate(value):
            out += problems(item, schema.get("items", {}), root,
                            f"{where}[{i}]")
    if isinstance(value, dict):
        props = schema.get("properties", {})
        for key in schema.get("required", []):
            # stamped by the host: what a reader writes does not have it
            if key not in value and (where, key) != ("$", "sanitized"):
                out.append(f"{where}: {key} is missing")
        for key, item in value.items():
            if key in props:
                out += problems(item, props[key], root, f"{where}.{key}")
            elif schema.get("additionalProperties") is False:
                out.append(f"{where}: {key} is unknown")
    return out


def pairs(items):
    if len({k for k, _ in items}) != len(items):
        raise ValueError("a key twice")
    return dict(items)


def normal(text):
    text = re.sub("\r\n?|\u2028|\u2029", "\n", text)
    return "".join(c for c in text if c in "\n\t" or not (
        ord(c) in INVISIBLE or unicodedata.category(c) in ("Cc", "Cf") or
        0xFDD0 <= ord(c) <= 0xFDEF or ord(c) & 0xFFFE == 0xFFFE))


def decode(raw, charset):
    name = (charset or "").lower()
    if name in ("utf-8", "utf8"):
        return raw.decode("utf-8", "replace")
    for attempt in ([] if name in NOTHING else [MEANT.get(name, name)]):
        try:
            return raw.decode(attempt, "replace")
        except LookupError:
            pass
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def oracle_text(raw, row):
    """What CPython makes of a single text/plain part, or None."""
    leaves = (row["python_email"] or {}).get("leaf_parts") or []
    msg = email.message_from_bytes(raw, policy=email.policy.default)
    if len(leaves) != 1 or leaves[0]["type"] != "text/plain" or \
            msg.is_multipart() or leaves[0]["disposition"] == "attachment":
        return None
    data = msg.get_payload(decode=True)
    if hashlib.sha256(data).hexdigest() != leaves[0]["decoded_sha256"]:
        raise SystemExit(f"{row['file']}: this CPython decodes other bytes "
                         "than the oracle has")
    return decode(data, msg.get_param("charset", ""))


def sample(rows, n):
    """n files, the same share of each folder, by the hash of their names."""
    folders = {}
    for row in rows:
        folders.setdefault(row["file"].split("/")[0], []).append(row)
    for rows in folders.values():
        rows.sort(key=lambda r: hashlib.sha256(r["file"].encode()).digest())
    out = []
    for i in range(max(map(len, folders.values()))):
        out += [folders[f][i] for f in sorted(folders) if i < len(folders[f])]
    return out[:n]


def exceptions_load():
    """(asset, file, what) -> why the reader is right."""
    out = {}
    path = os.path.join(HERE, "mail-exceptions.txt")
    for line in open(path, encoding="utf-8"):
        line = line.rstrip("\n")
        if line and not line.startswith("#"):
            asset, name, what, reason = line.split("\t")
            out[asset, name, what] = reason
    return out


def difference(got, want):
    for i, (a, b) in enumerate(zip(got.splitlines(), want.splitlines())):
        if a != b:
            return f"line {i + 1}: {a[:60]!a} for {b[:60]!a}"
    return f"{len(got)} characters for {len(want)}"


def report(path, rows, part=None):
    """Merges rows into the report, which other suites write as well: they take
    the place of those of the same part, or of the same assets."""
    mine = {r["asset"].split(":")[0] for r in rows}

    def old_of_mine(r):
        return r.get("part") == part and \
            (part or r["asset"].split(":")[0] in mine)
    try:
        with open(path, encoding="utf-8") as f:
            old = json.load(f)["rows"]
    except (OSError, ValueError, KeyError):
        old = []
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"],
                            capture_output=True, text=True).stdout.strip()
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        kept = [r for r in old if not old_of_mine(r)]
        json.dump({"commit": commit, "rows": kept + rows}, f, indent=1)
        f.write("\n")


class Native:
    """The reader program itself, on this host."""
    name = "native reader"

    def read(self, path):
        with open(path, "rb") as f:
            return subprocess.run(
                [os.path.join(BUILD, "src", "reader", "reader-email"),
                 "--stdio"], stdin=f, capture_output=True, timeout=TIMEOUT_S,
                check=False)


class Vm:
    """The command of the owner: one reader VM a mail."""
    name = "reader VMs"

    def __init__(self, state):
        self.config = os.path.join(state, "bulkhead.yaml")
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(CONFIG.format(dir=state))

    def read(self, path):
        return subprocess.run(
            [os.path.join(BUILD, "bulkhead"), "--config", self.config,
             "--json", "read", "--images", IMAGES, path],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S,
            check=False)


class Tally:
    def __init__(self):
        self.cases = self.refused = self.invalid = 0
        self.texts = self.equal = self.unexplained = 0
        self.excused = []
        self.said = {}  # what was read, by the mail's name

    def ok(self):
        return self.refused <= REFUSED_MAX * self.cases and \
            not self.invalid and not self.unexplained and \
            self.texts and self.equal >= EQUAL_MIN * self.texts

    def rows(self, what):
        return [
            {"asset": f"{ASSET}: {what}, schema", "cases": self.cases,
             "passed": self.cases - self.refused - self.invalid,
             "exceptions": 0},
            {"asset": f"{ASSET}: {what}, body", "cases": self.texts,
             "passed": self.equal, "exceptions": len(self.excused)}]


def judge(row, corpus, how, schema, excuses, t):
    name = row["file"]
    path = os.path.join(corpus, name)
    t.cases += 1
    run = how.read(path)
    if run.returncode:
        t.refused += 1
        print(f"refused  {name}: {run.stderr.decode(errors='replace')!a}")
        return
    try:
        got = json.loads(run.stdout, object_pairs_hook=pairs)
        bad = problems(got, schema, schema)
    except ValueError as e:
        bad = [str(e)]
    if bad:
        t.invalid += 1
        print(f"invalid  {name}: {bad[:3]}")
        return
    got.pop("sanitized", None)
    t.said[name] = json.dumps(got)
    with open(path, "rb") as f:
        want = oracle_text(f.read(), row)
    if want is None:
        return
    t.texts += 1
    want = normal(want)
    if got["body_cut"]:
        want = want[:len(got["body"])]
    if normal(got["body"]) == want:
        t.equal += 1
        return
    why = excuses.get((ASSET, name, "body"))
    if why:
        t.excused.append(name)
    else:
        t.unexplained += 1
    print(f"differs  {name}: {why or 'NOT EXPLAINED'}: "
          f"{difference(normal(got['body']), want)}")


def run_all(rows, corpus, how, schema):
    t = Tally()
    excuses = exceptions_load()
    start = time.monotonic()
    for i, row in enumerate(rows, 1):
        judge(row, corpus, how, schema, excuses, t)
        if i % max(10, len(rows) // 10) == 0 or i == len(rows):
            spent = time.monotonic() - start
            print(f"{how.name}: {i} of {len(rows)} mails, {spent:.0f} s, "
                  f"about {spent / i * (len(rows) - i):.0f} s left",
                  flush=True)
    print(f"{how.name}: {t.cases} mails: {t.refused} refused, {t.invalid} "
          f"invalid; {t.texts} single texts: {t.equal} equal, "
          f"{len(t.excused)} differ for a listed reason, "
          f"{t.unexplained} for none", flush=True)
    return t


def compare(vm, native):
    """The mails that both read, and of these the ones read the same."""
    both = [name for name in vm.said if name in native.said]
    same = [name for name in both if vm.said[name] == native.said[name]]
    for name in sorted(set(both) - set(same)):
        print(f"differs  {name}: the VM and the native reader say two things")
    print(f"VM and native reader agree on {len(same)} of {len(both)}")
    return {"asset": f"{ASSET}: reader VMs as the native reader",
            "cases": len(both), "passed": len(same), "exceptions": 0}


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--corpora", default=os.environ.get(
        "BULKHEAD_CORPORA", os.path.join(ROOT, "build", "corpora")))
    p.add_argument("-n", type=int, default=SAMPLE, help="mails through VMs")
    p.add_argument("--native", type=int, default=0,
                   help="mails through the native reader (0: all)")
    p.add_argument("--out", default=os.path.join(ROOT, "build",
                                                 "conformance.json"))
    args = p.parse_args()
    corpus = os.path.join(args.corpora, ASSET)
    if not os.path.isdir(corpus):
        print(f"{ASSET} is not there (BULKHEAD_CORPORA)")
        return 1
    if not os.path.exists(os.path.join(IMAGES, "reader-email.cpio")):
        print(f"there are no guest images in {IMAGES}: make images")
        return 1
    with open(os.path.join(ROOT, "docs", "schema",
                           "bulkhead.message.1.json"), encoding="utf-8") as f:
        schema = json.load(f)
    with open(os.path.join(corpus, "oracle-python-email.jsonl"),
              encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    with tempfile.TemporaryDirectory(prefix="bh") as state:
        vm = run_all(sample(rows, args.n), corpus, Vm(state), schema)
    native = run_all(sample(rows, args.native or len(rows)), corpus, Native(),
                     schema)
    same = compare(vm, native)
    report(args.out, vm.rows(f"{vm.cases} mails through reader VMs") +
           native.rows(f"{native.cases} mails through the native reader") +
           [same])
    return 0 if vm.ok() and native.ok() and same["cases"] and \
        same["passed"] == same["cases"] else 1


if __name__ == "__main__":
    sys.exit(main())
