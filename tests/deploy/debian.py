"""A bare Debian in a folder, what would be committed of this repository, and what both are asked over HTTP."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
SEARCHED = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
_START_LIMIT = 90  # seconds


def asked_for(request: pytest.FixtureRequest, marker: str, what: str) -> None:
    """Skip unless the marker is named by -m, and there is what a bare Debian is made with."""
    if marker not in request.config.getoption("markexpr"):
        pytest.skip(f"{what}: ask for it by -m {marker}")
    if os.geteuid() or not shutil.which("debootstrap"):
        pytest.skip("needs root and debootstrap: apt-get install debootstrap")


def install(root: Path, packages: str) -> Path:
    """Make Debian's smallest root, with packages and what they need; return it."""
    subprocess.run(["debootstrap", "--variant=minbase", f"--include={packages}", "bookworm", root], check=True)
    shutil.rmtree(root / "var/cache/apt")
    shutil.rmtree(root / "var/lib/apt/lists")
    # What this machine needs to reach others at all.
    for path in ("/etc/resolv.conf", CERTIFICATES):
        if Path(path).exists():
            shutil.copy(path, root / path.lstrip("/"))
    return root


def lent() -> dict[str, str]:
    """Return the settings of pip that this machine needs to reach an index."""
    return {name: value for name, value in os.environ.items() if name.startswith("PIP_") and name != "PIP_FIND_LINKS"}


def committed(folder: Path) -> Path:
    """Copy what is tracked, or would be by `git add`, into a folder; return it."""
    words = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(words, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():  # a tracked file may be deleted but not yet committed
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def ask(port: int, path: str, **options) -> bytes:
    """Return the body of an answer that is a success."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", **options)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read()


def wait_until_ready(port: int, process: subprocess.Popen, *, said: Callable[[], str] = str) -> None:
    """Return once the service of a process is ready; fails with what it said where it ends or takes too long."""
    ends = time.monotonic() + _START_LIMIT
    while True:
        assert process.poll() is None, f"it ended: {said()}"
        assert time.monotonic() < ends, f"it did not get ready: {said()}"
        try:
            ask(port, "/readyz")
            return
        except OSError:
            time.sleep(0.1)
