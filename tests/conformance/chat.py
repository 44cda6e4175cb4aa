#!/usr/bin/env python3
"""Conformance of the readers of chats on chat-telegram and chat-slack.

Each message and each update of Telegram's, and each payload of Slack's, goes
through `bulkhead --json read`: a fresh reader VM for each. It must give JSON
that fits the published schema, which is what the native reader says of the same
bytes, to the byte but for `sanitized`; or both refuse it, which only what is no
update and no event may be. There is no expected output, but what must hold for
any: an entity's link is listed with the entity's address; a spoiler's words are
evidence and not in the body; a person's text that Slack shows is in the body;
what was edited or deleted is shown with what it was.

The skeletons of Slack's events, each string in them a mark of its own, go
through the native reader: each mark in a text that a person reads must be in
the body, and none may stand in what is not the message.
"""
import argparse
import glob
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import mail  # noqa: E402

# Payloads that are no message, no event and no action: answers of commands.
INSTEAD = [("event", "text"), ("message", "text"),
           ("previous_message", "text"), ("root", "text")]
NO_EVENT = {"chat-slack": 2, "chat-telegram": 1}


def native(sort, raw):
    """The record, or None where it is refused."""
    run = subprocess.run(
        [os.path.join(mail.BUILD, "src", "reader", "reader-email"),
         f"--stdio={sort}"], input=raw, capture_output=True,
        timeout=mail.TIMEOUT_S, check=False)
    if run.returncode not in (0, 1):
        raise SystemExit(f"the reader died: {run.returncode}, {raw[:500]}")
    return None if run.returncode else \
        json.loads(run.stdout, object_pairs_hook=mail.pairs)


def in_vm(vm, sort, raw):
    """(the record or None, what was said)"""
    run = subprocess.run(
        [os.path.join(mail.BUILD, "bulkhead"), "--config", vm.config, "--json",
         "read", "--as", sort, "--images", mail.IMAGES, "-"], input=raw,
        capture_output=True, timeout=mail.TIMEOUT_S, check=False)
    said = run.stderr.decode(errors="replace")
    if run.returncode:
        return None, said
    return json.loads(run.stdout, object_pairs_hook=mail.pairs), said


def telegram_cases(folder):
    with open(os.path.join(folder, "payloads.jsonl"), encoding="utf-8") as f:
        for row in map(json.loads, f):
            if row["kind"] == "message":
                yield f"message {row['id']}", {"update_id": 1,
                                               "message": row["payload"]}
            elif row["kind"] == "update":
                yield f"update {row['id']}", row["payload"]
    with open(os.path.join(folder, "entity-rendering-goldens.json"),
              encoding="utf-8") as f:
        for case in json.load(f)["cases"]:
            yield f"golden {case['name']}", {"update_id": 1, "message": {
                "message_id": 1, "date": 1, "chat": {"id": 1},
                "text": case["text"], "entities": case["entities"]}}


def slack_cases(folder):
    with open(os.path.join(folder, "payloads.jsonl"), encoding="utf-8") as f:
        for row in map(json.loads, f):
            payload = row["payload"]
            if row["kind"] == "message":
                payload = {"type": "message", **payload}
            yield f"{row['kind']} {row['id']}", payload


def part(text, entity):
    raw = text.encode("utf-16-le")
    at, n = entity["offset"] * 2, entity["length"] * 2
    return raw[at:at + n].decode("utf-16-le")


def telegram_faults(update, got):
    """What must hold of any message, whatever it says."""
    message = update.get("message") or {}
    for text, name in ((message.get("text"), "entities"),
                       (message.get("caption"), "caption_entities")):
        for e in (message.get(name) or []) if text else []:
            words = part(text, e)
            if e["type"] == "text_link" and not any(
                    l["url"] == e["url"] for l in got["links"]):
                yield f"no link to {e['url']}"
            if e["type"] == "spoiler":
                if words in got["body"]:
                    yield f"the spoiler {words!a} is in the body"
                if not any(r["kind"] == "spoiler" for r in got["removed"]):
                    yield "no spoiler is listed"
        if text and not message.get(name) and \
                mail.normal(text).strip() not in got["body"]:
            yield "the text is not in the body"


def texts_of(value):
    """Texts of Block Kit and of messages that a person reads."""
    if isinstance(value, dict):
        if value.get("type") == "plain_text" and \
                isinstance(value.get("text"), str):
            yield value["text"]
        for key in ("blocks", "elements", "text", "title", "label", "fields",
                    "accessory"):
            yield from texts_of(value.get(key))
    elif isinstance(value, list):
        for item in value:
            yield from texts_of(item)


def slack_faults(payload, got):
    if payload.get("type") != "message":
        return
    body = "".join(got["body"].split())
    for text in texts_of(payload.get("blocks")):
        if "".join(mail.normal(text).split()) not in body:
            yield f"the text {text[:60]!a} is not in the body"


def marked(value, path, marks):
    """The same with each string of a text that is read a mark of its own."""
    if isinstance(value, dict):
        return {k: marked(v, path + (k,), marks) for k, v in value.items()}
    if isinstance(value, list):
        return [marked(v, path, marks) for v in value]
    if isinstance(value, str) and not value and path[-1] in ("text",
                                                             "pretext"):
        marks.append((f"mark{len(marks):04}x", path))
        return marks[-1][0]
    return value


def skeletons(folder, schema):
    """(cases, passed) of Slack's message events with every field."""
    cases = passed = 0
    for path in sorted(glob.glob(os.path.join(
            folder, "schema-skeletons", "events", "Message*.json"))):
        with open(path, encoding="utf-8") as f:
            payload, marks = json.load(f), []
        event = marked(payload.get("event", payload), ("event",), marks)
        got = native("slack", json.dumps(event).encode())
        cases += 1
        if not got:
            print(f"refused  {os.path.basename(path)}")
            continue
        text = json.dumps([got["body"], got["removed"]])
        # not dialogs that a click would open, nor what blocks stand for
        lost = [p for mark, p in marks if mark not in text and
                "confirm" not in p and p[-2:] not in INSTEAD]
        bad = mail.problems(got, schema, schema)
        if bad or lost:
            print(f"differs  {os.path.basename(path)}: {bad[:2]} "
                  f"{['.'.join(p) for p in lost][:6]}")
        passed += not bad and not lost
    return cases, passed


def run(asset, sort, cases, faults, vm, schema):
    """(cases, read, alike and right, refused)"""
    read = good = refused = 0
    for name, value in cases:
        raw = json.dumps(value).encode()
        alone = native(sort, raw)
        got, said = in_vm(vm, sort, raw)
        if got is None and alone is None and "REFUSED" in said:
            refused += 1
            print(f"refused  {asset} {name}")
            continue
        if got is None or alone is None:
            print(f"differs  {asset} {name}: {said!a}")
            continue
        read += 1
        bad = mail.problems(got, schema, schema)
        got.pop("sanitized", None)
        if got != alone:
            bad.append("the VM and the native reader say two things")
        bad += faults(value, got)
        good += not bad
        if bad:
            print(f"differs  {asset} {name}: {bad[:3]}")
    return len(cases), read, good, refused


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--corpora", default=os.environ.get(
        "BULKHEAD_CORPORA", os.path.join(mail.ROOT, "build", "corpora")))
    p.add_argument("--out", default=os.path.join(mail.ROOT, "build",
                                                 "conformance.json"))
    args = p.parse_args()
    with open(os.path.join(mail.ROOT, "docs", "schema",
                           "bulkhead.message.1.json"), encoding="utf-8") as f:
        schema = json.load(f)
    rows, ok = [], True
    with tempfile.TemporaryDirectory(prefix="bh") as state:
        vm = mail.Vm(state)
        for asset, sort, cases_of, faults in (
                ("chat-telegram", "telegram", telegram_cases, telegram_faults),
                ("chat-slack", "slack", slack_cases, slack_faults)):
            folder = os.path.join(args.corpora, asset)
            if not os.path.isdir(folder):
                print(f"{asset} is not there (BULKHEAD_CORPORA)")
                return 1
            cases = list(cases_of(folder))
            n, read, good, refused = run(asset, sort, cases, faults, vm,
                                         schema)
            print(f"{asset}: {n} items, {read} read, {good} as they must be, "
                  f"{refused} refused by name", flush=True)
            ok = ok and n and good == read and \
                refused == n - read <= NO_EVENT[asset]
            rows.append({"asset": f"{asset}: items through reader VMs",
                         "cases": n, "passed": good, "exceptions": refused})
        n, good = skeletons(os.path.join(args.corpora, "chat-slack"), schema)
        print(f"chat-slack: {n} skeletons, {good} with every text")
        ok = ok and n and good == n
        rows.append({"asset": "chat-slack: skeletons, every text",
                     "cases": n, "passed": good, "exceptions": 0})
    mail.report(args.out, rows)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
