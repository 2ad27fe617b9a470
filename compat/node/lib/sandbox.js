// One `qunfa sandbox` as a child process, and the few native calls the tests need beside the SDK:
// they only prepare (quota) and look from the other side (inbox, clock).

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, closeSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connect } from '../recipes/co-wechat-api-send.mjs';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
const READY_MS = 30_000;
const STOP_MS = 15_000;
const SETTLE_MS = 20_000;

export const FIXTURES = join(ROOT, 'compat', 'fixtures');
export const FOLLOWERS = 1000;
export const TAG_EVEN = 100;
export const TAG_TENTH = 101;
export const TAG_HUNDREDTH = 102;

/** Service account, verified, with the payment permission. */
export const SERVICE = { appid: 'wx0000000000000001', secret: '00000000000000000000000000000001' };
/** Subscription account, verified. */
export const SUBSCRIPTION = { appid: 'wx0000000000000002', secret: '00000000000000000000000000000002' };
/** Service account, not verified. */
export const UNVERIFIED = { appid: 'wx0000000000000003', secret: '00000000000000000000000000000003' };

const NO_LIMITS = {
  sends_per_day: null,
  calls_per_day: null,
  receipts_per_month: null,
  history_per_day: null,
  history_per_month: null,
  calls_per_minute: null,
};

function findBinary() {
  const named = process.env.QUNFA_BIN;
  const candidates = named
    ? [resolve(named)]
    : ['release', 'debug'].map((kind) => join(ROOT, 'target', kind, 'qunfa'));
  const found = candidates.find((candidate) => existsSync(candidate));
  if (!found) {
    throw new Error(`no qunfa binary: looked for ${candidates.join(', ')}; build one or set QUNFA_BIN`);
  }
  return found;
}

function freePort() {
  return new Promise((done, failed) => {
    const probe = createServer();
    probe.once('error', failed);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => done(port));
    });
  });
}

/** Asks `look` until it answers something true; fails with `what` when the time is over. */
export async function waitFor(what, look, ms = SETTLE_MS) {
  const deadline = Date.now() + ms;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`waited ${ms} ms in vain for ${what}`);
    await sleep(50);
  }
}

export class Sandbox {
  #process;
  #folder;
  #log;

  static async start() {
    const sandbox = new Sandbox();
    await sandbox.#start();
    await sandbox.native('PATCH', `/v1/accounts/${SERVICE.appid}`, { quota: NO_LIMITS });
    return sandbox;
  }

  async #start() {
    const address = `127.0.0.1:${await freePort()}`;
    this.base = `http://${address}`;
    this.#folder = mkdtempSync(join(tmpdir(), 'qunfa-compat-'));
    this.#log = join(this.#folder, 'sandbox.log');
    const log = openSync(this.#log, 'w');
    const options = ['--listen', address, '--followers', `${FOLLOWERS}`, '--data', join(this.#folder, 'data')];
    this.#process = spawn(findBinary(), ['sandbox', ...options], {
      cwd: this.#folder,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    // A binary that cannot be started reports it here; without a listener it would end the test run.
    let broken;
    this.#process.once('error', (error) => { broken = error; });
    try {
      await waitFor('GET /healthz to answer 200', async () => {
        if (broken) throw broken;
        if (this.#process.exitCode !== null) throw new Error(`it ended with ${this.#process.exitCode}`);
        try {
          return (await fetch(`${this.base}/healthz`)).status === 200;
        } catch {
          return false;
        }
      }, READY_MS);
    } catch (error) {
      this.#process.kill('SIGKILL');
      throw new Error(`the sandbox did not become ready: ${error.message}\n${this.#logTail()}`);
    }
  }

  /** Asks the server to stop and insists that it does so by itself, without an error. */
  async stop() {
    const ended = new Promise((done) => {
      this.#process.once('exit', (code, signal) => done({ code, signal }));
    });
    this.#process.kill('SIGTERM');
    const patience = new AbortController();
    const late = sleep(STOP_MS, 'late', { signal: patience.signal }).catch(() => 'stopped');
    const outcome = await Promise.race([ended, late]);
    patience.abort();
    if (outcome === 'late') {
      this.#process.kill('SIGKILL');
      throw new Error(`the sandbox still ran ${STOP_MS} ms after SIGTERM\n${this.#logTail()}`);
    }
    if (outcome.code !== 0 && outcome.signal !== 'SIGTERM') {
      throw new Error(`the sandbox ended with ${outcome.code ?? outcome.signal}\n${this.#logTail()}`);
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #logTail() {
    const lines = readFileSync(this.#log, 'utf8').split('\n').slice(-40);
    return ['last lines of the sandbox:', ...lines].join('\n');
  }

  /** co-wechat-api as it is, with another host: nothing but its two prefixes is set. */
  client(account = SERVICE) {
    return connect(this.base, account.appid, account.secret);
  }

  async native(method, path, body, token = 'sandbox') {
    const answer = await fetch(this.base + path, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
      body: body && JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : {};
  }

  /** Moves the virtual clock; what falls due has run when this returns. */
  async advance(seconds) {
    await this.native('POST', '/sandbox/clock', { advance_seconds: seconds });
  }

  /** What the server says to a token when no SDK repeats the call. */
  async rawError(token) {
    const answer = await fetch(`${this.base}/cgi-bin/tags/get?access_token=${token}`);
    return { status: answer.status, body: await answer.json() };
  }

  /** Everything in one follower's inbox, newest first, read page by page. */
  async inbox(openid, { account = SERVICE, page = 50 } = {}) {
    const path = `/v1/accounts/${account.appid}/inbox-tokens`;
    const { token } = await this.native('POST', path, { openid });
    const entries = [];
    const seen = new Set();
    let cursor = '';
    do {
      const query = new URLSearchParams({ limit: `${page}`, ...(cursor && { cursor }) });
      const answer = await this.native('GET', `/inbox/entries?${query}`, undefined, token);
      for (const entry of answer.entries) {
        if (seen.has(entry.id)) throw new Error(`the inbox shows entry ${entry.id} twice`);
        seen.add(entry.id);
        entries.push(entry);
      }
      cursor = answer.entries.length > 0 ? answer.next_cursor : '';
    } while (cursor);
    return entries;
  }

  /** The entries of one mass in a follower's inbox: none or one. */
  async entriesOf(openid, msgId) {
    return (await this.inbox(openid)).filter((entry) => Number(entry.msg_id) === msgId);
  }

  /** A page or a file as a reader's browser gets it, without any token. */
  async fetch(url) {
    const answer = await fetch(new URL(url, this.base));
    if (answer.status !== 200) throw new Error(`GET ${url}: ${answer.status}`);
    return answer;
  }
}
