// Uploads and mass sends of every type to every kind of audience; the inbox is read at the end.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { AMR, JPEG, MP4, PNG, delivered, news, refusal, unique, uploadNews } from '../lib/flow.js';
import { Sandbox, SUBSCRIPTION, TAG_HUNDREDTH, TAG_TENTH, UNVERIFIED } from '../lib/sandbox.js';

let sandbox;
let api;
let openids;
/** Every mass of this file that the first follower must have received, in order. */
const sent = [];

before(async () => {
  sandbox = await Sandbox.start();
  api = sandbox.client();
  openids = (await api.getFollowers()).data.openid;
});
after(() => sandbox?.stop());

/** Audiences that hold the first follower, as the SDK takes them. */
function audiences() {
  return [['everybody', true], ['a tag', TAG_HUNDREDTH], ['a list', openids.slice(0, 2)]];
}

/** Sends to each audience in turn, with something fresh each time. */
async function sendToEach(send) {
  for (const [name, receivers] of audiences()) {
    const msgId = await delivered(api, await send(receivers, name));
    assert.equal((await sandbox.entriesOf(openids[0], msgId)).length, 1, name);
    sent.push(msgId);
  }
  return sent.at(-1);
}

test('media are uploaded with the word of their type', async () => {
  for (const [method, path, kind] of [
    ['uploadImageMedia', JPEG, 'image'],
    ['uploadImageMedia', PNG, 'image'],
    ['uploadVoiceMedia', AMR, 'voice'],
    ['uploadVideoMedia', MP4, 'video'],
    ['uploadThumbMedia', JPEG, 'thumb'],
  ]) {
    const answer = await api[method](path);
    assert.equal(answer.type, kind);
    assert.equal(typeof answer.created_at, 'number');
    assert.match(answer[kind === 'thumb' ? 'thumb_media_id' : 'media_id'], /^[A-Za-z0-9_-]+$/);
  }
});

test('a medium from memory is uploaded under the name it is given', async () => {
  const answer = await api.uploadMedia(readFileSync(PNG), 'image', 'from-memory.png', 'image/png');
  assert.ok(readFileSync(PNG).equals(await api.getMedia(answer.media_id)));
});

test('a picture for articles gets a URL with the same bytes', async () => {
  const { url } = await api.uploadImage(JPEG);
  const bytes = Buffer.from(await (await sandbox.fetch(url)).arrayBuffer());
  assert.ok(readFileSync(JPEG).equals(bytes));
});

test('a text is sent', async () => {
  const text = unique('明早九点集合。\n"带水" \\ 带笔 🌸');
  await sendToEach((receivers) => api.massSendText(text, receivers));
  assert.equal((await sandbox.entriesOf(openids[0], sent.at(-1)))[0].text, text);
  assert.equal((await sandbox.entriesOf(openids[2], sent.at(-1))).length, 0);
});

test('a picture is sent', async () => {
  await sendToEach(async (receivers) => {
    const { media_id: mediaId } = await api.uploadImageMedia(JPEG);
    return api.massSendImage(mediaId, receivers);
  });
  const [entry] = await sandbox.entriesOf(openids[0], sent.at(-1));
  assert.equal(entry.type, 'image');
  assert.match((await sandbox.fetch(entry.media_url)).headers.get('content-type'), /^image\//);
});

test('a voice is sent', async () => {
  await sendToEach(async (receivers) => {
    const { media_id: mediaId } = await api.uploadVoiceMedia(AMR);
    return api.massSendVoice(mediaId, receivers);
  });
  const [entry] = await sandbox.entriesOf(openids[0], sent.at(-1));
  assert.equal(entry.type, 'voice');
  const bytes = Buffer.from(await (await sandbox.fetch(entry.media_url)).arrayBuffer());
  assert.ok(readFileSync(AMR).equals(bytes));
});

test('a video is converted on the file server\'s prefix and sent', async () => {
  let title;
  await sendToEach(async (receivers) => {
    const { media_id: raw } = await api.uploadVideoMedia(MP4);
    title = unique('春天的湖');
    const video = await api.uploadMPVideo({ media_id: raw, title, description: '两秒钟' });
    assert.equal(video.type, 'video');
    assert.notEqual(video.media_id, raw);
    return api.massSendVideo(video.media_id, receivers);
  });
  assert.equal((await sandbox.entriesOf(openids[0], sent.at(-1)))[0].title, title);
});

test('a video is converted and sent in one step', async () => {
  const { media_id: raw } = await api.uploadVideoMedia(MP4);
  const answer = await api.massSendMPVideo({ media_id: raw, title: '一步', description: '' }, TAG_HUNDREDTH);
  sent.push(await delivered(api, answer));
});

test('news are sent and their page can be read', async () => {
  let title;
  await sendToEach(async (receivers) => {
    title = unique('校园植物观察');
    const answer = await api.massSendNews(await uploadNews(api, title), receivers);
    assert.equal(typeof answer.msg_data_id, 'number');
    return answer;
  });
  const [entry] = await sandbox.entriesOf(openids[0], sent.at(-1));
  assert.equal(entry.articles[0].title, title);
  const page = await (await sandbox.fetch(entry.articles[0].url)).text();
  assert.ok(page.includes(title));
  assert.ok(page.includes('从第一朵玉兰说起'));
});

test('eight articles are uploaded, nine are refused', async () => {
  const { url } = await api.uploadImage(JPEG);
  const { thumb_media_id: thumb } = await api.uploadThumbMedia(JPEG);
  const [one] = news(thumb, url, '一篇').articles;
  // As the SDK's own example has it: the number as a string.
  const articles = Array.from({ length: 8 }, () => ({ ...one, show_cover_pic: '1' }));
  assert.equal((await api.uploadNews({ articles })).type, 'news');
  await assert.rejects(api.uploadNews({ articles: [...articles, one] }), refusal(45008));
});

test('a text to a tag reaches its members and nobody else', async () => {
  const msgId = await delivered(api, await api.massSendText(unique('给每第十位'), TAG_TENTH));
  sent.push(msgId);
  assert.equal((await sandbox.entriesOf(openids[990], msgId)).length, 1);
  assert.equal((await sandbox.entriesOf(openids[991], msgId)).length, 0);
});

test('every type can be previewed and is no mass', async () => {
  const openid = openids[40];
  const image = await api.uploadImageMedia(JPEG);
  const voice = await api.uploadVoiceMedia(AMR);
  const raw = await api.uploadVideoMedia(MP4);
  const video = await api.uploadMPVideo({ media_id: raw.media_id, title: '预览', description: '' });
  const text = unique('先看一眼');
  const answers = [
    await api.previewText(openid, text),
    await api.previewImage(openid, image.media_id),
    await api.previewVoice(openid, voice.media_id),
    await api.previewVideo(openid, video.media_id),
    await api.previewNews(openid, await uploadNews(api, unique('预览图文'))),
  ];
  for (const answer of answers) {
    assert.equal(answer.errcode, 0);
    assert.equal(answer.errmsg, 'preview success');
  }
  assert.ok((await sandbox.inbox(openid)).some((entry) => entry.text === text));
  assert.ok(!(await sandbox.inbox(openids[41])).some((entry) => entry.text === text));
  await assert.rejects(api.getMassMessageStatus(answers[0].msg_id), refusal(40059));
});

test('deleted news lose their page and keep their card', async () => {
  const title = unique('要删除的图文');
  const msgId = await delivered(api, await api.massSendNews(await uploadNews(api, title), TAG_HUNDREDTH));
  sent.push(msgId);
  const [card] = (await sandbox.entriesOf(openids[0], msgId))[0].articles;

  assert.equal((await api.deleteMass(msgId)).errcode, 0);
  assert.equal((await api.getMassMessageStatus(msgId)).msg_status, 'DELETE');
  const page = await (await sandbox.fetch(card.url)).text();
  assert.ok(page.includes('该内容已被发布者删除'));
  assert.ok(!page.includes('从第一朵玉兰说起'));
  assert.equal((await sandbox.entriesOf(openids[0], msgId))[0].articles[0].title, title);
});

test('an id may come back as a string, as json-bigint sends long ones', async () => {
  const msgId = sent.at(-1);
  const state = await api.getMassMessageStatus(String(msgId));
  // The answer's id is a number whatever the question's was, and short enough to stay one.
  assert.equal(state.msg_id, msgId);
  assert.equal((await api.deleteMass(String(msgId))).errcode, 0);
});

test('a clientmsgid sends once', async () => {
  const key = `key-${Date.now()}`;
  sent.push(await delivered(api, await api.massSendText(unique('一次'), TAG_HUNDREDTH, key)));
  const again = unique('第二次');
  await assert.rejects(api.massSendText(again, TAG_HUNDREDTH, key), refusal(45065, 'clientmsgid exist'));
  assert.ok(!(await sandbox.inbox(openids[0])).some((entry) => entry.text === again));
});

test('news with send_ignore_reprint are sent', async () => {
  const mediaId = await uploadNews(api, unique('允许转载'));
  const answer = await api.massSendNews(mediaId, TAG_HUNDREDTH, `reprint-${Date.now()}`, 1);
  sent.push(await delivered(api, answer));
});

test('refusals keep their number and text', async () => {
  await assert.rejects(api.massSendImage('no-such-id', TAG_HUNDREDTH), refusal(40007, 'invalid media_id'));
  await assert.rejects(api.massSendText('一个人不成群', openids.slice(0, 1)), refusal(40130, 'invalid openid list size'));
  await assert.rejects(api.massSendText('没有这个标签', 99999), refusal(40152, 'invalid group id'));
  await assert.rejects(api.massSendText('', TAG_HUNDREDTH), refusal(44004, 'empty content'));
  await assert.rejects(api.getMassMessageStatus(999), refusal(40059, 'invalid msg id'));
  await assert.rejects(api.deleteMass(999), refusal(40059, 'invalid msg id'));
  await assert.rejects(api.deleteMass(sent[0]), refusal(40008, 'invalid message type'));
  await assert.rejects(api.previewText(`o${'x'.repeat(27)}`, '谁？'), refusal(40003, 'invalid openid'));
  await assert.rejects(api.getMedia('no-such-id'), refusal(40007, 'invalid media_id'));
});

test('false is nobody, never everybody', async () => {
  const text = unique('不该有人收到');
  await assert.rejects(api.massSendText(text, false), refusal(40152));
  assert.ok(!(await sandbox.inbox(openids[0])).some((entry) => entry.text === text));
});

test('accounts without the right are refused', async () => {
  await assert.rejects(sandbox.client(UNVERIFIED).massSendText('未认证', true), refusal(48001, 'api unauthorized'));
  const subscription = sandbox.client(SUBSCRIPTION);
  const two = (await subscription.getFollowers()).data.openid.slice(0, 2);
  await assert.rejects(subscription.massSendText('订阅号不可用', two), refusal(48001, 'api unauthorized'));
});

test('answers are one line of JSON without an end of line', async () => {
  // The SDK escapes every control character of the body before it parses: a final newline would break it.
  const { accessToken } = await api.ensureAccessToken();
  for (const path of ['tags/get', 'user/get', 'no/such/path']) {
    const answer = await fetch(`${api.prefix}${path}?access_token=${accessToken}`);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type'), 'application/json');
    assert.doesNotMatch(await answer.text(), /[\u0000-\u001f]/);
  }
});

test('the first follower finds every mass once, the newest first, in pages of any size', async () => {
  assert.ok(sent.length >= 20, 'the tests above have to run first');
  for (const page of [3, 50]) {
    const found = (await sandbox.inbox(openids[0], { page })).map((entry) => Number(entry.msg_id));
    assert.deepEqual(found, [...sent].reverse(), `pages of ${page}`);
  }
});
