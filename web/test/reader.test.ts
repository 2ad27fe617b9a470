import 'fake-indexeddb/auto';
import { IDBFactory } from 'fake-indexeddb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Kept } from '../src/core/cache';
import { pieces, summary } from '../src/core/entry';
import { clock, shortTime } from '../src/core/time';
import en from '../src/locales/en';
import zh from '../src/locales/zh';
import { framed, takesComments } from '../src/reader/framed';
import { hashOf, placeOf } from '../src/reader/route';
import { openSession, takeToken } from '../src/reader/session';
import { entry } from './make';

beforeEach(() => { vi.stubGlobal('indexedDB', new IDBFactory()); });
afterEach(() => { vi.unstubAllGlobals(); });

describe('the token', () => {
  it('is out of the address at once, and an entry beside it is the place to go to', () => {
    location.hash = '#token=secret&entry=a%2Fb';
    expect(takeToken()).toBe('secret');
    expect(location.href).not.toContain('secret');
    expect(placeOf(location.hash).entry).toBe('a/b');
    expect(takeToken()).toBeNull();
  });

  it('of another reader removes what the one before left', async () => {
    const kept = await Kept.open();
    await kept.set('token', 'first');
    await kept.set('me', { kind: 'person', external_id: 'one', nickname: '', expires_at: '', sandbox: false });
    await kept.keep([entry(1)]);
    vi.stubGlobal('fetch', async () => Response.json({ external_id: 'one' }));
    await openSession(kept, 'renewed');
    expect(await kept.entries()).toHaveLength(1);
    vi.stubGlobal('fetch', async () => Response.json({ external_id: 'two' }));
    expect((await openSession(kept, 'other'))?.token).toBe('other');
    expect(await kept.entries()).toEqual([]);
    expect(await kept.get('token')).toBe('other');
  });

  it('of nobody knows whom removes it too', async () => {
    const kept = await Kept.open();
    await kept.set('me', { kind: 'person', external_id: 'one', nickname: '', expires_at: '', sandbox: false });
    await kept.keep([entry(1)]);
    vi.stubGlobal('fetch', async () => { throw new TypeError('no network'); });
    await openSession(kept, 'other');
    expect(await kept.entries()).toEqual([]);
  });

  it('is remembered until the reader leaves', async () => {
    const kept = await Kept.open();
    expect(await openSession(kept, null)).toBeNull();
    await openSession(kept, 'secret');
    expect((await openSession(kept, null))?.token).toBe('secret');
  });
});

describe('places', () => {
  it('have one address each', () => {
    for (const place of [
      { account: null, entry: null, index: 1 }, { account: 'wx1', entry: null, index: 1 },
      { account: null, entry: 'e/1', index: 1 }, { account: 'wx1', entry: 'e1', index: 3 },
    ]) expect(placeOf(hashOf(place))).toEqual(place);
  });

  it('that are none lead to all messages', () => {
    for (const hash of ['', '#', '#x', '#/entry/%E0%A4%A', '#/entry']) {
      expect(placeOf(hash)).toEqual({ account: null, entry: null, index: 1 });
    }
  });
});

describe('texts', () => {
  it('have their links apart, and no other mark-up', () => {
    expect(pieces('见 https://a.example/b?c=1，或 <a href="https://d.example">这里</a>。<b>x</b>')).toEqual([
      { text: '见 ' }, { link: 'https://a.example/b?c=1', text: 'https://a.example/b?c=1' }, { text: '，或 ' },
      { link: 'https://d.example', text: '这里' }, { text: '。<b>x</b>' },
    ]);
  });

  it('sec08 never lead to a script', () => {
    for (const text of ['javascript:alert(1)', '<a href="javascript:alert(1)">x</a>', '<a href=\'data:text/html,x\'>x</a>']) {
      expect(pieces(text)).toEqual([{ text }]);
    }
  });

  it('are one line in a list, and the type stands for what has no words', () => {
    expect(summary({ ...entry(1), text: 'a\n b' }, (name) => name)).toBe('a b');
    expect(summary({ id: '', account: '', account_name: '', sent_at: '', type: 'voice' }, (name) => name)).toBe('type.voice');
  });
});

describe('times', () => {
  const now = new Date(2026, 10, 23, 15, 0);
  const at = (...parts: [number, number, number, number, number]) => new Date(...parts).toISOString();

  it('are as short as their distance allows', () => {
    expect(shortTime(at(2026, 10, 23, 9, 5), now, 'zh-CN')).toBe('09:05');
    expect(shortTime(at(2026, 10, 22, 23, 59), now, 'zh-CN')).toBe('昨天 23:59');
    expect(shortTime(at(2026, 10, 22, 23, 59), now, 'en')).toBe('Yesterday 23:59');
    expect(shortTime(at(2026, 0, 2, 9, 5), now, 'zh-CN')).toBe('1月2日');
    expect(shortTime(at(2025, 11, 31, 9, 5), now, 'en')).toBe('Dec 31, 2025');
  });

  it('of sounds are minutes and seconds', () => {
    expect([0, 59.6, 61, Number.NaN].map(clock)).toEqual(['0:00', '1:00', '1:01', '0:00']);
  });
});

describe('an article in its frame', () => {
  const page = '<html><head><meta name="color-scheme" content="light dark"><meta http-equiv="refresh" content="0;url=//evil">'
    + '<base href="//evil"><style>@media (prefers-color-scheme: dark) { body { color: red } }</style></head>'
    + '<body><script>alert(1)</script><a href="/s/2">x</a><a href="#note">y</a></body></html>';

  it('opens its links outside, and has nothing that acts by itself', () => {
    const html = framed(page, 'https://server.example/s/1', 'auto');
    expect(html).toContain('href="https://server.example/s/2"');
    expect(html).toContain('target="_blank"');
    expect(html).toContain('<a href="#note">');
    for (const part of ['<script', '<base', 'http-equiv']) expect(html).not.toContain(part);
    expect(html).toContain('prefers-color-scheme: dark');
  });

  it('has the appearance that the reader chose', () => {
    expect(framed(page, 'https://server.example/s/1', 'dark')).toContain('@media (min-width: 0)');
    expect(framed(page, 'https://server.example/s/1', 'light')).toContain('@media (max-width: 0)');
    expect(framed(page, 'https://server.example/s/1', 'dark')).toContain('content="dark"');
  });
});

it('an article takes comments when its page has a place for them', () => {
  expect(takesComments('<section><h2 id="comments">精选留言</h2></section>')).toBe(true);
  expect(takesComments('<p>comments</p>')).toBe(false);
});

it('every word is there in both languages', () => {
  const keys = (words: object, path = ''): string[] => Object.entries(words)
    .flatMap(([key, value]) => (typeof value === 'string' ? [`${path}${key}`] : keys(value as object, `${path}${key}.`)));
  expect(keys(en)).toEqual(keys(zh));
});
