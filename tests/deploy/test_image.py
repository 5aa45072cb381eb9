"""The steps of the Dockerfile on a bare Debian, and the service that comes out of them.

No Docker is needed, but root and debootstrap are, and a Debian mirror: a minute or two, `python -m pytest -m image
tests/deploy`. The base is Debian's smallest with its own Python, in place of python:3.11-slim, a Debian without manuals
and with a Python of its own.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.app.clients import opened
from tests.deploy import dockerfile

ROOT = Path(__file__).resolve().parent.parent.parent
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
MOST_BYTES = 600_000_000

pytestmark = [pytest.mark.image, pytest.mark.long]


@pytest.fixture(scope="module")
def image(tmp_path_factory, request) -> dockerfile.Stage:
    """The last stage of the Dockerfile."""
    if "image" not in request.config.getoption("markexpr"):
        pytest.skip("builds the image on a bare Debian, three minutes: ask for it by -m image")
    if os.geteuid() or not shutil.which("debootstrap"):
        pytest.skip("needs root and debootstrap: apt-get install debootstrap")
    scratch = tmp_path_factory.mktemp("image")
    base = scratch / "base"
    packages = "python3,python3-venv,ca-certificates"
    subprocess.run(["debootstrap", "--variant=minbase", f"--include={packages}", "bookworm", base], check=True)
    (base / "usr/local/bin/python").symlink_to("/usr/bin/python3")
    shutil.rmtree(base / "var/cache/apt")
    shutil.rmtree(base / "var/lib/apt/lists")
    # What this machine needs to reach others at all.
    for path in ("/etc/resolv.conf", CERTIFICATES):
        if Path(path).exists():
            shutil.copy(path, base / path.lstrip("/"))
    lent = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    lent.pop("PIP_FIND_LINKS", None)
    text = (ROOT / "Dockerfile").read_text("utf-8")
    return dockerfile.build(text, context=_context(scratch), base=base, scratch=scratch, environment=lent)


def _context(scratch: Path) -> Path:
    """What is tracked, or would be."""
    words = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(words, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (scratch / "context" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, scratch / "context" / name)
    return scratch / "context"


@contextmanager
def running(image: dockerfile.Stage):
    """The image's command on a file system that it can't write to, but for /tmp; its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    image.environment["PORT"] = str(port)
    start = f"""
        mount --bind {image.root} {image.root} && mount -o remount,ro,bind {image.root}
        mount -t tmpfs none {image.root}/tmp && mount -t proc none {image.root}/proc && exec "$@"
    """
    words = ["unshare", "--mount", "/bin/sh", "-ec", start, "sh", *image.words(image.command)]
    process = subprocess.Popen(words, env=image.environment)
    try:
        yield process, port
    finally:
        process.terminate()
        process.wait(40)


def ask(port: int, path: str, **options) -> bytes:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", **options)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read()


def test_it_serves_a_photograph_without_root_on_a_file_system_it_cannot_write_to(image, capsys):
    street = (ROOT / "static" / "scenes" / "scene-103.jpg").read_bytes()
    start = time.monotonic()
    with running(image) as (process, port):
        while True:
            assert process.poll() is None, "it ended"
            assert time.monotonic() < start + 90, "it did not get ready"
            try:
                ask(port, "/readyz")
                break
            except OSError:
                time.sleep(0.1)
        overlay = opened(ask(port, "/predict", data=street, headers={"Content-Type": "image/jpeg"}))
        image.run(image.health, timeout=30)
        owners = {int(Path(f"/proc/{pid}").stat().st_uid) for pid in _family(process.pid)}
    assert overlay.format == "PNG"
    assert overlay.size == opened(street).size
    assert owners == {10001}
    with pytest.raises(subprocess.CalledProcessError):
        image.run(image.health, timeout=30, stderr=subprocess.DEVNULL)


def test_it_is_small(image, capsys):
    files = [path.lstat() for path in image.root.rglob("*") if not path.is_symlink()]
    size = sum(status.st_size for status in files)
    with capsys.disabled():
        print(f"\nthe image with its Debian: {size / 1e6:.0f} MB")
    assert size < MOST_BYTES


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in _family(int(child)))]
