"""faults: a proxy for TCP that does to a connection what networks do.

usage: faults.py ADDRESS:PORT ADDRESS:PORT CONTROL

It listens at the first and connects to the second. CONTROL is a file whose text
is looked at for each connection and each piece of bytes from the server:

    none         everything passes
    refuse       a connection is reset at once
    to PORT      a connection goes to another server, at that port
    delay MS     each piece comes so much later
    cut N        reset, once the server has sent N bytes on a connection
    half N       the server's side is closed after N bytes, in good order; what
                 the client says goes on
    stall N      nothing comes any more after N bytes, and nothing is closed
    garbage N    bytes after the first N are others

Where a connection was refused, cut, closed or stalled, or has got garbage, a file
CONTROL.met comes to be.
"""
import contextlib
import socket
import struct
import sys
import threading
import time

PIECE = 4096


def split(text):
    host, _, port = text.rpartition(':')
    return host, int(port)


def reset(s):
    """A close waits for whoever reads: who does is woken, without a word to
    the other end."""
    with contextlib.suppress(OSError):
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                     struct.pack('ii', 1, 0))
        s.shutdown(socket.SHUT_RD)
    s.close()


class Proxy:
    def __init__(self, listen, server, control):
        self.server, self.control = split(server), control
        self.door = socket.create_server(split(listen), backlog=64)

    def fault(self):
        with open(self.control, encoding='ascii') as f:
            word, _, number = f.read().strip().partition(' ')
        return word or 'none', int(number or 0)

    def upward(self, client, server):
        """What the client says, as it is."""
        try:
            while piece := client.recv(PIECE):
                server.sendall(piece)
            server.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def downward(self, client, server):
        sent = 0
        try:
            while piece := server.recv(PIECE):
                word, n = self.fault()
                left = max(0, n - sent)
                if word == 'delay':
                    time.sleep(n / 1000)
                elif word == 'garbage':
                    if len(piece) > left:
                        self.met(word)
                    piece = piece[:left] + bytes(b ^ 0x55 for b in piece[left:])
                elif word in ('cut', 'half', 'stall') and len(piece) >= left:
                    client.sendall(piece[:left])
                    self.stop(word, client, server)
                    return
                client.sendall(piece)
                sent += len(piece)
            client.shutdown(socket.SHUT_WR)
        except OSError:
            reset(client)
            reset(server)

    def met(self, word):
        with open(self.control + '.met', 'w', encoding='ascii') as f:
            f.write(word)

    def stop(self, word, client, server):
        self.met(word)
        if word == 'cut':
            reset(server)
            reset(client)
        elif word == 'half':
            client.shutdown(socket.SHUT_WR)
        # A stall leaves all as it is, until the client has enough of it.

    def serve(self):
        print('ready', flush=True)
        while True:
            client, _ = self.door.accept()
            word, n = self.fault()
            if word == 'refuse':
                self.met(word)
                reset(client)
                continue
            host, port = self.server
            try:
                server = socket.create_connection(
                    (host, n if word == 'to' else port))
            except OSError:
                reset(client)
                continue
            for way in (self.upward, self.downward):
                threading.Thread(target=way, args=(client, server),
                                 daemon=True).start()


if __name__ == '__main__':
    Proxy(*sys.argv[1:4]).serve()
