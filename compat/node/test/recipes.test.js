// The programs of docs/sdk, as a reader runs them.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { JPEG } from '../lib/flow.js';
import { Sandbox } from '../lib/sandbox.js';

const RECIPES = fileURLToPath(new URL('../recipes', import.meta.url));
let sandbox;
let folder;

before(async () => {
  sandbox = await Sandbox.start();
  folder = mkdtempSync(join(tmpdir(), 'qunfa-recipes-'));
});
after(async () => {
  rmSync(folder, { recursive: true, force: true });
  await sandbox?.stop();
});

for (const name of readdirSync(RECIPES)) {
  test(`${name} sends a picture and prints its event`, async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [join(RECIPES, name), JPEG], {
      cwd: folder,
      env: { ...process.env, QUNFA: sandbox.base, TMPDIR: folder },
      timeout: 60_000,
    });
    assert.match(stdout, /^sent (\d+)\nstatus SEND_SUCCESS\nevent \1 send success 10 of 10\n$/);
  });
}
