// An account of a sandbox, and what its back end does: uploads, sends, comments.

export class Account {
  constructor(sandbox, appid, secret) {
    this.sandbox = sandbox;
    this.appid = appid;
    this.secret = secret;
  }

  /** A new account with followers of these external ids and nicknames. */
  static async create(sandbox, settings, followers = []) {
    const made = await sandbox.native('POST', '/v1/accounts', settings);
    const account = new Account(sandbox, made.appid, made.secret);
    if (followers.length > 0) {
      const quoted = (text) => `"${text.replaceAll('"', '""')}"`;
      const rows = followers.map(([id, nickname]) => `${quoted(id)},${quoted(nickname)}\n`).join('');
      const answer = await fetch(`${sandbox.base}/v1/accounts/${account.appid}/followers`, {
        method: 'POST', headers: { authorization: 'Bearer sandbox' }, body: `external_id,nickname\n${rows}`,
      });
      const done = await answer.json();
      if (done.imported !== followers.length) throw new Error(`followers: ${JSON.stringify(done)}`);
    }
    return account;
  }

  async token() {
    const query = `grant_type=client_credential&appid=${this.appid}&secret=${this.secret}`;
    const answer = await (await fetch(`${this.sandbox.base}/cgi-bin/token?${query}`)).json();
    if (!answer.access_token) throw new Error(`token: ${JSON.stringify(answer)}`);
    return answer.access_token;
  }

  /** A call of the compatible API; fails on an errcode. The access token is asked for each time: the clock jumps. */
  async call(path, body) {
    const answer = await this.answer(path, JSON.stringify(body));
    if (answer.errcode) throw new Error(`${path}: ${JSON.stringify(answer)}`);
    return answer;
  }

  async answer(path, body) {
    const join = path.includes('?') ? '&' : '?';
    const url = `${this.sandbox.base}/cgi-bin/${path}${join}access_token=${await this.token()}`;
    return (await fetch(url, { method: 'POST', body })).json();
  }

  async upload(path, bytes, name) {
    const form = new FormData();
    form.set('media', new Blob([bytes]), name);
    const answer = await this.answer(path, form);
    if (answer.errcode) throw new Error(`${path}: ${JSON.stringify(answer)}`);
    return answer;
  }

  /** A send to all; what fell due has run when this returns. */
  async sendAll(content) {
    this.sent = (this.sent ?? 0) + 1;
    const key = { clientmsgid: `${this.appid}-${this.sent}` };
    const sent = await this.call('message/mass/sendall', { filter: { is_to_all: true }, ...key, ...content });
    await this.sandbox.advance(60);
    return sent;
  }

  async sendNews(articles) {
    const { media_id } = await this.call('media/uploadnews', { articles });
    return { media_id, ...(await this.sendAll({ msgtype: 'mpnews', mpnews: { media_id }, send_ignore_reprint: 1 })) };
  }

  native(method, path, body) {
    return this.sandbox.native(method, `/v1/accounts/${this.appid}${path}`, body);
  }

  /** The reader of this account whose external id this is. */
  async reader(id) {
    const { token } = await this.native('POST', '/inbox-tokens', { external_id: id });
    return new Reader(this.sandbox, token);
  }
}

class Reader {
  constructor(sandbox, token) {
    Object.assign(this, { sandbox, token });
  }

  async call(method, path, body) {
    const answer = await fetch(this.sandbox.base + path, {
      method, headers: { authorization: `Bearer ${this.token}` }, body: body && JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.status === 204 ? {} : answer.json();
  }

  async newest() {
    return (await this.call('GET', '/inbox/entries?limit=1')).entries[0];
  }

  comment(entry, content, index = 1) {
    return this.call('POST', `/inbox/entries/${entry.id}/comments`, { index, content });
  }
}
