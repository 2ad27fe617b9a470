// An account's own server with the two receivers that Node's users have, each unmodified: the middleware
// `wechat` under /wechat and node-easywechat's server side under /easywechat.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { ServerRequest } from 'node-easywechat';
import wechat from 'wechat';
import { connect } from '../recipes/node-easywechat-send.mjs';
import { SERVICE } from './sandbox.js';

export const TOKEN = 'compatToken';
export const AES_KEY = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8';

export class Receiver {
  /** What came, in order: which receiver, the message as that SDK decoded it, the query, the body. */
  pushes = [];
  /** What an SDK did not accept. */
  failures = [];
  handshakes = 0;
  /** What the middleware answers: nothing, or a text that it sends as a message, encrypted if it came so. */
  reply = '';
  #server = createServer((request, response) => this.#serve(request, response));
  #appid;

  constructor(appid = SERVICE.appid) {
    this.#appid = appid;
  }

  async start() {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    this.base = `http://127.0.0.1:${this.#server.address().port}`;
    return this;
  }

  async stop() {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  configuration(receiver, mode) {
    return { url: `${this.base}/${receiver}`, token: TOKEN, aes_key: AES_KEY, mode, verify: true };
  }

  finished(msgId) {
    return this.pushes.filter(({ message }) => Number(message.MsgID) === msgId);
  }

  async #serve(request, response) {
    const { pathname, searchParams } = new URL(request.url, this.base);
    const query = Object.fromEntries(searchParams);
    if (request.method === 'GET') this.handshakes += 1;
    try {
      if (pathname === '/wechat') this.#wechat(request, response, query);
      else await this.#easywechat(request, response, query);
    } catch (error) {
      this.#fail(response, error);
    }
  }

  #wechat(request, response, query) {
    const account = { token: TOKEN, appid: this.#appid, encodingAESKey: AES_KEY };
    const middleware = wechat(account, wechat.event((message, _, answer) => {
      this.pushes.push({ receiver: 'wechat', message, query });
      answer.reply(this.reply);
    }));
    request.query = query;
    middleware(request, response, (error) => this.#fail(response, error ?? new Error('not an event')));
    response.once('finish', () => {
      if (response.statusCode !== 200) this.failures.push(`wechat answered ${response.statusCode}`);
    });
  }

  async #easywechat(request, response, query) {
    const app = connect(this.base, this.#appid, '', { token: TOKEN, aes_key: AES_KEY });
    app.setRequest(await ServerRequest.createFromIncomingMessage(request));
    const server = app.getServer().addEventListener('MASSSENDJOBFINISH', async (message) => {
      this.pushes.push({ receiver: 'easywechat', message, query });
    });
    const answer = await server.serve();
    response.writeHead(answer.getStatusCode());
    response.end(answer.getBody());
  }

  #fail(response, error) {
    this.failures.push(error.message);
    response.writeHead(403);
    response.end();
  }
}
