// Decodes OTLP's JSON with the code that opentelemetry-js is made from: each
// argument is SIGNAL:FILE; a line of each says ok or what is wrong with it.
//
// usage: node otlp_decode.js ROOT.JS SIGNAL:FILE...
'use strict';
const fs = require('fs');
const root = require(require('path').resolve(process.argv[2]));
const proto = root.opentelemetry.proto.collector;
const types = {
	traces: proto.trace.v1.ExportTraceServiceRequest,
	metrics: proto.metrics.v1.ExportMetricsServiceRequest,
	logs: proto.logs.v1.ExportLogsServiceRequest,
};
const IDS = ['traceId', 'spanId', 'parentSpanId'];
// JSON has ids in hex, where the library has bytes.
function walk(v, change, key) {
	if (Array.isArray(v))
		return v.map((e) => walk(e, change, key));
	if (v === null || typeof v !== 'object' || v instanceof Uint8Array)
		return change(key, v);
	return Object.fromEntries(Object.entries(v).map(
		([k, e]) => [k, walk(e, change, k)]));
}

const bytes = (v) => walk(v, (k, e) => {
	if (!IDS.includes(k))
		return e;
	if (typeof e !== 'string' || !/^([0-9a-f]{2})+$/i.test(e) ||
	    e.length !== (k === 'traceId' ? 32 : 16))
		throw new Error(`${k} is not in hex: ${e}`);
	return Uint8Array.from(Buffer.from(e, 'hex'));
});

const plain = (v) => walk(v, (k, e) => (e instanceof Uint8Array
	? Buffer.from(e).toString('hex') : e));

// The first place where two values are not the same, or null.
function differ(a, b, at) {
	if (typeof a !== typeof b || Array.isArray(a) !== Array.isArray(b))
		return `${at}: ${typeof a}, not ${typeof b}`;
	if (a === null || typeof a !== 'object') {
		const id = IDS.some((k) => at.endsWith(k));
		const same = id ? a.toLowerCase() === b.toLowerCase() : a === b;
		return same ? null : `${at}: ${a}, not ${b}`;
	}
	for (const k of new Set([...Object.keys(a), ...Object.keys(b)])) {
		if (!(k in a) || !(k in b))
			return `${at}.${k}: ${k in a ? 'not known' : 'not given'}`;
		const d = differ(a[k], b[k], `${at}.${k}`);
		if (d)
			return d;
	}
	return null;
}

function check(signal, file) {
	const type = types[signal];
	const json = JSON.parse(fs.readFileSync(file, 'utf8'));
	const given = bytes(json);
	const message = type.fromObject(given);
	const wrong = type.verify(message);
	if (wrong)
		return wrong;
	// Through the wire and back: all that was given is there, of the type it
	// was given as, under the name it was given by, and nothing else.
	const back = plain(type.toObject(type.decode(type.encode(message).finish()), {
		longs: String, enums: Number,
	}));
	return differ(json, back, signal);
}

let failed = 0;
for (const arg of process.argv.slice(3)) {
	const [signal, file] = arg.split(/:(.*)/s);
	let wrong;
	try {
		wrong = check(signal, file);
	} catch (e) {
		wrong = e.message;
	}
	failed += wrong ? 1 : 0;
	console.log(wrong ? `WRONG ${wrong}` : 'ok');
}
process.exit(failed ? 1 : 0);
