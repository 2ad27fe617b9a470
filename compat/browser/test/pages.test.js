// Pages in a real Chromium: usable by everybody (axe), light, still while their pictures load, and whole without a script.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { open, THEMES } from '../lib/camera.js';
import { CHROMIUM } from '../lib/guard.js';
import { Sandbox } from '../lib/sandbox.js';
import { build } from '../lib/world.js';

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** An article without its pictures, at most. */
const BYTES_MAX = 60_000;

let sandbox;
let browser;
let address;

before(async () => {
  [sandbox, browser] = await Promise.all([Sandbox.start({ start: '2026-03-01T09:00:00+08:00' }), chromium.launch(CHROMIUM)]);
  ({ address } = await build(sandbox, browser));
});

after(async () => {
  await browser?.close();
  await sandbox?.stop();
});

test('no page has a serious fault of accessibility, light or dark, in either language', async () => {
  const faults = [];
  for (const theme of THEMES) {
    for (const [name, path] of Object.entries(address)) {
      const page = await open(browser, { size: 'phone', theme, language: theme === 'light' ? 'zh' : 'en' });
      await page.goto(sandbox.base + path);
      await page.evaluate(AXE);
      const { violations } = await page.evaluate(() => window.axe.run());
      for (const { id, impact, nodes } of violations) {
        if (['serious', 'critical'].includes(impact)) faults.push(`${name} ${theme}: ${id} ${nodes.map((node) => node.target).slice(0, 3)}`);
      }
      await page.context().close();
    }
  }
  assert.deepEqual(faults, []);
});

test('an article asks for its pictures alone, weighs little without them and stands still while they come', async () => {
  const page = await open(browser, { size: 'phone', theme: 'light', language: 'zh' });
  const asked = [];
  page.on('request', (request) => asked.push([request.resourceType(), request.url()]));
  await page.addInitScript(() => {
    window.shifted = 0;
    new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.shifted += entry.value; }).observe({ type: 'layout-shift', buffered: true });
  });
  await page.goto(sandbox.base + address.article);
  const [{ transferSize, decodedBodySize }] = JSON.parse(await page.evaluate(() => JSON.stringify(performance.getEntriesByType('navigation'))));
  assert.ok(decodedBodySize < BYTES_MAX && transferSize < BYTES_MAX / 4, `${decodedBodySize} bytes, ${transferSize} sent`);
  const seen = await page.evaluate(() => document.documentElement.scrollHeight);
  for (let y = 0; y < seen; y += 500) await page.mouse.wheel(0, 500);
  await page.waitForFunction(() => Array.from(document.images).every((image) => image.complete && image.naturalWidth > 0));
  assert.equal(await page.evaluate(() => document.documentElement.scrollHeight), seen, 'as high as before its pictures came');
  assert.equal(await page.evaluate(() => window.shifted), 0);
  const [first, ...others] = asked;
  assert.equal(first[0], 'document');
  assert.ok(others.length >= 3 && others.every(([type, url]) => type === 'image' && url.startsWith(sandbox.base)), JSON.stringify(asked));
  // On a phone of three pixels a point a picture of 1,600 comes as one of 1,280 at most.
  const shown = await page.evaluate(() => document.querySelector('figure img').currentSrc);
  assert.match(shown, /\/(320|640|960|1280)$/);
  await page.context().close();
});

test('everything of a page is there without scripts, and a video is played', async () => {
  const context = await browser.newContext({ javaScriptEnabled: false, locale: 'zh-CN' });
  const page = await context.newPage();
  for (const [path, words] of [[address.article, ['精选留言', '阅读原文', '山前植物园']], [address.history, ['历史消息', '本周影像', '两秒钟的湖']], [address.reprint, ['转载自']]]) {
    await page.goto(sandbox.base + path);
    for (const word of words) assert.ok(await page.getByText(word).first().isVisible(), `${word} on ${path}`);
  }
  await context.close();
  const view = await open(browser, { size: 'wide', theme: 'light', language: 'zh' });
  await view.goto(sandbox.base + address.video);
  await view.evaluate(async () => {
    const video = document.querySelector('video');
    video.muted = true;
    await video.play();
    await new Promise((done) => { video.ontimeupdate = done; });
  });
  await view.context().close();
});
