"""WeRoBot against the same sandbox: every URL in it is a literal, so `requests` is given another adapter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from werobot import WeRoBot
from werobot.client import Client, ClientException

from materials import AMR, JPEG, MP4, PNG, article
from receiver import CallbackReceiver
from recipes.werobot_send import WECHAT, use_host
from sandbox import SERVICE, SUBSCRIPTION, TAG_EVEN, TAG_HUNDREDTH, Account, Sandbox, wait_for

Unique = Callable[[str], str]
Finished = Callable[[dict[str, Any]], int]


@pytest.fixture(scope="module")
def host(sandbox: Sandbox) -> Iterator[str]:
    """Inside this module requests for WeChat go to the sandbox."""
    with pytest.MonkeyPatch.context() as patch:
        # Set to what it is, so that it is put back at the end.
        patch.setattr(requests.sessions, "HTTPAdapter", HTTPAdapter)
        use_host(sandbox.base)
        yield sandbox.base


def client_of(account: Account) -> Client:
    return Client({"APP_ID": account.appid, "APP_SECRET": account.secret})


@pytest.fixture
def bot(host: str) -> Client:
    return client_of(SERVICE)


@pytest.fixture
def finished(bot: Client) -> Finished:
    """Checks the answer to a mass send, waits until WeRoBot says SEND_SUCCESS, returns the msg_id."""

    def wait(answer: dict[str, Any]) -> int:
        assert (answer["errcode"], answer["errmsg"]) == (0, "send job submission success")
        msg_id = answer["msg_id"]

        def done() -> bool | None:
            state = bot.get_mass_msg_status(msg_id)
            assert state["msg_id"] == msg_id
            assert state["msg_status"] in ("SENDING", "SEND_SUCCESS"), state
            return True if state["msg_status"] == "SEND_SUCCESS" else None

        wait_for(f"mass {msg_id} to be sent", done)
        return int(msg_id)

    return wait


def refused(code: int, text: str = "") -> Any:
    """WeRoBot's one exception: number and text in one string, separated by a colon."""
    return pytest.raises(ClientException, match=rf"^{code}: {text}")


def upload(bot: Client, kind: str, path: Path) -> str:
    with path.open("rb") as file:
        answer = bot.upload_media(kind, file)
    assert answer["type"] == kind
    found: str = answer["thumb_media_id" if kind == "thumb" else "media_id"]
    return found


def upload_news(bot: Client, title: str) -> str:
    with JPEG.open("rb") as file:
        url = bot.upload_news_picture(file)["url"]
    answer = bot.upload_news([article(upload(bot, "thumb", JPEG), url, title=title)])
    assert answer["type"] == "news"
    found: str = answer["media_id"]
    return found


# -- tokens ---------------------------------------------------------------------------------------------


def test_a_token_is_fetched_once_and_kept(bot: Client) -> None:
    assert bot.grant_token()["expires_in"] == 7200
    assert bot.token == bot.token


def test_credentials_that_are_wrong_keep_their_codes(host: str) -> None:
    with refused(40125, "invalid appsecret"):
        client_of(Account(SERVICE.appid, "f" * 32)).grant_token()
    with refused(40013, "invalid appid"):
        client_of(Account("wx9999999999999999", SERVICE.secret)).grant_token()


def test_a_stale_token_is_the_callers_business(bot: Client) -> None:
    """WeRoBot repeats nothing; after the error a caller forgets the token and asks again."""
    assert bot.get_tags()["tags"]
    bot._token = "garbage"
    with refused(40001, "invalid credential"):
        bot.get_tags()
    bot._token = None
    assert bot.get_tags()["tags"]


# -- followers and tags ---------------------------------------------------------------------------------


def test_followers_come_page_by_page(bot: Client, openids: list[str]) -> None:
    assert bot.get_followers()["data"]["openid"] == openids
    assert bot.get_followers(openids[499])["data"]["openid"] == openids[500:]
    end = bot.get_followers(openids[-1])
    assert (end["count"], end["next_openid"]) == (0, "")
    assert "data" not in end


def test_followers_are_described_one_by_one_and_together(bot: Client, openids: list[str]) -> None:
    person = bot.get_user_info(openids[0])
    assert (person["openid"], person["subscribe"]) == (openids[0], 1)
    people = bot.get_users_info(openids[:100])["user_info_list"]
    assert [one["openid"] for one in people] == openids[:100]
    with refused(40032):
        bot.get_users_info(openids[:101])
    with refused(40003, "invalid openid"):
        bot.get_user_info("o" + "x" * 27)


def test_a_remark_is_kept(bot: Client, openids: list[str]) -> None:
    assert bot.remark_user(openids[77], '园丁 "A\\B" 🌸')["errcode"] == 0
    assert bot.get_user_info(openids[77])["remark"] == '园丁 "A\\B" 🌸'


def test_a_tag_lives_from_create_to_delete(bot: Client, openids: list[str]) -> None:
    tag = bot.create_tag("机器人小组")["tag"]
    bot.update_tag(tag["id"], "机器人观察小组")
    bot.tag_users(tag["id"], openids[21:25])
    bot.untag_users(tag["id"], [openids[24]])
    listed = next(one for one in bot.get_tags()["tags"] if one["id"] == tag["id"])
    assert (listed["name"], listed["count"]) == ("机器人观察小组", 3)
    assert bot.get_users_by_tag(tag["id"])["data"]["openid"] == openids[21:24]
    assert tag["id"] in bot.get_tags_by_user(openids[21])["tagid_list"]
    assert bot.delete_tag(tag["id"])["errcode"] == 0
    with refused(45159, "invalid tag"):
        bot.tag_users(tag["id"], [openids[0]])


# -- media ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "path"), [("image", JPEG), ("image", PNG), ("thumb", JPEG), ("voice", AMR), ("video", MP4)]
)
def test_a_medium_is_uploaded_under_its_whole_path(bot: Client, kind: str, path: Path) -> None:
    """WeRoBot percent-encodes the whole local path into the file name; only the bytes may count."""
    assert upload(bot, kind, path)


@pytest.mark.parametrize(("kind", "path"), [("image", JPEG), ("voice", AMR)])
def test_a_medium_comes_back_as_it_was(bot: Client, kind: str, path: Path) -> None:
    answer = bot.download_media(upload(bot, kind, path))
    assert answer.content == path.read_bytes()
    assert "filename=" in answer.headers["Content-Disposition"]


def test_a_picture_in_an_article_gets_a_url(sandbox: Sandbox, bot: Client) -> None:
    with PNG.open("rb") as file:
        url = bot.upload_news_picture(file)["url"]
    assert sandbox.fetch(url).content == PNG.read_bytes()


# -- mass sends -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("audience", ["all", "tag", "list"])
@pytest.mark.parametrize("kind", ["text", "image", "voice", "music", "video", "mpnews"])
def test_every_type_reaches_every_audience(
    sandbox: Sandbox,
    bot: Client,
    openids: list[str],
    finished: Finished,
    unique: Unique,
    kind: str,
    audience: str,
) -> None:
    content = {
        "text": lambda: unique('机器人群发 "A\\B" 🌸'),
        "image": lambda: upload(bot, "image", JPEG),
        "voice": lambda: upload(bot, "voice", AMR),
        "music": lambda: upload(bot, "voice", AMR),
        "video": lambda: upload(bot, "video", MP4),
        "mpnews": lambda: upload_news(bot, unique("机器人图文")),
    }[kind]()
    users = {"all": None, "tag": TAG_HUNDREDTH, "list": openids[:2]}[audience]
    # WeRoBot always sends send_ignore_reprint, as a JSON boolean.
    answer = bot.send_mass_msg(kind, content, user_list=users)
    assert ("msg_data_id" in answer) == (kind == "mpnews")
    msg_id = finished(answer)
    entry = sandbox.entry_of(SERVICE, openids[0], msg_id)
    if kind == "text":
        assert entry["text"] == content
    assert len(sandbox.entries_of(SERVICE, openids[5], msg_id)) == (1 if audience == "all" else 0)


def test_an_unknown_type_word_becomes_a_text(
    sandbox: Sandbox, bot: Client, openids: list[str], finished: Finished, unique: Unique
) -> None:
    text = unique("没有这种类型")
    msg_id = finished(bot.send_mass_msg("no-such-type", text, user_list=TAG_HUNDREDTH))
    assert sandbox.entry_of(SERVICE, openids[0], msg_id)["text"] == text


def test_news_that_may_be_reprints_are_sent_with_true(
    bot: Client, finished: Finished, unique: Unique
) -> None:
    news = upload_news(bot, unique("允许转载"))
    finished(bot.send_mass_msg("mpnews", news, user_list=TAG_HUNDREDTH, send_ignore_reprint=True))


def test_a_client_msg_id_sends_once(bot: Client, finished: Finished, unique: Unique) -> None:
    key = unique("werobot")
    finished(bot.send_mass_msg("text", unique("一次"), TAG_HUNDREDTH, client_msg_id=key))
    with refused(45065, "clientmsgid exist"):
        bot.send_mass_msg("text", unique("第二次"), TAG_HUNDREDTH, client_msg_id=key)


def test_a_preview_goes_by_openid_and_by_name(
    sandbox: Sandbox, bot: Client, openids: list[str], unique: Unique
) -> None:
    first, second = unique("按 OpenID"), unique("按微信号")
    assert bot.send_mass_preview_to_user("text", first, openids[61])["errmsg"] == "preview success"
    bot.send_mass_preview_to_user("text", second, "user-000000062", user_type="wxname")
    assert first in sandbox.inbox_texts(SERVICE, openids[61])
    assert second in sandbox.inbox_texts(SERVICE, openids[62])
    with refused(40132, "invalid username"):
        bot.send_mass_preview_to_user("text", second, "no-such-name", user_type="wxname")


def test_news_are_deleted_article_by_article_or_whole(
    bot: Client, finished: Finished, unique: Unique
) -> None:
    msg_id = finished(bot.send_mass_msg("mpnews", upload_news(bot, unique("要删除")), TAG_HUNDREDTH))
    with refused(40060):
        bot.delete_mass_msg(msg_id, article_idx=2)
    # Without article_idx WeRoBot sends 0: the whole message.
    assert bot.delete_mass_msg(msg_id)["errcode"] == 0
    assert bot.get_mass_msg_status(msg_id)["msg_status"] == "DELETE"


def test_the_speed_is_read_and_set(bot: Client) -> None:
    assert bot.get_mass_msg_speed() == {"speed": 0, "realspeed": 80}
    try:
        assert bot.set_mass_msg_speed(3)["errcode"] == 0
        assert bot.get_mass_msg_speed() == {"speed": 3, "realspeed": 30}
    finally:
        bot.set_mass_msg_speed(0)
    with refused(45083):
        bot.set_mass_msg_speed(5)


def test_refusals_keep_their_number_and_text(bot: Client, openids: list[str]) -> None:
    for code, text, send in (
        (40007, "invalid media_id", lambda: bot.send_mass_msg("image", "no-such-id", TAG_HUNDREDTH)),
        (40130, "invalid openid list size", lambda: bot.send_mass_msg("text", "一个人不成群", openids[:1])),
        (40152, "invalid group id", lambda: bot.send_mass_msg("text", "没有这个标签", 99999)),
        (44004, "empty content", lambda: bot.send_mass_msg("text", "", TAG_HUNDREDTH)),
        (40059, "invalid msg id", lambda: bot.get_mass_msg_status(999)),
        (40059, "invalid msg id", lambda: bot.delete_mass_msg(999)),
    ):
        with refused(code, text):
            send()


def test_a_subscription_account_may_not_send_by_openid(host: str) -> None:
    bot = client_of(SUBSCRIPTION)
    with refused(48001, "api unauthorized"):
        bot.send_mass_msg("text", "订阅号不可用", bot.get_followers()["data"]["openid"][:2])


def test_the_adapter_leaves_other_addresses_alone(host: str) -> None:
    assert requests.get(f"{host}/healthz", timeout=5).ok
    assert requests.get(f"{WECHAT}healthz", timeout=5).ok


# -- events ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
def test_the_event_is_read_by_werobot(
    sandbox: Sandbox,
    receiver: CallbackReceiver,
    bot: Client,
    finished: Finished,
    unique: Unique,
    mode: str,
) -> None:
    """The bytes as they came, through WeRoBot's own check of the signature, decryption and parser."""
    assert sandbox.set_callback(SERVICE, receiver.configuration(mode)).ok
    msg_id = finished(bot.send_mass_msg("text", unique("给一半的人"), TAG_EVEN))
    (push,) = wait_for(f"the event of mass {msg_id}", lambda: receiver.finished(msg_id) or None)

    robot = WeRoBot(
        token=receiver.token,
        app_id=SERVICE.appid,
        app_secret=SERVICE.secret,
        encoding_aes_key=receiver.aes_key,
        SESSION_STORAGE=False,
    )
    query = push.query
    assert robot.check_signature(query["timestamp"], query["nonce"], query["signature"])
    event = robot.parse_message(push.body, query["timestamp"], query["nonce"], query.get("msg_signature"))
    assert event.type == "masssendjobfinish_event"
    assert event.message_id == msg_id
    assert (event.source, event.Status) == ("mphelper", "send success")
    assert [event.TotalCount, event.FilterCount, event.SentCount, event.ErrorCount] == [
        "500",
        "500",
        "500",
        "0",
    ]


# -- permanent materials, groups, cards -----------------------------------------------------------------


@pytest.mark.library("materials")
def test_permanent_media_live_from_upload_to_delete(bot: Client) -> None:
    before = bot.get_media_count()["image_count"]
    with JPEG.open("rb") as file:
        added = bot.upload_permanent_media("image", file)
    assert added["url"].startswith("http")
    assert bot.get_media_count()["image_count"] == before + 1
    assert bot.get_media_list("image", 0, 20)["item"][0]["media_id"] == added["media_id"]
    assert bot.download_permanent_media(added["media_id"]).content == JPEG.read_bytes()
    assert bot.delete_permanent_media(added["media_id"])["errcode"] == 0
    assert bot.download_permanent_media(added["media_id"]).json()["errcode"] == 40007


@pytest.mark.library("materials")
def test_a_permanent_video_has_its_description_in_the_form(bot: Client) -> None:
    with MP4.open("rb") as file:
        added = bot.upload_permanent_video("春天的湖", "两秒钟", file).json()
    found = bot.download_permanent_media(added["media_id"]).json()
    assert (found["title"], found["description"]) == ("春天的湖", "两秒钟")


@pytest.mark.library("materials")
def test_permanent_news_are_added_and_changed(bot: Client) -> None:
    with JPEG.open("rb") as file:
        cover = bot.upload_permanent_media("image", file)["media_id"]
    media_id = bot.add_news([article(cover, "", title="机器人永久图文")])["media_id"]
    changed = {"media_id": media_id, "index": 0, "articles": article(cover, "", title="改过")}
    assert bot.update_news(changed)["errcode"] == 0
    assert bot.download_permanent_media(media_id).json()["news_item"][0]["title"] == "改过"


@pytest.mark.library("groups")
def test_a_group_lives_from_create_to_delete(bot: Client, openids: list[str]) -> None:
    group = bot.create_group("机器人分组")["group"]["id"]
    bot.update_group(group, "机器人老分组")
    bot.move_user(openids[821], group)
    bot.move_users([openids[823], openids[825]], group)
    assert bot.get_group_by_id(openids[823])["groupid"] == group
    listed = next(one for one in bot.get_groups()["groups"] if one["id"] == group)
    assert (listed["name"], listed["count"]) == ("机器人老分组", 3)
    assert bot.delete_group(group)["errcode"] == 0


@pytest.mark.library("cards")
def test_a_card_is_sent(
    sandbox: Sandbox, bot: Client, openids: list[str], finished: Finished, unique: Unique
) -> None:
    answer = sandbox.native("POST", f"/v1/accounts/{SERVICE.appid}/cards", json={"title": unique("午餐券")})
    card_id = answer.json()["card_id"]
    msg_id = finished(bot.send_mass_msg("wxcard", card_id, user_list=TAG_HUNDREDTH))
    assert sandbox.entry_of(SERVICE, openids[0], msg_id)["card_id"] == card_id
