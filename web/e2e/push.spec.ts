import { createECDH, randomBytes } from 'node:crypto';
import { type Browser, expect, type Page, test, type Worker } from '@playwright/test';
import { WIDE, World } from './world';

let world: World;

test.beforeAll(async () => { world = await World.start(); });
test.afterAll(async () => { await world.stop(); });

/** The reader of this token in a browser that may show notifications, and its service worker. */
async function open(browser: Browser, token: string): Promise<{ page: Page; worker: Worker }> {
  const context = await browser.newContext({ ...WIDE, permissions: ['notifications'] });
  const page = await context.newPage();
  const registered = context.waitForEvent('serviceworker');
  await page.goto(`${world.sandbox.base}/reader#token=${token}`);
  await page.evaluate(async () => { await navigator.serviceWorker.ready; });
  return { page, worker: context.serviceWorkers()[0] ?? await registered };
}

/** Hands the service worker what a push service would. */
async function deliver(page: Page, told: Record<string, string>): Promise<void> {
  const client = await page.context().newCDPSession(page);
  const registration = new Promise<string>((found) => {
    client.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      for (const { registrationId, scopeURL } of registrations) if (scopeURL.endsWith('/reader')) found(registrationId);
    });
  });
  await client.send('ServiceWorker.enable');
  await client.send('ServiceWorker.deliverPushMessage', {
    origin: world.sandbox.base, registrationId: await registration, data: JSON.stringify(told),
  });
}

const shown = (page: Page) => page.evaluate(async () => {
  const notifications = await (await navigator.serviceWorker.ready).getNotifications();
  return notifications.map(({ title, body, tag }) => ({ title, body, tag }));
});

test('a push becomes one notification an account, and a recall takes it off the screen', async ({ browser }) => {
  const token = await world.token();
  const { page } = await open(browser, token);
  const sent = await world.text(world.garden, '明早八点开门');
  const entry = page.locator('[data-entry]').filter({ hasText: '明早八点开门' });
  await expect(entry).toBeVisible();
  const id = await entry.getAttribute('data-entry') ?? '';
  const told = { title: '山前植物园', body: '明早八点开门', entry: id, tag: 'garden' };
  await deliver(page, { ...told, body: '前一条' });
  await deliver(page, told);
  await expect.poll(() => shown(page)).toEqual([{ title: told.title, body: told.body, tag: told.tag }]);
  await world.garden.native('POST', `/masses/${sent.msg_id}/recall`);
  await expect.poll(() => shown(page)).toEqual([]);
});

test('a new address of the device reaches the server without the reader', async ({ browser }) => {
  const token = await world.token('user-000000007');
  const { worker } = await open(browser, token);
  const browserKey = createECDH('prime256v1');
  browserKey.generateKeys();
  const renewed = {
    endpoint: `https://push.example.org/${randomBytes(8).toString('hex')}`,
    keys: { p256dh: browserKey.getPublicKey().toString('base64url'), auth: randomBytes(16).toString('base64url') },
  };
  // No push service is reached from here, so the event is made by hand; a made one cannot be waited for.
  await worker.evaluate((made) => {
    const given = { endpoint: made.endpoint, toJSON: () => made };
    const change = Object.defineProperties(new Event('pushsubscriptionchange'), {
      oldSubscription: { value: null }, newSubscription: { value: given }, waitUntil: { value: () => undefined },
    });
    self.dispatchEvent(change);
  }, renewed);
  const hosts = async () => {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`${world.sandbox.base}/inbox/push/subscriptions`, { headers });
    const { subscriptions } = await answer.json() as { subscriptions: { endpoint_host: string }[] };
    return subscriptions.map((subscription) => subscription.endpoint_host);
  };
  await expect.poll(hosts).toEqual(['push.example.org']);
});
