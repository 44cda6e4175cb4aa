/*
 * telegram: npm's telegram-test-api as a Bot API over TLS. It is extended by what
 * it lacks: getUpdates with an offset, which alone lets an update go, and a
 * timeout. All else is its own.
 *
 * usage: telegram.js HOST PORT CERT KEY
 *
 * POST /test/... is the test's: `write` is what somebody writes to a bot, `press`
 * a button of a message that he presses, `sent` answers with the calls that there
 * were, each with the number of its message.
 */
'use strict';

const fs = require('fs');
const https = require('https');
const TelegramServer = require('telegram-test-api');

const [host, port, cert, key] = process.argv.slice(2);
const server = new TelegramServer({ storeTimeout: 3600 });
const calls = [];

function person(id) {
	return { from: { id, is_bot: false, first_name: 'X' },
		chat: { id, type: 'private', first_name: 'X' }, date: 1700000000 };
}

const tests = {
	write({ token, from, text }) {
		const m = server.getClient(token).makeMessage(text, person(from));
		return server.addUserMessage({ ...m, botToken: token });
	},
	press({ token, from, owner, id, data }) {
		/* Its `from` and that of its message are one object there. */
		const { chat, date } = person(owner);
		const m = server.getClient(token).makeCallbackQuery(data,
			{ from: person(from).from,
				message: { chat, date, message_id: id } });
		return server.addUserCallback({ ...m, botToken: token });
	},
	sent() {},
};

/* What a bot sends is known by the number that it is given. */
const add = server.addBotMessage.bind(server);
server.addBotMessage = (message, token) => {
	const m = add(message, token);
	calls.push({ ...message, token, method: 'sendMessage', id: m.message_id });
	return m;
};

function waiting(token, offset) {
	const all = server.storage.userMessages;
	server.storage.userMessages = all.filter(
		(u) => u.botToken !== token || u.updateId >= offset);
	return server.storage.userMessages.filter((u) => u.botToken === token);
}

async function updates(token, { offset = 0, limit = 100, timeout = 0 }) {
	const end = Date.now() + timeout * 1000;
	while (!waiting(token, offset).length && Date.now() < end)
		await new Promise((r) => setTimeout(r, 20));
	return waiting(token, offset).slice(0, limit).map((u) => {
		const { message, ...rest } = TelegramServer.formatUpdate(u);
		if (!message)
			return rest;
		/* A field that Telegram has not makes a message more than text. */
		const { botToken, ...known } = message;
		return { ...rest, message: known };
	});
}

function answer(res, body) {
	res.setHeader('Content-Type', 'application/json');
	res.end(JSON.stringify(body));
}

async function handle(req, res) {
	const parts = [];
	for await (const p of req)
		parts.push(p);
	const body = JSON.parse(Buffer.concat(parts).toString() || '{}');
	const [, first, method] = req.url.split('/');
	if (first === 'test') {
		await tests[method](body);
		answer(res, calls);
	} else if (method === 'getUpdates') {
		answer(res, { ok: true, result: await updates(first.slice(3), body) });
	} else {
		if (method !== 'sendMessage')
			calls.push({ ...body, token: first.slice(3), method });
		/* As its own parser of bodies would leave it. */
		req.body = body;
		req._body = true;
		server.webServer(req, res);
	}
}

https.createServer({ cert: fs.readFileSync(cert), key: fs.readFileSync(key) },
	(req, res) => handle(req, res).catch(() => res.destroy()))
	.listen(Number(port), host, () => console.log('ready'));
