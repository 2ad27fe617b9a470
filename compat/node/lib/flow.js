// Steps that several test files share, all of them through the SDK.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FIXTURES, waitFor } from './sandbox.js';

export const JPEG = join(FIXTURES, 'test.jpg');
export const PNG = join(FIXTURES, 'test.png');
export const AMR = join(FIXTURES, 'test.amr');
export const MP4 = join(FIXTURES, 'test.mp4');

let number = 0;

/** Texts no other test sends: an identical mass within 24 hours would be refused (45065). */
export function unique(text) {
  number += 1;
  return `${text}（第 ${number} 封）`;
}

/** The uploadnews body of article.json with its two placeholders filled. */
export function news(thumbMediaId, imageUrl, title) {
  const body = JSON.parse(
    readFileSync(join(FIXTURES, 'article.json'), 'utf8')
      .replaceAll('THUMB_MEDIA_ID', thumbMediaId)
      .replaceAll('IMAGE_URL', imageUrl),
  );
  body.articles[0].title = title;
  return body;
}

/** Uploads news with one fresh picture in the text. */
export async function uploadNews(api, title) {
  const { url } = await api.uploadImage(JPEG);
  const thumb = await api.uploadThumbMedia(JPEG);
  return (await api.uploadNews(news(thumb.thumb_media_id, url, title))).media_id;
}

/** Checks the answer to a mass send, waits until mass/get says SEND_SUCCESS, returns the msg_id. */
export async function delivered(api, answer) {
  assert.equal(answer.errcode, 0);
  assert.equal(answer.errmsg, 'send job submission success');
  // Above 15 digits json-bigint would make an object of it, which goes back as a string.
  assert.equal(typeof answer.msg_id, 'number');
  await waitFor(`mass ${answer.msg_id} to be sent`, async () => {
    const state = await api.getMassMessageStatus(answer.msg_id);
    assert.equal(state.msg_id, answer.msg_id);
    assert.ok(['SENDING', 'SEND_SUCCESS'].includes(state.msg_status), JSON.stringify(state));
    return state.msg_status === 'SEND_SUCCESS';
  });
  return answer.msg_id;
}

/** For assert.rejects: the SDK's own error with the number and the text of the document. */
export function refusal(code, text = '') {
  return (error) => {
    assert.equal(error.name, 'WeChatAPIError', `${error.name}: ${error.message}`);
    assert.equal(error.code, code, `${error.code}: ${error.message}`);
    assert.ok(error.message.startsWith(text), error.message);
    return true;
  };
}
