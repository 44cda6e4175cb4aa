"""Goal of this test: the servers and faults that tests of accounts stand on are
what they are said to be, seen by Python's own client: names, a certificate that
is good, expired or another's, mail in and
out, and each fault of the proxy."""
import imaplib
import smtplib
import socket
import ssl
import sys
import time

sys.dont_write_bytecode = True
from world import OURS, THEIRS, World, enter  # noqa: E402

PASSWORD, PORT, BEHIND = 'a-password-of-tests', 993, 1993
MAIL = b'From: <lea@example.org>\r\nSubject: one\r\n\r\nHello.\r\n'


def need(cond, what):
    print('ok:' if cond else 'FAILED:', what, flush=True)
    if not cond:
        sys.exit(1)


def client(w):
    trust = ssl.create_default_context(cafile=w.path('ca.pem'))
    c = imaplib.IMAP4_SSL('imap.example.org', PORT, ssl_context=trust,
                          timeout=3)
    c.login('me@example.org', PASSWORD)
    return c


def read(w):
    """All mail that there is."""
    c = client(w)
    c.select('INBOX')
    found = [c.fetch(n, '(BODY.PEEK[])')[1][0][1]
             for n in c.search(None, 'ALL')[1][0].split()]
    c.shutdown()
    return found


def fails(w):
    """How reading fails, or None."""
    try:
        read(w)
    except (OSError, imaplib.IMAP4.error) as e:
        return e
    return None


def names():
    need(socket.gethostbyname('imap.example.org') == THEIRS, 'a name is known')
    need(socket.gethostbyname('self.example.org') == OURS,
         'a name leads to this machine')
    try:
        socket.gethostbyname('unknown.example.org')
        need(False, 'a name that nobody has does not exist')
    except socket.gaierror:
        need(True, 'a name that nobody has does not exist')


def faults(w):
    fault = w.proxy(PORT, BEHIND)
    need(read(w) == [MAIL], 'a proxy without a fault changes nothing')
    for text in ('refuse', 'cut 100', 'cut 1500', 'half 100', 'garbage 0',
                 'stall 1500'):
        fault(text)
        e = fails(w)
        need(e is not None, f'{text}: {type(e).__name__} {e}')
    fault('delay 50')
    need(read(w) == [MAIL], 'delay 50: all arrives')
    fault('none')
    need(read(w) == [MAIL], 'none: all arrives again')


def certificates(w):
    for name, word in (('expired', 'expired'), ('other', 'mismatch')):
        w.imap(PASSWORD, BEHIND, certificate=name)
        e = fails(w)
        need(isinstance(e, ssl.SSLCertVerificationError) and word in str(e),
             f'{name}: {e}')
    w.imap(PASSWORD, BEHIND)
    need(read(w) == [MAIL], 'started anew with its certificate, it has its mail')


def submit(w, port):
    trust = ssl.create_default_context(cafile=w.path('ca.pem'))
    if port == 465:
        return smtplib.SMTP_SSL('smtp.example.org', port, context=trust,
                                timeout=10)
    c = smtplib.SMTP('smtp.example.org', port, timeout=10)
    c.starttls(context=trust)
    return c


def sending(w):
    for number, port in enumerate((465, 587), 1):
        c = submit(w, port)
        try:
            c.sendmail('me@example.org', ['lea@example.org'], MAIL)
            need(False, f'{port}: who does not log in sends nothing')
        except smtplib.SMTPRecipientsRefused:
            need(True, f'{port}: who does not log in sends nothing')
        c.login('me@example.org', PASSWORD)
        c.sendmail('me@example.org', ['lea@example.org'], MAIL)
        c.quit()
        end = time.monotonic() + 20
        while len(w.sent()) < number and time.monotonic() < end:
            time.sleep(0.1)
        need(len(w.sent()) == number and
             all(b'Subject: one' in m for m in w.sent()),
             f'{port}: a mail is delivered')


def main():
    code = enter(__file__)
    if code is not None:
        return code
    with World() as w:
        names()
        w.imap(PASSWORD, PORT)
        c = client(w)
        need('IDLE' in c.capabilities, 'Dovecot offers IDLE')
        c.append('INBOX', None, None, MAIL)
        c.logout()
        need(read(w) == [MAIL], 'a mail comes out as it went in')
        w.imap(PASSWORD, BEHIND)
        w.smtp()
        sending(w)
        faults(w)
        certificates(w)
    return 0


if __name__ == '__main__':
    sys.exit(main())
