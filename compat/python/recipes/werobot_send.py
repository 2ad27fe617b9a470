"""A mass send with WeRoBot, from the token to the event.

    qunfa sandbox                           in another window
    python werobot_send.py photo.jpg

QUNFA names a server other than http://127.0.0.1:8080.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from queue import Queue
from typing import Any
from wsgiref.simple_server import make_server

import requests
from bottle import Bottle
from requests.adapters import HTTPAdapter
from werobot import WeRoBot
from werobot.contrib.bottle import make_view
from werobot.replies import SuccessReply

APPID, SECRET = "wx0000000000000001", "00000000000000000000000000000001"
TOKEN, AES_KEY = "recipeToken", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
TAG = 102
WECHAT = "https://api.weixin.qq.com/"

events: Queue[Any] = Queue()


def use_host(host: str) -> None:
    """Sends what `requests` is told to send to WeChat to `host`: every URL of WeRoBot is a literal."""

    class Elsewhere(HTTPAdapter):
        def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
            if request.url and request.url.startswith(WECHAT):
                request.url = f"{host}/{request.url.removeprefix(WECHAT)}"
                options["proxies"] = {}  # chosen for the other host
            return super().send(request, *args, **options)

    # WeRoBot makes a new session for every call, and a session takes its adapter from here.
    requests.sessions.HTTPAdapter = Elsewhere  # type: ignore[attr-defined]


def main(photo: str) -> None:
    host = os.environ.get("QUNFA", "http://127.0.0.1:8080")
    use_host(host)
    robot = WeRoBot(
        token=TOKEN, app_id=APPID, app_secret=SECRET, encoding_aes_key=AES_KEY, SESSION_STORAGE=False
    )

    @robot.handler
    def keep(message: Any) -> SuccessReply:
        events.put(message)
        return SuccessReply(message=message)

    app = Bottle()
    app.route("/", ["GET", "POST"], make_view(robot))
    server = make_server("127.0.0.1", 0, app)
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

    client = robot.client
    with open(photo, "rb") as file:
        media_id = client.upload_media("image", file)["media_id"]
    # To everybody: user_list=None; to a list of OpenIDs: user_list=[...].
    msg_id = client.send_mass_msg("image", media_id, user_list=TAG)["msg_id"]
    print("sent", msg_id)

    while client.get_mass_msg_status(msg_id)["msg_status"] == "SENDING":
        time.sleep(0.1)
    print("status", client.get_mass_msg_status(msg_id)["msg_status"])

    # WeRoBot has no class for this event; the elements of the XML are attributes.
    event = events.get(timeout=30)
    print("event", event.message_id, event.Status, f"{event.SentCount} of {event.TotalCount}")


if __name__ == "__main__":
    main(sys.argv[1])
