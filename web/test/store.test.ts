import 'fake-indexeddb/auto';
import { IDBFactory } from 'fake-indexeddb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Api } from '../src/core/api';
import { ENTRIES_KEPT, filesOf, Kept } from '../src/core/cache';
import { ALL, entriesOf } from '../src/core/inbox';
import { createStore, type Store } from '../src/core/store';
import { account, entry, eventStream, page, server } from './make';

let stores: Store[] = [];

beforeEach(() => { vi.stubGlobal('indexedDB', new IDBFactory()); });
afterEach(() => {
  stores.forEach((store) => store.stop());
  stores = [];
  vi.unstubAllGlobals();
});

/** A server with two entries of one account, the newer of them unread, and a live feed. */
function world() {
  const stream = eventStream();
  const state = { entries: [entry(2), entry(1)], unread: 1, recalls: [] as { id: string; account: string }[], down: false };
  const up = <T>(answer: T) => (state.down ? new Response('', { status: 503 }) : answer);
  const { fetch, calls } = server({
    'GET /inbox/me': () => up({ kind: 'person', external_id: 'user-1', nickname: '王芳', expires_at: '2026-11-02T12:00:00Z', sandbox: false }),
    'GET /inbox/recalls': () => up({ recalls: state.recalls, until: '2026-11-02T10:30:00Z' }),
    'GET /inbox/accounts': () => up({ accounts: [account('wx1', state.unread, state.entries[0] ?? null)], unread: state.unread, position: 'P' }),
    'GET /inbox/entries': (url) => up(url.searchParams.has('after') ? { entries: [], position: 'P', more: false } : page(state.entries)),
    'GET /inbox/entries/gone': () => new Response('', { status: 404 }),
    'POST /inbox/read': () => {
      if (state.down) return new Response('', { status: 503 });
      state.unread = 0;
      return { unread: 0, accounts: { wx1: 0 } };
    },
    'GET /inbox/live': () => up(stream.response.clone()),
  });
  vi.stubGlobal('fetch', fetch);
  return { stream, state, calls };
}

async function open(kept?: Kept, options = {}): Promise<Store> {
  const store = createStore(new Api('http://server.example', 'T'), { ...(kept ? { kept } : {}), ...options });
  stores.push(store);
  await store.start();
  return store;
}

const ids = (store: Store) => entriesOf(store.known, ALL).map((each) => each.id);

describe('an inbox', () => {
  it('shows the server’s entries and counts, and each arrival at once', async () => {
    const { stream } = world();
    const arrived: string[] = [];
    const store = await open(undefined, { arrived: (each: { id: string }) => arrived.push(each.id) });
    expect([ids(store), store.unread.value, store.phase.value]).toEqual([['wx1-2', 'wx1-1'], 1, 'ready']);
    stream.send('ready', 'P', { position: 'P', unread: 1 });
    stream.send('entry', 'P1', entry(3));
    await vi.waitFor(() => expect(store.unread.value).toBe(2));
    expect([ids(store), arrived]).toEqual([['wx1-3', 'wx1-2', 'wx1-1'], ['wx1-3']]);
  });

  it('tells the server once what was seen, and the older entries with it', async () => {
    const { calls } = world();
    const store = await open();
    store.seen(entry(2));
    store.seen(entry(1));
    expect(store.unread.value).toBe(0);
    await vi.waitFor(() => expect(calls.filter((call) => call === 'POST /inbox/read')).toHaveLength(1));
  });

  it('says that the token has expired', async () => {
    vi.stubGlobal('fetch', async () => new Response('', { status: 401 }));
    expect((await open()).phase.value).toBe('expired');
  });

  it('says that the server fails and goes on when it answers again', async () => {
    const { state } = world();
    state.down = true;
    const store = await open();
    expect(store.phase.value).toBe('failing');
    state.down = false;
    await store.retry();
    expect([store.phase.value, ids(store)]).toEqual(['ready', ['wx1-2', 'wx1-1']]);
  });

  it('knows that an entry is not there', async () => {
    world();
    const store = await open();
    expect(await store.entry('gone')).toBeNull();
    expect((await store.entry('wx1-1'))?.id).toBe('wx1-1');
  });
});

describe('without a network', () => {
  it('what was read before is there, and what is read then is told at the next contact', async () => {
    const { state, calls } = world();
    const kept = await Kept.open();
    (await open(kept)).stop();
    await vi.waitFor(async () => expect(await kept.entries()).toHaveLength(2));
    await vi.waitFor(async () => expect((await kept.get('accounts'))?.[0]?.unread).toBe(1));

    state.down = true;
    const store = await open(kept);
    expect([store.phase.value, ids(store), store.unread.value]).toEqual(['failing', ['wx1-2', 'wx1-1'], 1]);
    store.seen(entry(2));
    await vi.waitFor(async () => expect(await kept.get('marks')).toEqual({ wx1: 'wx1-2' }));
    await vi.waitFor(() => expect(calls).toContain('POST /inbox/read'));

    state.down = false;
    await store.retry();
    expect([state.unread, store.unread.value, await kept.get('marks')]).toEqual([0, 0, {}]);
  });

  it('i15 what was taken back meanwhile goes at the next contact, from the page and from this device', async () => {
    const { state } = world();
    const kept = await Kept.open();
    (await open(kept)).stop();
    await vi.waitFor(async () => expect(await kept.entries()).toHaveLength(2));

    state.recalls = [{ id: 'wx1-2', account: 'wx1' }];
    state.entries = [entry(1)];
    const gone: string[] = [];
    const store = await open(kept, { recalled: (id: string) => gone.push(id) });
    expect([ids(store), gone]).toEqual([['wx1-1'], ['wx1-2']]);
    await vi.waitFor(async () => expect((await kept.entries()).map((each) => each.id)).toEqual(['wx1-1']));
  });

  it('i15 a live recall is forgotten by this device too', async () => {
    const { stream } = world();
    const kept = await Kept.open();
    const store = await open(kept);
    await vi.waitFor(async () => expect(await kept.entries()).toHaveLength(2));
    stream.send('ready', 'P', { position: 'P', unread: 1 });
    stream.send('recall', 'P1', { id: 'wx1-2', account: 'wx1' });
    await vi.waitFor(() => expect(ids(store)).toEqual(['wx1-1']));
    await vi.waitFor(async () => expect((await kept.entries()).map((each) => each.id)).toEqual(['wx1-1']));
  });
});

describe('what is kept', () => {
  it('is the newest entries and no more than a limit', async () => {
    const kept = await Kept.open();
    const many = Array.from({ length: ENTRIES_KEPT + 20 }, (_, number) => entry(number));
    await kept.keep(many);
    const left = await kept.entries();
    expect([left.length, left[0]?.id, left.at(-1)?.id]).toEqual([ENTRIES_KEPT, `wx1-${ENTRIES_KEPT + 19}`, 'wx1-20']);
  });

  it('goes with the reader', async () => {
    const kept = await Kept.open();
    await kept.set('token', 'T');
    await kept.keep([entry(1)]);
    await kept.wipe();
    expect([await kept.get('token'), await kept.entries()]).toEqual([undefined, []]);
  });

  it('is nothing where the browser keeps nothing', async () => {
    vi.stubGlobal('indexedDB', { open: () => { throw new DOMException('denied'); } });
    const kept = await Kept.open();
    await kept.set('token', 'T');
    expect([await kept.get('token'), await kept.entries()]).toEqual([undefined, []]);
  });

  it('knows all files of an entry', () => {
    const article = (name: string) => ({ title: name, digest: '', url: `/s/${name}`, cover_url: `/media/${name}` });
    expect(filesOf({ ...entry(1), url: '/s/a', cover_url: '/media/a', articles: [article('a'), article('b')] }))
      .toEqual(['/s/a', '/media/a', '/s/b', '/media/b']);
  });
});
