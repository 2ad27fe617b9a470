// Permanent material through the SDK's own calls.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { AMR, JPEG, MP4, PNG, refusal } from '../lib/flow.js';
import { Sandbox } from '../lib/sandbox.js';

let sandbox;
let api;

before(async () => {
  sandbox = await Sandbox.start();
  api = sandbox.client();
});
after(() => sandbox?.stop());

const article = (cover, title) => ({
  title,
  thumb_media_id: cover,
  author: '',
  digest: '',
  show_cover_pic: 0,
  content: `<p>${title}</p>`,
});

test('files are kept and come back as they were', async () => {
  for (const [method, path] of [
    ['uploadImageMaterial', PNG],
    ['uploadThumbMaterial', JPEG],
    ['uploadVoiceMaterial', AMR],
  ]) {
    const { media_id: id } = await api[method](path);
    assert.ok(readFileSync(path).equals(await api.getMaterial(id)), method);
  }
});

test('a video has its texts from the form', async () => {
  const { media_id: id } = await api.uploadVideoMaterial(MP4, { title: '春天的湖', introduction: '两秒钟' });
  const found = await api.getMaterial(id);
  assert.equal(found.title, '春天的湖');
  assert.equal(found.description, '两秒钟');
});

test('news are kept, changed, listed and removed', async () => {
  const { media_id: cover } = await api.uploadThumbMaterial(JPEG);
  const { media_id: id } = await api.uploadNewsMaterial({ articles: [article(cover, '一'), article(cover, '二')] });
  // The SDK's own example puts the one article into a list.
  await api.updateNewsMaterial({ media_id: id, index: 1, articles: [article(cover, '新的二')] });
  const found = await api.getMaterial(id);
  assert.deepEqual(found.news_item.map((item) => item.title), ['一', '新的二']);
  const list = await api.getMaterials('news', 0, 20);
  assert.equal(list.item[0].media_id, id);
  const before = await api.getMaterialCount();
  assert.equal(before.news_count, list.total_count);
  await api.removeMaterial(id);
  assert.equal((await api.getMaterialCount()).news_count, before.news_count - 1);
  await assert.rejects(api.getMaterial(id), refusal(40007, 'invalid media_id'));
});
