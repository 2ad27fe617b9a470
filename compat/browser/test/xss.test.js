// SEC8: more than a thousand attacks through everything that an account or a follower can say, in a real Chromium. None
// runs: not on the pages as they are served, and not when their content policy is taken away, so that what is stored is
// harmless by itself. The same attacks unsanitised show that this can fail: with the policy none runs, without it hundreds do.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { Account } from '../lib/account.js';
import { CHROMIUM, Guard } from '../lib/guard.js';
import { Sandbox } from '../lib/sandbox.js';
import { bodies, vectors } from '../lib/vectors.js';

const VECTORS = vectors();
const BODIES = bodies();
const LIFTED = { sends_per_day: null, calls_per_day: null, receipts_per_month: null, history_per_day: null, history_per_month: null, calls_per_minute: null };
/** Every so many pages are opened by themselves. */
const SAMPLE = 25;
const fits = (text, characters, bytes) => Array.from(text).length <= characters && Buffer.byteLength(text) <= bytes;
const short = VECTORS.filter(({ html }) => fits(html, 60, 60) && html.trim() === html && !/[\u0000-\u001f]/.test(html));

let sandbox;
let browser;
/** The addresses of all pages that show an attack. */
let world;

before(async () => {
  [sandbox, browser] = await Promise.all([Sandbox.start(), chromium.launch(CHROMIUM)]);
  world = await attack();
});

after(async () => {
  await browser?.close();
  await sandbox?.stop();
});

/** Puts every vector everywhere it fits; the addresses of the pages that show them. */
async function attack() {
  const settings = { kind: 'service', verified: true, comment_enabled: true, pay_enabled: true, quota: LIFTED };
  const people = short.slice(0, 200).map(({ html }, place) => [`user-${place}`, html]);
  const account = await Account.create(sandbox, { ...settings, name: short[0].html }, people);
  const thumb = (await account.upload('media/upload?type=thumb', await readFile(fileURLToPath(new URL('../../fixtures/test.jpg', import.meta.url))), 'x.jpg')).thumb_media_id;
  const token = await account.token();
  const call = async (path, body) => {
    const answer = await (await fetch(`${sandbox.base}/cgi-bin/${path}?access_token=${token}`, { method: 'POST', body: JSON.stringify(body) })).json();
    assert.ok(!answer.errcode, `${path}: ${JSON.stringify(answer)}`);
    return answer;
  };
  let sends = 0;
  const send = (content) => { sends += 1; return call('message/mass/sendall', { filter: { is_to_all: true }, clientmsgid: `send-${sends}`, ...content }); };
  // One vector after the other wherever a title, an author or a digest of it fits.
  const turn = (list) => { let next = 0; return () => { next += 1; return list[next % list.length].html; }; };
  const [title, author, digest] = [turn(VECTORS.filter(({ html }) => fits(html, 64, 4096) && html.trim())), turn(short), turn(VECTORS.filter(({ html }) => fits(html, 120, 4096)))];
  const article = (content) => ({ thumb_media_id: thumb, content, title: title(), author: author(), digest: digest(), need_open_comment: 1 });
  for (let first = 0; first < BODIES.length; first += 8) {
    const { media_id } = await call('media/uploadnews', { articles: BODIES.slice(first, first + 8).map(article) });
    await send({ msgtype: 'mpnews', mpnews: { media_id }, send_ignore_reprint: 1 });
  }
  // Texts, captions, a card and a video: several vectors in each, as many as it holds.
  const packed = (limit) => VECTORS.reduce((texts, { html }) => {
    const last = texts.at(-1);
    if (Buffer.byteLength(html) > limit) return texts;
    if (last !== undefined && Buffer.byteLength(`${last}\n${html}`) <= limit) texts[texts.length - 1] = `${last}\n${html}`;
    else texts.push(html);
    return texts;
  }, []);
  for (const content of packed(2000)) await send({ msgtype: 'text', text: { content } });
  const picture = (await account.upload('media/upload?type=image', await readFile(fileURLToPath(new URL('../../fixtures/test.jpg', import.meta.url))), 'x.jpg')).media_id;
  const captions = packed(250).slice(0, 40);
  for (const [place, recommend] of captions.entries()) await send({ msgtype: 'image', images: { media_ids: [picture], recommend, title: short[place].html } });
  const raw = (await account.upload('media/upload?type=video', await readFile(fileURLToPath(new URL('../../fixtures/test.mp4', import.meta.url))), 'x.mp4')).media_id;
  for (const { html } of short.slice(0, 20)) {
    const film = await call('media/uploadvideo', { media_id: raw, title: html, description: captions[0] });
    await send({ msgtype: 'mpvideo', mpvideo: { media_id: film.media_id } });
    const card = await account.native('POST', '/cards', { title: html });
    await send({ msgtype: 'wxcard', wxcard: { card_id: card.card_id } });
  }
  // Last, so that it is what every reader finds first: an article for comments.
  const { media_id } = await call('media/uploadnews', { articles: [article(BODIES[0])] });
  const last = await send({ msgtype: 'mpnews', mpnews: { media_id } });
  await sandbox.advance(60);
  const items = [];
  const histories = [];
  for (let before = ''; before !== null;) {
    const page = await account.native('GET', `/history?limit=20${before && `&before=${before}`}`);
    histories.push(`/mp/history/${account.appid}${before && `?before=${before}`}`);
    items.push(...page.items);
    before = page.next ?? null;
  }
  assert.equal(items.length, sends, 'everything was sent');
  // Comments under one article, by people with hostile names, each elected and answered.
  for (const [place, content] of packed(580).slice(0, 90).entries()) {
    const writer = await account.reader(`user-${place}`);
    const { comment_id } = await writer.comment(await writer.newest(), content);
    const of = { msg_data_id: String(last.msg_data_id), index: 0, user_comment_id: comment_id };
    await call('comment/markelect', of);
    await call('comment/reply/add', { ...of, content });
  }
  const local = (url) => url.replace(sandbox.base, '');
  const articles = items.filter((item) => item.type === 'mpnews').flatMap((item) => item.articles.map((one) => local(one.url)));
  const videos = items.filter((item) => item.type === 'mpvideo').map((item) => local(item.url));
  assert.equal(articles.length, BODIES.length + 1);
  // Names of accounts.
  const named = [];
  for (const { html } of short.slice(0, 40)) named.push(`/mp/history/${(await Account.create(sandbox, { ...settings, name: html })).appid}`);
  return [...articles, ...histories, ...videos, ...named];
}

/** A server of this test: what `answer` makes of a path; `/frames` is an empty page. */
function serve(answer) {
  return new Promise((done) => {
    const server = createServer(async (request, response) => {
      response.setHeader('content-type', 'text/html; charset=utf-8');
      if (request.url === '/frames') return response.end('<!doctype html><title>frames</title><body>');
      return answer(request.url, response);
    });
    server.listen(0, '127.0.0.1', () => done({ base: `http://127.0.0.1:${server.address().port}`, close: () => server.close() }));
  });
}

/** The sandbox with another policy, so that its pages can stand in frames. */
function relay(change) {
  return serve(async (path, response) => {
    const answer = await fetch(sandbox.base + path);
    for (const name of ['content-type', 'content-security-policy']) {
      const value = name === 'content-security-policy' ? change(answer.headers.get(name) ?? '') : answer.headers.get(name);
      if (value) response.setHeader(name, value);
    }
    response.statusCode = answer.status;
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
}

const framed = (policy) => policy.replace("; frame-ancestors 'none'", '');

test('sec08: there are more than a thousand attacks, each another one', () => {
  assert.ok(VECTORS.length >= 1000, `${VECTORS.length}`);
  assert.equal(new Set(VECTORS.map(({ html }) => html)).size, VECTORS.length);
});

test('sec08: a sample of the pages, each as a reader opens it', async () => {
  const guard = await Guard.of(browser, sandbox.base);
  const page = await guard.page();
  for (const address of world.filter((_, place) => place % SAMPLE === 0)) await guard.visit(page, address);
  await guard.context.close();
  assert.deepEqual({ ran: [...guard.ran], faults: guard.faults }, { ran: [], faults: [] });
});

for (const [name, change] of [['under the policy of the pages', framed], ['without the policy either', () => '']]) {
  test(`sec08: none runs ${name}`, async () => {
    const server = await relay(change);
    const guard = await Guard.of(browser, server.base);
    guard.also = sandbox.base;
    assert.equal(await guard.frames(world), world.length, 'every page stands where it was opened');
    await guard.context.close();
    server.close();
    assert.deepEqual({ ran: [...guard.ran], faults: guard.faults }, { ran: [], faults: [] });
  });
}

test('sec08: none runs in the reader, in its articles, its search and the element on another page', async () => {
  const embedding = await serve((path, response) => response.end(`<!doctype html><title>x</title><body><script type="module" src="${sandbox.base}/embed.js"></script><qunfa-inbox server="${sandbox.base}" token="${path.slice(1)}"></qunfa-inbox>`));
  const guard = await Guard.of(browser, sandbox.base, { viewport: { width: 1440, height: 900 } });
  guard.also = embedding.base;
  const page = await guard.page();
  await page.goto(`${sandbox.base}/reader?as=user-0`);
  const cards = page.locator('[data-entry]');
  await cards.first().waitFor();
  for (let seen = 0, count = await cards.count(); count > seen && count < 240; count = await cards.count()) {
    seen = count;
    await cards.last().scrollIntoViewIfNeeded();
    await page.waitForFunction((before) => document.querySelectorAll('[data-entry]').length > before, seen, { timeout: 3000 }).catch(() => {});
  }
  const loaded = await cards.count();
  assert.ok(loaded >= 60, `${loaded} entries were shown`);
  let framed = 0;
  for (let place = 0; place < loaded; place += 6) {
    await cards.nth(place).getByRole('link').first().click();
    const frame = page.frameLocator('iframe').locator('body > main');
    if (await frame.waitFor({ timeout: 400 }).then(() => true, () => false)) framed += 1;
  }
  assert.ok(framed > 0, 'articles were shown in the reader');
  const field = page.getByRole('searchbox').first();
  await field.fill('<img');
  await field.press('Enter');
  await page.waitForTimeout(600);
  const { token } = await sandbox.native('POST', '/v1/inbox-tokens', { external_id: 'user-0' });
  await page.goto(`${embedding.base}/${token}`);
  await page.locator('qunfa-inbox .bell').click();
  await page.locator('qunfa-inbox .row').first().waitFor();
  await guard.context.close();
  embedding.close();
  assert.deepEqual({ ran: [...guard.ran], faults: guard.faults }, { ran: [], faults: [] });
});

test('sec08: the same attacks unsanitised run by the hundred, and not one of them under the policy of the pages', async () => {
  const served = await fetch(sandbox.base + world[0]);
  const policy = framed(served.headers.get('content-security-policy'));
  assert.match(policy, /^default-src 'none';/);
  for (const [name, value, least, most] of [['without a policy', '', 100, VECTORS.length], ['under the policy', policy, 0, 0]]) {
    const server = await serve((path, response) => {
      if (value) response.setHeader('content-security-policy', value);
      response.end(`<!doctype html><title>x</title><body>${BODIES[Number(path.slice(1))] ?? ''}`);
    });
    const guard = await Guard.of(browser, server.base);
    await guard.frames(BODIES.map((_, place) => `/${place}`), { atOnce: 50, patience: 800 });
    await guard.context.close();
    server.close();
    console.log(`unsanitised ${name}: ${guard.ran.size} of ${VECTORS.length} ran`);
    assert.ok(guard.ran.size >= least && guard.ran.size <= most, `${[...guard.ran].slice(0, 10)}`);
  }
});
