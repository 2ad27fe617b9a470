"""A sandbox and a program with a hosts file that says WeChat is here, and with port 443 for the sandbox.

Run inside `unshare --mount --net`, so that neither is changed for anybody else. The first argument is a
folder to work in, the others are the program.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

from sandbox import Sandbox

HOSTS = ("api.weixin.qq.com", "file.api.weixin.qq.com", "mp.weixin.qq.com")
SET_FLAGS, UP_AND_RUNNING = 0x8914, 0x1 | 0x40


def loopback_up() -> None:
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sh", b"lo", UP_AND_RUNNING))


def point_hosts_here(folder: Path) -> None:
    hosts = folder / "hosts"
    hosts.write_text(Path("/etc/hosts").read_text() + f"\n127.0.0.1 {' '.join(HOSTS)}\n")
    subprocess.run(["mount", "--bind", str(hosts), "/etc/hosts"], check=True)


def main(folder: Path, program: list[str]) -> int:
    loopback_up()
    point_hosts_here(folder)
    ca = folder / "ca"
    flags = ("--intercept", "127.0.0.1:0", "--intercept-tls", "127.0.0.1:443", "--intercept-ca", str(ca))
    server = Sandbox(300, folder, *flags)
    server.start()
    try:
        env = os.environ | {"NODE_EXTRA_CA_CERTS": str(ca / "ca.pem")}
        return subprocess.run(program, env=env).returncode
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
