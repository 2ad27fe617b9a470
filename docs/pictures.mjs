#!/usr/bin/env node
// Makes docs/pictures anew: every page and state of a sandbox with demo data, wide and on a phone, light and dark, in
// Chinese and English, and a sheet with a choice of them. `make pictures` runs it.
//
//   docs/pictures.mjs                 all of them
//   docs/pictures.mjs article reader  only those whose name begins so

import { readFile, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { open, settle, take, VIEWS } from '../compat/browser/lib/camera.js';
import { CHROMIUM } from '../compat/browser/lib/guard.js';
import { chromium } from '../compat/browser/lib/playwright.js';
import { Sandbox, SUBSCRIPTION } from '../compat/browser/lib/sandbox.js';
import { build } from '../compat/browser/lib/world.js';

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), 'pictures', 'pages');
const READER = 'user-000000042';
const TALL = 2600;

/** Every page and state: its address, how much of it is taken, and what is done before. */
function shots(world) {
  const page = (name, path, more = {}) => ({ name, path, ...more });
  const { address } = world;
  const reader = (name, more = {}) => page(`reader-${name}`, `/reader?as=${READER}`, { reader: true, ...more });
  const entry = (title) => async (view) => {
    await view.locator('[data-entry]').getByText(title).first().click();
    await view.waitForTimeout(400);
  };
  return [
    page('article', address.article, { height: 4200 }), page('article-issue', address.issue, { height: TALL }), page('article-reprint', address.reprint, { height: TALL }), page('article-preview', address.preview, { height: 900 }),
    page('deleted', address.deleted), page('recalled', address.recalled), page('waiting', address.waiting), page('expired', address.expired), page('missing', address.missing),
    page('video', address.video), page('history', address.history, { height: TALL }), page('history-empty', address.empty), page('front', address.front),
    page('inspector', '/sandbox/inspector', { act: (view) => view.locator('.row', { hasText: '45028' }).first().click() }), page('errcode', '/sandbox/errcodes/45028'), page('errcodes', '/sandbox/errcodes'),
    reader('feed'), reader('article', { act: entry('校园植物观察') }), reader('gallery', { act: entry('本周影像') }), reader('text', { act: entry('春季开园时间') }),
    reader('search', { act: async (view) => { const field = view.getByRole('searchbox').first(); await field.fill('玉兰'); await field.press('Enter'); await view.waitForTimeout(600); } }),
    page('reader-empty', '/reader?as=user-empty', { reader: true }), page('reader-expired', '/reader#token=expired', { reader: true }),
    reader('offline', { act: async (view) => { await view.context().setOffline(true); await view.evaluate(() => window.dispatchEvent(new Event('offline'))); await view.waitForTimeout(500); } }),
    reader('failing', { options: { serviceWorkers: 'block' }, before: (view) => view.route('**/inbox/**', (route) => route.fulfill({ status: 503, json: { error: { code: 'unavailable', message: 'out of order' } } })) }),
  ];
}

async function main(wanted) {
  const browser = await chromium.launch({ ...CHROMIUM, args: [...CHROMIUM.args, '--hide-scrollbars'] });
  const sandbox = await Sandbox.start({ start: '2026-03-01T09:00:00+08:00' });
  try {
    const world = await build(sandbox, browser);
    await fill(sandbox);
    const chosen = shots(world).filter(({ name }) => wanted.length === 0 || wanted.some((word) => name.startsWith(word)));
    if (wanted.length === 0) await rm(FOLDER, { recursive: true, force: true });
    let bytes = 0;
    for (const shot of chosen) {
      for (const view of VIEWS) bytes += await one(browser, sandbox, shot, view);
    }
    bytes += await sheet(browser);
    console.log(`${chosen.length} pages and states, ${Math.round(bytes / 1024)} KiB`);
  } finally {
    await browser.close();
    await sandbox.stop();
  }
}

/** Calls for the inspector: one that goes through and one that is refused. And a reader without anything. */
async function fill(sandbox) {
  const query = `grant_type=client_credential&appid=${SUBSCRIPTION.appid}&secret=${SUBSCRIPTION.secret}`;
  const { access_token } = await (await fetch(`${sandbox.base}/cgi-bin/token?${query}`)).json();
  for (const content of ['早上好', '又来一条']) {
    await fetch(`${sandbox.base}/cgi-bin/message/mass/sendall?access_token=${access_token}`, {
      method: 'POST', body: JSON.stringify({ filter: { is_to_all: true }, msgtype: 'text', text: { content } }),
    });
  }
  const { appid } = await sandbox.native('POST', '/v1/accounts', { name: '刚开的号', kind: 'service', verified: true });
  await fetch(`${sandbox.base}/v1/accounts/${appid}/followers`, { method: 'POST', headers: { authorization: 'Bearer sandbox' }, body: 'external_id,nickname\nuser-empty,新来的人\n' });
}

async function one(browser, sandbox, { name, path, height, before, act, reader, options }, view) {
  const page = await open(browser, view, options);
  await before?.(page);
  await page.goto(sandbox.base + path);
  // The reader holds a connection open, so it is never idle: what it loads has bones until it is there.
  const loaded = () => page.waitForFunction(() => document.querySelector('#app > *') && !document.querySelector('.bone'), null, { timeout: 20_000 });
  if (reader) await loaded();
  await act?.(page);
  if (reader) await loaded();
  await settle(page);
  const file = join(FOLDER, `${name}-${view.size}-${view.theme}-${view.language}.webp`);
  const bytes = await take(page, file, { height });
  await page.context().close();
  return bytes;
}

/** A choice of pictures on one, for the README. */
async function sheet(browser) {
  const names = ['article-phone-light-zh', 'history-phone-light-zh', 'reader-feed-phone-light-zh', 'article-phone-dark-zh', 'reader-feed-phone-dark-en', 'video-phone-light-en'];
  const made = new Set(await readdir(FOLDER));
  const found = names.filter((name) => made.has(`${name}.webp`));
  const pictures = await Promise.all(found.map(async (name) => (await readFile(join(FOLDER, `${name}.webp`))).toString('base64')));
  const page = await browser.newPage({ viewport: { width: found.length * 270 + 30, height: 579 } });
  await page.setContent(`<body style="margin:0;padding:30px;display:flex;gap:30px;background:#dfe3e8">${pictures.map((data) => `<div style="width:240px;height:519px;overflow:hidden;border-radius:22px;box-shadow:0 6px 24px #0003;background:#fff"><img style="width:240px;display:block" src="data:image/webp;base64,${data}"></div>`).join('')}`);
  await settle(page);
  return take(page, join(FOLDER, '..', 'sheet.webp'), { quality: 80 });
}

await main(process.argv.slice(2));
