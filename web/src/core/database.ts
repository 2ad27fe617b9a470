// The database of this origin in the browser, which the reader and its service worker share.

import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import type { Account, Entry, Me } from './types';

/** Single values by name. */
export interface Values {
  token: string;
  me: Me;
  accounts: Account[];
  /** Until when recalls are known, RFC 3339. */
  recallsUntil: string;
  /** Read marks that the server was not told: the newest entry read, by account. */
  marks: Record<string, string>;
}

interface Schema extends DBSchema {
  values: { key: string; value: unknown };
  entries: { key: string; value: Entry; indexes: { sent: string } };
}

export type Database = IDBPDatabase<Schema>;

export function openDatabase(): Promise<Database> {
  return openDB<Schema>('qunfa', 1, {
    upgrade(database) {
      database.createObjectStore('values');
      database.createObjectStore('entries', { keyPath: 'id' }).createIndex('sent', 'sent_at');
    },
  });
}
