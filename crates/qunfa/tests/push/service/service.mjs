// A push service (RFC 8030) with its browsers, on a loopback port: takes pushes as a real one does, checks their VAPID
// signature (RFC 8292) and opens them with the reference implementation of encrypted content (RFC 8188, RFC 8291).
//
// POST /browsers {"applicationServerKey"}   a new browser: its subscription, as PushSubscription.toJSON() writes it
// POST /browsers/N {"answer", "retryAfter", "hang", "offline"}   how pushes to it are answered from now on
// GET  /pushes              how many pushes came for all of them
// GET  /browsers/N          what its user saw, and every push that came
import { createECDH, createPublicKey, randomBytes, verify } from 'node:crypto';
import { createServer } from 'node:http';
import assert from 'node:assert/strict';
import ece from 'http_ece';

const base64url = (bytes) => Buffer.from(bytes).toString('base64url');

function open(body, keys, auth) {
  return ece.decrypt(body, { version: 'aes128gcm', privateKey: keys, authSecret: auth }).toString('utf8');
}

// RFC 8291, appendix A: whoever cannot read the example cannot judge others.
{
  const keys = createECDH('prime256v1');
  keys.setPrivateKey(Buffer.from('q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94', 'base64url'));
  const body = 'DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN';
  const plain = open(Buffer.from(body, 'base64url'), keys, 'BTBZMqHH6r4Tts7J_aSIgg');
  assert.equal(plain, 'When I grow up, I want to be a watermelon');
}

function checkVapid(header, key, origin) {
  const [, token, sent] = /^vapid t=([^,]+), k=(.+)$/.exec(header ?? '') ?? [];
  assert.ok(token, `no VAPID: ${header}`);
  assert.equal(sent, key, 'signed by the key that the browser was given');
  const point = Buffer.from(sent, 'base64url');
  assert.equal(point.length, 65);
  const publicKey = createPublicKey({
    key: { kty: 'EC', crv: 'P-256', x: base64url(point.subarray(1, 33)), y: base64url(point.subarray(33)) },
    format: 'jwk',
  });
  const [head, claims, signature] = token.split('.');
  const signed = Buffer.from(`${head}.${claims}`);
  const right = verify('sha256', signed, { key: publicKey, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'));
  assert.ok(right, 'a signature that does not fit');
  assert.equal(JSON.parse(Buffer.from(head, 'base64url')).alg, 'ES256');
  const read = JSON.parse(Buffer.from(claims, 'base64url'));
  assert.equal(read.aud, origin);
  assert.match(read.sub, /^(mailto:|https?:)/);
  return read;
}

const browsers = [];

function subscribe(applicationServerKey) {
  const keys = createECDH('prime256v1');
  keys.generateKeys();
  const browser = {
    keys, auth: base64url(randomBytes(16)), key: applicationServerKey,
    behaviour: {}, pushes: [], seen: [], kept: new Map(),
  };
  browsers.push(browser);
  const endpoint = `${origin()}/push/${browsers.length - 1}/${base64url(randomBytes(12))}`;
  browser.endpoint = endpoint;
  return {
    id: browsers.length - 1,
    subscription: {
      endpoint, expirationTime: null,
      keys: { p256dh: base64url(keys.getPublicKey()), auth: browser.auth },
    },
  };
}

// What the service keeps for a browser that is offline: one notice of each topic, the newest.
function deliver(browser) {
  if (browser.behaviour.offline) return;
  browser.seen.push(...browser.kept.values());
  browser.kept.clear();
}

function push(browser, request, body) {
  const { answer = 201, retryAfter } = browser.behaviour;
  const { ttl, topic, urgency } = request.headers;
  const record = { at: Date.now(), status: answer, ttl, topic, urgency, length: body.length };
  browser.pushes.push(record);
  assert.ok(body.length <= 4096, 'a body that push services refuse');
  assert.equal(request.headers['content-encoding'], 'aes128gcm');
  assert.match(ttl, /^\d+$/);
  assert.match(topic, /^[A-Za-z0-9_-]{1,32}$/);
  record.claims = checkVapid(request.headers.authorization, browser.key, origin());
  record.message = JSON.parse(open(body, browser.keys, browser.auth));
  if (answer < 300) {
    browser.kept.delete(topic);
    browser.kept.set(topic, record.message);
    deliver(browser);
  }
  return [answer, retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }];
}

async function handle(request, body) {
  const [, kind, number] = request.url.split('/');
  if (kind === 'browsers' && number === undefined) {
    return [200, {}, subscribe(JSON.parse(body).applicationServerKey)];
  }
  if (kind === 'pushes') return [200, {}, browsers.reduce((sum, { pushes }) => sum + pushes.length, 0)];
  const browser = browsers[number];
  if (!browser) return [404, {}];
  if (kind === 'browsers' && request.method === 'POST') {
    browser.behaviour = JSON.parse(body);
    deliver(browser);
    return [200, {}, {}];
  }
  if (kind === 'browsers') return [200, {}, { seen: browser.seen, pushes: browser.pushes }];
  if (request.method !== 'POST' || `${origin()}${request.url}` !== browser.endpoint) return [404, {}];
  if (browser.behaviour.hang) return undefined;
  return push(browser, request, body);
}

const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', async () => {
    try {
      const answered = await handle(request, Buffer.concat(chunks));
      if (answered === undefined) return;
      const [status, headers, json] = answered;
      response.writeHead(status, headers).end(json === undefined ? '' : JSON.stringify(json));
    } catch (error) {
      // Nothing may go wrong here: the test looks for this line.
      console.error(`WRONG ${error.stack}`);
      response.writeHead(400).end();
    }
  });
});
const origin = () => `http://127.0.0.1:${server.address().port}`;
server.listen(0, '127.0.0.1', () => console.log(`ready ${origin()}`));
