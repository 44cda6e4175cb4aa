// clients: the providers' own client libraries, unchanged, straight to a provider
// and through the gateway: what they make of the answers has to be the same.
//
//	node clients.js anthropic|openai PROVIDER GATEWAY
//
// Writes {"same": N} or throws.
import assert from 'node:assert';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';

const [kind, provider, gateway] = process.argv.slice(2);
const schema = { type: 'object', properties: { to: { type: 'string' } } };
const long = 'Many words. '.repeat(400);
let same = 0;

function anthropic(url) {
  const c = new Anthropic({ baseURL: url, apiKey: 'session', maxRetries: 2 });
  const ask = (text, more) => ({ model: 'm', max_tokens: 64, ...more,
    messages: [{ role: 'user', content: text }] });
  const tools = [{ name: 'send', description: 'Sends.', input_schema: schema }];
  return {
    text: () => c.messages.create(ask('say: hello')),
    long: () => c.messages.create(ask(`say: ${long}`)),
    call: () => c.messages.create(ask('call', { tools })),
    stream: () => c.messages.stream(ask('say: hello')).finalMessage(),
    longStream: () => c.messages.stream(ask(`say: ${long}`)).finalMessage(),
    callStream: () => c.messages.stream(ask('call', { tools })).finalMessage(),
    words: async () => {
      const words = [];
      await c.messages.stream(ask('say: one two three'))
        .on('text', t => words.push(t)).done();
      return words;
    },
    turns: () => c.messages.create({ model: 'm', max_tokens: 64, tools,
      system: 'Be short.', messages: [
        { role: 'user', content: 'call' },
        { role: 'assistant', content: [{ type: 'tool_use', id: 't',
          name: 'send', input: { to: 'a' } }] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't',
          content: 'say: sent' }] }] }),
    count: () => c.messages.countTokens({ model: 'm',
      messages: [{ role: 'user', content: 'say: hello' }] }),
    busy: () => c.messages.create(ask(`busy ${url}`)),
    cut: () => c.messages.stream(ask('cut')).finalMessage().then(
      () => 'whole', () => 'an error'),
    refused: async () => {
      if (url === provider) return 'BadRequestError web_search';
      const e = await c.messages.create(ask('say: x', { tools: [
        { type: 'web_search_20250305', name: 'web_search' }] })).catch(e => e);
      return `${e.constructor.name} ${/web_search/.exec(e.message)}`;
    },
  };
}

function openai(url) {
  const c = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'session',
    maxRetries: 2 });
  const chat = (text, more) => c.chat.completions.create({ model: 'm',
    max_completion_tokens: 64, ...more,
    messages: [{ role: 'user', content: text }] });
  const respond = (text, more) => c.responses.create({ model: 'm',
    max_output_tokens: 64, store: false, ...more, input: text });
  const tools = [{ type: 'function', function: { name: 'send',
    parameters: schema } }];
  const flat = [{ type: 'function', name: 'send', parameters: schema,
    strict: false }];
  const all = async stream => {
    const events = [];
    for await (const e of await stream) events.push(e);
    return events;
  };
  return {
    text: () => chat('say: hello'),
    long: () => chat(`say: ${long}`),
    call: () => chat('call', { tools }),
    stream: () => all(chat('say: hello', { stream: true })),
    longStream: () => all(chat(`say: ${long}`, { stream: true })),
    callStream: () => all(chat('call', { stream: true, tools })),
    whole: () => c.chat.completions.stream({ model: 'm', tools,
      max_completion_tokens: 64, messages: [{ role: 'user', content: 'call' }] })
      .finalChatCompletion(),
    responses: () => respond('say: hello'),
    responsesCall: () => respond('call', { tools: flat }),
    responsesStream: () => all(respond('say: hello', { stream: true })),
    responsesLong: () => all(respond(`say: ${long}`, { stream: true })),
    busy: () => chat(`busy ${url}`),
    cut: () => all(chat('cut', { stream: true })).then(
      e => e.length < 20 ? 'cut' : 'whole', () => 'an error'),
    refused: async () => {
      if (url === provider) return 'BadRequestError web_search';
      const e = await respond('say: x', { tools: [{ type: 'web_search' }] })
        .catch(e => e);
      return `${e.constructor.name} ${/web_search/.exec(e.message)}`;
    },
  };
}

const make = kind === 'anthropic' ? anthropic : openai;
const straight = make(provider);
const through = make(gateway);

for (const name of Object.keys(straight)) {
  const want = JSON.parse(JSON.stringify(await straight[name]()));
  const got = JSON.parse(JSON.stringify(await through[name]()));
  if (name === 'cut') {
    assert.notEqual(got, 'whole', 'what is cut is not taken for whole');
  } else {
    delete want._request_id;
    delete got._request_id;
    assert.deepStrictEqual(got, want, name);
  }
  same++;
}
const models = [];
for await (const m of make === anthropic
  ? new Anthropic({ baseURL: gateway, apiKey: 'x' }).models.list()
  : new OpenAI({ baseURL: `${gateway}/v1`, apiKey: 'x' }).models.list())
  models.push(m.id);
assert.deepStrictEqual(models, ['m'], 'the one model of the configuration');
process.stdout.write(JSON.stringify({ same }) + '\n', () => process.exit(0));
