#!/usr/bin/env python3
"""chat-telegram and chat-slack from a provider to a verdict: a Bot API and a
Slack of the tests deliver every message, update and payload of the corpora, over
TLS, to the accounts of a bulkhead that runs, while connections are cut and the
accounts' processes die. What is somebody's message is one item, with the bytes
that were sent, is read in a fresh VM, and has one verdict; what is none is taken
and forgotten. None is lost and none is doubled. What a reader makes of each is
chat.py's.
"""
import collections
import hashlib
import json
import os
import random
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, "tests", "servers"),
                os.path.join(ROOT, "tests", "system")]
os.environ.setdefault("BULKHEAD_BUILD", os.path.join(ROOT, "build"))
import chat  # noqa: E402
import mail  # noqa: E402
from chats import Online  # noqa: E402
from npm import packages  # noqa: E402
from world import THEIRS, World, enter  # noqa: E402
from harness import need  # noqa: E402

SEED = int(os.environ.get("BULKHEAD_SEED", "1"))
CORPORA = os.environ.get("BULKHEAD_CORPORA",
                         os.path.join(ROOT, "build", "corpora"))
TELEGRAM, SLACK = "https://api.example.org:8443", "https://api.example.org"
TOKEN = "1001:token-of-tests"
BATCH = 20  # messages between one fault and the next
POLICY = """\
bulkhead: 1
profile: tools
mode: enforce
owner: {telegram: 1, slack: U0NOBODY}
sources:
  tg: {reader: telegram, connector: tg, integrity: external, audience: owner, reveal: text}
  sl: {reader: slack, connector: sl, integrity: external, audience: owner, reveal: text}
capabilities: {}
lease: {autonomy: 72h, on_expiry: deny}
"""
ACCOUNTS = """\
  tg: {{kind: telegram, hosts: ["api.example.org:8443"], secret: tg, ca: {ca}}}
  sl: {{kind: slack, hosts: ["api.example.org:443"], secret: sl, ca: {ca}}}
"""
SECRETS = {"tg": ("tg", TOKEN), "sl": ("sl", "xapp-1-test xoxb-1-test")}


class Sent:
    """What was sent: how its provider names it, and what is to come of it."""

    def __init__(self, name, body, key=None, raw=None):
        self.name, self.body, self.key = name, body, key
        self.answer = None  # the test's server's
        self.sha256 = raw and hashlib.sha256(raw).hexdigest()


def telegram_cases():
    """Each is an update, and each update an item."""
    folder = os.path.join(CORPORA, "chat-telegram")
    for n, (name, update) in enumerate(chat.telegram_cases(folder), 1000):
        update = {**update, "update_id": n}
        yield Sent(name, {"token": TOKEN, "update": update}, f"1001/{n}",
                   json.dumps({"update_id": n, **update}).encode())


# Of a message's subtypes those that are somebody's words.
SAID = (None, "bot_message", "me_message", "file_share", "thread_broadcast",
        "message_changed", "message_replied")


def slack_case(name, payload, n):
    """With a time of its own, by which Slack knows a message, and a place if
    the corpus has none."""
    kind = name.split()[0]
    if kind in ("interactive", "socket_envelope"):
        return Sent(name, {"interactive": payload})
    if payload.get("type") != "event_callback":
        payload = {"type": "event_callback", "team_id": "T1",
                   "event": payload}
    event = payload["event"]
    if event.get("type") not in ("message", "app_mention") or \
            event.get("subtype") not in SAID:
        return Sent(name, payload)
    ts = f"17000{n:05}.000100"
    event = {"channel": "C0CORPUS", **event, "ts": ts}
    key = f'{payload.get("team_id", "")}/{event["channel"]}/{ts}'
    if event.get("subtype") == "message_changed":
        event["message"] = {**event["message"], "ts": ts}
        event["event_ts"] = f"17000{n:05}.000200"
        key += f'/{event["event_ts"]}'
    payload = {**payload, "event": event}
    raw = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    return Sent(name, payload, key, raw.encode())


def slack_cases():
    folder = os.path.join(CORPORA, "chat-slack")
    for n, (name, payload) in enumerate(chat.slack_cases(folder)):
        yield slack_case(name, payload, n)


def faults(b, account, url):
    """One after the other; the last of them is none."""
    yield lambda: b.kill(account, wait=False)
    if account == "sl":
        yield lambda: b.api("drop", url=url)
        yield lambda: b.api("disconnect", url=url)
    yield lambda: None


def deliver(b, account, url, what, cases):
    """In an order of their own, with a fault now and then."""
    todo = list(faults(b, account, url))
    for n, case in enumerate(cases):
        if n % BATCH == BATCH // 2:
            todo[n // BATCH % len(todo)]()
        case.answer = b.api(what, case.body, url)


def taken(b, account, cases):
    """{key: {item: (hash of its bytes, verdict)}} of that account, once each of
    its messages has a verdict, or a record that it has none."""
    found = {}

    def left():
        found.clear()
        records = b.audit()
        done = {r["item"]: r["verdict"] for r in records
                if r["kind"] == "item.done"}
        skipped = {r["key"]: r["why"] for r in records
                   if r["kind"] == "item.skipped"}
        for r in records:
            if r["kind"] == "item.new" and r["source"] == account:
                found.setdefault(r["key"], {})[r["item"]] = (
                    r["sha256"], done.get(r["item"]))
        for c in cases:
            why = skipped.get((c.answer or {}).get("envelope_id")) \
                if account == "sl" else None
            if c.key and why:
                found[c.key] = {0: (c.sha256, why)}
        return [c.name for c in cases if c.key and not all(
            v for _, v in found.get(c.key, {0: (0, 0)}).values())]
    what = f"{account}: each message has its verdict"
    try:
        b.until(what, lambda: not left(), 180)
    except SystemExit:
        print(f"lost     {left()}")
        raise
    return found


def judge(asset, cases, found):
    """The row of the report; (row, whether it is as it must be)."""
    said = [c for c in cases if c.key]
    verdicts = collections.Counter()
    ok = True
    for c in said:
        items = list(found[c.key].values())
        verdicts[items[0][1]] += 1
        if len(items) != 1 or items[0][0] != c.sha256:
            print(f"differs  {asset} {c.name}: {items}")
            ok = False
        if items[0][1] != "read":
            print(f"refused  {asset} {c.name}: {items[0][1]}")
    more = found.keys() - {c.key for c in said}
    doubled = sum(len(v) - 1 for v in found.values()) + len(more)
    refused = sum(verdicts.values()) - verdicts["read"]
    print(f"{asset}: {len(cases)} delivered, {len(cases) - len(said)} of them "
          f"nobody's message; {verdicts['read']} read, {refused} refused by "
          f"name ({dict(verdicts)}), 0 lost, {doubled} doubled", flush=True)
    if more:
        print(f"more     {asset} {sorted(more)}")
    ok = ok and said and not doubled and \
        refused <= chat.NO_EVENT[asset]
    return {"asset": f"{asset}: from the provider to a verdict",
            "cases": len(cases), "passed": verdicts["read"] + len(cases) -
            len(said), "exceptions": refused}, ok


def main():
    random.seed(SEED)
    rows, good = [], True
    with World() as w:
        pem, key = w.path("api.example.org.pem"), w.path("api.example.org.key")
        w.server(sys.executable, os.path.join(ROOT, "tests/servers/bot_api.py"),
                 THEIRS, "8443", pem, key)
        w.server("node", os.path.join(packages("slack"), "slack.js"), "443",
                 pem, key, "test", THEIRS)
        with Online(w, POLICY, ACCOUNTS, SECRETS, None, planner="none") as b:
            b.up()
            b.templates()
            for asset, account, url, what, cases in (
                    ("chat-telegram", "tg", TELEGRAM, "update",
                     telegram_cases()),
                    ("chat-slack", "sl", SLACK, "event", slack_cases())):
                b.account_until(account, "up")
                cases = list(cases)
                order = random.sample(cases, len(cases)) \
                    if account == "sl" else cases
                deliver(b, account, url, what, order)
                if account == "sl":
                    b.until("every envelope is acknowledged", lambda: not
                            b.api("state", url=SLACK)["open"])
                row, ok = judge(asset, cases, taken(b, account, cases))
                rows.append(row)
                good = good and ok
            vms = [r["vm"] for r in b.audit() if r["kind"] == "vm.start"]
            need(len(set(vms)) == len(vms), "each VM has read one message")
            need(b.run("audit", "verify", check=False).returncode == 0,
                 "the audit log verifies")
    mail.report(os.path.join(ROOT, "build", "conformance.json"), rows)
    return 0 if good else 1


if __name__ == "__main__":
    if not os.path.isdir(os.path.join(CORPORA, "chat-slack")):
        print("chat-slack is not there (BULKHEAD_CORPORA)")
        sys.exit(1)
    if os.environ.get("BULKHEAD_WORLD") != "1":
        packages("slack")  # inside there is no way to a registry
    code = enter(os.path.abspath(__file__))
    sys.exit(main() if code is None else code)
