// Permanent materials, groups, cards and statistics through all three SDKs.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before } from 'node:test';
import { AMR, JPEG, MP4, news, unique } from '../lib/flow.js';
import { library } from '../lib/library.js';
import { Sandbox, SERVICE, TAG_HUNDREDTH, waitFor } from '../lib/sandbox.js';
import { connect as coWechatApi } from '../recipes/co-wechat-api-send.mjs';
import { connect as easywechat } from '../recipes/node-easywechat-send.mjs';
import { call, connect as wechatApi } from '../recipes/wechat-api-send.mjs';

let sandbox;
before(async () => { sandbox = await Sandbox.start(); });
after(() => sandbox?.stop());

/** The same few calls in each SDK's own words; an error is what that SDK makes of it. */
const SDKS = {
  'co-wechat-api': () => {
    const api = coWechatApi(sandbox.base, SERVICE.appid, SERVICE.secret);
    return (method, ...values) => api[method](...values);
  },
  'wechat-api': () => {
    const api = wechatApi(sandbox.base, SERVICE.appid, SERVICE.secret);
    return (method, ...values) => call(api, method, ...values);
  },
};

function easyClient() {
  return easywechat(sandbox.base, SERVICE.appid, SERVICE.secret).getClient();
}

/** The answer as node-easywechat decodes it, without an errcode other than 0. */
function decoded(response) {
  const answer = response.toObject();
  assert.ok(!answer.errcode, response.toJson());
  return answer;
}

for (const [name, make] of Object.entries(SDKS)) {
  library(() => sandbox, 'materials', `${name}: materials live from upload to delete`, async () => {
    const api = make();
    const before = await api('getMaterialCount');
    const image = await api('uploadImageMaterial', JPEG);
    assert.match(image.url, /^http/);
    const voice = await api('uploadVoiceMaterial', AMR);
    const thumb = await api('uploadThumbMaterial', JPEG);
    const counted = await api('getMaterialCount');
    assert.equal(counted.voice_count, before.voice_count + 1);
    assert.ok(counted.image_count > before.image_count);
    const page = await api('getMaterials', 'voice', 0, 20);
    assert.equal(page.total_count, counted.voice_count);
    assert.equal(page.item[0].media_id, voice.media_id);
    for (const [medium, path] of [[image, JPEG], [voice, AMR], [thumb, JPEG]]) {
      assert.ok(readFileSync(path).equals(await api('getMaterial', medium.media_id)), path);
      assert.equal((await api('removeMaterial', medium.media_id)).errcode, 0);
      await assert.rejects(api('getMaterial', medium.media_id), { name: 'WeChatAPIError', message: /^invalid media_id/ });
    }
  });

  library(() => sandbox, 'materials', `${name}: a video material has its description in the form`, async () => {
    const api = make();
    const description = { title: '春天的湖', introduction: '两秒钟' };
    const { media_id: mediaId } = await api('uploadVideoMaterial', MP4, description);
    const found = await api('getMaterial', mediaId);
    assert.deepEqual([found.title, found.description], [description.title, description.introduction]);
  });

  library(() => sandbox, 'materials', `${name}: permanent news are added, changed and sent`, async () => {
    const api = make();
    const { media_id: cover } = await api('uploadImageMaterial', JPEG);
    const title = unique(`${name} 永久图文`);
    const added = await api('uploadNewsMaterial', news(cover, '', '改之前'));
    const [changed] = news(cover, '', title).articles;
    await api('updateNewsMaterial', { media_id: added.media_id, index: 0, articles: changed });
    assert.equal((await api('getMaterial', added.media_id)).news_item[0].title, title);
    const { msg_id: msgId } = await api('massSendNews', added.media_id, TAG_HUNDREDTH);
    await waitFor('the mass', async () => (await api('getMassMessageStatus', msgId)).msg_status === 'SEND_SUCCESS');
    const [first] = (await api('getFollowers')).data.openid;
    assert.equal((await sandbox.entriesOf(first, msgId))[0].articles[0].title, title);
  });

  library(() => sandbox, 'groups', `${name}: a group lives from create to delete`, async () => {
    const api = make();
    const openids = (await api('getFollowers')).data.openid;
    const { group } = await api('createGroup', '老分组');
    await api('updateGroup', group.id, '老分组二');
    await api('moveUserToGroup', openids[801], group.id);
    assert.equal((await api('getWhichGroup', openids[801])).groupid, group.id);
    const listed = (await api('getGroups')).groups.find((one) => one.id === group.id);
    assert.deepEqual([listed.name, listed.count], ['老分组二', 1]);
    await api('removeGroup', group.id);
    assert.equal((await api('getWhichGroup', openids[801])).groupid, 0);
  });
}

library(() => sandbox, 'materials', 'node-easywechat: a material lives from upload to delete', async () => {
  const client = easyClient();
  const params = { type: 'image' };
  const added = decoded(await client.withFile(JPEG, 'media').post('cgi-bin/material/add_material', { params }));
  const body = { media_id: added.media_id };
  const found = await client.postJson('cgi-bin/material/get_material', body, { responseType: 'arraybuffer' });
  assert.ok(readFileSync(JPEG).equals(found.getContent()));
  decoded(await client.postJson('cgi-bin/material/del_material', body));
  assert.equal((await client.postJson('cgi-bin/material/get_material', body)).toObject().errcode, 40007);
});

library(() => sandbox, 'drafts', 'node-easywechat: a draft is written, changed and sent, and then gone', async () => {
  const client = easyClient();
  const params = { type: 'image' };
  const cover = decoded(await client.withFile(JPEG, 'media').post('cgi-bin/material/add_material', { params }));
  const title = unique('草稿');
  const added = decoded(await client.postJson('cgi-bin/draft/add', news(cover.media_id, '', '改之前')));
  const [article] = news(cover.media_id, '', title).articles;
  const changed = { media_id: added.media_id, index: 0, articles: article };
  decoded(await client.postJson('cgi-bin/draft/update', changed));
  const found = decoded(await client.postJson('cgi-bin/draft/get', { media_id: added.media_id }));
  assert.equal(found.news_item[0].title, title);
  assert.equal(decoded(await client.get('cgi-bin/draft/count')).total_count, 1);

  const filter = { is_to_all: false, tag_id: TAG_HUNDREDTH };
  const body = { filter, mpnews: { media_id: added.media_id }, msgtype: 'mpnews' };
  const { msg_id: msgId } = decoded(await client.postJson('cgi-bin/message/mass/sendall', body));
  const [first] = (await sandbox.client().getFollowers()).data.openid;
  await waitFor('the entry', async () => (await sandbox.entriesOf(first, msgId)).length === 1);
  assert.equal((await sandbox.entriesOf(first, msgId))[0].articles[0].title, title);
  await waitFor('the draft to leave its box', async () => (
    decoded(await client.get('cgi-bin/draft/count')).total_count === 0
  ));
  const gone = await client.postJson('cgi-bin/draft/get', { media_id: added.media_id });
  assert.equal(gone.toObject().errcode, 40007);
});

library(() => sandbox, 'groups', 'node-easywechat: a group lives from create to delete', async () => {
  const client = easyClient();
  const { group } = decoded(await client.postJson('cgi-bin/groups/create', { group: { name: '老分组' } }));
  assert.ok(decoded(await client.get('cgi-bin/groups/get')).groups.some((one) => one.id === group.id));
  decoded(await client.postJson('cgi-bin/groups/delete', { group: { id: group.id } }));
});

library(() => sandbox, 'cards', 'node-easywechat: a card is sent', async () => {
  const { card_id: cardId } = await sandbox.native('POST', `/v1/accounts/${SERVICE.appid}/cards`, { title: '早餐券' });
  const filter = { is_to_all: false, tag_id: TAG_HUNDREDTH };
  const body = { filter, wxcard: { card_id: cardId }, msgtype: 'wxcard' };
  const { msg_id: msgId } = decoded(await easyClient().postJson('cgi-bin/message/mass/sendall', body));
  const [first] = (await sandbox.client().getFollowers()).data.openid;
  await waitFor('the entry', async () => (await sandbox.entriesOf(first, msgId)).length === 1);
  assert.equal((await sandbox.entriesOf(first, msgId))[0].card_id, cardId);
});

library(() => sandbox, 'datacube', 'wechat-api and node-easywechat: statistics of the day before yesterday', async () => {
  const { now } = await sandbox.native('GET', '/sandbox/clock');
  const day = new Date(Date.parse(now) - 40 * 3_600_000).toISOString().slice(0, 10);
  const body = { begin_date: day, end_date: day };
  const api = SDKS['wechat-api']();
  assert.ok(Array.isArray((await api('getArticleSummary', day, day)).list));
  const answer = decoded(await easyClient().postJson('datacube/getusercumulate', body));
  assert.equal(answer.list[0].ref_date, day);
});
