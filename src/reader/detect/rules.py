#!/usr/bin/env python3
"""rules.txt to the tables that detect.c includes; a bad line is an error."""
import re
import sys
import unicodedata

SLOTS_MAX = 12
GAP_MAX = 40


def fold(word):
    """As detect.c folds a word of a text."""
    text = unicodedata.normalize("NFKD", word).casefold()
    return "".join(c for c in text if not unicodedata.combining(c))


def parse(path):
    rules = []
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        name, weight, *parts = line.split()
        slots = []
        gap = 0
        for part in parts:
            if part.startswith("~"):
                gap = int(part[1:])
                if not slots or not 0 < gap <= GAP_MAX:
                    sys.exit(f"{path}:{number}: gap {part}")
                continue
            words = part.split("|")
            if len(set(words)) != len(words) or "" in words:
                sys.exit(f"{path}:{number}: slot {part}")
            slots.append((gap, words))
            gap = 0
        if not re.fullmatch(r"[a-z_.]{1,64}", name) or gap or \
           not 1 <= int(weight) <= 100 or not 1 <= len(slots) <= SLOTS_MAX:
            sys.exit(f"{path}:{number}: rule {name}")
        rules.append((name, int(weight), slots))
    if len({r[0] for r in rules}) != len(rules):
        sys.exit(f"{path}: a rule id twice")
    return rules


def c_string(word):
    return '"' + "".join(f"\\{b:03o}" if b >= 0x80 else chr(b)
                         for b in word.encode()) + '"'


def rows(numbers, n=12):
    return ["\t" + " ".join(f"{v}," for v in numbers[i:i + n])
            for i in range(0, len(numbers), n)]


def index_lines(words, rules, index):
    """Where the words of each first byte begin, and the rules by the words
    of their first slot."""
    codes = [w.encode() for w in words]
    first = [sum(c[0] < b for c in codes) for b in range(257)]
    starts, begin = [], []
    for w in range(len(words)):
        begin.append(len(starts))
        starts += [r for r, (_, _, slots) in enumerate(rules)
                   if w in {index[fold(x)] for x in slots[0][1]}]
    begin.append(len(starts))
    return (["};", "", "/* words that begin with byte b: [b] to [b + 1] */",
             "static const uint16_t byte_words[257] = {"] + rows(first) +
            ["};", "", "/* rules whose first slot has word w, the same way */",
             "static const uint16_t word_rules[] = {"] + rows(begin) +
            ["};", "", "static const uint16_t start_rules[] = {"] +
            rows(starts))


def ascii_lines():
    """What a letter or digit of ASCII folds to, 0 where there is no word."""
    chars = [chr(b).lower() if chr(b).isalnum() else "\0" for b in range(128)]
    return ["};", "", "static const uint8_t ascii_fold[128] = {"] + \
        rows([ord(c) for c in chars])


def pair_lines(words):
    """Where the words of each two first letters begin, and how many."""
    codes = [w.encode() for w in words]
    begin, count = [], []
    for a in range(26):
        for b in range(26):
            pair = bytes((97 + a, 97 + b))
            begin.append(sum(c < pair for c in codes))
            count.append(sum(c.startswith(pair) for c in codes))
    if max(count) > 255:
        sys.exit("more words of two letters than fit")
    return (["};", "", "/* words that begin with two letters, a to z */",
             "static const uint16_t pair_words[26 * 26] = {"] + rows(begin) +
            ["};", "", "static const uint8_t pair_count[26 * 26] = {"] +
            rows(count))


def main():
    rules = parse(sys.argv[1])
    words = sorted({fold(w) for _, _, slots in rules
                    for _, ws in slots for w in ws}, key=str.encode)
    index = {w: i for i, w in enumerate(words)}
    out = ["/* Made from rules.txt by rules.py. */", "",
           "static const char *const words[] = {"]
    out += [f"\t{c_string(w)}," for w in words]
    out += ["};", "", "static const uint16_t slot_words[] = {"]
    slots_out, rules_out, used = [], [], 0
    for name, weight, slots in rules:
        first = len(slots_out)
        for gap, ws in slots:
            ids = sorted({index[fold(w)] for w in ws})
            out.append("\t" + ", ".join(map(str, ids)) + ",")
            slots_out.append(f"\t{{ {used}, {len(ids)}, {gap} }},")
            used += len(ids)
        rules_out.append(f'\t{{ "{name}", {weight}, {first}, {len(slots)} }},')
    out += index_lines(words, rules, index) + ascii_lines() + pair_lines(words)
    out += ["};", "", "static const struct slot slots[] = {"] + slots_out
    out += ["};", "", "static const struct rule rules[] = {"] + rules_out
    out += ["};", ""]
    with open(sys.argv[2], "w", encoding="ascii") as f:
        f.write("\n".join(out))


main()
