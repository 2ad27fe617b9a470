// Tokens, and how co-wechat-api gets a new one by itself.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { AMR, JPEG, refusal, unique } from '../lib/flow.js';
import { Sandbox, SERVICE, TAG_HUNDREDTH } from '../lib/sandbox.js';

const LONG_AHEAD_MS = 3_600_000;
let sandbox;

before(async () => { sandbox = await Sandbox.start(); });
after(() => sandbox?.stop());

/** A client that believes in a token. */
async function holding(token) {
  const api = sandbox.client();
  await api.saveToken({ accessToken: token, expireTime: Date.now() + LONG_AHEAD_MS });
  return api;
}

test('a token is fetched and lasts two hours', async () => {
  const begin = Date.now();
  const token = await sandbox.client().getAccessToken();
  assert.match(token.accessToken, /^[A-Za-z0-9_-]+$/);
  assert.ok(token.isValid());
  const life = token.expireTime - begin;
  assert.ok(life >= 7_190_000 && life < 7_200_000, `${life} ms`);
});

test('a token in hand is used again', async () => {
  const api = sandbox.client();
  const first = await api.ensureAccessToken();
  await api.getTags();
  assert.equal((await api.ensureAccessToken()).accessToken, first.accessToken);
});

test('a wrong secret and a wrong appid keep their codes', async () => {
  const wrongSecret = sandbox.client({ ...SERVICE, secret: 'f'.repeat(32) });
  await assert.rejects(wrongSecret.getAccessToken(), refusal(40125, 'invalid appsecret'));
  const wrongAppid = sandbox.client({ ...SERVICE, appid: 'wx9999999999999999' });
  await assert.rejects(wrongAppid.getAccessToken(), refusal(40013, 'invalid appid'));
});

test('an unknown token is replaced by the SDK itself', async () => {
  const raw = await sandbox.rawError('garbage');
  assert.equal(raw.status, 200);
  assert.equal(raw.body.errcode, 40001);

  const api = await holding('garbage');
  assert.ok(Array.isArray((await api.getTags()).tags));
  assert.notEqual((await api.ensureAccessToken()).accessToken, 'garbage');
});

test('a repeated post arrives whole', async () => {
  const api = await holding('garbage');
  const answer = await api.massSendText(unique('第二次才到'), TAG_HUNDREDTH);
  assert.equal(answer.errcode, 0);
});

test('an expired token is replaced by the SDK itself', async () => {
  const { accessToken } = await sandbox.client().getAccessToken();
  const api = await holding(accessToken);
  await sandbox.advance(3 * 3600);
  const raw = await sandbox.rawError(accessToken);
  assert.equal(raw.body.errcode, 42001);
  assert.match(raw.body.errmsg, /access_token expired/);

  assert.ok(Array.isArray((await api.getTags()).tags));
  assert.notEqual((await api.ensureAccessToken()).accessToken, accessToken);
});

test('a superseded token lives on for other processes', async () => {
  const first = sandbox.client();
  const { accessToken } = await first.getAccessToken();
  const second = await sandbox.client().getAccessToken();
  assert.notEqual(second.accessToken, accessToken);
  await first.getTags();
  assert.equal((await first.ensureAccessToken()).accessToken, accessToken);
});

test('a token from elsewhere is not replaced: the caller sees 40001', async () => {
  const api = await holding('garbage');
  api.tokenFromCustom = true;
  await assert.rejects(api.getTags(), refusal(40001, 'invalid credential'));
});

test('an upload with a good token in hand comes back as it was', async () => {
  // A streamed upload cannot be repeated by the SDK, so this one starts with a token that works.
  const api = sandbox.client();
  await api.getAccessToken();
  for (const [path, kind] of [[JPEG, 'image'], [AMR, 'voice']]) {
    const { media_id: mediaId } = await api.uploadMedia(path, kind);
    assert.ok(readFileSync(path).equals(await api.getMedia(mediaId)), kind);
  }
});
