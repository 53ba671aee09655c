#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Node: HTTP server and client, worker threads, files, child processes, streams.
. "$(dirname "$0")/lib.sh"
need node
cat >t.js <<'J'
'use strict';
const http = require('http'), net = require('net'), fs = require('fs'), os = require('os'), path = require('path');
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const { spawn, execFileSync, fork } = require('child_process');
const crypto = require('crypto'), zlib = require('zlib'), dns = require('dns');

function get(agent, port, url, body) {
	return new Promise((ok, bad) => {
		const q = http.request({ agent, port, host: '127.0.0.1', path: url, method: body ? 'POST' : 'GET' }, (r) => {
			const parts = [];
			r.on('data', (d) => parts.push(d)).on('end', () => ok([r.statusCode, Buffer.concat(parts)]));
		});
		q.on('error', bad);
		q.end(body);
	});
}

async function web() {
	const big = crypto.randomBytes(300000);
	const server = http.createServer((q, r) => {
		if (q.method === 'POST')
			q.pipe(r);
		else if (q.url === '/big')
			r.end(big);
		else
			r.writeHead(q.url === '/no' ? 404 : 200).end('you asked for ' + q.url);
	});
	await new Promise((ok) => server.listen(0, '127.0.0.1', ok));
	const port = server.address().port;
	for (const agent of [new http.Agent({ keepAlive: true, maxSockets: 8 }), new http.Agent()]) {
		const all = await Promise.all([...Array(300).keys()].map((i) => get(agent, port, '/' + i)));
		console.log(all.every(([s, b], i) => s === 200 && b.toString() === 'you asked for /' + i), all.length);
		console.log((await get(agent, port, '/no'))[0]);
		console.log((await get(agent, port, '/big'))[1].equals(big));
		console.log((await get(agent, port, '/', big))[1].equals(big));
		agent.destroy();
	}
	await new Promise((ok) => server.close(ok));
	const s = net.createServer((c) => c.pipe(c));
	const name = path.join(os.tmpdir(), 'sock' + process.pid);
	await new Promise((ok) => s.listen(name, ok));
	const c = net.connect(name);
	c.end('over a unix socket');
	let text = '';
	for await (const d of c)
		text += d;
	console.log(text);
	s.close();
	await get(new http.Agent(), port, '/').catch((e) => console.log(e.code));
	console.log((await dns.promises.lookup('localhost', 4)).address);
}

async function workers() {
	const shared = new Int32Array(new SharedArrayBuffer(8));
	const done = [...Array(4).keys()].map((n) => new Promise((ok, bad) => {
		const w = new Worker(__filename, { workerData: { n, shared } });
		w.on('message', ok).on('error', bad);
	}));
	console.log((await Promise.all(done)).join(), Atomics.load(shared, 0));
}

async function files() {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'n-'));
	const f = path.join(dir, 'f');
	fs.writeFileSync(f, 'x'.repeat(100000));
	await fs.promises.appendFile(f, 'end');
	console.log(fs.statSync(f).size, fs.readFileSync(f, 'utf8').slice(-4));
	await Promise.all([...Array(100).keys()].map((i) => fs.promises.writeFile(path.join(dir, 'a' + i), String(i))));
	const names = await fs.promises.readdir(dir);
	let sum = 0;
	for (const n of names.filter((x) => x[0] === 'a'))
		sum += Number(await fs.promises.readFile(path.join(dir, n), 'utf8'));
	console.log(names.length, sum);
	await new Promise((ok) => fs.createReadStream(f).pipe(zlib.createGzip())
		.pipe(fs.createWriteStream(f + '.gz')).on('finish', ok));
	console.log(zlib.gunzipSync(fs.readFileSync(f + '.gz')).length);
	const seen = new Promise((ok) => { const w = fs.watch(dir, (e, n) => { if (n === 'new') { w.close(); ok(n); } }); });
	fs.writeFileSync(path.join(dir, 'new'), '');
	console.log('watched', await seen);
	fs.rmSync(dir, { recursive: true });
	console.log(fs.existsSync(dir));
}

async function children() {
	console.log(execFileSync('sh', ['-c', 'echo $((6*7))']).toString().trim());
	const cat = spawn('cat');
	cat.stdin.end('y'.repeat(200000));
	let n = 0;
	for await (const d of cat.stdout)
		n += d.length;
	console.log(n);
	const killed = spawn('sleep', ['100']);
	setTimeout(() => killed.kill(), 50);
	console.log(await new Promise((ok) => killed.on('exit', (code, sig) => ok(sig))));
	const kid = fork(__filename, ['kid']);
	kid.send({ a: 20, b: 22 });
	console.log(await new Promise((ok) => kid.on('message', ok)));
	const t0 = process.hrtime.bigint();
	await new Promise((ok) => setTimeout(ok, 30));
	console.log(process.hrtime.bigint() - t0 > 25000000n);
	console.log(crypto.pbkdf2Sync('p', 's', 1000, 16, 'sha256').toString('hex'));
}

if (!isMainThread) {
	for (let i = 0; i < 10000; i++)
		Atomics.add(workerData.shared, 0, 1);
	parentPort.postMessage(workerData.n * workerData.n);
} else if (process.argv[2] === 'kid') {
	process.on('message', (m) => { process.send(m.a + m.b); process.disconnect(); });
} else {
	(async () => { await web(); await workers(); await files(); await children(); })()
		.catch((e) => { console.log(e); process.exit(1); });
}
J
same timeout 60 node t.js
[ "$(wc -l <box.out)" -ge 20 ] || die "Node did not run to its end"
