"""dns: answers every name of a small table, for the tests' network.

usage: dns.py ADDRESS NAME=ADDRESS...

Questions for A of a name in the table are answered; AAAA of such a name has no
data; every other name does not exist.
"""
import socket
import struct
import sys


def question(packet):
    """(the name, its type, where it ends), or None."""
    if len(packet) < 12 or packet[2] & 0x80 or packet[4:6] != b'\0\1':
        return None
    at, labels = 12, []
    while at < len(packet) and packet[at]:
        n = packet[at]
        if n > 63 or at + 1 + n > len(packet):
            return None
        labels.append(packet[at + 1:at + 1 + n].decode('ascii', 'replace'))
        at += 1 + n
    if at + 5 > len(packet):
        return None
    return '.'.join(labels).lower(), *struct.unpack(
        '!H', packet[at + 1:at + 3]), at + 5


def answer(packet, table):
    found = question(packet)
    if not found:
        return None
    name, kind, end = found
    there = table.get(name)
    has = there is not None and kind == 1
    out = (packet[:2] + bytes([0x84 | packet[2] & 1, 0 if there else 3]) +
           struct.pack('!HHHH', 1, int(has), 0, 0) + packet[12:end])
    if has:
        out += struct.pack('!HHHIH', 0xc00c, 1, 1, 1, 4) + socket.inet_aton(
            there)
    return out


def main():
    table = dict(row.split('=') for row in sys.argv[2:])
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((sys.argv[1], 53))
    print('ready', flush=True)
    while True:
        packet, who = s.recvfrom(4096)
        out = answer(packet, table)
        if out:
            s.sendto(out, who)


if __name__ == '__main__':
    main()
