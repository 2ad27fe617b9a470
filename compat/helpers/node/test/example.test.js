// A subscription account sends once a day, and the second send of a day is refused.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { startSandbox } from '../sandbox.js';

let sandbox;

beforeEach(async () => { sandbox = await startSandbox(); });
afterEach(async () => { await sandbox.stop(); });

function send(account, text) {
  const body = { filter: { is_to_all: true }, msgtype: 'text', text: { content: text } };
  return sandbox.call(account, '/cgi-bin/message/mass/sendall', body);
}

test('one send a day', async () => {
  const { subscription } = sandbox.accounts;
  const reader = await sandbox.openid(subscription, 7);

  assert.equal((await send(subscription, '今天')).errcode, 0);
  assert.equal((await send(subscription, '再来一条')).errcode, 45028);
  await sandbox.advance({ days: 1 });
  assert.equal((await send(subscription, '明天')).errcode, 0);

  await sandbox.advance();
  const texts = (await sandbox.inbox(reader, subscription)).map((entry) => entry.text);
  assert.deepEqual(texts, ['今天', '明天']);
});

test('every test has its own sandbox', async () => {
  const { subscription } = sandbox.accounts;
  const reader = await sandbox.openid(subscription, 7);
  assert.deepEqual(await sandbox.inbox(reader, subscription), []);
});
