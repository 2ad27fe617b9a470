"""Mass sends of every type to every kind of audience, seen from both ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from wechatpy import WeChatClient
from wechatpy.exceptions import WeChatClientException

from materials import AMR, JPEG, MP4, article
from sandbox import SERVICE, TAG_HUNDREDTH, TAG_TENTH, Sandbox

Delivered = Callable[[dict[str, Any]], int]
Unique = Callable[[str], str]


@pytest.fixture
def news(client: WeChatClient, thumb_id: str, unique: Unique) -> Callable[..., tuple[str, str]]:
    """Uploads news with one fresh picture in the text; returns media_id and the first title."""

    def make(articles: int = 1) -> tuple[str, str]:
        with JPEG.open("rb") as file:
            url = client.media.upload_image(file)
        titles = [unique("校园植物观察") for _ in range(articles)]
        uploaded = client.media.upload_articles([article(thumb_id, url, title=title) for title in titles])
        return uploaded["media_id"], titles[0]

    return make


def test_a_text_reaches_everybody(
    sandbox: Sandbox, client: WeChatClient, openids: list[str], delivered: Delivered, unique: Unique
) -> None:
    text = unique('明早九点集合。\n"带水" \\ 带笔 🌸')
    answer = client.message.send_mass_text(None, text, is_to_all=True)
    assert "msg_data_id" not in answer
    msg_id = delivered(answer)
    for openid in (openids[0], openids[1], openids[-1]):
        assert sandbox.entry_of(SERVICE, openid, msg_id)["text"] == text


def test_a_text_reaches_a_tag_and_nobody_else(
    sandbox: Sandbox, client: WeChatClient, openids: list[str], delivered: Delivered, unique: Unique
) -> None:
    msg_id = delivered(client.message.send_mass_text(TAG_TENTH, unique("给每第十位")))
    assert sandbox.entry_of(SERVICE, openids[990], msg_id)
    assert sandbox.entries_of(SERVICE, openids[991], msg_id) == []


def test_a_text_reaches_a_list_of_openids_and_nobody_else(
    sandbox: Sandbox, client: WeChatClient, openids: list[str], delivered: Delivered, unique: Unique
) -> None:
    msg_id = delivered(client.message.send_mass_text(openids[3:6], unique("给三个人")))
    found = [len(sandbox.entries_of(SERVICE, openid, msg_id)) for openid in openids[2:7]]
    assert found == [0, 1, 1, 1, 0]


def test_a_tag_number_may_be_a_string(client: WeChatClient, delivered: Delivered, unique: Unique) -> None:
    delivered(client.message.send_mass_text(str(TAG_HUNDREDTH), unique("标签写成字符串")))


@pytest.mark.parametrize("audience", ["all", "tag", "list"])
def test_a_picture_is_sent(
    sandbox: Sandbox, client: WeChatClient, openids: list[str], delivered: Delivered, audience: str
) -> None:
    with JPEG.open("rb") as file:
        media_id = client.media.upload("image", file)["media_id"]
    receivers, to_all = aim(audience, openids)
    msg_id = delivered(client.message.send_mass_image(receivers, media_id, is_to_all=to_all))
    entry = sandbox.entry_of(SERVICE, openids[0], msg_id)
    assert entry["type"] == "image"
    assert sandbox.fetch(entry["media_url"]).headers["Content-Type"].startswith("image/")


@pytest.mark.parametrize("audience", ["all", "tag", "list"])
def test_a_voice_is_sent(
    sandbox: Sandbox, client: WeChatClient, openids: list[str], delivered: Delivered, audience: str
) -> None:
    with AMR.open("rb") as file:
        media_id = client.media.upload("voice", file)["media_id"]
    receivers, to_all = aim(audience, openids)
    msg_id = delivered(client.message.send_mass_voice(receivers, media_id, is_to_all=to_all))
    entry = sandbox.entry_of(SERVICE, openids[0], msg_id)
    assert entry["type"] == "voice"
    assert sandbox.fetch(entry["media_url"]).content == AMR.read_bytes()


@pytest.mark.parametrize("audience", ["all", "tag", "list"])
def test_a_video_is_sent(
    sandbox: Sandbox,
    client: WeChatClient,
    openids: list[str],
    delivered: Delivered,
    unique: Unique,
    audience: str,
) -> None:
    with MP4.open("rb") as file:
        raw = client.media.upload("video", file)["media_id"]
    title = unique("春天的湖")
    media_id = client.media.upload_video(raw, title, "两秒钟")["media_id"]
    receivers, to_all = aim(audience, openids)
    msg_id = delivered(
        client.message.send_mass_video(
            receivers, media_id, title=title, description="两秒钟", is_to_all=to_all
        )
    )
    entry = sandbox.entry_of(SERVICE, openids[0], msg_id)
    assert entry["title"] == title
    assert sandbox.fetch(entry["media_url"]).content == MP4.read_bytes()


@pytest.mark.parametrize("audience", ["all", "tag", "list"])
def test_news_are_sent_and_their_page_can_be_read(
    sandbox: Sandbox,
    client: WeChatClient,
    openids: list[str],
    delivered: Delivered,
    news: Callable[..., tuple[str, str]],
    audience: str,
) -> None:
    media_id, title = news(articles=2)
    receivers, to_all = aim(audience, openids)
    answer = client.message.send_mass_article(receivers, media_id, is_to_all=to_all)
    assert type(answer["msg_data_id"]) is int
    msg_id = delivered(answer)
    entry = sandbox.entry_of(SERVICE, openids[0], msg_id)
    assert len(entry["articles"]) == 2
    assert entry["articles"][0]["title"] == title
    page = sandbox.fetch(entry["articles"][0]["url"])
    assert title in page.text
    assert "从第一朵玉兰说起" in page.text


def aim(audience: str, openids: list[str]) -> tuple[int | list[str] | None, bool]:
    """How wechatpy names an audience that holds the first follower."""
    if audience == "all":
        return None, True
    return (TAG_HUNDREDTH if audience == "tag" else openids[0:2]), False


def test_a_preview_by_openid_reaches_one_person_and_is_no_mass(
    sandbox: Sandbox, client: WeChatClient, openids: list[str], unique: Unique
) -> None:
    text = unique("先看一眼")
    answer = client.message.send_mass_text(openids[40], text, preview=True)
    assert (answer["errcode"], answer["errmsg"]) == (0, "preview success")
    assert text in sandbox.inbox_texts(SERVICE, openids[40])
    assert text not in sandbox.inbox_texts(SERVICE, openids[41])
    with pytest.raises(WeChatClientException) as refused:
        client.message.get_mass(answer["msg_id"])
    assert refused.value.errcode == 40059


def test_a_preview_by_name_reaches_the_follower_of_that_name(
    sandbox: Sandbox, client: WeChatClient, openids: list[str], unique: Unique
) -> None:
    text = unique("按微信号预览")
    client.message.send_mass_text("user-000000042", text, preview=True)
    assert text in sandbox.inbox_texts(SERVICE, openids[42])


def test_every_type_can_be_previewed(
    client: WeChatClient,
    openids: list[str],
    image_id: str,
    voice_id: str,
    video_id: str,
    news: Callable[..., tuple[str, str]],
) -> None:
    film = client.media.upload_video(video_id, "春天的湖", "两秒钟")["media_id"]
    for answer in (
        client.message.send_mass_image(openids[43], image_id, preview=True),
        client.message.send_mass_voice(openids[43], voice_id, preview=True),
        client.message.send_mass_video(openids[43], film, preview=True),
        client.message.send_mass_article(openids[43], news()[0], preview=True),
    ):
        assert answer["errcode"] == 0


def test_deleted_news_lose_their_page_and_keep_their_card(
    sandbox: Sandbox,
    client: WeChatClient,
    openids: list[str],
    delivered: Delivered,
    news: Callable[..., tuple[str, str]],
) -> None:
    media_id, title = news()
    msg_id = delivered(client.message.send_mass_article(TAG_HUNDREDTH, media_id))
    url = sandbox.entry_of(SERVICE, openids[0], msg_id)["articles"][0]["url"]
    assert "从第一朵玉兰说起" in sandbox.fetch(url).text

    answer = client.message.delete_mass(msg_id)
    assert (answer["errcode"], answer["errmsg"]) == (0, "ok")
    assert client.message.get_mass(msg_id)["msg_status"] == "DELETE"
    page = sandbox.fetch(url).text
    assert "该内容已被发布者删除" in page
    assert "从第一朵玉兰说起" not in page
    assert sandbox.entry_of(SERVICE, openids[0], msg_id)["articles"][0]["title"] == title


def test_a_text_cannot_be_deleted(client: WeChatClient, delivered: Delivered, unique: Unique) -> None:
    msg_id = delivered(client.message.send_mass_text(TAG_HUNDREDTH, unique("收不回来")))
    with pytest.raises(WeChatClientException) as refused:
        client.message.delete_mass(msg_id)
    assert refused.value.errcode == 40008


def test_a_client_msg_id_sends_once(
    sandbox: Sandbox, client: WeChatClient, openids: list[str], delivered: Delivered, unique: Unique
) -> None:
    key = unique("key")
    msg_id = delivered(client.message.send_mass_text(TAG_HUNDREDTH, unique("一次"), client_msg_id=key))
    again = unique("第二次")
    with pytest.raises(WeChatClientException) as refused:
        client.message.send_mass_text(TAG_HUNDREDTH, again, client_msg_id=key)
    assert refused.value.errcode == 45065
    assert refused.value.errmsg.startswith("clientmsgid exist")
    assert refused.value.response.json()["msg_id"] == msg_id
    assert again not in sandbox.inbox_texts(SERVICE, openids[0])


def test_the_same_text_to_the_same_audience_is_sent_once(
    client: WeChatClient, delivered: Delivered, unique: Unique
) -> None:
    text = unique("没有 clientmsgid 也只发一次")
    msg_id = delivered(client.message.send_mass_text(TAG_HUNDREDTH, text))
    with pytest.raises(WeChatClientException) as refused:
        client.message.send_mass_text(TAG_HUNDREDTH, text)
    assert refused.value.errcode == 45065
    assert refused.value.response.json()["msg_id"] == msg_id
    delivered(client.message.send_mass_text(TAG_TENTH, text))


def test_an_audience_of_nobody_is_never_everybody(
    sandbox: Sandbox, client: WeChatClient, openids: list[str], unique: Unique
) -> None:
    """wechatpy with neither a group nor is_to_all sends {"group_id":null,"is_to_all":false}."""
    text = unique("不该有人收到")
    with pytest.raises(WeChatClientException) as refused:
        client.message.send_mass_text(None, text)
    assert refused.value.errcode == 40152
    assert text not in sandbox.inbox_texts(SERVICE, openids[0])
