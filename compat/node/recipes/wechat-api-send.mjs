// A mass send with wechat-api, from the token to the event.
//
//     qunfa sandbox                                in another window
//     node wechat-api-send.mjs photo.jpg
//
// QUNFA names a server other than http://127.0.0.1:8080.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import wechat from 'wechat';
import API from 'wechat-api';

const APPID = 'wx0000000000000001';
const SECRET = '00000000000000000000000000000001';
const TOKEN = 'recipeToken';
const AES_KEY = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8';
const TAG = 102;

/** wechat-api as it is, with another host: setEndpoint() would put https before it. */
export function connect(host, appid, secret) {
  const api = new API(appid, secret);
  api.endpoint = host;
  api.fileServerPrefix = `${host}/cgi-bin/`;
  return api;
}

/** wechat-api takes a callback as its last argument; this makes a promise of it. */
export function call(api, method, ...values) {
  return promisify(api[method]).apply(api, values);
}

async function main(photo, host = 'http://127.0.0.1:8080') {
  // The account's own server: the check of its URL, then the events.
  const account = { token: TOKEN, appid: APPID, encodingAESKey: AES_KEY };
  const server = createServer();
  const event = new Promise((done) => {
    const middleware = wechat(account, (request, response) => {
      done(request.weixin);
      response.reply('');
    });
    server.on('request', (request, response) => {
      const { searchParams } = new URL(request.url, host);
      request.query = Object.fromEntries(searchParams);
      middleware(request, response, () => response.end());
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${server.address().port}/`;
  const saved = await fetch(`${host}/v1/accounts/${APPID}`, {
    method: 'PATCH',
    headers: { authorization: 'Bearer sandbox' },
    body: JSON.stringify({ callback: { url, token: TOKEN, aes_key: AES_KEY, mode: 'safe' } }),
  });
  if (!saved.ok) throw new Error(await saved.text());

  const api = connect(host, APPID, SECRET);
  const { media_id: mediaId } = await call(api, 'uploadMedia', photo, 'image');
  // To everybody: true in place of the tag; to a list: an array of OpenIDs.
  const { msg_id: msgId } = await call(api, 'massSendImage', mediaId, TAG);
  console.log('sent', msgId);

  let state;
  do {
    await sleep(100);
    state = await call(api, 'getMassMessageStatus', msgId);
  } while (state.msg_status === 'SENDING');
  console.log('status', state.msg_status);

  const { MsgID, Status, SentCount, TotalCount } = await event;
  console.log('event', MsgID, Status, `${SentCount} of ${TotalCount}`);
  server.close();
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(process.argv[2], process.env.QUNFA);
}
