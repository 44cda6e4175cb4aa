/*
 * smtp: npm's smtp-server, with failures that a test asks for. It takes mails of
 * who logs in as "me@example.org" with PASSWORD, and keeps them.
 *
 * usage: node smtp.js HOST PASSWORD CERT KEY
 *
 * Port 465 has TLS at once, 587 has STARTTLS, 2587 has neither, and 8025 is where
 * a test says what it wants, by HTTPS:
 *
 *	POST /test/script	{"steps": [{"at", "times", "raw", "cut", "delay"}],
 *				"size"}, in place of what was said before; size
 *				is how large a mail may be
 *	POST /test/state	{"mails", "logins", "left"}
 *
 * "at" names whose reply it is about: greeting, ehlo, starttls, auth, mail, rcpt,
 * data, dot, noop or quit. "raw" is sent in its place, with "cut" the connection
 * ends instead (or behind it, where both are there), "delay" is milliseconds
 * before it. A mail whose dot gets a reply of 4xx or 5xx is not taken; any other
 * is, whatever the client gets to know. A client that goes on after a refusal is
 * not stopped.
 */
'use strict';
const fs = require('fs');
const https = require('https');
const { SMTPServer } = require('smtp-server');
const { SMTPConnection } = require('smtp-server/lib/smtp-connection.js');

const SIZE = 1 << 20;
const CONTROL = 8025;
const [host, password, cert, key] = process.argv.slice(2);
const servers = [];
const tls = { cert: fs.readFileSync(cert), key: fs.readFileSync(key) };
const state = { mails: [], logins: 0 };
let script = [];

const own = SMTPConnection.prototype;
const send = own.send;

for (const word of ['EHLO', 'STARTTLS', 'AUTH', 'MAIL', 'RCPT', 'DATA', 'NOOP', 'QUIT']) {
	const handler = own[`handler_${word}`];
	own[`handler_${word}`] = function (...args) {
		this.stage = word.toLowerCase();
		return handler.apply(this, args);
	};
}

function step_at(stage) {
	return script.find((s) => s.at === stage && s.times > 0);
}

/* The one place where smtp-server replies. */
own.send = function (...args) {
	const step = step_at(this.stage || 'greeting');
	if (!step) {
		send.apply(this, args);
		return;
	}
	step.times -= 1;
	if (step.delay)
		setTimeout(() => send.apply(this, args), step.delay);
	if (step.raw)
		this._socket.write(step.raw, 'latin1',
			() => step.cut && this._socket.destroy());
	else if (step.cut)
		this._socket.destroy();
};

function on_data(stream, session, done) {
	const parts = [];
	stream.on('data', (p) => parts.push(p));
	stream.on('end', () => {
		const step = step_at('dot');
		const refused = stream.sizeExceeded ||
			(step && /^[45]/.test(step.raw || ''));
		if (!refused)
			state.mails.push({ to: session.envelope.rcptTo.map(
				(r) => r.address),
				bytes: Buffer.concat(parts).toString('latin1') });
		for (const c of this.connections)
			if (c.id === session.id)
				c.stage = 'dot';
		done();
	});
}

function on_auth(auth, session, done) {
	state.logins += 1;
	if (auth.username === 'me@example.org' && auth.password === password)
		done(null, { user: auth.username });
	else
		done(Object.assign(new Error('Who are you?'), { responseCode: 535 }));
}

function listen(port, options) {
	const server = new SMTPServer({ ...tls, size: SIZE, rejectOversized: true, name: 'smtp.example.org',
		disableReverseLookup: true, logger: false, onAuth: on_auth,
		onData: on_data, ...options });
	server.on('error', () => {}); // clients' connections that ended
	servers.push(server);
	return new Promise((done) => server.listen(port, host, done));
}

function answer(name, body) {
	if (name === 'script') {
		script = body.steps.map((s) => ({ times: 1, ...s }));
		for (const s of servers)
			s.options.size = body.size || SIZE;
	}
	return { ...state, left: script.filter((s) => s.times > 0).length };
}

const control = https.createServer(tls, async (req, res) => {
	const parts = [];
	for await (const p of req)
		parts.push(p);
	res.setHeader('Content-Type', 'application/json');
	res.end(JSON.stringify(answer(req.url.split('/')[2],
		JSON.parse(Buffer.concat(parts).toString() || '{}'))));
});

Promise.all([
	listen(1465, { secure: true }), /* behind a proxy of faults */
	listen(587, {}),
	listen(2587, { hideSTARTTLS: true, allowInsecureAuth: true }),
	new Promise((done) => control.listen(CONTROL, host, done)),
]).then(() => console.log('ready'));
