// The live feed: a stream of events that is taken up again where it broke off.
//
// The position of the last event is all that is remembered, so what came while there was no stream comes first. Where no
// stream can be had, each attempt asks for a page of what came since.

import { createParser } from 'eventsource-parser';
import { type Api, type Failure, kindOf } from './api';
import type { Entry, Recall, UnreadAnswer } from './types';

/** How the feed stands: `live`, or `waiting` for the next attempt. */
export type LiveState = 'live' | 'waiting';

export interface LiveHandlers {
  ready(unread: number): void;
  entry(entry: Entry): void;
  recall(recall: Recall): void;
  change(entry: Entry): void;
  read(unread: UnreadAnswer): void;
  /** The place after the last event, to be remembered. */
  position(position: string): void;
  /** Each time contact is made again, by a stream or a page. */
  contact(): void | Promise<void>;
  state(state: LiveState): void;
  /** The token is no more; the feed has ended. */
  expired(): void;
  /** The server does not know the position any more; the feed has ended. */
  lost(): void;
}

/** Heartbeats come every 25 s; a stream that is silent for longer than two of them is dead. */
export const SILENCE_MS = 60_000;
const WAIT_MIN_MS = 500;
const WAIT_MAX_MS = 30_000;

/** Follows the feed from `position` on; the returned function ends it. */
export function follow(api: Api, position: string, on: LiveHandlers): () => void {
  const ended = new AbortController();
  void run(api, position, on, ended.signal);
  return () => ended.abort();
}

async function run(api: Api, start: string, on: LiveHandlers, ended: AbortSignal): Promise<void> {
  let position = start;
  let failures = 0;
  const moved = (to: string) => {
    position = to;
    on.position(to);
  };
  while (!ended.aborted) {
    try {
      await stream(api, position, on, moved, () => { failures = 0; }, ended);
    } catch (error) {
      if (ended.aborted) return;
      if (stops(error, on)) return;
      if (failures > 0 && await page(api, position, on, moved) === 'over') return;
    }
    if (ended.aborted) return;
    on.state('waiting');
    await pause(wait(failures), ended);
    failures += 1;
  }
}

/** Reads one stream to its end. */
async function stream(
  api: Api, position: string, on: LiveHandlers, moved: (to: string) => void, began: () => void, ended: AbortSignal,
): Promise<void> {
  const silent = new AbortController();
  let patience = setTimeout(() => silent.abort(), SILENCE_MS);
  const heard = () => {
    clearTimeout(patience);
    patience = setTimeout(() => silent.abort(), SILENCE_MS);
  };
  const signal = AbortSignal.any([ended, silent.signal]);
  try {
    const body = await api.live(position, signal);
    const parser = createParser({
      onEvent(event) {
        if (ended.aborted) return;
        if (event.event === 'ready') {
          began();
          on.state('live');
        }
        dispatch(api, event.event, event.data, on);
        if (event.id) moved(event.id);
      },
    });
    const text = new TextDecoder();
    const reader = body.getReader();
    signal.addEventListener('abort', () => void reader.cancel().catch(() => undefined), { once: true });
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      heard();
      parser.feed(text.decode(value, { stream: true }));
    }
  } finally {
    clearTimeout(patience);
  }
}

function dispatch(api: Api, event: string | undefined, data: string, on: LiveHandlers): void {
  const value: unknown = JSON.parse(data);
  switch (event) {
    case 'ready':
      on.ready((value as { unread: number }).unread);
      void on.contact();
      break;
    case 'entry':
      on.entry(api.rebase(value as Entry));
      break;
    case 'change':
      on.change(api.rebase(value as Entry));
      break;
    case 'recall':
      on.recall(value as Recall);
      break;
    case 'read':
      on.read(value as UnreadAnswer);
      break;
    // Events of a newer server.
    default:
      break;
  }
}

/** Asks for what came since, page by page. */
async function page(
  api: Api, position: string, on: LiveHandlers, moved: (to: string) => void,
): Promise<'over' | 'goes on'> {
  try {
    for (let at = position; ;) {
      const since = await api.since(at);
      since.entries.forEach((entry) => on.entry(entry));
      at = since.position;
      moved(at);
      if (!since.more) break;
    }
    await on.contact();
    return 'goes on';
  } catch (error) {
    return stops(error, on) ? 'over' : 'goes on';
  }
}

/** Whether there is no use in trying again; tells why. */
function stops(error: unknown, on: LiveHandlers): boolean {
  const kind = error instanceof SyntaxError ? 'failing' : kindOf(error);
  if (kind === 'expired') {
    on.expired();
    return true;
  }
  if (kind === 'refused' && (error as Failure).status === 400) {
    on.lost();
    return true;
  }
  return false;
}

/** Milliseconds before the next attempt: twice as long each time, and not the same for all readers of a server. */
export function wait(failures: number): number {
  const most = Math.min(WAIT_MAX_MS, WAIT_MIN_MS * 2 ** failures);
  return most / 2 + Math.random() * (most / 2);
}

/** Waits, but not longer than until the network is back or the page is looked at again. */
export function pause(ms: number, ended: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = new AbortController();
    const finish = () => {
      clearTimeout(timer);
      over.abort();
      resolve();
    };
    const timer = setTimeout(finish, ms);
    const options = { signal: over.signal };
    ended.addEventListener('abort', finish, options);
    window.addEventListener('online', finish, options);
    document.addEventListener('visibilitychange', () => { if (!document.hidden) finish(); }, options);
  });
}
