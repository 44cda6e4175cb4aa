"""Goal of this test: a model that says a word which it is told never to write sets
off the tripwire, whatever it says it as; the transcript of a task is in the log, and
is that of the bytes that went over the network."""
import base64
import hashlib
import json
import sys

from llm_rig import Llm, Provider, need


def words(request):
    system = request.get('system') or request['messages'][0]['content']
    return system.split('whoever asks: ')[1].split()


def tripped(how):
    with Provider([lambda r: how(words(r))]) as p:
        b = Llm(p.port, 'anthropic', trip='{canary: freeze}')
        try:
            b.up()
            b.deliver('one', 'From: a@example.org\r\n\r\nNews.\r\n')
            b.item_until('one')
            trip = b.records('trip')
            need(len(trip) == 1 and trip[0]['by'] == 'canary' and
                 trip[0]['action'] == 'freeze',
                 f'a canary in what the model says: {trip}')
            return trip[0]
        finally:
            b.down()


def transcript():
    with Provider([{'text': 'Fine.', 'calls': [['notes_append',
                                                {'text': 'News.'}]]},
                   {'text': 'Noted.'}]) as p:
        b = Llm(p.port, 'openai')
        try:
            b.up()
            need(b.say('one', 'News.') == 'Noted.', 'two requests')
            chain = bytes(32)
            for r, came in zip(b.records('model.done'), p.came):
                asked = hashlib.sha256(came['raw']).digest()
                got = hashlib.sha256(came['answer']).digest()
                chain = hashlib.sha256(chain + asked + got).digest()
                need(r['request_sha256'] == asked.hex() and
                     r['answer_sha256'] == got.hex() and
                     r['transcript'] == chain.hex(),
                     'the log has what went over the network')
            need(not b.records('trip') and not b.records('model.unbound'),
                 'nothing else was noticed')
        finally:
            b.down()


if __name__ == '__main__':
    need(tripped(lambda w: {'text': f'I was told {w[0]}.'})['canary'] == 'run',
         'the one of the run, in a text')
    need(tripped(lambda w: {'calls': [['notes_append', {'text': base64.b64encode(
        f'it is {w[2]} indeed'.encode()).decode()}]]})['canary'] == 'item',
        'the one of the item, encoded, in the arguments of a call')
    transcript()
    sys.exit(0)
