// The inspector's live list. Everything that came with a call is put in as text, never as HTML.
'use strict';

const TOKEN = 'sandbox';
const WAIT_SECONDS = 20;
const SHOWN_MAX = 500;
const RETRY_MS = 2000;

const zh = document.documentElement.lang.startsWith('zh');
const LANG = zh ? 'zh' : 'en';
const say = (chinese, english) => (zh ? chinese : english);
const $ = (id) => document.getElementById(id);

const calls = new Map();
const accounts = new Set();
let chosen = null;
let round = null;

/** An element with attributes and children; strings become text. */
function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...present(children));
  return element;
}

/** What is there of a list of lists. */
function present(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

async function api(path, options = {}) {
  const answer = await fetch(path, { ...options, headers: { authorization: `Bearer ${TOKEN}`, accept: 'application/json' } });
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  return answer.status === 204 ? null : answer.json();
}

function query(after, wait) {
  const values = new URLSearchParams();
  if ($('account').value) values.set('account', $('account').value);
  if ($('path').value.trim()) values.set('path', $('path').value.trim());
  if ($('failed').checked) values.set('failed', '1');
  if (after !== null) values.set('after', after);
  if (wait) values.set('wait_seconds', wait);
  values.set('limit', SHOWN_MAX);
  return `/sandbox/requests?${values}`;
}

const filtered = () => Boolean($('account').value || $('path').value.trim() || $('failed').checked);

function live(kind, text) {
  $('live').dataset.kind = kind;
  $('live-text').textContent = text;
}

/** Reads from the beginning with the filters as they are, then waits for news until it is started anew. */
async function start() {
  round?.abort();
  const mine = new AbortController();
  round = mine;
  calls.clear();
  let after = null;
  while (!mine.signal.aborted) {
    try {
      const answer = await api(query(after, after === null ? 0 : WAIT_SECONDS), { signal: mine.signal });
      if (mine.signal.aborted) return;
      after = answer.next;
      live('ok', say('实时', 'live'));
      take(answer.requests);
    } catch (error) {
      if (mine.signal.aborted) return;
      live('bad', say('连接中断，正在重试', 'not reachable, trying again'));
      if (calls.size === 0) state(say('读不到沙盒的数据。', 'The sandbox cannot be read.'), error.message);
      await new Promise((done) => setTimeout(done, RETRY_MS));
    }
  }
}

function take(requests) {
  for (const call of requests) {
    calls.set(call.id, call);
    if (call.account) learn(call.account);
  }
  while (calls.size > SHOWN_MAX) calls.delete(calls.keys().next().value);
  list();
  if (chosen !== null && requests.some((call) => call.id === chosen)) show(chosen);
}

function learn(account) {
  if (accounts.has(account)) return;
  accounts.add(account);
  $('account').append(el('option', { value: account }, account));
}

function state(...lines) {
  $('state').hidden = false;
  $('state').replaceChildren(...lines.map((line) => (typeof line === 'string' ? el('p', {}, line) : line)));
}

function empty() {
  if (filtered()) return state(say('没有符合条件的调用。', 'No call fits these filters.'));
  const first = `curl '${location.origin}/cgi-bin/token?grant_type=client_credential&appid=wx0000000000000001&secret=00000000000000000000000000000001'`;
  return state(
    say('还没有调用。发出第一个请求，它会立刻出现在这里：', 'No calls yet. Make the first one, and it shows here at once:'),
    code(first),
  );
}

const clock = (text) => text.slice(11, 19);

function badge(call) {
  if (call.status === undefined) return el('span', { class: 'badge bad' }, say('断开', 'dropped'));
  if (call.errcode !== undefined && call.errcode !== 0) return el('span', { class: 'badge bad' }, String(call.errcode));
  if (call.failed) return el('span', { class: 'badge bad' }, String(call.status));
  return el('span', { class: 'badge good' }, call.errcode === undefined ? String(call.status) : 'ok');
}

function list() {
  $('state').hidden = calls.size > 0;
  if (calls.size === 0) empty();
  const rows = [...calls.values()].sort((left, right) => right.id - left.id).map((call) => el('li', {},
    el('button', {
      type: 'button', class: 'row', 'data-id': call.id,
      'aria-current': call.id === chosen ? 'true' : false,
      onclick: () => choose(call.id),
    },
    el('span', { class: 'line' }, badge(call), el('span', { class: 'path' }, call.path)),
    el('span', { class: 'line soft' },
      el('time', {}, clock(call.at)),
      el('span', { class: 'what' }, call.meaning[LANG]),
      call.fault ? el('span', { class: 'tag warn' }, say('规则', 'rule')) : null,
      call.callbacks.length ? el('span', { class: 'tag' }, `↗ ${call.callbacks.length}`) : null))));
  const focused = document.activeElement?.dataset?.id;
  $('calls').replaceChildren(...rows);
  if (focused) document.querySelector(`.row[data-id="${focused}"]`)?.focus();
}

function choose(id) {
  chosen = id;
  history.replaceState(null, '', `#${id}`);
  $('panes').classList.add('open');
  for (const row of document.querySelectorAll('.row')) {
    if (Number(row.dataset.id) === id) row.setAttribute('aria-current', 'true');
    else row.removeAttribute('aria-current');
  }
  show(id);
  $('detail').scrollTop = 0;
  if (matchMedia('(max-width: 48rem)').matches) window.scrollTo(0, 0);
}

function back() {
  $('panes').classList.remove('open');
  document.querySelector(`.row[data-id="${chosen}"]`)?.focus();
}

function pretty(text) {
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
}

/** One element of XML a line. */
function lines(xml) {
  return xml.replace(/(<\/[A-Za-z]+>|^<xml>)(?=<)/g, '$1\n');
}

function code(text, shown = text) {
  return el('div', { class: 'code' }, el('pre', { tabindex: '0' }, shown), copy(() => text));
}

function copy(text, label = say('复制', 'Copy'), kind = 'copy') {
  return el('button', {
    type: 'button', class: kind,
    onclick: async (event) => {
      const button = event.currentTarget;
      const done = await put(text());
      button.textContent = done ? say('已复制', 'Copied') : say('请手动复制', 'Copy by hand');
      setTimeout(() => { button.textContent = label; }, 1600);
    },
  }, label);
}

async function put(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = el('textarea', { readonly: true });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}

const section = (title, ...children) => el('section', {}, el('h2', {}, title), ...children);
const pairs = (rows) => el('dl', { class: 'pairs' }, rows.filter(Boolean).map(([key, value]) => [el('dt', {}, key), el('dd', {}, value)]));

function explained(call) {
  const said = call.explanation;
  if (!said) return null;
  return el('section', { class: 'explained' },
    el('p', { class: 'lead' }, el('a', { href: `/sandbox/errcodes/${said.errcode}?lang=${LANG}` }, String(said.errcode)), ' ', said.meaning[LANG]),
    said.causes ? [el('h3', {}, say('常见原因', 'Usual causes')), el('p', {}, said.causes[LANG])] : null,
    said.advice ? [el('h3', {}, say('处理办法', 'What to do')), el('p', {}, said.advice[LANG])] : null);
}

function fault(hit) {
  const effect = typeof hit.effect === 'string' ? hit.effect : JSON.stringify(hit.effect).slice(1, -1).replaceAll('"', '');
  return el('p', { class: 'fault' }, say(`故障规则 ${hit.rule} 生效：`, `Fault rule ${hit.rule} acted: `), el('code', {}, hit.from ?? effect), hit.from ? ` (${effect})` : '');
}

const NUMBERS = [
  ['sends_today', say('当日群发', 'sends today')],
  ['calls_today', say('当日调用', 'calls today')],
  ['calls_this_minute', say('本分钟调用', 'calls this minute')],
  ['history_today', say('当日进入历史', 'to all, today')],
  ['history_this_month', say('当月进入历史', 'to all, this month')],
];

function quota(effect) {
  const rows = NUMBERS
    .filter(([key]) => effect.limits[key] !== undefined || effect.before[key] !== effect.after[key])
    .map(([key, label]) => {
      const [before, after, limit] = [effect.before[key], effect.after[key], effect.limits[key]];
      const full = limit !== undefined && after >= limit;
      return el('tr', {}, el('th', { scope: 'row' }, label),
        el('td', { class: before === after ? 'soft' : 'changed' }, before === after ? String(after) : `${before} → ${after}`),
        el('td', { class: full ? 'full' : 'soft' }, limit === undefined ? '' : say(`上限 ${limit}`, `of ${limit}`)));
    });
  return section(say('额度', 'Quota'), el('table', { class: 'quota' }, el('tbody', {}, rows)));
}

function callback(sent) {
  const good = sent.status >= 200 && sent.status < 300;
  const result = sent.error ?? `HTTP ${sent.status}`;
  const value = (name) => sent.query.find(([key]) => key === name)?.[1];
  return el('details', { class: 'callback' },
    el('summary', {}, el('span', { class: `badge ${good ? 'good' : 'bad'}` }, good ? String(sent.status) : say('失败', 'failed')),
      el('span', { class: 'path' }, sent.event), el('span', { class: 'soft' }, say(`第 ${sent.attempt} 次 · ${clock(sent.at)}`, `try ${sent.attempt} · ${clock(sent.at)}`))),
    sent.fault ? fault(sent.fault) : null,
    pairs([
      [say('地址', 'Address'), sent.url],
      [say('结果', 'Result'), result],
      sent.answer ? [say('应答', 'Answer'), sent.answer] : null,
      ['signature', value('signature') ?? ''],
      [say('签名原文', 'signed text'), sent.signature_base],
      value('msg_signature') ? ['msg_signature', value('msg_signature')] : null,
      sent.msg_signature_base ? [say('签名原文', 'signed text'), sent.msg_signature_base] : null,
    ]),
    el('h3', {}, say('明文', 'Plain text')), code(sent.plain, lines(sent.plain)),
    sent.body === sent.plain ? null : [el('h3', {}, say('密文（实际请求体）', 'Cipher text (as sent)')), code(sent.body, lines(sent.body))]);
}

function request(call) {
  const headers = call.headers.map(([key, value]) => [key, value]);
  const parts = (call.parts ?? []).map((part) => [part.name, part.filename
    ? `${part.filename} · ${part.content_type ?? ''} · ${part.bytes} B`
    : part.value]);
  return section(say('请求', 'Request'),
    pairs([call.query ? [say('查询串', 'query'), call.query] : null, ...headers, ...parts]),
    call.body ? code(call.body, pretty(call.body)) : null);
}

function show(id) {
  const call = calls.get(id);
  if (!call) return;
  const opened = [...document.querySelectorAll('.callback')].map((details) => details.open);
  const callbacks = call.callbacks.map(callback);
  callbacks.forEach((details, index) => { details.open = opened[index] ?? false; });
  $('detail').replaceChildren(...present([
    el('button', { type: 'button', class: 'back', onclick: back }, say('← 全部调用', '← all calls')),
    el('div', { class: 'head' },
      el('h1', {}, badge(call), ' ', el('span', { class: 'path' }, `${call.method} ${call.path}`)),
      copy(() => call.curl, say('复制为 curl', 'Copy as curl'), 'primary')),
    el('p', { class: 'soft' }, call.meaning[LANG], ' · ', call.account ?? say('未知账号', 'unknown account'), ' · ', `${call.duration_ms} ms`),
    explained(call),
    call.fault ? fault(call.fault) : null,
    call.quota ? quota(call.quota) : null,
    request(call),
    section(say('应答', 'Answer'), call.status === undefined ? el('p', { class: 'soft' }, say('连接被断开，调用方没有收到应答。', 'The connection was dropped; the caller got no answer.')) : null,
      call.answer ? code(call.answer, pretty(call.answer)) : null),
    call.msg_id === undefined ? null : section(say('产生的群发', 'The mass it made'), pairs([['msg_id', String(call.msg_id)]])),
    call.callbacks.length ? section(say('引起的事件推送', 'Callbacks it caused'), ...callbacks)
      : call.msg_id !== undefined && section(say('引起的事件推送', 'Callbacks it caused'), el('p', { class: 'soft' }, say('还没有。事件在群发完成后推送；没有配置回调 URL 则不推送。', 'None yet. The event goes out when the mass is finished, if the account has a callback URL.'))),
    section(say('时间', 'Times'), pairs([[say('沙盒时间', 'sandbox'), call.at], [say('真实时间', 'real'), call.real_at]])),
    section('curl', code(call.curl))]));
}

let typing = null;
function later() {
  clearTimeout(typing);
  typing = setTimeout(start, 200);
}

$('filters').addEventListener('submit', (event) => event.preventDefault());
$('account').addEventListener('change', start);
$('failed').addEventListener('change', start);
$('path').addEventListener('input', later);
$('clear').addEventListener('click', async () => {
  try {
    await api('/sandbox/requests', { method: 'DELETE' });
    start();
  } catch (error) {
    live('bad', error.message);
  }
});
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && $('panes').classList.contains('open')) back();
});
for (const account of ['wx0000000000000001', 'wx0000000000000002', 'wx0000000000000003']) learn(account);
const wanted = Number(location.hash.slice(1));
if (wanted > 0) {
  chosen = wanted;
  api(`/sandbox/requests/${wanted}`).then((call) => { calls.set(call.id, call); choose(call.id); list(); }, () => { chosen = null; });
}
start();
