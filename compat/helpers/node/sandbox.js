// startSandbox(): a `qunfa sandbox` for a test. No dependencies; copy this file.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A running sandbox: `baseUrl`, `accounts` (service, subscription, unverified), `adminToken`. */
export class Sandbox {
  #process;

  constructor(process, ready) {
    this.#process = process;
    this.baseUrl = ready.base_url;
    this.adminToken = ready.admin_token;
    const [service, subscription, unverified] = ready.accounts;
    this.accounts = { service, subscription, unverified };
  }

  /** Stops it and waits until nothing of it is left. */
  async stop() {
    if (this.#process.exitCode !== null) throw new Error(`it had ended with ${this.#process.exitCode}`);
    const ended = once(this.#process, 'exit');
    this.#process.stdin.end();
    const [status] = await ended;
    if (status !== 0) throw new Error(`the sandbox ended with ${status}`);
  }

  /** Any request; the JSON of the answer. */
  async request(method, path, body, bearer) {
    const answer = await fetch(this.baseUrl + path, {
      method,
      headers: { 'content-type': 'application/json', ...(bearer && { authorization: `Bearer ${bearer}` }) },
      body: body && JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : {};
  }

  /** A call of the compatible API with the account's token; GET without a body. */
  async call({ appid, secret }, path, body) {
    const login = { grant_type: 'client_credential', appid, secret };
    const token = (await this.request('POST', '/cgi-bin/stable_token', login)).access_token;
    const mark = path.includes('?') ? '&' : '?';
    return this.request(body ? 'POST' : 'GET', `${path}${mark}access_token=${token}`, body);
  }

  /** Moves the clock; everything that falls due on the way has happened when this resolves. */
  async advance({ days = 0, hours = 0, minutes = 0, seconds = 0 } = {}) {
    const span = ((days * 24 + hours) * 60 + minutes) * 60 + seconds;
    return (await this.request('POST', '/sandbox/clock', { advance_seconds: span }, this.adminToken)).now;
  }

  /** The OpenID of the account's follower with this number. */
  async openid(account, number = 0) {
    return (await this.call(account, '/cgi-bin/user/get')).data.openid[number];
  }

  /** What a follower has received, oldest first. */
  async inbox(openid, account = this.accounts.service) {
    const path = `/v1/accounts/${account.appid}/inbox-tokens`;
    const { token } = await this.request('POST', path, { openid }, this.adminToken);
    const entries = [];
    let cursor = '';
    do {
      const page = await this.request('GET', `/inbox/entries?limit=100&cursor=${cursor}`, undefined, token);
      entries.push(...page.entries);
      cursor = page.next_cursor;
    } while (cursor);
    return entries.reverse();
  }
}

/** Starts a sandbox with so many followers of each account; QUNFA_BIN or the PATH says where qunfa is. */
export async function startSandbox({ followers = 1000, options = [] } = {}) {
  const command = ['sandbox', '--listen', '127.0.0.1:0', '--ready', '-', '--stop-with-stdin', '--start', '2026-11-02T10:00:00+08:00'];
  const child = spawn(process.env.QUNFA_BIN || 'qunfa', [...command, '--followers', `${followers}`, ...options], {
    env: { QUNFA_LOG_LEVEL: 'warn', ...process.env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout });
  const first = Promise.race([
    once(lines, 'line'),
    once(child, 'exit').then(([status]) => {
      throw new Error(`the sandbox ended with ${status} before it was ready`);
    }),
  ]);
  const [line] = await first;
  lines.close();
  child.stdout.resume();
  return new Sandbox(child, JSON.parse(line));
}
