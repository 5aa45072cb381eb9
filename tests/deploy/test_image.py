"""The steps of the Dockerfile on a bare Debian, and the service that comes out of them.

No Docker is needed, but root and debootstrap are, and a Debian mirror: a minute or two, `python -m pytest -m image
tests/deploy`. The base is Debian's smallest with its own Python, in place of python:3.11-slim, a Debian without manuals
and with a Python of its own.
"""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.services import free_port
from tests.app.clients import opened
from tests.deploy import debian, dockerfile

ROOT = Path(__file__).resolve().parent.parent.parent
MOST_BYTES = 600_000_000

pytestmark = [pytest.mark.image, pytest.mark.long]


@pytest.fixture(scope="module")
def image(tmp_path_factory, request) -> dockerfile.Stage:
    """The last stage of the Dockerfile."""
    debian.asked_for(request, "image", "builds the image on a bare Debian, three minutes")
    scratch = tmp_path_factory.mktemp("image")
    base = debian.install(scratch / "base", "python3,python3-venv,ca-certificates")
    (base / "usr/local/bin/python").symlink_to("/usr/bin/python3")
    text = (ROOT / "Dockerfile").read_text("utf-8")
    context = debian.committed(scratch / "context")
    return dockerfile.build(text, context=context, base=base, scratch=scratch, environment=debian.lent())


@contextmanager
def running(image: dockerfile.Stage):
    """The image's command on a file system that it can't write to, but for /tmp; its port."""
    port = free_port()
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


def test_it_serves_a_photograph_without_root_on_a_file_system_it_cannot_write_to(image, capsys):
    street = (ROOT / "static" / "scenes" / "scene-103.jpg").read_bytes()
    with running(image) as (process, port):
        debian.wait_until_ready(port, process)
        overlay = opened(debian.ask(port, "/predict", data=street, headers={"Content-Type": "image/jpeg"}))
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
