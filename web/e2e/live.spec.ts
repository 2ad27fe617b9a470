import { expect, type Page, test } from '@playwright/test';
import { isLive, PHONE, READER, WIDE, World } from './world';

let world: World;
test.beforeAll(async () => { world = await World.start(); });
test.afterAll(async () => { await world.stop(); });

const cards = (page: Page) => page.locator('[data-entry]');
const badge = (page: Page) => page.locator('qunfa-inbox .badge');

test('a send appears at once in two readers and in the element on another origin, and all counts agree', async ({ browser }) => {
  const token = await world.token();
  const wide = await world.reader(browser, token, WIDE);
  const phone = await world.reader(browser, await world.token(), PHONE);
  const portal = await world.embedding(browser, token);
  await expect(portal.locator('qunfa-inbox .bell')).toBeVisible();
  await expect(badge(portal)).toHaveCount(0);

  await world.text(world.garden, '白玉兰开了。');
  await world.text(world.library, '周日闭馆。');
  for (const page of [wide, phone]) {
    await expect(cards(page).first()).toContainText('周日闭馆。');
    await expect(cards(page).nth(1)).toContainText('白玉兰开了。');
    await expect(page).toHaveTitle('(2) 收件箱');
  }
  await expect(badge(portal)).toHaveText('2');
  expect(await world.unread(token)).toEqual({ unread: 2, accounts: expect.objectContaining({ [world.garden.appid]: 1, [world.library.appid]: 1 }) });
  // A screen reader is told too.
  await expect(wide.locator('[role=status].unseen').last()).toContainText('周日闭馆');

  // Read on one device is read on all.
  await cards(wide).first().getByRole('link', { name: /大学图书馆/ }).click();
  await expect(wide).toHaveTitle('(1) 收件箱');
  await expect(phone).toHaveTitle('(1) 收件箱');
  await expect(badge(portal)).toHaveText('1');
  await expect.poll(async () => (await world.unread(token)).unread).toBe(1);

  await portal.locator('qunfa-inbox .bell').click();
  await expect(portal.locator('qunfa-inbox .row').first()).toContainText('周日闭馆。');
  await portal.getByRole('button', { name: '全部标为已读' }).click();
  await expect(badge(portal)).toHaveCount(0);
  await expect(wide).toHaveTitle('收件箱');
  await expect(phone).toHaveTitle('收件箱');
  expect((await world.unread(token)).unread).toBe(0);
});

test('a recall makes the entry disappear everywhere, also where it is open', async ({ browser }) => {
  const token = await world.token();
  const reader = await world.reader(browser, token);
  const other = await world.reader(browser, token, PHONE);
  const portal = await world.embedding(browser, token);
  const { msg_id } = await world.text(world.garden, '发错了的一条');
  await expect(cards(reader).first()).toContainText('发错了的一条');
  await cards(reader).first().getByRole('link').first().click();
  await expect(reader.locator('.sheet')).toContainText('发错了的一条');
  await expect(other.getByText('发错了的一条').first()).toBeVisible();
  await portal.locator('qunfa-inbox .bell').click();
  await expect(portal.locator('qunfa-inbox .row').first()).toContainText('发错了的一条');

  await world.garden.native('POST', `/masses/${msg_id}/recall`);
  await expect(reader.getByRole('heading', { name: '消息已被撤回' })).toBeVisible();
  for (const page of [reader, other]) await expect(page.getByText('发错了的一条')).toHaveCount(0);
  await expect(portal.locator('qunfa-inbox').getByText('发错了的一条')).toHaveCount(0);
  await expect(badge(portal)).toHaveCount(0);
  expect((await world.unread(token)).unread).toBe(0);
});

test('what came while a reader was away is there when it comes back, in order and once', async ({ browser }) => {
  const page = await world.reader(browser, await world.token());
  await page.context().setOffline(true);
  // A stream that is open already ends with the network of the page.
  for (const word of ['甲', '乙', '丙']) await world.text(world.library, `离线时的消息${word}`);
  await page.context().setOffline(false);
  await page.evaluate(() => window.dispatchEvent(new Event('online')));
  await expect(cards(page).first()).toContainText('离线时的消息丙');
  const texts = (await cards(page).allInnerTexts()).filter((text) => text.includes('离线时的消息')).map((text) => /消息(.)/.exec(text)?.[1]);
  expect(texts).toEqual(['丙', '乙', '甲']);
});

test('a sandbox opens any follower’s reader, and the token leaves the address', async ({ page }) => {
  await page.goto(`${world.sandbox.base}/reader?as=${READER}`);
  await isLive(page);
  expect(page.url()).toBe(`${world.sandbox.base}/reader`);
  await page.reload();
  await isLive(page);
  const unknown = await page.goto(`${world.sandbox.base}/reader?as=nobody`);
  expect(unknown?.status()).toBe(404);
  await expect(page.getByRole('heading')).toHaveText('沙盒里没有这位粉丝');
});

test('a reader mutes, refuses and leaves an account, and comes back', async ({ browser }) => {
  const token = await world.token('user-000000007');
  const page = await world.reader(browser, token);
  await page.getByRole('navigation', { name: '公众号' }).first().getByRole('link', { name: /山前植物园/ }).click();
  await page.getByRole('button', { name: /山前植物园.*设置/ }).click();
  const panel = page.getByRole('dialog');
  await panel.getByRole('switch', { name: /免打扰/ }).check();
  await expect(panel.getByRole('switch', { name: /免打扰/ })).toBeChecked();
  await panel.getByRole('button', { name: '取消关注' }).click();
  await panel.getByRole('button', { name: '取消关注' }).click();
  await expect(panel.getByRole('button', { name: '关注', exact: true })).toBeVisible();
  await panel.getByRole('button', { name: '关注', exact: true }).click();
  await expect(panel.getByRole('button', { name: '取消关注' })).toBeVisible();
  await page.keyboard.press('Escape');
  // Muted: it arrives and is counted for itself alone.
  await page.getByRole('link', { name: /全部消息/ }).first().click();
  const before = (await world.unread(token)).unread;
  await world.text(world.garden, '静静地来');
  await expect(cards(page).first()).toContainText('静静地来');
  await expect.poll(async () => world.unread(token)).toEqual({ unread: before, accounts: expect.objectContaining({ [world.garden.appid]: expect.any(Number) }) });
});
