// node-easywechat: a client for any path. Tokens, uploads, mass sends, previews, followers, tags, errors.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { AMR, JPEG, MP4, PNG, news, unique } from '../lib/flow.js';
import {
  FOLLOWERS, Sandbox, SERVICE, SUBSCRIPTION, TAG_EVEN, TAG_HUNDREDTH, TAG_TENTH, UNVERIFIED, waitFor,
} from '../lib/sandbox.js';
import { connect } from '../recipes/node-easywechat-send.mjs';

let sandbox;
let folder;
let app;
let openids;
/** Every mass of this file that the first follower must have received, in order. */
const sent = [];

before(async () => {
  sandbox = await Sandbox.start();
  folder = mkdtempSync(join(tmpdir(), 'qunfa-tokens-'));
  app = application();
  openids = (await get('user/get')).data.openid;
});
after(async () => {
  rmSync(folder, { recursive: true, force: true });
  await sandbox?.stop();
});

/** An application that knows no token yet. */
function application(account = SERVICE, more = {}) {
  const tokens = { path: mkdtempSync(join(folder, 'own-')) };
  return connect(sandbox.base, account.appid, account.secret, { file_cache: tokens, ...more });
}

/** The answer as the SDK decodes it, without an errcode other than 0. */
function decoded(response) {
  const answer = response.toObject();
  assert.ok(!answer.errcode, response.toJson());
  return answer;
}

async function post(path, body, { client = app.getClient() } = {}) {
  return decoded(await client.postJson(`cgi-bin/${path}`, body));
}

async function get(path, params = {}) {
  return decoded(await app.getClient().get(`cgi-bin/${path}`, { params }));
}

/** What the SDK shows of a refusal: no exception, and isFailed() false, because it sees the status 200 only. */
async function refused(code, text, path, body, own = app) {
  const response = await own.getClient().postJson(`cgi-bin/${path}`, body);
  assert.equal(response.getStatusCode(), 200);
  assert.equal(response.isFailed(), false);
  const { errcode, errmsg } = response.toObject();
  assert.equal(errcode, code, `${path}: ${response.toJson()}`);
  assert.ok(errmsg.startsWith(text), response.toJson());
}

async function upload(path, kind) {
  const client = app.getClient().withFile(path, 'media');
  const answer = decoded(await client.post('cgi-bin/media/upload', { params: { type: kind } }));
  assert.equal(answer.type, kind);
  return answer[kind === 'thumb' ? 'thumb_media_id' : 'media_id'];
}

async function uploadNews(title) {
  const picture = app.getClient().withFile(JPEG, 'media');
  const { url } = decoded(await picture.post('cgi-bin/media/uploadimg'));
  return (await post('media/uploadnews', news(await upload(JPEG, 'thumb'), url, title))).media_id;
}

/** Checks the answer to a mass send, waits until mass/get says SEND_SUCCESS, returns the msg_id. */
async function delivered(answer) {
  assert.equal(answer.errmsg, 'send job submission success');
  const msgId = answer.msg_id;
  await waitFor(`mass ${msgId} to be sent`, async () => {
    const state = await post('message/mass/get', { msg_id: msgId });
    assert.ok(['SENDING', 'SEND_SUCCESS'].includes(state.msg_status), JSON.stringify(state));
    return state.msg_status === 'SEND_SUCCESS';
  });
  sent.push(msgId);
  return msgId;
}

// -- tokens ------------------------------------------------------------------------------------------------

test('a token is fetched once and kept in a file', async () => {
  const token = await app.getAccessToken().getToken();
  assert.match(token, /^[A-Za-z0-9_-]+$/);
  assert.equal(await app.getAccessToken().getToken(), token);
  assert.notEqual(await application().getAccessToken().getToken(), token);
});

test('a stable token comes back to everybody who asks', async () => {
  const stable = () => application(SERVICE, { use_stable_access_token: true }).getAccessToken().getToken();
  assert.equal(await stable(), await stable());
});

test('a wrong secret and a wrong appid are in the text of the exception', async () => {
  const wrongSecret = application({ ...SERVICE, secret: 'f'.repeat(32) });
  await assert.rejects(wrongSecret.getClient().get('cgi-bin/tags/get'), /Failed to get access_token: .*"errcode":40125/);
  const wrongAppid = application({ ...SERVICE, appid: 'wx9999999999999999' });
  await assert.rejects(wrongAppid.getClient().get('cgi-bin/tags/get'), /"errcode":40013/);
});

test('a token that is no longer good is the callers business', async () => {
  const own = application();
  const token = own.getAccessToken();
  await token.getToken();
  await sandbox.advance(3 * 3600);
  await refused(42001, 'access_token expired', 'tags/getidlist', { openid: openids[0] }, own);
  await own.getCache().set(token.getKey(), 'garbage', 7200);
  await refused(40001, 'invalid credential', 'tags/getidlist', { openid: openids[0] }, own);
  await token.refresh();
  assert.ok(decoded(await own.getClient().get('cgi-bin/tags/get')).tags);
  await app.getAccessToken().refresh();
});

// -- uploads -----------------------------------------------------------------------------------------------

test('media are uploaded and come back as they were', async () => {
  for (const [path, kind] of [[JPEG, 'image'], [PNG, 'image'], [AMR, 'voice'], [JPEG, 'thumb']]) {
    const params = { media_id: await upload(path, kind) };
    const found = await app.getClient().get('cgi-bin/media/get', { params, responseType: 'arraybuffer' });
    assert.equal(found.isFailed(), false);
    assert.ok(readFileSync(path).equals(found.getContent()), `${kind} ${path}`);
    assert.match(found.getHeader('content-disposition'), /^attachment; filename="/);
  }
});

test('a medium is saved under a name', async () => {
  const params = { media_id: await upload(AMR, 'voice') };
  const found = await app.getClient().get('cgi-bin/media/get', { params, responseType: 'arraybuffer' });
  const saved = found.saveAs(join(folder, 'saved.amr'));
  assert.ok(readFileSync(AMR).equals(readFileSync(saved)));
});

test('a video comes back as a link', async () => {
  const { video_url: url } = await get('media/get', { media_id: await upload(MP4, 'video') });
  const bytes = Buffer.from(await (await sandbox.fetch(url)).arrayBuffer());
  assert.ok(readFileSync(MP4).equals(bytes));
});

test('an unknown media_id is an error, not a file', async () => {
  const params = { media_id: 'no-such-id' };
  const found = await app.getClient().get('cgi-bin/media/get', { params });
  assert.equal(found.toObject().errcode, 40007);
});

// -- mass sends --------------------------------------------------------------------------------------------

const CONTENTS = {
  text: async () => ({ content: unique('明早九点集合。\n"带水" \\ 带笔 🌸') }),
  image: async () => ({ media_id: await upload(JPEG, 'image') }),
  voice: async () => ({ media_id: await upload(AMR, 'voice') }),
  music: async () => ({ media_id: await upload(AMR, 'voice') }),
  mpvideo: async () => {
    const raw = await upload(MP4, 'video');
    const video = await post('media/uploadvideo', { media_id: raw, title: unique('湖'), description: '' });
    assert.equal(video.type, 'video');
    return { media_id: video.media_id };
  },
  mpnews: async () => ({ media_id: await uploadNews(unique('校园植物观察')) }),
};

for (const [kind, make] of Object.entries(CONTENTS)) {
  for (const audience of ['all', 'tag', 'list']) {
    test(`${kind} reaches ${audience}`, async () => {
      const receivers = {
        all: { filter: { is_to_all: true } },
        tag: { filter: { is_to_all: false, tag_id: TAG_HUNDREDTH } },
        list: { touser: openids.slice(0, 2) },
      }[audience];
      const content = await make();
      const path = audience === 'list' ? 'message/mass/send' : 'message/mass/sendall';
      const answer = await post(path, { ...receivers, [kind]: content, msgtype: kind });
      assert.equal('msg_data_id' in answer, kind === 'mpnews');
      const msgId = await delivered(answer);
      const [entry] = await sandbox.entriesOf(openids[0], msgId);
      if (kind === 'text') assert.equal(entry.text, content.content);
      const others = await sandbox.entriesOf(openids[5], msgId);
      assert.equal(others.length, audience === 'all' ? 1 : 0);
    });
  }
}

test('every type can be previewed, by OpenID and by name', async () => {
  for (const [kind, make] of Object.entries(CONTENTS)) {
    for (const person of [{ touser: openids[40] }, { towxname: 'user-000000041' }]) {
      const answer = await post('message/mass/preview', { ...person, [kind]: await make(), msgtype: kind });
      assert.equal(answer.errmsg, 'preview success', kind);
    }
  }
});

test('deleted news lose their page', async () => {
  const mediaId = await uploadNews(unique('要删除的图文'));
  const filter = { is_to_all: false, tag_id: TAG_HUNDREDTH };
  const msgId = await delivered(
    await post('message/mass/sendall', { filter, mpnews: { media_id: mediaId }, msgtype: 'mpnews' }),
  );
  await refused(40060, 'invalid article idx', 'message/mass/delete', { msg_id: msgId, article_idx: 2 });
  assert.equal((await post('message/mass/delete', { msg_id: msgId, article_idx: 1 })).errcode, 0);
  assert.equal((await post('message/mass/get', { msg_id: `${msgId}` })).msg_status, 'DELETE');
  const [card] = (await sandbox.entriesOf(openids[0], msgId))[0].articles;
  assert.ok((await (await sandbox.fetch(card.url)).text()).includes('该内容已被发布者删除'));
});

test('a clientmsgid sends once', async () => {
  const body = () => ({
    filter: { is_to_all: false, tag_id: TAG_HUNDREDTH },
    text: { content: unique('一次') },
    msgtype: 'text',
    clientmsgid: 'easywechat-once',
  });
  const msgId = await delivered(await post('message/mass/sendall', body()));
  const again = await app.getClient().postJson('cgi-bin/message/mass/sendall', body());
  assert.equal(again.toObject().errcode, 45065);
  assert.equal(again.toObject().msg_id, msgId);
});

test('the speed is read and set', async () => {
  assert.deepEqual(await post('message/mass/speed/get', {}), { speed: 0, realspeed: 80 });
  assert.equal((await post('message/mass/speed/set', { speed: 1 })).errcode, 0);
  assert.deepEqual(await post('message/mass/speed/get', {}), { speed: 1, realspeed: 60 });
});

test('refusals keep their number and text', async () => {
  const tag = { filter: { is_to_all: false, tag_id: TAG_HUNDREDTH } };
  const text = (content) => ({ text: { content }, msgtype: 'text' });
  const image = { image: { media_id: 'no-such-id' }, msgtype: 'image' };
  for (const [code, start, path, body] of [
    [40007, 'invalid media_id', 'message/mass/sendall', { ...tag, ...image }],
    [40130, 'invalid openid list size', 'message/mass/send', { touser: openids.slice(0, 1), ...text('一人') }],
    [40152, 'invalid group id', 'message/mass/sendall', { filter: { tag_id: 99999 }, ...text('没有') }],
    [40152, 'invalid group id', 'message/mass/sendall', { filter: {}, ...text('没有人') }],
    [44004, 'empty content', 'message/mass/sendall', { ...tag, ...text('') }],
    [40059, 'invalid msg id', 'message/mass/get', { msg_id: 999 }],
    [40003, 'invalid openid', 'message/mass/preview', { touser: `o${'x'.repeat(27)}`, ...text('谁？') }],
  ]) {
    await refused(code, start, path, body);
  }
  const everybody = { filter: { is_to_all: true }, ...text('未认证') };
  await refused(48001, 'api unauthorized', 'message/mass/sendall', everybody, application(UNVERIFIED));
  const two = { touser: openids.slice(0, 2), ...text('订阅号不可用') };
  await refused(48001, 'api unauthorized', 'message/mass/send', two, application(SUBSCRIPTION));
});

test('isFailed() can be taught to look at errcode', async () => {
  const own = application();
  own.getHttpClient().judgeFailureUsing((response) => response.toObject()?.errcode ?? 0);
  const answer = await own.getClient().postJson('cgi-bin/message/mass/get', { msg_id: 999 });
  assert.equal(answer.isFailed(), 40059);
});

test('the first follower finds every mass once, the newest first', async () => {
  assert.ok(sent.length >= 20, 'the tests above have to run first');
  const found = (await sandbox.inbox(openids[0])).map((entry) => Number(entry.msg_id));
  assert.deepEqual(found, [...sent].reverse());
});

// -- followers and tags ------------------------------------------------------------------------------------

test('followers come in pages and are described', async () => {
  const page = await get('user/get', { next_openid: openids[499] });
  assert.deepEqual([page.total, page.data.openid], [FOLLOWERS, openids.slice(500)]);
  const end = await get('user/get', { next_openid: openids.at(-1) });
  assert.deepEqual([end.count, end.next_openid, 'data' in end], [0, '', false]);
  const person = await get('user/info', { openid: openids[0], lang: 'zh_CN' });
  assert.deepEqual([...person.tagid_list].sort(), [TAG_EVEN, TAG_TENTH, TAG_HUNDREDTH]);
  const list = openids.slice(0, 100).map((openid) => ({ openid }));
  assert.equal((await post('user/info/batchget', { user_list: list })).user_info_list.length, 100);
  await post('user/info/updateremark', { openid: openids[7], remark: '胖子 "A\\B" 🌸' });
  assert.equal((await get('user/info', { openid: openids[7] })).remark, '胖子 "A\\B" 🌸');
});

test('a tag lives from create to delete', async () => {
  const { tag } = await post('tags/create', { tag: { name: '观察小组' } });
  await post('tags/update', { tag: { id: tag.id, name: '植物观察小组' } });
  await post('tags/members/batchtagging', { tagid: tag.id, openid_list: openids.slice(11, 15) });
  await post('tags/members/batchuntagging', { tagid: tag.id, openid_list: [openids[14]] });
  const listed = (await get('tags/get')).tags.find((one) => one.id === tag.id);
  assert.deepEqual([listed.name, listed.count], ['植物观察小组', 3]);
  assert.deepEqual((await post('user/tag/get', { tagid: tag.id })).data.openid, openids.slice(11, 14));
  assert.deepEqual((await post('tags/getidlist', { openid: openids[11] })).tagid_list, [tag.id]);
  await post('tags/delete', { tag: { id: tag.id } });
  await refused(45058, "can't modify sys tag", 'tags/update', { tag: { id: 2, name: '不许改' } });
});
