"""Tokens, and how wechatpy gets a new one by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from wechatpy import WeChatClient
from wechatpy.exceptions import WeChatClientException

from materials import JPEG
from sandbox import SERVICE, Account, Sandbox

Connector = Callable[[Account], WeChatClient]


def stored_token(client: WeChatClient) -> Any:
    return client.session.get(client.access_token_key)


def raw_error(sandbox: Sandbox, token: str) -> dict[str, Any]:
    """What the server says to a token when no SDK repeats the call."""
    answer = requests.get(f"{sandbox.base}/cgi-bin/tags/get", params={"access_token": token}, timeout=5)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def test_a_token_is_fetched_and_lasts_two_hours(connector: Connector) -> None:
    client = connector(SERVICE)
    answer = client.fetch_access_token()
    assert answer["expires_in"] == 7200
    token = answer["access_token"]
    assert client.access_token == token
    assert token and all(sign.isascii() and (sign.isalnum() or sign in "_-") for sign in token)


def test_a_wrong_secret_and_a_wrong_appid_keep_their_codes(connector: Connector) -> None:
    for account, code in (
        (Account(SERVICE.appid, "f" * 32), 40125),
        (Account("wx9999999999999999", SERVICE.secret), 40013),
    ):
        with pytest.raises(WeChatClientException) as refused:
            connector(account).fetch_access_token()
        assert refused.value.errcode == code


def test_an_unknown_token_is_replaced_by_the_sdk_itself(sandbox: Sandbox, connector: Connector) -> None:
    client = connector(SERVICE)
    client.session.set(client.access_token_key, "garbage")
    assert raw_error(sandbox, "garbage")["errcode"] == 40001

    assert client.tag.get()
    assert stored_token(client) != "garbage"


def test_a_repeated_post_arrives_whole(connector: Connector, openids: list[str]) -> None:
    client = connector(SERVICE)
    client.session.set(client.access_token_key, "garbage")
    client.user.update_remark(openids[900], "第二次才到的备注")
    assert client.user.get(openids[900])["remark"] == "第二次才到的备注"


def test_an_expired_token_is_replaced_by_the_sdk_itself(sandbox: Sandbox, connector: Connector) -> None:
    client = connector(SERVICE)
    old = client.access_token
    sandbox.advance(3 * 3600)
    error = raw_error(sandbox, old)
    assert error["errcode"] == 42001
    assert "access_token expired" in error["errmsg"]

    assert client.tag.get()
    assert stored_token(client) != old


def test_a_superseded_token_lives_on_for_other_processes(connector: Connector) -> None:
    first, second = connector(SERVICE), connector(SERVICE)
    old = first.access_token
    assert second.access_token != old
    first.auto_retry = False
    assert first.tag.get()
    assert stored_token(first) == old


def test_without_retry_the_error_reaches_the_caller(connector: Connector) -> None:
    client = connector(SERVICE)
    client.auto_retry = False
    client.session.set(client.access_token_key, "garbage")
    with pytest.raises(WeChatClientException) as refused:
        client.tag.get()
    assert refused.value.errcode == 40001


def test_an_upload_from_memory_survives_a_stale_token(connector: Connector) -> None:
    client = connector(SERVICE)
    client.session.set(client.access_token_key, "garbage")
    assert client.media.upload("image", ("test.jpg", JPEG.read_bytes()))["media_id"]


def test_an_upload_from_a_file_is_repeated_empty_and_refused_as_such(connector: Connector) -> None:
    """wechatpy does not rewind the file: the second request has an empty part, which must not be stored."""
    client = connector(SERVICE)
    client.session.set(client.access_token_key, "garbage")
    with JPEG.open("rb") as file, pytest.raises(WeChatClientException) as refused:
        client.media.upload("image", file)
    assert refused.value.errcode == 44001
