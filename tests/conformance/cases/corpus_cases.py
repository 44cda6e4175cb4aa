"""corpus_cases: what the mail-* and mime-* assets are made of, message by
message, and what each must give. corpus.py runs them.

What is a message: every file that an asset's oracle-python-email.jsonl lists,
as it is. Where an asset holds pairs for a codec or a character set, a row of a
header, a body or a part alone, it is wrapped into the message that tests it.
Results of other programs (.xml, .ref, .json, .expected) are expectations.

An expectation is a name and a function of the record that returns None or the
difference. subject, from and body are what CPython's email package says,
mail.py's normalisation applied; the others are the assets' own.
"""
import base64
import binascii
import email
import email.policy
import email.utils
import glob
import hashlib
import html
import json
import os
import re

import mail

WORDS_MAX = 2000  # of a text that are looked for in the record
CHARSETS = {"big5": "big5", "cp1251": "windows-1251", "koi8-r": "koi8-r",
            "iso-8859-5": "iso-8859-5", "iso-2022-jp": "iso-2022-jp",
            "shift-jis": "shift_jis", "cp1252": "windows-1252",
            "utf-8": "utf-8"}
KMIME = {"base64": "base64", "quoted-printable": "quoted-printable",
         "x-uuencode": "x-uuencode"}


class Case:
    def __init__(self, name, raw, checks=()):
        self.name, self.raw, self.checks = name, raw, list(checks)
        self.empty = not raw  # nothing to read: refused by name


def read(*path):
    with open(os.path.join(*path), "rb") as f:
        return f.read()


# --- expectations -------------------------------------------------------------

def line(text):
    """As mail.normal, on one line."""
    return " ".join(mail.normal(re.sub(r"\s", " ", text or "")).split())


def same(want, got, what="text"):
    return None if want == got else f"{what} {got[:90]!a} for {want[:90]!a}"


def whole(text):
    """The body as it is compared: blanks alone are nothing to read."""
    text = mail.normal(text)
    return text if text.strip() else ""


def wants_subject(want):
    def check(record):
        got = line(record["subject"])
        full = line(want)
        cut = len(record["subject"].encode()) > 900 and full.startswith(got)
        return None if cut else same(full, got, "subject")
    return "subject", check


def wants_from(want):
    return "from", lambda r: same(want.lower(), r["from"]["addr"].lower(),
                                  "address")


def wants_body(want):
    def check(record):
        got, full = whole(record["body"]), whole(want)
        if record["body_cut"]:
            full = full[:len(got)]
        return None if got == full else mail.difference(got, full)
    return "body", check


def words(text):
    return re.findall(r"\w+", mail.normal(text))


def page_text(page):
    """What words a page shows, roughly: no head, comments or elements."""
    page = re.sub(r"(?is)<!--.*?-->|<(head|style|script|title)\b.*?</\1>", " ",
                  page)
    return html.unescape(re.sub(r"<[^>]*>", " ", page))


def wants_text(what, want, page=False):
    """A text of a part, on the way that the reader goes with it: shown in the
    body, or taken out of it with the evidence that it was there."""
    want = words(page_text(want) if page else want)[:WORDS_MAX]

    def check(record):
        shown = words(record["body"])
        if f" {' '.join(want)} " in f" {' '.join(shown)} ":
            return None
        known = set(shown).union(*(words(r["text"])
                                   for r in record["removed"]))
        lost = [w for w in want if w not in known]
        return f"{lost[:5]!a} are nowhere" if lost else None
    return what, check


def wants_bytes(what, data):
    """An attachment of these bytes."""
    want = hashlib.sha256(data).hexdigest()
    return what, lambda r: None if any(
        a["sha256"] == want and a["size"] == len(data)
        for a in r["attachments"]) else \
        f"no attachment of {len(data)} bytes, {want[:12]}; there are " + \
        str([(a["size"], a["sha256"][:12]) for a in r["attachments"]][:6])


def wants_flaw(record):
    return None if any(f["rule"].startswith("mime.")
                       for f in record["findings"]) else "no finding mime.*"


def wants_calm(record):
    loud = [f["rule"] for f in record["findings"]
            if not f["rule"].startswith("mime.")]
    return f"findings {loud[:4]}" if loud else None


# --- CPython's oracle ---------------------------------------------------------

def meant_subject(raw, said):
    """What CPython says; where it gives up on bytes, the documented rule:
    without a character set bytes are UTF-8, else windows-1252."""
    if "\ufffd" not in said:
        return said
    msg = email.message_from_bytes(raw, policy=email.policy.compat32)
    for name, value in msg.raw_items():
        data = str(value).encode("ascii", "surrogateescape") \
            if name.lower() == "subject" else b""
        if any(c > 127 for c in data) and b"=?" not in data:
            return mail.decode(data, None)
    return said


def oracle(raw, row):
    said = row["python_email"] or {}
    checks = []
    if said.get("subject") is not None:
        checks.append(wants_subject(meant_subject(raw, said["subject"])))
    if said.get("from_") and not said["from_"].startswith("!err"):
        found = [a for _, a in email.utils.getaddresses([said["from_"]]) if a]
        checks.append(wants_from(found[0] if found else ""))
    text = mail.oracle_text(raw, row) if said else None
    if text is not None:
        checks.append(wants_body(text))
    return checks


def listed(where):
    """The files that the asset's oracle lists."""
    path = os.path.join(where, "oracle-python-email.jsonl")
    if not os.path.exists(path):
        return
    with open(path, encoding="utf-8") as f:
        for text in f:
            row = json.loads(text)
            raw = read(where, row["file"])
            yield Case(row["file"], raw, oracle(raw, row))


# --- wrapping -----------------------------------------------------------------

def wrap(headers, body):
    return (b"From: <lea@example.org>\nTo: <me@example.org>\n"
            b"Subject: wrapped\nMIME-Version: 1.0\n" + headers + b"\n" + body)


def attached(encoding, body):
    return wrap(b"Content-Type: application/octet-stream\n"
                b"Content-Disposition: attachment; filename=part\n"
                b"Content-Transfer-Encoding: " + encoding.encode() + b"\n",
                body)


def text(charset, body, encoding="8bit", kind="plain"):
    return wrap(f"Content-Type: text/{kind}; charset={charset}\n"
                f"Content-Transfer-Encoding: {encoding}\n".encode(), body)


def uu(data):
    """What a uuencoded file holds."""
    out = b""
    for row in data.split(b"begin ", 1)[1].splitlines()[1:]:
        if row.strip() in (b"end", b"`", b""):
            break
        # what follows the bytes that a row says it has is padding
        out += binascii.a2b_uu(row[:(((row[0] - 32) & 63) * 4 + 5) // 3])
    return out


# --- assets with something of their own ---------------------------------------

def gmime(where):
    for path in sorted(glob.glob(where + "/filters/*")):
        name = os.path.relpath(path, where)
        stem, _, rest = os.path.basename(path).partition(".")
        raw = read(path)
        charset = CHARSETS.get(rest[:-4])
        pair = os.path.join(where, "filters", stem + ".utf-8.txt")
        if charset and rest.endswith(".txt"):
            case = Case(name, text(charset, raw),
                        [wants_body(raw.decode(charset))])
            if os.path.exists(pair):
                case.checks.append(("pair",
                                    wants_body(read(pair).decode())[1]))
            yield case
        elif rest.endswith(".gz"):
            yield Case(name, attached("base64", base64.encodebytes(raw)),
                       [wants_bytes("bytes", raw)])
        elif rest.endswith(".html"):
            yield Case(name, text("utf-8", raw, kind="html"))
        else:
            yield Case(name, text("utf-8", raw),
                       [wants_body(raw.decode("utf-8"))])
    yield Case("encodings/wikipedia.qp", text(
        "utf-8", read(where, "encodings/wikipedia.qp"), "quoted-printable"),
        [wants_body(read(where, "encodings/wikipedia.txt").decode())])


def kmime_case(codec, name, coded, plain):
    """A pair, in the place of a message where the codec occurs. The words of
    Q, B and RFC 2231 hold every byte: as text, controls are removed."""
    if codec in KMIME:
        return Case(name, attached(KMIME[codec], coded),
                    [wants_bytes("bytes", plain)])
    want = line(plain.decode("cp1252", "replace"))
    if codec in "qb":
        words = b"=?iso-8859-1?" + codec.encode() + b"?" + coded.strip() + \
            b"?="
        raw = wrap(b"", b"text\n").replace(b"wrapped", words)
        return Case(name, raw, [wants_subject(want)])
    raw = wrap(b"Content-Type: application/octet-stream;\n"
               b" name*=iso-8859-1''" + coded.strip() + b"\n", b"bytes\n")
    return Case(name, raw, [("name", lambda r: same(
        want[:len(line(r["attachments"][0]["name"]))],
        line(r["attachments"][0]["name"])))])


def kmime(where):
    """Decoders' pairs as they are, those of encoders the other way round."""
    for path in sorted(glob.glob(where + "/codec_*/*.expected")):
        source = path[:-len(".expected")]
        name = os.path.relpath(source, where)
        codec = name.split("/")[0].split("_")[1].rpartition("-")[2] \
            if "rfc2231" in name else name.split("/")[0].split("_")[1]
        pair = read(source), read(path)
        if name.endswith("-encode"):
            pair = pair[1], pair[0]
        yield kmime_case(codec, name, *pair)


def mime4j(where):
    """Each leaf's decoded bytes, for .bin; its text for .txt."""
    for case in listed(where):
        stem = os.path.join(where, case.name[:-len(".msg")])
        for path in sorted(glob.glob(glob.escape(stem) + "_decoded_*")):
            what = os.path.basename(path)[len(os.path.basename(stem)) + 1:]
            data = read(path)
            if path.endswith(".bin"):
                case.checks.append(wants_bytes(what, data))
            else:
                case.checks.append(wants_leaf(what, data))
        yield case


def wants_leaf(what, data):
    """A text leaf: its words, or an attachment of these bytes."""
    kept = [wants_bytes(what, d)[1]
            for d in (data, data.replace(b"\r\n", b"\n"))]
    page = re.match(rb"(?i)\s*<(!|[a-z])", data) is not None
    shown = [wants_text(what, data.decode(c, "replace"), page)[1]
             for c in ("utf-8", "cp1252")]
    return what, lambda r: None if None in [
        c(r) for c in kept + shown] else shown[0](r)


def mimetools(where):
    for case in listed(where):
        if os.path.basename(case.name).startswith("double-"):
            case.checks.append(("ambiguous", wants_flaw))
        yield case
    t = where + "/testin/"
    for name, want in (("mime-sm.b64", None), ("mime-lg.b64", None),
                       ("phil.b64", "phil.bin"), ("phil2.b64", "phil.bin")):
        raw = read(t, name)
        data = read(t, want) if want else base64.b64decode(raw)
        yield Case("testin/" + name, attached("base64", raw),
                   [wants_bytes("bytes", data)])
    for name in ("zeegee.gif.uu", "up.gif.uu", "andreas-1296.uu"):
        raw = read(t, name)
        yield Case("testin/" + name, attached("x-uuencode", raw),
                   [wants_bytes("bytes", uu(raw))])
    for name in ("first", "second", "third", "crlf", "encoded"):
        yield Case(f"testin/{name}.hdr", read(t, name + ".hdr") + b"\n\ntext\n")
    yield Case("testin/simple.msgh", read(t, "simple.msgh") +
               read(t, "simple.msgb"))
    for name in ("andreas-1296.txt", "fun.txt", "short.txt", "words.txt",
                 "sig", "sig2", "sig3"):
        raw = read(t, name)
        yield Case("testin/" + name, text("iso-8859-1", raw),
                   [wants_body(raw.decode("cp1252"))])
    for name in ("quot-print.body", "x-gzip64.body"):
        yield Case("testin/" + name, read(t, name))


def stalwart_checks(path):
    """What mail-parser's JSON has, where there is one: texts shown, and
    attachments."""
    if not os.path.exists(path):
        return
    said = json.loads(read(path))
    for i in said["text_body"]:
        body = said["parts"][i]["body"]
        if "Text" in body:
            yield wants_text(f"text_body {i}", body["Text"])
    for i in said["attachments"]:
        body = said["parts"][i]["body"]
        if "Binary" in body:
            yield wants_bytes(f"attachment {i}", bytes(body["Binary"]))


def stalwart(where):
    """Each with LF and with CRLF, each with its own JSON."""
    for case in listed(where):
        stem = os.path.join(where, case.name[:-len(".eml")])
        for name, end, said in ((case.name, b"\n", ".json"),
                                (case.name + " CRLF", b"\r\n", ".crlf.json")):
            yield Case(name, re.sub(b"\r?\n", end, case.raw), case.checks +
                       list(stalwart_checks(stem + said)))


def enmime(where):
    yield from listed(where)
    for path in sorted(glob.glob(where + "/encode/*.golden")):
        yield Case(os.path.relpath(path, where), read(path))


def notmuch(where):
    for case in listed(where):
        case.checks.append(("calm", wants_calm))
        yield case


OWN = {"mime-gmime": gmime, "mime-kmime": kmime, "mime-mime4j": mime4j,
       "mime-mimetools": mimetools, "mime-stalwart": stalwart,
       "mime-enmime": enmime, "mime-notmuch": notmuch}


def assets(corpora):
    return sorted(d for d in os.listdir(corpora)
                  if d.startswith(("mail-", "mime-")) and
                  os.path.isdir(os.path.join(corpora, d)))


def cases(corpora, asset):
    return list(OWN.get(asset, listed)(os.path.join(corpora, asset)))
