// Playwright, for scripts outside of this folder.

export { chromium } from 'playwright-core';
