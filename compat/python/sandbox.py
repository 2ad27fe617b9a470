"""One `qunfa sandbox` as a child process, and the few native calls the suites need beside the SDK.

Nothing here is used in place of an SDK method: the native API only prepares (quota, callback, followers)
and looks from the other side (inbox, ledger, clock).
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urljoin

import requests

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 30
STOP_SECONDS = 15
SETTLE_SECONDS = 20

Result = TypeVar("Result")


@dataclass(frozen=True)
class Account:
    appid: str
    secret: str


#: Service account, verified, with the payment permission.
SERVICE = Account("wx0000000000000001", "00000000000000000000000000000001")
#: Subscription account, verified.
SUBSCRIPTION = Account("wx0000000000000002", "00000000000000000000000000000002")
#: Service account, not verified.
UNVERIFIED = Account("wx0000000000000003", "00000000000000000000000000000003")

TAG_EVEN, TAG_TENTH, TAG_HUNDREDTH = 100, 101, 102

#: Every limit of an account, lifted.
NO_LIMITS = {
    "sends_per_day": None,
    "calls_per_day": None,
    "receipts_per_month": None,
    "history_per_day": None,
    "history_per_month": None,
    "calls_per_minute": None,
}


def find_binary() -> Path:
    """The binary named by QUNFA_BIN, else the release build, else the debug build."""
    named = os.environ.get("QUNFA_BIN")
    candidates = (
        [Path(named)] if named else [ROOT / "target" / kind / "qunfa" for kind in ("release", "debug")]
    )
    for candidate in candidates:
        if candidate.is_file():
            return candidate.resolve()
    looked = ", ".join(str(candidate) for candidate in candidates)
    raise FileNotFoundError(f"no qunfa binary: looked for {looked}; build one or set QUNFA_BIN")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: str, look: Callable[[], Result | None], seconds: float = SETTLE_SECONDS) -> Result:
    """Asks `look` until it answers something other than None; fails with `what` when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found is not None:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s in vain for {what}")
        time.sleep(0.05)


class Sandbox:
    """A running `qunfa sandbox` with its native API."""

    def __init__(self, followers: int, folder: Path, *flags: str) -> None:
        self.followers = followers
        self._port = free_port()
        self.base = f"http://127.0.0.1:{self._port}"
        self._log = folder / "sandbox.log"
        self._folder = folder
        self._flags = flags
        self._http = requests.Session()
        self._http.headers["Authorization"] = "Bearer sandbox"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [
            str(find_binary()),
            "sandbox",
            "--listen",
            f"127.0.0.1:{self._port}",
            "--followers",
            str(self.followers),
            "--data",
            str(self._folder / "data"),
            *self._flags,
        ]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=subprocess.STDOUT)
        try:
            wait_for("GET /healthz to answer 200", self._healthy, READY_SECONDS)
        except BaseException as error:
            self._process.kill()
            self._process.wait()
            raise RuntimeError(
                f"{' '.join(command)} did not become ready: {error}\n{self.log_tail()}"
            ) from error

    def stop(self) -> None:
        """Asks the server to stop and insists that it does so by itself, without an error."""
        assert self._process is not None
        self._http.close()
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise RuntimeError(
                f"sandbox still ran {STOP_SECONDS} s after SIGTERM\n{self.log_tail()}"
            ) from None
        if code not in (0, -signal.SIGTERM):
            raise RuntimeError(f"sandbox ended with {code}\n{self.log_tail()}")

    def output(self) -> str:
        """All that it printed so far."""
        return self._log.read_text(errors="replace")

    def log_tail(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()[-40:]
        return "\n".join(["last lines of the sandbox:", *lines])

    def _healthy(self) -> bool | None:
        assert self._process is not None
        code = self._process.poll()
        if code is not None:
            raise RuntimeError(f"it ended with {code}")
        try:
            answer = self._http.get(f"{self.base}/healthz", timeout=2)
        except requests.ConnectionError:
            return None
        return True if answer.status_code == 200 else None

    # -- native API ---------------------------------------------------------------------------------

    def native(self, method: str, path: str, **options: Any) -> requests.Response:
        """One native call whose status the caller looks at."""
        return self._http.request(method, self.base + path, timeout=30, **options)

    def _native_json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        answer = self.native(method, path, **options)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        found: dict[str, Any] = answer.json()
        return found

    def set_quota(self, account: Account, quota: Mapping[str, int | None]) -> None:
        answer = self.native("PATCH", f"/v1/accounts/{account.appid}", json={"quota": quota})
        assert answer.ok, f"setting the quota: {answer.status_code} {answer.text}"

    def set_callback(self, account: Account, callback: dict[str, Any]) -> requests.Response:
        return self.native("PATCH", f"/v1/accounts/{account.appid}", json={"callback": callback})

    def import_followers(self, account: Account, csv: str) -> dict[str, Any]:
        return self._native_json(
            "POST",
            f"/v1/accounts/{account.appid}/followers",
            data=csv.encode(),
            headers={"Content-Type": "text/csv; charset=utf-8"},
        )

    def ledger(self, account: Account, msg_id: int) -> dict[str, Any]:
        return self._native_json("GET", f"/v1/accounts/{account.appid}/masses/{msg_id}")

    def advance(self, seconds: int) -> None:
        """Moves the virtual clock; what falls due has run when this returns."""
        self._native_json("POST", "/sandbox/clock", json={"advance_seconds": seconds})

    # -- the follower's side ------------------------------------------------------------------------

    def inbox(self, account: Account, openid: str, page: int = 50) -> list[dict[str, Any]]:
        """Everything in one follower's inbox, newest first, read page by page."""
        return list(self._walk_inbox(account, openid, page))

    def _walk_inbox(self, account: Account, openid: str, page: int) -> Iterator[dict[str, Any]]:
        token = self._native_json(
            "POST", f"/v1/accounts/{account.appid}/inbox-tokens", json={"openid": openid}
        )
        headers = {"Authorization": f"Bearer {token['token']}"}
        cursor = None
        seen: set[Any] = set()
        while True:
            params = {"limit": str(page)} | ({"cursor": cursor} if cursor else {})
            answer = self._native_json("GET", "/inbox/entries", params=params, headers=headers)
            for entry in answer["entries"]:
                assert entry["id"] not in seen, f"the inbox shows entry {entry['id']} twice"
                seen.add(entry["id"])
                yield entry
            cursor = answer.get("next_cursor")
            if not cursor or not answer["entries"]:
                return

    def inbox_texts(self, account: Account, openid: str) -> list[str]:
        return [entry["text"] for entry in self.inbox(account, openid) if entry.get("text")]

    def entries_of(self, account: Account, openid: str, msg_id: int) -> list[dict[str, Any]]:
        return [entry for entry in self.inbox(account, openid) if int(entry["msg_id"]) == msg_id]

    def entry_of(self, account: Account, openid: str, msg_id: int) -> dict[str, Any]:
        """The one entry of a mass in a follower's inbox."""
        entries = self.entries_of(account, openid, msg_id)
        assert len(entries) == 1, f"{len(entries)} entries of mass {msg_id} in the inbox of {openid}"
        return entries[0]

    def fetch(self, url: str) -> requests.Response:
        """A page or a file as a reader's browser gets it, without any token."""
        answer = requests.get(urljoin(self.base + "/", url), timeout=10)
        assert answer.status_code == 200, f"GET {url}: {answer.status_code}"
        return answer
