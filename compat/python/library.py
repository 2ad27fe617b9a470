"""Parts of the server that are built beside these suites: is one there yet?

A test marked `@pytest.mark.library("materials")` runs as soon as the server has that part; before, it is left
out with its reason, which with CI=true is an error. A part is missing when the server answers 40066 to one of
its paths; those without a path of their own are known by the answer they give instead.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
import requests

from sandbox import SERVICE, Sandbox

INVALID_URL = 40066
INVALID_IMAGE_COUNT = 40215

#: Parts with a path of their own on the compatible API, and one call of each.
PATHS = {
    "materials": ("GET", "/cgi-bin/material/get_materialcount"),
    "groups": ("GET", "/cgi-bin/groups/get"),
    "comments": ("POST", "/cgi-bin/comment/list"),
    "datacube": ("POST", "/datacube/getusersummary"),
}


def missing(sandbox: Sandbox, part: str) -> str | None:
    """Why the tests of `part` cannot run against this server; None if they can."""
    if part == "cards":
        answer = sandbox.native("POST", f"/v1/accounts/{SERVICE.appid}/cards", json={"title": "券"})
        return f"POST /v1/…/cards answers {answer.status_code}" if answer.status_code == 404 else None
    if part == "name previews":
        quota = {"quota": {"name_previews_per_day": 100}}
        answer = sandbox.native("PATCH", f"/v1/accounts/{SERVICE.appid}", json=quota)
        return "the quota name_previews_per_day is unknown" if answer.status_code == 400 else None
    if part == "pictures":
        images = {"media_ids": ["no-such-id", "nor-this"]}
        body = {"filter": {"is_to_all": True}, "images": images, "msgtype": "image"}
        code = _call(sandbox, "POST", "/cgi-bin/message/mass/sendall", body).get("errcode")
        return f"several pictures answer {code}" if code == INVALID_IMAGE_COUNT else None
    method, path = PATHS[part]
    code = _call(sandbox, method, path, {}).get("errcode")
    return f"{path} answers {code}" if code == INVALID_URL else None


def leave_out(sandbox: Sandbox, part: str) -> None:
    """Leaves the running test out if `part` is missing; with CI=true that is an error."""
    reason = missing(sandbox, part)
    if reason is None:
        return
    reason = f"the server has no {part} yet: {reason}"
    if os.environ.get("CI") == "true":
        pytest.fail(f"with CI=true nothing may be left out: {reason}", pytrace=False)
    pytest.skip(reason)


def _call(sandbox: Sandbox, method: str, path: str, body: Any) -> dict[str, Any]:
    credentials = {"grant_type": "client_credential", "appid": SERVICE.appid, "secret": SERVICE.secret}
    token = requests.post(f"{sandbox.base}/cgi-bin/stable_token", json=credentials, timeout=10).json()
    query = {"access_token": token["access_token"]}
    found: dict[str, Any] = requests.request(
        method, sandbox.base + path, params=query, json=body, timeout=10
    ).json()
    return found
