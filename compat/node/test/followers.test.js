// Followers, remarks, tags and the older groups.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { refusal } from '../lib/flow.js';
import { FOLLOWERS, Sandbox, TAG_EVEN, TAG_HUNDREDTH, TAG_TENTH } from '../lib/sandbox.js';

let sandbox;
let api;
let openids;

before(async () => {
  sandbox = await Sandbox.start();
  api = sandbox.client();
  openids = (await api.getFollowers()).data.openid;
});
after(() => sandbox?.stop());

test('all followers come in one page, with 28 signs each', async () => {
  const page = await api.getFollowers();
  assert.equal(page.total, FOLLOWERS);
  assert.equal(page.count, FOLLOWERS);
  assert.equal(new Set(page.data.openid).size, FOLLOWERS);
  assert.ok(page.data.openid.every((openid) => /^[\w-]{28}$/.test(openid)));
  assert.equal(page.next_openid, page.data.openid.at(-1));
});

test('a page starts after the OpenID it is given, and the walk ends', async () => {
  const page = await api.getFollowers(openids[499]);
  assert.deepEqual(page.data.openid, openids.slice(500));
  const end = await api.getFollowers(page.next_openid);
  assert.equal(end.count, 0);
  assert.equal(end.next_openid, '');
  assert.ok(!('data' in end));
});

test('a follower is described in numbers and texts', async () => {
  const person = await api.getUser({ openid: openids[0], lang: 'zh_CN' });
  assert.equal(person.openid, openids[0]);
  assert.equal(person.subscribe, 1);
  assert.equal(typeof person.subscribe_time, 'number');
  assert.equal(typeof person.groupid, 'number');
  assert.deepEqual([...person.tagid_list].sort(), [TAG_EVEN, TAG_TENTH, TAG_HUNDREDTH]);
  // The short form asks with lang=en.
  assert.equal((await api.getUser(openids[1])).openid, openids[1]);
});

test('a hundred followers are described at once, a hundred and one are not', async () => {
  const { user_info_list: people } = await api.batchGetUsers(openids.slice(0, 100));
  assert.deepEqual(people.map((person) => person.openid), openids.slice(0, 100));
  await assert.rejects(api.batchGetUsers(openids.slice(0, 101)), refusal(40032));
});

test('a remark with quotes, backslashes and a flower is kept', async () => {
  // The SDK rewrites control characters of the whole answer before it parses: nothing may be lost.
  const remark = '胖子 "A\\B" 🌸';
  assert.equal((await api.updateRemark(openids[7], remark)).errcode, 0);
  assert.equal((await api.getUser(openids[7])).remark, remark);
});

test('an unknown OpenID keeps its code', async () => {
  await assert.rejects(api.getUser(`o${'x'.repeat(27)}`), refusal(40003, 'invalid openid'));
});

test('the tags of the sandbox have their members', async () => {
  const counts = new Map((await api.getTags()).tags.map((tag) => [tag.id, tag.count]));
  assert.deepEqual([TAG_EVEN, TAG_TENTH, TAG_HUNDREDTH].map((id) => counts.get(id)), [500, 100, 10]);
  const page = await api.getUsersFromTag(TAG_TENTH);
  assert.deepEqual(page.data.openid, openids.filter((_, index) => index % 10 === 0));
  assert.ok(!('data' in await api.getUsersFromTag(TAG_TENTH, page.next_openid)));
});

test('a tag lives from create to delete', async () => {
  const { tag } = await api.createTags('观察小组');
  assert.equal(tag.name, '观察小组');
  assert.ok(Number.isInteger(tag.id) && tag.id >= 100);
  await api.updateTag(tag.id, '植物观察小组');
  await api.batchTagging(openids.slice(11, 15), tag.id);
  await api.batchUnTagging([openids[14]], tag.id);

  const listed = (await api.getTags()).tags.find((one) => one.id === tag.id);
  assert.deepEqual([listed.name, listed.count], ['植物观察小组', 3]);
  assert.deepEqual((await api.getUsersFromTag(tag.id)).data.openid, openids.slice(11, 14));
  assert.deepEqual((await api.getIdList(openids[11])).tagid_list, [tag.id]);
  assert.deepEqual((await api.getIdList(openids[15])).tagid_list, []);

  assert.equal((await api.deleteTag(tag.id)).errcode, 0);
  assert.ok(!(await api.getTags()).tags.some((one) => one.id === tag.id));
});

test('tags refuse with their codes', async () => {
  await assert.rejects(api.updateTag(2, '不许改'), refusal(45058));
  await assert.rejects(api.createTags('长'.repeat(31)), refusal(45158));
  await assert.rejects(api.batchTagging([openids[0]], 99999), refusal(45159));
  await assert.rejects(api.batchTagging(openids.slice(0, 51), TAG_HUNDREDTH), refusal(40032));
});
