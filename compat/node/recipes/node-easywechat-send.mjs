// A mass send with node-easywechat, from the token to the event.
//
//     qunfa sandbox                                in another window
//     node node-easywechat-send.mjs photo.jpg
//
// QUNFA names a server other than http://127.0.0.1:8080.

import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { OfficialAccount, ServerRequest } from 'node-easywechat';

const APPID = 'wx0000000000000001';
const SECRET = '00000000000000000000000000000001';
const TOKEN = 'recipeToken';
const AES_KEY = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8';
const TAG = 102;

// The SDK keeps tokens in files named after the account, whatever the host: a folder of one's own.
const TOKENS = { path: mkdtempSync(join(tmpdir(), 'tokens-')) };

/** node-easywechat as it is, with another host. */
export function connect(host, appid, secret, more = {}) {
  return new OfficialAccount({
    app_id: appid,
    secret,
    http: { baseURL: host },
    file_cache: TOKENS,
    ...more,
  });
}

async function main(photo, host = 'http://127.0.0.1:8080') {
  // The account's own server: the check of its URL, then the events.
  const server = createServer();
  const event = new Promise((done) => {
    server.on('request', async (request, response) => {
      // One application for each request: a server that is used twice keeps the first signature.
      const receiving = connect(host, APPID, SECRET, { token: TOKEN, aes_key: AES_KEY });
      receiving.setRequest(await ServerRequest.createFromIncomingMessage(request));
      const handling = receiving.getServer().addEventListener('MASSSENDJOBFINISH', async (message) => {
        done(message);
      });
      response.end((await handling.serve()).getBody());
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

  const client = connect(host, APPID, SECRET).getClient();
  const uploaded = await client
    .withFile(photo, 'media')
    .post('cgi-bin/media/upload', { params: { type: 'image' } });
  // To everybody: filter {is_to_all: true}; to a list: touser and cgi-bin/message/mass/send.
  const sent = await client.postJson('cgi-bin/message/mass/sendall', {
    filter: { is_to_all: false, tag_id: TAG },
    image: { media_id: uploaded.toObject().media_id },
    msgtype: 'image',
  });
  // An errcode is no exception, and isFailed() does not see it.
  const { errcode, msg_id: msgId } = sent.toObject();
  if (errcode) throw new Error(sent.toJson());
  console.log('sent', msgId);

  let state;
  do {
    await sleep(100);
    state = (await client.postJson('cgi-bin/message/mass/get', { msg_id: msgId })).toObject();
  } while (state.msg_status === 'SENDING');
  console.log('status', state.msg_status);

  const { MsgID, Status, SentCount, TotalCount } = await event;
  console.log('event', MsgID, Status, `${SentCount} of ${TotalCount}`);
  server.close();
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(process.argv[2], process.env.QUNFA);
}
