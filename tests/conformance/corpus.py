#!/usr/bin/env python3
"""Every message of the mail corpora through fresh reader VMs of a bulkhead that
runs, and what came out against what the corpora expect.

`bulkhead up`, without planners; the messages are put into its Maildir, BATCH at
a time. What each of the assets is made of, and what is expected of it, stands
in corpus_cases.py. Each message ends in a record that fits the schema, or in a
refusal by name; the record must say what the native reader says of the same
bytes, to the byte, and what is expected. A difference is listed with its
reason in mail-exceptions.txt, or it fails.

Bars, for each asset and for all: no hang, no VM that failed, no process of the
host that died or was started anew, at most 1 % refused, no difference without
a reason; the audit log verifies and tells the same verdicts, and nothing is
left behind. The rows go to build/conformance.json.
"""
import argparse
import collections
import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(ROOT, "tests", "system"),
                os.path.join(HERE, "cases")]
os.environ.setdefault("BULKHEAD_BUILD", os.path.join(ROOT, "build"))
import corpus_cases  # noqa: E402
import mail  # noqa: E402
import thousand  # noqa: E402
from harness import Bulkhead, need, slower  # noqa: E402

BATCH = 100  # fewer than `bulkhead items` remembers
PATIENCE_S = 120  # for a batch
PART = "corpus"


class Row:
    """What is counted for one asset."""

    def __init__(self, asset):
        self.asset = asset
        self.messages = self.read = self.refused = self.hangs = 0
        self.vm_faults = self.invalid = self.unlike_native = 0
        self.expected = self.met = self.unexplained = 0
        self.empty = 0  # files of no bytes: they hold no message
        self.excused = []
        self.names = collections.Counter()  # of refusals and faults
        self.slowest_ms = 0

    def ok(self):
        return self.messages and not (
            self.hangs or self.vm_faults or self.invalid or
            self.unlike_native or self.unexplained) and \
            self.refused <= mail.REFUSED_MAX * self.messages

    def json(self, crashes):
        return {"asset": self.asset, "part": PART, "cases": self.messages,
                "passed": self.read, "exceptions": len(self.excused),
                "messages": self.messages, "read": self.read,
                "empty_refused": self.empty,
                "refused": self.refused, "refused_by": dict(self.names),
                "hangs": self.hangs, "vm_failures": self.vm_faults,
                "host_crashes": crashes, "invalid": self.invalid,
                "unlike_native_reader": self.unlike_native,
                "expectations": self.expected, "met": self.met,
                "differences_explained": len(self.excused),
                "differences_unexplained": self.unexplained,
                "slowest_ms": self.slowest_ms}

    def line(self):
        return (f"{self.asset:18} {self.messages:5} messages, {self.read:5} "
                f"read, {self.refused} refused ({self.empty} empty files "
                f"beside), {self.hangs} hangs, "
                f"{self.vm_faults} VMs failed; {self.expected} expectations, "
                f"{self.met} met, {len(self.excused)} not for a listed "
                f"reason, {self.unexplained} for none; slowest "
                f"{self.slowest_ms} ms")


class Total(Row):
    """The sum of rows."""

    def __init__(self, rows):
        super().__init__("mail-* and mime-*")
        for r in rows:
            for name, value in vars(r).items():
                if name == "slowest_ms":
                    self.slowest_ms = max(self.slowest_ms, value)
                elif name != "asset":
                    setattr(self, name, getattr(self, name) + value)


class Outcome:
    """What became of one message."""

    def __init__(self, record=None, fault=None, hang=False, ms=0):
        self.record, self.fault, self.hang, self.ms = record, fault, hang, ms


def native(raw):
    """What the reader program says on this host; None: it refuses."""
    run = subprocess.run(
        [os.path.join(mail.BUILD, "src", "reader", "reader-email"), "--stdio"],
        input=raw, capture_output=True, timeout=mail.TIMEOUT_S, check=False)
    if run.returncode < 0:
        return Outcome(fault=f"signal {-run.returncode}")
    if run.returncode:
        return Outcome(fault="refused: " + run.stderr.decode().strip())
    return Outcome(json.loads(run.stdout, object_pairs_hook=mail.pairs))


def batch_done(b, names):
    """Item of each name, once all have a verdict or no time is left."""
    end = time.monotonic() + slower(PATIENCE_S)
    while True:
        r = b.run("--json", "items", check=False)
        found = json.loads(r.stdout, object_pairs_hook=mail.pairs) \
            if r.returncode == 0 else {"items": []}
        items = {i["key"].split(":")[0]: i for i in found["items"]
                 if i["verdict"] != "pending"}
        if names <= set(items) or time.monotonic() >= end:
            return items
        time.sleep(0.3)


def through_vms(b, cases):
    """One Outcome for each case, in their order."""
    out = []
    began = time.monotonic()
    for first in range(0, len(cases), BATCH):
        part = cases[first:first + BATCH]
        names = {f"{first + i:05}.mail": c for i, c in enumerate(part)}
        for name, case in names.items():
            b.deliver(name, case.raw)
        items = batch_done(b, set(names))
        for name in names:
            i = items.get(name)
            if not i:
                out.append(Outcome(hang=True))
            elif i["verdict"] == "read":
                out.append(Outcome(i["message"], ms=i["reader_us"] // 1000))
            else:
                out.append(Outcome(fault=f"{i['verdict']}: {i['fault']}"))
        spent = time.monotonic() - began
        print(f"reader VMs: {len(out)} of {len(cases)} messages, "
              f"{spent:.0f} s", flush=True)
    return out


def judge_fault(row, case, got, alone):
    """A message without a record."""
    what = got.fault
    if got.hang:
        row.hangs += 1
        what = "no verdict"
    elif alone.fault and alone.fault.startswith("refused"):
        row.empty += case.empty
        row.refused += not case.empty
        row.names[got.fault] += 1
    else:
        row.vm_faults += 1
        row.names[got.fault] += 1
    print(f"no record  {row.asset} {case.name}: {what!a}; native: "
          f"{(alone.fault or 'reads it')!a}")


def judge(row, case, got, schema, excuses):
    row.messages += not case.empty
    row.slowest_ms = max(row.slowest_ms, got.ms)
    alone = native(case.raw)
    if got.record is None:
        judge_fault(row, case, got, alone)
        return
    row.read += 1
    bad = mail.problems(got.record, schema, schema)
    if bad:
        row.invalid += 1
        print(f"invalid  {row.asset} {case.name}: {bad[:3]}")
        return
    got.record.pop("sanitized", None)
    if alone.record is None or \
            json.dumps(alone.record) != json.dumps(got.record):
        row.unlike_native += 1
        print(f"differs  {row.asset} {case.name}: the VM and the native "
              "reader say two things")
    for what, check in case.checks:
        why = check(got.record)
        row.expected += 1
        reason = excuses.get((row.asset, case.name, what))
        if why is None:
            row.met += 1
            if reason:
                row.unexplained += 1
                print(f"excused  {row.asset} {case.name} {what}: there is no "
                      "difference any more")
            continue
        if reason:
            row.excused.append(case.name)
        else:
            row.unexplained += 1
        print(f"differs  {row.asset} {case.name} {what}: "
              f"{reason or 'NOT EXPLAINED'}: {why}")


class Host:
    """What of a bulkhead must be the same before and after. Not what is of
    the whole machine, where others may work meanwhile: system/thousand looks
    at that."""
    SHARED = ("temporary files", "shared memory", "mounts")

    def __init__(self, b):
        self.residue = thousand.settled(b)
        for what in self.SHARED:
            self.residue.facts.pop(what)
        self.core = set(self.residue.core)

    def crashes(self, b):
        """How many of its processes died or were started anew."""
        after = thousand.settled(b, self.residue)
        for what, (was, now) in self.residue.changes(after).items():
            print(f"{what} before: {was}\n{what} after:  {now}")
        need(not self.residue.changes(after),
             "nothing is left behind: " + ", ".join(self.residue.facts))
        died = self.core - set(after.core)
        anew = [e for e in b.audit() if e["kind"] == "core.restart"]
        return max(len(died), len(anew))


def quiet_log(b):
    """Nothing to warn of, from the moment when it was up."""
    lines = b.log().splitlines()
    up = [i for i, l in enumerate(lines) if " event=up " in l]
    loud = [l for l in lines[up[0]:] if " level=warn " in l or
            " level=error " in l]
    print(*loud, sep="\n", end="\n" if loud else "")
    need(not loud, "the log of events has no warning and no error")


def verdicts_agree(b, outcomes):
    """The audit log tells as many verdicts, and of the same kinds."""
    told = collections.Counter()
    for e in b.audit():
        if e["kind"] == "item.done":
            told[e["verdict"]] += 1
    own = collections.Counter(
        "read" if o.record is not None else o.fault.split(":")[0]
        for o in outcomes if not o.hang)
    need(told == own, f"the audit log tells the same verdicts ({dict(own)})")
    r = b.run("--json", "audit", "verify", check=False)
    need(r.returncode == 0, f"the audit log verifies {r.stdout.strip()}")


def run_vms(cases):
    """(outcomes, processes of the host that died)"""
    with Bulkhead(planner="none") as b:
        b.up()
        b.templates()
        for n in range(thousand.WARM):
            b.deliver(f"warm{n}", thousand.plain(f"mail {n}"))
        b.items_until(thousand.WARM)
        host = Host(b)
        outcomes = through_vms(b, cases)
        crashes = host.crashes(b)
        quiet_log(b)
        verdicts_agree(b, outcomes + [Outcome({})] * thousand.WARM)
        thousand.end_of_all(b)
    return outcomes, crashes


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--corpora", default=os.environ.get(
        "BULKHEAD_CORPORA", os.path.join(ROOT, "build", "corpora")))
    p.add_argument("--native", action="store_true",
                   help="no VMs: the native reader alone, and no report")
    p.add_argument("--out", default=os.path.join(ROOT, "build",
                                                 "conformance.json"))
    p.add_argument("assets", nargs="*", help="only these")
    args = p.parse_args()
    assets = corpus_cases.assets(args.corpora)
    if not assets:
        print("no mail-* and no mime-* there (BULKHEAD_CORPORA)")
        return 1
    cases = [(a, c) for a in assets if not args.assets or a in args.assets
             for c in corpus_cases.cases(args.corpora, a)]
    with open(os.path.join(ROOT, "docs", "schema",
                           "bulkhead.message.1.json"), encoding="utf-8") as f:
        schema = json.load(f)
    excuses = mail.exceptions_load()
    if args.native:
        outcomes, crashes = [native(c.raw) for _, c in cases], 0
    else:
        outcomes, crashes = run_vms([c for _, c in cases])
    rows = {}
    for (asset, case), got in zip(cases, outcomes):
        judge(rows.setdefault(asset, Row(asset)), case, got, schema, excuses)
    total = Total(rows.values())
    for r in [*rows.values(), total]:
        print(r.line() + ("" if r.ok() else "  NOT AS IT SHOULD BE"))
    print(f"{crashes} processes of the host died")
    if not args.native:
        mail.report(args.out, [r.json(crashes)
                               for r in [*rows.values(), total]], PART)
    return 0 if not crashes and all(
        r.ok() for r in [*rows.values(), total]) else 1


if __name__ == "__main__":
    sys.exit(main())
