"""Followers, remarks, tags, the older groups, the blacklist."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import pytest
from wechatpy import WeChatClient
from wechatpy.exceptions import WeChatClientException

from sandbox import TAG_EVEN, TAG_HUNDREDTH, TAG_TENTH, UNVERIFIED, Sandbox


def walk(openids: Iterable[str]) -> list[str]:
    """Everything an SDK's iterator gives, or 3000: a page that repeats itself must fail, not hang."""
    return list(islice(openids, 3000))


def test_iter_followers_walks_to_the_end_and_meets_everyone_once(
    client: WeChatClient, openids: list[str]
) -> None:
    walked = walk(client.user.iter_followers())
    assert walked == openids
    assert len(set(walked)) == 1000
    assert all(client.message.OPENID_RE.match(openid) for openid in walked)


def test_a_page_starts_after_the_openid_it_is_given(client: WeChatClient, openids: list[str]) -> None:
    page = client.user.get_followers(openids[499])
    assert (page["total"], page["count"]) == (1000, 500)
    assert page["data"]["openid"] == openids[500:]
    assert page["next_openid"] == openids[-1]


def test_after_the_last_follower_there_is_no_data(client: WeChatClient, openids: list[str]) -> None:
    page = client.user.get_followers(openids[-1])
    assert (page["total"], page["count"], page["next_openid"]) == (1000, 0, "")
    assert "data" not in page


def test_a_follower_is_described(client: WeChatClient, openids: list[str]) -> None:
    person = client.user.get(openids[0])
    assert person["openid"] == openids[0]
    assert person["subscribe"] == 1
    assert 0 < person["subscribe_time"] < 2**31
    assert sorted(person["tagid_list"]) == [TAG_EVEN, TAG_TENTH, TAG_HUNDREDTH]
    assert None not in person.values()


def test_a_hundred_followers_are_described_at_once(client: WeChatClient, openids: list[str]) -> None:
    people = client.user.get_batch(openids[:100])
    assert [person["openid"] for person in people] == openids[:100]
    with pytest.raises(WeChatClientException) as refused:
        client.user.get_batch(openids[:101])
    assert refused.value.errcode == 40032


def test_a_remark_is_kept_byte_for_byte(client: WeChatClient, openids: list[str]) -> None:
    remark = '胖子 "A\\B" 🌸'
    assert client.user.update_remark(openids[7], remark)["errcode"] == 0
    assert client.user.get(openids[7])["remark"] == remark
    with pytest.raises(WeChatClientException) as refused:
        client.user.update_remark(openids[7], "长" * 31)
    assert refused.value.errcode == 40092


def test_an_unknown_openid_keeps_its_code(client: WeChatClient) -> None:
    with pytest.raises(WeChatClientException) as refused:
        client.user.get("o" + "x" * 27)
    assert refused.value.errcode == 40003
    assert refused.value.errmsg.startswith("invalid openid")


def test_the_tags_of_the_sandbox_have_their_members(client: WeChatClient, openids: list[str]) -> None:
    counts = {tag["id"]: tag["count"] for tag in client.tag.get()}
    assert (counts[TAG_EVEN], counts[TAG_TENTH], counts[TAG_HUNDREDTH]) == (500, 100, 10)
    assert walk(client.tag.iter_tag_users(TAG_TENTH)) == openids[0::10]
    assert walk(client.tag.iter_tag_users(TAG_EVEN)) == openids[0::2]


def test_a_tag_lives_from_create_to_delete(client: WeChatClient, openids: list[str]) -> None:
    tag = client.tag.create("观察小组")
    assert tag["name"] == "观察小组"
    assert type(tag["id"]) is int and tag["id"] >= 100
    client.tag.update(tag["id"], "植物观察小组")
    client.tag.tag_user(tag["id"], openids[11:15])
    client.tag.untag_user(tag["id"], openids[14])

    listed = next(one for one in client.tag.get() if one["id"] == tag["id"])
    assert (listed["name"], listed["count"]) == ("植物观察小组", 3)
    assert walk(client.tag.iter_tag_users(tag["id"])) == openids[11:14]
    assert tag["id"] in client.tag.get_user_tag(openids[11])
    assert tag["id"] not in client.tag.get_user_tag(openids[14])

    assert client.tag.delete(tag["id"])["errcode"] == 0
    assert tag["id"] not in [one["id"] for one in client.tag.get()]
    assert tag["id"] not in client.tag.get_user_tag(openids[11])


def test_an_empty_tag_has_no_users(client: WeChatClient) -> None:
    tag = client.tag.create("空标签")
    assert walk(client.tag.iter_tag_users(tag["id"])) == []
    client.tag.delete(tag["id"])


def test_tags_refuse_with_their_codes(client: WeChatClient, openids: list[str]) -> None:
    tag = client.tag.create("重名")
    refusals = [
        (45157, lambda: client.tag.create("重名")),
        (45158, lambda: client.tag.create("长" * 31)),
        (45058, lambda: client.tag.update(2, "不许改")),
        (45159, lambda: client.tag.tag_user(99999, openids[0])),
        (40032, lambda: client.tag.tag_user(tag["id"], openids[:51])),
        (40003, lambda: client.tag.tag_user(tag["id"], "o" + "x" * 27)),
    ]
    for code, call in refusals:
        with pytest.raises(WeChatClientException) as refused:
            call()
        assert refused.value.errcode == code
    client.tag.delete(tag["id"])


def test_the_blacklist_is_kept(client: WeChatClient, openids: list[str]) -> None:
    client.tag.batch_black_list(openids[31:33])
    listed = client.tag.get_black_list()
    assert (listed["count"], listed["data"]["openid"]) == (2, openids[31:33])
    client.tag.batch_unblack_list(openids[31:33])
    assert client.tag.get_black_list()["count"] == 0


def test_an_imported_follower_is_seen_by_the_sdk(sandbox: Sandbox, unverified_client: WeChatClient) -> None:
    before = unverified_client.user.get_followers()
    answer = sandbox.import_followers(
        UNVERIFIED,
        "external_id,nickname,remark,language,tags,subscribe_time\nreader-li,李雷,园丁,zh_CN,,\n",
    )
    assert (answer["imported"], answer["updated"], answer["errors"]) == (1, 0, [])
    after = unverified_client.user.get_followers()
    assert after["total"] == before["total"] + 1
    newest = unverified_client.user.get(after["next_openid"])
    assert (newest["nickname"], newest["remark"], newest["subscribe"]) == ("李雷", "园丁", 1)
