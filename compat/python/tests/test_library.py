"""Permanent materials, groups, cards, several pictures, comments, statistics, the limit of name previews."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from wechatpy import WeChatClient
from wechatpy.exceptions import APILimitedException, WeChatClientException

from materials import AMR, JPEG, MP4, PNG, article, upload
from recipes.wechatpy_send import connect
from sandbox import SERVICE, TAG_HUNDREDTH, Sandbox, wait_for

Delivered = Callable[[dict[str, Any]], int]
Unique = Callable[[str], str]

materials = pytest.mark.library("materials")
groups = pytest.mark.library("groups")
cards = pytest.mark.library("cards")
pictures = pytest.mark.library("pictures")
comments = pytest.mark.library("comments")
datacube = pytest.mark.library("datacube")


# -- permanent materials --------------------------------------------------------------------------------


def add(client: WeChatClient, kind: str, path: Any) -> dict[str, Any]:
    with path.open("rb") as file:
        if kind == "video":
            # wechatpy puts the description into the query, not into the form.
            return client.material.add(kind, file, title="春天的湖", introduction="两秒钟")
        return client.material.add(kind, file)


@materials
@pytest.mark.parametrize(("kind", "path"), [("image", PNG), ("thumb", JPEG), ("voice", AMR)])
def test_a_material_is_kept_and_comes_back_as_it_was(client: WeChatClient, kind: str, path: Any) -> None:
    added = add(client, kind, path)
    assert ("url" in added) or kind == "voice"
    answer = client.material.get(added["media_id"])
    assert isinstance(answer, requests.Response)
    assert answer.content == path.read_bytes()


@materials
def test_a_picture_material_has_a_url_for_everybody(sandbox: Sandbox, client: WeChatClient) -> None:
    assert sandbox.fetch(add(client, "image", JPEG)["url"]).headers["Content-Type"] == "image/jpeg"


@materials
def test_a_video_material_has_a_title_and_a_link(sandbox: Sandbox, client: WeChatClient) -> None:
    answer = client.material.get(add(client, "video", MP4)["media_id"])
    assert (answer["title"], answer["description"]) == ("春天的湖", "两秒钟")
    assert sandbox.fetch(answer["down_url"]).content == MP4.read_bytes()


@materials
def test_news_are_added_read_and_changed(client: WeChatClient) -> None:
    cover = add(client, "image", JPEG)["media_id"]
    titles = ["第一篇", "第二篇"]
    added = client.material.add_articles([article(cover, "", title=title) for title in titles])
    items = client.material.get(added["media_id"])
    assert [item["title"] for item in items] == titles
    assert all(item["thumb_media_id"] == cover for item in items)

    changed = article(cover, "", title="改过")
    assert client.material.update_article(added["media_id"], 1, changed)["errcode"] == 0
    items = client.material.get(added["media_id"])
    assert [item["title"] for item in items] == ["第一篇", "改过"]
    with pytest.raises(WeChatClientException) as refused:
        client.material.update_article(added["media_id"], 2, changed)
    assert refused.value.errcode == 40114


@materials
def test_materials_are_counted_and_listed(client: WeChatClient) -> None:
    before = client.material.get_count()
    added = [add(client, "voice", AMR)["media_id"] for _ in range(3)]
    after = client.material.get_count()
    assert after["voice_count"] == before["voice_count"] + 3
    assert set(after) == {"voice_count", "video_count", "image_count", "news_count"}

    page = client.material.batchget("voice", offset=0, count=2)
    assert (page["total_count"], page["item_count"]) == (after["voice_count"], 2)
    listed = [
        item["media_id"] for item in client.material.batchget("voice")["item"] if item["media_id"] in added
    ]
    assert sorted(listed) == sorted(added)


@materials
def test_a_deleted_material_is_gone(client: WeChatClient) -> None:
    media_id = add(client, "image", JPEG)["media_id"]
    assert client.material.delete(media_id)["errcode"] == 0
    for call in (client.material.get, client.material.delete):
        with pytest.raises(WeChatClientException) as refused:
            call(media_id)
        assert refused.value.errcode == 40007


@materials
def test_temporary_media_are_no_materials(client: WeChatClient, image_id: str) -> None:
    with pytest.raises(WeChatClientException) as refused:
        client.material.delete(image_id)
    assert refused.value.errcode == 40007


@materials
def test_a_material_and_news_of_materials_are_sent(
    sandbox: Sandbox, client: WeChatClient, openids: list[str], delivered: Delivered, unique: Unique
) -> None:
    picture = add(client, "image", JPEG)["media_id"]
    msg_id = delivered(client.message.send_mass_image(TAG_HUNDREDTH, picture))
    assert sandbox.entry_of(SERVICE, openids[0], msg_id)["type"] == "image"

    title = unique("永久图文")
    news = client.material.add_articles([article(picture, "", title=title)])["media_id"]
    msg_id = delivered(client.message.send_mass_article(TAG_HUNDREDTH, news))
    card = sandbox.entry_of(SERVICE, openids[0], msg_id)["articles"][0]
    assert card["title"] == title
    assert title in sandbox.fetch(card["url"]).text


# -- groups ---------------------------------------------------------------------------------------------


@groups
def test_groups_are_listed_with_the_three_of_the_system(client: WeChatClient) -> None:
    listed = {group["id"]: group for group in client.group.get()}
    assert {0, 1, 2} <= set(listed)
    assert all(type(group["count"]) is int for group in listed.values())
    assert listed[TAG_HUNDREDTH]["count"] == 10


@groups
def test_a_group_lives_from_create_to_delete(client: WeChatClient, openids: list[str]) -> None:
    group = client.group.create("老分组")["group"]
    assert (group["name"], type(group["id"])) == ("老分组", int)
    assert client.group.update(group["id"], "老分组二")["errcode"] == 0
    # These have no tag before: neither even nor a multiple of ten.
    assert client.group.move_user(openids[801], group["id"])["errcode"] == 0
    assert client.group.move_user(openids[803:806:2], group["id"])["errcode"] == 0
    assert client.group.get(openids[801]) == group["id"]

    listed = next(one for one in client.group.get() if one["id"] == group["id"])
    assert (listed["name"], listed["count"]) == ("老分组二", 3)
    assert client.group.delete(group["id"])["errcode"] == 0
    assert client.group.get(openids[801]) == 0


@groups
def test_a_group_is_an_audience(
    sandbox: Sandbox, client: WeChatClient, openids: list[str], delivered: Delivered, unique: Unique
) -> None:
    group = client.group.create("给分组")["group"]["id"]
    client.group.move_user([openids[811], openids[813]], group)
    msg_id = delivered(client.message.send_mass_text(group, unique("给分组")))
    found = [len(sandbox.entries_of(SERVICE, openids[number], msg_id)) for number in (811, 812, 813)]
    assert found == [1, 0, 1]
    client.group.delete(group)


# -- cards and several pictures -------------------------------------------------------------------------


@cards
def test_a_card_is_sent_and_previewed(
    sandbox: Sandbox, client: WeChatClient, openids: list[str], delivered: Delivered, unique: Unique
) -> None:
    title = unique("早餐券")
    answer = sandbox.native("POST", f"/v1/accounts/{SERVICE.appid}/cards", json={"title": title})
    assert answer.status_code == 201
    card_id = answer.json()["card_id"]
    assert client.message.send_mass_card(openids[44], card_id, preview=True)["errcode"] == 0
    msg_id = delivered(client.message.send_mass_card(TAG_HUNDREDTH, card_id))
    entry = sandbox.entry_of(SERVICE, openids[0], msg_id)
    assert (entry["type"], entry["card_id"], entry["title"]) == ("wxcard", card_id, title)


@cards
def test_an_unknown_card_is_refused(client: WeChatClient) -> None:
    with pytest.raises(WeChatClientException) as refused:
        client.message.send_mass_card(TAG_HUNDREDTH, "no-such-card")
    assert refused.value.errcode == 40073


def images(audience: dict[str, Any], media_ids: list[str], recommend: str = "") -> dict[str, Any]:
    return audience | {"images": {"media_ids": media_ids, "recommend": recommend}, "msgtype": "image"}


@pictures
@pytest.mark.parametrize("audience", ["tag", "list"])
def test_several_pictures_are_sent_through_the_raw_client(
    sandbox: Sandbox,
    client: WeChatClient,
    openids: list[str],
    delivered: Delivered,
    unique: Unique,
    audience: str,
) -> None:
    """wechatpy has no method for it; its `post` takes the body as it is."""
    path = {"tag": "message/mass/sendall", "list": "message/mass/send"}[audience]
    receivers: dict[str, Any] = {"touser": openids[:2]}
    if audience == "tag":
        receivers = {"filter": {"is_to_all": False, "tag_id": TAG_HUNDREDTH}}
    media_ids = [upload(client, "image", file) for file in (JPEG, PNG, JPEG)]
    text = unique("三张风景")
    msg_id = delivered(client.post(path, data=images(receivers, media_ids, text)))
    entry = sandbox.entry_of(SERVICE, openids[0], msg_id)
    assert (entry["type"], entry["text"]) == ("image", text)
    assert len(entry["media_urls"]) == 3
    assert entry["media_url"] == entry["media_urls"][0]
    kinds = [sandbox.fetch(url).headers["Content-Type"] for url in entry["media_urls"]]
    assert kinds == ["image/jpeg", "image/png", "image/jpeg"]


@pictures
def test_twenty_one_pictures_are_too_many(client: WeChatClient, image_id: str) -> None:
    body = images({"filter": {"is_to_all": True}}, [image_id] * 21)
    with pytest.raises(WeChatClientException) as refused:
        client.post("message/mass/sendall", data=body)
    assert refused.value.errcode == 40215


# -- comments -------------------------------------------------------------------------------------------


@comments
def test_comments_are_opened_listed_and_closed(
    client: WeChatClient, delivered: Delivered, thumb_id: str, unique: Unique
) -> None:
    """wechatpy counts articles from 1 by default; the interface counts from 0."""
    one = article(thumb_id, "", title=unique("可以留言"), need_open_comment=1)
    news = client.media.upload_articles([one])
    answer = client.message.send_mass_article(TAG_HUNDREDTH, news["media_id"])
    delivered(answer)
    data_id = answer["msg_data_id"]
    assert client.material.open_comment(data_id, index=0)["errcode"] == 0
    listed = client.material.list_comment(data_id, index=0, count=49)
    assert (listed["errcode"], listed["total"], listed["comment"]) == (0, 0, [])
    for change in (client.material.markelect_comment, client.material.delete_comment):
        with pytest.raises(WeChatClientException) as refused:
            change(data_id, 0, 999)
        assert refused.value.errcode == 88008
    assert client.material.close_comment(data_id, index=0)["errcode"] == 0


@comments
def test_comments_of_unknown_news_are_refused(client: WeChatClient) -> None:
    with pytest.raises(WeChatClientException) as refused:
        client.material.list_comment(999, index=0)
    assert refused.value.errcode == 88001


# -- statistics -----------------------------------------------------------------------------------------


@pytest.fixture
def days(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox of its own: these tests move the clock by days."""
    server = Sandbox(1000, tmp_path_factory.mktemp("days"))
    server.start()
    yield server
    server.stop()


@datacube
def test_the_statistics_of_a_day_are_ready_the_next_morning(days: Sandbox) -> None:
    client = connect(days.base, SERVICE.appid, SERVICE.secret)
    openids = client.user.get_followers()["data"]["openid"]
    cover = upload(client, "thumb", JPEG)
    news = client.media.upload_articles([article(cover, "", title="有人读的文章")])["media_id"]
    sent = client.message.send_mass_article(TAG_HUNDREDTH, news)
    data_id, msg_id = sent["msg_data_id"], sent["msg_id"]
    (entry,) = wait_for("the entry", lambda: days.entries_of(SERVICE, openids[0], msg_id) or None)
    days.fetch(entry["articles"][0]["url"])
    today = datetime.datetime.fromisoformat(days.native("GET", "/sandbox/clock").json()["now"])
    today = today.astimezone(datetime.timezone(datetime.timedelta(hours=8)))
    day = today.date()

    with pytest.raises(WeChatClientException) as refused:
        client.datacube.get_article_summary(day, day)
    assert refused.value.errcode in (61501, 61503)
    next_morning = f"{day + datetime.timedelta(days=1)}T10:00:00+08:00"
    assert days.native("POST", "/sandbox/clock", json={"set": next_morning}).ok

    (total,) = client.datacube.get_article_total(day, day)
    assert (total["ref_date"], total["msgid"], total["title"]) == (str(day), f"{data_id}_1", "有人读的文章")
    assert total["details"][-1]["target_user"] == 10
    (summary,) = client.datacube.get_article_summary(day, day)
    assert (summary["msgid"], summary["int_page_read_count"]) == (f"{data_id}_1", 1)
    assert client.datacube.get_user_read(day, day)
    assert client.datacube.get_user_summary(day, day) is not None
    (cumulate,) = client.datacube.get_user_cumulate(day, day)
    assert (cumulate["ref_date"], cumulate["cumulate_user"]) == (str(day), 1000)


@datacube
def test_a_span_that_is_too_long_is_refused(client: WeChatClient) -> None:
    with pytest.raises(WeChatClientException) as refused:
        client.datacube.get_article_summary("2026-01-01", "2026-01-02")
    assert refused.value.errcode == 61501
    with pytest.raises(WeChatClientException) as refused:
        client.datacube.get_user_summary("01.01.2026", "01.01.2026")
    assert refused.value.errcode == 61500


# -- previews by name -----------------------------------------------------------------------------------


@pytest.mark.library("name previews")
def test_previews_by_name_have_a_limit_and_those_by_openid_none(
    sandbox: Sandbox, client: WeChatClient, openids: list[str], unique: Unique
) -> None:
    sandbox.set_quota(SERVICE, {"name_previews_per_day": 0})
    try:
        with pytest.raises(APILimitedException) as refused:
            client.message.send_mass_text("user-000000042", unique("太多了"), preview=True)
        assert refused.value.errcode == 45009
        assert client.message.send_mass_text(openids[42], unique("不限"), preview=True)["errcode"] == 0
    finally:
        sandbox.set_quota(SERVICE, {"name_previews_per_day": None})
    assert client.message.send_mass_text("user-000000042", unique("又可以"), preview=True)["errcode"] == 0


@pytest.mark.library("name previews")
def test_a_hundred_previews_by_name_are_a_day(days: Sandbox) -> None:
    client = connect(days.base, SERVICE.appid, SERVICE.secret)
    for number in range(100):
        client.message.send_mass_text("user-000000042", f"第 {number} 次", preview=True)
    with pytest.raises(APILimitedException):
        client.message.send_mass_text("user-000000042", "第一百零一次", preview=True)
    days.advance(24 * 3600)
    assert client.message.send_mass_text("user-000000042", "第二天", preview=True)["errcode"] == 0
