"""A mass send with wechatpy, from the token to the event.

    qunfa sandbox                           in another window
    python wechatpy_send.py photo.jpg

QUNFA names a server other than http://127.0.0.1:8080.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from wechatpy import WeChatClient, parse_message
from wechatpy.client.api import WeChatDataCube
from wechatpy.crypto import WeChatCrypto
from wechatpy.utils import check_signature

APPID, SECRET = "wx0000000000000001", "00000000000000000000000000000001"
TOKEN, AES_KEY = "recipeToken", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
TAG = 102

events: Queue[Any] = Queue()


def connect(host: str, appid: str, secret: str) -> WeChatClient:
    """wechatpy as it is, with another host."""

    class DataCube(WeChatDataCube):
        API_BASE_URL = f"{host}/datacube/"

    class Client(WeChatClient):
        API_BASE_URL = f"{host}/cgi-bin/"
        datacube = DataCube()

        def fetch_access_token(self) -> Any:  # the one URL that wechatpy keeps literally
            return self._fetch_access_token(
                url=f"{host}/cgi-bin/token",
                params={"grant_type": "client_credential", "appid": self.appid, "secret": self.secret},
            )

    return Client(appid, secret, timeout=10)


class Callback(BaseHTTPRequestHandler):
    """The account's own server: the check of its URL, then the events."""

    def do_GET(self) -> None:
        query = self.checked_query()
        self.answer(query["echostr"])

    def do_POST(self) -> None:
        query = self.checked_query()
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        crypto = WeChatCrypto(TOKEN, AES_KEY, APPID)
        xml = crypto.decrypt_message(body, query["msg_signature"], query["timestamp"], query["nonce"])
        events.put(parse_message(xml))
        self.answer("success")

    def checked_query(self) -> dict[str, str]:
        query = dict(parse_qsl(urlsplit(self.path).query))
        check_signature(TOKEN, query["signature"], query["timestamp"], query["nonce"])
        return query

    def answer(self, text: str) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())


def main(photo: str) -> None:
    host = os.environ.get("QUNFA", "http://127.0.0.1:8080")
    server = HTTPServer(("127.0.0.1", 0), Callback)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    callback = {
        "url": f"http://127.0.0.1:{server.server_port}/",
        "token": TOKEN,
        "aes_key": AES_KEY,
        "mode": "safe",
    }
    requests.patch(
        f"{host}/v1/accounts/{APPID}",
        json={"callback": callback},
        headers={"Authorization": "Bearer sandbox"},
        timeout=10,
    ).raise_for_status()

    client = connect(host, APPID, SECRET)
    with open(photo, "rb") as file:
        media_id = client.media.upload("image", file)["media_id"]
    # To everybody: send_mass_image(None, media_id, is_to_all=True); to OpenIDs: a list in place of TAG.
    msg_id = client.message.send_mass_image(TAG, media_id)["msg_id"]
    print("sent", msg_id)

    while client.message.get_mass(msg_id)["msg_status"] == "SENDING":
        time.sleep(0.1)
    print("status", client.message.get_mass(msg_id)["msg_status"])

    event = events.get(timeout=30)
    print("event", event.id, event.status, f"{event.sent_count} of {event.total_count}")


if __name__ == "__main__":
    main(sys.argv[1])
