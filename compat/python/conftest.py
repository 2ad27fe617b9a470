"""What the tests share: one sandbox, one client per account, one callback receiver, the fixture files."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from wechatpy import WeChatClient

from library import leave_out
from materials import AMR, JPEG, MP4, upload
from receiver import CallbackReceiver
from recipes.wechatpy_send import connect
from sandbox import NO_LIMITS, SERVICE, SUBSCRIPTION, UNVERIFIED, Account, Sandbox, wait_for

FOLLOWERS = 1000

# A proxy of the environment must not come between the tests and the loopback interface.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    server = Sandbox(FOLLOWERS, tmp_path_factory.mktemp("sandbox"))
    server.start()
    server.set_quota(SERVICE, NO_LIMITS)
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def _library(request: pytest.FixtureRequest) -> None:
    """Leaves out what the server does not have yet."""
    for mark in request.node.iter_markers("library"):
        leave_out(request.getfixturevalue("sandbox"), *mark.args)


@pytest.fixture(scope="session")
def connector(sandbox: Sandbox) -> Callable[[Account], WeChatClient]:
    """Makes fresh clients, for tests that spoil their client's token."""
    return lambda account: connect(sandbox.base, account.appid, account.secret)


@pytest.fixture(scope="session")
def client(sandbox: Sandbox) -> WeChatClient:
    return connect(sandbox.base, SERVICE.appid, SERVICE.secret)


@pytest.fixture(scope="session")
def subscription_client(sandbox: Sandbox) -> WeChatClient:
    return connect(sandbox.base, SUBSCRIPTION.appid, SUBSCRIPTION.secret)


@pytest.fixture(scope="session")
def unverified_client(sandbox: Sandbox) -> WeChatClient:
    return connect(sandbox.base, UNVERIFIED.appid, UNVERIFIED.secret)


@pytest.fixture(scope="session")
def openids(client: WeChatClient) -> list[str]:
    """All followers of the service account in their order: the first is user-000000000."""
    found: list[str] = client.user.get_followers()["data"]["openid"]
    assert len(found) == FOLLOWERS
    return found


@pytest.fixture(scope="session")
def receiver(sandbox: Sandbox) -> Iterator[CallbackReceiver]:
    """The service account's callback URL. Tests choose the mode; the URL stays for the session."""
    server = CallbackReceiver(
        SERVICE.appid, token="compatToken", aes_key="AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
    )
    server.start()
    yield server
    server.stop()
    # Also the events of masses that other tests sent must have been readable.
    assert server.failures == []


@pytest.fixture
def unique() -> Callable[[str], str]:
    """Texts no other test sends: an identical mass within 24 hours would be refused (45065)."""
    return lambda text: f"{text}（第 {next(_numbers)} 封）"


@pytest.fixture
def delivered(client: WeChatClient) -> Callable[[dict[str, Any]], int]:
    """Checks the answer to a mass send, waits until mass/get says SEND_SUCCESS, returns the msg_id."""

    def wait(answer: dict[str, Any]) -> int:
        assert answer["errcode"] == 0
        assert answer["errmsg"] == "send job submission success"
        msg_id = answer["msg_id"]
        assert type(msg_id) is int

        def done() -> bool | None:
            state = client.message.get_mass(msg_id)
            assert state["msg_id"] == msg_id
            assert "errcode" not in state
            assert state["msg_status"] in ("SENDING", "SEND_SUCCESS"), state
            return True if state["msg_status"] == "SEND_SUCCESS" else None

        wait_for(f"mass {msg_id} to be sent", done)
        return msg_id

    return wait


@pytest.fixture(scope="session")
def image_id(client: WeChatClient) -> str:
    return upload(client, "image", JPEG)


@pytest.fixture(scope="session")
def voice_id(client: WeChatClient) -> str:
    return upload(client, "voice", AMR)


@pytest.fixture(scope="session")
def video_id(client: WeChatClient) -> str:
    return upload(client, "video", MP4)


@pytest.fixture(scope="session")
def thumb_id(client: WeChatClient) -> str:
    return upload(client, "thumb", JPEG)
