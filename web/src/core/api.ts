// Calls of `/inbox` by one token, and what their failures mean to a reader.

import type { AccountsAnswer, Account, Entry, Me, Page, Preferences, RecallsAnswer, Since, UnreadAnswer } from './types';

/**
 * Why a call failed: `offline` nobody answered, `expired` the token is no more, `failing` the server has a fault of its
 * own, `refused` it does not do what was asked.
 */
export type FailureKind = 'offline' | 'expired' | 'failing' | 'refused';

export class Failure extends Error {
  constructor(readonly kind: FailureKind, readonly status = 0, detail = '') {
    super(detail || kind);
  }
}

type Query = Record<string, string | number | null | undefined>;

export class Api {
  /** `server` is an origin without a last slash. */
  constructor(readonly server: string, readonly token: string) {}

  me = () => this.json<Me>('GET', '/inbox/me');
  accounts = () => this.json<AccountsAnswer>('GET', '/inbox/accounts');
  unread = () => this.json<UnreadAnswer>('GET', '/inbox/unread');
  recalls = (since: string) => this.json<RecallsAnswer>('GET', '/inbox/recalls', { since });
  signOut = () => this.json<null>('DELETE', '/inbox/token');
  markRead = (upTo: { entry: string } | { account: string } | { position: string }) =>
    this.json<UnreadAnswer>('POST', '/inbox/read', {}, upTo);
  change = (account: string, preferences: Preferences) =>
    this.json<Account>('PATCH', `/inbox/accounts/${encodeURIComponent(account)}`, {}, preferences);
  /** Says that the reader opened an article whose page was loaded without the token; `index` counts from 1. */
  noteRead = (entry: string, index: number) =>
    this.json<null>('POST', `/inbox/entries/${encodeURIComponent(entry)}/reads`, {}, { index });
  comment = (entry: string, index: number, content: string) =>
    this.json<unknown>('POST', `/inbox/entries/${encodeURIComponent(entry)}/comments`, {}, { index, content });
  pushKey = () => this.json<{ public_key: string }>('GET', '/inbox/push');
  subscribe = (subscription: PushSubscriptionJSON, language: 'zh' | 'en') =>
    this.json<unknown>('POST', '/inbox/push/subscriptions', {}, {
      endpoint: subscription.endpoint, keys: subscription.keys, language,
    });
  unsubscribe = (endpoint: string) => this.json<null>('DELETE', '/inbox/push/subscriptions', {}, { endpoint });

  async entries(query: Query): Promise<Page> {
    const page = await this.json<Page>('GET', '/inbox/entries', query);
    return { ...page, entries: page.entries.map((entry) => this.rebase(entry)) };
  }

  async since(position: string): Promise<Since> {
    const since = await this.json<Since>('GET', '/inbox/entries', { after: position, limit: 100 });
    return { ...since, entries: since.entries.map((entry) => this.rebase(entry)) };
  }

  async entry(id: string): Promise<Entry> {
    return this.rebase(await this.json<Entry>('GET', `/inbox/entries/${encodeURIComponent(id)}`));
  }

  /** The page of an article; loaded with the token it counts as read by this reader. */
  async article(url: string): Promise<string> {
    return (await this.call('GET', url, { accept: 'text/html' })).text();
  }

  /** The live feed after `position`: a stream of server-sent events. */
  async live(position: string | null, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const headers: Record<string, string> = { accept: 'text/event-stream' };
    if (position !== null) headers['last-event-id'] = position;
    const answer = await this.call('GET', `${this.server}/inbox/live`, headers, undefined, signal);
    if (!answer.body || !answer.headers.get('content-type')?.startsWith('text/event-stream')) {
      throw new Failure('failing', answer.status, 'no stream');
    }
    return answer.body;
  }

  /** The entry with its addresses on this server: a proxy's public name may be another one than the page's. */
  rebase(entry: Entry): Entry {
    const moved = { ...entry };
    for (const name of ['url', 'media_url', 'cover_url'] as const) {
      const url = entry[name];
      if (url) moved[name] = this.here(url);
    }
    if (entry.media_urls) moved.media_urls = entry.media_urls.map((url) => this.here(url));
    if (entry.articles) {
      moved.articles = entry.articles.map((article) => ({
        ...article, url: this.here(article.url), cover_url: this.here(article.cover_url),
      }));
    }
    return moved;
  }

  private here(url: string): string {
    const { pathname, search } = new URL(url, this.server);
    return this.server + pathname + search;
  }

  private async json<T>(method: string, path: string, query: Query = {}, body?: unknown): Promise<T> {
    const url = new URL(this.server + path);
    for (const [name, value] of Object.entries(query)) {
      if (value !== null && value !== undefined && value !== '') url.searchParams.set(name, String(value));
    }
    const answer = await this.call(method, url.href, { accept: 'application/json' }, body);
    const text = await answer.text();
    return (text ? JSON.parse(text) : null) as T;
  }

  private async call(
    method: string, url: string, headers: Record<string, string>, body?: unknown, signal?: AbortSignal,
  ): Promise<Response> {
    const init: RequestInit = { method, headers: { ...headers, authorization: `Bearer ${this.token}` } };
    if (body !== undefined) {
      init.body = JSON.stringify(body);
      init.headers = { ...init.headers, 'content-type': 'application/json' };
    }
    if (signal) init.signal = signal;
    let answer: Response;
    try {
      answer = await fetch(url, init);
    } catch {
      throw new Failure('offline');
    }
    if (answer.ok) return answer;
    const detail = (await answer.text().catch(() => '')).slice(0, 400);
    if (answer.status === 401) throw new Failure('expired', 401, detail);
    throw new Failure(answer.status >= 500 || answer.status === 429 ? 'failing' : 'refused', answer.status, detail);
  }
}

/** What kind of failure this was; a fault of our own program is none of them and goes on. */
export function kindOf(error: unknown): FailureKind {
  if (error instanceof Failure) return error.kind;
  throw error;
}
