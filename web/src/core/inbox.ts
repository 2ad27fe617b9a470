// What is known of an inbox, and how news changes it. Pure functions over one plain object: what arrives twice or late
// changes nothing, so pages, the live feed and the cache may meet in any order.

import type { Account, AccountsAnswer, Entry, Page, UnreadAnswer } from './types';

/** Entries in the order of the server, newest first; `next` is where the following page begins. */
export interface Feed {
  ids: string[];
  next: string | null;
  /** Whether a page of the server is in it, not just what was kept. */
  loaded: boolean;
}

export interface Inbox {
  accounts: Account[];
  entries: Record<string, Entry>;
  /** By [feedKey]. */
  feeds: Record<string, Feed>;
  /** What was taken back, so that it does not come again from a slow answer or the cache. */
  recalled: Set<string>;
}

export const ALL = 'all';

/** The name of the feed of one account. */
export const accountFeed = (account: string) => `account:${account}`;
/** The name of the feed of what was searched for. */
export const searchFeed = (words: string, account: string | null) => `search:${account ?? ''}:${words}`;

export function emptyInbox(): Inbox {
  return { accounts: [], entries: {}, feeds: {}, recalled: new Set() };
}

export function feedOf(inbox: Inbox, key: string): Feed {
  return (inbox.feeds[key] ??= { ids: [], next: null, loaded: false });
}

export function entriesOf(inbox: Inbox, key: string): Entry[] {
  const known = inbox.feeds[key]?.ids.map((id) => inbox.entries[id]) ?? [];
  return known.filter((entry) => entry !== undefined);
}

export function takeAccounts(inbox: Inbox, answer: AccountsAnswer): void {
  inbox.accounts = answer.accounts.map((account) => withoutRecalled(inbox, account));
}

export function takeAccount(inbox: Inbox, account: Account): void {
  const place = inbox.accounts.findIndex((known) => known.account === account.account);
  if (place >= 0) inbox.accounts.splice(place, 1, withoutRecalled(inbox, account));
}

export function takeUnread(inbox: Inbox, answer: UnreadAnswer): void {
  for (const account of inbox.accounts) account.unread = answer.accounts[account.account] ?? 0;
}

/** Takes a page: the first one replaces what was there, a further one goes to the end. */
export function takePage(inbox: Inbox, key: string, page: Page, first: boolean): void {
  const feed = feedOf(inbox, key);
  const entries = page.entries.filter((entry) => !inbox.recalled.has(entry.id));
  for (const entry of entries) inbox.entries[entry.id] = entry;
  const known = new Set(first ? [] : feed.ids);
  const more = entries.map((entry) => entry.id).filter((id) => !known.has(id));
  feed.ids = first ? more : [...feed.ids, ...more];
  feed.next = page.next_cursor;
  feed.loaded = true;
}

/** Takes what was kept from an earlier visit, newest first; it gives way to the first page. */
export function takeKept(inbox: Inbox, entries: Entry[]): void {
  for (const entry of entries) {
    if (inbox.recalled.has(entry.id)) continue;
    inbox.entries[entry.id] ??= entry;
    for (const key of [ALL, accountFeed(entry.account)]) {
      const feed = feedOf(inbox, key);
      if (!feed.loaded && !feed.ids.includes(entry.id)) feed.ids.push(entry.id);
    }
  }
}

/** Puts a new entry on top; says whether it was new. */
export function arrive(inbox: Inbox, entry: Entry): boolean {
  if (inbox.recalled.has(entry.id) || feedOf(inbox, ALL).ids.includes(entry.id)) return false;
  inbox.entries[entry.id] = entry;
  feedOf(inbox, ALL).ids.unshift(entry.id);
  const own = inbox.feeds[accountFeed(entry.account)];
  if (own && !own.ids.includes(entry.id)) own.ids.unshift(entry.id);
  const place = inbox.accounts.findIndex((account) => account.account === entry.account);
  const [account] = place < 0 ? [] : inbox.accounts.splice(place, 1);
  // The answer with the accounts may have been newer than this event.
  if (account && account.latest?.id !== entry.id) {
    account.latest = entry;
    account.unread += 1;
  }
  if (account) inbox.accounts.unshift(account);
  return true;
}

/** Replaces an entry whose content changed. */
export function change(inbox: Inbox, entry: Entry): void {
  if (inbox.entries[entry.id]) inbox.entries[entry.id] = entry;
  for (const account of inbox.accounts) {
    if (account.latest?.id === entry.id) account.latest = entry;
  }
}

/** Takes an entry out of everything; returns it if it was known. */
export function recall(inbox: Inbox, id: string): Entry | undefined {
  const unread = unreadIds(inbox).has(id);
  inbox.recalled.add(id);
  const entry = inbox.entries[id];
  delete inbox.entries[id];
  for (const feed of Object.values(inbox.feeds)) feed.ids = feed.ids.filter((known) => known !== id);
  for (const account of inbox.accounts) {
    if (unread && entry?.account === account.account && account.unread > 0) account.unread -= 1;
    if (account.latest?.id === id) account.latest = newestOf(inbox, account.account);
  }
  return entry;
}

/** Unread entries of all accounts that are not muted. */
export function unreadTotal(inbox: Inbox): number {
  return inbox.accounts.reduce((sum, account) => sum + (account.muted ? 0 : account.unread), 0);
}

/**
 * The known entries that were not read. A read mark is a position, so an account's unread entries are its newest ones,
 * as many as its count says.
 */
export function unreadIds(inbox: Inbox): Set<string> {
  const unread = new Set<string>();
  for (const account of inbox.accounts) {
    for (const id of ownIds(inbox, account.account).slice(0, account.unread)) unread.add(id);
  }
  return unread;
}

/** Marks an account as read up to this entry, as the server will when it is told. */
export function readUpTo(inbox: Inbox, id: string): void {
  const entry = inbox.entries[id];
  const account = inbox.accounts.find((known) => known.account === entry?.account);
  if (!account) return;
  const newer = ownIds(inbox, account.account).indexOf(id);
  if (newer >= 0) account.unread = Math.min(account.unread, newer);
}

function ownIds(inbox: Inbox, account: string): string[] {
  const own = inbox.feeds[accountFeed(account)];
  if (own?.loaded) return own.ids;
  return feedOf(inbox, ALL).ids.filter((id) => inbox.entries[id]?.account === account);
}

function newestOf(inbox: Inbox, account: string): Entry | null {
  const id = ownIds(inbox, account)[0];
  return (id && inbox.entries[id]) || null;
}

function withoutRecalled(inbox: Inbox, account: Account): Account {
  const gone = account.latest && inbox.recalled.has(account.latest.id);
  return gone ? { ...account, latest: newestOf(inbox, account.account) } : account;
}
