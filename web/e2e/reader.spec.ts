import { readFile } from 'node:fs/promises';
import AxeBuilder from '@axe-core/playwright';
import { type Browser, type BrowserContextOptions, expect, type Page, test } from '@playwright/test';
import { Account } from '../../compat/browser/lib/account.js';
import { Sandbox } from '../../compat/browser/lib/sandbox.js';
import { build } from '../../compat/browser/lib/world.js';
import { isLive, PHONE, READER, WIDE } from './world';

let sandbox: Sandbox;
let garden: Account;
let main: { msg_id: number };

test.beforeAll(async ({ browser }) => {
  test.setTimeout(90_000);
  sandbox = await Sandbox.start({ followers: 50 });
  const built = await build(sandbox, browser);
  garden = built.garden;
  main = built.main;
});
test.afterAll(async () => { await sandbox.stop(); });

async function token(expires_in = 7200): Promise<string> {
  return (await sandbox.native('POST', '/v1/inbox-tokens', { external_id: READER, expires_in })).token;
}

async function open(browser: Browser, options: BrowserContextOptions = WIDE, place = ''): Promise<Page> {
  const page = await (await browser.newContext(options)).newPage();
  await page.goto(`${sandbox.base}/reader#token=${await token()}${place}`);
  await isLive(page);
  return page;
}

const cards = (page: Page) => page.locator('[data-entry]');
const card = (page: Page, text: string | RegExp) => cards(page).filter({ hasText: text });

/** Faults that keep people out, as axe-core finds them; no script enters the frame of an article, axe-core's neither. */
async function faults(page: Page): Promise<string[]> {
  const found = await new AxeBuilder({ page }).setLegacyMode().exclude('iframe').analyze();
  return found.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(' ')} ${node.failureSummary ?? ''}`));
}

test('every type of message is shown, and articles open in a frame without script', async ({ browser }) => {
  const page = await open(browser);
  const news = card(page, '玉兰比去年早了五天');
  await news.getByRole('link', { name: /玉兰比去年早了五天/ }).click();
  const frame = page.frameLocator('iframe.frame');
  await expect(frame.getByRole('heading', { level: 1 })).toContainText('玉兰比去年早了五天');
  await expect(frame.locator('img').first()).toHaveJSProperty('complete', true);
  expect(await page.locator('iframe.frame').getAttribute('sandbox')).not.toContain('allow-scripts');
  await page.keyboard.press('Escape');
  await expect(page.locator('iframe.frame')).toHaveCount(0);

  const issue = card(page, '夜游温室');
  await issue.getByRole('link', { name: /夜游温室/ }).click();
  await expect(page.getByRole('img', { name: '第 2 篇，共 4 篇' })).toBeVisible();
  await expect(page.frameLocator('iframe.frame').locator('body')).toContainText('红光不惊动蛾子');
  await page.getByRole('link', { name: '下一篇' }).click();
  await expect(page.frameLocator('iframe.frame').locator('body')).toContainText('每个周末两小时');

  await card(page, '本周影像').getByRole('button', { name: '第 2 张图片，共 6 张' }).click();
  await page.keyboard.press('ArrowRight');
  await expect(page.getByRole('dialog', { name: '第 3 张图片，共 6 张' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('button', { name: /播放: 语音/ })).toBeVisible();
  await expect(card(page, '两秒钟的湖').locator('video')).toHaveCount(1);
  await expect(card(page, '温室夜游票')).toContainText('卡券');
  await expect(card(page, '春季开园时间')).toContainText('清明当天 5:30 开门');
});

test('a voice as phones record it, in AMR, is heard', async ({ browser }) => {
  const amr = await readFile(new URL('../node_modules/benz-amr-recorder/res/mario.amr', import.meta.url));
  expect(amr.subarray(0, 6).toString()).toBe('#!AMR\n');
  const { media_id } = await garden.upload('media/upload?type=voice', firstSeconds(amr, 5), 'voice.amr');
  await garden.sendAll({ msgtype: 'voice', voice: { media_id } });
  const page = await open(browser);
  const voice = cards(page).first();
  await expect(voice.locator('.time')).toHaveText('0:05');
  await voice.getByRole('button', { name: /播放: 语音/ }).click();
  await expect.poll(() => voice.locator('audio').evaluate((audio: HTMLAudioElement) => audio.currentTime)).toBeGreaterThan(0.2);
  await voice.getByRole('button', { name: /暂停: 语音/ }).click();
  await expect(voice.locator('audio')).toHaveJSProperty('paused', true);
});

/** The frames of the first seconds; their lengths by type are those of 3GPP TS 26.101. */
function firstSeconds(amr: Buffer, seconds: number): Buffer {
  const lengths = [12, 13, 15, 17, 19, 20, 26, 31, 5, 0, 0, 0, 0, 0, 0, 0];
  let end = 6;
  for (let frame = 0; frame < seconds * 50; frame += 1) end += 1 + lengths[(amr[end]! >> 3) & 15]!;
  return amr.subarray(0, end);
}

test('on a phone an entry covers the list and the way back leads to it', async ({ browser }) => {
  const page = await open(browser, PHONE);
  await card(page, '玉兰比去年早了五天').getByRole('link', { name: /玉兰比去年早了五天/ }).tap();
  await expect(page.locator('iframe.frame')).toBeInViewport();
  await expect(page.getByRole('main')).toHaveAttribute('inert', '');
  await page.goBack();
  await expect(page.locator('iframe.frame')).toHaveCount(0);
  await expect(card(page, '玉兰比去年早了五天')).toBeInViewport();
  await page.getByRole('navigation', { name: '公众号' }).getByRole('link', { name: /大学图书馆/ }).tap();
  await expect(page.getByRole('heading', { level: 1, name: '大学图书馆' })).toBeVisible();
  await expect(cards(page).first()).toBeVisible();
  const wider = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  expect(wider).toBe(false);
});

test('keys alone read an inbox', async ({ browser }) => {
  const page = await open(browser);
  await page.keyboard.press('j');
  await expect(cards(page).first()).toBeFocused();
  await page.keyboard.press('j');
  await expect(cards(page).nth(1)).toBeFocused();
  await page.keyboard.press('k');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/#\/entry\//);
  await page.keyboard.press('Escape');
  await expect(page).not.toHaveURL(/#\/entry\//);
  await expect(cards(page).first()).toBeFocused();
  await page.keyboard.press('/');
  await expect(page.getByRole('searchbox')).toBeFocused();
  await page.keyboard.type('红光手电');
  await expect(cards(page)).toHaveCount(1);
  await page.keyboard.press('Escape');
  await expect(page.getByRole('searchbox')).toHaveValue('');
  await page.getByRole('searchbox').blur();
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: '键盘快捷键' })).toBeVisible();
});

test('without a network what was read is there, and what was taken back goes at the next contact', async ({ browser }) => {
  const page = await open(browser);
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await expect.poll(() => page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true);
  await page.reload();
  await isLive(page);
  await card(page, '玉兰比去年早了五天').getByRole('link', { name: /玉兰比去年早了五天/ }).click();
  const picture = page.frameLocator('iframe.frame').locator('.body img, article img').first();
  await picture.scrollIntoViewIfNeeded();
  await expect.poll(() => picture.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);

  await page.context().setOffline(true);
  await page.reload();
  await expect(page.getByText('离线：显示已读过的内容')).toBeVisible();
  await expect(page.frameLocator('iframe.frame').getByRole('heading', { level: 1 })).toContainText('玉兰比去年早了五天');
  await card(page, '夜游温室').getByRole('link', { name: /夜游温室/ }).click();
  await expect(page.getByText('这篇文章没有在这台设备上读过')).toBeVisible();
  await page.getByRole('searchbox').fill('白玉兰');
  await page.getByRole('searchbox').fill('');

  await garden.native('POST', `/masses/${main.msg_id}/recall`);
  await page.context().setOffline(false);
  await isLive(page);
  await expect(card(page, '玉兰比去年早了五天')).toHaveCount(0);
  await page.context().setOffline(true);
  await page.reload();
  await expect(page.getByText('离线：显示已读过的内容')).toBeVisible();
  await expect(card(page, '玉兰比去年早了五天')).toHaveCount(0);
  expect(await page.evaluate(async () => {
    const pages = await caches.open('qunfa-pages');
    const kept = await Promise.all((await pages.keys()).map(async (key) => (await pages.match(key))?.text()));
    return kept.filter((html) => html?.includes('玉兰比去年早了五天')).length;
  })).toBe(0);
});

test('a token that is no more, no token and a failing server each say what to do', async ({ browser }) => {
  const page = await (await browser.newContext()).newPage();
  await page.goto(`${sandbox.base}/reader`);
  await expect(page.getByRole('heading', { name: '请从你的应用打开收件箱' })).toBeVisible();
  await page.goto(`${sandbox.base}/reader#token=nobody`);
  await page.reload();
  await expect(page.getByRole('heading', { name: '链接已过期' })).toBeVisible();

  const failing = await (await browser.newContext()).newPage();
  await failing.route('**/inbox/**', (route) => route.fulfill({ status: 503 }));
  await failing.goto(`${sandbox.base}/reader#token=${await token()}`);
  await expect(failing.getByRole('heading', { name: '服务器暂时无法响应' })).toBeVisible();
  await failing.unroute('**/inbox/**');
  await failing.getByRole('button', { name: '重试' }).click();
  await expect(cards(failing).first()).toBeVisible();

  const ended = await open(browser);
  await sandbox.native('DELETE', '/v1/inbox-tokens', { external_id: READER });
  await expect(ended.getByRole('heading', { name: '链接已过期' })).toBeVisible({ timeout: 20_000 });
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe-core finds no serious fault in any state, ${colorScheme}`, async ({ browser }) => {
    const found: Record<string, string[]> = {};
    const look = async (name: string, page: Page) => { found[name] = await faults(page); };
    for (const [size, options] of [['wide', WIDE], ['phone', PHONE]] as const) {
      const page = await open(browser, { ...options, colorScheme, reducedMotion: 'reduce' });
      await expect(cards(page).first()).toBeVisible();
      await look(`${size} list`, page);
      await card(page, '夜游温室').getByRole('link', { name: /夜游温室/ }).click();
      await expect(page.frameLocator('iframe.frame').locator('h1')).toBeVisible();
      await look(`${size} article`, page);
      await page.goBack();
      await page.getByRole('button', { name: /^设置/ }).filter({ visible: true }).click();
      await look(`${size} settings`, page);
      await page.keyboard.press('Escape');
      await page.getByRole('navigation', { name: '公众号' }).filter({ visible: true }).getByRole('link', { name: /山前植物园/ }).click();
      await page.getByRole('button', { name: /山前植物园.*设置/ }).click();
      await look(`${size} account`, page);
      await page.keyboard.press('Escape');
      await page.getByRole('searchbox').fill('没有这样的词');
      await expect(page.getByText('没有找到')).toBeVisible();
      await look(`${size} nothing found`, page);
      await page.context().close();
    }
    const states = await (await browser.newContext({ ...PHONE, colorScheme })).newPage();
    await states.goto(`${sandbox.base}/reader`);
    await expect(states.getByRole('heading')).toBeVisible();
    await look('no token', states);
    await states.goto(`${sandbox.base}/reader#token=nobody`);
    await states.reload();
    await expect(states.getByRole('heading', { name: '链接已过期' })).toBeVisible();
    await look('expired', states);
    for (const [name, faultyFaults] of Object.entries(found)) expect(faultyFaults, name).toEqual([]);
    expect(Object.keys(found)).toHaveLength(12);
  });
}

test('the first load is small, and nothing but the server is asked', async ({ browser }) => {
  const page = await (await browser.newContext()).newPage();
  const asked: { url: string; bytes: number; type: string }[] = [];
  const client = await page.context().newCDPSession(page);
  await client.send('Network.enable');
  const urls = new Map<string, { url: string; type: string }>();
  client.on('Network.responseReceived', ({ requestId, response, type }) => urls.set(requestId, { url: response.url, type }));
  client.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    const of = urls.get(requestId);
    if (of) asked.push({ ...of, bytes: encodedDataLength });
  });
  await page.goto(`${sandbox.base}/reader`);
  await expect(page.getByRole('heading')).toBeVisible();
  const scripts = asked.filter((each) => each.type === 'Script').reduce((sum, each) => sum + each.bytes, 0);
  expect(scripts).toBeGreaterThan(10_000);
  expect(scripts).toBeLessThan(150_000);
  expect(asked.filter((each) => !each.url.startsWith(sandbox.base))).toEqual([]);

  const embed = await fetch(`${sandbox.base}/embed.js`, { headers: { 'accept-encoding': 'gzip' } });
  expect(embed.headers.get('access-control-allow-origin')).toBe('*');
  expect(embed.headers.get('content-encoding')).toBe('gzip');
  const etag = embed.headers.get('etag') ?? '';
  const again = await fetch(`${sandbox.base}/embed.js`, { headers: { 'if-none-match': etag } });
  expect(again.status).toBe(304);
  const shell = await fetch(`${sandbox.base}/reader`);
  expect(shell.headers.get('content-security-policy')).toContain("script-src 'self';");
});
