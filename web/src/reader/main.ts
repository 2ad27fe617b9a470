import { createApp } from 'vue';
import { Kept } from '../core/cache';
import App from './App.vue';
import { i18n } from './choices';
import './reader.css';
import { readPlace } from './route';
import { openSession, takeToken } from './session';

const given = takeToken();
readPlace();

async function begin(): Promise<void> {
  const kept = await Kept.open();
  const api = await openSession(kept, given);
  createApp(App, { api, kept }).use(i18n).mount('#app');
}

void begin();

if (import.meta.env.PROD && 'serviceWorker' in navigator) {
  // Without one (private windows, plain HTTP) the reader works, as long as there is a network.
  navigator.serviceWorker.register('/reader/sw.js', { scope: '/reader' }).catch(() => undefined);
  navigator.serviceWorker.addEventListener('message', (event: MessageEvent<{ go?: string }>) => {
    const hash = event.data.go?.split('#')[1];
    if (hash !== undefined) location.hash = hash;
  });
}
