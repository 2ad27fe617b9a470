// co-wechat-api as it is: nothing in here names a host. Its packages are those of ../../node.
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';

const API = createRequire(new URL('../../node/package.json', import.meta.url))('co-wechat-api');
const [appid, secret, photo, tag] = process.argv.slice(2);
const api = new API(appid, secret);
const { media_id: mediaId } = await api.uploadImageMedia(photo);
const { msg_id: msgId } = await api.massSendImage(mediaId, Number(tag));
let state = await api.getMassMessageStatus(msgId);
while (state.msg_status === 'SENDING') {
  await sleep(100);
  state = await api.getMassMessageStatus(msgId);
}
console.log(JSON.stringify({ msg_id: msgId, status: state.msg_status }));
