#!/usr/bin/env python3
"""tests/data/mail/NAME.eml through the reader must give NAME.expect.

What an .expect file names must be there: objects may hold more keys, lists
as many rows, but for findings, which may have more. usage: reader_mail.py READER
"""
import glob
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def differs(got, want, where):
    if isinstance(want, dict) and isinstance(got, dict):
        for key, value in want.items():
            if key not in got:
                return f"{where}.{key} is missing"
            bad = differs(got[key], value, f"{where}.{key}")
            if bad:
                return bad
        return None
    if isinstance(want, list) and isinstance(got, list):
        more = where.endswith(".findings") and want
        if len(got) != len(want) and not (more and len(got) > len(want)):
            return f"{where}: {len(got)} rows, want {len(want)}: {got}"
        for i, value in enumerate(want):
            bad = differs(got[i], value, f"{where}[{i}]")
            if bad:
                return bad
        return None
    return None if got == want else f"{where}: got {got!a}, want {want!a}"


def main():
    failed = 0
    mails = sorted(glob.glob(os.path.join(HERE, "data", "mail", "*.eml")))
    for path in mails:
        with open(path, "rb") as f:
            run = subprocess.run([sys.argv[1], "--stdio"], stdin=f,
                                 capture_output=True, timeout=60)
        with open(path[:-4] + ".expect", encoding="utf-8") as f:
            want = json.load(f)
        bad = run.stderr.decode() if run.returncode else \
            differs(json.loads(run.stdout), want, "$")
        if bad:
            failed += 1
            print(f"FAIL {os.path.basename(path)}: {bad}")
    print(f"{len(mails) - failed} mails as expected, {failed} not")
    return 1 if failed or not mails else 0


if __name__ == "__main__":
    sys.exit(main())
