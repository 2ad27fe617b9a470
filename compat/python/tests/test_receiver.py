"""The callback receiver itself, against the test vectors of the documents. Needs no server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import InvalidAppIdException, InvalidSignatureException
from wechatpy.utils import WeChatSigner, check_signature

from receiver import CallbackReceiver

APPID = "wx0123456789abcdef"
TOKEN = "qunfaToken"
AES_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
TIMESTAMP, NONCE = "1790000000", "4711"
ENCRYPTED = (
    "4j/AuRx71kQlxVlzbpsMWPUqllsaXV9t+0K48Eyy8R/9zYbSmBKc+8Go7kOiwcq0"
    "+fdPG1YP9u2xzkC0z+1xu7E7qQxxNbGEZOJzOBlywptaVSPlgEFaaWDEX0hPvkJv"
)
MSG_SIGNATURE = "a5409251ec2676b0d4497b5c173e0901c867aba4"
SIGNATURE = "4f8147fc8e9be4396fbf53ce5956b42c15119789"
IN_CLEAR = "<xml><ToUserName><![CDATA[gh_qunfa]]></ToUserName></xml>"

EVENT = (
    "<ToUserName><![CDATA[gh_qunfa0000001]]></ToUserName><FromUserName><![CDATA[mphelper]]></FromUserName>"
    "<CreateTime>1474854569</CreateTime><MsgType><![CDATA[event]]></MsgType>"
    "<Event><![CDATA[MASSSENDJOBFINISH]]></Event><MsgID>1000000001</MsgID>"
    "<Status><![CDATA[send success]]></Status><TotalCount>100</TotalCount><FilterCount>80</FilterCount>"
    "<SentCount>75</SentCount><ErrorCount>5</ErrorCount>"
)


@pytest.fixture
def own_receiver() -> Iterator[CallbackReceiver]:
    server = CallbackReceiver(APPID, TOKEN, AES_KEY)
    server.start()
    yield server
    server.stop()


def signed(**more: str) -> dict[str, str]:
    return {"signature": SIGNATURE, "timestamp": TIMESTAMP, "nonce": NONCE} | more


def sealed(xml: str, appid: str = APPID) -> tuple[str, str]:
    """Encrypt and msg_signature of a message, as wechatpy makes them."""
    crypto = WeChatCrypto(TOKEN, AES_KEY, appid)
    reply = crypto.encrypt_message(xml, NONCE, TIMESTAMP)
    encrypt = reply.split("<Encrypt><![CDATA[")[1].split("]]>")[0]
    signature = reply.split("<MsgSignature><![CDATA[")[1].split("]]>")[0]
    return encrypt, signature


def post(receiver: CallbackReceiver, query: dict[str, str], body: str) -> requests.Response:
    headers = {"Content-Type": "text/xml"}
    return requests.post(receiver.url, params=query, data=body.encode(), headers=headers, timeout=5)


def test_the_official_signature_sample_passes() -> None:
    check_signature("AAAAA", "899cf89e464efb63f54ddac96b0a0a235f53aa78", "1714037059", "486452656")


def test_the_signature_of_our_vector_passes_and_another_does_not() -> None:
    check_signature(TOKEN, SIGNATURE, TIMESTAMP, NONCE)
    with pytest.raises(InvalidSignatureException):
        check_signature(TOKEN, SIGNATURE, TIMESTAMP, "4712")


def test_our_encryption_vector_decrypts() -> None:
    body = (
        f"<xml><ToUserName><![CDATA[gh_qunfa]]></ToUserName><Encrypt><![CDATA[{ENCRYPTED}]]></Encrypt></xml>"
    )
    crypto = WeChatCrypto(TOKEN, AES_KEY, APPID)
    assert crypto.decrypt_message(body, MSG_SIGNATURE, TIMESTAMP, NONCE) == IN_CLEAR
    with pytest.raises(InvalidAppIdException):
        WeChatCrypto(TOKEN, AES_KEY, "wx0000000000000000").decrypt_message(
            body, MSG_SIGNATURE, TIMESTAMP, NONCE
        )
    with pytest.raises(InvalidSignatureException):
        crypto.decrypt_message(body, SIGNATURE, TIMESTAMP, NONCE)


def test_the_handshake_is_answered_with_echostr(own_receiver: CallbackReceiver) -> None:
    answer = requests.get(own_receiver.url, params=signed(echostr="5927"), timeout=5)
    assert (answer.status_code, answer.text) == (200, "5927")
    assert own_receiver.handshakes == 1


def test_a_handshake_with_a_wrong_signature_is_refused(own_receiver: CallbackReceiver) -> None:
    answer = requests.get(own_receiver.url, params=signed(nonce="1", echostr="5927"), timeout=5)
    assert answer.status_code == 403
    assert own_receiver.handshakes == 0
    assert len(own_receiver.failures) == 1


@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
def test_an_event_is_read_in_every_mode(own_receiver: CallbackReceiver, mode: str) -> None:
    encrypt, msg_signature = sealed(f"<xml>{EVENT}</xml>")
    envelope = f"<Encrypt><![CDATA[{encrypt}]]></Encrypt>"
    if mode == "plain":
        answer = post(own_receiver, signed(), f"<xml>{EVENT}</xml>")
    else:
        clear = EVENT if mode == "compatible" else "<ToUserName><![CDATA[gh_qunfa0000001]]></ToUserName>"
        query = signed(encrypt_type="aes", msg_signature=msg_signature)
        answer = post(own_receiver, query, f"<xml>{clear}{envelope}</xml>")
    assert (answer.status_code, answer.text) == (200, "success"), own_receiver.failures
    (push,) = own_receiver.finished(1000000001)
    assert push.mode == mode
    event = push.event
    assert (event.status, event.source, event.target) == ("send success", "mphelper", "gh_qunfa0000001")
    assert (event.total_count, event.filter_count, event.sent_count, event.error_count) == (100, 80, 75, 5)


def test_what_a_strict_receiver_must_refuse_is_refused(own_receiver: CallbackReceiver) -> None:
    encrypt, msg_signature = sealed(f"<xml>{EVENT}</xml>")
    envelope = f"<Encrypt><![CDATA[{encrypt}]]></Encrypt>"
    aes = signed(encrypt_type="aes", msg_signature=msg_signature)
    other_encrypt, other_signature = sealed(f"<xml>{EVENT}</xml>", appid="wx9999999999999999")
    foreign = f"<xml><ToUserName>gh</ToUserName><Encrypt><![CDATA[{other_encrypt}]]></Encrypt></xml>"
    cases = {
        "white space first": (signed(), f"\n<xml>{EVENT}</xml>"),
        "a forged signature": (signed(signature="0" * 40), f"<xml>{EVENT}</xml>"),
        "encrypted without saying so": (signed(), f"<xml>{EVENT}{envelope}</xml>"),
        "clear and encrypted parts differ": (aes, f"<xml>{EVENT.replace('75', '76')}{envelope}</xml>"),
        "another account's message": (signed(encrypt_type="aes", msg_signature=other_signature), foreign),
        "not XML": (signed(), "<xml"),
        "not signed": ({}, f"<xml>{EVENT}</xml>"),
    }
    for number, (what, (query, body)) in enumerate(cases.items(), start=1):
        assert post(own_receiver, query, body).status_code == 403, what
        assert len(own_receiver.failures) == number, what
    assert own_receiver.pushes == []


def test_a_receiver_told_to_break_answers_500_and_then_works(own_receiver: CallbackReceiver) -> None:
    own_receiver.break_next(1)
    assert post(own_receiver, signed(), f"<xml>{EVENT}</xml>").status_code == 500
    assert post(own_receiver, signed(), f"<xml>{EVENT}</xml>").status_code == 200
    assert own_receiver.broken_bodies == [own_receiver.pushes[0].body]
    assert own_receiver.failures == []


def test_the_vector_signature_is_the_sorted_sha1() -> None:
    signer = WeChatSigner()
    signer.add_data(TOKEN, TIMESTAMP, NONCE, ENCRYPTED)
    assert signer.signature == MSG_SIGNATURE
