// The reader's service worker: its own files and the pictures that were seen are there without a network, and a push
// becomes a notification that leads to its entry.
//
// Article pages are kept by the reader itself, which knows what was read and what was taken back.

import { Api } from '../core/api';
import { openDatabase } from '../core/database';

declare const SHELL_FILES: string[];
declare const SHELL_VERSION: string;

const worker = self as unknown as ServiceWorkerGlobalScope;
const PAGE = '/reader';
const SHELL = `qunfa-shell-${SHELL_VERSION}`;
const MEDIA = 'qunfa-media';
const MEDIA_KEPT = 400;
/** How long a slow network may keep the page waiting that is here already. */
const PATIENCE_MS = 3_000;

/** What the server tells by push. */
interface Push {
  title: string;
  body: string;
  entry: string;
  tag: string;
}

worker.addEventListener('install', (event) => {
  const files = [PAGE, ...SHELL_FILES.map((file) => PAGE + file)];
  event.waitUntil(caches.open(SHELL).then((shell) => shell.addAll(files)).then(() => worker.skipWaiting()));
});

worker.addEventListener('activate', (event) => {
  event.waitUntil(dropOldShells().then(() => worker.clients.claim()));
});

worker.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== worker.location.origin) return;
  if (url.pathname === PAGE) {
    // A link that asks for somebody's inbox is the server's to answer.
    if (url.search === '') event.respondWith(page(request));
  } else if (url.pathname.startsWith(`${PAGE}/`)) {
    event.respondWith(caches.match(request).then((kept) => kept ?? fetch(request)));
  } else if (/^\/(media\/|mmbiz_)/.test(url.pathname) && request.destination === 'image') {
    event.respondWith(media(request));
  }
});

worker.addEventListener('push', (event) => {
  const told = event.data?.json() as Push | undefined;
  if (!told) return;
  const icon = `${PAGE}/icon-192.png`;
  // One notification an account, which makes itself heard again when it changes.
  const shown: NotificationOptions & { renotify: boolean } = {
    body: told.body, tag: told.tag, renotify: true, icon, badge: icon, data: { entry: told.entry },
  };
  event.waitUntil(worker.registration.showNotification(told.title, shown));
});

worker.addEventListener('pushsubscriptionchange', (event) => {
  event.waitUntil(renew(event.oldSubscription, event.newSubscription));
});

worker.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const { entry } = event.notification.data as { entry: string };
  event.waitUntil(open(`${PAGE}#/entry/${encodeURIComponent(entry)}`));
});

/** The push service gave this device another address: the server learns it, for the reader whose token is kept here. */
async function renew(before: PushSubscription | null, given: PushSubscription | null): Promise<void> {
  const after = given ?? (before ? await worker.registration.pushManager.subscribe(before.options) : null);
  const token = await (await openDatabase()).get('values', 'token') as string | undefined;
  if (!after || !token) return;
  const api = new Api(worker.location.origin, token);
  await api.subscribe(after.toJSON(), navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en');
  if (before && before.endpoint !== after.endpoint) await api.unsubscribe(before.endpoint);
}

/** The page from the network, or the kept one when that takes too long or fails. */
async function page(request: Request): Promise<Response> {
  const shell = await caches.open(SHELL);
  const kept = await shell.match(PAGE);
  const fresh = fetch(request);
  if (!kept) return fresh;
  const late = new Promise<Response>((resolve) => { setTimeout(() => resolve(kept), PATIENCE_MS); });
  return Promise.race([fresh.then((answer) => (answer.status >= 500 ? kept : answer)).catch(() => kept), late]);
}

/** A picture: what its address names never changes. */
async function media(request: Request): Promise<Response> {
  const cache = await caches.open(MEDIA);
  const kept = await cache.match(request.url);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.status === 200 && answer.type === 'basic') {
    await cache.put(request.url, answer.clone());
    const keys = await cache.keys();
    await Promise.all(keys.slice(0, Math.max(0, keys.length - MEDIA_KEPT)).map((key) => cache.delete(key)));
  }
  return answer;
}

async function dropOldShells(): Promise<void> {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith('qunfa-shell-') && name !== SHELL);
  await Promise.all(old.map((name) => caches.delete(name)));
}

/** Goes there in a window that is open, else in a new one. */
async function open(address: string): Promise<void> {
  const [window] = await worker.clients.matchAll({ type: 'window' });
  if (!window) {
    await worker.clients.openWindow(address);
    return;
  }
  await window.focus();
  window.postMessage({ go: address });
}
