// Screenshots of pages in every size, theme and language, as WebP.

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

export const SIZES = { wide: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };
export const THEMES = ['light', 'dark'];
export const LANGUAGES = { zh: 'zh-CN', en: 'en-GB' };

/** Every combination of size, theme and language. */
export const VIEWS = Object.keys(SIZES).flatMap((size) => THEMES.flatMap((theme) => Object.keys(LANGUAGES).map((language) => ({ size, theme, language }))));

/** A new page as this view's reader has it. */
export async function open(browser, { size, theme, language }, options = {}) {
  const context = await browser.newContext({
    viewport: SIZES[size], colorScheme: theme, locale: LANGUAGES[language], timezoneId: 'Asia/Shanghai', reducedMotion: 'reduce', hasTouch: size === 'phone', isMobile: size === 'phone', ...options,
  });
  return context.newPage();
}

/** Loads what waits to come near: every picture of the page, and the first one of a video. */
export async function settle(page) {
  await page.evaluate(async () => {
    for (const picture of document.images) picture.loading = 'eager';
    await Promise.all(Array.from(document.images, (picture) => picture.decode().catch(() => {})));
    await Promise.all(Array.from(document.querySelectorAll('video'), (video) => new Promise((done) => {
      for (const event of ['canplaythrough', 'error']) video.addEventListener(event, done, { once: true });
      setTimeout(done, 5000);
      video.preload = 'auto';
      video.load();
    })));
    await document.fonts.ready;
  });
}

/** Takes the picture: all of the page up to `height` pixels, or what is seen without it. */
export async function take(page, file, { height = 0, quality = 68 } = {}) {
  const session = await page.context().newCDPSession(page);
  const { width, height: seen } = page.viewportSize();
  const full = height ? Math.min(height, await page.evaluate(() => document.documentElement.scrollHeight)) : seen;
  const { data } = await session.send('Page.captureScreenshot', {
    format: 'webp', quality, captureBeyondViewport: full > seen, clip: { x: 0, y: 0, width, height: Math.max(full, seen), scale: 1 },
  });
  await mkdir(dirname(file), { recursive: true });
  const bytes = Buffer.from(data, 'base64');
  await writeFile(file, bytes);
  return bytes.length;
}
