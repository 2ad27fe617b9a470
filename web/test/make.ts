// Entries and accounts for tests.

import type { Account, Entry, Page } from '../src/core/types';

/** The `number`-th text of an account, a minute after the one before. */
export function entry(number: number, account = 'wx1'): Entry {
  return {
    id: `${account}-${number}`, account, account_name: `Account ${account}`, type: 'text', text: `text ${number}`,
    sent_at: new Date(Date.UTC(2026, 10, 2, 10, number)).toISOString(),
  };
}

export function account(name: string, unread: number, latest: Entry | null = null, muted = false): Account {
  return { account: name, name: `Account ${name}`, following: true, muted, opted_out: false, tags: [], unread, read_up_to: null, latest };
}

export function page(entries: Entry[], next: string | null = null, position = 'P'): Page {
  return { entries, next_cursor: next, position };
}

/** A server that answers each path by a function of its address and body; what it was asked is in `calls`. */
export function server(answers: Record<string, (url: URL, body: unknown) => unknown>) {
  const calls: string[] = [];
  const fetch = async (address: string, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(address);
    const name = `${init.method ?? 'GET'} ${url.pathname}`;
    calls.push(`${name}${url.search}`);
    const answer = answers[name];
    if (!answer) return new Response('', { status: 404 });
    const value = await answer(url, init.body ? JSON.parse(String(init.body)) : null);
    return value instanceof Response ? value : Response.json(value);
  };
  return { calls, fetch };
}

/** A stream of server-sent events that the test writes to. */
export function eventStream() {
  let writer!: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({ start: (controller) => { writer = controller; } });
  const encoder = new TextEncoder();
  return {
    response: new Response(body, { headers: { 'content-type': 'text/event-stream' } }),
    send: (event: string, id: string, data: unknown) => writer.enqueue(encoder.encode(`event: ${event}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`)),
    raw: (text: string) => writer.enqueue(encoder.encode(text)),
    end: () => writer.close(),
  };
}
