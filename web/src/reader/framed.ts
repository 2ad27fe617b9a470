// The page of an article, made ready for the frame in the reader.

import type { Theme } from './choices';

/**
 * The page with its links opening outside of the frame, and with the appearance that the reader chose instead of the
 * system's.
 */
export function framed(html: string, url: string, theme: Theme): string {
  const page = new DOMParser().parseFromString(html, 'text/html');
  // What a page refreshes or loads by itself has no place in a frame.
  page.querySelectorAll('script, base, meta[http-equiv]').forEach((element) => element.remove());
  for (const link of page.querySelectorAll<HTMLAnchorElement>('a[href]')) {
    if (link.getAttribute('href')?.startsWith('#')) continue;
    link.href = new URL(link.getAttribute('href') ?? '', url).href;
    link.target = '_blank';
    link.relList.add('noopener');
  }
  if (theme !== 'auto') choose(page, theme);
  return `<!doctype html>${page.documentElement.outerHTML}`;
}

/** Whether an article takes comments: only then its page has a place for them. */
export function takesComments(html: string): boolean {
  return new DOMParser().parseFromString(html, 'text/html').getElementById('comments') !== null;
}

function choose(page: Document, theme: 'light' | 'dark'): void {
  page.documentElement.style.colorScheme = theme;
  page.querySelectorAll('meta[name="color-scheme"]').forEach((meta) => meta.setAttribute('content', theme));
  for (const style of page.querySelectorAll('style')) {
    style.textContent = (style.textContent ?? '').replace(
      /\(\s*prefers-color-scheme\s*:\s*(light|dark)\s*\)/g,
      (_, asked) => (asked === theme ? '(min-width: 0)' : '(max-width: 0)'),
    );
  }
}
