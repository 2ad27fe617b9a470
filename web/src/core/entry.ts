// What an entry says in one line, and which of its parts can be opened.

import type { Entry } from './types';

/** The words that stand for what has none: `type.image` and so on. */
export type TypeWord = `type.${Entry['type']}`;

/** The entry in one line: its title, else its text, else what it is. */
export function summary(entry: Entry, word: (name: TypeWord) => string): string {
  const said = entry.title || entry.articles?.[0]?.title || entry.text;
  return said ? said.replace(/\s+/g, ' ').trim() : word(`type.${entry.type}`);
}

/** The pictures of an image message. */
export function pictures(entry: Entry): string[] {
  if (entry.type !== 'image') return [];
  return entry.media_urls ?? (entry.media_url ? [entry.media_url] : []);
}

/** The picture that stands for an entry in a list. */
export function thumbnail(entry: Entry): string | null {
  return entry.articles?.[0]?.cover_url ?? entry.cover_url ?? pictures(entry)[0] ?? null;
}

export type Piece = { text: string } | { link: string; text: string };

const LINK = /https?:\/\/[^\s<>"'，。！？；：、（）《》【】「」“”]+/g;
const ANCHOR = /<a\s[^>]*href=["'](https?:\/\/[^"']+)["'][^>]*>(.*?)<\/a>/gi;

/**
 * A text in pieces, its links apart. The `<a href>` that texts of WeChat may hold becomes a link; every other mark-up
 * is text like the rest.
 */
export function pieces(text: string): Piece[] {
  return split(text, ANCHOR, ([, link, words]) => ({ link: link ?? '', text: words || link || '' }))
    .flatMap((piece) => ('link' in piece ? [piece] : split(piece.text, LINK, ([link]) => ({ link, text: link }))));
}

function split(text: string, pattern: RegExp, link: (match: RegExpMatchArray) => Piece): Piece[] {
  const found: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > end) found.push({ text: text.slice(end, match.index) });
    found.push(link(match));
    end = match.index + match[0].length;
  }
  if (end < text.length) found.push({ text: text.slice(end) });
  return found;
}

/** A colour of the palette for an account, always the same. */
export function colourOf(account: string): number {
  let sum = 7;
  for (const character of account) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 9973;
  return sum % 8;
}
