// A sandbox with two accounts, the people who read them, and a page of another origin that embeds the inbox.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Browser, type BrowserContextOptions, expect, type Page } from '@playwright/test';
import { Account } from '../../compat/browser/lib/account.js';
import { Sandbox } from '../../compat/browser/lib/sandbox.js';

export const READER = 'user-000000042';
const LIFTED = {
  sends_per_day: null, calls_per_day: null, receipts_per_month: null, history_per_day: null, history_per_month: null, calls_per_minute: null,
};
export const PHONE: BrowserContextOptions = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
export const WIDE: BrowserContextOptions = { viewport: { width: 1440, height: 900 } };

export interface Unread {
  unread: number;
  accounts: Record<string, number>;
}

export class World {
  private constructor(
    readonly sandbox: Sandbox, readonly garden: Account, readonly library: Account, private readonly host: Server,
  ) {}

  static async start(): Promise<World> {
    const sandbox = await Sandbox.start({ followers: 50 });
    const people = [[READER, '林小满'], ['user-000000007', '周远']];
    const settings = (name: string) => ({ name, kind: 'service', verified: true, pay_enabled: true, quota: LIFTED });
    const garden = await Account.create(sandbox, settings('山前植物园'), people);
    const library = await Account.create(sandbox, settings('大学图书馆'), people);
    return new World(sandbox, garden, library, await hostPage(sandbox.base));
  }

  async stop(): Promise<void> {
    this.host.close();
    await this.sandbox.stop();
  }

  /** A token of this person over all accounts. */
  async token(person = READER, expires_in = 7200): Promise<string> {
    return (await this.sandbox.native('POST', '/v1/inbox-tokens', { external_id: person, expires_in })).token;
  }

  /** What the API says of the person's unread entries. */
  async unread(token: string): Promise<Unread> {
    const answer = await fetch(`${this.sandbox.base}/inbox/unread`, { headers: { authorization: `Bearer ${token}` } });
    expect(answer.status).toBe(200);
    return await answer.json() as Unread;
  }

  async text(account: Account, content: string): Promise<{ msg_id: number }> {
    return await account.sendAll({ msgtype: 'text', text: { content } });
  }

  /** A page of another origin with the element in it. */
  async embedding(browser: Browser, token: string, options: BrowserContextOptions = WIDE): Promise<Page> {
    const page = await (await browser.newContext(options)).newPage();
    await page.goto(`http://localhost:${(this.host.address() as AddressInfo).port}/#${token}`);
    return page;
  }

  /** The reader of this token, once it is live. */
  async reader(browser: Browser, token: string, options: BrowserContextOptions = WIDE): Promise<Page> {
    const page = await (await browser.newContext(options)).newPage();
    await page.goto(`${this.sandbox.base}/reader#token=${token}`);
    await isLive(page);
    return page;
  }
}

/** Waits for the stream: what is sent from now on comes by it. */
export async function isLive(page: Page): Promise<void> {
  await expect(page.locator('#app')).toHaveAttribute('data-live', 'live');
}

function hostPage(server: string): Promise<Server> {
  const html = `<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>校园门户</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body style="margin: 0; font: 1rem sans-serif"><header style="display: flex; justify-content: space-between; align-items: center; padding: 8px 24px; background: #1d3a5f; color: #fff">
<strong>校园门户</strong><qunfa-inbox></qunfa-inbox></header><main style="padding: 24px"><h1>欢迎</h1></main>
<script>document.querySelector('qunfa-inbox').setAttribute('token', location.hash.slice(1))</script>
<script type="module" src="${server}/embed.js"></script></body></html>`;
  return new Promise((done) => {
    const host = createServer((_, answer) => {
      answer.setHeader('content-type', 'text/html; charset=utf-8');
      answer.end(html);
    });
    host.listen(0, 'localhost', () => done(host));
  });
}
