// One reader's inbox, alive: loads, follows, marks and remembers. The reader and the embedded element both show one.

import { computed, reactive, readonly, ref, type ComputedRef } from 'vue';
import { type Api, Failure, type FailureKind, kindOf } from './api';
import type { Kept } from './cache';
import * as inbox from './inbox';
import { follow, type LiveState, pause, wait } from './live';
import type { Account, Entry, Me, Preferences } from './types';

/** How the inbox stands as a whole. */
export type Phase = 'starting' | 'ready' | 'failing' | 'offline' | 'expired';

/** Calls that many events ask for at once are made once, a moment later, and not by all readers at the same time. */
const SETTLE_MS = 800;
const PAGE = 20;

export interface FeedState {
  loading: boolean;
  failure: FailureKind | null;
}

export interface StoreOptions {
  /** What outlives the page; the embedded element keeps nothing. */
  kept?: Kept;
  /** Told of each entry that arrives while the reader looks on. */
  arrived?: (entry: Entry) => void;
  /** Told of each entry that was taken back. */
  recalled?: (id: string) => void;
}

export type Store = ReturnType<typeof createStore>;

export function createStore(api: Api, options: StoreOptions = {}) {
  const { kept } = options;
  const known = reactive(inbox.emptyInbox());
  const feeds = reactive<Record<string, FeedState>>({});
  const phase = ref<Phase>('starting');
  const live = ref<LiveState>('waiting');
  const me = ref<Me | null>(null);
  /** Until when recalls are known; a stream that goes on without a break tells of later ones. */
  let recallsUntil: string | undefined;
  let position: string | null = null;
  let endFollowing = () => {};
  let settling: ReturnType<typeof setTimeout> | undefined;
  let marking: ReturnType<typeof setTimeout> | undefined;
  let marks: Record<string, string> = {};
  let stopped = false;
  const over = new AbortController();

  const unread: ComputedRef<number> = computed(() => inbox.unreadTotal(known));
  const unreadIds = computed(() => inbox.unreadIds(known));

  /** Shows what was kept, then what the server has, then follows. */
  async function start(): Promise<void> {
    phase.value = 'starting';
    await showKept();
    await load();
  }

  async function showKept(): Promise<void> {
    if (!kept) return;
    const [entries, accounts, who] = [await kept.entries(), await kept.get('accounts'), await kept.get('me')];
    marks = await kept.get('marks') ?? {};
    recallsUntil = await kept.get('recallsUntil');
    if (who) me.value = who;
    if (accounts) known.accounts = accounts;
    inbox.takeKept(known, entries);
  }

  async function load(attempt = 0): Promise<void> {
    endFollowing();
    try {
      me.value = await api.me();
      await tellMarks();
      await learnRecalls();
      const [page, accounts] = await Promise.all([api.entries({ limit: PAGE }), loadAccounts()]);
      if (stopped) return;
      inbox.takePage(known, inbox.ALL, page, true);
      inbox.takeAccounts(known, accounts);
      position = page.position;
      phase.value = 'ready';
      void remember(page.entries);
      void kept?.set('me', me.value);
      listen();
    } catch (error) {
      const kind = kindOf(error);
      phase.value = kind === 'refused' ? 'failing' : kind;
      if (kind !== 'expired') void again(attempt);
    }
  }

  async function again(attempt: number): Promise<void> {
    await pause(wait(attempt + 1), over.signal);
    // Somebody may have pressed the button meanwhile.
    if (!stopped && (phase.value === 'offline' || phase.value === 'failing')) await load(attempt + 1);
  }

  async function loadAccounts() {
    const answer = await api.accounts();
    for (const account of answer.accounts) {
      if (account.latest) account.latest = api.rebase(account.latest);
    }
    return answer;
  }

  function listen(): void {
    if (position === null || stopped) return;
    endFollowing = follow(api, position, {
      ready: settle,
      entry(entry) {
        if (!inbox.arrive(known, entry)) return;
        void remember([entry]);
        options.arrived?.(entry);
        settle();
      },
      recall: ({ id }) => forget(id),
      change(entry) {
        inbox.change(known, entry);
        void kept?.forget(entry.id).then(() => remember([entry]));
      },
      read: (answer) => {
        inbox.takeUnread(known, answer);
        settle();
      },
      position: (to) => { position = to; },
      contact: async () => {
        await tellMarks();
        await learnRecalls();
      },
      state: (state) => { live.value = state; },
      expired: () => { phase.value = 'expired'; },
      lost: () => void load(),
    });
  }

  /** Asks for the accounts again: their counts are the rows', ours only bridge the moment until then. */
  function settle(): void {
    clearTimeout(settling);
    settling = setTimeout(() => void refreshAccounts(), SETTLE_MS * (1 + Math.random()));
  }

  async function refreshAccounts(): Promise<void> {
    await quietly(async () => {
      if (Object.keys(marks).length > 0) await tellMarks();
      inbox.takeAccounts(known, await loadAccounts());
      void kept?.set('accounts', known.accounts);
    });
  }

  async function learnRecalls(): Promise<void> {
    const answer = await api.recalls(recallsUntil ?? '1970-01-01T00:00:00Z');
    for (const recall of answer.recalls) forget(recall.id);
    recallsUntil = answer.until;
    void kept?.set('recallsUntil', answer.until);
  }

  function forget(id: string): void {
    inbox.recall(known, id);
    void kept?.forget(id);
    options.recalled?.(id);
    settle();
  }

  async function remember(entries: Entry[]): Promise<void> {
    await kept?.keep(entries);
    await kept?.set('accounts', known.accounts);
  }

  /** Loads the first or the following page of a feed. */
  async function more(key: string, query: { account?: string | null; q?: string } = {}, first = false): Promise<void> {
    const state = (feeds[key] ??= { loading: false, failure: null });
    const feed = inbox.feedOf(known, key);
    if (state.loading || (!first && feed.loaded && feed.next === null)) return;
    state.loading = true;
    state.failure = null;
    try {
      const cursor = first || !feed.loaded ? null : feed.next;
      const page = await api.entries({ ...query, cursor, limit: PAGE });
      inbox.takePage(known, key, page, cursor === null);
      if (!key.startsWith('search:')) await remember(page.entries);
    } catch (error) {
      fail(error, (kind) => { state.failure = kind; });
    } finally {
      state.loading = false;
    }
  }

  /** One entry, also one that is not in any loaded feed; null when it was taken back or never was the reader's. */
  async function entry(id: string): Promise<Entry | null> {
    const here = known.entries[id];
    if (here) return here;
    try {
      const found = await api.entry(id);
      known.entries[id] = found;
      return found;
    } catch (error) {
      if (error instanceof Failure && error.status === 404) {
        forget(id);
        return null;
      }
      throw error;
    }
  }

  /** The reader saw this entry: everything of its account up to it is read. */
  function seen(entry: Entry): void {
    if (!unreadIds.value.has(entry.id)) return;
    inbox.readUpTo(known, entry.id);
    marks[entry.account] = entry.id;
    void kept?.set('marks', marks);
    clearTimeout(marking);
    marking = setTimeout(() => void quietly(tellMarks), 300);
  }

  /** Tells the server what was read; what it could not be told is kept for the next contact. */
  async function tellMarks(): Promise<void> {
    for (const [account, entry] of Object.entries(marks)) {
      try {
        const answer = await api.markRead({ entry });
        if (marks[account] === entry) delete marks[account];
        if (Object.keys(marks).length === 0) inbox.takeUnread(known, answer);
      } catch (error) {
        // A mark on what was taken back means nothing any more.
        if (kindOf(error) !== 'refused') throw error;
        delete marks[account];
      }
    }
    await kept?.set('marks', marks);
  }

  async function readAll(account: string | null): Promise<void> {
    for (const each of known.accounts) {
      if (account === null || each.account === account) each.unread = 0;
    }
    await quietly(async () => {
      const upTo = account !== null ? { account } : position !== null ? { position } : null;
      if (upTo) inbox.takeUnread(known, await api.markRead(upTo));
    });
  }

  /** Changes what the reader wants of an account; throws when the server refuses. */
  async function prefer(account: string, preferences: Preferences): Promise<void> {
    const answer: Account = await api.change(account, preferences);
    if (answer.latest) answer.latest = api.rebase(answer.latest);
    inbox.takeAccount(known, answer);
    void kept?.set('accounts', known.accounts);
  }

  /** Does what may wait until the next contact. */
  async function quietly(what: () => Promise<void>): Promise<void> {
    try {
      await what();
    } catch (error) {
      fail(error, () => undefined);
    }
  }

  function fail(error: unknown, or: (kind: FailureKind) => void): void {
    const kind = kindOf(error);
    if (kind === 'expired') phase.value = 'expired';
    else or(kind);
  }

  function stop(): void {
    stopped = true;
    over.abort();
    endFollowing();
    clearTimeout(settling);
    clearTimeout(marking);
  }

  return {
    api, known, feeds, phase: readonly(phase), live: readonly(live), me: readonly(me), unread, unreadIds,
    start, retry: () => load(), stop, more, entry, seen, readAll, prefer,
  };
}
