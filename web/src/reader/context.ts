// What every part of the reader can reach.

import { inject, provide, type InjectionKey } from 'vue';
import type { Store } from '../core/store';

interface Context {
  store: Store;
  signOut: () => Promise<void>;
}

const KEY: InjectionKey<Context> = Symbol('reader');

export function provideStore(store: Store, signOut: () => Promise<void>): void {
  provide(KEY, { store, signOut });
}

export function useReader(): Context {
  const context = inject(KEY);
  if (!context) throw new Error('outside of the reader');
  return context;
}
