"""suffixes: the public suffix list as C, for src/render/domain.c: rules in
ASCII, sorted by their bytes. usage: suffixes.py LIST > suffixes.h"""

import sys


def ascii_label(label):
    if label.isascii():
        return label.lower()
    return "xn--" + label.lower().encode("punycode").decode("ascii")


def rules(path):
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            words = line.split()
            if words and not words[0].startswith("//"):
                yield ".".join(ascii_label(l) for l in words[0].split("."))


def main():
    print("/* Made by tools/suffixes.py. */")
    print("static const char *const suffixes[] = {")
    for rule in sorted(set(rules(sys.argv[1])), key=lambda r: r.encode()):
        print(f'\t"{rule}",')
    print("};")


main()
