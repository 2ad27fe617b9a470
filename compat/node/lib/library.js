// Parts of the server that are built beside these suites: is one there yet?
//
// A test made by `library(sandbox, part)` runs as soon as the server has that part; before, it is left out with
// its reason, which with CI=true is an error. A part is missing when the server answers 40066 to its path.

import { test } from 'node:test';
import { SERVICE } from './sandbox.js';

const INVALID_URL = 40066;
const PATHS = {
  materials: ['GET', '/cgi-bin/material/get_materialcount'],
  drafts: ['GET', '/cgi-bin/draft/count'],
  groups: ['GET', '/cgi-bin/groups/get'],
  datacube: ['POST', '/datacube/getusersummary'],
};

/** Why the tests of a part cannot run against this server, or nothing. */
async function missing(sandbox, part) {
  if (part === 'cards') {
    const answer = await fetch(`${sandbox.base}/v1/accounts/${SERVICE.appid}/cards`, {
      method: 'POST',
      headers: { authorization: 'Bearer sandbox', 'content-type': 'application/json' },
      body: JSON.stringify({ title: '券' }),
    });
    return answer.status === 404 && `POST /v1/…/cards answers ${answer.status}`;
  }
  const [method, path] = PATHS[part];
  const credentials = { grant_type: 'client_credential', appid: SERVICE.appid, secret: SERVICE.secret };
  const body = JSON.stringify(credentials);
  const token = await (await fetch(`${sandbox.base}/cgi-bin/stable_token`, { method: 'POST', body })).json();
  const url = `${sandbox.base}${path}?access_token=${token.access_token}`;
  const { errcode } = await (await fetch(url, { method, ...(method === 'POST' && { body: '{}' }) })).json();
  return errcode === INVALID_URL && `${path} answers ${errcode}`;
}

/** A test of a part of the server; `sandbox()` gives the running one. */
export function library(sandbox, part, name, run) {
  test(name, async (context) => {
    const reason = await missing(sandbox(), part);
    if (!reason) return run(context);
    const text = `the server has no ${part} yet: ${reason}`;
    if (process.env.CI === 'true') throw new Error(`with CI=true nothing may be left out: ${text}`);
    return context.skip(text);
  });
}
