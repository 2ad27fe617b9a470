// One `qunfa sandbox` as a child process, gone with its data at the end.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
const READY_MS = 30_000;
const STOP_MS = 15_000;
const ANSWER_MS = 2_000;

/** Subscription account, verified: one send a day. */
export const SUBSCRIPTION = { appid: 'wx0000000000000002', secret: '00000000000000000000000000000002' };

function findBinary() {
  const named = process.env.QUNFA_BIN;
  const candidates = named ? [resolve(named)] : ['release', 'debug'].map((kind) => join(ROOT, 'target', kind, 'qunfa'));
  const found = candidates.find((candidate) => existsSync(candidate));
  if (!found) throw new Error(`no qunfa binary: looked for ${candidates.join(', ')}; build one or set QUNFA_BIN`);
  return found;
}

function freePort() {
  return new Promise((done) => {
    const probe = createServer();
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => done(port));
    });
  });
}

export class Sandbox {
  /** Where it answers, without a last slash. */
  base = '';
  /** @type {import('node:child_process').ChildProcess | undefined} */
  process;

  /** `options` are further ones of `qunfa sandbox`, or other values of those that stand here. */
  static async start(options = {}) {
    const sandbox = new Sandbox();
    const address = `127.0.0.1:${await freePort()}`;
    sandbox.base = `http://${address}`;
    const all = { listen: address, followers: 20, start: '2026-11-02T10:00:00+08:00', ...options };
    const flags = Object.entries(all).flatMap(([name, value]) => [`--${name}`, String(value)]);
    sandbox.process = spawn(findBinary(), ['sandbox', ...flags], { stdio: 'ignore' });
    // Whatever becomes of the tests, it ends with them, and they need not wait for it.
    sandbox.process.unref();
    process.once('exit', () => sandbox.process.kill('SIGKILL'));
    const deadline = Date.now() + READY_MS;
    for (;;) {
      const ready = await fetch(`${sandbox.base}/healthz`, { signal: AbortSignal.timeout(ANSWER_MS) }).then((answer) => answer.ok, () => false);
      if (ready) return sandbox;
      if (Date.now() > deadline || sandbox.process.exitCode !== null) {
        sandbox.process.kill('SIGKILL');
        throw new Error('the sandbox did not become ready');
      }
      await sleep(50);
    }
  }

  async stop() {
    this.process.ref();
    const ended = new Promise((done) => { this.process.once('exit', done); });
    this.process.kill('SIGTERM');
    const outcome = await Promise.race([ended.then(() => 'ended'), sleep(STOP_MS, 'late', { ref: false })]);
    if (outcome === 'late') {
      this.process.kill('SIGKILL');
      throw new Error(`the sandbox still ran ${STOP_MS} ms after SIGTERM`);
    }
  }

  async native(method, path, body) {
    const answer = await fetch(this.base + path, {
      method, headers: { authorization: 'Bearer sandbox', 'content-type': 'application/json' }, body: body && JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : {};
  }

  /** Moves the virtual clock; what falls due has run when this returns. */
  advance(seconds) {
    return this.native('POST', '/sandbox/clock', { advance_seconds: seconds });
  }
}
