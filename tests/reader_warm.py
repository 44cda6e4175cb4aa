#!/usr/bin/env python3
"""The mails that warm a reader before it is kept as a template.

Each must become JSON that fits the published schema, all together must touch
what a real mail touches, and self.eml alone must cover the common ways, since
a clone of a self-warmed pool reads only that one. usage: reader_warm.py READER
"""
import glob
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
WARM = os.path.join(ROOT, "src", "host", "porter", "warm")
SCHEMA = os.path.join(ROOT, "docs", "schema", "bulkhead.message.1.json")
BYTES_MAX = 120 << 10
# What every converter of common mail must have made of its part.
WORDS = {
    "europe.eml": ["señor", "café", "zażółć gęślą", "İstanbul", "œuf",
                   "Příliš", "Доброе утро", "Спасибо", "Şişli", "sixteen",
                   "£5"],
    "asia.eml": ["你好", "請在門口", "发票", "您好，會議", "こんにちは", "お手紙",
                 "また来週", "안녕하세요", "감사합니다"],
    "utf8.eml": ["Łódź", "नमस्ते", "Grüße"],
    "base64.eml": ["expédiée aujourd’hui"],
    "oldhtml.eml": ["€12!", "Don’t wait"],
}
KINDS = {"display-none", "visibility", "zero-size", "opacity", "colour",
         "off-screen", "hidden-attribute", "comment", "script", "style",
         "tracker", "alternative", "zero-width", "bidi", "tag-chars",
         "control"}
SELF_KINDS = {"display-none", "zero-size", "comment", "script", "style",
              "tracker", "alternative"}

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, "conformance"))
from mail import problems  # noqa: E402


def faults(name, found, schema):
    yield from problems(found, schema, schema)
    for word in WORDS.get(name, []):
        if word not in found["body"]:
            yield f"the body is without {word}"
    if name != "malformed.eml" and "\ufffd" in found["body"]:
        yield "something was not decoded"
    if name == "self.eml":
        yield from (f"nothing of the kind {kind} is taken out"
                    for kind in SELF_KINDS - kinds(found))
        if not (found["links"] and found["attachments"] and
                found["findings"] and found["references"]):
            yield "links, attachments, findings or references are missing"


def kinds(found):
    return {row["kind"] for row in found["removed"]}


def main():
    with open(SCHEMA, encoding="utf-8") as f:
        schema = json.load(f)
    mails = sorted(glob.glob(os.path.join(WARM, "*.eml")))
    bad, size, seen = [], 0, set()
    for path in mails:
        name = os.path.basename(path)
        with open(path, "rb") as f:
            raw = f.read()
        size += len(raw)
        run = subprocess.run([sys.argv[1], "--stdio"], input=raw,
                             capture_output=True, timeout=60, check=False)
        if run.returncode:
            bad.append(f"{name}: {run.stderr.decode()}")
            continue
        found = json.loads(run.stdout)
        seen |= kinds(found)
        bad += [f"{name}: {what}" for what in faults(name, found, schema)]
    bad += [f"no mail has something of the kind {kind}"
            for kind in sorted(KINDS - seen)]
    if size > BYTES_MAX:
        bad.append(f"{size} bytes, {BYTES_MAX} are the most")
    for line in bad:
        print("FAIL", line)
    print(f"{len(mails)} mails, {size} bytes, {len(bad)} faults")
    return 1 if bad or not mails else 0


if __name__ == "__main__":
    sys.exit(main())
