// Notices everything that an attack can reach in a browser: a script that ran, a dialog, another address, another window,
// a request to a foreign host.

/** Chromium without a way out of this machine, and without requests of its own. */
export const CHROMIUM = {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1'],
};

export class Guard {
  /** A context that is watched; `home`, and `also` where it is set, are the only origins that pages may ask. */
  static async of(browser, home, options = {}) {
    const guard = new Guard();
    Object.assign(guard, { home, ran: new Set(), faults: [], context: await browser.newContext({ locale: 'zh-CN', ...options }) });
    await guard.context.exposeBinding('ran', (_, n) => { guard.ran.add(n); });
    guard.context.on('request', (request) => {
      const url = request.url();
      const known = [home, guard.also].some((origin) => origin && url.startsWith(`${origin}/`));
      if (!known && !/^(data|about|blob):/.test(url)) guard.faults.push(`request ${url}`);
    });
    return guard;
  }

  /** A page whose address and windows are watched too. */
  async page() {
    const page = await this.context.newPage();
    page.on('dialog', async (dialog) => {
      this.faults.push(`dialog ${dialog.message()} on ${page.url()}`);
      await dialog.dismiss().catch(() => {});
    });
    page.on('popup', (popup) => { this.faults.push(`window ${popup.url()} from ${page.url()}`); });
    return page;
  }

  /**
   * Shows `addresses` side by side, `atOnce` at a time, and plays the reader's hand in each. A frame gets `patience` to
   * load. Returns how many pages stand in their frames as this server's pages do.
   */
  async frames(addresses, { atOnce = 60, patience = 20_000 } = {}) {
    const page = await this.page();
    let stand = 0;
    for (let first = 0; first < addresses.length; first += atOnce) {
      await page.goto(`${this.home}/frames`);
      stand += await page.evaluate(async ([shown, source, longest]) => {
        const hand = new Function(`return (${source})`)();
        const frames = shown.map((address) => Object.assign(document.createElement('iframe'), { src: address, width: 390, height: 200 }));
        const loaded = frames.map((frame) => new Promise((done) => {
          frame.onload = done;
          setTimeout(done, longest);
        }));
        document.body.append(...frames);
        await Promise.all(loaded);
        let count = 0;
        for (const frame of frames) {
          try {
            const inside = frame.contentWindow;
            if (inside.document.querySelector('body > main') && inside.location.href === frame.src) count += 1;
            hand(inside.document);
          } catch {
            // It led to another origin.
          }
        }
        await new Promise((done) => { setTimeout(done, 50); });
        return count;
      }, [addresses.slice(first, first + atOnce), play.toString(), patience]).catch(() => 0);
    }
    await page.close();
    return stand;
  }

  /** Opens an address, plays the reader's hand, and looks where the page is then. */
  async visit(page, address) {
    await page.goto(this.home + address, { waitUntil: 'load' });
    await page.evaluate(`(${play})(document)`);
    if (page.url() !== this.home + address) this.faults.push(`left ${address} for ${page.url()}`);
  }
}

/** Every event that a hand can cause, on every element of a document; links of the page's own are not followed. */
export function play(root) {
  const words = ['click', 'mouseover', 'mouseenter', 'pointerover', 'pointerdown', 'mousemove', 'wheel', 'keydown', 'auxclick', 'contextmenu', 'dblclick', 'copy', 'dragstart', 'scroll', 'blur', 'focus', 'focusin'];
  root.addEventListener('click', (event) => {
    const link = event.target.closest?.('[href]');
    if (link && /^(https?:)?[/]|^https?:|^#|^\?/i.test(link.getAttribute('href'))) event.preventDefault();
  }, true);
  root.addEventListener('submit', (event) => event.preventDefault(), true);
  for (const element of root.querySelectorAll('body, body *')) {
    for (const word of words) element.dispatchEvent(new Event(word, { bubbles: true, cancelable: true }));
    if (!/^(VIDEO|AUDIO)$/.test(element.tagName)) element.click?.();
  }
}
