// A demo world: three accounts with everything that a page can show. What it returns are the addresses.

import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Account } from './account.js';
import { pictures, video, voice } from './drawing.js';

const FIXTURES = resolve(dirname(fileURLToPath(import.meta.url)), '../../fixtures');
const HOUR = 3600;
const DAY = 24 * HOUR;
const LIFTED = { sends_per_day: null, calls_per_day: null, receipts_per_month: null, history_per_day: null, history_per_month: null, calls_per_minute: null };
const READERS = [
  ['user-000000042', '林小满'], ['user-000000007', '周远'], ['user-000000011', '何秀英'], ['user-000000013', 'Maya'], ['user-000000021', '😀 一棵树'],
];

const article = (thumb, title, content, more = {}) => ({ thumb_media_id: thumb, title, content, show_cover_pic: 0, ...more });

/** The long article: everything that a body can hold. */
const observation = (image) => `
<p>三月七日清晨，东门那株白玉兰开了第一朵。保安师傅老周比谁都早看见，他说花是夜里开的，前一晚还裹着毛茸茸的苞鳞，天亮时已经朝着太阳偏过头去。去年的第一朵开在三月十二日，前年是十五日。我们把这三个日子写在同一页上，春天的脚步便有了刻度。</p>
<figure><img src="${image.magnolia}" alt="枝头的白玉兰"><figcaption>东门的白玉兰，三月七日上午七点二十分。树龄约六十年，是园里最早开花的一株。</figcaption></figure>
<h2>一、本周看什么</h2>
<p><strong>湖边的垂柳。</strong>远看一片鹅黄，近看才发现黄的不是叶，是刚刚伸出来的花序。垂柳（<em>Salix babylonica</em>）雌雄异株，湖东岸那 12 棵多为雄株，四月飘絮的不是它们。</p>
<p><img src="${image.willow}" alt="湖边的垂柳"></p>
<p><strong>图书馆北侧的二月兰。</strong>学名诸葛菜，四片花瓣排成十字。请蹲下来看：同一丛里，紫色有深有浅，老花会褪成近乎白色，它们并不是不同的品种。</p>
<blockquote><p>“多数人从旁边走过一百次，也没有见过它一次。”——观察小组手册，第一页</p></blockquote>
<h2>二、三年的第一朵</h2>
<table><thead><tr><th>年份</th><th>白玉兰</th><th>二月兰</th><th>垂柳</th></tr></thead><tbody><tr><td>2024</td><td>3 月 15 日</td><td>3 月 18 日</td><td>3 月 11 日</td></tr><tr><td>2025</td><td>3 月 12 日</td><td>3 月 16 日</td><td>3 月 9 日</td></tr><tr><td>2026</td><td>3 月 7 日</td><td>3 月 10 日</td><td>3 月 4 日</td></tr></tbody></table>
<h2>三、怎样记录</h2>
<ol><li>日期与时刻：写到分钟，例如 2026-03-07 07:20。</li><li>地点：写固定的编号，不写“门口那棵”。</li><li>天气：气温、风、前一夜有没有雨。</li><li>你看到的变化：先写看到的，再写猜到的。</li></ol>
<section style="background-color: rgb(246, 241, 231); padding: 16px; border-radius: 8px;"><p style="color: rgb(120, 80, 40); text-align: center;"><strong>周六上午九点，图书馆正门集合</strong></p><p style="text-align: center; color: #555;">沿湖一圈，约一个半小时，小雨照常</p></section>
<p>拿不准名字就写“不认识”，这三个字比猜错的名字有用得多。请不要攀折，也不要为了拍照踩进草坪：植物不会躲开我们，所以要由我们来让开一步。</p>
<p><img src="${image.notebook}" alt="一页观察笔记"></p>`;

/** An essay that another account reprints. */
const essay = (image) => `
<p>山前有一棵老树，没有人知道它是谁种的。县志里只有一句：“道光年间已合抱。”合抱是多粗，写志的人没有说，大概他站在树下伸过一次手，便觉得够了。</p>
<p>守园的人换过五任，每一任都从前一任那里接过一本册子。册子上不记天气，也不记来了多少人，只记这棵树：哪一年的雷劈了南枝，哪一年的雪压断了顶梢，哪一年的春天它迟了二十天才发芽，全园的人都以为它死了。</p>
<p><img src="${image.violet}" alt="老树下的二月兰"></p>
<p>发芽的那天早上，册子上写的是：“活着。”两个字占了一整页。</p>
<p>我接过册子的时候，前任只交代了一件事：不要替它着急。树的一年和人的一年不是一回事，它慢的时候，是在做我们看不见的事情。后来我把这句话写在了册子的扉页上，算是我写下的第一行字。</p>
<p>今年它又迟了。三月过去一半，别的树都绿了，它还是光秃秃地站在那里，来拍照的人绕着它走了一圈又一圈，问我它是不是不行了。我说不知道，要等。昨天傍晚下过一阵小雨，今天早上我照例去看它，东边最低的那根枝上，有一粒米大的绿。</p>
<p>册子还剩四十多页。我算过，够用到二〇六八年。</p>`;

export async function build(sandbox, browser) {
  const drawn = await pictures(browser);
  const clip = (await video(browser)) ?? await readFile(join(FIXTURES, 'test.mp4'));
  const settings = (name, kind) => ({ name, kind, verified: true, pay_enabled: true, comment_enabled: true, declare_original: true, quota: LIFTED });
  const garden = await Account.create(sandbox, settings('山前植物园', 'service'), READERS);
  const library = await Account.create(sandbox, settings('大学图书馆', 'subscription'), READERS);
  const quiet = await Account.create(sandbox, settings('南湖自来水', 'service'), READERS);
  const image = {};
  for (const [name, bytes] of Object.entries(drawn)) image[name] = (await garden.upload('media/uploadimg', bytes, `${name}.jpg`)).url;
  const cover = async (account, name) => (await account.upload('material/add_material?type=image', drawn[name], `${name}.jpg`)).media_id;
  const covers = { evening: await cover(garden, 'evening'), magnolia: await cover(garden, 'magnolia'), willow: await cover(garden, 'willow'), violet: await cover(garden, 'violet'), night: await cover(garden, 'night'), notebook: await cover(garden, 'notebook') };
  const at = (url) => url.replace(sandbox.base, '');
  const address = {};
  const newest = async (account, reader = READERS[0][0]) => (await account.reader(reader)).newest();

  // Things of the days before.
  await garden.sendAll({ msgtype: 'text', text: { content: '春季开园时间：每天 6:30 – 20:00。\n清明当天 5:30 开门，东门人多，请走北门。' } });
  await sandbox.advance(DAY + 2 * HOUR);
  const gallery = [];
  for (const name of ['magnolia', 'willow', 'violet', 'evening', 'night', 'notebook']) gallery.push((await garden.upload('media/upload?type=image', drawn[name], `${name}.jpg`)).media_id);
  await garden.sendAll({ msgtype: 'image', images: { media_ids: gallery, recommend: '一周的六张照片：从清晨到夜里。', title: '本周影像' } });
  await sandbox.advance(DAY - 3 * HOUR);
  const sound = (await garden.upload('media/upload?type=voice', voice(12), 'voice.mp3')).media_id;
  await garden.sendAll({ msgtype: 'voice', voice: { media_id: sound } });
  await sandbox.advance(5 * HOUR);
  const raw = (await garden.upload('media/upload?type=video', clip, 'lake.mp4')).media_id;
  const film = await garden.call('media/uploadvideo', { media_id: raw, title: '两秒钟的湖', description: '三月的风从东南来，湖面的波纹要走四十步才到岸。' });
  await garden.sendAll({ msgtype: 'mpvideo', mpvideo: { media_id: film.media_id } });
  address.video = at((await newest(garden)).url);
  await sandbox.advance(DAY);
  const card = await garden.native('POST', '/cards', { title: '温室夜游票 八折' });
  await garden.sendAll({ msgtype: 'wxcard', wxcard: { card_id: card.card_id } });
  await sandbox.advance(3 * HOUR);

  // What is deleted, and what is recalled.
  const wrong = await garden.sendNews([article(covers.night, '时间写错了的通知', '<p>夜游改在周五。</p>')]);
  address.deleted = at((await newest(garden)).url);
  await garden.call('message/mass/delete', { msg_id: wrong.msg_id });
  const taken = await garden.sendNews([article(covers.night, '发错了的群发', '<p>请忽略。</p>')]);
  address.recalled = at((await newest(garden)).url);
  await garden.native('POST', `/masses/${taken.msg_id}/recall`);
  await sandbox.advance(DAY);

  // A reprint, on the page of another account.
  const original = await garden.sendNews([article(covers.violet, '山前的一棵老树', essay(image), { author: '守园人' })]);
  await garden.native('POST', '/originals', { media_id: original.media_id, can_reprint: true });
  await sandbox.advance(HOUR);
  const libraryCover = await cover(library, 'violet');
  await library.sendNews([article(libraryCover, '读到一篇好文：山前的一棵老树', essay(image).replace(/<p><img[^>]*><\/p>\n/, ''))]);
  address.reprint = at((await newest(library)).url);
  await sandbox.advance(DAY);

  // Four articles in one issue.
  await garden.sendNews([
    article(covers.evening, '山前四季：一年里最短的那个黄昏', '<p>冬至前后，太阳在四点五十分落到西山后面。从它碰到山脊，到最后一点光从湖面上退走，一共是九分四十秒。</p><p>这九分四十秒里，园里会依次安静下来：先是喜鹊，然后是风，最后是人。闭园的广播要等到五点半，所以中间有四十分钟，什么也不发生。我们管它叫“空档”。</p><p>空档里适合做的事不多。可以沿湖走半圈，可以坐在东岸的长椅上等第一颗星，也可以什么都不做。老周说他守了十一年园，最喜欢的就是这四十分钟，因为谁也不用他。</p><p>今年的冬至是十二月二十二日，星期二。那天我们把闭园推迟到六点，欢迎你来过一次空档。</p>', { author: '守园人', show_cover_pic: 1 }),
    article(covers.night, '夜游温室：请带一支红光手电', '<p>红光不惊动蛾子。</p>'),
    article(covers.notebook, '志愿者招募：十二个周末，一本笔记', '<p>每个周末两小时。</p>'),
    article(covers.willow, '为什么春天先黄后绿', '<p>先看见的是花序。</p>'),
  ]);
  address.issue = at((await newest(garden)).url);
  await sandbox.advance(DAY + 20 * HOUR);

  // The long article with comments.
  const main = await garden.sendNews([article(covers.magnolia, '校园植物观察：三月第一周，玉兰比去年早了五天', observation(image), {
    author: '植物观察小组', digest: '东门的白玉兰三月七日开花，比去年早五天。本周看垂柳、二月兰和一种只有米粒大的蓝花。',
    content_source_url: 'https://example.org/plants/2026-03', need_open_comment: 1,
  })]);
  const entry = await newest(garden);
  address.article = at(entry.url);
  const said = [
    ['user-000000007', '东门那株我每天路过，第一次知道它六十岁了。'], ['user-000000011', '去年三月十二日我也拍了一张，回头找出来对照。\n花朵的朝向好像真的不一样。'],
    ['user-000000013', 'Is the walk on Saturday open to visitors?'], ['user-000000021', '“不认识”三个字，学会了。'],
  ];
  for (const [id, content] of said) {
    const reader = await garden.reader(id);
    const { comment_id } = await reader.comment(await reader.newest(), content);
    const of = { msg_data_id: String(main.msg_data_id), index: 0, user_comment_id: comment_id };
    await garden.call('comment/markelect', of);
    if (id === 'user-000000011') await garden.call('comment/reply/add', { ...of, content: '欢迎把照片发到后台，我们想把三年放在一起比。' });
    await sandbox.advance(HOUR);
  }

  // A preview that is over, and one that is not.
  const preview = async (title) => {
    const { media_id } = await garden.call('media/uploadnews', { articles: [article(covers.notebook, title, observation(image), { author: '植物观察小组' })] });
    await garden.call('message/mass/preview', { towxname: READERS[1][0], msgtype: 'mpnews', mpnews: { media_id } });
    return at((await newest(garden, READERS[1][0])).url);
  };
  address.expired = await preview('一篇旧的预览');
  await sandbox.advance(13 * HOUR);
  address.preview = await preview('下周预告：阿拉伯婆婆纳');

  // What waits for its administrator: its address is known from a send that was recalled.
  const { media_id, msg_id } = await library.sendNews([article(libraryCover, '闭馆通知', '<p>周日闭馆。</p>')]);
  address.waiting = at((await newest(library)).url);
  await library.native('POST', `/masses/${msg_id}/recall`);
  await sandbox.native('PATCH', `/v1/accounts/${library.appid}`, { protect: true });
  await library.sendAll({ msgtype: 'mpnews', mpnews: { media_id } });
  address.missing = '/s/AAAAAAAAAAAAAAAAAAAAAA';
  address.history = `/mp/history/${garden.appid}`;
  address.empty = `/mp/history/${quiet.appid}`;
  address.front = '/';
  return { address, garden, library, quiet, main };
}
