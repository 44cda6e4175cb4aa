// sdk: MCP's own client libraries, each at the server that the arguments start.
// A line of JSON for each thing tried: who, what, ok, and what was seen.
import {Client} from '@modelcontextprotocol/client';
import {StdioClientTransport} from '@modelcontextprotocol/client/stdio';
import {Client as OldClient} from '@modelcontextprotocol/sdk/client/index.js';
import {StdioClientTransport as OldTransport} from
  '@modelcontextprotocol/sdk/client/stdio.js';
import {EmptyResultSchema, ErrorCode} from
  '@modelcontextprotocol/sdk/types.js';

const [command, ...args] = process.argv.slice(2);
const server = {command, args, stderr: 'ignore',
                env: {PATH: process.env.PATH,
                      BULKHEAD_LIBEXEC: process.env.BULKHEAD_LIBEXEC}};
const us = {name: 'bulkhead-tests', version: '1'};
const pinned = (versionNegotiation) => ({versionNegotiation});

// Who, the revision that it comes to, and its client.
const clients = [
  ['sdk', '2025-11-25', () => [new OldClient(us), new OldTransport(server)]],
  ['client', '2025-11-25',
    () => [new Client(us), new StdioClientTransport(server)]],
  ['client, of an older revision', '2025-06-18',
    () => [new Client(us, {supportedProtocolVersions: ['2025-06-18']}),
           new StdioClientTransport(server)]],
  ['client, which asks', '2026-07-28',
    () => [new Client(us, pinned({mode: 'auto'})),
           new StdioClientTransport(server)]],
  ['client, which knows', '2026-07-28',
    () => [new Client(us, pinned({mode: {pin: '2026-07-28'}})),
           new StdioClientTransport(server)]],
];

function say(who, what, ok, seen) {
  console.log(JSON.stringify({who, what, ok: Boolean(ok), seen}));
}

async function fails(call) {
  try {
    return {result: await call()};
  } catch (e) {
    return {code: e.code, message: e.message};
  }
}

function text(result) {
  return result.content[0].text;
}

async function tries(who, revision, client, transport) {
  let seen;

  // The older library tells its transport alone.
  transport.setProtocolVersion ??= (v) => { seen = v; };
  await client.connect(transport);
  seen ??= client.getNegotiatedProtocolVersion();
  say(who, 'the revision', seen === revision, seen);
  seen = client.getServerVersion();
  say(who, 'the name of the server', seen?.name === 'bulkhead', seen);
  seen = Object.keys(client.getServerCapabilities()).sort();
  say(who, 'tools, and no more', seen.join() === (revision >= '2026' ?
    'extensions,tools' : 'tools'), seen);
  if (revision < '2026')
    say(who, 'ping', JSON.stringify(await client.ping()) === '{}');

  seen = (await client.listTools()).tools.map((t) => t.name);
  say(who, 'the list of tools', seen.length === 12 &&
    seen[0] === 'task.get' && seen.includes('greet'), seen);
  seen = (await client.listTools()).tools.map((t) => t.name).join() ===
    seen.join();
  say(who, 'the same list again', seen, seen);
  seen = await fails(() => client.listTools({cursor: 'x'}));
  say(who, 'a cursor of nobody', seen.code === ErrorCode.InvalidParams, seen);

  seen = await client.callTool({name: 'task.get', arguments: {}});
  say(who, 'the task', seen.structuredContent.instruction ===
    JSON.parse(text(seen)).instruction, seen);
  seen = await client.callTool({name: 'greet', arguments: {name: 'Lea'}});
  say(who, 'a call', !seen.isError && text(seen) === 'Hello, Lea!' &&
    seen.structuredContent.verdict === 'allow', seen);
  seen = await client.callTool({name: 'confirm_delete',
                                arguments: {filename: 'f'}});
  say(who, 'a call that is refused', seen.isError &&
    seen.structuredContent.verdict === 'deny', seen);
  seen = await client.callTool({name: 'slow_compute',
                                arguments: {seconds: 1, label: 'x'}});
  say(who, 'a call that waits', !seen.isError &&
    seen.structuredContent.status === 'pending', seen);
  seen = await client.callTool({name: 'bulkhead.wait',
    arguments: {ticket: seen.structuredContent.ticket}});
  say(who, 'what became of it', seen.structuredContent.executed &&
    text(seen) === 'done: x', seen);

  seen = await fails(() => client.callTool({name: 'no.such', arguments: {}}));
  say(who, 'a tool that there is not', seen.code === ErrorCode.InvalidParams,
    seen);
  seen = await fails(() => client.callTool({name: 'greet',
                                            arguments: {name: null}}));
  say(who, 'an argument that is wrong', revision >= '2025-11-25' ?
    seen.result?.isError : seen.code === ErrorCode.InvalidParams, seen);
  seen = await fails(() => client.request({method: 'prompts/list', params: {}},
                                          EmptyResultSchema));
  say(who, 'a method that there is not', seen.code ===
    ErrorCode.MethodNotFound, seen);

  seen = await client.callTool({name: 'task.answer',
                                arguments: {text: 'done'}});
  say(who, 'the answer', !seen.isError, seen);
  seen = await client.callTool({name: 'greet', arguments: {name: 'Lea'}});
  say(who, 'nothing after it', seen.isError, seen);
  await client.close();
}

for (const [who, revision, make] of clients) {
  try {
    await tries(who, revision, ...make());
  } catch (e) {
    say(who, 'no failure on the way', false, String(e.stack));
  }
}
