"""The files of `compat/fixtures` and how wechatpy uploads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from wechatpy import WeChatClient

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
JPEG, PNG, AMR, MP4 = (FIXTURES / f"test.{kind}" for kind in ("jpg", "png", "amr", "mp4"))


def upload(client: WeChatClient, kind: str, path: Path) -> str:
    """Uploads one temporary medium and returns its id."""
    with path.open("rb") as file:
        answer = client.media.upload(kind, file)
    assert answer["type"] == kind
    assert type(answer["created_at"]) is int
    found: str = answer["thumb_media_id" if kind == "thumb" else "media_id"]
    return found


def article(thumb_media_id: str, image_url: str, **changes: Any) -> dict[str, Any]:
    """The article of article.json with its two placeholders filled."""
    text = (FIXTURES / "article.json").read_text(encoding="utf-8")
    text = text.replace("THUMB_MEDIA_ID", thumb_media_id).replace("IMAGE_URL", image_url)
    found: dict[str, Any] = json.loads(text)["articles"][0]
    return found | changes
