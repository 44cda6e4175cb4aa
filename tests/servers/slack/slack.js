/*
 * slack: a small faithful Slack: the Web API's methods that bulkhead calls, and
 * Socket Mode. Slack's own clients take it for Slack (clients.js).
 *
 * usage: node slack.js PORT [CERT KEY [APP [ADDRESS]]]
 *
 * Prints "ready PORT". With a certificate it is HTTPS and WSS. Where a client
 * asked apps.connections.open is where it is sent. It has one app, whose tokens
 * are xapp-1-APP and xoxb-1-APP (APP is "test"). What a test wants of it goes to
 * /test/:
 *
 *	POST /test/event   a payload of the Events API, or {"interactive": ...}:
 *			   sent to a connection, and again until acknowledged
 *	POST /test/fail    {"method", "times", "status", "headers", "body"}; or
 *			   "cut": after the message is taken, without an answer
 *	POST /test/disconnect	what Slack says before it closes a connection
 *	POST /test/drop    closes all connections without a word
 *	POST /test/keep    what another one has to know that takes its place, or
 *			   tells it
 *	GET  /test/state   {"messages", "calls", "acknowledged", "connections"}
 */
'use strict';
const fs = require('fs');
const http = require('http');
const https = require('https');
const crypto = require('crypto');
const { WebSocketServer } = require('ws');

const AGAIN_MS = 1000;
const [port, cert, key, name, address] = process.argv.slice(2);
const APP = `xapp-1-${name || 'test'}`;
const BOT = `xoxb-1-${name || 'test'}`;

const state = { messages: [], calls: [], acknowledged: [] };
const tickets = new Set();
const sockets = new Set();
const fails = [];
const open = new Map(); // envelope id -> envelope that is not acknowledged
let count = 0;

/* Their clock, which gives no time twice: a message's name. */
function ts() {
	count += 1;
	return `1700000000.${String(count).padStart(6, '0')}`;
}

function body_of(req) {
	return new Promise((done) => {
		const parts = [];
		req.on('data', (p) => parts.push(p));
		req.on('end', () => done(Buffer.concat(parts).toString()));
	});
}

/* JSON, or the form that their own clients send, with JSON in its values. */
function fields_of(req, body) {
	if ((req.headers['content-type'] || '').startsWith('application/json'))
		return JSON.parse(body || '{}');
	const fields = Object.fromEntries(new URLSearchParams(body));
	for (const name of ['blocks', 'attachments'])
		if (fields[name])
			fields[name] = JSON.parse(fields[name]);
	return fields;
}

function token_of(req, fields) {
	const m = /^Bearer (\S+)$/.exec(req.headers.authorization || '');
	return m ? m[1] : fields.token;
}

function text_of(f) {
	return typeof f.text === 'string' && f.text.length > 0;
}

const methods = {
	'auth.test': [BOT, () => ({ url: 'https://t1.slack.test/', team: 'Test',
		user: 'bulkhead', team_id: 'T1', user_id: 'U0BOT', bot_id: 'B0BOT' })],
	'auth.revoke': [BOT, () => ({ revoked: true })],
	'apps.connections.open': [APP, (f, req) => {
		const ticket = crypto.randomUUID();
		tickets.add(ticket);
		const scheme = cert ? 'wss' : 'ws';
		return { url: `${scheme}://${req.headers.host}/link/` +
			`?ticket=${ticket}&app_id=A1` };
	}],
	'chat.postMessage': [BOT, (f) => {
		if (!/^[CDGU][A-Z0-9]+$/.test(f.channel || ''))
			return { error: 'channel_not_found' };
		if (!text_of(f) && !f.blocks)
			return { error: 'no_text' };
		if (f.text && f.text.length > 40000)
			return { error: 'msg_too_long' };
		const message = { ...f, token: undefined, ts: ts() };
		state.messages.push(message);
		return { channel: f.channel, ts: message.ts,
			message: { type: 'message', user: 'U0BOT', bot_id: 'B0BOT',
				text: f.text, ts: message.ts } };
	}],
	'chat.update': [BOT, (f) => {
		const m = state.messages.find((x) => x.ts === f.ts &&
			x.channel === f.channel);
		if (!m)
			return { error: 'message_not_found' };
		Object.assign(m, { blocks: undefined }, f, { token: undefined });
		return { channel: f.channel, ts: f.ts, text: f.text };
	}],
	'chat.postEphemeral': [BOT, (f) => {
		if (!f.user || !text_of(f))
			return { error: f.user ? 'no_text' : 'user_not_in_channel' };
		const message = { ...f, token: undefined, ephemeral: true, ts: ts() };
		state.messages.push(message);
		return { message_ts: message.ts };
	}],
};

function say(res, status, value, headers = {}) {
	res.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8',
		...headers });
	res.end(JSON.stringify(value));
}

async function api(req, res, method) {
	const fields = fields_of(req, await body_of(req));
	state.calls.push({ method, fields: { ...fields, token: undefined } });
	const fail = fails.find((f) => f.method === method && f.times > 0);
	if (fail)
		fail.times -= 1;
	if (fail && !fail.cut) {
		say(res, fail.status, fail.body || {}, fail.headers);
		return;
	}
	const row = methods[method];
	if (!row) {
		say(res, 200, { ok: false, error: 'unknown_method' });
		return;
	}
	const token = token_of(req, fields);
	if (token !== row[0]) {
		say(res, 200, { ok: false,
			error: token ? 'invalid_auth' : 'not_authed' });
		return;
	}
	const answer = row[1](fields, req);
	if (fail)
		req.socket.destroy();
	else
		say(res, 200, { ok: !answer.error, ...answer });
}

/* To one connection, as Slack does; again to any until it is acknowledged. */
function deliver(envelope) {
	const [socket] = sockets;
	if (!open.has(envelope.envelope_id))
		return;
	if (socket) {
		socket.send(JSON.stringify(envelope));
		envelope.retry_attempt += 1;
	}
	setTimeout(deliver, AGAIN_MS, envelope);
}

function event(payload) {
	const press = payload.interactive;
	const envelope = { envelope_id: crypto.randomUUID(),
		type: press ? 'interactive' : 'events_api',
		payload: press || payload, accepts_response_payload: Boolean(press),
		retry_attempt: 0, retry_reason: '' };
	open.set(envelope.envelope_id, envelope);
	deliver(envelope);
	return { envelope_id: envelope.envelope_id };
}

const tests = {
	event,
	fail: (f) => {
		fails.push({ times: 1, status: 200, ...f });
		return {};
	},
	disconnect: () => {
		for (const s of sockets) {
			s.send(JSON.stringify({ type: 'disconnect',
				reason: 'refresh_requested',
				debug_info: { host: 'test' } }));
			setTimeout(() => s.close(1000), AGAIN_MS);
		}
		return {};
	},
	drop: () => {
		for (const s of sockets)
			s.terminate();
		return {};
	},
	keep: (kept) => {
		count = Math.max(count, kept.count || 0);
		for (const envelope of kept.open || []) {
			open.set(envelope.envelope_id, envelope);
			deliver(envelope);
		}
		return { count, open: [...open.values()] };
	},
	state: () => ({ ...state, open: open.size, connections: sockets.size }),
};

async function on_request(req, res) {
	const [, folder, name] = new URL(req.url, 'http://x').pathname.split('/');
	if (folder === 'api' && req.method === 'POST') {
		await api(req, res, name);
	} else if (folder === 'test' && tests[name]) {
		const body = await body_of(req);
		say(res, 200, tests[name](body ? JSON.parse(body) : {}));
	} else {
		say(res, 404, {});
	}
}

function on_socket(socket) {
	sockets.add(socket);
	socket.on('close', () => sockets.delete(socket));
	socket.on('error', () => socket.terminate());
	socket.on('message', (bytes) => {
		const id = JSON.parse(bytes).envelope_id;
		state.acknowledged.push(id);
		open.delete(id);
	});
	socket.send(JSON.stringify({ type: 'hello', num_connections: sockets.size,
		connection_info: { app_id: 'A1' },
		debug_info: { host: 'test', approximate_connection_time: 3600 } }));
}

const server = cert
	? https.createServer({ cert: fs.readFileSync(cert),
		key: fs.readFileSync(key) }, on_request)
	: http.createServer(on_request);
const wss = new WebSocketServer({ noServer: true, perMessageDeflate: false });

/* A ticket is good once. */
server.on('upgrade', (req, socket, head) => {
	const url = new URL(req.url, 'http://x');
	if (!tickets.delete(url.searchParams.get('ticket'))) {
		socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
		return;
	}
	wss.handleUpgrade(req, socket, head, on_socket);
});
setInterval(() => sockets.forEach((s) => s.ping()), 10000).unref();
server.listen(Number(port), address || '127.0.0.1',
	() => console.log(`ready ${server.address().port}`));
