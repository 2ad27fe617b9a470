// Where the reader is: an account, an entry of it, an article of that. The place is behind the `#`, so that the
// browser's own way back works.

import { reactive } from 'vue';

export interface Place {
  /** The appid whose entries are listed; null for all of them. */
  account: string | null;
  /** The entry that is open. */
  entry: string | null;
  /** Which of its articles, from 1. */
  index: number;
}

const FORM = /^#(?:\/account\/([^/]+))?(?:\/entry\/([^/]+)(?:\/(\d+))?)?$/;

export function placeOf(hash: string): Place {
  const found = FORM.exec(hash);
  const name = (part: string | undefined) => (part ? decodeURIComponent(part) : null);
  try {
    return { account: name(found?.[1]), entry: name(found?.[2]), index: Number(found?.[3] ?? 1) || 1 };
  } catch {
    // A broken escape is no place.
    return { account: null, entry: null, index: 1 };
  }
}

export function hashOf(place: Partial<Place>): string {
  const account = place.account ? `/account/${encodeURIComponent(place.account)}` : '';
  const entry = place.entry ? `/entry/${encodeURIComponent(place.entry)}` : '';
  const index = place.entry && place.index && place.index > 1 ? `/${place.index}` : '';
  return `#${account}${entry}${index}`;
}

export const place = reactive<Place>(placeOf(location.hash));

/** Goes where the address says. */
export function readPlace(): void {
  Object.assign(place, placeOf(location.hash));
}

window.addEventListener('hashchange', readPlace);

/** Goes there; `replace` leaves no step for the way back. */
export function go(to: Partial<Place>, replace = false): void {
  const hash = hashOf(to);
  if (replace) {
    history.replaceState(null, '', hash);
    Object.assign(place, placeOf(hash));
  } else if (hash !== location.hash) {
    location.hash = hash;
  }
}

/** Closes the open entry: one step back if that leads to the list, so that the history does not grow. */
export function closeEntry(): void {
  go({ account: place.account });
}
