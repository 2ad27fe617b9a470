"""Errors arrive as wechatpy's exceptions with the number and the text of the document."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from wechatpy import WeChatClient
from wechatpy.exceptions import APILimitedException, WeChatClientException

from sandbox import SERVICE, TAG_HUNDREDTH, Sandbox

Call = Callable[[WeChatClient, list[str]], object]

REFUSALS: list[tuple[int, str, Call]] = [
    (40003, "invalid openid", lambda c, o: c.message.send_mass_text("o" + "x" * 27, "谁？", preview=True)),
    (40007, "invalid media_id", lambda c, o: c.message.send_mass_image(TAG_HUNDREDTH, "no-such-id")),
    (40007, "invalid media_id", lambda c, o: c.message.send_mass_article(None, "no-such-id", is_to_all=True)),
    (40059, "invalid msg id", lambda c, o: c.message.get_mass(999)),
    (40059, "invalid msg id", lambda c, o: c.message.delete_mass(999)),
    (40130, "invalid openid list size", lambda c, o: c.message.send_mass_text(o[:1], "一个人不成群")),
    (40032, "invalid openid list size", lambda c, o: c.message.send_mass_text(o[:1] * 10001, "太多")),
    (40132, "invalid username", lambda c, o: c.message.send_mass_text("no-such-name", "谁？", preview=True)),
    (40152, "invalid group id", lambda c, o: c.message.send_mass_text(99999, "没有这个标签")),
    (44004, "empty content", lambda c, o: c.message.send_mass_text(TAG_HUNDREDTH, "")),
    (45002, "content size out of limit", lambda c, o: c.message.send_mass_text(TAG_HUNDREDTH, "长" * 683)),
    (45067, "clientmsgid", lambda c, o: c.message.send_mass_text(TAG_HUNDREDTH, "x", client_msg_id="k" * 65)),
]


@pytest.mark.parametrize(
    ("code", "text", "call"),
    REFUSALS,
    ids=[f"{code}-{number}" for number, (code, _, _) in enumerate(REFUSALS)],
)
def test_a_refusal_keeps_its_number_and_text(
    client: WeChatClient, openids: list[str], code: int, text: str, call: Call
) -> None:
    with pytest.raises(WeChatClientException) as refused:
        call(client, openids)
    assert refused.value.errcode == code
    assert refused.value.errmsg.startswith(text)
    answer = refused.value.response
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert not set(answer.content) & set(b"\r\n\t"), "an answer is one line, without an end of line"


def test_an_unverified_account_may_not_send(unverified_client: WeChatClient) -> None:
    with pytest.raises(WeChatClientException) as refused:
        unverified_client.message.send_mass_text(None, "未认证", is_to_all=True)
    assert refused.value.errcode == 48001


def test_a_subscription_account_may_not_send_by_openid(subscription_client: WeChatClient) -> None:
    openids = subscription_client.user.get_followers()["data"]["openid"]
    with pytest.raises(WeChatClientException) as refused:
        subscription_client.message.send_mass_text(openids[:2], "订阅号不可用")
    assert refused.value.errcode == 48001


def test_a_subscription_account_sends_once_a_day(subscription_client: WeChatClient) -> None:
    answer = subscription_client.message.send_mass_text(None, "今天的一封", is_to_all=True)
    assert answer["errcode"] == 0
    with pytest.raises(WeChatClientException) as refused:
        subscription_client.message.send_mass_text(None, "今天的第二封", is_to_all=True)
    assert refused.value.errcode == 45028
    assert refused.value.errmsg.startswith("has no masssend quota")


def test_a_daily_limit_is_wechatpys_own_exception(client: WeChatClient, sandbox: Sandbox) -> None:
    """45009 is the one code for which wechatpy has a class."""
    sandbox.set_quota(SERVICE, {"calls_per_day": 0})
    try:
        with pytest.raises(APILimitedException) as refused:
            client.message.send_mass_text(None, "今天的次数用完了", is_to_all=True)
    finally:
        sandbox.set_quota(SERVICE, {"calls_per_day": None})
    assert refused.value.errcode == 45009
