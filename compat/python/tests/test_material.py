"""The library: permanent material through the SDK's own calls; drafts and publications through its `post`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from wechatpy import WeChatClient
from wechatpy.exceptions import WeChatClientException

from materials import AMR, JPEG, MP4, PNG, article
from sandbox import Sandbox


def add(client: WeChatClient, kind: str, path: Path, *texts: str) -> dict[str, Any]:
    with path.open("rb") as file:
        answer: dict[str, Any] = client.material.add(kind, file, *texts)
    return answer


@pytest.fixture(scope="module")
def cover(client: WeChatClient) -> str:
    found: str = add(client, "thumb", JPEG)["media_id"]
    return found


def test_a_picture_stays_and_has_a_url(sandbox: Sandbox, client: WeChatClient) -> None:
    answer = add(client, "image", PNG)
    assert sandbox.fetch(answer["url"]).content == PNG.read_bytes()
    found = client.material.get(answer["media_id"])
    assert isinstance(found, requests.Response)
    assert found.content == PNG.read_bytes()


def test_a_video_has_its_texts_from_the_query(sandbox: Sandbox, client: WeChatClient) -> None:
    answer = add(client, "video", MP4, "春天的湖", "两秒钟")
    found = client.material.get(answer["media_id"])
    assert (found["title"], found["description"]) == ("春天的湖", "两秒钟")
    assert sandbox.fetch(found["down_url"]).content == MP4.read_bytes()


def test_materials_are_counted_listed_and_deleted(client: WeChatClient) -> None:
    before = client.material.get_count()
    voice = add(client, "voice", AMR)["media_id"]
    assert client.material.get_count()["voice_count"] == before["voice_count"] + 1
    page = client.material.batchget("voice", 0, 1)
    assert page["item_count"] == 1
    assert page["item"][0]["media_id"] == voice
    assert page["item"][0]["name"] == AMR.name
    client.material.delete(voice)
    assert client.material.get_count() == before
    with pytest.raises(WeChatClientException) as refused:
        client.material.get(voice)
    assert refused.value.errcode == 40007


def test_news_are_kept_and_changed(client: WeChatClient, cover: str) -> None:
    news = client.material.add_articles([article(cover, ""), article(cover, "", title="二")])["media_id"]
    client.material.update_article(news, 1, article(cover, "", title="新的二"))
    assert [item["title"] for item in client.material.get(news)][1] == "新的二"
    with pytest.raises(WeChatClientException) as refused:
        client.material.update_article(news, 2, article(cover, ""))
    assert refused.value.errcode == 40114


def test_a_draft_leaves_its_box_when_it_is_sent(
    client: WeChatClient, cover: str, delivered: Callable[[dict[str, Any]], int]
) -> None:
    draft = client.post("draft/add", data={"articles": [article(cover, "")]})["media_id"]
    assert client.post("draft/get", data={"media_id": draft})["news_item"][0]["thumb_media_id"] == cover
    delivered(client.message.send_mass_article(None, draft, is_to_all=True))
    with pytest.raises(WeChatClientException) as refused:
        client.message.send_mass_article(None, draft, is_to_all=True)
    assert refused.value.errcode == 40007


def test_a_draft_is_published(sandbox: Sandbox, client: WeChatClient, cover: str) -> None:
    draft = client.post("draft/add", data={"articles": [article(cover, "")]})["media_id"]
    submitted = client.post("freepublish/submit", data={"media_id": draft})
    published = client.post("freepublish/get", data={"publish_id": submitted["publish_id"]})
    assert published["publish_status"] == 0
    assert sandbox.fetch(published["article_detail"]["item"][0]["article_url"]).status_code == 200
