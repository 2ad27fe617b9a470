// MASSSENDJOBFINISH, received by the middleware `wechat` (with wechat-crypto) and by node-easywechat.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ServerRequest } from 'node-easywechat';
import WXBizMsgCrypt from 'wechat-crypto';
import { delivered, unique } from '../lib/flow.js';
import { AES_KEY, Receiver, TOKEN } from '../lib/receiver.js';
import { Sandbox, SERVICE, TAG_EVEN, TAG_HUNDREDTH, waitFor } from '../lib/sandbox.js';
import { connect } from '../recipes/node-easywechat-send.mjs';

/** Longer than all tries of one event together (0, 5 and 10 s). */
const AFTER_ALL_TRIES_SECONDS = 60;

let sandbox;
let receiver;
let api;

before(async () => {
  sandbox = await Sandbox.start();
  receiver = await new Receiver().start();
  api = sandbox.client();
});
after(async () => {
  await receiver?.stop();
  await sandbox?.stop();
});

async function configure(name, mode) {
  const before = receiver.handshakes;
  const callback = receiver.configuration(name, mode);
  await sandbox.native('PATCH', `/v1/accounts/${SERVICE.appid}`, { callback });
  assert.equal(receiver.handshakes, before + 1);
}

/** The event of a mass, after every possible repetition had its time. */
async function onlyPush(msgId) {
  await waitFor(`the event of mass ${msgId}`, () => receiver.finished(msgId).length > 0);
  await sandbox.advance(AFTER_ALL_TRIES_SECONDS);
  assert.deepEqual(receiver.failures, []);
  const pushes = receiver.finished(msgId);
  assert.equal(pushes.length, 1);
  return pushes[0];
}

for (const name of ['wechat', 'easywechat']) {
  for (const mode of ['plain', 'compatible', 'safe']) {
    test(`${name} reads the event in ${mode} mode, once, with exact counts`, async () => {
      await configure(name, mode);
      const msgId = await delivered(api, await api.massSendText(unique('给一半的人'), TAG_EVEN));
      const { receiver: by, message, query } = await onlyPush(msgId);
      assert.equal(by, name);
      assert.equal(query.encrypt_type, mode === 'plain' ? undefined : 'aes');
      assert.equal('msg_signature' in query, mode !== 'plain');
      assert.equal(message.MsgType, 'event');
      assert.equal(message.Event, 'MASSSENDJOBFINISH');
      assert.equal(message.FromUserName, 'mphelper');
      assert.match(message.ToUserName, /^gh_/);
      assert.match(message.CreateTime, /^\d{10}$/);
      assert.equal(message.MsgID, `${msgId}`);
      assert.equal(message.Status, 'send success');
      const counts = ['TotalCount', 'FilterCount', 'SentCount', 'ErrorCount'].map((count) => message[count]);
      assert.deepEqual(counts, ['500', '500', '500', '0']);
    });
  }
}

test('an answer that is an encrypted message counts as received', async () => {
  await configure('wechat', 'safe');
  receiver.reply = '收到';
  const msgId = await delivered(api, await api.massSendText(unique('给十个人'), TAG_HUNDREDTH));
  const { message } = await onlyPush(msgId);
  assert.equal(message.TotalCount, '10');
});

test('another accounts message is refused by node-easywechat and comes again', async () => {
  const stranger = await new Receiver('wx9999999999999999').start();
  try {
    const callback = stranger.configuration('easywechat', 'safe');
    await sandbox.native('PATCH', `/v1/accounts/${SERVICE.appid}`, { callback });
    await delivered(api, await api.massSendText(unique('给别人的'), TAG_HUNDREDTH));
    await waitFor('the first try', () => stranger.failures.length === 1);
    await sandbox.advance(AFTER_ALL_TRIES_SECONDS);
    assert.deepEqual(stranger.failures, Array(3).fill('Invalid appId.'));
    assert.deepEqual(stranger.pushes, []);
  } finally {
    await stranger.stop();
  }
});

test('wechat-crypto reads the vector of the documents', () => {
  const crypt = new WXBizMsgCrypt('qunfaToken', AES_KEY, 'wx0123456789abcdef');
  const encrypt = '4j/AuRx71kQlxVlzbpsMWPUqllsaXV9t+0K48Eyy8R/9zYbSmBKc+8Go7kOiwcq0'
    + '+fdPG1YP9u2xzkC0z+1xu7E7qQxxNbGEZOJzOBlywptaVSPlgEFaaWDEX0hPvkJv';
  assert.equal(crypt.getSignature('1790000000', '4711', encrypt), 'a5409251ec2676b0d4497b5c173e0901c867aba4');
  assert.deepEqual(crypt.decrypt(encrypt), {
    message: '<xml><ToUserName><![CDATA[gh_qunfa]]></ToUserName></xml>',
    id: 'wx0123456789abcdef',
  });
});

test('node-easywechat checks a second request of one application against the first signature', async () => {
  // Why the recipe makes an application for each request.
  const app = connect('http://127.0.0.1', SERVICE.appid, '', { token: TOKEN, aes_key: AES_KEY });
  const serve = async (nonce) => {
    const encrypted = app.getEncryptor().encrypt(`<xml><Event>${nonce}</Event></xml>`, nonce, '1790000000');
    const [, signature] = /<MsgSignature>(\w+)/.exec(encrypted);
    const url = `/?msg_signature=${signature}&timestamp=1790000000&nonce=${nonce}`;
    app.setRequest(new ServerRequest('POST', url, {}, encrypted));
    return app.getServer().serve();
  };
  assert.equal((await serve('first')).getStatusCode(), 200);
  await assert.rejects(serve('second'), /Invalid request signature/);
});
