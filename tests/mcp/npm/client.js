// client: the official client library of MCP against the program that is named:
// by its own transport over stdio.
import assert from 'node:assert'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { LATEST_PROTOCOL_VERSION } from '@modelcontextprotocol/sdk/types.js'

const transport = new StdioClientTransport({ command: process.argv[2] })
const client = new Client({ name: 'test', version: '1' })
await client.connect(transport)
assert.equal(client.getServerVersion().name, 'bulkhead')
assert.deepEqual(client.getServerCapabilities(), { tools: {} })
assert.equal(transport._protocolVersion ?? LATEST_PROTOCOL_VERSION,
  LATEST_PROTOCOL_VERSION)
await client.ping()
const { tools } = await client.listTools()
const names = tools.map(t => t.name)
assert.ok(names.includes('task.get') && names.includes('test_simple_text'))
const done = await client.callTool({ name: 'test_simple_text', arguments: {} })
assert.equal(done.isError ?? false, false)
assert.equal(done.content[0].text, 'It was done.')
assert.equal(done.structuredContent.verdict, 'allow')
const refused = await client.callTool({ name: 'nobody.declared', arguments: {} })
assert.equal(refused.isError, true)
assert.equal(refused.structuredContent.verdict, 'deny')
const bad = await client.callTool({ name: 'x', arguments: { a: null } })
assert.equal(bad.isError, true)
await assert.rejects(client.listResources(), /support|-32601/)
await assert.rejects(client.request({ method: 'prompts/list' }, {
  parse: x => x, safeParse: x => ({ success: true, data: x }) }), /-32601|unknown/)
const task = await client.callTool({ name: 'task.get', arguments: {} })
assert.equal(JSON.parse(task.content[0].text).instruction, 'Do it.')
await client.close()
console.log('the official client is content')
