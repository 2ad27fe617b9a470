"""MASSSENDJOBFINISH, received by wechatpy's own signature check, decryption and parser."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from wechatpy import WeChatClient

from receiver import CallbackReceiver, Push
from sandbox import SERVICE, TAG_EVEN, TAG_HUNDREDTH, Sandbox, wait_for

Delivered = Callable[[dict[str, Any]], int]
Unique = Callable[[str], str]

#: Longer than all tries of one event together (0, 5 and 10 s).
AFTER_ALL_TRIES_SECONDS = 60


@pytest.fixture
def configure(sandbox: Sandbox, receiver: CallbackReceiver) -> Iterator[Callable[[str], None]]:
    """Sets the callback of the service account; afterwards nothing unreadable may have come."""

    def set_mode(mode: str) -> None:
        before = receiver.handshakes
        answer = sandbox.set_callback(SERVICE, receiver.configuration(mode))
        assert answer.ok, f"{answer.status_code} {answer.text}; the receiver says {receiver.failures}"
        assert receiver.handshakes == before + 1

    yield set_mode
    assert receiver.failures == []


@pytest.fixture
def only_push(sandbox: Sandbox, receiver: CallbackReceiver) -> Callable[[int], Push]:
    """The event of a mass, after every possible repetition had its time."""

    def wait(msg_id: int) -> Push:
        wait_for(f"the event of mass {msg_id}", lambda: receiver.finished(msg_id) or None)
        sandbox.advance(AFTER_ALL_TRIES_SECONDS)
        pushes = receiver.finished(msg_id)
        assert len(pushes) == 1, f"{len(pushes)} events of mass {msg_id}"
        return pushes[0]

    return wait


def counts(push: Push) -> tuple[int, int, int, int]:
    event = push.event
    return event.total_count, event.filter_count, event.sent_count, event.error_count


@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
def test_a_finished_mass_is_reported_once_with_exact_counts(
    client: WeChatClient,
    configure: Callable[[str], None],
    only_push: Callable[[int], Push],
    delivered: Delivered,
    unique: Unique,
    mode: str,
) -> None:
    configure(mode)
    msg_id = delivered(client.message.send_mass_text(TAG_EVEN, unique("给一半的人")))
    push = only_push(msg_id)
    assert push.mode == mode
    assert push.event.status == "send success"
    assert push.event.source == "mphelper"
    assert push.event.target.startswith("gh_")
    assert counts(push) == (500, 500, 500, 0)


def test_a_mass_to_everybody_counts_everybody(
    client: WeChatClient,
    configure: Callable[[str], None],
    only_push: Callable[[int], Push],
    delivered: Delivered,
    unique: Unique,
) -> None:
    configure("safe")
    msg_id = delivered(client.message.send_mass_text(None, unique("给所有人"), is_to_all=True))
    assert counts(only_push(msg_id)) == (1000, 1000, 1000, 0)


def test_the_blacklisted_are_counted_and_not_reached(
    sandbox: Sandbox,
    client: WeChatClient,
    openids: list[str],
    configure: Callable[[str], None],
    only_push: Callable[[int], Push],
    delivered: Delivered,
    unique: Unique,
) -> None:
    configure("plain")
    client.tag.batch_black_list([openids[51]])
    try:
        msg_id = delivered(client.message.send_mass_text(openids[50:55], unique("五个人，一个在黑名单")))
        push = only_push(msg_id)
    finally:
        client.tag.batch_unblack_list([openids[51]])
    assert counts(push) == (5, 4, 4, 0)
    found = [len(sandbox.entries_of(SERVICE, openid, msg_id)) for openid in openids[50:55]]
    assert found == [1, 0, 1, 1, 1]


def test_the_ledger_says_what_the_event_said(
    sandbox: Sandbox,
    client: WeChatClient,
    configure: Callable[[str], None],
    only_push: Callable[[int], Push],
    delivered: Delivered,
    unique: Unique,
) -> None:
    configure("plain")
    msg_id = delivered(client.message.send_mass_text(TAG_HUNDREDTH, unique("给十个人")))
    push = only_push(msg_id)
    ledger = sandbox.ledger(SERVICE, msg_id)
    names = ("total_count", "filter_count", "sent_count", "error_count")
    assert tuple(ledger[name] for name in names) == counts(push) == (10, 10, 10, 0)


def test_an_event_that_was_not_taken_comes_again_unchanged(
    sandbox: Sandbox,
    receiver: CallbackReceiver,
    client: WeChatClient,
    configure: Callable[[str], None],
    only_push: Callable[[int], Push],
    delivered: Delivered,
    unique: Unique,
) -> None:
    configure("plain")
    already = len(receiver.broken_bodies)
    receiver.break_next(1)
    msg_id = delivered(client.message.send_mass_text(TAG_HUNDREDTH, unique("第一次没接住")))
    wait_for("the first try", lambda: receiver.broken_bodies[already:] or None)
    sandbox.advance(5)
    push = only_push(msg_id)
    assert receiver.broken_bodies[already:] == [push.body]


def test_a_url_that_fails_its_check_is_not_saved(
    sandbox: Sandbox,
    receiver: CallbackReceiver,
    client: WeChatClient,
    configure: Callable[[str], None],
    only_push: Callable[[int], Push],
    delivered: Delivered,
    unique: Unique,
) -> None:
    configure("plain")
    stranger = CallbackReceiver(SERVICE.appid, "anotherToken", receiver.aes_key)
    stranger.start()
    try:
        answer = sandbox.set_callback(SERVICE, stranger.configuration("plain") | {"token": receiver.token})
        assert 400 <= answer.status_code < 500, f"{answer.status_code} {answer.text}"
        assert len(stranger.failures) == 1
        only_push(delivered(client.message.send_mass_text(TAG_HUNDREDTH, unique("还是原来的地址"))))
        assert stranger.pushes == []
    finally:
        stranger.stop()


def test_no_mass_of_this_session_was_reported_twice(receiver: CallbackReceiver) -> None:
    times = Counter(push.event.id for push in receiver.pushes)
    assert times, "the tests above have to run first"
    assert max(times.values()) == 1, times
    created = Counter(push.event.create_time for push in receiver.pushes)
    assert max(created.values()) == 1, "FromUserName and CreateTime are a receiver's key for repetitions"
