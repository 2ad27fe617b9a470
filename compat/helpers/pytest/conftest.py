"""`qunfa_sandbox`: a sandbox of its own for every test that asks for it. Standard library only; copy it."""

import json
import os
import shutil
import subprocess
import urllib.parse
import urllib.request

import pytest

# Tests talk to this machine, whatever proxies the environment names.
_HTTP = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Sandbox:
    """A running `qunfa sandbox`: `base_url`, `accounts` (service, subscription, unverified), `admin_token`."""

    def __init__(self, followers=1000, *options):
        binary = os.environ.get("QUNFA_BIN") or shutil.which("qunfa")
        if binary is None:
            raise RuntimeError("no qunfa: set QUNFA_BIN or put it on the PATH")
        command = [binary, "sandbox", "--listen", "127.0.0.1:0", "--ready", "-", "--stop-with-stdin", "--start", "2026-11-02T10:00:00+08:00"]
        self._process = subprocess.Popen(
            [*command, "--followers", str(followers), *options],
            env={"QUNFA_LOG_LEVEL": "warn", **os.environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the sandbox ended with {self._process.wait()} before it was ready")
        ready = json.loads(line)
        self.base_url = ready["base_url"]
        self.admin_token = ready["admin_token"]
        names = ("service", "subscription", "unverified")
        self.accounts = dict(zip(names, ready["accounts"], strict=True))

    def stop(self):
        """Stops it and waits until nothing of it is left."""
        self._process.stdin.close()
        status = self._process.wait(timeout=30)
        self._process.stdout.close()
        if status != 0:
            raise RuntimeError(f"the sandbox ended with {status}")

    def request(self, method, path, body=None, bearer=None):
        """Any request; the JSON of the answer."""
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        request = urllib.request.Request(self.base_url + path, data, method=method)
        request.add_header("Content-Type", "application/json")
        if bearer:
            request.add_header("Authorization", f"Bearer {bearer}")
        with _HTTP.open(request, timeout=60) as answer:
            return json.load(answer)

    def call(self, account, path, body=None):
        """A call of the compatible API with the account's token; GET without a body."""
        query = {
            "grant_type": "client_credential",
            "appid": account["appid"],
            "secret": account["secret"],
        }
        token = self.request("POST", "/cgi-bin/stable_token", query)["access_token"]
        mark = "&" if "?" in path else "?"
        query = urllib.parse.urlencode({"access_token": token})
        return self.request("GET" if body is None else "POST", f"{path}{mark}{query}", body)

    def advance(self, *, days=0, hours=0, minutes=0, seconds=0):
        """Moves the clock; everything that falls due on the way has happened when this returns."""
        span = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
        return self.request("POST", "/sandbox/clock", {"advance_seconds": span}, self.admin_token)["now"]

    def openid(self, account, number=0):
        """The OpenID of the account's follower with this number."""
        return self.call(account, "/cgi-bin/user/get")["data"]["openid"][number]

    def inbox(self, openid, account=None):
        """What a follower has received, oldest first; `account` is the service account unless said otherwise."""
        account = account or self.accounts["service"]
        path = f"/v1/accounts/{account['appid']}/inbox-tokens"
        token = self.request("POST", path, {"openid": openid}, self.admin_token)["token"]
        entries, cursor = [], ""
        while True:
            page = self.request("GET", f"/inbox/entries?limit=100&cursor={cursor}", bearer=token)
            entries += page["entries"]
            cursor = page.get("next_cursor")
            if not cursor:
                return entries[::-1]


@pytest.fixture
def qunfa_sandbox():
    sandbox = Sandbox()
    yield sandbox
    sandbox.stop()
