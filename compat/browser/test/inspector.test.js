// The inspector's page as an integrator uses it: a failing call is found, explained, copied as curl, and the
// pasted curl fails in the same way. A real Chromium, the system's own.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';
import { Sandbox, SUBSCRIPTION } from '../lib/sandbox.js';

const run = promisify(execFile);
const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';
const AES_KEY = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG';

let sandbox;
let browser;

before(async () => {
  sandbox = await Sandbox.start();
  browser = await chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox', '--disable-gpu'] });
});

after(async () => {
  await browser?.close();
  await sandbox?.stop();
});

/** A page that fails the test when its script does. */
async function open(path, options = {}) {
  const context = await browser.newContext({
    locale: 'en-US', viewport: { width: 1280, height: 900 }, permissions: ['clipboard-read', 'clipboard-write'], ...options,
  });
  const page = await context.newPage();
  const errors = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => { if (message.type() === 'error') errors.push(message.text()); });
  await page.goto(sandbox.base + path);
  return { page, errors, close: () => context.close() };
}

async function tokenOf(account) {
  const answer = await fetch(`${sandbox.base}/cgi-bin/token?grant_type=client_credential&appid=${account.appid}&secret=${account.secret}`);
  return (await answer.json()).access_token;
}

async function sendAll(token, content) {
  const answer = await fetch(`${sandbox.base}/cgi-bin/message/mass/sendall?access_token=${token}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ filter: { is_to_all: true }, msgtype: 'text', text: { content } }),
  });
  return answer.json();
}

test('an empty page says how the first call is made, and shows it when it comes', async () => {
  await sandbox.native('DELETE', '/sandbox/requests');
  const { page, errors, close } = await open('/sandbox/inspector');
  await page.getByText('No calls yet').waitFor();
  await tokenOf(SUBSCRIPTION);
  await page.locator('.row', { hasText: '/cgi-bin/token' }).waitFor();
  assert.equal(await page.getByText('No calls yet').isVisible(), false);
  assert.deepEqual(errors, []);
  await close();
});

test('a failing call is found, explained, copied as curl, and the pasted curl reproduces it', async () => {
  const token = await tokenOf(SUBSCRIPTION);
  assert.equal((await sendAll(token, '第一次')).errcode, 0);
  const { page, errors, close } = await open('/sandbox/inspector');
  const refused = await sendAll(token, "it's the \"second\" one; $(nothing) `here`");
  assert.equal(refused.errcode, 45028);

  await page.getByLabel('Failures only').check();
  const row = page.locator('.row', { hasText: '45028' });
  await row.waitFor();
  assert.equal(await page.locator('.row').count(), 1, 'only the failure is left');
  await row.click();
  const detail = page.locator('#detail');
  await detail.getByText('mass sends are used up').waitFor();
  await detail.getByText('What to do').waitFor();
  assert.match(await detail.locator('.quota').innerText(), /sends today\s+1\s+of 1/);

  await detail.getByRole('button', { name: 'Copy as curl' }).click();
  await detail.getByRole('button', { name: 'Copied' }).waitFor();
  const command = await page.evaluate(() => navigator.clipboard.readText());
  const { stdout } = await run('sh', ['-c', command], { env: { ...process.env, no_proxy: '127.0.0.1' } });
  assert.equal(JSON.parse(stdout).errcode, 45028);

  const link = detail.getByRole('link', { name: '45028' });
  await link.click();
  await page.getByRole('heading', { name: '45028' }).waitFor();
  await page.getByText('Usual causes').waitFor();
  assert.deepEqual(errors, []);
  await close();
});

test('a mass shows its callback with what was signed, in clear and encrypted', async () => {
  const receiver = createServer((request, response) => {
    request.resume();
    response.end(new URL(request.url, 'http://x').searchParams.get('echostr') ?? 'success');
  });
  await new Promise((done) => { receiver.listen(0, '127.0.0.1', done); });
  const url = `http://127.0.0.1:${receiver.address().port}/wx`;
  const callback = { url, token: 'token123', mode: 'safe', aes_key: AES_KEY };
  await sandbox.native('PATCH', `/v1/accounts/${SUBSCRIPTION.appid}`, { callback });
  await sandbox.advance(86_400);
  const sent = await sendAll(await tokenOf(SUBSCRIPTION), '第三次');
  assert.equal(sent.errcode, 0);
  const { page, errors, close } = await open(`/sandbox/inspector?lang=zh`);
  await page.locator('.row', { hasText: '↗' }).first().click();
  const shown = page.locator('.callback').first();
  await shown.locator('summary').click();
  assert.match(await shown.innerText(), /MASSSENDJOBFINISH/);
  assert.match(await shown.innerText(), new RegExp(`<MsgID>${sent.msg_id}</MsgID>`));
  assert.match(await shown.innerText(), /<Encrypt>/);
  assert.match(await shown.innerText(), /token123/);
  assert.deepEqual(errors, []);
  await close();
  receiver.close();
});

test('a rule that acted is named beside the call', async () => {
  await sandbox.native('POST', '/sandbox/faults', { use: 'system-busy-once' });
  assert.equal((await sendAll(await tokenOf(SUBSCRIPTION), 'x')).errcode, -1);
  const { page, errors, close } = await open('/sandbox/inspector');
  await page.locator('.row', { hasText: '-1' }).first().click();
  await page.locator('.fault', { hasText: 'system-busy-once' }).waitFor();
  assert.deepEqual(errors, []);
  await close();
});

test('on a phone the list and the call take turns, and nothing is wider than the screen', async () => {
  const { page, errors, close } = await open('/sandbox/inspector', { viewport: { width: 390, height: 844 }, colorScheme: 'dark' });
  const wide = () => page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  await page.locator('.row').first().click();
  assert.equal(await page.locator('.list').isVisible(), false);
  assert.equal(await wide(), false);
  await page.getByRole('button', { name: 'all calls' }).click();
  assert.equal(await page.locator('.list').isVisible(), true);
  assert.equal(await wide(), false);
  assert.deepEqual(errors, []);
  await close();
});

test('what a client sends is shown as text, never run', async () => {
  const evil = '<img src=x onerror="document.title=\'taken\'"><script>document.title="taken"</script>';
  await fetch(`${sandbox.base}/cgi-bin/tags/create?access_token=${encodeURIComponent(evil)}&x=${encodeURIComponent(evil)}`, { method: 'POST', body: evil });
  const { page, errors, close } = await open('/sandbox/inspector');
  await page.locator('.row', { hasText: 'tags/create' }).first().click();
  await page.locator('#detail pre', { hasText: 'onerror' }).first().waitFor();
  assert.doesNotMatch(await page.title(), /taken/);
  assert.equal(await page.locator('#detail img').count(), 0);
  assert.deepEqual(errors, []);
  await close();
});
