// What stays in the browser: the token, what was read, and what is yet to be told to the server.

import { type Database, openDatabase, type Values } from './database';
import type { Entry } from './types';

/** Entries that are kept, the newest. */
export const ENTRIES_KEPT = 500;
/** The Cache Storage of article pages; the service worker keeps pictures in another. */
export const PAGES = 'qunfa-pages';
export const MEDIA = 'qunfa-media';

export class Kept {
  private constructor(private readonly database: Database | null) {}

  /** Opens what is kept. A browser that keeps nothing (private windows of some) is one that forgets at once. */
  static async open(): Promise<Kept> {
    try {
      return new Kept(await openDatabase());
    } catch {
      return new Kept(null);
    }
  }

  async get<Name extends keyof Values>(name: Name): Promise<Values[Name] | undefined> {
    return await this.database?.get('values', name) as Values[Name] | undefined;
  }

  async set<Name extends keyof Values>(name: Name, value: Values[Name]): Promise<void> {
    // Reactive objects cannot be stored as they are.
    await this.database?.put('values', JSON.parse(JSON.stringify(value)), name);
  }

  /** The entries that were kept, newest first. */
  async entries(): Promise<Entry[]> {
    const oldestFirst = await this.database?.getAllFromIndex('entries', 'sent') ?? [];
    return oldestFirst.reverse();
  }

  async keep(entries: Entry[]): Promise<void> {
    if (!this.database || entries.length === 0) return;
    const writing = this.database.transaction('entries', 'readwrite');
    for (const entry of entries) await writing.store.put(JSON.parse(JSON.stringify(entry)) as Entry);
    let over = await writing.store.count() - ENTRIES_KEPT;
    for (let oldest = await writing.store.index('sent').openCursor(); oldest && over > 0; over -= 1) {
      await oldest.delete();
      oldest = await oldest.continue();
    }
    await writing.done;
  }

  /** Forgets an entry, with its pages and pictures. */
  async forget(id: string): Promise<void> {
    const entry = await this.database?.get('entries', id);
    await this.database?.delete('entries', id);
    if (entry) await forgetFiles(filesOf(entry));
  }

  /** Forgets everything of this reader, the token too. */
  async wipe(): Promise<void> {
    await this.database?.clear('values');
    await this.database?.clear('entries');
    if ('caches' in globalThis) await Promise.all([caches.delete(PAGES), caches.delete(MEDIA)]);
  }
}

/** The page of an article: from the server, or where nobody answers the one that was read before. */
export async function readPage(url: string, load: () => Promise<string>): Promise<string> {
  const pages = 'caches' in globalThis ? await caches.open(PAGES) : null;
  try {
    const html = await load();
    await pages?.put(url, new Response(html, { headers: { 'content-type': 'text/html; charset=utf-8' } }));
    return html;
  } catch (error) {
    const kept = await pages?.match(url);
    if (kept) return kept.text();
    throw error;
  }
}

/** All addresses that belong to an entry. */
export function filesOf(entry: Entry): string[] {
  const articles = entry.articles?.flatMap((article) => [article.url, article.cover_url]) ?? [];
  const all = [entry.url, entry.media_url, entry.cover_url, ...entry.media_urls ?? [], ...articles];
  return [...new Set(all.filter((url) => url !== undefined))];
}

async function forgetFiles(urls: string[]): Promise<void> {
  if (!('caches' in globalThis)) return;
  for (const name of [PAGES, MEDIA]) {
    const cache = await caches.open(name);
    for (const url of urls) {
      if (name === PAGES) {
        const page = await cache.match(url);
        const media = page ? picturesIn(await page.text()) : [];
        const pictures = await caches.open(MEDIA);
        await Promise.all(media.map((picture) => pictures.delete(picture)));
      }
      await cache.delete(url);
    }
  }
}

function picturesIn(html: string): string[] {
  const images = new DOMParser().parseFromString(html, 'text/html').querySelectorAll('img[src]');
  return [...images].map((image) => new URL(image.getAttribute('src') ?? '', location.origin).href);
}
