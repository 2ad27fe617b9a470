// Notifications of this device by Web Push.

import { ref } from 'vue';
import type { Api } from '../core/api';

/** `unsupported` by this browser or connection, `denied` by the reader in the browser's settings. */
export type PushState = 'unsupported' | 'denied' | 'off' | 'on';

export const push = ref<PushState>('off');

export async function lookAtPush(): Promise<void> {
  if (!('serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window)) {
    push.value = 'unsupported';
  } else if (Notification.permission === 'denied') {
    push.value = 'denied';
  } else {
    push.value = await subscription() ? 'on' : 'off';
  }
}

/** Asks the reader, then the browser's push service, then tells the server; throws when one of them fails. */
export async function turnOn(api: Api, language: 'zh' | 'en'): Promise<void> {
  if (await Notification.requestPermission() !== 'granted') return lookAtPush();
  const { public_key: key } = await api.pushKey();
  const { pushManager } = await navigator.serviceWorker.ready;
  const made = await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) });
  try {
    await api.subscribe(made.toJSON(), language);
  } catch (error) {
    await made.unsubscribe();
    throw error;
  } finally {
    await lookAtPush();
  }
}

export async function turnOff(api: Api): Promise<void> {
  const made = await subscription();
  if (made) {
    await made.unsubscribe();
    await api.unsubscribe(made.endpoint);
  }
  await lookAtPush();
}

/** Takes the notifications of a recalled entry off the screen. */
export async function closeNotifications(entry: string): Promise<void> {
  const worker = await navigator.serviceWorker?.getRegistration('/reader');
  for (const shown of await worker?.getNotifications?.() ?? []) {
    if ((shown.data as { entry?: string } | null)?.entry === entry) shown.close();
  }
}

async function subscription(): Promise<PushSubscription | null> {
  const worker = await navigator.serviceWorker.getRegistration('/reader');
  return await worker?.pushManager.getSubscription() ?? null;
}

function bytes(base64url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64url.replace(/-/g, '+').replace(/_/g, '/'));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
