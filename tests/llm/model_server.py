"""model_server: a provider of models that says what a test has it say, on
loopback: Messages, Chat Completions and Responses, whole and as streams, and their
faults. Each request is kept.

A script is a list of answers, each for one request, in order; the last one is
given again and again. An answer is {"text": ..., "calls": [[name, {arguments}],
...]} or a fault: {"status": 429, "retry": 1}, {"cut": N}, {"drip": seconds},
{"junk": true}, {"huge": true}.

As a program: model_server.py FILE serves the conversations of a file until its
input ends, and says on which port: for each, what its first turn is about (a
text in it; the first that fits) and the answers to its turns."""
import http.server
import json
import sys
import threading
import time


def usage(answer):
    return answer.get('input', 11), answer.get('output', 7)


def messages(answer, model):
    blocks = [{'type': 'text', 'text': answer['text']}] if answer.get('text') \
        else []
    blocks += [{'type': 'tool_use', 'id': f'toolu_{i}', 'name': n, 'input': a}
               for i, (n, a) in enumerate(answer.get('calls', []))]
    put, got = usage(answer)
    return {'id': 'msg_1', 'type': 'message', 'role': 'assistant',
            'model': model, 'content': blocks,
            'stop_reason': 'tool_use' if answer.get('calls') else 'end_turn',
            'stop_sequence': None,
            'usage': {'input_tokens': put, 'output_tokens': got}}


def messages_events(answer, model):
    whole = messages(answer, model)
    yield {'type': 'message_start', 'message': {
        **whole, 'content': [], 'stop_reason': None,
        'usage': {**whole['usage'], 'output_tokens': 1}}}
    for i, block in enumerate(whole['content']):
        text = block['type'] == 'text'
        yield {'type': 'content_block_start', 'index': i, 'content_block':
               {**block, **({'text': ''} if text else {'input': {}})}}
        full = block['text'] if text else json.dumps(block['input'])
        for at in range(0, len(full), 8):
            piece = full[at:at + 8]
            yield {'type': 'content_block_delta', 'index': i, 'delta':
                   {'type': 'text_delta', 'text': piece} if text else
                   {'type': 'input_json_delta', 'partial_json': piece}}
        yield {'type': 'content_block_stop', 'index': i}
    yield {'type': 'message_delta', 'delta': {
        'stop_reason': whole['stop_reason'], 'stop_sequence': None},
        'usage': {'output_tokens': whole['usage']['output_tokens']}}
    yield {'type': 'message_stop'}


def chat_calls(answer):
    return [{'id': f'call_{i}', 'type': 'function', 'function':
             {'name': n,
              'arguments': a if isinstance(a, str) else json.dumps(a)}}
            for i, (n, a) in enumerate(answer.get('calls', []))]


def chat(answer, model):
    put, got = usage(answer)
    m = {'role': 'assistant', 'content': answer.get('text') or None,
         'refusal': None}
    if answer.get('calls'):
        m['tool_calls'] = chat_calls(answer)
    return {'id': 'chatcmpl-1', 'object': 'chat.completion', 'created': 1,
            'model': model, 'choices': [{
                'index': 0, 'message': m, 'logprobs': None, 'finish_reason':
                'tool_calls' if answer.get('calls') else 'stop'}],
            'usage': {'prompt_tokens': put, 'completion_tokens': got,
                      'total_tokens': put + got}}


def chat_events(answer, model):
    def chunk(delta, reason=None, **more):
        return {'id': 'chatcmpl-1', 'object': 'chat.completion.chunk',
                'created': 1, 'model': model, 'choices': [
                    {'index': 0, 'delta': delta, 'finish_reason': reason}],
                **more}
    yield chunk({'role': 'assistant', 'content': ''})
    text = answer.get('text', '')
    for at in range(0, len(text), 8):
        yield chunk({'content': text[at:at + 8]})
    for i, call in enumerate(chat_calls(answer)):
        args = call['function']['arguments']
        yield chunk({'tool_calls': [{**call, 'index': i, 'function': {
            'name': call['function']['name'], 'arguments': ''}}]})
        for at in range(0, len(args), 8):
            yield chunk({'tool_calls': [{'index': i, 'function': {
                'arguments': args[at:at + 8]}}]})
    yield chunk({}, 'tool_calls' if answer.get('calls') else 'stop')
    put, got = usage(answer)
    yield {**chunk({}), 'choices': [], 'usage': {
        'prompt_tokens': put, 'completion_tokens': got,
        'total_tokens': put + got}}


def responses(answer, model):
    output = []
    if answer.get('text'):
        output.append({'id': 'msg_1', 'type': 'message', 'role': 'assistant',
                       'status': 'completed', 'content': [
                           {'type': 'output_text', 'text': answer['text'],
                            'annotations': []}]})
    output += [{'id': f'fc_{i}', 'type': 'function_call', 'call_id':
                f'call_{i}', 'name': n, 'arguments': json.dumps(a),
                'status': 'completed'}
               for i, (n, a) in enumerate(answer.get('calls', []))]
    put, got = usage(answer)
    return {'id': 'resp_1', 'object': 'response', 'created_at': 1,
            'status': 'completed', 'model': model, 'output': output,
            'error': None, 'incomplete_details': None, 'instructions': None,
            'metadata': {}, 'parallel_tool_calls': True, 'temperature': 1,
            'tool_choice': 'auto', 'tools': [], 'top_p': 1,
            'usage': {'input_tokens': put, 'output_tokens': got,
                      'total_tokens': put + got,
                      'input_tokens_details': {'cached_tokens': 0},
                      'output_tokens_details': {'reasoning_tokens': 0}}}


def responses_events(answer, model):
    whole = responses(answer, model)
    n = iter(range(10000))

    def event(kind, **more):
        return {'type': kind, 'sequence_number': next(n), **more}
    yield event('response.created', response={**whole, 'output': [],
                                              'status': 'in_progress',
                                              'usage': None})
    for i, item in enumerate(whole['output']):
        yield event('response.output_item.added', output_index=i, item={
            **item, **({'content': []} if item['type'] == 'message' else
                       {'arguments': ''})})
        if item['type'] == 'message':
            part = item['content'][0]
            at = {'item_id': item['id'], 'output_index': i,
                  'content_index': 0}
            yield event('response.content_part.added', **at,
                        part={**part, 'text': ''})
            for k in range(0, len(part['text']), 8):
                yield event('response.output_text.delta', **at,
                            delta=part['text'][k:k + 8], logprobs=[])
            yield event('response.output_text.done', **at, text=part['text'],
                        logprobs=[])
            yield event('response.content_part.done', **at, part=part)
        else:
            yield event('response.function_call_arguments.done',
                        item_id=item['id'], output_index=i,
                        arguments=item['arguments'])
        yield event('response.output_item.done', output_index=i, item=item)
    yield event('response.completed', response=whole)


FORMS = {'/v1/messages': (messages, messages_events),
         '/v1/chat/completions': (chat, chat_events),
         '/v1/responses': (responses, responses_events)}


def conversations(path):
    """A script of one answer, which looks up what is asked for."""
    with open(path, encoding='utf-8') as f:
        rows = json.load(f)

    def answer(request):
        turns = [m for m in request.get('messages') or request['input']
                 if m.get('role') in ('user', 'assistant', 'tool')
                 or 'type' in m]
        users = [m for m in turns if m.get('role') == 'user']
        row = next(r for r in rows if r['about'] in json.dumps(users[0]))
        said = sum(m.get('role') == 'assistant' or
                   m.get('type') == 'function_call' for m in turns)
        return row['turns'][min(said, len(row['turns']) - 1)]
    return [answer]


class Provider:
    """A server; `script` may be set anew at any time, `came` has what came."""

    def __init__(self, script):
        self.script, self.came = list(script), []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def log_message(self, *args):
                pass

            def do_POST(self):  # noqa: N802
                body = self.rfile.read(int(self.headers['Content-Length']))
                request = json.loads(body)
                outer.came.append({'path': self.path, 'body': request,
                                   'raw': body, 'answer': b'',
                                   'headers': {k.lower(): v for k, v
                                               in self.headers.items()}})
                self.came = outer.came[-1]
                outer.reply(self, request)

        self.http = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.http.daemon_threads = True
        self.port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.http.shutdown()
        self.http.server_close()

    def answer(self, request):
        a = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        return a(request) if callable(a) else a

    def reply(self, h, request):
        a = self.answer(request)
        if 'status' in a:
            whole(h, a['status'], {'type': 'error', 'error': {
                'type': 'overloaded_error', 'message': 'scripted'}},
                {'Retry-After': str(a['retry'])} if 'retry' in a else {})
            return
        if h.path == '/v1/messages/count_tokens':
            whole(h, 200, {'input_tokens': 11})
            return
        body, events = FORMS[h.path]
        if not request.get('stream'):
            if a.get('junk'):
                send(h, 200, b'<html>', 'text/html', {})
            else:
                whole(h, 200, body(a, request['model']))
            return
        stream(h, events(a, request['model']), a)


def send(h, status, data, kind, headers):
    h.send_response(status)
    h.send_header('Content-Type', kind)
    h.send_header('Content-Length', str(len(data)))
    for k, v in headers.items():
        h.send_header(k, v)
    h.end_headers()
    h.wfile.write(data)


def whole(h, status, body, headers=None):
    data = json.dumps(body).encode()
    h.came['answer'] = data
    send(h, status, data, 'application/json', headers or {})


def stream(h, events, a):
    def chunk(data):
        h.wfile.write(f'{len(data):x}\r\n'.encode() + data + b'\r\n')
        h.wfile.flush()
    h.send_response(200)
    h.send_header('Content-Type', 'text/event-stream')
    h.send_header('Transfer-Encoding', 'chunked')
    h.end_headers()
    try:
        for n, event in enumerate(events):
            if a.get('cut') == n:
                h.close_connection = True
                h.connection.close()
                return
            if a.get('junk') and n == 1:
                chunk(b'data: {no json\n\n')
            if a.get('huge') and n == 1:
                chunk(b'data: {"type":"ping","x":"' + b'x' * (2 << 20) +
                      b'"}\n\n')
            name = f'event: {event["type"]}\n' if 'type' in event else ''
            chunk(f'{name}data: {json.dumps(event)}\n\n'.encode())
            if a.get('drip'):
                time.sleep(a['drip'])
        if h.path == '/v1/chat/completions':
            chunk(b'data: [DONE]\n\n')
        h.wfile.write(b'0\r\n\r\n')
    except OSError:
        h.close_connection = True


if __name__ == '__main__':
    with Provider(conversations(sys.argv[1])) as served:
        print(served.port, flush=True)
        sys.stdin.read()
