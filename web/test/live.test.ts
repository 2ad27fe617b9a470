import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Api } from '../src/core/api';
import { follow, type LiveHandlers, SILENCE_MS, wait } from '../src/core/live';
import { entry, eventStream, page, server } from './make';

let end = () => {};

beforeEach(() => { vi.useFakeTimers(); });
afterEach(() => {
  end();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Follows from `P0`; what happens is written down in `seen`. */
function start(fetch: (address: string, init?: RequestInit) => Promise<Response>) {
  const seen: string[] = [];
  const on: LiveHandlers = {
    ready: (unread) => seen.push(`ready ${unread}`),
    entry: (each) => seen.push(`entry ${each.id}`),
    recall: (each) => seen.push(`recall ${each.id}`),
    change: (each) => seen.push(`change ${each.id}`),
    read: (answer) => seen.push(`read ${answer.unread}`),
    position: (position) => seen.push(`at ${position}`),
    contact: () => { seen.push('contact'); },
    state: (state) => seen.push(state),
    expired: () => seen.push('expired'),
    lost: () => seen.push('lost'),
  };
  vi.stubGlobal('fetch', fetch);
  end = follow(new Api('http://server.example', 'T'), 'P0', on);
  return seen;
}

const turn = (ms = 0) => vi.advanceTimersByTimeAsync(ms);
const positions = (init?: RequestInit) => new Headers(init?.headers).get('last-event-id');

describe('the live feed', () => {
  it('tells each event and remembers the place after it', async () => {
    const stream = eventStream();
    const seen = start(async () => stream.response);
    stream.send('ready', 'P0', { position: 'P0', unread: 3 });
    stream.send('entry', 'P1', entry(1));
    stream.raw(': heartbeat\n\n');
    stream.send('recall', 'P2', { id: 'wx1-1', account: 'wx1' });
    stream.send('something of a newer server', 'P3', {});
    await turn();
    expect(seen).toEqual(['live', 'ready 3', 'contact', 'at P0', 'entry wx1-1', 'at P1', 'recall wx1-1', 'at P2', 'at P3']);
  });

  it('i08 goes on after the last event when the stream breaks off, also in the middle of one', async () => {
    const streams = [eventStream(), eventStream()];
    const asked: (string | null)[] = [];
    const seen = start(async (_, init) => {
      asked.push(positions(init));
      return streams[asked.length - 1]?.response ?? new Response('', { status: 503 });
    });
    streams[0]?.send('ready', 'P0', { position: 'P0', unread: 0 });
    streams[0]?.send('entry', 'P1', entry(1));
    streams[0]?.raw(`event: entry\nid: P2\ndata: ${JSON.stringify(entry(2)).slice(0, 20)}`);
    await turn();
    streams[0]?.end();
    await turn(1_000);
    streams[1]?.send('ready', 'P1', { position: 'P1', unread: 1 });
    streams[1]?.send('entry', 'P2', entry(2));
    await turn();
    expect(asked).toEqual(['P0', 'P1']);
    expect(seen.filter((each) => each.startsWith('entry'))).toEqual(['entry wx1-1', 'entry wx1-2']);
  });

  it('asks for pages of what came since where no stream can be had', async () => {
    let position = 'P0';
    const { fetch, calls } = server({
      'GET /inbox/live': () => new Response('', { status: 502 }),
      'GET /inbox/entries': (url) => {
        const after = url.searchParams.get('after');
        if (after === 'P0') position = 'P1';
        else if (after === 'P1') position = 'P2';
        const number = { P0: 1, P1: 2 }[after ?? ''];
        return { entries: number ? [entry(number)] : [], position, more: after === 'P0' };
      },
    });
    const seen = start(fetch);
    await turn(3_000);
    expect(seen.filter((each) => /entry|live/.test(each))).toEqual(['entry wx1-1', 'entry wx1-2']);
    expect(seen).toContain('contact');
    expect(calls.filter((call) => call.startsWith('GET /inbox/entries')).slice(0, 2)).toEqual([
      'GET /inbox/entries?after=P0&limit=100', 'GET /inbox/entries?after=P1&limit=100',
    ]);
  });

  it('gives a stream up that has been silent for longer than two heartbeats', async () => {
    let streams = 0;
    const seen = start(async (_, init) => {
      streams += 1;
      const stream = eventStream();
      init?.signal?.addEventListener('abort', () => { try { stream.end(); } catch { /* ended by its reader */ } });
      stream.send('ready', 'P0', { position: 'P0', unread: 0 });
      return stream.response;
    });
    await turn(SILENCE_MS - 1_000);
    expect(streams).toBe(1);
    await turn(3_000);
    expect(streams).toBe(2);
    expect(seen.filter((each) => each === 'live')).toHaveLength(2);
  });

  it('ends when the token is no more', async () => {
    const { fetch, calls } = server({ 'GET /inbox/live': () => new Response('', { status: 401 }) });
    const seen = start(fetch);
    await turn(120_000);
    expect(seen).toEqual(['expired']);
    expect(calls).toHaveLength(1);
  });

  it('ends with `lost` when the server does not know the position', async () => {
    const { fetch } = server({ 'GET /inbox/live': () => new Response('', { status: 400 }) });
    const seen = start(fetch);
    await turn(120_000);
    expect(seen).toEqual(['lost']);
  });

  it('tries at once when the network is back', async () => {
    let online = false;
    let attempts = 0;
    const seen = start(async () => {
      attempts += 1;
      if (!online) throw new TypeError('no network');
      const stream = eventStream();
      stream.send('ready', 'P0', { position: 'P0', unread: 0 });
      return stream.response;
    });
    await turn(100_000);
    const before = attempts;
    online = true;
    window.dispatchEvent(new Event('online'));
    await turn(10);
    expect(attempts).toBe(before + 1);
    expect(seen.at(-1)).toBe('at P0');
  });

  it('waits longer each time, half a minute at most, and not the same for all', () => {
    vi.spyOn(Math, 'random').mockReturnValue(1);
    expect([0, 1, 2, 10].map(wait)).toEqual([500, 1_000, 2_000, 30_000]);
    vi.spyOn(Math, 'random').mockReturnValue(0);
    expect(wait(10)).toBe(15_000);
  });
});

it('addresses of entries are on the server that was asked', async () => {
  const { fetch } = server({
    'GET /inbox/entries': () => page([{ ...entry(1), media_url: 'http://inside.example:8080/media/abc' }]),
  });
  vi.stubGlobal('fetch', fetch);
  const answer = await new Api('https://push.example', 'T').entries({});
  expect(answer.entries[0]?.media_url).toBe('https://push.example/media/abc');
});
