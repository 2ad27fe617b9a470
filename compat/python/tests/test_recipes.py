"""The programs of docs/sdk, as a reader runs them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from materials import JPEG
from sandbox import ROOT, Sandbox

RECIPES = ROOT / "compat" / "python" / "recipes"
OUTPUT = re.compile(r"sent (\d+)\nstatus SEND_SUCCESS\nevent \1 send success 10 of 10\n")


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox as it starts: a reader has lifted no quota, and a recipe sets the callback."""
    server = Sandbox(1000, tmp_path_factory.mktemp("recipes"))
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize("name", ["wechatpy_send.py", "werobot_send.py"])
def test_a_recipe_sends_a_picture_and_prints_its_event(fresh: Sandbox, name: str) -> None:
    ran = subprocess.run(
        [sys.executable, str(RECIPES / name), str(JPEG)],
        env=os.environ | {"QUNFA": fresh.base},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert OUTPUT.fullmatch(ran.stdout), ran.stdout + ran.stderr
