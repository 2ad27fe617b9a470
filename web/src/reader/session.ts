// Whose inbox this is: the token comes behind the `#` of the address, is taken out of it at once and kept here.

import { Api, Failure } from '../core/api';
import type { Kept } from '../core/cache';

/** The token of the address, which no longer shows it; an `entry` beside it becomes the place to go to. */
export function takeToken(): string | null {
  const given = new URLSearchParams(location.hash.slice(1));
  const token = given.get('token');
  if (!token) return null;
  const entry = given.get('entry');
  const place = entry ? `#/entry/${encodeURIComponent(entry)}` : '';
  history.replaceState(null, '', location.pathname + location.search + place);
  return token;
}

/**
 * The calls for this visit; null when there is no token. What another reader left on this device is removed before
 * anything of it is shown, and as long as nobody can say whose token a new one is, it counts as another's.
 */
export async function openSession(kept: Kept, given: string | null): Promise<Api | null> {
  const known = await kept.get('token');
  const token = given ?? known;
  if (!token) return null;
  const api = new Api(location.origin, token);
  if (given && known !== given) {
    const before = await kept.get('me');
    if (before && !await isSame(api, before)) await kept.wipe();
    await kept.set('token', token);
  }
  return api;
}

async function isSame(api: Api, before: { external_id?: string; openid?: string }): Promise<boolean> {
  try {
    const now = await api.me();
    return now.external_id === before.external_id && now.openid === before.openid;
  } catch (error) {
    if (error instanceof Failure) return false;
    throw error;
  }
}
