/*
 * clients: Slack's own clients against slack.js, so that bulkhead is not tested
 * against a Slack of our imagination. usage: node clients.js PORT [EVENTS]
 *
 * EVENTS is a file of payloads, one a line: each is sent as an event, and has to
 * come out of the client as it went in. Ends with 0 when all is as with Slack.
 */
'use strict';
const assert = require('assert');
const fs = require('fs');
const { SocketModeClient } = require('@slack/socket-mode');
const { WebClient, LogLevel } = require('@slack/web-api');

const [port, events] = process.argv.slice(2);
const base = `http://127.0.0.1:${port}`;
const quiet = { logLevel: LogLevel.ERROR };

async function test(name, body) {
	const r = await fetch(`${base}/test/${name}`,
		{ method: 'POST', body: JSON.stringify(body || {}) });
	return r.json();
}

async function web() {
	const web = new WebClient('xoxb-1-test',
		{ slackApiUrl: `${base}/api/`, ...quiet });
	const who = await web.auth.test();
	assert.strictEqual(who.user_id, 'U0BOT');
	const sent = await web.chat.postMessage({ channel: 'C0ENG', text: 'hi',
		blocks: [{ type: 'divider' }], unfurl_links: false });
	assert.match(sent.ts, /^\d+\.\d{6}$/);
	await web.chat.update({ channel: 'C0ENG', ts: sent.ts, text: 'ho' });
	await web.chat.postEphemeral({ channel: 'C0ENG', user: 'U1', text: 'x' });
	await assert.rejects(web.chat.postMessage({ channel: 'x', text: 'x' }),
		/channel_not_found/);
	const bad = new WebClient('xoxb-wrong',
		{ slackApiUrl: `${base}/api/`, ...quiet });
	await assert.rejects(bad.auth.test(), /invalid_auth/);
	await test('fail', { method: 'chat.postMessage', status: 429,
		headers: { 'Retry-After': '1' } });
	await web.chat.postMessage({ channel: 'C0ENG', text: 'late' });
	const state = await test('state');
	assert.deepStrictEqual(state.messages.map((m) => m.text),
		['ho', 'x', 'late']);
}

function payloads() {
	const own = [{ type: 'event_callback', team_id: 'T1', event_id: 'Ev1',
		event: { type: 'message', channel: 'C0ENG', user: 'U1', text: 'hi',
			ts: '1.2', event_ts: '1.2' } }];
	if (!events)
		return own;
	const lines = fs.readFileSync(events, 'utf8').split('\n');
	return own.concat(lines.filter((l) => l).map((l) => JSON.parse(l).payload)
		.filter((p) => p.type === 'event_callback'));
}

async function socket() {
	const client = new SocketModeClient({ appToken: 'xapp-1-test',
		clientOptions: { slackApiUrl: `${base}/api/` }, ...quiet });
	const heard = [];
	let wake = () => {};
	client.on('slack_event', async ({ ack, body, type }) => {
		if (type !== 'events_api' && type !== 'interactive')
			return;
		await ack();
		heard.push(body);
		wake();
	});
	const until = async (n) => {
		while (heard.length < n)
			await new Promise((done) => { wake = done; });
	};
	await client.start();
	const want = payloads();
	for (const [i, p] of want.entries()) {
		await test('event', p);
		await until(i + 1);
	}
	const press = { type: 'block_actions', user: { id: 'U1' },
		actions: [{ type: 'button', value: 'y' }] };
	await test('event', { interactive: press });
	await until(want.length + 1);
	assert.deepStrictEqual(heard, want.concat([press]));
	/* A connection that is lost is made anew, and what is said goes there. */
	const again = new Promise((done) => client.once('connected', done));
	await test('disconnect');
	await again;
	await test('event', want[0]);
	await until(want.length + 2);
	await client.disconnect();
	console.log(`${want.length} events, 1 press, 1 new connection`);
}

web().then(socket).then(() => process.exit(0), (e) => {
	console.error(e);
	process.exit(1);
});
