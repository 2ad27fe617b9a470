"""Programs that only know WeChat's own addresses, against `qunfa sandbox --intercept`.

Nothing in the programs is changed: each runs in a shell into which the lines were pasted that the sandbox
printed.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import NO_LIMITS, SERVICE, TAG_HUNDREDTH, Sandbox

HERE = Path(__file__).resolve().parent
JPEG = HERE.parent / "fixtures" / "test.jpg"
PROGRAMS = HERE / "programs"
ARGUMENTS = [SERVICE.appid, SERVICE.secret, str(JPEG), str(TAG_HUNDREDTH)]
FOLLOWERS = 300
SECONDS = 300


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder = tmp_path_factory.mktemp("intercept")
    flags = ("--intercept", "127.0.0.1:0", "--intercept-ca", str(folder / "the ca"))
    server = Sandbox(FOLLOWERS, folder, *flags)
    server.start()
    server.set_quota(SERVICE, NO_LIMITS)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def pasted(sandbox: Sandbox) -> str:
    """What the sandbox printed to be pasted into a shell."""
    text = sandbox.output()
    begin = text.index("# every program below")
    lines = text[begin : text.index("# without a proxy")].splitlines()
    # A machine without Java has no keytool either.
    return "\n".join(line for line in lines if shutil.which("keytool") or not line.startswith("keytool"))


def run(pasted: str, command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """One program in a fresh shell; what the tests' own shell says about proxies and CAs is not in it."""
    ours = ("_PROXY", "_BUNDLE", "_CERT_FILE")
    kept = {name: value for name, value in os.environ.items() if not name.upper().endswith(ours)}
    script = f"set -e\n{pasted}\n{shlex.join(command)}"
    return subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=kept | {"TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )


def python(name: str, folder: Path) -> list[str]:
    return [sys.executable, str(PROGRAMS / name)]


def go(_: str, folder: Path) -> list[str]:
    # Modules come from outside, so they are fetched and built before the environment is the sandbox's.
    program = folder / "send"
    subprocess.run(["go", "build", "-o", str(program), "."], cwd=HERE / "go", check=True, timeout=SECONDS)
    return [str(program)]


def java(name: str, folder: Path) -> list[str]:
    return ["java", str(PROGRAMS / name)]


def curl(name: str, folder: Path) -> list[str]:
    return [str(PROGRAMS / name)]


@pytest.mark.parametrize(
    ("command", "name", "needs"),
    [
        (curl, "send.sh", "curl"),
        (python, "wechatpy_send.py", "bash"),
        (python, "werobot_send.py", "bash"),
        (go, "chanxuehong/wechat", "go"),
        (java, "Send.java", "keytool"),
    ],
    ids=["curl", "wechatpy", "WeRoBot", "Go: chanxuehong", "Java"],
)
def test_a_mass_goes_out_with_nothing_but_the_environment(
    sandbox: Sandbox, pasted: str, tmp_path: Path, command: Any, name: str, needs: str
) -> None:
    if shutil.which(needs) is None:
        pytest.skip(f"{needs} is not installed")
    done = run(pasted, [*command(name, tmp_path), *ARGUMENTS], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["status"] == "SEND_SUCCESS"
    assert sandbox.ledger(SERVICE, found["msg_id"])["sent_count"] == FOLLOWERS / 100


def test_an_sdk_that_takes_no_proxy_comes_by_the_hosts_file(tmp_path: Path) -> None:
    apart = ["unshare", "--map-root-user", "--mount", "--net"]
    if shutil.which("node") is None or shutil.which("unshare") is None:
        pytest.skip("node or unshare is not installed")
    if subprocess.run([*apart, "true"], capture_output=True).returncode != 0:
        pytest.skip("no hosts file and no port 443 of its own can be had on this machine")
    program = ["node", str(PROGRAMS / "co-wechat-api-send.mjs"), *ARGUMENTS]
    done = subprocess.run(
        [*apart, sys.executable, str(PROGRAMS / "by_hosts.py"), str(tmp_path), *program],
        env=os.environ | {"PYTHONPATH": str(HERE.parent / "python")},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["status"] == "SEND_SUCCESS"


def test_a_program_learns_that_other_hosts_are_not_reached(pasted: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        dialled: list[object] = []
        threading.Thread(target=lambda: dialled.append(foreign.accept()), daemon=True).start()
        url = f"https://127.0.0.1:{foreign.getsockname()[1]}/"
        program = f"import requests; requests.get({url!r}, timeout=5)"
        # Else a program goes to this machine itself.
        pasted += "\nunset NO_PROXY no_proxy"
        done = run(pasted, [sys.executable, "-c", program], tmp_path)
        assert done.returncode == 1
        assert "403 Forbidden by qunfa sandbox" in done.stderr
        assert dialled == []
