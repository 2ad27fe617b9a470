"""Uploads: temporary and permanent media, pictures inside articles, news."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests
from wechatpy import WeChatClient
from wechatpy.exceptions import WeChatClientException

from materials import AMR, JPEG, MP4, PNG, article, upload
from sandbox import Sandbox

ID_SIGNS = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")


@pytest.mark.parametrize(
    ("kind", "path"), [("image", JPEG), ("image", PNG), ("thumb", JPEG), ("voice", AMR), ("video", MP4)]
)
def test_a_medium_is_uploaded_and_gets_an_id_of_its_own(client: WeChatClient, kind: str, path: Path) -> None:
    first, second = upload(client, kind, path), upload(client, kind, path)
    assert first != second
    assert set(first) <= ID_SIGNS


@pytest.mark.parametrize(("kind", "path"), [("image", JPEG), ("voice", AMR)])
def test_a_medium_comes_back_as_it_was(client: WeChatClient, kind: str, path: Path) -> None:
    answer = client.media.download(upload(client, kind, path))
    assert isinstance(answer, requests.Response)
    assert answer.content == path.read_bytes()
    assert "filename=" in answer.headers["Content-Disposition"]


def test_a_video_comes_back_as_a_link(sandbox: Sandbox, client: WeChatClient, video_id: str) -> None:
    answer = client.media.download(video_id)
    assert sandbox.fetch(answer["video_url"]).content == MP4.read_bytes()


@pytest.mark.parametrize("path", [JPEG, PNG])
def test_a_picture_for_articles_gets_a_url_with_the_same_bytes(
    sandbox: Sandbox, client: WeChatClient, path: Path
) -> None:
    with path.open("rb") as file:
        url = client.media.upload_image(file)
    assert url.startswith("http")
    assert sandbox.fetch(url).content == path.read_bytes()


def test_a_sound_is_no_picture(client: WeChatClient) -> None:
    with AMR.open("rb") as file, pytest.raises(WeChatClientException) as refused:
        client.media.upload_image(("test.jpg", file))
    assert refused.value.errcode == 40005


def test_news_are_uploaded(client: WeChatClient, thumb_id: str, image_id: str) -> None:
    with JPEG.open("rb") as file:
        url = client.media.upload_image(file)
    answers = [
        client.media.upload_articles([article(cover, url)] * n) for cover, n in ((thumb_id, 1), (image_id, 8))
    ]
    for answer in answers:
        assert answer["type"] == "news"
        assert type(answer["created_at"]) is int
        assert set(answer["media_id"]) <= ID_SIGNS


def test_nine_articles_are_too_many(client: WeChatClient, thumb_id: str) -> None:
    with pytest.raises(WeChatClientException) as refused:
        client.media.upload_articles([article(thumb_id, "")] * 9)
    assert refused.value.errcode == 45008


def test_an_article_without_a_cover_is_refused(client: WeChatClient) -> None:
    with pytest.raises(WeChatClientException) as refused:
        client.media.upload_articles([article("no-such-cover", "")])
    assert refused.value.errcode == 40007


def test_a_video_for_masses_gets_a_new_id(client: WeChatClient, video_id: str) -> None:
    answer = client.media.upload_video(video_id, "春天的湖", "两秒钟")
    assert answer["type"] == "video"
    assert type(answer["created_at"]) is int
    assert answer["media_id"] != video_id
