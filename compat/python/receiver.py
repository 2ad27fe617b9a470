"""A developer's callback server as wechatpy's users write it, on a loopback port.

It checks every signature with wechatpy's own functions, decrypts with wechatpy's own class and parses with
wechatpy's own parser. What it cannot accept it answers with 403 and keeps in `failures`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import xmltodict
from wechatpy import parse_message
from wechatpy.crypto import WeChatCrypto
from wechatpy.events import MassSendJobFinishEvent
from wechatpy.exceptions import WeChatException
from wechatpy.utils import check_signature


@dataclass(frozen=True)
class Push:
    """One accepted POST."""

    mode: str
    event: Any
    body: bytes
    query: dict[str, str]


class Refused(Exception):
    """Why the receiver does not accept a request."""


class CallbackReceiver:
    """The URL, and what came to it."""

    def __init__(self, appid: str, token: str, aes_key: str) -> None:
        self.token = token
        self.aes_key = aes_key
        self.failures: list[str] = []
        self.handshakes = 0
        self._crypto = WeChatCrypto(token, aes_key, appid)
        self._pushes: list[Push] = []
        self._broken_bodies: list[bytes] = []
        self._break_next = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        # A query string of one's own must survive.
        return f"http://127.0.0.1:{self._server.server_port}/callback?channel=compat"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def configuration(self, mode: str) -> dict[str, Any]:
        return {"url": self.url, "token": self.token, "aes_key": self.aes_key, "mode": mode, "verify": True}

    def break_next(self, count: int) -> None:
        """The next `count` pushes are answered with 500, as by a receiver that is being restarted."""
        with self._lock:
            self._break_next = count

    @property
    def broken_bodies(self) -> list[bytes]:
        with self._lock:
            return list(self._broken_bodies)

    @property
    def pushes(self) -> list[Push]:
        with self._lock:
            return list(self._pushes)

    def finished(self, msg_id: int) -> list[Push]:
        """The accepted MASSSENDJOBFINISH events of one mass."""
        return [
            push
            for push in self.pushes
            if isinstance(push.event, MassSendJobFinishEvent) and push.event.id == msg_id
        ]

    # -- what a request must be ---------------------------------------------------------------------

    def on_get(self, query: dict[str, str]) -> bytes:
        """The check of the URL: signature and echostr in clear, in every mode."""
        self._check_signature(query)
        if "encrypt_type" in query:
            raise Refused("the handshake carries encrypt_type")
        if not query.get("echostr"):
            raise Refused("the handshake carries no echostr")
        with self._lock:
            self.handshakes += 1
        return query["echostr"].encode()

    def on_post(self, query: dict[str, str], content_type: str, body: bytes) -> bytes:
        with self._lock:
            if self._break_next > 0:
                self._break_next -= 1
                self._broken_bodies.append(body)
                raise ConnectionError("told to break")
        self._check_signature(query)
        if not content_type.startswith("text/xml"):
            raise Refused(f"Content-Type is {content_type!r}")
        if not body.startswith(b"<"):
            raise Refused(f"the body starts with {body[:8]!r}")
        mode, xml = self._open(query, body)
        with self._lock:
            self._pushes.append(Push(mode, parse_message(xml), body, query))
        return b"success"

    def _check_signature(self, query: dict[str, str]) -> None:
        if query.get("channel") != "compat":
            raise Refused(f"the URL's own query string is gone: {query}")
        for name in ("signature", "timestamp", "nonce"):
            if not query.get(name):
                raise Refused(f"no {name} in the query")
        check_signature(self.token, query["signature"], query["timestamp"], query["nonce"])

    def _open(self, query: dict[str, str], body: bytes) -> tuple[str, str]:
        """Finds the mode from the request, as middleware does, and returns the message in clear."""
        outer = xmltodict.parse(body.decode())["xml"]
        if query.get("encrypt_type", "raw") == "raw":
            if "Encrypt" in outer or "msg_signature" in query:
                raise Refused("plain mode with parts of the encrypted one")
            return "plain", body.decode()
        if query["encrypt_type"] != "aes" or "msg_signature" not in query:
            raise Refused(f"encrypted mode with the query {sorted(query)}")
        inner = self._crypto.decrypt_message(
            body.decode(), query["msg_signature"], query["timestamp"], query["nonce"]
        )
        in_clear = {name: value for name, value in outer.items() if name != "Encrypt"}
        message = xmltodict.parse(inner)["xml"]
        if set(in_clear) == {"ToUserName"}:
            if in_clear["ToUserName"] != message["ToUserName"]:
                raise Refused("the envelope names another account than the message")
            return "safe", inner
        if in_clear != message:
            raise Refused(f"compatible mode says two things: {in_clear} and {message}")
        return "compatible", inner

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                query = self._query()
                self._answer(lambda: receiver.on_get(query))

            def do_POST(self) -> None:
                query = self._query()
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                content_type = self.headers.get("Content-Type", "")
                self._answer(lambda: receiver.on_post(query, content_type, body))

            def _query(self) -> dict[str, str]:
                return {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}

            def _answer(self, work: Callable[[], bytes]) -> None:
                status = 200
                try:
                    content = work()
                except ConnectionError:
                    status, content = 500, b""
                except (Refused, WeChatException) as error:
                    status, content = 403, b""
                    receiver.failures.append(f"{self.command} {self.path}: {error}")
                except Exception as error:
                    status, content = 403, b""
                    receiver.failures.append(f"{self.command} {self.path}: cannot be read: {error!r}")
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:
                """Silent: pytest shows what matters."""

        return Handler
