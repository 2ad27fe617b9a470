// wechat-api: callbacks, group_id, no clientmsgid. Tokens, uploads, mass sends, previews, followers, tags, errors.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { AMR, JPEG, MP4, PNG, news, refusal, unique } from '../lib/flow.js';
import {
  FOLLOWERS, Sandbox, SERVICE, SUBSCRIPTION, TAG_EVEN, TAG_HUNDREDTH, TAG_TENTH, UNVERIFIED, waitFor,
} from '../lib/sandbox.js';
import { call, connect } from '../recipes/wechat-api-send.mjs';

const LONG_AHEAD_MS = 3_600_000;
let sandbox;
let api;
let openids;
/** Every mass of this file that the first follower must have received, in order. */
const sent = [];

before(async () => {
  sandbox = await Sandbox.start();
  api = client();
  openids = (await call(api, 'getFollowers')).data.openid;
});
after(() => sandbox?.stop());

function client(account = SERVICE) {
  return connect(sandbox.base, account.appid, account.secret);
}

async function upload(path, kind) {
  const answer = await call(api, 'uploadMedia', path, kind);
  assert.equal(answer.type, kind);
  assert.equal(typeof answer.created_at, 'number');
  return answer[kind === 'thumb' ? 'thumb_media_id' : 'media_id'];
}

async function uploadNews(title) {
  const { url } = await call(api, 'uploadImage', JPEG);
  const answer = await call(api, 'uploadNews', news(await upload(JPEG, 'thumb'), url, title));
  assert.equal(answer.type, 'news');
  return answer.media_id;
}

/** Checks the answer to a mass send, waits until the SDK says SEND_SUCCESS, returns the msg_id. */
async function delivered(answer) {
  assert.equal(answer.errmsg, 'send job submission success');
  const msgId = answer.msg_id;
  await waitFor(`mass ${msgId} to be sent`, async () => {
    const state = await call(api, 'getMassMessageStatus', msgId);
    assert.equal(state.msg_id, msgId);
    assert.ok(['SENDING', 'SEND_SUCCESS'].includes(state.msg_status), JSON.stringify(state));
    return state.msg_status === 'SEND_SUCCESS';
  });
  sent.push(msgId);
  return msgId;
}

// -- tokens ------------------------------------------------------------------------------------------------

test('a token is fetched, lasts two hours less ten seconds and is used again', async () => {
  const own = client();
  const begin = Date.now();
  await call(own, 'getTags');
  const { accessToken, expireTime } = own.store;
  assert.match(accessToken, /^[A-Za-z0-9_-]+$/);
  assert.ok(expireTime - begin >= 7_180_000 && expireTime - begin < 7_200_000);
  await call(own, 'getTags');
  assert.equal(own.store.accessToken, accessToken);
});

test('a wrong secret and a wrong appid keep their codes', async () => {
  const wrongSecret = client({ ...SERVICE, secret: 'f'.repeat(32) });
  await assert.rejects(call(wrongSecret, 'getTags'), refusal(40125, 'invalid appsecret'));
  const wrongAppid = client({ ...SERVICE, appid: 'wx9999999999999999' });
  await assert.rejects(call(wrongAppid, 'getTags'), refusal(40013, 'invalid appid'));
});

test('an unknown token is tried twice and then the callers business', async () => {
  // The SDK repeats after 40001, but with the token it has.
  const own = client();
  own.store = { accessToken: 'garbage', expireTime: Date.now() + LONG_AHEAD_MS };
  await assert.rejects(call(own, 'getTags'), refusal(40001, 'invalid credential'));
  own.store = undefined;
  assert.ok(Array.isArray((await call(own, 'getTags')).tags));
});

test('an expired token is the callers business', async () => {
  const own = client();
  await call(own, 'getTags');
  await sandbox.advance(3 * 3600);
  await assert.rejects(call(own, 'getTags'), refusal(42001, 'access_token expired'));
  // By the SDK's own watch, which does not move with the sandbox, the shared client's token is valid too.
  api.store = undefined;
});

// -- uploads -----------------------------------------------------------------------------------------------

test('media are uploaded and come back as they were', async () => {
  for (const [path, kind] of [[JPEG, 'image'], [PNG, 'image'], [AMR, 'voice'], [JPEG, 'thumb']]) {
    const found = await call(api, 'getMedia', await upload(path, kind));
    assert.ok(readFileSync(path).equals(found), `${kind} ${path}`);
  }
});

test('a video comes back as a link', async () => {
  const answer = await call(api, 'getMedia', await upload(MP4, 'video'));
  // The SDK parses only bodies of exactly application/json or text/plain.
  const bytes = Buffer.from(await (await sandbox.fetch(answer.video_url)).arrayBuffer());
  assert.ok(readFileSync(MP4).equals(bytes));
});

test('an unknown media_id is an error, not a file', async () => {
  await assert.rejects(call(api, 'getMedia', 'no-such-id'), { name: 'WeChatAPIError', message: /^invalid media_id/ });
});

test('a picture for articles gets a URL with the same bytes', async () => {
  const { url } = await call(api, 'uploadImage', JPEG);
  const bytes = Buffer.from(await (await sandbox.fetch(url)).arrayBuffer());
  assert.ok(readFileSync(JPEG).equals(bytes));
});

// -- mass sends --------------------------------------------------------------------------------------------

const CONTENTS = {
  Text: () => unique('明早九点集合。\n"带水" \\ 带笔 🌸'),
  Image: () => upload(JPEG, 'image'),
  Voice: () => upload(AMR, 'voice'),
  Video: async () => {
    const raw = await upload(MP4, 'video');
    const video = await call(api, 'uploadMPVideo', { media_id: raw, title: unique('湖'), description: '' });
    assert.equal(video.type, 'video');
    return video.media_id;
  },
  News: () => uploadNews(unique('校园植物观察')),
};
const KINDS = { Text: 'text', Image: 'image', Voice: 'voice', Video: 'mpvideo', News: 'mpnews' };

for (const [name, make] of Object.entries(CONTENTS)) {
  for (const audience of ['all', 'tag', 'list']) {
    test(`massSend${name} reaches ${audience}`, async () => {
      const receivers = { all: true, tag: TAG_HUNDREDTH, list: openids.slice(0, 2) }[audience];
      const content = await make();
      const answer = await call(api, `massSend${name}`, content, receivers);
      assert.equal('msg_data_id' in answer, name === 'News');
      const msgId = await delivered(answer);
      const [entry] = await sandbox.entriesOf(openids[0], msgId);
      if (name === 'Text') assert.equal(entry.text, content);
      assert.ok(KINDS[name].endsWith(entry.type), `${entry.type} for ${KINDS[name]}`);
      const others = await sandbox.entriesOf(openids[5], msgId);
      assert.equal(others.length, audience === 'all' ? 1 : 0);
    });
  }
}

test('a video is converted and sent in one step', async () => {
  const video = { media_id: await upload(MP4, 'video'), title: '一步', description: '' };
  await delivered(await call(api, 'massSendMPVideo', video, TAG_HUNDREDTH));
});

test('a group_id is a tag', async () => {
  const msgId = await delivered(await call(api, 'massSendText', unique('给每第十位'), TAG_TENTH));
  assert.equal((await sandbox.entriesOf(openids[990], msgId)).length, 1);
  assert.equal((await sandbox.entriesOf(openids[991], msgId)).length, 0);
});

test('the same text to the same audience is sent once', async () => {
  const text = unique('没有 clientmsgid');
  await delivered(await call(api, 'massSendText', text, TAG_HUNDREDTH));
  await assert.rejects(call(api, 'massSendText', text, TAG_HUNDREDTH), refusal(45065, 'clientmsgid exist'));
});

test('every type can be previewed', async () => {
  for (const [name, make] of Object.entries(CONTENTS)) {
    const answer = await call(api, `preview${name}`, openids[40], await make());
    assert.equal(answer.errmsg, 'preview success', name);
    await assert.rejects(call(api, 'getMassMessageStatus', answer.msg_id), refusal(40059));
  }
});

test('deleted news lose their page', async () => {
  const msgId = await delivered(await call(api, 'massSendNews', await uploadNews(unique('要删除')), TAG_HUNDREDTH));
  const [card] = (await sandbox.entriesOf(openids[0], msgId))[0].articles;
  assert.equal((await call(api, 'deleteMass', msgId)).errcode, 0);
  assert.equal((await call(api, 'getMassMessageStatus', msgId)).msg_status, 'DELETE');
  assert.ok((await (await sandbox.fetch(card.url)).text()).includes('该内容已被发布者删除'));
});

test('false is nobody, never everybody', async () => {
  await assert.rejects(call(api, 'massSendText', unique('不该有人收到'), false), refusal(40152));
});

test('refusals keep their number and text', async () => {
  for (const [code, text, ...what] of [
    [40007, 'invalid media_id', 'massSendImage', 'no-such-id', TAG_HUNDREDTH],
    [40130, 'invalid openid list size', 'massSendText', '一个人不成群', openids.slice(0, 1)],
    [40152, 'invalid group id', 'massSendText', '没有这个标签', 99999],
    [44004, 'empty content', 'massSendText', '', TAG_HUNDREDTH],
    [40059, 'invalid msg id', 'getMassMessageStatus', 999],
    [40059, 'invalid msg id', 'deleteMass', 999],
    [40003, 'invalid openid', 'previewText', `o${'x'.repeat(27)}`, '谁？'],
  ]) {
    await assert.rejects(call(api, ...what), refusal(code, text), what[0]);
  }
});

test('accounts without the right are refused', async () => {
  await assert.rejects(call(client(UNVERIFIED), 'massSendText', '未认证', true), refusal(48001, 'api unauthorized'));
  const subscription = client(SUBSCRIPTION);
  const two = (await call(subscription, 'getFollowers')).data.openid.slice(0, 2);
  await assert.rejects(call(subscription, 'massSendText', '订阅号不可用', two), refusal(48001, 'api unauthorized'));
});

test('the first follower finds every mass once, the newest first', async () => {
  assert.ok(sent.length >= 19, 'the tests above have to run first');
  const found = (await sandbox.inbox(openids[0])).map((entry) => Number(entry.msg_id));
  assert.deepEqual(found, [...sent].reverse());
});

// -- followers and tags ------------------------------------------------------------------------------------

test('followers come in pages and are described', async () => {
  const page = await call(api, 'getFollowers', openids[499]);
  assert.deepEqual([page.total, page.data.openid], [FOLLOWERS, openids.slice(500)]);
  const end = await call(api, 'getFollowers', openids.at(-1));
  assert.deepEqual([end.count, end.next_openid, 'data' in end], [0, '', false]);
  const person = await call(api, 'getUser', openids[0]);
  assert.deepEqual([...person.tagid_list].sort(), [TAG_EVEN, TAG_TENTH, TAG_HUNDREDTH]);
  // Asked for with `language` in place of `lang`.
  const { user_info_list: people } = await call(api, 'batchGetUsers', openids.slice(0, 100));
  assert.deepEqual(people.map((one) => one.openid), openids.slice(0, 100));
  await assert.rejects(call(api, 'batchGetUsers', openids.slice(0, 101)), refusal(40032));
  await call(api, 'updateRemark', openids[7], '胖子 "A\\B" 🌸');
  assert.equal((await call(api, 'getUser', openids[7])).remark, '胖子 "A\\B" 🌸');
});

test('a tag lives from create to delete', async () => {
  const { tag } = await call(api, 'createTag', '观察小组');
  await call(api, 'editTag', tag.id, '植物观察小组');
  await call(api, 'membersBatchtagging', tag.id, openids.slice(11, 15));
  await call(api, 'membersBatchuntagging', tag.id, [openids[14]]);
  const listed = (await call(api, 'getTags')).tags.find((one) => one.id === tag.id);
  assert.deepEqual([listed.name, listed.count], ['植物观察小组', 3]);
  assert.deepEqual((await call(api, 'getTagUsers', tag.id, '')).data.openid, openids.slice(11, 14));
  assert.ok(!('data' in await call(api, 'getTagUsers', tag.id, openids[13])));
  assert.deepEqual((await call(api, 'getUserTags', openids[11])).tagid_list, [tag.id]);
  assert.equal((await call(api, 'deleteTag', tag.id)).errcode, 0);
  await assert.rejects(call(api, 'editTag', 2, '不许改'), refusal(45058));
  await assert.rejects(call(api, 'createTag', '长'.repeat(31)), refusal(45158));
});
