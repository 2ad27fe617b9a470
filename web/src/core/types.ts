// The shapes of `/inbox`, as docs/inbox.md and /openapi.json describe them.

/** What a message is; `unknown` types of a newer server are shown by their title and text. */
export type EntryType = 'mpnews' | 'text' | 'image' | 'voice' | 'mpvideo' | 'music' | 'wxcard';

/** One article on the card of a news. */
export interface Article {
  title: string;
  digest: string;
  cover_url: string;
  url: string;
}

/** One message in an inbox; the same for everybody who received it. */
export interface Entry {
  id: string;
  /** The appid of the account that sent it. */
  account: string;
  account_name: string;
  type: EntryType;
  /** RFC 3339. */
  sent_at: string;
  preview?: boolean;
  title?: string;
  digest?: string;
  url?: string;
  text?: string;
  media_url?: string;
  media_urls?: string[];
  card_id?: string;
  cover_url?: string;
  articles?: Article[];
}

/** A tag whose sends a reader may refuse. */
export interface Tag {
  id: number;
  name: string;
  opted_out: boolean;
}

/** An account of the reader. */
export interface Account {
  account: string;
  name: string;
  following: boolean;
  muted: boolean;
  opted_out: boolean;
  tags: Tag[];
  unread: number;
  read_up_to: string | null;
  latest: Entry | null;
}

export interface AccountsAnswer {
  accounts: Account[];
  unread: number;
  position: string;
}

/** Unread entries by account; muted accounts are not in the total. */
export interface UnreadAnswer {
  unread: number;
  accounts: Record<string, number>;
}

/** A page of entries, newest first. */
export interface Page {
  entries: Entry[];
  next_cursor: string | null;
  position: string;
}

/** Entries after a position, oldest first. */
export interface Since {
  entries: Entry[];
  position: string;
  more: boolean;
}

export interface Recall {
  id: string;
  account: string;
}

export interface RecallsAnswer {
  recalls: Recall[];
  until: string;
}

/** Who the token stands for. */
export interface Me {
  kind: 'person' | 'follower';
  external_id?: string;
  openid?: string;
  nickname: string;
  expires_at: string;
  sandbox: boolean;
}

/** What a reader may change about an account. */
export interface Preferences {
  muted?: boolean;
  opted_out?: boolean;
  following?: boolean;
  tags?: Record<string, boolean>;
}
